"""Sentences of the pages about requests between countries: what happened, why it did not, why nothing was done."""

from __future__ import annotations

from collections.abc import Mapping

from bot.kernel.words import N_

#: Why something was not done, as a sentence. The page then shows how things stand.
PROBLEMS: Mapping[str, str] = {
    "moved_on": N_("The request has moved on. Nothing was changed: look at it again."),
    "not_yours": N_("Somebody else has to do this. Nothing was changed."),
    "gate": N_("Nothing was sent: the refugee gate is shut. Read why below."),
    "hold": N_("Nothing was sent: the tie of this adult is not supported, or a hold stands."),
    "hold_named": N_(
        "Nothing was kept or sent: with whom the child goes has the name of an adult whose tie is not supported, or on "
        "whom a hold stands. If it is somebody else of that name, open a dossier for them, and choose them. For a "
        "guardian of that name, two bodies say so on the page of the adult."
    ),
    "hold_likely": N_(
        "Nothing was sent: an adult with whom the child may not go may be named. Change the words, or say in writing "
        "below why the child does not go with them; a second person reads it."
    ),
    "file_names_adult": N_(
        "Nothing was attached: its title may name an adult with whom the child may not go. Say what the file shows "
        "without a name."
    ),
    "channel": N_("Nothing was sent: the channel to this partner is closed."),
    "incomplete": N_("Something is missing. Nothing was changed."),
    "override": N_("This cannot be decided against the gate now."),
    "override_same": N_("It takes two people in two different roles."),
    "not_told_in_chat": N_("Nothing was said: the chat may not be written in now. Look at the case."),
    "erased": N_("The words of this case were erased. Nothing more can be said about it."),
    "answered_before": N_("This question has an answer already."),
    "not_asked": N_("This was not asked."),
    "consent": N_("Nothing was sent: nobody has agreed yet that this partner is told this. Read below whom to ask."),
    "not_told": N_("First say in the file of the case whether the child was told of this. Nothing was sent."),
    "second_person": N_("Nothing was sent: where somebody could not be asked, a second person lets the answers go."),
    "handed_over": N_("The file of this case is on its way to a partner, or with them. Nothing was changed."),
    "already_offered": N_("This case is offered to a partner already. Nothing was changed."),
    "still_asking": N_("Another request about this case still waits for an answer. Close or withdraw it first."),
    "siblings": N_(
        "Brothers and sisters travel together. Each needs an approved request to the same partner. Nothing was sent."
    ),
    "sibling_stays": N_(
        "A brother or sister who travels along was refused or taken back. Refuse this one too: they can be offered "
        "together again."
    ),
    "siblings_missing": N_("A brother or sister travels along, whose offer has not come yet. Wait for it."),
    "no_such_case": N_("There is no case of yours with this number. Nothing was changed."),
    "file_too_large": N_("The file is too large for one letter. Shorten its longest notes."),
    "no_such_file": N_("There is no such file any more. Nothing was changed."),
    "too_many_files": N_("There are as many files as can go along already. Nothing was changed."),
    "taken_back": N_("Nothing was sent: the partner who told us this took it back."),
    "answers_taken_back": N_("Nothing was changed: we took back what we had answered here."),
    "hold_focal": N_("The hold stands: ask the focal point first, and wait a day for their answer."),
    "hold_of_theirs": N_("The hold stands: the partner who told us of it can end it."),
    "relatives_agree": N_("Nothing was sent: a relative who is looked for is asked first."),
}

#: What happened to a request. Codes that are not here are shown as they are.
ACTS: Mapping[str, str] = {
    "draft": N_("drafted"),
    "redraft": N_("changed"),
    "approve": N_("approved"),
    "send_back": N_("sent back for changes"),
    "send": N_("sent"),
    "deliver": N_("delivered"),
    "see": N_("seen by a human"),
    "accept": N_("accepted"),
    "disclosed": N_("the personal part was sent"),
    "body_came": N_("the personal part came"),
    "body_kept_back": N_("the personal part was kept back"),
    "gate_shut_since": N_("the gate would stop it now"),
    "hold_focal_asked": N_("the focal point was asked about the hold"),
    "hold_end_agreed": N_("somebody here said that the hold may end"),
    "hold_ended_here": N_("two people here ended the hold, its partner cannot be heard"),
    "rang_together": N_("this partner sounded the alarm very often: people are called for several at once"),
    "named_said": N_("somebody wrote why the child does not go with an adult who may be named"),
    "named_agreed": N_("a second person agreed to it"),
    "named_undone": N_("that was taken back"),
    "answer_written": N_("an answer was written, not sent yet"),
    "answer": N_("answers were sent"),
    "answer_part": N_("answers came"),
    "answer_all": N_("every answer is there"),
    "answer_returned": N_("something came that does not count"),
    "answer_told": N_("what was answered was told in the chat"),
    "answer_not_counted": N_("they could not use an answer"),
    "refuse": N_("refused"),
    "withdraw": N_("withdrawn"),
    "asked_to_forget": N_("the consent was taken back: the partner was asked to keep nothing"),
    "consent_ended": N_("the time of the consent is over: the partner may keep nothing"),
    "override_ended": N_("what two officers decided has run out: ask for consent, or decide again"),
    "not_told": N_("the channel is closed: call the partner and ask that they keep nothing"),
    "kept_no_longer": N_("what they told us was destroyed here: the agreement lets us keep it no longer"),
    "forgotten": N_("what they told us was destroyed here"),
    "forgotten_there": N_("the partner confirms that it keeps nothing"),
    "reminded": N_("the partner was reminded"),
    "reminder_came": N_("the partner reminds us"),
    "escalated": N_("overdue: call the focal point"),
    "expire": N_("expired without an answer"),
    "close": N_("closed"),
    "message": N_("a message was sent"),
    "message_waits": N_("a message that may name an adult on hold waits for a second person"),
    "message_read": N_("a second person let a message go that may name an adult on hold"),
    "message_dropped": N_("a message that waited for a second person was not sent"),
    "message_came": N_("a message came"),
    "letter_failed": N_("a letter could not be delivered"),
    "letter_stopped": N_("a letter that waited was not sent"),
    "sent_again": N_("what had not arrived was sent again"),
    "answer_again": N_("what had not arrived was sent again"),
    "hold_told": N_("the partner was told of the hold"),
    "hold_not_told": N_("the partner could not be told of the hold: call them"),
    "hold_came": N_("the partner told us of a hold"),
    "hold_ended": N_("the hold has ended"),
    "hold_end_told": N_("the partner was told that the hold has ended"),
    "hold_end_arrived": N_("the partner has signed that it heard of the end of the hold"),
    "hold_end_not_told": N_("the channel is closed: call the partner and say that the hold has ended"),
    "hold_end_kept": N_("the partner reads behind a link: call them and say that the hold has ended"),
    "hold_agreed": N_("we said that the hold may end"),
    "hold_agreed_there": N_("the partner says that the hold may end"),
    "override_asked": N_("one person asked to go against the gate"),
    "override_agreed": N_("a second person agreed to go against the gate"),
    "came": N_("came"),
    "rang": N_("a case was opened, so that somebody here is called"),
    "link_made": N_("a link and a code were made for the partner"),
    "link_ended": N_("no link opens any more"),
    "link_opened": N_("the link was opened"),
    "link_accepted": N_("accepted behind the link"),
    "link_refused": N_("refused behind the link"),
    "link_answer": N_("answered behind the link"),
    "link_message": N_("a message was written behind the link"),
    "link_withdrawal_done": N_("said behind the link that they keep nothing"),
    "link_wrong_code": N_("a wrong code was typed behind the link"),
    "mail_sent": N_("the e-mail with the link was sent"),
    "mail_reminded": N_("an e-mail reminded the partner that the request waits"),
    "mail_not_reminded": N_("no e-mail could remind the partner: call them"),
    "mail_failed": N_("the e-mail with the link was not taken"),
    "shown": N_("the personal part was shown behind the link"),
    "not_shown": N_("the personal part was not shown: look at the gate, the holds and the consent"),
    "file_came": N_("a file came"),
    "file_given": N_("a file was saved behind the link"),
    "file_attached": N_("a file was attached"),
    "file_taken_off": N_("a file was taken off"),
    "file_sent": N_("a file was sent"),
    "file_arrived": N_("the partner confirms that a file arrived whole"),
    "file_failed": N_("a file did not arrive: attach it again"),
    "file_spoilt": N_("a file was spoilt on the way and not kept"),
    "file_expired": N_("a file was deleted: its time was over"),
    "offered": N_("the case was offered"),
    "transfer_handed": N_("the file of the case is on its way"),
    "transfer_offered": N_("the file was not taken: it may be sent again"),
    "transfer_moved": N_("the case has changed hands"),
    "transfer_stayed": N_("the case was not handed over"),
    "waits_for_siblings": N_("accepted; the brothers and sisters are waited for"),
    "child_arrived": N_("the child was seen there"),
    "child_missed": N_("the child did not come"),
    "arrival_unconfirmed": N_("nobody has said in time that the child arrived"),
    "person_told": N_("the bot told the person in the chat"),
    "person_not_told": N_("the bot told the person nothing"),
    "kept_after_call": N_("the partner said by phone that it does not have the file"),
    "taken_against_word": N_("the partner has opened the case although it had said it did not have it: call them"),
    "passed_on_said": N_("the partner was told who has it from us"),
    "passed_further_said": N_("the partner was told that one more has it from us"),
    "holder_forgot_said": N_("the partner was told that one who had it from us keeps nothing"),
    "passing_not_told": N_("the partner could not be told who has it from us: it is said again"),
    "passing_refused": N_("the partner does not take in who has it from us: it is not said again"),
    "passed_on_there": N_("the partner says who has it from them"),
    "holder_forgot": N_("the partner says that one who had it from them keeps nothing"),
    "holder_called": N_("one who had it from the partner said by phone that they keep nothing"),
    "taken_back_above": N_("the partner who told us took it back, and two officers here had decided: decide again"),
    "answers_taken_back": N_("we took back what we had answered"),
    "answers_forgotten": N_("the partner took back what it had answered: its words were destroyed here"),
    "withdrawn_after_move": N_("the partner took it back after the case was ours: call them"),
}

#: Why something that was to leave stayed here, beside what happened.
WHY_NOT: Mapping[str, str] = {
    "gate": N_("the refugee gate is shut"),
    "hold": N_("a hold stands, or the tie of the adult is not supported"),
    "consent": N_("nobody's consent carries it any more"),
    "not_told": N_("nobody has said in the file whether the child was told"),
    "channel": N_("the channel to the partner is closed"),
    "withdrawn": N_("the request was withdrawn"),
    "taken_back": N_("the partner who told us took it back"),
    "file_is_old": N_("a hold or a fear was recorded since: send the file again"),
    "file_too_large": N_("the file is too large for one letter"),
}


def sentence_of(problem: str | None) -> str | None:
    """The sentence for a code; None where nothing was wrong."""
    return PROBLEMS.get(problem, PROBLEMS["moved_on"]) if problem else None
