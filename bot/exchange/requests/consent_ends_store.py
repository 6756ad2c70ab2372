"""The only SQL about requests that rest on a consent whose time is over."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases.consent_store import consents
from bot.exchange.requests.model import OWED, Side, Status
from bot.exchange.requests.store import exchange_requests
from bot.exchange.requests.transfer.model import State
from bot.exchange.requests.transfer.store import case_transfers


def _rests_on_ended(at: datetime) -> ColumnElement[bool]:
    """Ours, sent, not taken back, of a case that has not moved, and the time of its consent is over."""
    moved = sa.select(case_transfers.c.request_id).where(case_transfers.c.state == State.MOVED.value)
    return sa.and_(
        exchange_requests.c.side == Side.OURS.value,
        exchange_requests.c.sent_at.is_not(None),
        exchange_requests.c.told_withdrawn_at.is_(None),
        exchange_requests.c.status != Status.WITHDRAWN.value,
        sa.or_(exchange_requests.c.asked_on.is_not(None), exchange_requests.c.status.in_(sorted(OWED))),
        exchange_requests.c.id.not_in(moved),
        consents.c.withdrawn_at.is_(None),
        consents.c.expires_at <= at,
    )


_on_their_consent = exchange_requests.join(consents, exchange_requests.c.consent_ref == "consent:" + consents.c.id)


def with_ended_consent(tx: Connection, at: datetime) -> list[str]:
    """Requests whose partner may keep nothing any more, or that rest on what ran out."""
    query = sa.select(exchange_requests.c.id).select_from(_on_their_consent).where(_rests_on_ended(at))
    return list(tx.execute(query.order_by(consents.c.expires_at)).scalars())


def ended_consent(tx: Connection, request_id: str, at: datetime) -> str | None:
    """What kind of consent it is whose time is over for this request; None where that is not so."""
    this = sa.and_(exchange_requests.c.id == request_id, _rests_on_ended(at))
    kind: str | None = tx.execute(sa.select(consents.c.kind).select_from(_on_their_consent).where(this)).scalar()
    return kind
