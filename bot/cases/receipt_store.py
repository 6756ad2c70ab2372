"""The only SQL about return codes: whose they are, who tried, and who came back with one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.store import cases
from bot.kernel.database import Moment, metadata
from bot.kernel.ids import new_id

#: One return code a case, the newest. What is kept of it is a keyed hash.
receipts = sa.Table(
    "case_receipts",
    metadata,
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("receipt_index", sa.String(64), nullable=False, unique=True),
    sa.Column("at", Moment, nullable=False),
)

#: Every code that was tried lately, right or wrong.
tries = sa.Table(
    "receipt_tries",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("conversation_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
)
sa.Index("ix_receipt_tries_at", tries.c.at)

MERGED = "merged"
#: In these states the case goes on in one conversation, and the other is left.
LEFT = ("agreed", MERGED)
#: Somebody wrote from another phone with the code of a case. Until an officer agrees the two stay apart. Or an officer
#: said that two cases are one child's: see `bot.cases.same_child_store`.
returns = sa.Table(
    "case_returns",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("returning_case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("from_conversation_id", sa.String(36), nullable=False),
    sa.Column("conversation_id", sa.String(36), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),  # asked, agreed, refused; merged, undone
    sa.Column("decided_by", sa.String(36), nullable=True),
    sa.Column("decided_at", Moment, nullable=True),
)


def put_receipt(tx: Connection, case_id: str, index: str, at: datetime) -> None:
    """The code before it stops working."""
    drop_receipt(tx, case_id)
    tx.execute(receipts.insert().values(case_id=case_id, receipt_index=index, at=at))


def drop_receipt(tx: Connection, case_id: str) -> None:
    tx.execute(receipts.delete().where(receipts.c.case_id == case_id))


def drop_receipts_of(tx: Connection, conversation_id: str) -> None:
    """Nobody comes back to the cases of this conversation any more."""
    of_it = sa.select(cases.c.id).where(cases.c.conversation_id == conversation_id)
    tx.execute(receipts.delete().where(receipts.c.case_id.in_(of_it)))


def has_receipt(tx: Connection, case_id: str) -> bool:
    return tx.execute(sa.select(receipts.c.case_id).where(receipts.c.case_id == case_id)).first() is not None


def case_of_receipt(tx: Connection, index: str) -> str | None:
    query = sa.select(receipts.c.case_id).where(receipts.c.receipt_index == index)
    return tx.execute(query).scalar_one_or_none()


def count_try(tx: Connection, conversation_id: str, *, since: datetime, at: datetime) -> tuple[int, int]:
    """Write down one try. Returns how many this conversation made since `since`, and how many all made; older ones are
    forgotten."""
    tx.execute(tries.delete().where(tries.c.at <= since))
    tx.execute(tries.insert().values(id=new_id(), conversation_id=conversation_id, at=at))
    counted = sa.select(sa.func.count()).select_from(tries)
    own = tx.execute(counted.where(tries.c.conversation_id == conversation_id)).scalar_one()
    return int(own), int(tx.execute(counted).scalar_one())


def add_return(tx: Connection, values: dict[str, Any]) -> None:
    tx.execute(returns.insert().values(id=new_id(), state="asked", **values))


def returns_to(tx: Connection, case_id: str) -> list[Row[Any]]:
    """Who came back to a case, the newest first, with the number and the holder of the case they write in."""
    query = (
        sa.select(returns, cases.c.number, cases.c.owner_id)
        .join(cases, cases.c.id == returns.c.returning_case_id)
        .where(returns.c.case_id == case_id)
    )
    return list(tx.execute(query.order_by(returns.c.at.desc(), returns.c.id.desc())))


def returning(tx: Connection, returning_case_id: str, *, lock: bool = False) -> Row[Any] | None:
    """Where this case's person says that they come from, if nobody has decided yet; with that case's number, holder
    and status."""
    query = (
        sa.select(returns, cases.c.number, cases.c.owner_id, cases.c.status)
        .join(cases, cases.c.id == returns.c.case_id)
        .where(returns.c.returning_case_id == returning_case_id, returns.c.state == "asked")
        .order_by(returns.c.at.desc(), returns.c.id.desc())
        .limit(1)
    )
    return tx.execute(query.with_for_update(of=returns) if lock else query).one_or_none()


def asked_before(tx: Connection, case_id: str, conversation_id: str) -> bool:
    query = sa.select(returns.c.id).where(
        returns.c.case_id == case_id, returns.c.conversation_id == conversation_id, returns.c.state == "asked"
    )
    return tx.execute(query).first() is not None


def decide(tx: Connection, return_id: str, state: str, *, by: str, at: datetime) -> None:
    tx.execute(returns.update().where(returns.c.id == return_id).values(state=state, decided_by=by, decided_at=at))


def earlier_phones(tx: Connection, case_id: str) -> list[str]:
    """The conversations a case was in before, the latest first."""
    query = sa.select(returns.c.from_conversation_id).where(returns.c.case_id == case_id, returns.c.state.in_(LEFT))
    return list(tx.execute(query.order_by(returns.c.decided_at.desc())).scalars())


def phones_left_for(tx: Connection, conversation_id: str) -> list[str]:
    """The conversations whose person goes on in this one, over however many phones."""
    found, latest = list[str](), [conversation_id]
    while latest:
        query = sa.select(returns.c.from_conversation_id).where(
            returns.c.conversation_id.in_(latest),
            returns.c.state.in_(LEFT),
            returns.c.from_conversation_id.not_in([conversation_id, *found]),
        )
        latest = list(tx.execute(query.distinct()).scalars())
        found += latest
    return found


def last_case_of(tx: Connection, conversation_id: str) -> str | None:
    """The open case of a conversation, else the one opened last whose words were not erased."""
    query = sa.select(cases.c.id).where(cases.c.conversation_id == conversation_id, cases.c.words_sealed.is_not(None))
    return tx.execute(query.order_by(cases.c.opened_at.desc()).limit(1)).scalar_one_or_none()


def move_case(tx: Connection, case_id: str, conversation_id: str) -> None:
    tx.execute(cases.update().where(cases.c.id == case_id).values(conversation_id=conversation_id))
