"""The only SQL about what happened to requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.exchange.requests.model import Side
from bot.exchange.requests.store import exchange_requests
from bot.kernel.database import Moment, metadata
from bot.kernel.history import History

#: What happened to a request: ids and codes only.
exchange_events = sa.Table(
    "exchange_events",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("act", sa.String(30), nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=True),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("once", sa.String(120), nullable=True, unique=True),
)
sa.Index("ix_exchange_events_request", exchange_events.c.request_id, exchange_events.c.at)


_history = History(exchange_events, of="request_id")
add_event, events_of, happened = _history.add, _history.all_of, _history.has


def told_once(request_id: str, news: str) -> str:
    """Each piece of news is told, or not told, once."""
    return f"told:{request_id}:{news}"


def untold(tx: Connection, news: Sequence[str], *, since: datetime, limit: int) -> list[tuple[str, str]]:
    """News of requests of ours about which nobody has decided yet whether whoever wrote to us hears it."""
    said = exchange_events.alias()
    key = sa.literal("told:") + exchange_events.c.request_id + sa.literal(":") + exchange_events.c.act
    query = (
        sa.select(exchange_events.c.request_id, exchange_events.c.act)
        .join(exchange_requests, exchange_requests.c.id == exchange_events.c.request_id)
        .where(
            exchange_requests.c.side == Side.OURS.value,
            exchange_events.c.act.in_(news),
            exchange_events.c.at > since,
            sa.not_(sa.exists().where(said.c.once == key)),
        )
        .order_by(exchange_events.c.at, exchange_events.c.id)
        .limit(limit)
    )
    return [(row.request_id, row.act) for row in tx.execute(query)]
