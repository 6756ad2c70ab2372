"""The only SQL about colleagues who are asked for their view of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.model import CaseStatus
from bot.cases.store import cases
from bot.kernel.database import Moment, metadata

case_consults = sa.Table(
    "case_consults",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("asked_by", sa.String(36), nullable=False),
    sa.Column("asked", sa.String(36), nullable=False),
    sa.Column("note_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("ended_by", sa.String(36), nullable=True),
)
_standing = case_consults.c.ended_at.is_(None)
#: A colleague is asked once at a time about a case, whatever races.
sa.Index(
    "uq_case_consults_standing",
    case_consults.c.asked,
    case_consults.c.case_id,
    unique=True,
    sqlite_where=_standing,
    postgresql_where=_standing,
)


def add(tx: Connection, values: dict[str, Any]) -> None:
    tx.execute(case_consults.insert().values(**values))


def standing(tx: Connection, at: datetime, *, case_id: str | None = None, asked: str | None = None) -> list[Row[Any]]:
    """Questions that are neither answered nor too old, about a case, to a colleague, or both; the first asked first."""
    query = sa.select(case_consults).where(_standing, case_consults.c.expires_at > at)
    if case_id is not None:
        query = query.where(case_consults.c.case_id == case_id)
    if asked is not None:
        held = sa.and_(cases.c.id == case_consults.c.case_id, cases.c.status == CaseStatus.CLAIMED.value)
        query = query.join(cases, held).where(case_consults.c.asked == asked)
    return list(tx.execute(query.order_by(case_consults.c.at, case_consults.c.id)))


def end(tx: Connection, case_id: str, asked: str, *, by: str, at: datetime) -> bool:
    """End what a colleague is asked about a case. False when nothing stood."""
    this = sa.and_(case_consults.c.case_id == case_id, case_consults.c.asked == asked, _standing)
    return tx.execute(case_consults.update().where(this).values(ended_at=at, ended_by=by)).rowcount == 1
