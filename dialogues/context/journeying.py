"""A message that names a child and the countries of its way asks what changes on it, with no other word of asking.

"Girl, 16, moved from Italy to France" reads like somebody who tells where they are. Only what begins with a child of
whom somebody else writes is read so, and only where nothing else was understood. Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from dialogues.knowledge.countries import countries_named
from dialogues.knowledge.search import fold
from dialogues.runtime.model import DialogueState, Entity, UserMessage

#: The text that speaks of what countries do for one another.
_TEXT: Final = "cross_border_request"
#: What such a message is taken for: somebody who tells a fact, or nothing.
_ELSE: Final = frozenset({"inform", "nlu_fallback", "out_of_scope"})
LONGEST: Final = 300

_A_CHILD: Final = re.compile(
    r"\W*(?:an? |the |un |une |le |la |l'|el |ال)?(?:unaccompanied |separated )?"
    r"(?:girl|boy|child|minor|teen(?:ager)?|kid|uam|uasc"
    r"|fille|garcon|enfant|mineure?|jeune|ado|adolescente?|mna"
    r"|nin[oa]|chic[oa]|muchach[oa]|menor|nna|joven"
    r"|فتاه|فتي|بنت|ولد|طفله?|قاصره?|مراهقه?|صبي|شاب)(?!\w)"
)


def as_journey(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a question about the way of a child, where it tells of one and of nothing else."""
    if message.intent not in _ELSE or not 0 < len(message.text) <= LONGEST or message.text.startswith("/"):
        return message
    busy = state.active_loop.get("name") or state.slots.get("safety_question")
    if busy or state.slots.get("audience") == "child" or _A_CHILD.match(fold(message.text).replace("’", "'")) is None:
        return message
    if not countries_named(message.text):
        return message
    entities = (*(entity for entity in message.entities if entity.name == "place"), Entity("procedure", _TEXT))
    return replace(message, intent="procedure", confidence=1.0, ranking=(("procedure", 1.0),), entities=entities)
