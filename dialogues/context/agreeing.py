"""A yes or a no, written in words to what was just offered: to be written to later, to show words to authors, or to
report a red flag.

Whoever is asked "Shall I write to you here?" answers as often in words as by the button. Only a whole message is read
so, only while the offer is the last that was said, and never where "are you safe right now?" is still open: there the
words are its answer. A child presses the button: "Danger now?" may stand above the offer, and a yes must not be lost to
it. What is no clear yes is no consent, so "ok" is none. Forms are of folded words (`fold`). Drafted by machine, for
native review.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from dialogues.knowledge.search import fold
from dialogues.runtime.model import DialogueState, UserMessage
from dialogues.runtime.payload import read_payload

#: Nobody agrees in more letters.
LONGEST: Final = 60

_PLEASE: Final = r"(?: (?:please|pls|svp|s'il (?:vous|te) plait|por favor|من فضلك|لو سمحت))?"
_PLAIN_YES: Final = r"(?:yes|yeah|yep|yup|oui|ouais|si|نعم|ايوه|ايوا|اجل)"
_YES: Final = (
    _PLAIN_YES,
    r"(?:yes )?(?:write to me|show (?:these|the|my) words|please do|of course)",
    r"(?:oui )?(?:m'ecrire|ecris-moi|ecrivez-moi|montrer ces mots|montre ces mots|montrez ces mots|bien sur)",
    r"(?:si )?(?:escribeme|escribame|escribirme|(?:ensenar|mostrar|muestra) estas palabras)",
    r"(?:si )?(?:por supuesto|claro(?: que si)?)",
    r"(?:نعم )?(?:اكتب لي|اكتبوا لي|الكتابه لي|عرض هذه الكلمات|طبعا|اكيد)",
)
_NO: Final = (
    r"(?:no|nope|non|لا|كلا)(?: (?:thanks?(?: you)?|merci|gracias|شكرا))?",
    r"(?:no )?(?:do not|don't) (?:write|show)(?: (?:it|them|to me))?",
)
_ANSWERS: Final[Mapping[str, re.Pattern[str]]] = {
    "yes": re.compile(f"(?:{'|'.join(_YES)}){_PLEASE}"),
    "no": re.compile(f"(?:{'|'.join(_NO)})"),
}
_BEGINS_WITH_YES: Final = re.compile(rf"\W*{_PLAIN_YES}(?!\w)")
_SIGNS: Final = re.compile(r"[.,;:!¡،؛…\"«»“”\s]+")


def as_agreeing(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a press of the button it stands for, where it is a yes or a no to what was offered last."""
    words = _SIGNS.sub(" ", fold(message.text[: LONGEST + 1]).replace("’", "'")).strip()
    if message.intent == "in_danger" or not 0 < len(words) <= LONGEST:
        return message
    offered = offered_last(state)
    if not offered or state.active_loop.get("name") or state.slots.get("safety_question"):
        return message
    if state.slots.get("audience") == "child":
        return message
    for answer, forms in _ANSWERS.items():
        if forms.fullmatch(words) is not None:
            return pressed(message, str(offered[answer]))
    return message


def begins_with_yes(folded: str) -> bool:
    """Whether a plain yes is the first word."""
    return _BEGINS_WITH_YES.match(folded) is not None


def pressed(message: UserMessage, button: str) -> UserMessage:
    """As a tap comes in. Its words say no more."""
    tap = read_payload(button)
    if tap is None:
        return message
    told = {"text": tap.text, "intent": tap.intent, "confidence": tap.confidence, "entities": tap.entities}
    return replace(message, ranking=tap.ranking, **told)


def offered_last(state: DialogueState) -> Mapping[str, Any]:
    """What the last turn offered, if it did: whatever was said since, the offer no longer stands."""
    for event in reversed(state.events):
        if event.get("event") == "user":
            break
        if event.get("event") == "slot" and event.get("name") == "offered" and event.get("value"):
            offered: Mapping[str, Any] = event["value"]
            return offered
    return {}
