"""The tables of the message path and all of its SQL. Rows never leave this module; values do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from bot.conversations.model import (
    LEASE,
    Author,
    ConversationKind,
    DeliveryOutcome,
    Direction,
    InboxState,
    Lane,
    MessageClass,
    Mode,
    NextStep,
    OutboxState,
    Wording,
    crash_delay,
)
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.database import Moment, insert_or_nothing, metadata, moment_to_int
from bot.kernel.failpoints import failpoint
from bot.kernel.ids import new_id
from bot.kernel.prepared import Prepared
from dialogues.runtime.model import DialogueState

Counter = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("account", sa.String(64), nullable=False),
    sa.Column("address_index", sa.String(64), nullable=False),  # a fingerprint; random once erased
    sa.Column("address_sealed", sa.LargeBinary, nullable=True),
    sa.Column("key_id", sa.String(36), nullable=False),
    sa.Column("language", sa.String(16), nullable=True),  # null until something tells
    sa.Column("language_chosen", sa.Boolean, nullable=False),
    sa.Column("state_sealed", sa.LargeBinary, nullable=True),
    sa.Column("start_afresh", sa.Boolean, nullable=False),  # an officer was here: forget open forms, keep the slots
    sa.Column("mode", sa.String(8), nullable=False),
    sa.Column("warned_at", Moment, nullable=True),  # when the number to call was given in this hand-over
    sa.Column("fence", sa.Integer, nullable=False),  # grows with every claim: older claims cannot write
    sa.Column("lease_until", Moment, nullable=True),
    sa.Column("next_seq", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_in_at", Moment, nullable=True),
    sa.Column("last_out_at", Moment, nullable=True),
    sa.Column("erased_at", Moment, nullable=True),
    sa.Column("demo", sa.Boolean, nullable=False),
    sa.Column("duress_words", sa.Text, nullable=True),  # keyed hashes, see `bot.conversations.duress`
    sa.Column("watched_since", Moment, nullable=True),  # somebody else may hold the phone
    sa.Column("shown_from", sa.Integer, nullable=True),  # earlier lines are shown to officers only
    sa.Column("safe_contact_sealed", sa.LargeBinary, nullable=True),  # see `bot.conversations.safe_contact`
    sa.UniqueConstraint("channel", "account", "address_index"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("seq", Counter, primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("account", sa.String(64), nullable=False),
    sa.Column("provider_id", sa.String(128), nullable=False),
    sa.Column("conversation_id", sa.String(36), nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("lane", sa.SmallInteger, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("attempts", sa.SmallInteger, nullable=False),  # every claim
    sa.Column("failures", sa.SmallInteger, nullable=False),  # those that came back with an error
    sa.Column("payload_sealed", sa.LargeBinary, nullable=True),  # null once done
    sa.Column("error_code", sa.String(64), nullable=True),
    sa.UniqueConstraint("channel", "account", "provider_id"),
    sqlite_autoincrement=True,
)
WAITING = sa.text("state = 'waiting'")
sa.Index("ix_inbox_due", inbox.c.lane, inbox.c.due_at, inbox.c.seq, sqlite_where=WAITING, postgresql_where=WAITING)
sa.Index(
    "ix_inbox_order",
    inbox.c.conversation_id,
    inbox.c.lane,
    inbox.c.seq,
    sqlite_where=WAITING,
    postgresql_where=WAITING,
)
PARKED = sa.text("state = 'parked'")
sa.Index("ix_inbox_parked", inbox.c.seq, sqlite_where=PARKED, postgresql_where=PARKED)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("conversation_id", sa.String(36), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("direction", sa.String(8), nullable=False),
    sa.Column("author", sa.String(8), nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("body_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("language", sa.String(16), nullable=True),
    sa.Column("template", sa.String(128), nullable=True),
    sa.Column("provider_id", sa.String(128), nullable=True),  # the channel's name for a received message
    sa.Column("edits", sa.Integer, nullable=True),  # the line this one corrects
    sa.Column("cls", sa.String(8), nullable=True),
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("conversation_id", "seq"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),  # of the message
    sa.Column("conversation_id", sa.String(36), nullable=False),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("cls", sa.String(8), nullable=False),
    sa.Column("lane", sa.SmallInteger, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),  # also the fence: an older attempt cannot write
    sa.Column("repeats", sa.Integer, nullable=False),  # uncertain sends that were repeated
    sa.Column("due_at", Moment, nullable=False),  # todo: not before; sending: the end of the lease
    sa.Column("claimed_at", Moment, nullable=True),
    sa.Column("provider_message_id", sa.String(128), nullable=True),
    sa.Column("cause", sa.String(64), nullable=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("settled_at", Moment, nullable=True),
)
ACTIVE = sa.text("state IN ('todo', 'sending')")
sa.Index(
    "ix_outbox_due",
    outbox.c.channel,
    outbox.c.lane,
    outbox.c.due_at,
    outbox.c.seq,
    sqlite_where=ACTIVE,
    postgresql_where=ACTIVE,
)
sa.Index("ix_outbox_order", outbox.c.conversation_id, outbox.c.seq, sqlite_where=ACTIVE, postgresql_where=ACTIVE)
UNDELIVERED = sa.text("state IN ('dead', 'uncertain')")
sa.Index("ix_outbox_undelivered", outbox.c.created_at, sqlite_where=UNDELIVERED, postgresql_where=UNDELIVERED)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("outbox_id", sa.String(36), primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=False),
    sa.Column("outcome", sa.String(12), nullable=False),
    sa.Column("cause", sa.String(64), nullable=True),
)


#: Why a reply was never sent: somebody else may hold the phone.
WATCHED = "watched"
#: Causes of which nobody needs to be told, and after which nothing is tried again.
NEVER_AGAIN = ("erased", WATCHED)


class LeaseLost(Exception):
    """Somebody else has the conversation now, or changed it: what was worked out must not be written."""


class NoConversation(Exception):
    """There is no such conversation, or it was erased."""


def _literal(value: str) -> sa.ColumnElement[str]:
    """A constant in the SQL itself: only then do the databases see that a partial index serves."""
    return sa.literal_column(f"'{value}'")


# --- conversations -----------------------------------------------------------------------------------------------


def address_index(vault: Vault, channel: str, account: str, address: str) -> str:
    return vault.index("address", channel, account, address)


def conversation_by_address(tx: Connection, channel: str, account: str, index: str) -> tuple[str, str] | None:
    """The id of the conversation and of its data key."""
    row = tx.execute(
        sa.select(conversations.c.id, conversations.c.key_id).where(
            conversations.c.channel == channel,
            conversations.c.account == account,
            conversations.c.address_index == index,
        )
    ).one_or_none()
    return None if row is None else (row.id, row.key_id)


def find_or_open(
    tx: Connection,
    vault: Vault,
    *,
    kind: ConversationKind,
    channel: str,
    account: str,
    address: str,
    language: str | None,
    at: datetime,
    demo: bool,
) -> tuple[str, DataKey]:
    """The conversation with an address, opened if there is none. Safe against two who open it at once."""
    index = address_index(vault, channel, account, address)
    found = conversation_by_address(tx, channel, account, index)
    if found is None:
        conversation_id, key = new_id(), vault.new_key(tx, at)
        values = {
            "id": conversation_id,
            "kind": kind.value,
            "channel": channel,
            "account": account,
            "address_index": index,
            "address_sealed": key.seal(address, table="conversations", row=conversation_id, field="address"),
            "key_id": key.id,
            "language": language,
            "language_chosen": False,
            "state_sealed": None,
            "start_afresh": False,
            "mode": Mode.BOT.value,
            "fence": 0,
            "next_seq": 1,
            "created_at": at,
            "demo": demo,
        }
        if insert_or_nothing(tx, conversations, values):
            return conversation_id, key
        vault.destroy(tx, key.id, at)  # somebody was faster: this key has sealed nothing
        found = conversation_by_address(tx, channel, account, index)
        assert found is not None
    return found[0], vault.key(tx, found[1])


def conversation(tx: Connection, conversation_id: str, *, lock: bool = False) -> Row[Any]:
    """A conversation that was not erased. Raises NoConversation."""
    query = sa.select(conversations).where(conversations.c.id == conversation_id, conversations.c.erased_at.is_(None))
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NoConversation(conversation_id)
    return row


def change_conversation(tx: Connection, conversation_id: str, **values: Any) -> None:
    """Change what a turn relies on. A turn under way notices at its commit, and is taken again."""
    changed = tx.execute(
        conversations.update()
        .where(conversations.c.id == conversation_id, conversations.c.erased_at.is_(None))
        .values(fence=conversations.c.fence + 1, lease_until=None, **values)
    )
    if changed.rowcount == 0:
        raise NoConversation(conversation_id)


def set_kind(tx: Connection, conversation_id: str, kind: ConversationKind) -> None:
    """Unlike `change_conversation` this leaves a turn under way its claim. Raises NoConversation."""
    changed = tx.execute(
        conversations.update()
        .where(conversations.c.id == conversation_id, conversations.c.erased_at.is_(None))
        .values(kind=kind.value)
    )
    if changed.rowcount == 0:
        raise NoConversation(conversation_id)


def keep_safe_contact(tx: Connection, conversation_id: str, sealed: bytes | None) -> None:
    """When the person may be written to. No turn relies on it, so one under way keeps its claim."""
    tx.execute(
        conversations.update()
        .where(conversations.c.id == conversation_id, conversations.c.erased_at.is_(None))
        .values(safe_contact_sealed=sealed)
    )


def begin_watch(tx: Connection, conversation_id: str, *, shown_from: int, at: datetime) -> None:
    """Somebody else may hold the phone: nothing before line `shown_from` is shown on it, and nothing that waits to be
    sent to it goes out. Like `set_kind` this leaves a turn under way its claim."""
    tx.execute(
        conversations.update()
        .where(conversations.c.id == conversation_id)
        .values(watched_since=at, shown_from=shown_from)
    )
    hold_back(tx, conversation_id, at=at)


def hold_back(tx: Connection, conversation_id: str, *, at: datetime) -> None:
    """What still waits to be sent to this conversation is never sent."""
    tx.execute(
        outbox.update()
        .where(outbox.c.conversation_id == conversation_id, outbox.c.state == OutboxState.TODO.value)
        .values(state=OutboxState.DEAD.value, cause=WATCHED, settled_at=at)
    )


# --- the inbox ---------------------------------------------------------------------------------------------------


class Received(NamedTuple):
    """A message on its way into the inbox. (A tuple, because one is made for every message.)"""

    channel: str
    account: str
    provider_id: str
    conversation_id: str
    received_at: datetime
    due_at: datetime
    lane: Lane
    payload_sealed: bytes


#: At most so many messages in one statement.
ROWS_AT_ONCE = 64


@cache
def _insert_received_sqlite(rows: int) -> str:
    """The conversation is looked at in the same statement, so that nothing is sealed for one that was just erased."""
    statement = (
        "INSERT INTO inbox (channel, account, provider_id, conversation_id, received_at, due_at, lane, state,"
        " attempts, failures, payload_sealed)"
        " SELECT column1, column2, column3, column4, column5, column6, column7, 'waiting', 0, 0, column8"
        " FROM (VALUES {values}) WHERE EXISTS (SELECT 1 FROM conversations WHERE id = column4 AND erased_at IS NULL)"
        " ON CONFLICT (channel, account, provider_id) DO NOTHING"
    )
    return statement.format(values=", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * rows))


# One statement for all of them, numbered in the order they came. KEY SHARE waits for an erasure and nothing else.
INSERT_RECEIVED_POSTGRES = sa.text(
    "INSERT INTO inbox (channel, account, provider_id, conversation_id, received_at, due_at, lane, state, attempts,"
    " failures, payload_sealed)"
    " SELECT channel, account, provider_id, conversation_id, received_at, due_at, lane, 'waiting', 0, 0, payload FROM ("
    "  SELECT r.* FROM unnest(:channels, :accounts, :provider_ids, :conversation_ids, :received, :due, :lanes,"
    "   :payloads) WITH ORDINALITY AS r (channel, account, provider_id, conversation_id, received_at, due_at, lane,"
    "   payload, place)"
    "  JOIN conversations c ON c.id = r.conversation_id AND c.erased_at IS NULL ORDER BY r.place FOR KEY SHARE OF c"
    " ) AS received"
    " ON CONFLICT (channel, account, provider_id) DO NOTHING RETURNING channel, account, provider_id"
).bindparams(
    *(
        sa.bindparam(name, type_=sa.ARRAY(sa.Text))
        for name in ("channels", "accounts", "provider_ids", "conversation_ids")
    ),
    *(sa.bindparam(name, type_=sa.ARRAY(sa.BigInteger)) for name in ("received", "due")),
    sa.bindparam("lanes", type_=sa.ARRAY(sa.SmallInteger)),
    sa.bindparam("payloads", type_=sa.ARRAY(sa.LargeBinary)),
)


def insert_received(tx: Connection, rows: Sequence[Received]) -> list[bool]:
    """Keep messages. False: known already, or the conversation was erased meanwhile (`was_received` tells which)."""
    new = _insert_on_sqlite(tx, rows) if tx.dialect.name == "sqlite" else _insert_on_postgres(tx, rows)
    if len(new) == len(rows):
        return [True] * len(rows)
    fresh: list[bool] = []
    for row in rows:
        name = (row.channel, row.account, row.provider_id)
        fresh.append(name in new)
        new.discard(name)  # the same message twice in one group is new once
    return fresh


Name = tuple[str, str, str]  # channel, account, provider id


def _insert_on_sqlite(tx: Connection, rows: Sequence[Received]) -> set[Name]:
    """The names of the new ones.

    Through the driver, because SQLAlchemy's own way costs ten times the insert; and many rows in one statement,
    because the driver gives the interpreter away at each, and waits for its turn to go on.
    """
    connection: Any = tx.connection.driver_connection
    cursor = connection.cursor()
    kept = 0
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        values: list[Any] = []
        for row in some:
            received_at = moment_to_int(row.received_at)
            due_at = received_at if row.due_at is row.received_at else moment_to_int(row.due_at)
            values += row[:4]
            values += (received_at, due_at, row.lane, row.payload_sealed)
        kept += cursor.execute(_insert_received_sqlite(len(some)), values).rowcount
    if kept == len(rows):
        return {(row.channel, row.account, row.provider_id) for row in rows}
    if kept == 0:
        return set()
    # SQLite numbers them without a gap, and nobody else writes: the new ones are the last so many.
    new = "SELECT channel, account, provider_id FROM inbox ORDER BY seq DESC LIMIT ?"
    return set(cursor.execute(new, (kept,)))


def _insert_on_postgres(tx: Connection, rows: Sequence[Received]) -> set[Name]:
    kept = tx.execute(
        INSERT_RECEIVED_POSTGRES,
        {
            "channels": [row.channel for row in rows],
            "accounts": [row.account for row in rows],
            "provider_ids": [row.provider_id for row in rows],
            "conversation_ids": [row.conversation_id for row in rows],
            "received": [moment_to_int(row.received_at) for row in rows],
            "due": [moment_to_int(row.due_at) for row in rows],
            "lanes": [int(row.lane) for row in rows],
            "payloads": [row.payload_sealed for row in rows],
        },
    )
    return {(row.channel, row.account, row.provider_id) for row in kept}


def was_received(tx: Connection, channel: str, account: str, provider_id: str) -> bool:
    query = sa.select(inbox.c.seq).where(
        inbox.c.channel == channel, inbox.c.account == account, inbox.c.provider_id == provider_id
    )
    return tx.execute(query).first() is not None


# --- turns -------------------------------------------------------------------------------------------------------


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
    answered_before: bool
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


def text_of(payload: bytes) -> str:
    """A payload as the text that is sealed. It may be anything, so each byte becomes one character."""
    return payload.decode("latin-1")


def bytes_of(text: str) -> bytes:
    return text.encode("latin-1")


def received_row(channel: str, account: str, provider_id: str) -> str:
    """What a sealed payload is bound to. Its number in the inbox is not known yet when it is sealed."""
    return f"{channel}:{account}:{provider_id}"


_earlier = inbox.alias("earlier")
_waiting = inbox.c.state == _literal("waiting")
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
                _earlier.c.state == _literal("waiting"),
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
        state = DialogueState(slots=state.slots)
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
        answered_before=holder.last_out_at is not None,
        fence=holder.fence,
        demo=holder.demo,
        duress_words=holder.duress_words,
        watched=holder.watched_since is not None,
        state=state,
        key=key,
    )


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
    found = []
    for row in IN_QUEUE.all(tx, {"after": after, "most": most}):
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


def line_by_provider_id(tx: Connection, conversation_id: str, provider_id: str) -> int | None:
    """The line a channel knows by this name: what an edit corrects."""
    query = sa.select(messages.c.seq).where(
        messages.c.conversation_id == conversation_id, messages.c.provider_id == provider_id
    )
    return tx.execute(query.order_by(messages.c.seq).limit(1)).scalar_one_or_none()


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
        answered_before=claim.answered_before or standing.answered,
        watched=claim.watched or standing.watched,
        duress_words=claim.duress_words,
        state=standing.state,
    )


# --- replies -----------------------------------------------------------------------------------------------------


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
        outbox.c.state == _literal("todo"),
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
        outbox.c.state == _literal("sending"),
        outbox.c.channel == sa.bindparam("channel"),
        outbox.c.due_at <= sa.bindparam("now", type_=Moment),
    )
    .with_for_update(of=outbox, skip_locked=True)
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
        outbox.c.state == _literal("sending"),
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


def release_replies(tx: Connection, claims: Sequence[ReplyClaim], *, at: datetime) -> None:
    """Give back replies that were claimed and certainly not sent."""
    for claim in claims:
        tx.execute(
            outbox.update()
            .where(
                outbox.c.id == claim.id,
                outbox.c.state == OutboxState.SENDING.value,
                outbox.c.attempts == claim.attempt,
            )
            .values(state=OutboxState.TODO.value, attempts=outbox.c.attempts - 1, due_at=at)
        )


def end_leases(tx: Connection, *, at: datetime) -> None:
    """After a crash of the only server of a database: nobody holds anything, so nobody waits for the leases."""
    tx.execute(
        conversations.update()
        .where(conversations.c.lease_until.is_not(None))
        .values(fence=conversations.c.fence + 1, lease_until=None)
    )
    tx.execute(
        outbox.update().where(_active, outbox.c.state == _literal("sending"), outbox.c.due_at > at).values(due_at=at)
    )
