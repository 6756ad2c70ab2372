"""The only SQL about what happened to requests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.exchange.requests.model import Side
from bot.exchange.requests.store import exchange_requests
from bot.kernel.database import Moment, insert_or_nothing, metadata
from bot.kernel.ids import new_id

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


class RequestEvent(Struct, frozen=True):
    """One thing that happened to a request."""

    at: datetime
    act: str
    officer_id: str | None
    facts: Mapping[str, Any]


def add_event(
    tx: Connection,
    request_id: str,
    act: str,
    *,
    officer_id: str | None,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    once: str | None = None,
) -> bool:
    """Write down what happened. False when `once` was used before: then it has happened already."""
    values = {
        "id": new_id(),
        "request_id": request_id,
        "at": at,
        "act": act,
        "officer_id": officer_id,
        "facts": json.dumps(dict(facts or {})),
        "once": once,
    }
    return insert_or_nothing(tx, exchange_events, values)


def events_of(tx: Connection, request_id: str) -> list[RequestEvent]:
    query = sa.select(exchange_events).where(exchange_events.c.request_id == request_id)
    rows = tx.execute(query.order_by(exchange_events.c.at, exchange_events.c.id))
    return [RequestEvent(row.at, row.act, row.officer_id, json.loads(row.facts)) for row in rows]


def happened(tx: Connection, request_id: str, act: str) -> bool:
    """Whether this stands in the history of a request."""
    this = sa.and_(exchange_events.c.request_id == request_id, exchange_events.c.act == act)
    return tx.execute(sa.select(exchange_events.c.id).where(this).limit(1)).first() is not None


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
