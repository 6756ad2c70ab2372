"""Looking words up in the texts, as one does in a book: several answers to choose from, not one.

Only what is plainly marked is read so, a word for searching and a colon. "I am searching for my mother" is a question
of somebody who lost her, and goes the way of every question.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from dialogues.runtime.model import UserMessage

INTENT = "look_up"

#: What opens it, in each language of the texts. The words under the subjects name the first of each.
_OPENING = re.compile(
    r"^\W*(?:search|look up|cherche|chercher|recherche|rechercher|busca|buscar|b[uú]squeda|[اأإ]?بحث)"
    r"\s*[:\uff1a]\s*(?=\w)",
    re.IGNORECASE,
)

#: Who is in danger or asks for a person is heard so, however the message begins.
_GO_FIRST = frozenset({"in_danger", "ask_human"})


def words_to_look_up(text: str) -> str:
    """The words that are to be looked up, "" where the message asks for no such thing."""
    opening = _OPENING.match(text)
    return text[opening.end() :].strip() if opening else ""


def as_look_up(message: UserMessage) -> UserMessage:
    """The message as one that looks words up, where it plainly is one."""
    if message.intent in _GO_FIRST or not words_to_look_up(message.text):
        return message
    return replace(message, intent=INTENT, confidence=1.0)
