"""The tables of the message path."""

from __future__ import annotations

import sqlalchemy as sa

from bot.kernel.database import Moment, metadata

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
#: What they would not have, or we could not bring: whoever writes again can be reached again.
UNREACHED = sa.text("state = 'dead' AND cause IN ('blocked', 'chat_not_found')")
sa.Index("ix_outbox_unreached", outbox.c.conversation_id, sqlite_where=UNREACHED, postgresql_where=UNREACHED)

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


#: How far a person has read what officers wrote to them: the number of a line and no time. A row only for whoever read
#: something, or asked that nothing be shown.
reading_marks = sa.Table(
    "reading_marks",
    metadata,
    sa.Column("conversation_id", sa.String(36), primary_key=True),
    sa.Column("read_seq", sa.Integer, nullable=True),
    sa.Column("hidden", sa.Boolean, nullable=False),  # the person does not want to show when they write and read
)


#: Why a reply was never sent: somebody else may hold the phone.
WATCHED = "watched"
#: Causes of which nobody needs to be told, and after which nothing is tried again.
NEVER_AGAIN = ("erased", WATCHED)


class LeaseLost(Exception):
    """Somebody else has the conversation now, or changed it: what was worked out must not be written."""


class NoConversation(Exception):
    """There is no such conversation, or it was erased."""


def literal(value: str) -> sa.ColumnElement[str]:
    """A constant in the SQL itself: only then do the databases see that a partial index serves."""
    return sa.literal_column(f"'{value}'")
