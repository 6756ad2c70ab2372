"""The only SQL about what a child was told before something about them was passed on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.kernel.database import Moment, metadata

case_tellings = sa.Table(
    "case_tellings",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("consent_id", sa.String(36), nullable=True),  # what is shared; null: a report to an authority
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("told_at", Moment, nullable=True),  # null: they were not told
    sa.Column("why_not", sa.String(20), nullable=True),
    sa.Column("whom_sealed", sa.LargeBinary, nullable=True),  # the authority; null once erased
    sa.Column("words_sealed", sa.LargeBinary, nullable=True),  # in what words, or more about why not
)


def add(tx: Connection, values: dict[str, Any]) -> None:
    tx.execute(case_tellings.insert().values(**values))


def of_case(tx: Connection, case_id: str) -> list[Row[Any]]:
    """The oldest first."""
    query = sa.select(case_tellings).where(case_tellings.c.case_id == case_id)
    return list(tx.execute(query.order_by(case_tellings.c.at, case_tellings.c.id)))


def is_answered(tx: Connection, case_id: str, consent_id: str | None) -> bool:
    """Whether somebody said if the child was told of this share, or without one of a report."""
    c = case_tellings.c
    query = sa.select(c.id).where(c.case_id == case_id, c.consent_id.is_not_distinct_from(consent_id)).limit(1)
    return tx.execute(query).first() is not None
