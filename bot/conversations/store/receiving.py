"""What was received: put down once, as it came."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.conversations.store.tables import inbox


def text_of(payload: bytes) -> str:
    """A payload as the text that is sealed. It may be anything, so each byte becomes one character."""
    return payload.decode("latin-1")


def bytes_of(text: str) -> bytes:
    return text.encode("latin-1")


def received_row(channel: str, account: str, provider_id: str) -> str:
    """What a sealed payload is bound to. Its number in the inbox is not known yet when it is sealed."""
    return f"{channel}:{account}:{provider_id}"


class Received(NamedTuple):
    """A message on its way into the inbox, as its columns are: one is made for every message."""

    channel: str
    account: str
    provider_id: str
    conversation_id: str
    received_at: int  # as `moment_to_int` has it
    due_at: int
    lane: int
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
    if new is None or len(new) == len(rows):
        return [True] * len(rows)
    fresh: list[bool] = []
    for row in rows:
        name = (row.channel, row.account, row.provider_id)
        fresh.append(name in new)
        new.discard(name)  # the same message twice in one group is new once
    return fresh


Name = tuple[str, str, str]  # channel, account, provider id


def _insert_on_sqlite(tx: Connection, rows: Sequence[Received]) -> set[Name] | None:
    """The names of the new ones. None: all of them.

    Through the driver, because SQLAlchemy's own way costs ten times the insert; and many rows in one statement,
    because the driver gives the interpreter away at each, and waits for its turn to go on.
    """
    connection: Any = tx.connection.driver_connection
    cursor = connection.cursor()
    kept = 0
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        kept += cursor.execute(_insert_received_sqlite(len(some)), list(chain.from_iterable(some))).rowcount
    if kept == len(rows):
        return None
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
            "received": [row.received_at for row in rows],
            "due": [row.due_at for row in rows],
            "lanes": [row.lane for row in rows],
            "payloads": [row.payload_sealed for row in rows],
        },
    )
    return {(row.channel, row.account, row.provider_id) for row in kept}


def was_received(tx: Connection, channel: str, account: str, provider_id: str) -> bool:
    query = sa.select(inbox.c.seq).where(
        inbox.c.channel == channel, inbox.c.account == account, inbox.c.provider_id == provider_id
    )
    return tx.execute(query).first() is not None
