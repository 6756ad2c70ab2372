"""The only SQL about who passed on what."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.elements import ColumnElement

from bot.exchange.requests.model import Side
from bot.exchange.requests.passing.model import Holder
from bot.exchange.requests.store import exchange_requests
from bot.kernel.database import Moment, insert_or_nothing, metadata

#: Who has it from the partner of a request, as we were told, or from us, as the partner is told: see `Holder`. Ids,
#: countries and names of fields; no words.
exchange_passings = sa.Table(
    "exchange_passings",
    metadata,
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), primary_key=True),
    sa.Column("passing", sa.String(36), primary_key=True, index=True),
    sa.Column("parent", sa.String(36), nullable=False),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=True),
    sa.Column("deployment", sa.String(64), nullable=False),
    sa.Column("country", sa.String(2), nullable=False),
    sa.Column("items", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=True),
    sa.Column("forgotten_at", Moment, nullable=True),
    sa.Column("by_phone", sa.Boolean, nullable=False),
    sa.Column("letter", sa.String(80), nullable=True, index=True),
    sa.Column("tried_at", Moment, nullable=True),
    sa.Column("of_answer", sa.Boolean, nullable=False, server_default=sa.false()),
)
_holds = sa.and_(exchange_passings.c.at.is_not(None), exchange_passings.c.forgotten_at.is_(None))
_ours = exchange_requests.c.side == Side.OURS.value
#: Where the partner of the request hears of it from us, and where we hear of it from them.
_we_say = sa.or_(
    sa.and_(_ours, exchange_passings.c.of_answer), sa.and_(sa.not_(_ours), sa.not_(exchange_passings.c.of_answer))
)


def _values(holder: Holder) -> dict[str, Any]:
    return {
        "parent": holder.parent,
        "case_id": holder.case_id,
        "deployment": holder.deployment,
        "country": holder.country,
        "items": json.dumps(list(holder.items)),
        "at": holder.at,
        "forgotten_at": holder.forgotten_at,
        "by_phone": holder.by_phone,
        "letter": holder.letter,
        "tried_at": holder.tried_at,
        "of_answer": holder.of_answer,
    }


def _to_holder(row: Row[Any]) -> Holder:
    return Holder(
        request_id=row.request_id,
        passing=row.passing,
        parent=row.parent,
        case_id=row.case_id,
        deployment=row.deployment,
        country=row.country,
        items=tuple(json.loads(row.items)),
        at=row.at,
        forgotten_at=row.forgotten_at,
        by_phone=row.by_phone,
        letter=row.letter,
        tried_at=row.tried_at,
        of_answer=row.of_answer,
    )


def add(tx: Connection, holder: Holder) -> bool:
    """Store a new one. False where this passing is known under this request."""
    known = {"request_id": holder.request_id, "passing": holder.passing}
    return insert_or_nothing(tx, exchange_passings, {**known, **_values(holder)})


def save(tx: Connection, holder: Holder) -> None:
    tx.execute(exchange_passings.update().where(_is(holder.request_id, holder.passing)).values(**_values(holder)))


def get(tx: Connection, request_id: str, passing: str, *, lock: bool = False) -> Holder | None:
    query = sa.select(exchange_passings).where(_is(request_id, passing))
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _to_holder(row)


def of_request(tx: Connection, request_id: str, *, of_answer: bool) -> list[Holder]:
    """Everybody who has what one request told, or what was answered to it, in the order in which we heard of them."""
    return _all(tx, exchange_passings.c.request_id == request_id, exchange_passings.c.of_answer.is_(of_answer))


def of_passing(tx: Connection, passing: str) -> list[Holder]:
    """A passing of ours, under every request whose partner hears of it; not where somebody below us only said that it
    is theirs."""
    by_us = exchange_passings.c.parent == ""
    return _all(tx, exchange_passings.c.passing == passing, by_us, _we_say)


def of_letter(tx: Connection, envelope_id: str) -> Holder | None:
    """The one whom this word of ours was about, if it was the newest."""
    return next(iter(_all(tx, exchange_passings.c.letter == envelope_id)), None)


def any_holds(tx: Connection, request_id: str, *, of_answer: bool) -> bool:
    of_it = sa.and_(exchange_passings.c.request_id == request_id, exchange_passings.c.of_answer.is_(of_answer))
    return tx.execute(sa.select(exchange_passings.c.passing).where(of_it, _holds).limit(1)).first() is not None


def owed(tx: Connection, *, tried_before: datetime, limit: int) -> list[Holder]:
    """Those of whom the partner of the request has not heard from us, or not the latest."""
    query = (
        sa.select(exchange_passings)
        .join(exchange_requests)
        .where(
            _we_say,
            exchange_passings.c.at.is_not(None),
            exchange_passings.c.letter.is_(None),
            sa.or_(exchange_passings.c.tried_at.is_(None), exchange_passings.c.tried_at <= tried_before),
        )
        .order_by(exchange_passings.c.at)
        .limit(limit)
    )
    return [_to_holder(row) for row in tx.execute(query)]


def held_below() -> ColumnElement[bool]:
    """Of a request: somebody below its partner has not said yet that they keep nothing."""
    return sa.exists().where(exchange_passings.c.request_id == exchange_requests.c.id, _holds, sa.not_(_we_say))


def _is(request_id: str, passing: str) -> ColumnElement[bool]:
    return sa.and_(exchange_passings.c.request_id == request_id, exchange_passings.c.passing == passing)


def _all(tx: Connection, *conditions: ColumnElement[bool]) -> list[Holder]:
    query = sa.select(exchange_passings).join(exchange_requests).where(*conditions)
    return [_to_holder(row) for row in tx.execute(query.order_by(exchange_passings.c.at, exchange_passings.c.passing))]
