"""Whether a line of a summary that others wrote says what is so now, or that it is not so, over, or doubted.

A line of ours has no such word: it is written down because it is so. After HL7 FHIR R4: `status`, `clinicalStatus` and
`verificationStatus` of the resources of an International Patient Summary.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from bot.kernel.words import N_


class Why(StrEnum):
    """Why a line is not taken for one that counts."""

    NOT_SO = "not_so"
    OVER = "over"
    UNSURE = "unsure"
    NO_WORDS = "no_words"
    TOO_MANY = "too_many"
    NO_PLACE = "no_place"
    STATUS = "status"
    NOT_FIT = "not_fit"


WHYS: Mapping[Why, str] = MappingProxyType(
    {
        Why.NOT_SO: N_("They say that this is not so, was not given, or was written by mistake."),
        Why.OVER: N_("They say that this is over or stopped."),
        Why.UNSURE: N_("They say that this is only suspected."),
        Why.NO_WORDS: N_("There is a line here without words that can be read. Look at the original."),
        Why.TOO_MANY: N_("There are more lines than fit here. Look at the original."),
        Why.NO_PLACE: N_("This is no learning. A school record has no place for it."),
        Why.STATUS: N_("This is about asylum, papers, police or trafficking. Anybody may read a record: leave it out."),
        Why.NOT_FIT: N_("Its date or its length does not fit. Write it into the sheet by hand."),
    }
)


class LeftOut(Struct, frozen=True):
    """A line that an officer has to see, and that cannot be taken over by a tick."""

    section: str  # or the code of a fact
    text: str
    why: Why


_NOT_SO = frozenset({"entered-in-error", "refuted", "not-done", "not-taken", "cancelled", "draft", "preparation"})
_OVER = frozenset({"inactive", "resolved", "remission", "stopped", "on-hold", "completed"})
_UNSURE = frozenset({"unconfirmed", "provisional", "differential"})
#: Where "completed" means that it is over. A vaccination or an operation that was completed has taken place.
_GO_ON = frozenset({"problems", "allergies", "medicines", "devices"})


def why_not(section: str, resource: Mapping[str, Any]) -> Why | None:
    """Why this resource does not count as a line of its section; None where it does.

    A suspected allergy counts: to leave it out could harm.
    """
    said = {_code(resource.get(name)) for name in ("status", "clinicalStatus", "verificationStatus")}
    if said & _NOT_SO or resource.get("doNotPerform") is True:
        return Why.NOT_SO
    if section in _GO_ON and said & _OVER:
        return Why.OVER
    return Why.UNSURE if section == "problems" and said & _UNSURE else None


def _code(value: Any) -> str:
    if isinstance(value, dict):
        coding = value.get("coding")
        first = coding[0] if isinstance(coding, list) and coding and isinstance(coding[0], dict) else {}
        value = first.get("code") or value.get("text")
    return value if isinstance(value, str) else ""
