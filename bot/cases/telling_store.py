"""The only SQL about what a child was told before something about them was passed on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.conversations.model import OutboxState
from bot.conversations.store import outbox
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
    # Under which the delivery is known too; null: told without us. No number in a talk: the case may move to another.
    sa.Column("line_id", sa.String(36), nullable=True),
)

_SENT = case_tellings.outerjoin(outbox, outbox.c.id == case_tellings.c.line_id)
#: Its words were given up, or held back from a phone that somebody else may hold.
_DEAD = sa.func.coalesce(outbox.c.state == OutboxState.DEAD.value, sa.false())


def add(tx: Connection, values: dict[str, Any]) -> None:
    tx.execute(case_tellings.insert().values(**values))


def sent_as(tx: Connection, telling_id: str, conversation_id: str, seq: int) -> None:
    """The words went out as this line of the talk."""
    c = outbox.c
    line = sa.select(c.id).where(c.conversation_id == conversation_id, c.seq == seq).scalar_subquery()
    tx.execute(case_tellings.update().where(case_tellings.c.id == telling_id).values(line_id=line))


def of_case(tx: Connection, case_id: str) -> list[Row[Any]]:
    """The oldest first. `undelivered` where the words of it never arrived."""
    query = sa.select(case_tellings, _DEAD.label("undelivered")).select_from(_SENT)
    c = case_tellings.c
    return list(tx.execute(query.where(c.case_id == case_id).order_by(c.at, c.id)))


def is_answered(tx: Connection, case_id: str, consent_id: str | None) -> bool:
    """Whether somebody said if the child was told of this share, or without one of a report, and it was not in words
    that never arrived."""
    c = case_tellings.c
    query = sa.select(c.id).select_from(_SENT).where(c.case_id == case_id, sa.not_(_DEAD))
    return tx.execute(query.where(c.consent_id.is_not_distinct_from(consent_id)).limit(1)).first() is not None
