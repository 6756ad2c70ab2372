"""A gate for tests of the post alone: the child fears nobody, so every letter may go, until a test shuts it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from bot.exchange.gate import Cleared, Kind, Recipient, Situation, clear
from bot.exchange.post.model import LetterStopped, WaitingLetter


def cleared(partner_id: str, kind: str, body: Mapping[str, Any]) -> Cleared:
    """The gate's own leave for this very letter."""
    reader = Recipient(partner_id, Kind.ORGANISATION, "XX", frozenset())
    return clear(Situation(frozenset(), False), [reader], kind=kind, about="request-1", body=body)


class OpenGate:
    """Remembers which letters it was asked about; with `stops`, it stops them."""

    def __init__(self) -> None:
        self.stops: str | None = None
        self.asked: list[str] = []

    def clear(self, _tx: Connection, letter: WaitingLetter, _at: datetime) -> Cleared:
        self.asked.append(letter.envelope_id)
        if self.stops is not None:
            raise LetterStopped(self.stops)
        return cleared(letter.partner_id, letter.kind, letter.body)
