"""The address of a safe place is stored, replaced or removed by two people.

One types it and never sees it again; another, who did not, calls the number of the record, notes who said what, and
lets it count. Until then children are taken where they were taken before. What waits is sealed under a key of its own,
which is destroyed when somebody decides, and so is the key of an address that another one replaces.

Neither reason nor note may tell the place: the reason is a code, and the note is sealed, for whoever keeps the
directory.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, to_builtins
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from directory.hidden import HIDDEN_CHARACTERS
from directory.model import (
    NeedsCallBack,
    NeedsSecondPerson,
    NotAllowedNow,
    RecordState,
    Service,
    WrongRecord,
)
from directory.moment import Moment
from directory.safe_places import (
    Audit,
    Keys,
    SafePlace,
    has_safe_place,
    put_safe_place,
    remove_safe_place,
    seal_place,
    unseal_place,
)
from directory.schema import metadata
from directory.words import N_, because, plain_figures

LONGEST_ADDRESS, LONGEST_NOTE = 500, 500
#: So many changes of an address are shown with its record.
MOST_SHOWN = 10


class What(StrEnum):
    """What is asked for."""

    PUT = "put"  # store, or replace what is kept
    REMOVE = "remove"


class Outcome(StrEnum):
    """How a change ended. None while it waits for a second person."""

    APPROVED = "approved"
    TURNED_DOWN = "turned_down"  # by a second person
    TAKEN_BACK = "taken_back"  # by whoever proposed it
    OVERTAKEN = "overtaken"  # the record is kept no more


#: Why an address is stored, replaced or removed.
WHY: Mapping[str, str] = MappingProxyType(
    {
        "first": N_("It was not stored yet"),
        "moved": N_("The house has moved"),
        "mistyped": N_("It was typed wrongly"),
        "found_out": N_("Somebody who must not know it has found it out"),
        "closed": N_("The house has closed"),
        "asked": N_("The house asks for it"),
    }
)

changes = sa.Table(
    "directory_safe_place_changes",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column(
        "service_id",
        sa.String(36),
        sa.ForeignKey("directory_services.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("what", sa.String(12), nullable=False),
    sa.Column("why", sa.String(20), nullable=False),
    sa.Column("key_id", sa.String(36), nullable=True),  # this and the next three: only while it waits
    sa.Column("address_sealed", sa.LargeBinary, nullable=True),
    sa.Column("latitude_sealed", sa.LargeBinary, nullable=True),
    sa.Column("longitude_sealed", sa.LargeBinary, nullable=True),
    sa.Column("proposed_by", sa.String(36), nullable=False),
    sa.Column("proposed_at", Moment, nullable=False),
    sa.Column("outcome", sa.String(12), nullable=True),
    sa.Column("ended_by", sa.String(36), nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("note_key_id", sa.String(36), nullable=True),
    sa.Column("note_sealed", sa.LargeBinary, nullable=True),
)
_waits = changes.c.outcome.is_(None)
#: One change of an address waits at a time, whatever races.
sa.Index(
    "uq_directory_safe_place_changes_waiting",
    changes.c.service_id,
    unique=True,
    sqlite_where=_waits,
    postgresql_where=_waits,
)
TABLE = changes.name


class Change(Struct, frozen=True):
    """One change of an address: who, when and why, and nothing of where."""

    id: str
    what: What
    why: str
    proposed_by: str
    proposed_at: datetime
    outcome: Outcome | None
    ended_by: str | None
    ended_at: datetime | None
    note: str = ""  # the call; "" for whoever may not read it


def place_of(address: str, latitude: str, longitude: str) -> SafePlace:
    """The place as somebody typed it. Raises WrongRecord, which repeats nothing of it."""
    address = address.strip()
    problems: list[str] = []
    if not address or len(address) > LONGEST_ADDRESS:
        problems.append(because("an address has 1 to {most} letters", most=str(LONGEST_ADDRESS)))
    if HIDDEN_CHARACTERS.search(address):
        problems.append(because("the address has control or direction characters in it"))
    points = [_degrees(text, most) for text, most in ((latitude, 90), (longitude, 180))]
    if bool(latitude.strip()) != bool(longitude.strip()):
        problems.append(because("latitude and longitude belong together: give both or neither"))
    elif None in points and latitude.strip():
        problems.append(because("latitude and longitude are degrees like 43.7912 and 7.6072"))
    if problems:
        raise WrongRecord(problems)
    return SafePlace(address, *points)


def _degrees(text: str, most: int) -> float | None:
    try:
        value = float(plain_figures(text).strip().replace(",", "."))
    except ValueError:
        return None
    return value if -most <= value <= most else None


def propose(
    tx: Connection,
    keys: Keys,
    audit: Audit,
    service: Service,
    place: SafePlace | None,
    *,
    why: str,
    by: str,
    at: datetime,
) -> str:
    """Ask that `place` is stored for this record, or, if None, that what is kept is removed. Returns the change's id.

    It counts once somebody else has approved it. Raises WrongRecord, NotAllowedNow.
    """
    if not service.confidential:
        raise NotAllowedNow("only a confidential service has an address that nobody may know")
    if service.update_of is not None or service.state in (RecordState.ARCHIVED, RecordState.REJECTED):
        raise NotAllowedNow(f"service {service.id} is {service.state}, or a change of another record")
    if why not in WHY:
        raise WrongRecord([because("say why the address is stored or removed")])
    if place is None and not has_safe_place(tx, service.id):
        raise NotAllowedNow("there is no address to remove")
    if place is not None and _is_told(service, place):
        raise WrongRecord([because("the record itself tells part of this address: take it out there first")])
    if waiting(tx, service.id) is not None:
        raise NotAllowedNow("another change of this address waits: decide about it first")
    change_id, what = str(uuid.uuid4()), What.REMOVE if place is None else What.PUT
    sealed: dict[str, Any] = {}
    if place is not None:
        cipher = keys.new_key(tx, at)
        sealed = {"key_id": cipher.id, **seal_place(cipher, place, table=TABLE, row=change_id)}
    row = {"id": change_id, "service_id": service.id, "what": what.value, "why": why, **sealed}
    try:
        tx.execute(changes.insert().values(**row, proposed_by=by, proposed_at=at))
    except IntegrityError:
        raise NotAllowedNow("another change of this address was proposed at the same moment") from None
    facts = {"change": change_id, "what": what.value, "why": why}
    audit(tx, at=at, actor=by, act="safe_place.proposed", object=f"service:{service.id}", facts=facts)
    return change_id


def approve(
    tx: Connection, keys: Keys, audit: Audit, service: Service, *, change_id: str, call_back: str, by: str, at: datetime
) -> None:
    """Let a change count, after a call to the number that stands in the record (`call_back`: who said what, when).

    The record is in force: until then its number is only what somebody wrote. Raises NotAllowedNow, also when the
    change waits no more, NeedsSecondPerson, NeedsCallBack.
    """
    service_id, row = service.id, _waiting_row(tx, service.id, change_id)
    if service.state is not RecordState.CURRENT or not service.confidential:
        raise NotAllowedNow(f"service {service_id} is {service.state}: nobody has reviewed the number to call")
    if row.proposed_by == by:
        raise NeedsSecondPerson("an address counts once somebody has approved it who did not type it")
    call_back = call_back.strip()[:LONGEST_NOTE]
    if not call_back:
        raise NeedsCallBack("call the number that stands in the record, and note who said what")
    if row.what == What.PUT:
        place = unseal_place(keys.key(tx, row.key_id), row, table=TABLE, row=row.id)
        put_safe_place(tx, keys, audit, service_id=service_id, place=place, by=by, at=at)
    else:
        remove_safe_place(tx, keys, audit, service_id=service_id, by=by, at=at)
    cipher = keys.new_key(tx, at)
    note = {"note_key_id": cipher.id, "note_sealed": cipher.seal(call_back, table=TABLE, row=row.id, field="note")}
    _end(tx, keys, audit, row, Outcome.APPROVED, by=by, at=at, **note)


def turn_down(
    tx: Connection, keys: Keys, audit: Audit, *, service_id: str, change_id: str, by: str, at: datetime
) -> None:
    """End a change that does not count: taken back by whoever proposed it, turned down by anybody else. What was typed
    is gone. Raises NotAllowedNow when it waits no more."""
    row = _waiting_row(tx, service_id, change_id)
    outcome = Outcome.TAKEN_BACK if row.proposed_by == by else Outcome.TURNED_DOWN
    _end(tx, keys, audit, row, outcome, by=by, at=at)


def forget(tx: Connection, keys: Keys, audit: Audit, *, service_id: str, by: str, at: datetime) -> None:
    """The record is kept no more: neither its address nor one that waits is."""
    remove_safe_place(tx, keys, audit, service_id=service_id, by=by, at=at)
    row = tx.execute(sa.select(changes).where(changes.c.service_id == service_id, _waits)).one_or_none()
    if row is not None:
        _end(tx, keys, audit, row, Outcome.OVERTAKEN, by=by, at=at)


def forget_changes(tx: Connection, service_ids: list[str]) -> list[str]:
    """Take out all that was ever done to these addresses. Returns the ids of the keys, for the host to destroy."""
    theirs = changes.c.service_id.in_(service_ids)
    rows = tx.execute(sa.select(changes.c.key_id, changes.c.note_key_id).where(theirs)).all()
    tx.execute(changes.delete().where(theirs))
    return [key_id for row in rows for key_id in row if key_id is not None]


def waiting(tx: Connection, service_id: str) -> Change | None:
    """The change of this record's address that waits for a second person."""
    row = tx.execute(sa.select(changes).where(changes.c.service_id == service_id, _waits)).one_or_none()
    return None if row is None else _change(row)


def waiting_ids(tx: Connection, *, limit: int) -> list[str]:
    """The records with such a change, the one that waited longest first."""
    query = sa.select(changes.c.service_id).where(_waits).order_by(changes.c.proposed_at, changes.c.id).limit(limit)
    return list(tx.execute(query).scalars())


def changes_of(tx: Connection, keys: Keys, service_id: str, *, with_notes: bool) -> list[Change]:
    """What was done to this record's address, the last first. `with_notes`: with what was said on the phone."""
    query = sa.select(changes).where(changes.c.service_id == service_id)
    rows = tx.execute(query.order_by(changes.c.proposed_at.desc(), changes.c.id).limit(MOST_SHOWN)).all()
    return [_change(row, _note(tx, keys, row) if with_notes else "") for row in rows]


def _waiting_row(tx: Connection, service_id: str, change_id: str) -> sa.Row[Any]:
    query = sa.select(changes).where(changes.c.id == change_id, changes.c.service_id == service_id, _waits)
    row = tx.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise NotAllowedNow("this change waits no more")
    return row


def _end(
    tx: Connection, keys: Keys, audit: Audit, row: sa.Row[Any], outcome: Outcome, *, by: str, at: datetime, **note: Any
) -> None:
    gone = dict.fromkeys(("key_id", "address_sealed", "latitude_sealed", "longitude_sealed"))
    ended = {"outcome": outcome.value, "ended_by": by, "ended_at": at, **gone, **note}
    tx.execute(changes.update().where(changes.c.id == row.id).values(**ended))
    if row.key_id is not None:
        keys.destroy(tx, row.key_id, at)
    facts = {"change": row.id, "what": row.what}
    audit(tx, at=at, actor=by, act=f"safe_place.{outcome}", object=f"service:{row.service_id}", facts=facts)


def _note(tx: Connection, keys: Keys, row: sa.Row[Any]) -> str:
    if row.note_sealed is None:
        return ""
    return keys.key(tx, row.note_key_id).open(row.note_sealed, table=TABLE, row=row.id, field="note")


def _change(row: sa.Row[Any], note: str = "") -> Change:
    outcome = None if row.outcome is None else Outcome(row.outcome)
    proposed, ended = (row.proposed_by, row.proposed_at), (row.ended_by, row.ended_at)
    return Change(row.id, What(row.what), row.why, *proposed, outcome, *ended, note)


# --- what the record must not say ---------------------------------------------------------------------------------


def _is_told(service: Service, place: SafePlace) -> bool:
    """Whether the record says a street with its number, or a point, that belongs to the address."""
    found: list[bool] = []
    said = " ".join(_plain(text) for text in _texts(to_builtins(service)))

    def compare(address: str, latitude: float | None, longitude: float | None) -> None:
        lines = [_plain(part) for part in re.split(r"[,;،؛\n]", address)]
        named = [line for line in lines if any(map(str.isdigit, line)) and any(map(str.isalpha, line))]
        found.append(any(f" {line} " in f" {said} " for line in named))

    place.tell(compare)
    return any(found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _texts(part)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", plain_figures(text).casefold()))
