"""Where a safe place really is. Nothing else in Waymark knows.

The address lies in a table of its own, sealed under a key of its own, and comes back as a `SafePlace`, a value that
will not turn into text, JSON, a copy or a pickle by accident. There is one way to read it: `open_safe_place`, for a
role the host permits, a case and a purpose, and every try is audited, the refused ones too. To whoever may not know,
a safe place is not found.

The public record of the same service carries a front gate only: a town, a number to call.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn, Protocol

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from directory.moment import Moment
from directory.schema import metadata

safe_places = sa.Table(
    "directory_safe_places",
    metadata,
    sa.Column(
        "service_id", sa.String(36), sa.ForeignKey("directory_services.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("key_id", sa.String(36), nullable=False),
    sa.Column("address_sealed", sa.LargeBinary, nullable=False),
    sa.Column("latitude_sealed", sa.LargeBinary, nullable=False),
    sa.Column("longitude_sealed", sa.LargeBinary, nullable=False),
    sa.Column("modified_at", Moment, nullable=False),
)

TABLE = safe_places.name


class Cipher(Protocol):
    """Seals and opens short texts, bound to where they are kept. The host brings it."""

    @property
    def id(self) -> str: ...

    def seal(self, text: str, *, table: str, row: str, field: str) -> bytes: ...

    def open(self, sealed: bytes, *, table: str, row: str, field: str) -> str: ...


class Keys(Protocol):
    """Makes, finds and destroys the key of one safe place."""

    def new_key(self, tx: Connection, at: datetime, /) -> Cipher: ...

    def key(self, tx: Connection, key_id: str, /) -> Cipher: ...

    def destroy(self, tx: Connection, key_id: str, at: datetime, /) -> None:
        """What it sealed is gone for ever, in old copies of the file too."""
        ...


class Audit(Protocol):
    """Writes down who did what, in the same transaction. Ids and codes only."""

    def __call__(self, tx: Connection, *, at: datetime, actor: str, act: str, object: str, facts: Any) -> object: ...


class Purpose(StrEnum):
    """Why somebody must know. Anything else is no reason."""

    BRING_A_CHILD = "bring_a_child"
    VISIT = "visit"
    EMERGENCY = "emergency"
    VERIFY = "verify"


class Reader(Struct, frozen=True):
    """Who asks, for which case, and why."""

    id: str
    role: str
    case_id: str
    purpose: Purpose


class SafePlace:
    """The way to a safe place. Read its fields where a person needs them; it gives nothing away by itself."""

    __slots__ = ("__address", "__latitude", "__longitude")

    def __init__(self, address: str, latitude: float | None, longitude: float | None) -> None:
        self.__address = address
        self.__latitude = latitude
        self.__longitude = longitude

    def tell(self, listener: Callable[[str, float | None, float | None], object]) -> None:
        """Hand address, latitude and longitude to `listener`, who answers for what becomes of them."""
        listener(self.__address, self.__latitude, self.__longitude)

    def __repr__(self) -> str:
        return "<SafePlace>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<SafePlace>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a safe place is not copied, pickled or sent")

    def __eq__(self, other: object) -> bool:
        return self is other  # comparing must not become a way of guessing

    __hash__ = object.__hash__


def put_safe_place(
    tx: Connection, keys: Keys, audit: Audit, *, service_id: str, place: SafePlace, by: str, at: datetime
) -> None:
    """Keep where the service is, under a fresh key. The key of what was there before is destroyed."""
    cipher = keys.new_key(tx, at)
    sealed = seal_place(cipher, place, table=TABLE, row=service_id)
    _take_out(tx, keys, service_id, at)
    tx.execute(safe_places.insert().values(service_id=service_id, key_id=cipher.id, modified_at=at, **sealed))
    audit(tx, at=at, actor=by, act="safe_place.put", object=f"service:{service_id}", facts={})


def remove_safe_place(tx: Connection, keys: Keys, audit: Audit, *, service_id: str, by: str, at: datetime) -> bool:
    """Keep it no more: its key is destroyed. False where none was kept."""
    if not _take_out(tx, keys, service_id, at):
        return False
    audit(tx, at=at, actor=by, act="safe_place.removed", object=f"service:{service_id}", facts={})
    return True


def _take_out(tx: Connection, keys: Keys, service_id: str, at: datetime) -> bool:
    key_ids = forget_safe_places(tx, [service_id])
    for key_id in key_ids:
        keys.destroy(tx, key_id, at)
    return bool(key_ids)


def open_safe_place(
    tx: Connection,
    keys: Keys,
    audit: Audit,
    *,
    service_id: str,
    reader: Reader,
    permits: Callable[[Connection, Reader], bool],
    at: datetime,
) -> SafePlace | None:
    """Where the service is, for one reader, case and purpose. None: there is none, or it is not for this reader.

    `permits` is the host's rule (the role, and that the reader holds the case). Run this in a transaction that
    writes, or the try leaves no trace.
    """
    allowed = bool(reader.case_id) and isinstance(reader.purpose, Purpose) and permits(tx, reader)
    facts = {"case": reader.case_id, "purpose": str(reader.purpose), "role": reader.role, "allowed": allowed}
    audit(tx, at=at, actor=reader.id, act="safe_place.read", object=f"service:{service_id}", facts=facts)
    if not allowed:
        return None
    row = tx.execute(sa.select(safe_places).where(safe_places.c.service_id == service_id)).one_or_none()
    if row is None:
        return None
    return unseal_place(keys.key(tx, row.key_id), row, table=TABLE, row=service_id)


def has_safe_place(tx: Connection, service_id: str) -> bool:
    """Whether a way is kept for this record. It says nothing of where."""
    return kept_since(tx, service_id) is not None


def kept_since(tx: Connection, service_id: str) -> datetime | None:
    """Since when the way is kept as it is. It says nothing of where."""
    query = sa.select(safe_places.c.modified_at).where(safe_places.c.service_id == service_id)
    return tx.execute(query).scalar_one_or_none()


def forget_safe_places(tx: Connection, service_ids: list[str]) -> list[str]:
    """Take them out. Returns the ids of their keys, for the host to destroy."""
    theirs = safe_places.c.service_id.in_(service_ids)
    key_ids = list(tx.execute(sa.select(safe_places.c.key_id).where(theirs)).scalars())
    tx.execute(safe_places.delete().where(theirs))
    return key_ids


# How it is sealed, here and while it waits for a second person (`directory/safe_place_changes.py`). ----------------


def seal_place(cipher: Cipher, place: SafePlace, *, table: str, row: str) -> dict[str, bytes]:
    """The sealed columns of a row that keeps the place."""
    sealed: dict[str, bytes] = {}

    def seal(address: str, latitude: float | None, longitude: float | None) -> None:
        for name, text in (("address", address), ("latitude", _text(latitude)), ("longitude", _text(longitude))):
            sealed[f"{name}_sealed"] = cipher.seal(text, table=table, row=row, field=name)

    place.tell(seal)
    return sealed


def unseal_place(cipher: Cipher, kept: sa.Row[Any], *, table: str, row: str) -> SafePlace:
    """The place out of such a row."""

    def unseal(name: str) -> str:
        return cipher.open(kept._mapping[f"{name}_sealed"], table=table, row=row, field=name)

    return SafePlace(unseal("address"), _number(unseal("latitude")), _number(unseal("longitude")))


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)


def _number(text: str) -> float | None:
    return float(text) if text else None
