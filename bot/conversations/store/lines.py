"""Lines of a talk, and the replies that wait to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.conversations.model import (
    Author,
    Direction,
    MessageClass,
    OutboxState,
    Wording,
)
from bot.conversations.store.tables import NoConversation, conversations, messages, outbox
from bot.kernel.crypto import DataKey, Vault
from bot.kernel.database import Moment
from bot.kernel.ids import new_id
from bot.kernel.prepared import Prepared


class NewLine(Struct, frozen=True):
    """A line of a transcript before it has a number."""

    direction: Direction
    author: Author
    kind: str
    body: Mapping[str, Any]
    language: str | None
    cls: MessageClass | None = None
    template: str | None = None
    officer_id: str | None = None
    provider_id: str | None = None
    edits: int | None = None


def spoken(wording: Wording, *, author: Author, language: str | None, officer_id: str | None = None) -> NewLine:
    """A line that goes out."""
    return NewLine(
        Direction.OUT,
        author,
        "text" if wording.latitude is None else "location",
        wording.body(),
        language,
        wording.cls,
        wording.template,
        officer_id,
    )


INSERT_MESSAGE = Prepared(messages.insert(), [column.key for column in messages.c])
INSERT_OUTBOX = Prepared(
    outbox.insert(),
    ["id", "conversation_id", "channel", "seq", "cls", "lane", "state", "attempts", "repeats", "due_at", "created_at"],
)


def write_lines(
    tx: Connection,
    key: DataKey,
    conversation_id: str,
    channel: str,
    lines: Sequence[NewLine],
    *,
    first_seq: int,
    at: datetime,
) -> None:
    """Add lines to the transcript from `first_seq` on, and those that go out to the outbox."""
    rows, replies = [], []
    for seq, line in enumerate(lines, first_seq):
        message_id = new_id()
        rows.append(
            {
                "id": message_id,
                "conversation_id": conversation_id,
                "seq": seq,
                "direction": line.direction.value,
                "author": line.author.value,
                "officer_id": line.officer_id,
                "kind": line.kind,
                "body_sealed": key.seal_json(line.body, table="messages", row=message_id, field="body"),
                "language": line.language,
                "template": line.template,
                "provider_id": line.provider_id,
                "edits": line.edits,
                "cls": None if line.cls is None else line.cls.value,
                "at": at,
            }
        )
        if line.direction is Direction.OUT:
            assert line.cls is not None
            replies.append(
                {
                    "id": message_id,
                    "conversation_id": conversation_id,
                    "channel": channel,
                    "seq": seq,
                    "cls": line.cls.value,
                    "lane": int(line.cls.lane),
                    "state": OutboxState.TODO.value,
                    "attempts": 0,
                    "repeats": 0,
                    "due_at": at,
                    "created_at": at,
                }
            )
    if rows:
        INSERT_MESSAGE.run_each(tx, rows)
    if replies:
        INSERT_OUTBOX.run_each(tx, replies)


def add_lines(tx: Connection, vault: Vault, conversation_id: str, lines: Sequence[NewLine], *, at: datetime) -> int:
    """Add lines outside a turn. Returns the number of the first. Raises NoConversation."""
    numbers = {"next_seq": conversations.c.next_seq + len(lines)}
    if any(line.direction is Direction.OUT for line in lines):
        numbers["last_out_at"] = sa.bindparam("at", at, type_=Moment)
    row = tx.execute(
        conversations.update()
        .where(conversations.c.id == conversation_id, conversations.c.erased_at.is_(None))
        .values(numbers)
        .returning(conversations.c.next_seq, conversations.c.key_id, conversations.c.channel)
    ).one_or_none()
    if row is None:
        raise NoConversation(conversation_id)
    first = int(row.next_seq) - len(lines)
    key = vault.key(tx, row.key_id)
    write_lines(tx, key, conversation_id, row.channel, lines, first_seq=first, at=at)
    return first


def next_line(tx: Connection, conversation_id: str) -> int:
    """The number the next line will have. For whoever holds the conversation."""
    query = sa.select(conversations.c.next_seq).where(conversations.c.id == conversation_id)
    return int(tx.execute(query).scalar_one())


def languages_written(tx: Connection, conversation_id: str, *, limit: int) -> list[str]:
    """Of the person's last messages in words, the latest first."""
    query = sa.select(messages.c.language).where(
        messages.c.conversation_id == conversation_id,
        messages.c.author == Author.PERSON.value,
        messages.c.kind == "text",
        messages.c.language.is_not(None),
    )
    return list(tx.execute(query.order_by(messages.c.seq.desc()).limit(limit)).scalars())


def line_by_provider_id(tx: Connection, conversation_id: str, provider_id: str) -> int | None:
    """The line a channel knows by this name: what an edit corrects."""
    query = sa.select(messages.c.seq).where(
        messages.c.conversation_id == conversation_id, messages.c.provider_id == provider_id
    )
    return tx.execute(query.order_by(messages.c.seq).limit(1)).scalar_one_or_none()
