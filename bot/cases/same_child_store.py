"""The only SQL about cases that turned out to be one child's.

They stand among the returns (`bot.cases.receipt_store`): there, too, a case goes on in one conversation and another is
left. `case_id` is the case that remains, `returning_case_id` the duplicate.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.model import CaseStatus
from bot.cases.receipt_store import LEFT, MERGED, returns
from bot.cases.store import case_fingerprints, cases
from bot.kernel.ids import new_id

UNDONE = "undone"
_standing = returns.c.state == MERGED


def add(tx: Connection, *, kept_id: str, duplicate_id: str, left: str, goes_on: str, by: str, at: datetime) -> None:
    """`left` is the conversation in which nobody is answered any more, `goes_on` the one of the case that remains."""
    values = {
        "id": new_id(),
        "case_id": kept_id,
        "returning_case_id": duplicate_id,
        "from_conversation_id": left,
        "conversation_id": goes_on,
        "at": at,
        "state": MERGED,
        "decided_by": by,
        "decided_at": at,
    }
    tx.execute(returns.insert().values(**values))


def of_duplicate(tx: Connection, duplicate_id: str, *, lock: bool = False) -> Row[Any] | None:
    """What was said of a case that is a duplicate, while that stands."""
    query = sa.select(returns).where(returns.c.returning_case_id == duplicate_id, _standing)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def goes_on_in(tx: Connection, case_id: str) -> str | None:
    """The case in which this one goes on: it is a duplicate of it, or its person came back to it from another phone."""
    query = sa.select(returns.c.case_id).where(returns.c.returning_case_id == case_id, returns.c.state.in_(LEFT))
    return tx.execute(query.order_by(returns.c.decided_at.desc()).limit(1)).scalar_one_or_none()


def duplicates_of(tx: Connection, kept_id: str) -> list[str]:
    """The cases that go on in this one, over however many steps; the oldest decision first."""
    found, latest = list[str](), [kept_id]
    while latest:
        query = sa.select(returns.c.returning_case_id).where(returns.c.case_id.in_(latest), returns.c.state.in_(LEFT))
        latest = [each for each in tx.execute(query.order_by(returns.c.decided_at)).scalars() if each not in found]
        found += latest
    return found


def talks_left(tx: Connection, kept_id: str) -> list[str]:
    """The conversations that lead to this case, and in which nobody is answered."""
    query = sa.select(returns.c.from_conversation_id).where(returns.c.case_id == kept_id, _standing)
    return list(tx.execute(query.order_by(returns.c.decided_at.desc())).scalars())


def case_of_left(tx: Connection, conversation_id: str) -> str | None:
    """The case that a conversation was left for, the last decision first."""
    query = sa.select(returns.c.case_id).where(returns.c.from_conversation_id == conversation_id, _standing)
    return tx.execute(query.order_by(returns.c.decided_at.desc()).limit(1)).scalar_one_or_none()


def swap(tx: Connection, kept_id: str, *, left: str, goes_on: str) -> None:
    """From now on `goes_on`, which had been left, is the conversation of the case, and `left` is left."""
    was_left = sa.and_(returns.c.case_id == kept_id, _standing, returns.c.from_conversation_id == goes_on)
    tx.execute(returns.update().where(was_left).values(from_conversation_id=left, conversation_id=goes_on))


def undo(tx: Connection, row: Row[Any], *, own: str, kept_in: str, by: str, at: datetime) -> None:
    """The duplicate is none. `own` is its conversation, which leads nowhere else any more; `kept_in` that of the other
    case."""
    tx.execute(returns.update().where(returns.c.id == row.id).values(state=UNDONE, decided_by=by, decided_at=at))
    others = sa.and_(returns.c.case_id == row.case_id, _standing)
    into_it = sa.and_(others, returns.c.conversation_id == own)
    tx.execute(returns.update().where(into_it).values(conversation_id=kept_in))
    if row.from_conversation_id != own:
        out_of_it = sa.and_(others, returns.c.from_conversation_id == own)
        tx.execute(returns.update().where(out_of_it).values(from_conversation_id=row.from_conversation_id))


def fingerprints_of(tx: Connection, case_id: str) -> list[str]:
    query = sa.select(case_fingerprints.c.fingerprint).where(case_fingerprints.c.case_id == case_id)
    return list(tx.execute(query).scalars())


def has_open_case(tx: Connection, conversation_id: str) -> bool:
    query = sa.select(cases.c.id).where(
        cases.c.conversation_id == conversation_id, cases.c.status != CaseStatus.CLOSED.value
    )
    return tx.execute(query.limit(1)).first() is not None
