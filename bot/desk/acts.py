"""What happened to a case, as sentences. `{name}` is who did it, `{other}` whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.kernel.words import N_

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "offered": N_("{name} offers the case to {other}"),
        "offer_declined": N_("{name} declined the case"),
        "offer_withdrawn": N_("{name} took the offer back"),
        "offer_lapsed": N_("{other} did not answer the offer in time"),
        "glass_broken": N_("{name} does not hold the case and opened it for an hour, with a reason"),
        "glass_seen": N_("{name} looked at why the case was opened"),
        "reviewed": N_("{name} reviewed how the case was done"),
        "recorded": N_("{name} wrote to the record"),
        "task_added": N_("{name} added a task"),
        "task_done": N_("{name} finished a task"),
        "risk_assessed": N_("{name} assessed the risk"),
        "risk_signed": N_("{name} signed a lower risk"),
        "stage": N_("{name} took the next step"),
        "referral_sent": N_("{name} referred the person"),
        "referral_seen": N_("The referral was opened"),
        "referral_accepted": N_("The referral was accepted"),
        "referral_declined": N_("The referral was declined"),
        "referral_attended": N_("The person went there"),
        "referral_missed": N_("The person did not get there"),
        "referral_concluded": N_("{name} finished the referral"),
        "referral_withdrawn": N_("{name} took the referral back"),
        "referral_feedback": N_("{name} wrote down what the child says about it"),
        "referral_silent": N_("Nobody has answered the referral: half of its time is gone"),
        "contact": N_("{name} wrote down a conversation"),
        "consent_recorded": N_("{name} recorded a consent"),
        "assent_recorded": N_("{name} recorded what the child says"),
        "override_recorded": N_("{name} asks to share without consent"),
        "override_seconded": N_("{name} agreed to share without consent"),
        "consent_withdrawn": N_("{name} recorded that consent was withdrawn"),
        "carried_written": N_("{name} wrote to a record the child can carry"),
        "carried_made": N_("{name} made a record for the child to carry"),
        "carried_brought": N_("{name} read a record that was brought"),
        "carried_taken_over": N_("{name} took lines over from a record that was brought"),
        "receipt_given": N_("The person was given a return code"),
        "came_back": N_("Somebody wrote the return code from another phone"),
        "given_to_owner": N_("Whoever holds the first case answers here too"),
        "return_agreed": N_("{name} is sure that it is the same person: the talk goes on on the new phone"),
        "return_refused": N_("{name} says that it is somebody else: the return code does not work any more"),
        "duress_word_agreed": N_("A word was agreed for when somebody else holds the phone"),
        "watch_ended": N_("{name} is sure that the person has their phone to themselves again"),
        "primero_written": N_("{name} wrote a file of the case for another agency"),
        "safe_time_said": N_("The person said when or how they may be written to"),
        "safe_time_asked": N_("{name} asked when the person may be written to"),
        "answer_waits": N_("{name} wrote an answer that waits until it is safe"),
        "waiting_answer_sent": N_("The answer of {name} that had waited was sent"),
        "answer_taken_back": N_("{name} took back an answer that waited"),
        "sent_though_unsafe": N_("{name} wrote outside the time that the person called safe"),
        "file_again": N_("{name} had a file fetched again"),
        "original_opened": N_("{name} took the original of a file, with a reason"),
        "restricted_opened": N_("{name} opened what is restricted in the file, with a reason"),
        "guest_invited": N_("{name} let somebody into the talk"),
        "guest_opened": N_("Whoever was let in opened the talk"),
        "guest_wrote": N_("Whoever was let in wrote to the officer"),
        "guest_withdrawn": N_("{name} lets them in no more"),
        "told_who_has": N_("The person was told who has something from their file"),
        "recipient_stopped": N_("A recipient stopped using what they had"),
    }
)
