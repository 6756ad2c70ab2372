"""Which of the red flags that were just shown somebody says is true: in their own words instead of by its button.

"Is one of these true of this child?" is answered by "yes, she is silent" as often as by a tap, and whoever says so must
not be asked what they need. Only what has the words of a line is read so: no question, and nothing that denies what the
line says. Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from typing import Final

from rapidfuzz import fuzz

from dialogues.context.agreeing import begins_with_yes, offered_last, pressed
from dialogues.knowledge.search import FUZZY_CUTOFF, fold, words_of
from dialogues.runtime.model import DialogueState, UserMessage

#: Nobody names a flag in more letters; who tells more tells a story, which is read as one.
LONGEST: Final = 120
#: So much of a message must be words of the line.
SHARE: Final = 2 / 3
#: Who is in danger or asks for a person is heard so.
_GO_FIRST: Final = frozenset({"in_danger", "ask_human"})

#: What asks or denies. A line that has the word too is meant all the same: "does not know the birthday".
_ASKING_OR_DENYING: Final = """
    what how who whom when where which if quoi comment quand quel quelle como quien cuando donde cual
    ماذا كيف متي اين لماذا هل شو ليش
    not no never none nobody without isn isnt don dont doesn doesnt didn didnt hasn hasnt ne pas jamais aucun aucune
    sans non nunca ninguno ninguna sin ليس ليست لا لم لن غير مش مو ما بدون بلا
"""
_ASKS_OR_DENIES: Final = frozenset(_ASKING_OR_DENYING.split())
_WORD: Final = re.compile(r"[^\W_]+")


def as_flag(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a press of the button of the red flag it says is true, where red flags were shown last."""
    text = message.text
    if message.intent in _GO_FIRST or text.startswith("/") or not 0 < len(text) <= LONGEST:
        return message
    if any(mark in text for mark in "?¿؟"):
        return message
    lines = offered_last(state).get("lines")
    if not lines or state.active_loop.get("name") or state.slots.get("safety_question"):
        return message
    said, every = words_of(text), _every_word(text)
    known = {line: words_of(line) for line in lines if every & _ASKS_OR_DENIES <= _every_word(line)}
    hits = {line: sum(_is_among(word, words) for word in said) for line, words in known.items()}
    most = max(hits.values(), default=0)
    whole = said in known.values() or (most > 1 and most >= SHARE * len(said))
    if most == 0 or not (whole or begins_with_yes(fold(text))):
        return message
    meant = [line for line, hit in hits.items() if hit == most]
    # Words that stand in two of them say that one is true, and not which.
    return pressed(message, str(lines[meant[0]] if len(meant) == 1 else offered_last(state)["yes"]))


def _every_word(text: str) -> set[str]:
    return set(_WORD.findall(fold(text)))


def _is_among(word: str, known: list[str]) -> bool:
    return any(word == other or (len(word) > 3 and fuzz.ratio(word, other) >= FUZZY_CUTOFF) for other in known)
