"""The only SQL about how long people wait in the queue."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.model import Act, Case, CaseStatus
from bot.cases.reasons import DRILL
from bot.cases.store import case_events, cases
from dialogues.understanding.model import Priority

#: One more is counted than anybody is told: then there are more.
MOST_AHEAD = 200
#: Where a case comes from whose person did not write to us: an officer typed it, another body sent it, it is a drill.
NOT_FROM_PEOPLE = ("walk_in", "phone", "agency", "transfer", "abroad", DRILL)


def ahead_of(tx: Connection, case: Case) -> int:
    """How many cases wait that are taken before this one: more urgent, or as urgent and due before it. Beyond
    MOST_AHEAD nobody counts on."""
    found = sa.select(cases.c.id).where(*_before(case)).limit(MOST_AHEAD + 1)
    return int(tx.execute(sa.select(sa.func.count()).select_from(found.subquery())).scalar_one())


def somebody_is_late(tx: Connection, case: Case, at: datetime) -> bool:
    """Whether a case that is taken before this one waits longer than we try to let anybody wait."""
    late = sa.select(cases.c.id).where(*_before(case), cases.c.due_at <= at).limit(1)
    return tx.execute(late).first() is not None


def _before(case: Case) -> tuple[sa.ColumnElement[bool], ...]:
    c = cases.c
    same = c.priority == case.priority.value
    sooner = sa.or_(c.due_at < case.due_at, sa.and_(c.due_at == case.due_at, c.id < case.id))
    return c.status == CaseStatus.NEW.value, sa.or_(c.priority < case.priority.value, sa.and_(same, sooner))


class Stay(Struct, frozen=True):
    """When somebody came into the queue, and when an officer first took their case; or now, where nobody has."""

    since: datetime
    until: datetime
    priority: Priority
    language: str
    taken: bool = True  # somebody who waits still has waited at least until then: nobody knows how long it becomes


def stays(tx: Connection, priority: Priority, *, since: datetime, at: datetime, limit: int) -> list[Stay]:
    """Who wrote to us since and waited in the queue, as urgent as this or more: the newest of each, `limit` of all.

    Without drills, the demonstration, and cases that did not come from the person's own words.
    """
    c, e = cases.c, case_events.c
    taken = sa.select(sa.func.min(e.at)).where(e.case_id == c.id, e.act == Act.CLAIM.value).scalar_subquery()
    levels = [each.value for each in Priority if each <= priority]
    query = (
        sa.select(c.opened_at, taken.label("taken_at"), c.status, c.priority, c.language)
        .where(
            c.opened_at >= since,
            c.opened_at < at,
            c.priority.in_(levels),
            c.demo.is_(False),
            c.source.not_in(NOT_FROM_PEOPLE),
        )
        .order_by(c.opened_at.desc())
        .limit(limit)
    )
    return [
        Stay(row.opened_at, row.taken_at or at, Priority(row.priority), row.language, row.taken_at is not None)
        for row in tx.execute(query)
        if row.taken_at is not None or row.status == CaseStatus.NEW.value
    ]
