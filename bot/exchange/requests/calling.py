"""Who is called about a request: whoever holds its case here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.exchange.requests import alerts
from bot.exchange.requests.model import (
    Request,
)
from bot.exchange.requests.transfer import service as transfers


def ring_for(tx: Connection, request: Request, *, at: datetime) -> None:
    """Call whoever holds the case of a request: ours, one that came through it, or opened because minutes count. Its
    alarm says that a case waits, and nothing of why."""
    case_id = request.case_id or transfers.case_taken_for(tx, request) or alerts.case_of(tx, request)
    transfers.ring(tx, case_id, at=at)
