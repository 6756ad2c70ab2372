"""The only SQL about what the gate goes by: what is known of a child's fear, and who overrode it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.kernel.database import Moment, metadata

#: What is known of the fear of the child of a case, or of somebody named in a request that came. The newest counts.
exchange_situations = sa.Table(
    "exchange_situations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("subject_id", sa.String(36), nullable=False),  # a case, or a request of theirs
    sa.Column("at", Moment, nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=True),  # null once erased: then nothing is known, and the gate is shut
)
sa.Index("ix_exchange_situations_subject", exchange_situations.c.subject_id, exchange_situations.c.at)

gate_overrides = sa.Table(
    "gate_overrides",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False, index=True),
    sa.Column("covers", sa.Text, nullable=False),
    sa.Column("first_id", sa.String(36), nullable=False),
    sa.Column("first_role", sa.String(20), nullable=False),
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("reason_sealed", sa.LargeBinary, nullable=True),
    sa.Column("second_id", sa.String(36), nullable=True),
    sa.Column("second_role", sa.String(20), nullable=True),
    sa.Column("second_at", Moment, nullable=True),
)


def add_situation(
    tx: Connection, *, row_id: str, subject_id: str, officer_id: str, at: datetime, sealed: bytes
) -> None:
    tx.execute(
        exchange_situations.insert().values(
            id=row_id, subject_id=subject_id, officer_id=officer_id, at=at, sealed=sealed
        )
    )


def situation_row(tx: Connection, subject_id: str) -> Row[Any] | None:
    """The newest record about a subject."""
    query = sa.select(exchange_situations).where(exchange_situations.c.subject_id == subject_id)
    order = (exchange_situations.c.at.desc(), exchange_situations.c.id.desc())
    return tx.execute(query.order_by(*order).limit(1)).one_or_none()


def add_override(
    tx: Connection,
    *,
    override_id: str,
    request_id: str,
    covers: Iterable[Sequence[str]],
    officer_id: str,
    role: str,
    at: datetime,
    reason_sealed: bytes,
) -> None:
    tx.execute(
        gate_overrides.insert().values(
            id=override_id,
            request_id=request_id,
            covers=json.dumps([list(stop) for stop in covers]),
            first_id=officer_id,
            first_role=role,
            first_at=at,
            reason_sealed=reason_sealed,
        )
    )


def override_row(tx: Connection, request_id: str) -> Row[Any] | None:
    """The newest override of a request, agreed to by a second person or not."""
    query = sa.select(gate_overrides).where(gate_overrides.c.request_id == request_id)
    return tx.execute(query.order_by(gate_overrides.c.first_at.desc(), gate_overrides.c.id.desc()).limit(1)).first()


def second_override(tx: Connection, override_id: str, *, officer_id: str, role: str, at: datetime) -> bool:
    """The second person agrees. False when somebody had."""
    waits = sa.and_(gate_overrides.c.id == override_id, gate_overrides.c.second_id.is_(None))
    values = {"second_id": officer_id, "second_role": role, "second_at": at}
    return tx.execute(gate_overrides.update().where(waits).values(**values)).rowcount == 1
