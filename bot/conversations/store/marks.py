"""How far a person has read, and whether they show it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.conversations.model import Author, Direction, Mode
from bot.conversations.store.tables import conversations, messages, reading_marks
from bot.kernel.database import insert_or_nothing


class MarksRow(Struct, frozen=True):
    """A conversation as far as marks go."""

    mode: Mode
    watched_since: datetime | None
    hidden: bool
    read_seq: int | None


def marks_row(tx: Connection, conversation_id: str) -> MarksRow | None:
    """None where there is no such conversation, or it was erased."""
    query = (
        sa.select(conversations.c.mode, conversations.c.watched_since, reading_marks.c.hidden, reading_marks.c.read_seq)
        .outerjoin(reading_marks, reading_marks.c.conversation_id == conversations.c.id)
        .where(conversations.c.id == conversation_id, conversations.c.erased_at.is_(None))
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else MarksRow(Mode(row.mode), row.watched_since, bool(row.hidden), row.read_seq)


def last_of_officers(tx: Connection, conversation_id: str, *, up_to: int) -> int | None:
    """The newest line up to number `up_to` that an officer wrote to the person."""
    query = sa.select(sa.func.max(messages.c.seq)).where(
        messages.c.conversation_id == conversation_id,
        messages.c.seq <= up_to,
        messages.c.author == Author.OFFICER.value,
        messages.c.direction == Direction.OUT.value,
    )
    return tx.execute(query).scalar_one_or_none()


def put_read(tx: Connection, conversation_id: str, seq: int) -> bool:
    """Remember that lines up to `seq` were read. False where that was known."""
    if insert_or_nothing(tx, reading_marks, {"conversation_id": conversation_id, "read_seq": seq, "hidden": False}):
        return True
    further = sa.or_(reading_marks.c.read_seq.is_(None), reading_marks.c.read_seq < seq)
    there = reading_marks.c.conversation_id == conversation_id
    return tx.execute(reading_marks.update().where(there, further).values(read_seq=seq)).rowcount == 1


def put_hidden(tx: Connection, conversation_id: str, hidden: bool) -> None:
    """Show no marks from now on, and forget how far they had read; or show them again."""
    values = {"read_seq": None, "hidden": hidden}
    if not insert_or_nothing(tx, reading_marks, {"conversation_id": conversation_id, **values}):
        tx.execute(reading_marks.update().where(reading_marks.c.conversation_id == conversation_id).values(**values))


def forget_marks(tx: Connection, conversation_id: str) -> None:
    tx.execute(reading_marks.delete().where(reading_marks.c.conversation_id == conversation_id))
