"""The only SQL about cases that one officer offers to another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.model import Case, CaseStatus
from bot.cases.store import LOUD_CODES, QUEUE_ORDER, cases, pages, to_case
from bot.kernel.database import Moment, metadata

#: A case that its owner offers to a named colleague, and what became of it.
hand_overs = sa.Table(
    "hand_overs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("from_officer", sa.String(36), nullable=False, index=True),
    sa.Column("to_officer", sa.String(36), nullable=False, index=True),
    sa.Column("offered_by", sa.String(36), nullable=False),  # the owner, or who coordinates
    sa.Column("note_sealed", sa.LargeBinary, nullable=True),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("answered_at", Moment, nullable=True),
)
IS_OFFERED = hand_overs.c.state == "offered"
#: A case is offered to one colleague at a time.
sa.Index(
    "uq_hand_overs_offered", hand_overs.c.case_id, unique=True, sqlite_where=IS_OFFERED, postgresql_where=IS_OFFERED
)


def add_offer(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(hand_overs.insert().values(**values))


def open_offer(tx: Connection, case_id: str) -> Row[Any] | None:
    return tx.execute(sa.select(hand_overs).where(hand_overs.c.case_id == case_id, IS_OFFERED)).one_or_none()


def open_offers(tx: Connection, *, to: str | None = None) -> list[Row[Any]]:
    query = sa.select(hand_overs).where(IS_OFFERED).order_by(hand_overs.c.at, hand_overs.c.id)
    return list(tx.execute(query if to is None else query.where(hand_overs.c.to_officer == to)))


def offers_to_page(tx: Connection, at: datetime) -> list[str]:
    """The cases of the loud priorities that are offered to somebody who was not paged for it."""
    told = sa.select(pages.c.key).where(pages.c.key == sa.literal("offer:") + hand_overs.c.id)
    query = (
        sa.select(hand_overs.c.case_id)
        .join(cases, cases.c.id == hand_overs.c.case_id)
        .where(IS_OFFERED, hand_overs.c.expires_at > at, cases.c.priority.in_(LOUD_CODES), ~told.exists())
        .order_by(*QUEUE_ORDER)
    )
    return list(tx.execute(query).scalars())


def offers_by(tx: Connection, officer_id: str, *, since: datetime) -> list[Row[Any]]:
    query = sa.select(hand_overs).where(hand_overs.c.offered_by == officer_id, hand_overs.c.at >= since)
    return list(tx.execute(query.order_by(hand_overs.c.at.desc(), hand_overs.c.id.desc()).limit(50)))


def offered_to(tx: Connection, officer_id: str, *, limit: int) -> list[Case]:
    """The cases that are offered to an officer now, the most urgent first."""
    query = sa.select(cases).where(cases.c.offered_to == officer_id, cases.c.status == CaseStatus.CLAIMED.value)
    return [to_case(row) for row in tx.execute(query.order_by(*QUEUE_ORDER).limit(limit))]


def end_offers(tx: Connection, case_id: str, state: str, *, at: datetime) -> bool:
    """End the offer that stands for a case. False when there is none."""
    standing = sa.and_(hand_overs.c.case_id == case_id, IS_OFFERED)
    return tx.execute(hand_overs.update().where(standing).values(state=state, answered_at=at)).rowcount == 1
