"""Conversations: found by their address, opened, changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.conversations.model import (
    ConversationKind,
    Mode,
    OutboxState,
)
from bot.conversations.store.tables import WATCHED, NoConversation, conversations, outbox
from bot.kernel.crypto import DataKey, Vault, data_keys
from bot.kernel.database import insert_on_conflict, insert_or_nothing
from bot.kernel.ids import new_id
from bot.kernel.prepared import Prepared


def address_index(vault: Vault, channel: str, account: str, address: str) -> str:
    return vault.index("address", channel, account, address)


class Addressed(NamedTuple):
    """A conversation found by its address, with its data key as it is stored."""

    id: str
    key_id: str
    wrapped: bytes | None  # None: erased


def conversation_by_address(tx: Connection, channel: str, account: str, index: str) -> Addressed | None:
    """The conversation and its data key in one look: every message that comes in asks."""
    row = tx.execute(
        sa.select(conversations.c.id, conversations.c.key_id, data_keys.c.wrapped)
        .join(data_keys, data_keys.c.id == conversations.c.key_id)
        .where(
            conversations.c.channel == channel,
            conversations.c.account == account,
            conversations.c.address_index == index,
        )
    ).one_or_none()
    return None if row is None else Addressed(*row)


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
        key = vault.new_key(tx, at)
        new = Opening(channel, account, address, at)
        values = _values(new, index, key, kind=kind, language=language, demo=demo)
        if insert_or_nothing(tx, conversations, values):
            return values["id"], key
        vault.destroy(tx, key.id, at)  # somebody was faster: this key has sealed nothing
        found = conversation_by_address(tx, channel, account, index)
        assert found is not None
    return found.id, vault.key_as_read(found.key_id, found.wrapped)


class Opening(NamedTuple):
    """An address that writes, perhaps for the first time."""

    channel: str
    account: str
    address: str
    at: datetime


def _values(
    new: Opening, index: str, key: DataKey, *, kind: ConversationKind, language: str | None, demo: bool
) -> dict[str, Any]:
    conversation_id = new_id()
    return {
        "id": conversation_id,
        "kind": kind.value,
        "channel": new.channel,
        "account": new.account,
        "address_index": index,
        "address_sealed": key.seal(new.address, table="conversations", row=conversation_id, field="address"),
        "key_id": key.id,
        "language": language,
        "language_chosen": False,
        "state_sealed": None,
        "start_afresh": False,
        "mode": Mode.BOT.value,
        "fence": 0,
        "next_seq": 1,
        "created_at": new.at,
        "demo": demo,
    }


OPEN = Prepared(
    conversations.insert(),
    [
        "id", "kind", "channel", "account", "address_index", "address_sealed", "key_id", "language", "language_chosen",
        "state_sealed", "start_afresh", "mode", "fence", "next_seq", "created_at", "demo",
    ],
)  # fmt: skip


def find_or_open_all(
    tx: Connection, vault: Vault, wanted: Sequence[Opening], *, kind: ConversationKind, demo: bool
) -> list[tuple[str, DataKey]]:
    """The conversations of many addresses, in their order; each address is named once.

    Three statements for all of them: when hundreds write for the first time in a second, three for each of them held
    up whoever answers.
    """
    indexes = [address_index(vault, new.channel, new.account, new.address) for new in wanted]
    known = _by_index(tx, indexes)
    strangers = [(new, index) for new, index in zip(wanted, indexes, strict=True) if index not in known]
    opened: dict[str, tuple[str, DataKey]] = {}
    if strangers:
        keys = vault.new_keys(tx, strangers[0][0].at, len(strangers))
        rows = [
            _values(new, index, key, kind=kind, language=None, demo=demo)
            for (new, index), key in zip(strangers, keys, strict=True)
        ]
        opened = {row["address_index"]: (row["id"], key) for row, key in zip(rows, keys, strict=True)}
        if tx.dialect.name == "sqlite":  # writers are alone there
            OPEN.run_together(tx, rows)
        else:
            tx.execute(insert_on_conflict(tx, conversations).on_conflict_do_nothing(), rows)
            known |= _give_way(tx, vault, opened, strangers[0][0].at)
    homes = {index: (found.id, vault.key_as_read(found.key_id, found.wrapped)) for index, found in known.items()}
    homes |= opened
    return [homes[index] for index in indexes]


def _give_way(
    tx: Connection, vault: Vault, opened: dict[str, tuple[str, DataKey]], at: datetime
) -> dict[str, Addressed]:
    """Where somebody was faster, theirs is the conversation: our key has sealed nothing."""
    standing = _by_index(tx, list(opened))
    theirs = {index: found for index, found in standing.items() if found.id != opened[index][0]}
    for index in theirs:
        _, key = opened.pop(index)
        vault.destroy(tx, key.id, at)
    return theirs


def _by_index(tx: Connection, indexes: Sequence[str]) -> dict[str, Addressed]:
    """An index is a fingerprint of channel, account and address together."""
    query = (
        sa.select(conversations.c.address_index, conversations.c.id, conversations.c.key_id, data_keys.c.wrapped)
        .join(data_keys, data_keys.c.id == conversations.c.key_id)
        .where(conversations.c.address_index.in_(indexes))
    )
    return {index: Addressed(*found) for index, *found in tx.execute(query)}


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
