"""The only SQL about answers that wait until the person may be written to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.model import CaseStatus
from bot.cases.store import case_events, cases
from bot.conversations.store import conversations
from bot.kernel.database import Moment, metadata

waiting_answers = sa.Table(
    "waiting_answers",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("text_sealed", sa.LargeBinary, nullable=True),  # with the key of the case; null once erased
    sa.Column("attachment_id", sa.String(36), nullable=True),  # a file that goes with it
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False, index=True),
)


def add(tx: Connection, **values: Any) -> None:
    tx.execute(waiting_answers.insert().values(**values))


def of_case(tx: Connection, case_id: str) -> list[Row[Any]]:
    """The oldest first."""
    query = sa.select(waiting_answers).where(waiting_answers.c.case_id == case_id)
    return list(tx.execute(query.order_by(waiting_answers.c.made_at, waiting_answers.c.id)))


def one(tx: Connection, answer_id: str) -> Row[Any] | None:
    """Locked until the transaction ends."""
    query = sa.select(waiting_answers).where(waiting_answers.c.id == answer_id)
    return tx.execute(query.with_for_update()).one_or_none()


def due(tx: Connection, at: datetime) -> list[str]:
    """Those whose time has come, of open cases. Where somebody else may hold the phone they go on waiting."""
    held = waiting_answers.join(cases, cases.c.id == waiting_answers.c.case_id).join(
        conversations, conversations.c.id == cases.c.conversation_id
    )
    query = (
        sa.select(waiting_answers.c.id)
        .select_from(held)
        .where(
            waiting_answers.c.due_at <= at,
            cases.c.status != CaseStatus.CLOSED.value,
            conversations.c.watched_since.is_(None),
        )
        .order_by(waiting_answers.c.made_at, waiting_answers.c.id)
    )
    return list(tx.execute(query).scalars())


def postpone(tx: Connection, answer_id: str, until: datetime) -> None:
    tx.execute(waiting_answers.update().where(waiting_answers.c.id == answer_id).values(due_at=until))


def remove(tx: Connection, answer_id: str) -> bool:
    """False when it is not there any more: it was sent, or taken back."""
    return tx.execute(waiting_answers.delete().where(waiting_answers.c.id == answer_id)).rowcount == 1


def last_answer(tx: Connection, case_id: str) -> datetime | None:
    """When an officer last answered for real: what was sent, what waits, and what was said at the door."""
    sent = sa.select(sa.func.max(case_events.c.at)).where(
        case_events.c.case_id == case_id, case_events.c.act.in_(("answered", "waiting_answer_sent", "contact"))
    )
    waits = sa.select(sa.func.max(waiting_answers.c.made_at)).where(waiting_answers.c.case_id == case_id)
    moments = [at for query in (sent, waits) if (at := tx.execute(query).scalar_one()) is not None]
    return max(moments, default=None)


def is_waiting(tx: Connection, case_id: str) -> bool:
    query = sa.select(waiting_answers.c.id).where(waiting_answers.c.case_id == case_id).limit(1)
    return tx.execute(query).first() is not None
