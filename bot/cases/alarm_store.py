"""The only SQL about alarms in number: which step is due, what rings on a desk, and who was paged.

An alarm itself is stored with its case, in `bot.cases.store`.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases.model import Alarm, Case, CaseStatus
from bot.cases.store import LOUD_CODES, QUEUE_ORDER, alarms, cases, pages, queue_place, to_alarm, to_case
from bot.kernel.database import insert_or_nothing


def due_alarms(tx: Connection, at: datetime, *, limit: int) -> list[tuple[str, str | None]]:
    """Case id and country of alarms whose next step has come, the longest due first."""
    query = (
        sa.select(alarms.c.case_id, cases.c.country)
        .join(cases, cases.c.id == alarms.c.case_id)
        .where(alarms.c.next_step_at <= at)
        .order_by(alarms.c.priority, alarms.c.next_step_at)
    )
    return [(row.case_id, row.country) for row in tx.execute(query.limit(limit))]


def next_step(tx: Connection) -> datetime | None:
    """When the next step of any alarm comes."""
    earliest: datetime | None = tx.execute(
        sa.select(alarms.c.next_step_at)
        .where(alarms.c.next_step_at.is_not(None))
        .order_by(alarms.c.next_step_at)
        .limit(1)
    ).scalar_one_or_none()
    return earliest


def climbing_alarms(tx: Connection) -> list[tuple[Alarm, CaseStatus]]:
    query = (
        sa.select(alarms, cases.c.status)
        .join(cases, cases.c.id == alarms.c.case_id)
        .where(alarms.c.next_step_at.is_not(None))
    )
    return [(to_alarm(row), CaseStatus(row.status)) for row in tx.execute(query)]


def waiting_without_alarm(tx: Connection) -> list[Case]:
    """Cases in the queue for which nothing climbs: there should be none."""
    quiet = sa.or_(alarms.c.case_id.is_(None), alarms.c.next_step_at.is_(None))
    query = (
        sa.select(cases)
        .outerjoin(alarms, alarms.c.case_id == cases.c.id)
        .where(cases.c.status == CaseStatus.NEW.value, quiet)
    )
    return [to_case(row) for row in tx.execute(query)]


#: Before any alarm. SQLite begins at an index for "later than", and for "not null" reads every alarm there ever was.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Ring(Struct, frozen=True):
    """An alarm that a desk sounds: once for each step of each round."""

    case: Case
    round: int
    step: int


_ring = (
    sa.select(cases, alarms.c.round, alarms.c.step)
    .join(alarms, alarms.c.case_id == cases.c.id)
    .where(alarms.c.next_step_at.is_not(None))
    .order_by(*QUEUE_ORDER)
)


def ringing_for(tx: Connection, officer_id: str, *conditions: ColumnElement[bool], limit: int) -> list[Ring]:
    """What this officer should hear on the desk: the alarms of their own cases, and those of cases that nobody has."""
    theirs = sa.and_(cases.c.owner_id == officer_id, cases.c.status == CaseStatus.CLAIMED.value)
    heard = [
        *_rings(tx, theirs, *conditions, limit=limit),
        *_rings_of_waiting(tx, *conditions, limit=limit),
    ]
    return sorted(heard, key=lambda ring: queue_place(ring.case))[:limit]


def ringing(tx: Connection, *, waiting: int) -> list[Ring]:
    """The alarms that climb: of all cases that somebody holds, and the first of those that nobody has."""
    return [
        *_rings(tx, cases.c.status == CaseStatus.CLAIMED.value, limit=None),
        *_rings_of_waiting(tx, cases.c.owner_id.is_(None), limit=waiting),
    ]


def _rings_of_waiting(tx: Connection, *conditions: ColumnElement[bool], limit: int) -> list[Ring]:
    """The loud priorities from their first step; the others once somebody had to be paged a second time.

    Asked apart, each from the index that fits: asked at once, every case that waits is read.
    """
    waits = cases.c.status == CaseStatus.NEW.value
    first = _rings(tx, waits, cases.c.priority.in_(LOUD_CODES), *conditions, limit=limit)
    late = sa.select(alarms.c.case_id).where(alarms.c.next_step_at > LONG_AGO, alarms.c.step > 1)
    if len(first) == limit or tx.execute(late.limit(1)).first() is None:
        return first
    overdue = (waits, cases.c.priority.not_in(LOUD_CODES), cases.c.id.in_(late))
    return [*first, *_rings(tx, *overdue, *conditions, limit=limit - len(first))]


def _rings(tx: Connection, *conditions: ColumnElement[bool], limit: int | None) -> list[Ring]:
    rows = tx.execute(_ring.where(*conditions).limit(limit))
    return [Ring(to_case(row), row.round, row.step) for row in rows]


def page_key(alarm: Alarm, *, step: int, officer_id: str, way: str) -> str:
    """What a page is known by: the same one is never given twice."""
    return f"{alarm.case_id}:{alarm.round}:{step}:{officer_id}:{way}"


def add_page(tx: Connection, alarm: Alarm, *, step: int, officer_id: str, way: str, at: datetime) -> bool:
    """Write down one page. False when this very page was given before."""
    key = page_key(alarm, step=step, officer_id=officer_id, way=way)
    values = {"key": key, "case_id": alarm.case_id, "officer_id": officer_id, "step": step, "way": way, "at": at}
    return insert_or_nothing(tx, pages, values)


def add_notice(tx: Connection, key: str, *, case_id: str, officer_id: str, at: datetime, way: str = "message") -> bool:
    """Write down that an officer is told of something that does not ring. False when they were before."""
    values = {"key": key, "case_id": case_id, "officer_id": officer_id, "step": 0, "way": way, "at": at}
    return insert_or_nothing(tx, pages, values)
