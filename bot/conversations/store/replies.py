"""Replies on their way: claimed by one sender, and what became of each try."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.conversations.model import (
    GIVE_UP_AFTER,
    LEASE,
    Author,
    DeliveryOutcome,
    MessageClass,
    NextStep,
    OutboxState,
)
from bot.conversations.store.tables import UNREACHED, LeaseLost, conversations, deliveries, literal, messages, outbox
from bot.kernel.crypto import Vault
from bot.kernel.database import Moment
from bot.kernel.failpoints import failpoint
from bot.kernel.prepared import Prepared


class ReplyClaim(Struct, frozen=True):
    """One reply held by one sender. The attempt's number is its fence."""

    id: str
    conversation_id: str
    seq: int
    cls: MessageClass
    attempt: int
    repeats: int
    claimed_at: datetime
    created_at: datetime


class Letter(Struct, frozen=True):
    """A claimed reply with what is to be sent."""

    claim: ReplyClaim
    address: str
    language: str
    body: Mapping[str, Any]


_before = outbox.alias("before")
_active = sa.text("outbox.state IN ('todo', 'sending')")  # in the words of the index, so that it is used
DUE_REPLIES = Prepared(
    sa.select(outbox.c.id)
    .where(
        _active,
        outbox.c.state == literal("todo"),
        outbox.c.channel == sa.bindparam("channel"),
        outbox.c.due_at <= sa.bindparam("now", type_=Moment),
        ~sa.exists(
            sa.select(sa.literal_column("1"))
            .select_from(_before)
            .where(
                _before.c.conversation_id == outbox.c.conversation_id,
                sa.text("before.state IN ('todo', 'sending')"),
                _before.c.seq < outbox.c.seq,
            )
        ),
    )
    .order_by(outbox.c.lane, outbox.c.due_at, outbox.c.seq)
    .limit(sa.bindparam("most"))
    .with_for_update(of=outbox, skip_locked=True)
)
DROPPED_REPLIES = Prepared(
    sa.select(outbox)
    .where(
        _active,
        outbox.c.state == literal("sending"),
        outbox.c.channel == sa.bindparam("channel"),
        outbox.c.due_at <= sa.bindparam("now", type_=Moment),
    )
    .with_for_update(of=outbox, skip_locked=True)
)
UNREACHED_REPLIES = Prepared(
    sa.select(outbox.c.id).where(UNREACHED, outbox.c.conversation_id == sa.bindparam("conversation"))
)
LETTERS = (
    sa.select(
        outbox.c.id,
        outbox.c.conversation_id,
        outbox.c.seq,
        outbox.c.cls,
        outbox.c.attempts,
        outbox.c.repeats,
        outbox.c.created_at,
        messages.c.body_sealed,
        messages.c.language,
        conversations.c.address_sealed,
        conversations.c.key_id,
    )
    .select_from(
        outbox.join(messages, messages.c.id == outbox.c.id).join(
            conversations, conversations.c.id == outbox.c.conversation_id
        )
    )
    .where(outbox.c.id.in_(sa.bindparam("ids", expanding=True)))
)
LEASE_REPLIES = (
    outbox.update()
    .where(outbox.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(
        state=OutboxState.SENDING.value,
        attempts=outbox.c.attempts + 1,
        due_at=sa.bindparam("until", type_=Moment),
        claimed_at=sa.bindparam("now", type_=Moment),
    )
)


def claim_replies(tx: Connection, vault: Vault, channel: str, *, most: int, at: datetime) -> list[Letter]:
    """Lease the oldest unsent reply of up to `most` conversations, urgent ones first."""
    ids = [row.id for row in DUE_REPLIES.all(tx, {"channel": channel, "now": at, "most": most})]
    if not ids:
        return []
    rows = {row.id: row for row in tx.execute(LETTERS, {"ids": ids})}
    tx.execute(LEASE_REPLIES, {"ids": ids, "until": at + LEASE, "now": at})
    failpoint("outbox.before_claim_commit")
    return [_letter(tx, vault, rows[reply_id], at) for reply_id in ids]


def _letter(tx: Connection, vault: Vault, row: Any, at: datetime) -> Letter:
    key = vault.key(tx, row.key_id)
    return Letter(
        ReplyClaim(
            id=row.id,
            conversation_id=row.conversation_id,
            seq=row.seq,
            cls=MessageClass(row.cls),
            attempt=row.attempts + 1,
            repeats=row.repeats,
            claimed_at=at,
            created_at=row.created_at,
        ),
        address=key.open(row.address_sealed, table="conversations", row=row.conversation_id, field="address"),
        language=row.language or "",
        body=key.open_json(row.body_sealed, table="messages", row=row.id, field="body"),
    )


def dropped_replies(tx: Connection, channel: str, *, at: datetime) -> list[ReplyClaim]:
    """Replies whose sender did not come back within its lease. Nobody knows whether they arrived."""
    return [
        ReplyClaim(
            id=row.id,
            conversation_id=row.conversation_id,
            seq=row.seq,
            cls=MessageClass(row.cls),
            attempt=row.attempts,
            repeats=row.repeats,
            claimed_at=row.claimed_at,
            created_at=row.created_at,
        )
        for row in DROPPED_REPLIES.all(tx, {"channel": channel, "now": at})
    ]


RECORD_ATTEMPT = Prepared(
    outbox.update()
    .where(
        outbox.c.id == sa.bindparam("reply"),
        outbox.c.state == literal("sending"),
        outbox.c.attempts == sa.bindparam("attempt"),
    )
    .values(
        state=sa.bindparam("new_state"),
        due_at=sa.bindparam("due", type_=Moment),
        repeats=sa.bindparam("new_repeats"),
        provider_message_id=sa.bindparam("delivery"),
        cause=sa.bindparam("new_cause"),
        settled_at=sa.bindparam("settled", type_=Moment),
    )
)
INSERT_DELIVERY = Prepared(deliveries.insert(), [column.key for column in deliveries.c])


def record_attempt(
    tx: Connection,
    claim: ReplyClaim,
    step: NextStep,
    outcome: DeliveryOutcome,
    *,
    cause: str | None,
    delivery_id: str | None,
    at: datetime,
) -> None:
    """Write how an attempt ended and what comes next. Raises LeaseLost if the reply went on without us."""
    recorded = RECORD_ATTEMPT.run(
        tx,
        {
            "reply": claim.id,
            "attempt": claim.attempt,
            "new_state": step.state.value,
            "due": at if step.wait is None else at + step.wait,
            "new_repeats": claim.repeats + step.repeated,
            "delivery": delivery_id,
            "new_cause": cause,
            "settled": at if step.wait is None else None,
        },
    )
    if recorded != 1:
        raise LeaseLost(claim.id)
    INSERT_DELIVERY.run(
        tx,
        {
            "outbox_id": claim.id,
            "attempt": claim.attempt,
            "started_at": claim.claimed_at,
            "ended_at": at,
            "outcome": outcome.value,
            "cause": cause,
        },
    )
    failpoint("outbox.before_record_commit")


def send_again_to_whoever_is_back(tx: Connection, conversation_id: str, *, at: datetime) -> int:
    """Somebody writes whom officers' words could not reach: those of the last day go out now, before what answers the
    new message. Older ones have lost their moment, and stand as not delivered. Returns how many."""
    unreached = {row.id for row in UNREACHED_REPLIES.all(tx, {"conversation": conversation_id})}
    if not unreached:
        return 0
    by_officers = (
        sa.select(messages.c.id)
        .select_from(messages.join(conversations, conversations.c.id == messages.c.conversation_id))
        .where(
            messages.c.id.in_(unreached),
            messages.c.author == Author.OFFICER.value,
            messages.c.at > at - GIVE_UP_AFTER,
            messages.c.seq
            >= sa.func.coalesce(conversations.c.shown_from, 0),  # what was before is not of whoever has the phone now
        )
    )
    again = outbox.update().where(outbox.c.id.in_(by_officers))
    return tx.execute(
        again.values(state=OutboxState.TODO.value, due_at=at, created_at=at, cause=None, settled_at=None)
    ).rowcount


def end_leases(tx: Connection, *, at: datetime) -> None:
    """After a crash of the only server of a database: nobody holds anything, so nobody waits for the leases."""
    tx.execute(
        conversations.update()
        .where(conversations.c.lease_until.is_not(None))
        .values(fence=conversations.c.fence + 1, lease_until=None)
    )
    tx.execute(
        outbox.update().where(_active, outbox.c.state == literal("sending"), outbox.c.due_at > at).values(due_at=at)
    )
