"""Somebody who told of danger and asks what to do asks about that danger, and not who we are.

The answer to danger has the button "What to do now" for whoever tells of a child; many write it, or ask for "the steps"
of a text they were not given yet. A child who asks gets the child's text about the same danger; where somebody may be
at the door, what can be done at once. Only a whole message is read so. Forms are of folded words (`fold`). Drafted by
machine, for native review.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from dialogues.context.asking_on import OF_DANGER, given_last, plain
from dialogues.context.hiding import AT_ONCE
from dialogues.context.hiding import INTENT as WHERE_TO_HIDE
from dialogues.knowledge.dangers import IN_DANGER
from dialogues.runtime.model import DialogueState, Entity, UserMessage

#: Nobody asks it in more letters.
LONGEST: Final = 80
#: Who is in danger anew, asks for a person or answers the question is heard so.
_GO_FIRST: Final = frozenset({"in_danger", "not_safe", "ask_human", "affirm", "deny", "share_location"})
_WELL: Final = (
    r"(?:(?:ok|okay|so|but|and|please|help|yes|bon|mais|et|alors|oui|y|pero|bueno|si|طيب|و|نعم)[,.!]?\s+){0,2}"
)
_CHILD: Final = r"(?:her|him|them|it|the (?:child|girl|boy)|this child)"
_FORMS: Final = (
    r"(?:tell me )?what (?:(?:do|should|must|can|shall) (?:i|we)|(?:i|we) (?:should|must|can)) (?:do|say)"
    rf"(?: (?:now|first|next|here))?(?: (?:about|for|with|to) {_CHILD})?(?: now)?",
    r"what (?:to do|now)(?: now| first)?|and now|(?:tell me )?what to do(?: now)?",
    r"(?:show me )?(?:the )?(?:steps|check ?list|procedure|instructions)|step by step|what are the steps",
    rf"how (?:do|should|can) (?:i|we) (?:help|act|react|protect|talk to)(?: {_CHILD})?",
    r"(?:que|qu'est[ -]ce que) (?:(?:je|on) )?(?:dois|doit|faut|puis|peut|peux|dire)?[ -]?(?:je|on"
    r"|il)? ?(?:faire|fais|fait|dire)"
    r"(?: maintenant| d'abord| pour (?:elle|lui|l'enfant))?",
    r"(?:je|on) (?:fais|fait|dois faire|dit|dis) quoi(?: maintenant)?|quoi faire|et maintenant",
    r"(?:les |des )?etapes|(?:la )?(?:liste|procedure|marche a suivre)|etape par etape|comment (?:l'aider|reagir|agir)",
    r"(?:ahora )?(?:que|q) (?:hago|hacemos|debo hacer|debemos hacer|tengo que hacer|puedo hacer|le digo|hay que hacer)"
    r"(?: ahora| primero)?|y ahora(?: que)?|ahora que|(?:los )?pasos|(?:la )?lista|(?:el )?procedimiento|paso a paso"
    r"|como (?:la |lo |le )?(?:ayudo|ayudamos|actuo)(?: (?:a la nina|al nino))?",
    r"(?:ماذا|شو|ايش|وش|ما الذي) (?:(?:يجب|لازم|ممكن) (?:ان )?)?"
    r"(?:افعل|نفعل|اعمل|نعمل|بعمل|منعمل|اسوي|نسوي|بسوي|ساوي|بساوي|فعله|اقول لها|اقول له)"
    r"(?: الان| هلق| اولا)?|والان(?: ماذا)?|(?:ال)?خطوات|(?:ال)?قايمه|(?:ال)?اجراء|خطوه (?:ب)?خطوه"
    r"|(?:shu|shou|chou|sho) (?:a3mel|a3mil|b3mel|ba3mel)(?: (?:halla2|hala2|hla2))?"
    r"|كيف (?:اساعدها|اساعده|نساعدها|نساعده|اتصرف)",
)
_ASKS: Final = re.compile(f"{_WELL}(?:{'|'.join(_FORMS)})")


def as_acting(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a press of "What to do now", where it asks that after danger was told of."""
    reason = state.slots.get("danger_reason")
    if not reason or message.intent in _GO_FIRST or message.text.startswith("/"):
        return message
    waits = state.slots.get("safety_question") and not state.slots.get("asked_by_text")
    if state.active_loop.get("name") or not (waits or given_last(state.events) in OF_DANGER):
        return message
    if not 0 < len(message.text.strip()) <= LONGEST or _ASKS.fullmatch(plain(message.text)) is None:
        return message
    if state.slots.get("audience") == "worker" or state.slots.get("speaks_for_child"):
        return _meant(message, "procedure_now")
    if reason in AT_ONCE:
        return _meant(message, WHERE_TO_HIDE) if waits else message
    if reason not in IN_DANGER:
        return message
    return _meant(message, "procedure", procedure=IN_DANGER[str(reason)], audience="child")


def _meant(message: UserMessage, intent: str, **told: str) -> UserMessage:
    entities = tuple(Entity(name, value) for name, value in told.items())
    return replace(message, intent=intent, confidence=1.0, ranking=((intent, 1.0),), entities=entities)
