"""The only SQL about the rota."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.rota.model import Absence, Change, Part, Shift
from bot.kernel.database import Moment, insert_or_nothing, metadata

shifts = sa.Table(
    "rota_shifts",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("officer_id", sa.String(36), nullable=False, index=True),
    sa.Column("zone", sa.String(64), nullable=False),
    sa.Column("days", sa.String(7), nullable=False),  # "12345"
    sa.Column("parts", sa.Text, nullable=False),  # [["22:00", "06:00"]]
    sa.Column("first", sa.String(10), nullable=False),
    sa.Column("last", sa.String(10), nullable=True),
    sa.Column("on_call", sa.Boolean, nullable=False),
    sa.Column("made_by", sa.String(36), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
)
changes = sa.Table(
    "rota_changes",
    metadata,
    sa.Column("shift_id", sa.String(36), sa.ForeignKey("rota_shifts.id"), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("officer_id", sa.String(36), nullable=True),  # null: nobody works it
    sa.Column("made_by", sa.String(36), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
)
swaps = sa.Table(
    "rota_swaps",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("shift_id", sa.String(36), sa.ForeignKey("rota_shifts.id"), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("from_officer", sa.String(36), nullable=False),
    sa.Column("to_officer", sa.String(36), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("answered_at", Moment, nullable=True),
)
_asked = swaps.c.state == "asked"
sa.Index(
    "uq_rota_swaps_asked", swaps.c.shift_id, swaps.c.day, unique=True, sqlite_where=_asked, postgresql_where=_asked
)
absences = sa.Table(
    "rota_absences",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("officer_id", sa.String(36), nullable=False, index=True),
    sa.Column("starts_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("made_by", sa.String(36), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
)
#: What one shift tells the next. Each has a key of its own, which is destroyed when the note is old.
shift_notes = sa.Table(
    "shift_notes",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("key_id", sa.String(36), nullable=False),
    sa.Column("text_sealed", sa.LargeBinary, nullable=True),
    sa.Column("once", sa.String(36), nullable=True, unique=True),
)


def add_shift(tx: Connection, shift: Shift, *, by: str, at: datetime) -> None:
    tx.execute(
        shifts.insert().values(
            id=shift.id,
            officer_id=shift.officer_id,
            zone=shift.zone,
            days="".join(str(day) for day in sorted(shift.days)),
            parts=json.dumps([[f"{part.start:%H:%M}", f"{part.end:%H:%M}"] for part in shift.parts]),
            first=shift.first.isoformat(),
            last=None if shift.last is None else shift.last.isoformat(),
            on_call=shift.on_call,
            made_by=by,
            made_at=at,
        )
    )


def all_shifts(tx: Connection, *, since: date) -> list[Shift]:
    """Shifts that have not ended before `since`."""
    running = sa.or_(shifts.c.last.is_(None), shifts.c.last >= since.isoformat())
    query = sa.select(shifts).where(running).order_by(shifts.c.made_at, shifts.c.id)
    return [_to_shift(row) for row in tx.execute(query)]


def get_shift(tx: Connection, shift_id: str) -> Shift | None:
    row = tx.execute(sa.select(shifts).where(shifts.c.id == shift_id).with_for_update()).one_or_none()
    return None if row is None else _to_shift(row)


def set_last(tx: Connection, shift_id: str, last: date) -> None:
    tx.execute(shifts.update().where(shifts.c.id == shift_id).values(last=last.isoformat()))


def _to_shift(row: Row[Any]) -> Shift:
    parts = tuple(Part(time.fromisoformat(start), time.fromisoformat(end)) for start, end in json.loads(row.parts))
    return Shift(
        id=row.id,
        officer_id=row.officer_id,
        zone=row.zone,
        days=frozenset(int(day) for day in row.days),
        parts=parts,
        first=date.fromisoformat(row.first),
        last=None if row.last is None else date.fromisoformat(row.last),
        on_call=row.on_call,
    )


def put_change(tx: Connection, change: Change, *, by: str, at: datetime) -> None:
    values = {"officer_id": change.officer_id, "made_by": by, "made_at": at}
    key = {"shift_id": change.shift_id, "day": change.day.isoformat()}
    if not insert_or_nothing(tx, changes, values | key):
        same = sa.and_(changes.c.shift_id == key["shift_id"], changes.c.day == key["day"])
        tx.execute(changes.update().where(same).values(**values))


def all_changes(tx: Connection, *, since: date) -> list[Change]:
    query = sa.select(changes).where(changes.c.day >= since.isoformat())
    return [Change(row.shift_id, date.fromisoformat(row.day), row.officer_id) for row in tx.execute(query)]


def add_swap(tx: Connection, values: Mapping[str, Any]) -> bool:
    """False when this duty is asked for already."""
    return insert_or_nothing(tx, swaps, values)


def asked_swaps(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(sa.select(swaps).where(_asked).order_by(swaps.c.day, swaps.c.at)))


def get_swap(tx: Connection, swap_id: str) -> Row[Any] | None:
    return tx.execute(sa.select(swaps).where(swaps.c.id == swap_id).with_for_update()).one_or_none()


def end_swap(tx: Connection, swap_id: str, state: str, *, at: datetime) -> bool:
    open_one = sa.and_(swaps.c.id == swap_id, _asked)
    return tx.execute(swaps.update().where(open_one).values(state=state, answered_at=at)).rowcount == 1


def add_absence(tx: Connection, absence_id: str, absence: Absence, *, by: str, at: datetime) -> None:
    tx.execute(
        absences.insert().values(
            id=absence_id,
            officer_id=absence.officer_id,
            starts_at=absence.start,
            ends_at=absence.end,
            made_by=by,
            made_at=at,
        )
    )


def absences_after(tx: Connection, since: datetime) -> list[tuple[str, Absence]]:
    query = sa.select(absences).where(absences.c.ends_at > since).order_by(absences.c.starts_at)
    return [(row.id, Absence(row.officer_id, row.starts_at, row.ends_at)) for row in tx.execute(query)]


def end_absence(tx: Connection, absence_id: str, at: datetime) -> bool:
    running = sa.and_(absences.c.id == absence_id, absences.c.ends_at > at)
    return tx.execute(absences.update().where(running).values(ends_at=at)).rowcount == 1


def add_note(tx: Connection, values: Mapping[str, Any]) -> bool:
    """False when this very form was sent before."""
    return insert_or_nothing(tx, shift_notes, values)


def notes_since(tx: Connection, since: datetime) -> list[Row[Any]]:
    query = sa.select(shift_notes).where(shift_notes.c.at >= since, shift_notes.c.text_sealed.is_not(None))
    return list(tx.execute(query.order_by(shift_notes.c.at.desc(), shift_notes.c.id.desc()).limit(50)))


def forget_notes(tx: Connection, before: datetime) -> list[str]:
    """Take out the words of old notes. Returns their keys."""
    old = sa.and_(shift_notes.c.at < before, shift_notes.c.text_sealed.is_not(None))
    key_ids = list(tx.execute(sa.select(shift_notes.c.key_id).where(old)).scalars())
    tx.execute(shift_notes.update().where(old).values(text_sealed=None))
    return key_ids
