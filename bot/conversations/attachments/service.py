"""What may be done with the files of a talk: expect one, take it in, keep it, look at its copy, open the original.

The original is sealed with the key of its conversation, part by part, and never changed. The copy is not stored: it is
the original read with holes, by a list that is made once, when the file is kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.engine import Connection, Row

from bot.conversations.attachments import store
from bot.conversations.attachments.model import (
    ABANDONED_AFTER,
    DAY,
    MOST_BYTES_A_DAY,
    MOST_BYTES_A_DAY_OF_ALL,
    MOST_FILES_A_DAY,
    PART,
    UNKNOWN,
    Attachment,
    Examined,
    Kind,
    State,
    copy_of,
)
from bot.conversations.store import NoConversation, conversation
from bot.kernel import audit
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.database import Database
from bot.kernel.ids import new_id

TABLE, PARTS = "attachments", "attachment_parts"
SYSTEM = "system"
KINDS = frozenset(Kind)


class NoFile(Exception):
    """There is no such file, or nothing of it is left."""


class TooMuch(Exception):
    """This person, or all together, sent as much today as is taken in a day."""


class About(Struct, frozen=True):
    """What the channel says of a file."""

    source: str = ""  # its name there, to fetch it by
    declared: str = ""  # the type it says it is
    seconds: int | None = None


class Kept(Struct, frozen=True):
    """What is known of a file that is kept."""

    sha256: str
    examined: Examined


# Coming in --------------------------------------------------------------------------------------------------------


def take(
    tx: Connection, key: DataKey, conversation_id: str, seq: int, said: Mapping[str, Any], *, at: datetime
) -> bool:
    """Line `seq` says that there is a file. Where it has to be fetched it is expected from now on: True."""
    facts = said.get("facts") or {}
    if said.get("attachment") not in KINDS:
        return False
    if (upload := facts.get("upload")) is not None:
        store.put_on_line(tx, upload, conversation_id, seq)
        return False
    if "file_id" not in facts:
        return False
    about = About(facts["file_id"], facts.get("mime_type", ""), facts.get("seconds"))
    attachment_id = new_id()
    store.add(
        tx,
        id=attachment_id,
        conversation_id=conversation_id,
        seq=seq,
        incoming=True,
        kind=said["attachment"],
        state=State.WAITING.value,
        due_at=at,
        about_sealed=_seal(key, attachment_id, "about", about),
        created_at=at,
    )
    return True


def begin(tx: Connection, key: DataKey, conversation_id: str, *, declared: str, at: datetime) -> str:
    """A file begins to be uploaded. Its parts follow. Raises TooMuch."""
    require_room(tx, conversation_id, at=at)
    attachment_id = new_id()
    store.add(
        tx,
        id=attachment_id,
        conversation_id=conversation_id,
        incoming=True,
        kind=Kind.DOCUMENT.value,
        state=State.ARRIVING.value,
        about_sealed=_seal(key, attachment_id, "about", About(declared=declared[:100])),
        created_at=at,
    )
    return attachment_id


def require_room(tx: Connection, conversation_id: str, *, at: datetime, before: int | None = None) -> None:
    """Raises TooMuch where no more is taken in today. What counts is what came earlier than the line `before`."""
    count, size = store.sent_since(tx, at - DAY, conversation_id, before)
    channel = conversation(tx, conversation_id).channel
    if count >= MOST_FILES_A_DAY or size >= MOST_BYTES_A_DAY:
        raise TooMuch(conversation_id)
    if store.bytes_since(tx, at - DAY, channel) >= MOST_BYTES_A_DAY_OF_ALL:
        raise TooMuch(channel)


def add_part(tx: Connection, key: DataKey, attachment_id: str, number: int, content: bytes) -> None:
    """Keep one part. All are PART long but the last."""
    sealed = key.seal_bytes(content, table=PARTS, row=attachment_id, field=f"part {number}")
    store.add_part(tx, attachment_id, number, sealed)


async def look_at(
    database: Database, key: DataKey, attachment_id: str, size: int, *, declared: str, kind: Kind | None = None
) -> Examined:
    """Look at a file whose parts are all there: in a thread, a part at a time, so that a hostile one holds nobody up.

    Raises NoFile when it was erased meanwhile.
    """
    from bot.conversations.attachments.examine import examine  # what a start does not need

    loop = asyncio.get_running_loop()

    def part(number: int) -> bytes:
        reading = database.read(lambda tx: _opened(tx, key, attachment_id, number))
        return asyncio.run_coroutine_threadsafe(reading, loop).result()

    return await asyncio.to_thread(examine, StoredBytes(part, size), declared=declared, kind=kind)


def keep(
    tx: Connection,
    vault: Vault,
    key: DataKey,
    attachment_id: str,
    kept: Kept,
    *,
    size: int,
    state: State,
    attempt: int,
    at: datetime,
) -> bool:
    """All of it is here. False when it was erased, or went on without us.

    The record of acts gets a keyed fingerprint of the hash: it proves the file for as long as there is one, and tells
    nothing once it was erased.
    """
    done = store.change(
        tx,
        attachment_id,
        state,
        attempt,
        state=State.KEPT.value,
        kind=kept.examined.kind.value,
        size=size,
        kept_sealed=_seal(key, attachment_id, "kept", kept),
        due_at=None,
        cause=None,
        settled_at=at,
    )
    if done:
        _note_kept(tx, vault, attachment_id, kept.sha256, size, by=SYSTEM, at=at)
    return done


def _note_kept(
    tx: Connection, vault: Vault, attachment_id: str, sha256: str, size: int, *, by: str, at: datetime
) -> None:
    row = store.one(tx, attachment_id)
    assert row is not None
    facts: dict[str, str | int] = {"attachment": attachment_id, "mark": vault.index("evidence", sha256), "bytes": size}
    whose = f"conversation:{row.conversation_id}"
    audit.append(tx, vault, at=at, actor=by, act="attachment.kept", object=whose, facts=facts)


def keep_sent(
    tx: Connection,
    vault: Vault,
    conversation_id: str,
    content: bytes,
    *,
    officer_id: str,
    at: datetime,
) -> tuple[str, Examined]:
    """A file that an officer sends. It belongs to no line until `put_on_line`."""
    from bot.conversations.attachments.examine import examine
    from bot.conversations.attachments.reading import HeldBytes

    key = vault.key(tx, conversation(tx, conversation_id).key_id)
    examined = examine(HeldBytes(content))
    attachment_id, sha256 = new_id(), hashlib.sha256(content).hexdigest()
    store.add(
        tx,
        id=attachment_id,
        conversation_id=conversation_id,
        incoming=False,
        officer_id=officer_id,
        kind=examined.kind.value,
        state=State.KEPT.value,
        size=len(content),
        about_sealed=_seal(key, attachment_id, "about", About()),
        kept_sealed=_seal(key, attachment_id, "kept", Kept(sha256, examined)),
        created_at=at,
        settled_at=at,
    )
    for number, start in enumerate(range(0, len(content), PART)):
        add_part(tx, key, attachment_id, number, content[start : start + PART])
    _note_kept(tx, vault, attachment_id, sha256, len(content), by=officer_id, at=at)
    return attachment_id, examined


def put_on_line(tx: Connection, attachment_id: str, conversation_id: str, seq: int) -> None:
    """The line it goes with. Raises NoFile where it is not a file of this talk that waits for one."""
    if not store.put_on_line(tx, attachment_id, conversation_id, seq):
        raise NoFile(attachment_id)


def fetch_again(tx: Connection, attachment_id: str, *, at: datetime) -> None:
    """Have a file that could not be fetched looked for once more; wake `attachments` after the commit. Raises NoFile
    where it was not given up, or is erased."""
    if not store.expect_again(tx, attachment_id, at):
        raise NoFile(attachment_id)


def forget_sent(tx: Connection, attachment_id: str) -> None:
    """An officer took it back before it was sent."""
    store.forget(tx, attachment_id)


def move_to(tx: Connection, vault: Vault, attachment_id: str, conversation_id: str, *, at: datetime) -> str:
    """The person goes on from another phone, with a key of its own: the file that waits goes along. Its new id.

    Raises NoFile.
    """
    row = store.one(tx, attachment_id)
    if row is None:
        raise NoFile(attachment_id)
    if row.conversation_id == conversation_id:
        return attachment_id
    source = original(tx, vault, attachment_id)
    content = source.read(tx, vault, 0, source.size)
    moved, _ = keep_sent(tx, vault, conversation_id, content, officer_id=row.officer_id, at=at)
    store.forget(tx, attachment_id)
    return moved


def forget_abandoned(tx: Connection, at: datetime) -> int:
    """Uploads that broke off. Returns how many. Run now and then."""
    ids = store.abandoned(tx, at - ABANDONED_AFTER)
    for attachment_id in ids:
        store.forget(tx, attachment_id)
    return len(ids)


# Looking ----------------------------------------------------------------------------------------------------------


def of_talks(tx: Connection, vault: Vault, conversation_ids: Sequence[str]) -> list[Attachment]:
    """The files of these conversations, in order. Of an erased one nothing is left to list."""
    return [
        _described(tx, vault, row)
        for row in store.of_conversations(tx, conversation_ids)
        if row.state != State.ERASED.value
    ]


def one(tx: Connection, vault: Vault, attachment_id: str) -> Attachment:
    """Raises NoFile."""
    row = store.one(tx, attachment_id)
    if row is None or row.seq is None or row.state == State.ERASED.value:
        raise NoFile(attachment_id)
    return _described(tx, vault, row)


def of_line(tx: Connection, vault: Vault, conversation_id: str, seq: int) -> Attachment:
    """Raises NoFile."""
    row = store.of_line(tx, conversation_id, seq)
    if row is None or row.state == State.ERASED.value:
        raise NoFile(f"{conversation_id} {seq}")
    return _described(tx, vault, row)


def _described(tx: Connection, vault: Vault, row: Row[Any]) -> Attachment:
    kept = _kept(tx, vault, row)
    examined = kept.examined if kept is not None else Examined(UNKNOWN, Kind(row.kind))
    return Attachment(
        id=row.id,
        conversation_id=row.conversation_id,
        seq=row.seq or 0,
        incoming=row.incoming,
        officer_id=row.officer_id,
        kind=Kind(row.kind),
        state=State(row.state),
        cause=row.cause,
        size=row.size,
        sha256=kept.sha256 if kept is not None else "",
        type=examined.type,
        cautions=examined.cautions,
        has_copy=examined.pieces is not None,
        can_be_shown=examined.can_be_shown,
        at=row.created_at,
        kept_at=row.settled_at if row.state == State.KEPT.value else None,
    )


def _kept(tx: Connection, vault: Vault, row: Row[Any]) -> Kept | None:
    if row.kept_sealed is None:
        return None
    key = _key(tx, vault, row.conversation_id)
    said = key.open(row.kept_sealed, table=TABLE, row=row.id, field="kept")
    return msgspec.json.decode(said, type=Kept)


class Readable(Struct, frozen=True):
    """A file, or its copy, as it can be read a stretch at a time, each in a transaction of its own."""

    attachment_id: str
    conversation_id: str
    original_size: int
    size: int
    type: str
    name: str
    kept: Examined
    is_copy: bool

    def read(self, tx: Connection, vault: Vault, offset: int, length: int) -> bytes:
        """Raises NoFile once it was erased."""
        key = _key(tx, vault, self.conversation_id)
        source = StoredBytes(partial(_opened, tx, key, self.attachment_id), self.original_size)
        length = min(length, self.size - offset)
        if not self.is_copy or self.kept.pieces is None:
            return source.read(offset, length)
        return copy_of(self.kept.pieces, source, offset, length)


def copy(tx: Connection, vault: Vault, attachment_id: str) -> Readable:
    """The copy without hidden facts. Raises NoFile where there is none."""
    found = _readable(tx, vault, attachment_id, is_copy=True)
    if found.kept.pieces is None:
        raise NoFile(attachment_id)
    return found


def original(tx: Connection, vault: Vault, attachment_id: str) -> Readable:
    """The evidence, as it came. Raises NoFile."""
    return _readable(tx, vault, attachment_id, is_copy=False)


def _readable(tx: Connection, vault: Vault, attachment_id: str, *, is_copy: bool) -> Readable:
    row = store.one(tx, attachment_id)
    kept = None if row is None or row.state != State.KEPT.value else _kept(tx, vault, row)
    if row is None or kept is None:
        raise NoFile(attachment_id)
    about = _described(tx, vault, row)
    size = kept.examined.size if is_copy else row.size
    return Readable(attachment_id, row.conversation_id, row.size, size, about.type, about.name, kept.examined, is_copy)


def sent(tx: Connection, vault: Vault, attachment_id: str) -> Readable:
    """What is sent of an officer's file: its copy, or the file where no copy can be made (a PDF). Raises NoFile."""
    found = _readable(tx, vault, attachment_id, is_copy=True)
    return found if found.kept.pieces is not None else original(tx, vault, attachment_id)


def whole(tx: Connection, vault: Vault, attachment_id: str) -> tuple[Readable, bytes]:
    """The same with its bytes, all at once: officers' files are small. Raises NoFile."""
    found = sent(tx, vault, attachment_id)
    return found, found.read(tx, vault, 0, found.size)


# The bytes --------------------------------------------------------------------------------------------------------


class StoredBytes:
    """A stored file, of which one part at a time is open."""

    def __init__(self, part: Callable[[int], bytes], size: int) -> None:
        self._part = part
        self._number = -1
        self._open = b""
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """Raises NoFile where a part is gone."""
        end = min(offset + length, self.size)
        return b"".join(self._stretches(offset, end))

    def _stretches(self, at: int, end: int) -> Iterator[bytes]:
        while at < end:
            number = at // PART
            if number != self._number:
                self._number, self._open = number, self._part(number)
            stretch = self._open[at - number * PART : end - number * PART]
            if not stretch:
                raise NoFile(f"part {number} is too short")
            yield stretch
            at += len(stretch)


def _opened(tx: Connection, key: DataKey, attachment_id: str, number: int) -> bytes:
    sealed = store.part(tx, attachment_id, number)
    if sealed is None:
        raise NoFile(attachment_id)
    return key.open_bytes(sealed, table=PARTS, row=attachment_id, field=f"part {number}")


def _key(tx: Connection, vault: Vault, conversation_id: str) -> DataKey:
    try:
        return vault.key(tx, conversation(tx, conversation_id).key_id)
    except (NoConversation, Erased):
        raise NoFile(conversation_id) from None


def _seal(key: DataKey, attachment_id: str, field: str, value: Struct) -> bytes:
    return key.seal(msgspec.json.encode(value).decode(), table=TABLE, row=attachment_id, field=field)


def about(key: DataKey, row: Row[Any]) -> About:
    """What the channel said of a file that is being fetched."""
    said = key.open(row.about_sealed, table=TABLE, row=row.id, field="about")
    return msgspec.json.decode(said, type=About)
