"""What the cases ask of rooms that stand above them: the composition root supplies it."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.cases.model import Case


class Holder(Protocol):
    """A room that gave something away on the strength of a consent, and has to take it back from whoever has it."""

    def consent_withdrawn(self, tx: Connection, hand: Hand, case: Case, consent_id: str) -> None:
        """The person took this consent back, in this transaction. What rests on it alone must not go on."""
        ...
