"""The only SQL about records: facts with their history, tasks, assessments of risk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.store import cases
from bot.kernel.database import Moment, metadata

#: What a record said and says. A fact is never changed: another takes its place.
facts = sa.Table(
    "case_facts",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("field", sa.String(30), nullable=False),
    sa.Column("value_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("replaced_at", Moment, nullable=True),
)
_present = facts.c.replaced_at.is_(None)
sa.Index(
    "uq_case_facts_present",
    facts.c.case_id,
    facts.c.field,
    unique=True,
    sqlite_where=_present,
    postgresql_where=_present,
)

tasks = sa.Table(
    "case_tasks",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(12), nullable=False),  # `own`, or what an assessment asks for
    sa.Column("what_sealed", sa.LargeBinary, nullable=True),
    sa.Column("why_sealed", sa.LargeBinary, nullable=True),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("made_by", sa.String(36), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("done_by", sa.String(36), nullable=True),
    sa.Column("done_at", Moment, nullable=True),
)
sa.Index("ix_case_tasks_due", tasks.c.done_at, tasks.c.due_at)

risks = sa.Table(
    "case_risks",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("why_sealed", sa.LargeBinary, nullable=True),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("needs_signature", sa.Boolean, nullable=False),
    sa.Column("signed_by", sa.String(36), nullable=True),
    sa.Column("signed_at", Moment, nullable=True),
)


def present_facts(tx: Connection, case_id: str, *, lock: bool = False) -> list[Row[Any]]:
    query = sa.select(facts).where(facts.c.case_id == case_id, _present)
    return list(tx.execute(query.with_for_update() if lock else query))


def all_facts(tx: Connection, case_id: str) -> list[Row[Any]]:
    """Everything the record says and said, in the order in which it was written."""
    query = sa.select(facts).where(facts.c.case_id == case_id)
    return list(tx.execute(query.order_by(facts.c.at, facts.c.id)))


def replace_fact(tx: Connection, before: str | None, values: Mapping[str, Any]) -> None:
    if before is not None:
        tx.execute(facts.update().where(facts.c.id == before).values(replaced_at=values["at"]))
    tx.execute(facts.insert().values(**values))


def add_task(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(tasks.insert().values(**values))


def tasks_of(tx: Connection, case_id: str) -> list[Row[Any]]:
    """Open ones first, by when they are due."""
    query = sa.select(tasks).where(tasks.c.case_id == case_id)
    return list(tx.execute(query.order_by(sa.case((tasks.c.done_at.is_(None), 0), else_=1), tasks.c.due_at)))


def finish_task(tx: Connection, case_id: str, task_id: str, officer_id: str, at: datetime) -> bool:
    open_one = sa.and_(tasks.c.id == task_id, tasks.c.case_id == case_id, tasks.c.done_at.is_(None))
    return tx.execute(tasks.update().where(open_one).values(done_by=officer_id, done_at=at)).rowcount == 1


def move_task(tx: Connection, case_id: str, kind: str, due_at: datetime) -> bool:
    """False where none of this kind is open."""
    open_one = sa.and_(tasks.c.case_id == case_id, tasks.c.kind == kind, tasks.c.done_at.is_(None))
    return tx.execute(tasks.update().where(open_one).values(due_at=due_at)).rowcount > 0


def end_kinds(tx: Connection, case_id: str, kinds: Iterable[str], ended_by: str, at: datetime) -> None:
    """What is open of these kinds is not to be done any more."""
    overtaken = sa.and_(tasks.c.case_id == case_id, tasks.c.kind.in_(list(kinds)), tasks.c.done_at.is_(None))
    tx.execute(tasks.update().where(overtaken).values(done_by=ended_by, done_at=at))


def end_tasks_until(tx: Connection, case_id: str, moment: datetime, ended_by: str, at: datetime) -> None:
    """What was open at that moment is another's to do now."""
    theirs = sa.and_(tasks.c.case_id == case_id, tasks.c.made_at <= moment, tasks.c.done_at.is_(None))
    tx.execute(tasks.update().where(theirs).values(done_by=ended_by, done_at=at))


def tasks_of_owner(tx: Connection, officer_id: str, *, limit: int) -> list[Row[Any]]:
    """The open tasks in the cases an officer holds, the first due first."""
    query = (
        sa.select(tasks)
        .join(cases, cases.c.id == tasks.c.case_id)
        .where(cases.c.owner_id == officer_id, cases.c.status == "claimed", tasks.c.done_at.is_(None))
        .order_by(tasks.c.due_at, tasks.c.id)
    )
    return list(tx.execute(query.limit(limit)))


def open_task_count(tx: Connection, case_id: str) -> int:
    query = sa.select(sa.func.count()).where(tasks.c.case_id == case_id, tasks.c.done_at.is_(None))
    return int(tx.execute(query).scalar_one())


def add_risk(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(risks.insert().values(**values))


def risks_of(tx: Connection, case_id: str) -> list[Row[Any]]:
    """In the order in which they were made."""
    return list(tx.execute(sa.select(risks).where(risks.c.case_id == case_id).order_by(risks.c.at, risks.c.id)))


def sign_risk(tx: Connection, case_id: str, risk_id: str, officer_id: str, at: datetime) -> bool:
    unsigned = sa.and_(
        risks.c.id == risk_id,
        risks.c.case_id == case_id,
        risks.c.needs_signature,
        risks.c.signed_by.is_(None),
        risks.c.officer_id != officer_id,
    )
    return tx.execute(risks.update().where(unsigned).values(signed_by=officer_id, signed_at=at)).rowcount == 1


def is_followed(tx: Connection, case_id: str) -> bool:
    """Whether somebody works on this case beyond the talk: then it is not closed with one click."""
    for table in (facts, tasks, risks):
        if tx.execute(sa.select(table.c.id).where(table.c.case_id == case_id).limit(1)).first() is not None:
            return True
    return False
