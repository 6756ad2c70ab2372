"""The only SQL about the cases that alerts of partners open, and which alerts share one."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.exchange.requests.history_store import exchange_events
from bot.exchange.requests.model import Status
from bot.exchange.requests.store import exchange_requests

#: The request opened a case of its own; it stands in one with others.
RANG, TOGETHER = "rang", "rang_together"
REMINDED = "reminder_came"
_NOBODY_LOOKED = (Status.DELIVERED.value, Status.SEEN.value)
_with_requests = exchange_events.join(exchange_requests, exchange_requests.c.id == exchange_events.c.request_id)


class Flood(Struct, frozen=True):
    """A partner sounded the alarm more often than people can be called for."""

    partner_id: str
    alerts: int  # those that did not ring by themselves
    last_at: datetime


def _of(partner_id: str, *acts: str) -> ColumnElement[bool]:
    return sa.and_(exchange_requests.c.partner_id == partner_id, exchange_events.c.act.in_(acts))


def rings_since(tx: Connection, partner_id: str, since: datetime) -> int:
    """How often people were called for a partner's alerts, a case each."""
    query = sa.select(sa.func.count()).select_from(_with_requests)
    return int(tx.execute(query.where(_of(partner_id, RANG), exchange_events.c.at > since)).scalar_one())


def reminders_since(tx: Connection, request_id: str, since: datetime) -> int:
    of_it = sa.and_(exchange_events.c.request_id == request_id, exchange_events.c.act == REMINDED)
    query = sa.select(sa.func.count()).select_from(exchange_events)
    return int(tx.execute(query.where(of_it, exchange_events.c.at > since)).scalar_one())


def last_together(tx: Connection, partner_id: str) -> tuple[str, datetime] | None:
    """The case in which the latest alert of a partner stands with others, and when that came."""
    query = sa.select(exchange_events.c.facts, exchange_events.c.at).select_from(_with_requests)
    row = tx.execute(query.where(_of(partner_id, TOGETHER)).order_by(exchange_events.c.at.desc()).limit(1)).first()
    return None if row is None else (str(json.loads(row.facts)["case"]), row.at)


def once_together(case_id: str, request_id: str) -> str:
    return f"together:{case_id}:{request_id}"


def _in(case_id: str) -> ColumnElement[bool]:
    return exchange_events.c.once.like(f"{once_together(case_id, '')}%")


def together(tx: Connection, case_id: str, *, limit: int) -> tuple[int, list[str]]:
    """How many alerts stand in a case, and the numbers of the first."""
    count = tx.execute(sa.select(sa.func.count()).select_from(exchange_events).where(_in(case_id))).scalar_one()
    query = sa.select(exchange_requests.c.number).select_from(_with_requests).where(_in(case_id))
    order = query.order_by(exchange_events.c.at, exchange_events.c.id).limit(limit)
    return int(count), list(tx.execute(order).scalars())


def any_unanswered(tx: Connection, case_id: str) -> bool:
    """Whether nobody has said yes or no yet to one of the alerts that stand in a case with others."""
    waits = sa.and_(_in(case_id), exchange_requests.c.status.in_(_NOBODY_LOOKED))
    return (
        tx.execute(sa.select(exchange_events.c.id).select_from(_with_requests).where(waits).limit(1)).first()
        is not None
    )


def floods(tx: Connection, since: datetime) -> list[Flood]:
    """The partners that did so, the latest first."""
    last = sa.func.max(exchange_events.c.at)
    query = (
        sa.select(exchange_requests.c.partner_id, sa.func.count().label("alerts"), last.label("last_at"))
        .select_from(_with_requests)
        .where(exchange_events.c.act == TOGETHER, exchange_events.c.at > since)
        .group_by(exchange_requests.c.partner_id)
        .order_by(last.desc())
    )
    return [Flood(row.partner_id, int(row.alerts), row.last_at) for row in tx.execute(query)]
