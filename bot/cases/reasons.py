"""Why a case was opened: a code in the database, a sentence on the desk."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.kernel.words import N_

#: A case that is none: see `drill`.
DRILL = "drill"

#: The person asked that what we know of them is erased.
WANTS_ERASURE = "wants_erasure"

#: The 21 crisis codes, then what else brings a person into the queue.
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "immediate_danger": N_("In danger now"),
        "duress": N_("The agreed word was written: somebody else may hold the phone"),
        "medical_emergency": N_("Medical emergency"),
        "suicide_self_harm": N_("Suicide or self-harm"),
        "sexual_abuse": N_("Sexual abuse"),
        "physical_abuse": N_("Beaten or neglected"),
        "trafficking": N_("Trafficking"),
        "labour_exploitation": N_("Exploited at work"),
        "missing_child": N_("Missing child"),
        "non_parent_adult": N_("Unverified adult"),
        "removal_imminent": N_("About to be sent away"),
        "detention": N_("Child locked up"),
        "threats": N_("Threatened"),
        "kidnap_ransom": N_("Held for ransom"),
        "child_marriage": N_("Child marriage"),
        "fgm_harmful": N_("Genital mutilation"),
        "online_sexual": N_("Sexual blackmail online"),
        "armed_recruitment": N_("Forced to fight"),
        "baby_abandoned": N_("Baby left alone"),
        "staff_misconduct": N_("Harmed by staff"),
        "hate_violence": N_("Attack on people"),
        "homeless_tonight": N_("No bed tonight"),
        "asked_for_person": N_("Asks for a person"),
        "ask_human": N_("Asks for a person"),
        "report_case": N_("Report by a worker"),
        "from_agency": N_("Handed over by another agency"),
        "came_back": N_("Came back from another phone"),
        "own_file": N_("Asks who has their file"),
        WANTS_ERASURE: N_("Wants what we know erased"),
        "wants_code": N_("Asks for a new return code"),
        "understanding_failed": N_("Not understood by the bot"),
        "no_answer": N_("No approved answer"),
        DRILL: N_("Drill: nobody is in danger"),
    }
)

#: Closed because another deployment has the case now: where it is can be read here, and nothing else.
TRANSFERRED = "transferred"

#: Closed because it is about the same child as another case, which goes on.
DUPLICATE = "duplicate"

UNKNOWN_REASON = N_("Needs a person")

SILENT = "silent"
#: Why a case is closed.
CLOSINGS: Mapping[str, str] = MappingProxyType(
    {
        "helped": N_("The person got what they asked for"),
        "referred": N_("Handed to a service or an agency"),
        SILENT: N_("The person stopped writing"),
        "wrong": N_("Not a call for help"),
        "other": N_("Another reason"),
    }
)

#: Why an officer writes outside the time that a person called safe.
ALTHOUGH_UNSAFE: Mapping[str, str] = MappingProxyType(
    {
        "danger": N_("They may be in danger now"),
        "writes_now": N_("They wrote just now and wait for this"),
        "agreed": N_("They said that it is all right now"),
    }
)


#: Why an officer takes the original of a file, with the place and time hidden in it.
WHY_ORIGINAL: Mapping[str, str] = MappingProxyType(
    {
        "danger": N_("Somebody is in danger now, and the copy is not enough"),
        "authority": N_("An authority asked for it and may have it"),
        "unreadable": N_("There is no copy, or it does not open"),
    }
)


def reason_title(reason: str) -> str:
    """The source sentence for a reason; a code nobody knows still has a name."""
    return REASONS.get(reason, UNKNOWN_REASON)
