"""What a message means, as a value."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from dialogues.runtime.model import Entity

LANGUAGES = ("en", "fr", "es", "ar")
#: A procedure less likely than this is not even asked about.
WORTH_ASKING = 0.10
#: Languages that are not answered in yet, but in which a danger or a need is heard.
HEARD = ("fa", "uk", "so", "sw", "pt", "tr")


class Priority(StrEnum):
    """How soon a human must answer: P0 in 2 minutes, P1 in 15, P2 in 4 hours, P3 in 72 hours."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


class Risk(Struct, frozen=True):
    """Somebody may be in danger. `reason` is one of the crisis codes; `sure` is False when only oblique."""

    reason: str
    priority: Priority
    confidence: float
    source: str  # "words", "meaning", "silence": which part of the screen saw it


class Reading(Struct, frozen=True):
    """A message understood. `intent` is the Rasa intent the dialogue rules see."""

    text: str
    language: str  # BCP 47, one of LANGUAGES
    language_certain: bool  # False: keep the language of the conversation
    intent: str
    confidence: float
    ranking: tuple[tuple[str, float], ...]
    entities: tuple[Entity, ...]
    risk: Risk | None
    reporter: bool = False  # the writer speaks about somebody else (a worker, a friend)


class Ask(Struct, frozen=True):
    """A message to be understood, with what is known of its conversation. See `Understanding.read`."""

    text: str
    language: str | None = None
    cautious: bool = False
