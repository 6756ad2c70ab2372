"""Where this runtime is kinder than Rasa, and where it is not.

`HOUSE` is for Waymark's own dialogues, `AS_RASA` for any other project: a Rasa user finds what Rasa does, only never a
person left in silence. `EXACTLY_AS_RASA` keeps the silences too, to compare with a real one. docs/rasa.md lists each.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Failure(StrEnum):
    """What becomes of a turn in which an action breaks, or the rules run in a circle."""

    RAISED = "raised"  # the host hears of it, and nothing happened
    APOLOGISED = "apologised"  # as in Rasa what the action did is lost; a person who would hear nothing is told so
    SILENT = "silent"  # as in Rasa


class Manners(Struct, frozen=True):
    """The choices where Rasa's ways would hurt a person."""

    payload_is_text: bool  # `from_text` stores what a tapped button sends
    fills_as_rasa: bool  # unset slots print `None`; one unknown place leaves a text unfilled
    dead_end_reverts: bool  # an action after which no rule continues makes the fallback speak and undo the turn
    failure: Failure


HOUSE = Manners(payload_is_text=False, fills_as_rasa=False, dead_end_reverts=False, failure=Failure.RAISED)
AS_RASA = Manners(payload_is_text=True, fills_as_rasa=True, dead_end_reverts=True, failure=Failure.APOLOGISED)
EXACTLY_AS_RASA = Manners(payload_is_text=True, fills_as_rasa=True, dead_end_reverts=True, failure=Failure.SILENT)
