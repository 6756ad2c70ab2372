"""The only SQL about what people said of adults who are likely named in a request."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.kernel.database import Moment, insert_or_nothing, metadata

#: "The child does not go with them": by a first person, in writing, and by a second.
named_adults = sa.Table(
    "named_adults",
    metadata,
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), primary_key=True),
    sa.Column("dossier_id", sa.String(36), sa.ForeignKey("adult_dossiers.id"), primary_key=True),
    sa.Column("first_id", sa.String(36), nullable=False),
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("reason_sealed", sa.LargeBinary, nullable=True),
    sa.Column("second_id", sa.String(36), nullable=True),
    sa.Column("second_at", Moment, nullable=True),
)


def _is(request_id: str, dossier_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(named_adults.c.request_id == request_id, named_adults.c.dossier_id == dossier_id)


def say(
    tx: Connection, request_id: str, dossier_id: str, *, officer_id: str, at: datetime, reason_sealed: bytes
) -> bool:
    """What the first person says. False where somebody has said so before."""
    values = {
        "request_id": request_id,
        "dossier_id": dossier_id,
        "first_id": officer_id,
        "first_at": at,
        "reason_sealed": reason_sealed,
    }
    return insert_or_nothing(tx, named_adults, values)


def said_of(tx: Connection, request_id: str) -> dict[str, Row[Any]]:
    """What was said of each adult, by their dossier."""
    query = sa.select(named_adults).where(named_adults.c.request_id == request_id)
    return {row.dossier_id: row for row in tx.execute(query)}


def agree(tx: Connection, request_id: str, dossier_id: str, *, officer_id: str, at: datetime) -> bool:
    """The second person, who is not the first. False where nobody else waits for one."""
    waits = sa.and_(
        _is(request_id, dossier_id), named_adults.c.second_id.is_(None), named_adults.c.first_id != officer_id
    )
    return tx.execute(named_adults.update().where(waits).values(second_id=officer_id, second_at=at)).rowcount == 1


def forget(tx: Connection, request_id: str, *dossier_ids: str) -> None:
    """What was said of these adults counts no more; of every adult, where none is named."""
    of_them = [named_adults.c.dossier_id.in_(dossier_ids)] if dossier_ids else []
    tx.execute(named_adults.delete().where(named_adults.c.request_id == request_id, *of_them))
