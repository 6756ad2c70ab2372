"""The only SQL about the panel of a best-interests determination."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.model import CaseStatus
from bot.cases.store import cases
from bot.kernel.database import Moment, metadata

case_panel = sa.Table(
    "case_panel",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("member", sa.String(36), nullable=False),
    sa.Column("named_by", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("view_sealed", sa.LargeBinary, nullable=True),  # null until they wrote, and once erased
    sa.Column("view_at", Moment, nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("ended_by", sa.String(36), nullable=True),
)
_standing = case_panel.c.ended_at.is_(None)
#: An officer sits on the panel of a case once at a time, whatever races.
sa.Index(
    "uq_case_panel_standing",
    case_panel.c.member,
    case_panel.c.case_id,
    unique=True,
    sqlite_where=_standing,
    postgresql_where=_standing,
)


def add(tx: Connection, values: dict[str, Any]) -> None:
    tx.execute(case_panel.insert().values(**values))


def seats_of(tx: Connection, case_id: str) -> list[Row[Any]]:
    """Everyone who was ever named in a case, the first named first."""
    query = sa.select(case_panel).where(case_panel.c.case_id == case_id)
    return list(tx.execute(query.order_by(case_panel.c.at, case_panel.c.id)))


def seats_held(tx: Connection, member: str, *, case_id: str | None = None) -> list[Row[Any]]:
    """Where an officer sits: only in cases that somebody works on, and until it ended. The first named first."""
    worked_on = sa.and_(cases.c.id == case_panel.c.case_id, cases.c.status == CaseStatus.CLAIMED.value)
    query = sa.select(case_panel).join(cases, worked_on).where(case_panel.c.member == member, _standing)
    if case_id is not None:
        query = query.where(case_panel.c.case_id == case_id)
    return list(tx.execute(query.order_by(case_panel.c.at, case_panel.c.id)))


def write_view(tx: Connection, seat_id: str, sealed: bytes, at: datetime) -> bool:
    """Keep what a member thinks. False once they do not sit there any more."""
    this = sa.and_(case_panel.c.id == seat_id, _standing)
    return tx.execute(case_panel.update().where(this).values(view_sealed=sealed, view_at=at)).rowcount == 1


def end(tx: Connection, case_id: str, *, by: str, at: datetime, member: str | None = None) -> int:
    """End the seat of one member, or of all. Returns how many ended."""
    this = sa.and_(case_panel.c.case_id == case_id, _standing)
    if member is not None:
        this = sa.and_(this, case_panel.c.member == member)
    return tx.execute(case_panel.update().where(this).values(ended_at=at, ended_by=by)).rowcount
