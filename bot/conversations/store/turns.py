"""Turns: a message claimed by one worker, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from bot.conversations.model import (
    LEASE,
    ConversationKind,
    InboxState,
    Lane,
    Mode,
    crash_delay,
)
from bot.conversations.store.receiving import bytes_of, received_row
from bot.conversations.store.tables import LeaseLost, conversations, inbox, literal
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.database import Moment
from bot.kernel.failpoints import failpoint
from bot.kernel.prepared import Prepared
from dialogues.runtime.model import DialogueState


class TurnClaim(Struct, frozen=True):
    """One received message, and the conversation it belongs to, held by one worker."""

    seq: int  # of the inbox row
    provider_id: str
    received_at: datetime
    failures: int
    crashes: int  # how often it was claimed and never heard of again
    payload: bytes
    conversation_id: str
    kind: ConversationKind
    channel: str
    account: str
    language: str | None
    language_chosen: bool
    mode: Mode
    warned: bool
    answered_at: datetime | None  # when we last said something there
    fence: int
    demo: bool
    duress_words: str | None
    watched: bool
    state: DialogueState
    key: DataKey

    @property
    def name(self) -> str:
        """The identity of the received message, the same on every try."""
        return f"{self.channel}:{self.account}:{self.provider_id}"


_earlier = inbox.alias("earlier")
_waiting = inbox.c.state == literal("waiting")
CLAIMABLE = Prepared(
    sa.select(conversations.c.id)
    .select_from(inbox.join(conversations, conversations.c.id == inbox.c.conversation_id))
    .where(
        _waiting,
        inbox.c.lane == sa.bindparam("lane"),
        inbox.c.due_at <= sa.bindparam("now", type_=Moment),
        sa.or_(conversations.c.lease_until.is_(None), conversations.c.lease_until <= sa.bindparam("now", type_=Moment)),
        ~sa.exists(
            sa.select(sa.literal_column("1"))
            .select_from(_earlier)
            .where(
                _earlier.c.conversation_id == inbox.c.conversation_id,
                _earlier.c.state == literal("waiting"),
                sa.tuple_(_earlier.c.lane, _earlier.c.seq) < sa.tuple_(inbox.c.lane, inbox.c.seq),
            )
        ),
    )
    .order_by(inbox.c.due_at, inbox.c.seq)
    .limit(sa.bindparam("most"))
    .with_for_update(of=conversations, skip_locked=True, key_share=True)
)
OLDEST_WAITING = Prepared(
    sa.select(inbox.c.seq, inbox.c.due_at, inbox.c.provider_id, inbox.c.received_at)
    .add_columns(inbox.c.attempts, inbox.c.failures, inbox.c.payload_sealed)
    .where(inbox.c.conversation_id == sa.bindparam("conversation"), _waiting, inbox.c.seq != sa.bindparam("but"))
    .order_by(inbox.c.lane, inbox.c.seq)
    .limit(1)
)
LEASE_CONVERSATION = Prepared(
    conversations.update()
    .where(conversations.c.id == sa.bindparam("conversation"))
    .values(fence=conversations.c.fence + 1, lease_until=sa.bindparam("until", type_=Moment))
    .returning(conversations)
)
COUNT_TRY = Prepared(
    inbox.update()
    .where(inbox.c.seq == sa.bindparam("row"))
    .values(attempts=inbox.c.attempts + 1, due_at=sa.bindparam("due", type_=Moment))
)


def claim_turns(tx: Connection, vault: Vault, *, most: int, at: datetime, draw: float = 0.0) -> list[TurnClaim]:
    """Lease up to `most` conversations whose oldest message is due, urgent ones first, with that message.

    `draw`, in [0, 1), spreads the next tries of messages that may have killed their workers.
    """
    claims: list[TurnClaim] = []
    for lane in Lane:
        if len(claims) >= most:
            break
        found = CLAIMABLE.all(tx, {"lane": lane, "now": at, "most": most - len(claims)})
        for conversation_id in dict.fromkeys(row.id for row in found):
            # Asked again now that the conversation is ours: another worker may have just finished this message.
            oldest = OLDEST_WAITING.one_or_none(tx, {"conversation": conversation_id, "but": 0})
            if oldest is None or oldest.due_at > at:
                continue
            holder = LEASE_CONVERSATION.one_or_none(tx, {"conversation": conversation_id, "until": at + LEASE})
            assert holder is not None
            _count_try(tx, oldest, at, draw)
            claim = _turn_claim(tx, vault, holder, oldest)
            if claim is not None:
                claims.append(claim)
    failpoint("turn.before_claim_commit")
    return claims


def _count_try(tx: Connection, oldest: Row[Any], at: datetime, draw: float) -> None:
    crashes = oldest.attempts - oldest.failures
    # The lease hides it until then anyway; this is for when the lease is ended by a new start.
    spread = (draw + oldest.seq * 0.618) % 1
    COUNT_TRY.run(tx, {"row": oldest.seq, "due": max(oldest.due_at, at + crash_delay(crashes, spread))})


def _turn_claim(tx: Connection, vault: Vault, holder: Row[Any], oldest: Row[Any]) -> TurnClaim | None:
    try:
        key = vault.key(tx, holder.key_id)
    except Erased:  # sealed while its key was destroyed elsewhere: the person asked for it to be gone
        settle_received(tx, oldest.seq, InboxState.DONE, error_code="erased")
        return None
    row = received_row(holder.channel, holder.account, oldest.provider_id)
    payload = key.open(oldest.payload_sealed, table="inbox", row=row, field="payload")
    state = DialogueState()
    if holder.state_sealed is not None:
        state = DialogueState.from_json(
            key.open_json(holder.state_sealed, table="conversations", row=holder.id, field="state")
        )
    if holder.start_afresh:
        state = _afresh(state)
    return TurnClaim(
        seq=oldest.seq,
        provider_id=oldest.provider_id,
        received_at=oldest.received_at,
        failures=oldest.failures,
        crashes=oldest.attempts - oldest.failures,
        payload=bytes_of(payload),
        conversation_id=holder.id,
        kind=ConversationKind(holder.kind),
        channel=holder.channel,
        account=holder.account,
        language=holder.language,
        language_chosen=holder.language_chosen,
        mode=Mode(holder.mode),
        warned=holder.warned_at is not None,
        answered_at=holder.last_out_at,
        fence=holder.fence,
        demo=holder.demo,
        duress_words=holder.duress_words,
        watched=holder.watched_since is not None,
        state=state,
        key=key,
    )


#: What the questions of a report fill begins so.
OF_A_REPORT = "report_"
#: Which question waits: of a form, and whether they are safe.
PASSED = frozenset({"requested_slot", "safety_question", "asked_by_text"})


def _afresh(state: DialogueState) -> DialogueState:
    """No form is open and no question waits: "yes" after the talk with an officer answers none from before it. What is
    known stays, but no answer about a child who was reported: an officer has had them, and the next report, or the next
    call for a person, may be about another child."""
    gone = {name for name in state.slots if name in PASSED or name.startswith(OF_A_REPORT)}
    return DialogueState(slots={name: value for name, value in state.slots.items() if name not in gone})


class Queued(NamedTuple):
    """A message in the queue that nobody has taken up yet."""

    seq: int
    conversation_id: str
    channel: str
    payload: bytes


IN_QUEUE = Prepared(
    sa.select(inbox.c.seq, inbox.c.channel, inbox.c.account, inbox.c.provider_id, inbox.c.payload_sealed)
    .add_columns(inbox.c.conversation_id, conversations.c.key_id)
    .select_from(inbox.join(conversations, conversations.c.id == inbox.c.conversation_id))
    .where(_waiting, inbox.c.lane == int(Lane.ROUTINE), inbox.c.seq > sa.bindparam("after"))
    .order_by(inbox.c.seq)
    .limit(sa.bindparam("most"))
)
PUT_FIRST = Prepared(
    inbox.update()
    .where(
        inbox.c.conversation_id == sa.bindparam("conversation"),
        inbox.c.seq <= sa.bindparam("row"),
        inbox.c.due_at <= sa.bindparam("now", type_=Moment),
        _waiting,
    )
    .values(lane=int(Lane.URGENT))
)


def queued(tx: Connection, *, vault: Vault, after: int, most: int) -> list[Queued]:
    """The next messages of the routine lane behind number `after`. Of what was erased nothing is shown."""
    found, rows = [], IN_QUEUE.all(tx, {"after": after, "most": most})
    vault.look_at(tx, {row.key_id for row in rows})
    for row in rows:
        try:
            key = vault.key(tx, row.key_id)
        except Erased:
            payload = b""
        else:
            sealed_for = received_row(row.channel, row.account, row.provider_id)
            payload = bytes_of(key.open(row.payload_sealed, table="inbox", row=sealed_for, field="payload"))
        found.append(Queued(row.seq, row.conversation_id, row.channel, payload))
    return found


def put_first(tx: Connection, messages: Sequence[Queued], *, at: datetime) -> None:
    """Move messages to the urgent lane, and what the same people wrote before them, so that each is read in order."""
    PUT_FIRST.run_each(tx, [{"conversation": one.conversation_id, "row": one.seq, "now": at} for one in messages])


class Standing(Struct, frozen=True):
    """What a turn leaves behind in its conversation."""

    state: DialogueState
    language: str
    language_chosen: bool
    kind: ConversationKind
    warned: bool
    wrote: bool  # the person's own words were kept
    answered: bool
    watched: bool = False  # the duress word was written


CLOSE_TURN = Prepared(
    conversations.update()
    .where(conversations.c.id == sa.bindparam("conversation"), conversations.c.fence == sa.bindparam("held"))
    .values(
        kind=sa.bindparam("new_kind"),
        state_sealed=sa.bindparam("new_state"),
        language=sa.bindparam("new_language"),
        language_chosen=sa.bindparam("chosen"),
        start_afresh=False,
        warned_at=sa.case(
            (sa.bindparam("warned", type_=sa.Boolean), sa.bindparam("now", type_=Moment)),
            else_=conversations.c.warned_at,
        ),
        last_in_at=sa.bindparam("now", type_=Moment),
        last_out_at=sa.case(
            (sa.bindparam("answered", type_=sa.Boolean), sa.bindparam("now", type_=Moment)),
            else_=conversations.c.last_out_at,
        ),
        next_seq=conversations.c.next_seq + sa.bindparam("lines", type_=sa.Integer),
        lease_until=sa.bindparam("until", type_=Moment),
    )
    .returning(conversations.c.next_seq)
)


def close_turn(
    tx: Connection, claim: TurnClaim, standing: Standing, *, lines: int, lease_until: datetime | None, at: datetime
) -> int:
    """Write what the conversation is now. Returns the number of its first new line. Raises LeaseLost."""
    sealed = claim.key.seal_json(
        standing.state.to_json(), table="conversations", row=claim.conversation_id, field="state"
    )
    closed = CLOSE_TURN.one_or_none(
        tx,
        {
            "conversation": claim.conversation_id,
            "held": claim.fence,
            "new_kind": standing.kind.value,
            "new_state": sealed,
            "new_language": standing.language,
            "chosen": standing.language_chosen,
            "warned": standing.warned,
            "answered": standing.answered,
            "now": at,
            "lines": lines,
            "until": lease_until,
        },
    )
    if closed is None:
        raise LeaseLost(claim.conversation_id)
    return int(closed.next_seq) - lines


SETTLE_RECEIVED = Prepared(
    inbox.update()
    .where(inbox.c.seq == sa.bindparam("row"), _waiting)
    .values(state=sa.bindparam("new_state"), payload_sealed=None, error_code=sa.bindparam("error"))
)


def settle_received(tx: Connection, seq: int, state: InboxState, *, error_code: str | None = None) -> None:
    """End a message's wait. Its payload goes: the transcript has what matters. Raises LeaseLost if it ended before."""
    if SETTLE_RECEIVED.run(tx, {"row": seq, "new_state": state.value, "error": error_code}) != 1:
        raise LeaseLost(f"inbox {seq}")


def hold_conversation(tx: Connection, claim: TurnClaim) -> None:
    """Make sure the conversation is still ours, and let go of it. Raises LeaseLost."""
    held = tx.execute(
        conversations.update()
        .where(conversations.c.id == claim.conversation_id, conversations.c.fence == claim.fence)
        .values(lease_until=None)
    )
    if held.rowcount != 1:
        raise LeaseLost(claim.conversation_id)


def try_later(tx: Connection, claim: TurnClaim, *, due_at: datetime, error_code: str | None) -> None:
    """Leave a message in the inbox for another try."""
    hold_conversation(tx, claim)
    tx.execute(
        inbox.update()
        .where(inbox.c.seq == claim.seq, _waiting)
        .values(due_at=due_at, failures=inbox.c.failures + 1, error_code=error_code)
    )


def give_back(tx: Connection, claim: TurnClaim, *, at: datetime) -> None:
    """Let go of a claim nothing was done with: it does not count as a try."""
    hold_conversation(tx, claim)
    tx.execute(
        inbox.update().where(inbox.c.seq == claim.seq, _waiting).values(attempts=inbox.c.attempts - 1, due_at=at)
    )


def park(tx: Connection, claim: TurnClaim, *, error_code: str) -> None:
    """Set a message aside for a human, with its payload, so that it can be tried again after a repair."""
    hold_conversation(tx, claim)
    tx.execute(
        inbox.update()
        .where(inbox.c.seq == claim.seq, _waiting)
        .values(state=InboxState.PARKED.value, failures=inbox.c.failures + 1, error_code=error_code)
    )


def next_due(tx: Connection, claim: TurnClaim, *, at: datetime) -> Row[Any] | None:
    """The message after this one in the same conversation, if it is due: it can be claimed with the same commit."""
    oldest = OLDEST_WAITING.one_or_none(tx, {"conversation": claim.conversation_id, "but": claim.seq})
    return None if oldest is None or oldest.due_at > at else oldest


def follow(tx: Connection, claim: TurnClaim, standing: Standing, oldest: Row[Any], *, at: datetime) -> TurnClaim:
    """The claim on the next message, under the same fence. `close_turn` has renewed the lease."""
    _count_try(tx, oldest, at, 0.0)
    row = received_row(claim.channel, claim.account, oldest.provider_id)
    return replace(
        claim,
        seq=oldest.seq,
        provider_id=oldest.provider_id,
        received_at=oldest.received_at,
        failures=oldest.failures,
        crashes=oldest.attempts - oldest.failures,
        payload=bytes_of(claim.key.open(oldest.payload_sealed, table="inbox", row=row, field="payload")),
        kind=standing.kind,
        language=standing.language,
        language_chosen=standing.language_chosen,
        warned=claim.warned or standing.warned,
        answered_at=at if standing.answered else claim.answered_at,
        watched=claim.watched or standing.watched,
        duress_words=claim.duress_words,
        state=standing.state,
    )
