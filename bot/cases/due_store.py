"""The only SQL about what is overdue in many cases at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.model import LOUD, CaseStatus
from bot.cases.record.store import tasks
from bot.cases.store import cases
from bot.cases.supervision_store import case_reviews
from dialogues.understanding.model import Priority

#: More late tasks than that are a number nobody reads as one.
MOST = 500
#: The kind of what is no task: an urgent case that nobody looked at again.
REVIEW = "case_review"
_of_case = (cases.c.number, cases.c.priority, cases.c.owner_id)


class Late(Struct, frozen=True):
    """A task that was not done in time, or the review of an urgent case (its `kind` is REVIEW)."""

    id: str
    case_id: str
    number: str
    priority: Priority
    owner_id: str | None
    kind: str
    due_at: datetime

    @property
    def is_grave(self) -> bool:
        return self.priority in LOUD


def late_tasks(tx: Connection, at: datetime, *, limit: int = MOST) -> list[Late]:
    """In open cases, the longest due first."""
    query = (
        sa.select(tasks.c.id, tasks.c.case_id, *_of_case, tasks.c.kind, tasks.c.due_at)
        .join(cases, cases.c.id == tasks.c.case_id)
        .where(tasks.c.done_at.is_(None), tasks.c.due_at <= at, cases.c.status != CaseStatus.CLOSED.value)
        .order_by(tasks.c.due_at, tasks.c.id)
    )
    return _late(tx, query.limit(limit))


def late_reviews(tx: Connection, at: datetime, *, limit: int = MOST) -> list[Late]:
    """Of the urgent cases, the longest due first."""
    query = (
        sa.select(case_reviews.c.case_id, case_reviews.c.case_id, *_of_case, sa.literal(REVIEW))
        .add_columns(case_reviews.c.due_at)
        .join(cases, cases.c.id == case_reviews.c.case_id)
        .where(case_reviews.c.reviewed_at.is_(None), case_reviews.c.due_at <= at)
        .order_by(case_reviews.c.due_at, case_reviews.c.case_id)
    )
    return _late(tx, query.limit(limit))


def _late(tx: Connection, query: sa.Select[Any]) -> list[Late]:
    return [
        Late(task_id, case_id, number, Priority(priority), owner_id, kind, due_at)
        for task_id, case_id, number, priority, owner_id, kind, due_at in tx.execute(query)
    ]
