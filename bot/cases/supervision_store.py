"""The only SQL about reviews and broken glass."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases import store
from bot.cases.model import LOUD, Case
from bot.kernel.database import Moment, insert_or_nothing, metadata

#: What was urgent is looked at again within this time.
REVIEW_WITHIN = timedelta(days=1)

#: Every P0 and P1, from the moment it rang. A row without `reviewed_at` is still owed.
case_reviews = sa.Table(
    "case_reviews",
    metadata,
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("reviewed_at", Moment, nullable=True),
    sa.Column("reviewed_by", sa.String(36), nullable=True),
    sa.Column("answers", sa.Text, nullable=True),  # codes
    sa.Column("note_sealed", sa.LargeBinary, nullable=True),
)
sa.Index("ix_case_reviews_due", case_reviews.c.reviewed_at, case_reviews.c.due_at)

#: A file that somebody opened who does not hold it, and who among those who coordinate has looked at that.
case_glass = sa.Table(
    "case_glass",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("why_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("seen_by", sa.String(36), nullable=True),
    sa.Column("seen_at", Moment, nullable=True),
)
sa.Index("ix_case_glass_case", case_glass.c.case_id, case_glass.c.officer_id, case_glass.c.expires_at)
sa.Index("ix_case_glass_seen", case_glass.c.seen_at, case_glass.c.at)

#: What whoever holds a case did: they took it, or answered in it.
TOOK = ("claim", "take_over", "reopen", "answered", "contact")
#: Where a case went from one to another, and which facts say so.
GAVE = {"hand_over": ("from", "to"), "given_to_owner": ("owner",)}


def owe_review(tx: Connection, case: Case, at: datetime) -> None:
    """Have a case looked at again within a day, if it is urgent. Once it is owed this changes nothing."""
    if case.priority in LOUD:
        insert_or_nothing(tx, case_reviews, {"case_id": case.id, "due_at": at + REVIEW_WITHIN})


def reviews(tx: Connection, *, owed: bool, limit: int) -> Sequence[Row[Any]]:
    """Those that are owed, the longest due first; or those that were done, the latest first."""
    of_case = (store.cases.c.number, store.cases.c.priority, store.cases.c.reason, store.cases.c.owner_id)
    query = sa.select(case_reviews, *of_case).join(store.cases, store.cases.c.id == case_reviews.c.case_id)
    if owed:
        query = query.where(case_reviews.c.reviewed_at.is_(None)).order_by(case_reviews.c.due_at)
    else:
        query = query.where(case_reviews.c.reviewed_at.is_not(None)).order_by(case_reviews.c.reviewed_at.desc())
    return tx.execute(query.limit(limit)).all()


def review_of(tx: Connection, case_id: str) -> Row[Any] | None:
    return tx.execute(sa.select(case_reviews).where(case_reviews.c.case_id == case_id)).one_or_none()


def holders_of(tx: Connection, case_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Everybody who ever held each of these cases or answered in it."""
    c, events = store.cases.c, store.case_events.c
    held = {row.id: {row.owner_id} for row in tx.execute(sa.select(c.id, c.owner_id).where(c.id.in_(case_ids)))}
    query = sa.select(events.case_id, events.act, events.officer_id, events.facts)
    for row in tx.execute(query.where(events.case_id.in_(case_ids), events.act.in_((*TOOK, *GAVE)))):
        facts = json.loads(row.facts)
        held[row.case_id] |= {row.officer_id} if row.act in TOOK else {facts.get(name) for name in GAVE[row.act]}
    return {case_id: frozenset(each for each in who if each) for case_id, who in held.items()}


def set_reviewed(
    tx: Connection, case_id: str, *, by: str, at: datetime, answers: Mapping[str, str], note_sealed: bytes | None
) -> bool:
    """False when somebody was quicker, or no review is owed."""
    owed = sa.and_(case_reviews.c.case_id == case_id, case_reviews.c.reviewed_at.is_(None))
    values = {"reviewed_at": at, "reviewed_by": by, "answers": json.dumps(dict(answers)), "note_sealed": note_sealed}
    return tx.execute(case_reviews.update().where(owed).values(**values)).rowcount == 1


def add_glass(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(case_glass.insert().values(**values))


def glass_is_broken(tx: Connection, case_id: str, officer_id: str, at: datetime) -> bool:
    query = sa.select(case_glass.c.id).where(
        case_glass.c.case_id == case_id,
        case_glass.c.officer_id == officer_id,
        case_glass.c.at <= at,
        case_glass.c.expires_at > at,
    )
    return tx.execute(query.limit(1)).first() is not None


def glass_of(tx: Connection, case_id: str) -> Sequence[Row[Any]]:
    return tx.execute(
        sa.select(case_glass).where(case_glass.c.case_id == case_id).order_by(case_glass.c.at.desc())
    ).all()


def unseen_glass(tx: Connection, *, limit: int) -> Sequence[Row[Any]]:
    query = sa.select(case_glass).where(case_glass.c.seen_at.is_(None)).order_by(case_glass.c.at)
    return tx.execute(query.limit(limit)).all()


def set_glass_seen(tx: Connection, glass_id: str, *, by: str, at: datetime) -> str | None:
    """The case of it; None when it was seen before, or is the officer's own."""
    unseen = sa.and_(case_glass.c.id == glass_id, case_glass.c.seen_at.is_(None), case_glass.c.officer_id != by)
    if tx.execute(case_glass.update().where(unseen).values(seen_by=by, seen_at=at)).rowcount != 1:
        return None
    return str(tx.execute(sa.select(case_glass.c.case_id).where(case_glass.c.id == glass_id)).scalar_one())


def count_to_see(tx: Connection, at: datetime) -> tuple[int, int]:
    """How many files opened by breaking the glass nobody has looked at, and how many reviews are late."""
    unseen = sa.select(sa.func.count()).where(case_glass.c.seen_at.is_(None))
    late = sa.select(sa.func.count()).where(case_reviews.c.reviewed_at.is_(None), case_reviews.c.due_at <= at)
    return int(tx.execute(unseen).scalar_one()), int(tx.execute(late).scalar_one())
