"""The only SQL about the places a person named, where there was more than one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.kernel.database import Moment, metadata

#: The one that counts stands in the case; here stand all of them as soon as there are two.
case_places = sa.Table(
    "case_places",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("place_sealed", sa.LargeBinary, nullable=True),  # null once erased
)


def add(tx: Connection, *, place_id: str, case_id: str, at: datetime, place_sealed: bytes) -> None:
    tx.execute(case_places.insert().values(id=place_id, case_id=case_id, at=at, place_sealed=place_sealed))


def of_case(tx: Connection, case_id: str, *, limit: int) -> Sequence[Row[Any]]:
    """The latest first."""
    query = sa.select(case_places).where(case_places.c.case_id == case_id)
    return tx.execute(query.order_by(case_places.c.at.desc(), case_places.c.id.desc()).limit(limit)).all()
