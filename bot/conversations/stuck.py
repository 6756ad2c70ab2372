"""What needs a human's eye: replies given up, messages set aside, and what must never be."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.conversations import store
from bot.conversations.attachments import store as attachment_store
from bot.conversations.attachments.model import GIVE_UP_AFTER as FILE_GIVEN_UP_AFTER
from bot.conversations.attachments.model import State
from bot.conversations.model import GIVE_UP_AFTER, Direction, InboxState, MessageClass, OutboxState
from bot.conversations.store import NEVER_AGAIN, conversations, deliveries, inbox, messages, outbox

#: Providers repeat a message for days when they are unsure; so long its number is remembered.
RECEIPTS_KEPT = timedelta(days=30)


class DeadLetter(Struct, frozen=True):
    """A reply that was not delivered, or perhaps was, and is not tried again by itself."""

    id: str
    conversation_id: str
    seq: int
    channel: str
    cls: MessageClass
    state: OutboxState  # dead or uncertain
    attempts: int
    cause: str | None
    created_at: datetime
    settled_at: datetime | None


class ParkedMessage(Struct, frozen=True):
    """A received message that could not be worked on."""

    seq: int
    conversation_id: str
    channel: str
    received_at: datetime
    attempts: int
    failures: int  # of the attempts; in the others whoever worked on it did not come back
    error_code: str | None


def dead_letters(tx: Connection, limit: int = 200) -> list[DeadLetter]:
    """Replies given up or uncertain, newest first. Erased ones are nobody's business, and what was held back from a
    watched phone stands in its talk."""
    rows = tx.execute(
        sa.select(outbox)
        .where(
            store.UNDELIVERED,
            sa.or_(outbox.c.cause.is_(None), outbox.c.cause.not_in(NEVER_AGAIN)),
        )
        .order_by(outbox.c.created_at.desc())
        .limit(limit)
    )
    return [
        DeadLetter(
            id=row.id,
            conversation_id=row.conversation_id,
            seq=row.seq,
            channel=row.channel,
            cls=MessageClass(row.cls),
            state=OutboxState(row.state),
            attempts=row.attempts,
            cause=row.cause,
            created_at=row.created_at,
            settled_at=row.settled_at,
        )
        for row in rows
    ]


def parked(tx: Connection, limit: int = 200) -> list[ParkedMessage]:
    """Messages set aside, newest first."""
    rows = tx.execute(sa.select(inbox).where(store.PARKED).order_by(inbox.c.seq.desc()).limit(limit))
    return [
        ParkedMessage(
            seq=row.seq,
            conversation_id=row.conversation_id,
            channel=row.channel,
            received_at=row.received_at,
            attempts=row.attempts,
            failures=row.failures,
            error_code=row.error_code,
        )
        for row in rows
    ]


def retry_delivery(tx: Connection, outbox_id: str, at: datetime) -> bool:
    """An officer wants a reply tried again; its day begins anew. False if it is not one that was given up."""
    retried = tx.execute(
        outbox.update()
        .where(
            outbox.c.id == outbox_id,
            outbox.c.state.in_([OutboxState.DEAD.value, OutboxState.UNCERTAIN.value]),
            sa.or_(outbox.c.cause.is_(None), outbox.c.cause.not_in(NEVER_AGAIN)),
            outbox.c.cls != MessageClass.SECRET.value,  # a one-time link is made anew, never sent twice
        )
        .values(state=OutboxState.TODO.value, due_at=at, created_at=at, settled_at=None)
    )
    return retried.rowcount == 1


def retry_parked(tx: Connection, seq: int, at: datetime) -> bool:
    """Put a parked message back into the inbox, after a repair. False if it is not parked."""
    retried = tx.execute(
        inbox.update()
        .where(inbox.c.seq == seq, inbox.c.state == InboxState.PARKED.value)
        .values(state=InboxState.WAITING.value, attempts=0, failures=0, due_at=at, error_code=None)
    )
    return retried.rowcount == 1


def forget_old_receipts(tx: Connection, at: datetime) -> int:
    """Drop the numbers of messages answered long ago. Returns how many. Run daily."""
    gone = tx.execute(
        inbox.delete().where(inbox.c.state == InboxState.DONE.value, inbox.c.received_at < at - RECEIPTS_KEPT)
    )
    return gone.rowcount


#: After so long something is wrong with whoever should have done it.
LONGEST_WAIT = timedelta(minutes=10)


def check_invariants(tx: Connection, at: datetime) -> list[str]:
    """What must never be, each as a sentence with ids. Empty is good. For `doctor` and after every fault test."""
    problems: list[str] = []

    def find(sentence: str, query: sa.Select[Any]) -> None:
        problems.extend(sentence.format(*row) for row in tx.execute(query.limit(20)))

    find(
        "inbox {0}: due since more than ten minutes and not worked on",
        sa.select(inbox.c.seq).where(store.WAITING, inbox.c.due_at < at - LONGEST_WAIT),
    )
    find(
        "inbox {0}: finished, and its payload is still there",
        sa.select(inbox.c.seq).where(inbox.c.state == InboxState.DONE.value, inbox.c.payload_sealed.is_not(None)),
    )
    find(
        "outbox {0}: claimed by a sender that did not come back",
        sa.select(outbox.c.id).where(outbox.c.state == OutboxState.SENDING.value, outbox.c.due_at < at - LONGEST_WAIT),
    )
    find(
        "outbox {0}: not sent within a day, and not given up",
        sa.select(outbox.c.id).where(store.ACTIVE, outbox.c.created_at < at - GIVE_UP_AFTER - timedelta(hours=1)),
    )
    find(
        "conversation {0}: {1} lines, numbered up to {2}",
        sa.select(conversations.c.id, sa.func.count(messages.c.id), conversations.c.next_seq - 1)
        .select_from(conversations.outerjoin(messages, messages.c.conversation_id == conversations.c.id))
        .group_by(conversations.c.id, conversations.c.next_seq)
        .having(sa.func.count(messages.c.id) != conversations.c.next_seq - 1),
    )
    find(
        "file {0}: expected for more than a day, and not given up",
        sa.select(attachment_store.attachments.c.id).where(
            attachment_store.attachments.c.state == State.WAITING.value,
            attachment_store.attachments.c.created_at < at - FILE_GIVEN_UP_AFTER - timedelta(hours=1),
        ),
    )
    find(
        "message {0}: goes out, and is not in the outbox",
        sa.select(messages.c.id)
        .select_from(messages.outerjoin(outbox, outbox.c.id == messages.c.id))
        .where(messages.c.direction == Direction.OUT.value, outbox.c.id.is_(None)),
    )
    find(
        "outbox {0}: {1} attempts, {2} recorded",
        sa.select(outbox.c.id, outbox.c.attempts, sa.func.count(deliveries.c.attempt))
        .select_from(outbox.outerjoin(deliveries, deliveries.c.outbox_id == outbox.c.id))
        .where(outbox.c.state.in_([OutboxState.SENT.value, OutboxState.UNCERTAIN.value]))
        .group_by(outbox.c.id, outbox.c.attempts)
        .having(outbox.c.attempts != sa.func.count(deliveries.c.attempt)),
    )
    return problems
