"""The only SQL about the second step before what is restricted in a record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.store import cases
from bot.kernel.database import Moment, metadata

case_unlocks = sa.Table(
    "case_unlocks",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)
sa.Index("ix_case_unlocks_case", case_unlocks.c.case_id, case_unlocks.c.officer_id, case_unlocks.c.expires_at)
sa.Index("ix_case_unlocks_at", case_unlocks.c.at)


def add(tx: Connection, **values: Any) -> None:
    tx.execute(case_unlocks.insert().values(**values))


def is_unlocked(tx: Connection, case_id: str, officer_id: str, at: datetime) -> bool:
    query = sa.select(case_unlocks.c.id).where(
        case_unlocks.c.case_id == case_id,
        case_unlocks.c.officer_id == officer_id,
        case_unlocks.c.at <= at,
        case_unlocks.c.expires_at > at,
    )
    return tx.execute(query.limit(1)).first() is not None


def lock(tx: Connection, case_id: str, officer_id: str, at: datetime) -> None:
    """What is open for this officer ends now."""
    open_ones = sa.and_(
        case_unlocks.c.case_id == case_id, case_unlocks.c.officer_id == officer_id, case_unlocks.c.expires_at > at
    )
    tx.execute(case_unlocks.update().where(open_ones).values(expires_at=at))


def since(tx: Connection, since: datetime, *, limit: int) -> Sequence[Row[Any]]:
    """The last ones, each with the number of its case."""
    query = sa.select(case_unlocks, cases.c.number).join(cases, cases.c.id == case_unlocks.c.case_id)
    return tx.execute(query.where(case_unlocks.c.at > since).order_by(case_unlocks.c.at.desc()).limit(limit)).all()
