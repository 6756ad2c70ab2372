"""The only SQL about which letter carried which request, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection, Row

from bot.exchange.requests.model import Side, Status
from bot.exchange.requests.store import exchange_requests, still_held_by_partners
from bot.kernel.database import Moment, metadata

#: Which envelopes carried which request: news of a letter is told by its envelope.
request_letters = sa.Table(
    "request_letters",
    metadata,
    sa.Column("envelope_id", sa.String(80), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False, index=True),
    sa.Column("partner_id", sa.String(36), nullable=False),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("personal", sa.Boolean, nullable=False),
    sa.Column("put_at", Moment, nullable=False),
    sa.Column("state", sa.String(20), nullable=True),
)


def add_letter(
    tx: Connection, envelope_id: str, *, request_id: str, partner_id: str, kind: str, personal: bool, at: datetime
) -> None:
    tx.execute(
        request_letters.insert().values(
            envelope_id=envelope_id,
            request_id=request_id,
            partner_id=partner_id,
            kind=kind,
            personal=personal,
            put_at=at,
        )
    )


class PutLetter(Struct, frozen=True):
    """A letter that was put in the post: who got what, and what became of it."""

    envelope_id: str
    request_id: str
    partner_id: str
    kind: str
    personal: bool
    put_at: datetime
    state: str | None


def _to_letter(row: Row[Any]) -> PutLetter:
    return PutLetter(row.envelope_id, row.request_id, row.partner_id, row.kind, row.personal, row.put_at, row.state)


def get_letter(tx: Connection, envelope_id: str) -> PutLetter | None:
    row = tx.execute(sa.select(request_letters).where(request_letters.c.envelope_id == envelope_id)).one_or_none()
    return None if row is None else _to_letter(row)


def letters_of(tx: Connection, request_id: str) -> list[PutLetter]:
    query = sa.select(request_letters).where(request_letters.c.request_id == request_id)
    in_turn = query.order_by(request_letters.c.put_at, request_letters.c.envelope_id)
    return [_to_letter(row) for row in tx.execute(in_turn)]


def with_lost_letters(tx: Connection, kinds: Iterable[str], states: Iterable[str]) -> list[str]:
    """Requests of which a letter of these kinds is in one of these states, as long as anybody may wait for it; and
    those whose partner has not confirmed that it forgets."""
    over = sa.and_(
        exchange_requests.c.status.in_([Status.WITHDRAWN.value, Status.CLOSED.value]),
        exchange_requests.c.side == Side.OURS.value,
    )
    lost = (
        sa.select(exchange_requests.c.id)
        .join(request_letters, request_letters.c.request_id == exchange_requests.c.id)
        .where(request_letters.c.kind.in_(sorted(kinds)), request_letters.c.state.in_(sorted(states)), sa.not_(over))
    )
    held = sa.select(exchange_requests.c.id).where(still_held_by_partners())
    return sorted({*tx.execute(lost).scalars(), *tx.execute(held).scalars()})


def mark_letter(tx: Connection, envelope_id: str, state: str) -> None:
    tx.execute(request_letters.update().where(request_letters.c.envelope_id == envelope_id).values(state=state))
