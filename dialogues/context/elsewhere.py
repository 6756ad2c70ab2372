"""A place, right after results: the same is looked for there. "No, in Ventimiglia" under three beds in Calais was asked
what it needs.

Only a message that names a place and nothing else that is looked for is read so, and only while results are what was
shown last. Danger and the wish for a person are heard as such.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from dialogues.context.narrowing import shows_results
from dialogues.runtime.model import DialogueState, Entity, UserMessage

#: What such words are taken for. Whoever asks a question is answered.
_TAKEN_FOR: Final = frozenset({"inform", "deny", "nlu_fallback"})
LONGEST: Final = 60
INTENT: Final = "search_service"


def as_elsewhere(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a search for what was just looked for, in the last place that it names."""
    need = state.slots.get("need_shown")
    places = [entity for entity in message.entities if entity.name == "place"]
    if message.intent not in _TAKEN_FOR or not places or not need or not 0 < len(message.text) <= LONGEST:
        return message
    waits = state.active_loop.get("name") or state.slots.get("safety_question")
    if waits or message.text.startswith("/") or not shows_results(state.events):
        return message
    told = (Entity("need", str(need)), places[-1])
    return replace(message, intent=INTENT, confidence=1.0, ranking=((INTENT, 1.0),), entities=told)
