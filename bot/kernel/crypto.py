"""Envelope encryption of what people write.

Every conversation and every case has a data key of its own. The data key, wrapped by a key derived from the
master key, is a row; what it sealed is anywhere else. Erasing a person's words is destroying that row.
A sealed value is bound to its table, row and field, so it cannot be moved to another place and still open.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.engine import Connection

from bot.kernel.database import Moment, metadata
from bot.kernel.ids import new_id
from bot.kernel.prepared import Prepared

data_keys = sa.Table(
    "data_keys",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=True),  # null once destroyed: the row stays as the proof
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("destroyed_at", Moment, nullable=True),
)

KEEP = Prepared(data_keys.insert(), ["id", "wrapped", "made_at"])

MASTER_KEY_BYTES = 32
NONCE_BYTES = 12
SEALED_VERSION = b"\x01"
KEYS_IN_MEMORY = 4096
#: So long a key is used without a look at its row: another process may have destroyed it, `./waymark erase` for one.
UNSEEN_SECONDS = 1.0
DOES_NOT_FIT = (
    "the master key does not fit this database. Give the one it was made with, by WAYMARK_MASTER_KEY or as the file "
    "master.key in the data folder; without it nobody can read what people wrote."
)


class WrongMasterKey(Exception):
    """The master key does not open what this database holds. Find the key it was made with."""


class Erased(Exception):
    """The key of these words was destroyed. They cannot be read again by anyone."""


class Tampered(Exception):
    """A sealed value does not belong where it was found, or was changed."""


class DataKey:
    """Seals and opens the fields of one conversation or case."""

    __slots__ = ("_cipher", "id")

    def __init__(self, key_id: str, key: bytes) -> None:
        self.id = key_id
        self._cipher = AESGCM(key)

    def seal(self, text: str, *, table: str, row: str, field: str) -> bytes:
        """`text` as version byte, 12 random bytes, ciphertext and tag: 29 bytes more than its UTF-8."""
        return self.seal_bytes(text.encode(), table=table, row=row, field=field)

    def open(self, sealed: bytes, *, table: str, row: str, field: str) -> str:
        """The text again. Raises Tampered if it was sealed for another place or changed since."""
        return self.open_bytes(sealed, table=table, row=row, field=field).decode()

    def seal_bytes(self, content: bytes, *, table: str, row: str, field: str) -> bytes:
        """The same for what is no text: a part of a file."""
        return self._sealed(os.urandom(NONCE_BYTES), content, f"{table}\x1f{row}\x1f{field}".encode())

    def _sealed(self, nonce: bytes, content: bytes, place: bytes) -> bytes:
        return SEALED_VERSION + nonce + self._cipher.encrypt(nonce, content, place)

    def open_bytes(self, sealed: bytes, *, table: str, row: str, field: str) -> bytes:
        """The bytes again. Raises Tampered as `open` does."""
        sealed = bytes(sealed)
        place = f"{table}\x1f{row}\x1f{field}".encode()
        nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, place)
        except InvalidTag:
            raise Tampered(f"{table}.{field}") from None

    def seal_json(self, value: Any, *, table: str, row: str, field: str) -> bytes:
        return self.seal(json.dumps(value, ensure_ascii=False), table=table, row=row, field=field)

    def open_json(self, sealed: bytes, *, table: str, row: str, field: str) -> Any:
        return json.loads(self.open(sealed, table=table, row=row, field=field))


def seal_rows(rows: Sequence[tuple[DataKey, str, bytes]], *, table: str, field: str) -> list[bytes]:
    """Seal one field of many rows, each under its key: (key, row, content). Opened by `open_bytes`, or `open`.

    The random bytes are drawn in one go. Each draw gives the interpreter away, so that a group of messages on its way
    to one commit waited for the event loop at each of them.
    """
    drawn = os.urandom(NONCE_BYTES * len(rows))
    return [
        key._sealed(drawn[start : start + NONCE_BYTES], content, f"{table}\x1f{row}\x1f{field}".encode())
        for start, (key, row, content) in zip(count(step=NONCE_BYTES), rows, strict=False)
    ]


class _Kept(NamedTuple):
    key: DataKey
    seen_at: float


class Vault:
    """Holds the master key in memory and gives out data keys. Safe to use from several threads.

    `monotonic` gives seconds that only grow; it decides how long a key is used without a look at its row.
    """

    def __init__(self, master_key: bytes, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if len(master_key) != MASTER_KEY_BYTES:
            raise WrongMasterKey(f"the master key must be {MASTER_KEY_BYTES} bytes")
        self._wrapping = AESGCM(_derive(master_key, b"waymark wrapping"))
        self._indexing: bytes | None = None
        self._chaining: bytes | None = None
        self._keys: OrderedDict[str, _Kept] = OrderedDict()
        self._monotonic = monotonic
        self._lock = threading.Lock()

    def prepare(self, tx: Connection, at: datetime) -> None:
        """Load the keys for look-ups and for the audit chain, making them in an empty database.

        They are rows like any data key, so that a new master key leaves every fingerprint as it was.
        Raises WrongMasterKey: call this before anything is served.
        """
        self._indexing = self._standing_key(tx, "index", at)
        self._chaining = self._standing_key(tx, "audit", at)

    def _standing_key(self, tx: Connection, name: str, at: datetime) -> bytes:
        wrapped = tx.execute(sa.select(data_keys.c.wrapped).where(data_keys.c.id == name)).scalar_one_or_none()
        if wrapped is not None:
            return self._unwrap(name, wrapped)
        key = AESGCM.generate_key(256)
        tx.execute(data_keys.insert().values(id=name, wrapped=self._wrap(name, key), made_at=at))
        return key

    def new_key(self, tx: Connection, at: datetime) -> DataKey:
        """Make, wrap and store a data key. It exists for others when `tx` commits."""
        key_id, key = new_id(), AESGCM.generate_key(256)
        tx.execute(data_keys.insert().values(id=key_id, wrapped=self._wrap(key_id, key), made_at=at))
        return DataKey(key_id, key)

    def new_keys(self, tx: Connection, at: datetime, count: int) -> list[DataKey]:
        """The same, so many at once."""
        made = [(new_id(), AESGCM.generate_key(256)) for _ in range(count)]
        KEEP.run_together(tx, [{"id": id, "wrapped": self._wrap(id, key), "made_at": at} for id, key in made])
        return [DataKey(id, key) for id, key in made]

    def key(self, tx: Connection, key_id: str) -> DataKey:
        """A stored data key. Raises Erased, WrongMasterKey.

        From memory if its row was seen within UNSEEN_SECONDS: so much later, one that another process has destroyed
        opens nothing here either.
        """
        now = self._monotonic()
        with self._lock:
            kept = self._keys.get(key_id)
            if kept is not None and now - kept.seen_at < UNSEEN_SECONDS:
                self._keys.move_to_end(key_id)
                return kept.key
        wrapped = tx.execute(sa.select(data_keys.c.wrapped).where(data_keys.c.id == key_id)).scalar_one_or_none()
        return self.key_as_read(key_id, wrapped)

    def look_at(self, tx: Connection, key_ids: Collection[str]) -> None:
        """See the rows of many keys in one look, so that `key` does not ask for each of them. Raises WrongMasterKey.

        A list of sixty cases that asked one by one took half of its page.
        """
        now = self._monotonic()
        with self._lock:
            seen = {each for each in key_ids if (kept := self._keys.get(each)) and now - kept.seen_at < UNSEEN_SECONDS}
        unseen = sorted(set(key_ids) - seen)
        if not unseen:
            return
        rows = tx.execute(sa.select(data_keys.c.id, data_keys.c.wrapped).where(data_keys.c.id.in_(unseen)))
        for key_id, wrapped in rows:
            with suppress(Erased):
                self.key_as_read(key_id, wrapped)

    def key_as_read(self, key_id: str, wrapped: bytes | None) -> DataKey:
        """A data key whose row the caller has just read along with another. Raises Erased, WrongMasterKey."""
        if wrapped is None:
            self.forget(key_id)
            raise Erased(key_id)
        with self._lock:
            kept = self._keys.get(key_id)
            key = kept.key if kept is not None else DataKey(key_id, self._unwrap(key_id, wrapped))
            self._keys[key_id] = _Kept(key, self._monotonic())
            self._keys.move_to_end(key_id)
            while len(self._keys) > KEYS_IN_MEMORY:
                self._keys.popitem(last=False)
        return key

    def destroy(self, tx: Connection, key_id: str, at: datetime) -> None:
        """Erase whatever this key sealed, for ever. Call `forget` after the commit."""
        tx.execute(data_keys.update().where(data_keys.c.id == key_id).values(wrapped=None, destroyed_at=at))
        self.forget(key_id)

    def forget(self, key_id: str) -> None:
        """Drop a key from this process's memory."""
        with self._lock:
            self._keys.pop(key_id, None)

    def index(self, label: str, *parts: str) -> str:
        """A keyed fingerprint to look a value up by, without storing it: HMAC-SHA256 in 64 hex digits."""
        if self._indexing is None:
            raise RuntimeError("call Vault.prepare first")
        message = "\x1f".join((label, *parts)).encode()
        return hmac.new(self._indexing, message, hashlib.sha256).hexdigest()

    def audit_mac(self, message: bytes) -> str:
        """The link of the audit chain: HMAC-SHA256 under a key the database does not hold."""
        if self._chaining is None:
            raise RuntimeError("call Vault.prepare first")
        return hmac.new(self._chaining, message, hashlib.sha256).hexdigest()

    def rewrap_from(self, tx: Connection, old: Vault) -> int:
        """Wrap every data key anew under this master key. Returns how many. The sealed words stay as they are."""
        rows = tx.execute(sa.select(data_keys.c.id, data_keys.c.wrapped).where(data_keys.c.wrapped.is_not(None)))
        count = 0
        for row in rows.all():
            wrapped = self._wrap(row.id, old._unwrap(row.id, row.wrapped))
            tx.execute(data_keys.update().where(data_keys.c.id == row.id).values(wrapped=wrapped))
            count += 1
        return count

    def _wrap(self, key_id: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return SEALED_VERSION + nonce + self._wrapping.encrypt(nonce, key, key_id.encode())

    def _unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        wrapped = bytes(wrapped)
        nonce, ciphertext = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
        try:
            return self._wrapping.decrypt(nonce, ciphertext, key_id.encode())
        except InvalidTag:
            raise WrongMasterKey(DOES_NOT_FIT) from None


def _derive(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(master_key)
