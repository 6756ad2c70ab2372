"""The only SQL about erasures that one officer asks for and another carries out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.store import cases
from bot.kernel.database import Moment, insert_or_nothing, metadata

case_erasures = sa.Table(
    "case_erasures",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("proposed_by", sa.String(36), nullable=False),
    sa.Column("proposed_at", Moment, nullable=False),
    sa.Column("outcome", sa.String(12), nullable=True),  # null while it waits for a second officer
    sa.Column("ended_by", sa.String(36), nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
)
_waiting = case_erasures.c.outcome.is_(None)
#: One proposal of a case waits at a time, whatever races.
sa.Index(
    "uq_case_erasures_waiting", case_erasures.c.case_id, unique=True, sqlite_where=_waiting, postgresql_where=_waiting
)


def add(tx: Connection, *, erasure_id: str, case_id: str, by: str, at: datetime) -> bool:
    """False where one waits already."""
    values = {"id": erasure_id, "case_id": case_id, "proposed_by": by, "proposed_at": at}
    return insert_or_nothing(tx, case_erasures, values)


def waiting_for(tx: Connection, case_id: str) -> Row[Any] | None:
    return tx.execute(sa.select(case_erasures).where(case_erasures.c.case_id == case_id, _waiting)).one_or_none()


def all_waiting(tx: Connection, *, limit: int) -> list[Row[Any]]:
    """What waits for a second officer, the oldest first, with the number of each case."""
    query = sa.select(case_erasures, cases.c.number).join(cases, cases.c.id == case_erasures.c.case_id).where(_waiting)
    return list(tx.execute(query.order_by(case_erasures.c.proposed_at, case_erasures.c.id).limit(limit)))


def end(tx: Connection, case_id: str, outcome: str, *, by: str, at: datetime) -> bool:
    """End the proposal that waits. False when there is none."""
    this = sa.and_(case_erasures.c.case_id == case_id, _waiting)
    values = {"outcome": outcome, "ended_by": by, "ended_at": at}
    return tx.execute(case_erasures.update().where(this).values(**values)).rowcount == 1
