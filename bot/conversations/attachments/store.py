"""The tables of files and their parts, and all of their SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.conversations.attachments.model import State
from bot.conversations.store import conversations
from bot.kernel.database import Moment, metadata

attachments = sa.Table(
    "attachments",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("conversation_id", sa.String(36), nullable=False),
    sa.Column("seq", sa.Integer, nullable=True),  # the line it belongs to; null until an upload has become one
    sa.Column("incoming", sa.Boolean, nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),  # also the fence: an older attempt cannot write
    sa.Column("failures", sa.Integer, nullable=False),  # of the attempts, those that came back
    sa.Column("due_at", Moment, nullable=True),  # waiting: not before, or the end of the lease
    sa.Column("size", sa.Integer, nullable=True),
    sa.Column("cause", sa.String(32), nullable=True),
    sa.Column("about_sealed", sa.LargeBinary, nullable=True),  # what the channel says of it, and its name there
    sa.Column("kept_sealed", sa.LargeBinary, nullable=True),  # its hash, and what its copy is made of
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("settled_at", Moment, nullable=True),
    sa.UniqueConstraint("conversation_id", "seq"),
)
UNSETTLED = sa.text("state IN ('waiting', 'arriving')")
sa.Index("ix_attachments_due", attachments.c.due_at, sqlite_where=UNSETTLED, postgresql_where=UNSETTLED)
sa.Index("ix_attachments_created_at", attachments.c.created_at)

attachment_parts = sa.Table(
    "attachment_parts",
    metadata,
    sa.Column("attachment_id", sa.String(36), sa.ForeignKey("attachments.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),  # with the key of the conversation
)


def add(tx: Connection, **values: Any) -> None:
    tx.execute(attachments.insert().values(attempts=0, failures=0, **values))


def one(tx: Connection, attachment_id: str) -> Row[Any] | None:
    return tx.execute(sa.select(attachments).where(attachments.c.id == attachment_id)).one_or_none()


def of_conversations(tx: Connection, conversation_ids: Sequence[str]) -> list[Row[Any]]:
    """Those that belong to a line, in the order of the talks."""
    query = sa.select(attachments).where(
        attachments.c.conversation_id.in_(conversation_ids), attachments.c.seq.is_not(None)
    )
    return list(tx.execute(query.order_by(attachments.c.created_at, attachments.c.seq)))


def of_line(tx: Connection, conversation_id: str, seq: int) -> Row[Any] | None:
    query = sa.select(attachments).where(attachments.c.conversation_id == conversation_id, attachments.c.seq == seq)
    return tx.execute(query).one_or_none()


def put_on_line(tx: Connection, attachment_id: str, conversation_id: str, seq: int) -> bool:
    """False when it is not an upload of this conversation that waits for its line."""
    put = tx.execute(
        attachments.update()
        .where(
            attachments.c.id == attachment_id,
            attachments.c.conversation_id == conversation_id,
            attachments.c.seq.is_(None),
            attachments.c.state == State.KEPT.value,
        )
        .values(seq=seq)
    )
    return put.rowcount == 1


def claim(tx: Connection, *, at: datetime, lease_until: datetime) -> Row[Any] | None:
    """The file that waited longest, leased, with key and channel of its conversation; its old parts are gone."""
    due = (
        sa.select(attachments, conversations.c.channel, conversations.c.key_id)
        .join(conversations, conversations.c.id == attachments.c.conversation_id)
        .where(UNSETTLED_HERE, attachments.c.state == State.WAITING.value, attachments.c.due_at <= at)
        .order_by(attachments.c.due_at, attachments.c.id)
        .limit(1)
        .with_for_update(of=attachments, skip_locked=True)
    )
    row = tx.execute(due).one_or_none()
    if row is None:
        return None
    drop_parts(tx, row.id)
    tx.execute(
        attachments.update()
        .where(attachments.c.id == row.id)
        .values(attempts=attachments.c.attempts + 1, due_at=lease_until)
    )
    return row


#: In the words of the index, so that it is used.
UNSETTLED_HERE = sa.text("attachments.state IN ('waiting', 'arriving')")


def change(tx: Connection, attachment_id: str, state: State, attempt: int, /, **values: Any) -> bool:
    """Change a file that is in this state and in this attempt. False when it went on without us, or was erased."""
    changed = tx.execute(
        attachments.update()
        .where(
            attachments.c.id == attachment_id,
            attachments.c.state == state.value,
            attachments.c.attempts == attempt,
        )
        .values(**values)
    )
    return changed.rowcount == 1


def add_part(tx: Connection, attachment_id: str, number: int, sealed: bytes) -> None:
    tx.execute(attachment_parts.insert().values(attachment_id=attachment_id, number=number, sealed=sealed))


def part(tx: Connection, attachment_id: str, number: int) -> bytes | None:
    query = sa.select(attachment_parts.c.sealed).where(
        attachment_parts.c.attachment_id == attachment_id, attachment_parts.c.number == number
    )
    found = tx.execute(query).scalar_one_or_none()
    return None if found is None else bytes(found)


def expect_again(tx: Connection, attachment_id: str, at: datetime) -> bool:
    """Have a file that was given up fetched anew. False where it is in no such state, or erased. What went wrong before
    is not counted against it."""
    given_up = sa.and_(
        attachments.c.id == attachment_id,
        attachments.c.state == State.LOST.value,
        attachments.c.incoming,
        attachments.c.about_sealed.is_not(None),
    )
    values = {
        "state": State.WAITING.value, "due_at": at, "cause": None, "settled_at": None,
        "failures": attachments.c.attempts,
    }  # fmt: skip
    return tx.execute(attachments.update().where(given_up).values(**values)).rowcount == 1


def end_leases(tx: Connection, *, at: datetime) -> None:
    """Whoever fetched a file is gone: the next one need not wait."""
    tx.execute(
        attachments.update()
        .where(UNSETTLED_HERE, attachments.c.state == State.WAITING.value, attachments.c.due_at > at)
        .values(due_at=at)
    )


def drop_parts(tx: Connection, attachment_id: str) -> None:
    tx.execute(attachment_parts.delete().where(attachment_parts.c.attachment_id == attachment_id))


def sent_since(tx: Connection, since: datetime, conversation_id: str, before: int | None = None) -> tuple[int, int]:
    """How many files, and how many bytes, a person has sent since then, up to the line `before`. An upload under way
    counts as a file."""
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(attachments.c.size), 0)).where(
        attachments.c.created_at > since, attachments.c.incoming, attachments.c.conversation_id == conversation_id
    )
    if before is not None:
        query = query.where(attachments.c.seq < before)
    count, size = tx.execute(query).one()
    return int(count), int(size)


def bytes_since(tx: Connection, since: datetime, channel: str) -> int:
    """How many bytes came over one channel since then."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(attachments.c.size), 0))
        .join(conversations, conversations.c.id == attachments.c.conversation_id)
        .where(attachments.c.created_at > since, attachments.c.incoming, conversations.c.channel == channel)
    )
    return int(tx.execute(query).scalar_one())


def abandoned(tx: Connection, before: datetime) -> list[str]:
    """Uploads that broke off."""
    query = sa.select(attachments.c.id).where(
        UNSETTLED_HERE, attachments.c.state == State.ARRIVING.value, attachments.c.created_at < before
    )
    return list(tx.execute(query).scalars())


def forget(tx: Connection, attachment_id: str) -> None:
    drop_parts(tx, attachment_id)
    tx.execute(attachments.delete().where(attachments.c.id == attachment_id))


def erase(tx: Connection, conversation_id: str, at: datetime) -> None:
    """Leave nothing of the files of a conversation but that they were there."""
    mine = attachments.c.conversation_id == conversation_id
    tx.execute(
        attachment_parts.delete().where(attachment_parts.c.attachment_id.in_(sa.select(attachments.c.id).where(mine)))
    )
    tx.execute(
        attachments.update()
        .where(mine)
        .values(state=State.ERASED.value, about_sealed=None, kept_sealed=None, due_at=None, settled_at=at)
    )
