"""The rota in use: who is on duty now, what is planned, and who notices beforehand that nobody will be there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.cases.model import CaseError
from bot.cases.rota import store
from bot.cases.rota.model import Absence, Change, Duty, Shift, checked, duties, uncovered, zone_of
from bot.kernel import access, audit, officers
from bot.kernel.access import Permission
from bot.kernel.crypto import Erased, Vault
from bot.kernel.ids import new_id

#: Nobody on duty is noticed so long before it happens.
LOOK_AHEAD = timedelta(hours=12)
#: Shift notes are for the next days; after this they are forgotten for good.
NOTES_SHOWN = timedelta(days=3)
NOTES_KEPT = timedelta(days=30)
LONGEST_NOTE = 4000
LONGEST_ABSENCE = timedelta(days=400)


class NotYourDuty(CaseError):
    """This duty is not theirs to give or take, or it was settled before. Look at the rota again."""


class OnDuty(Struct, frozen=True):
    """Who is there at a moment. Without any shift there is no rota, and everyone counts as there."""

    kept: bool
    at_desk: frozenset[str] = frozenset()
    on_call: frozenset[str] = frozenset()


class ShiftNote(Struct, frozen=True):
    """What one shift tells the next."""

    id: str
    officer_id: str
    at: datetime
    text: str


class Swap(Struct, frozen=True):
    """A duty that somebody asks a colleague to take."""

    id: str
    shift_id: str
    day: date
    from_officer: str
    to_officer: str


def planned(tx: Connection, start: datetime, end: datetime) -> list[Duty]:
    """The duties between two moments of officers who still have an account."""
    since = (start - timedelta(days=3)).date()
    present = {officer.id for officer in officers.list_officers(tx, active_only=True)}
    away = [absence for _, absence in store.absences_after(tx, start)]
    found = duties(store.all_shifts(tx, since=since), store.all_changes(tx, since=since), away, start, end)
    return [duty for duty in found if duty.officer_id in present]


def on_duty(tx: Connection, at: datetime) -> OnDuty:
    """Who is there now. A rota that is being kept and has nobody on duty says so: it is not the same as none."""
    if not store.all_shifts(tx, since=(at - timedelta(days=2)).date()):
        return OnDuty(kept=False)
    now = [duty for duty in planned(tx, at, at + timedelta(microseconds=1)) if duty.covers(at)]
    return OnDuty(
        kept=True,
        at_desk=frozenset(duty.officer_id for duty in now if not duty.on_call),
        on_call=frozenset(duty.officer_id for duty in now if duty.on_call),
    )


def there_until(tx: Connection, at: datetime) -> dict[str, datetime] | None:
    """Who is at the desk now, and until when. None where no rota is kept."""
    if not store.all_shifts(tx, since=(at - timedelta(days=2)).date()):
        return None
    now = planned(tx, at, at + timedelta(microseconds=1))
    return {duty.officer_id: duty.end for duty in now if duty.covers(at) and not duty.on_call}


def away(tx: Connection, at: datetime) -> frozenset[str]:
    """Who said that they are not there at this moment."""
    return frozenset(absence.officer_id for _, absence in store.absences_after(tx, at) if absence.start <= at)


def next_gap(tx: Connection, at: datetime, *, ahead: timedelta = LOOK_AHEAD) -> tuple[datetime, datetime] | None:
    """The next stretch in which nobody is at the desk, if it begins within `ahead`. None where no rota is kept."""
    if not store.all_shifts(tx, since=(at - timedelta(days=2)).date()):
        return None
    gaps = uncovered(planned(tx, at, at + ahead), at, at + ahead)
    return gaps[0] if gaps else None


# Planning ---------------------------------------------------------------------------------------------------------


def add_shift(tx: Connection, hand: Hand, shift: Shift) -> Shift:
    """Put a shift into the rota. Raises WrongShift, NotYourDuty."""
    _require(hand, Permission.ROTA_EDIT)
    made = checked(replace(shift, id=new_id()))
    officer = officers.get_officer(tx, made.officer_id)
    if officer is None or not officer.active:
        raise NotYourDuty(made.officer_id)
    store.add_shift(tx, made, by=hand.officer.id, at=hand.at)
    _audit(tx, hand, "rota.add", f"shift:{made.id}")
    return made


def end_shift(tx: Connection, hand: Hand, shift_id: str, *, last: date) -> None:
    """Let a shift end with a day. What was worked stays in the rota."""
    _require(hand, Permission.ROTA_EDIT)
    if store.get_shift(tx, shift_id) is None:
        raise NotYourDuty(shift_id)
    store.set_last(tx, shift_id, last)
    _audit(tx, hand, "rota.end", f"shift:{shift_id}")


def leave_out(tx: Connection, hand: Hand, shift_id: str, day: date) -> None:
    """Nobody works this day of a shift: a holiday."""
    _require(hand, Permission.ROTA_EDIT)
    _owner_on(tx, shift_id, day)
    store.put_change(tx, Change(shift_id, day, None), by=hand.officer.id, at=hand.at)
    _audit(tx, hand, "rota.leave_out", f"shift:{shift_id}")


def be_away(tx: Connection, hand: Hand, officer_id: str, start: datetime, end: datetime) -> str:
    """Say that an officer is away: they themselves, or whoever plans. Raises NotYourDuty."""
    if officer_id != hand.officer.id:
        _require(hand, Permission.ROTA_EDIT)
    if not start < end <= start + LONGEST_ABSENCE or officers.get_officer(tx, officer_id) is None:
        raise NotYourDuty(officer_id)
    absence_id = new_id()
    store.add_absence(tx, absence_id, Absence(officer_id, start, end), by=hand.officer.id, at=hand.at)
    _audit(tx, hand, "rota.away", f"officer:{officer_id}")
    return absence_id


def come_back(tx: Connection, hand: Hand, absence_id: str) -> None:
    """End an absence now."""
    whose = {each: absence.officer_id for each, absence in store.absences_after(tx, hand.at)}
    if whose.get(absence_id) != hand.officer.id:
        _require(hand, Permission.ROTA_EDIT)
    if absence_id not in whose or not store.end_absence(tx, absence_id, hand.at):
        raise NotYourDuty(absence_id)
    _audit(tx, hand, "rota.back", f"officer:{whose[absence_id]}")


# Swapping ---------------------------------------------------------------------------------------------------------


def ask_swap(tx: Connection, hand: Hand, shift_id: str, day: date, *, to: str) -> str:
    """Ask a colleague to take one of one's own duties. Until they say yes it stays one's own."""
    _require(hand, Permission.DUTY_SWAP)
    colleague = officers.get_officer(tx, to)
    if _owner_on(tx, shift_id, day) != hand.officer.id or to == hand.officer.id:
        raise NotYourDuty(shift_id)
    if colleague is None or not access.allows(colleague, Permission.DUTY_SWAP):
        raise NotYourDuty(to)
    swap_id = new_id()
    values = {
        "id": swap_id,
        "shift_id": shift_id,
        "day": day.isoformat(),
        "from_officer": hand.officer.id,
        "to_officer": to,
        "state": "asked",
        "at": hand.at,
    }
    if not store.add_swap(tx, values):
        raise NotYourDuty(shift_id)
    _audit(tx, hand, "rota.swap_asked", f"shift:{shift_id}")
    return swap_id


def answer_swap(tx: Connection, hand: Hand, swap_id: str, *, yes: bool) -> None:
    """Take a colleague's duty, or not. Whoever asked may take it back by answering no."""
    row = store.get_swap(tx, swap_id)
    if row is None or hand.officer.id not in ({row.to_officer} if yes else {row.to_officer, row.from_officer}):
        raise NotYourDuty(swap_id)
    day = date.fromisoformat(row.day)
    still_theirs = _owner_on(tx, row.shift_id, day) == row.from_officer
    if not store.end_swap(tx, swap_id, "accepted" if yes else "declined", at=hand.at) or (yes and not still_theirs):
        raise NotYourDuty(swap_id)
    if yes:
        store.put_change(tx, Change(row.shift_id, day, row.to_officer), by=hand.officer.id, at=hand.at)
    _audit(tx, hand, "rota.swapped" if yes else "rota.swap_declined", f"shift:{row.shift_id}")


def swaps_of(tx: Connection, officer_id: str) -> list[Swap]:
    """The swaps that wait for an answer from or to this officer."""
    return [
        Swap(row.id, row.shift_id, date.fromisoformat(row.day), row.from_officer, row.to_officer)
        for row in store.asked_swaps(tx)
        if officer_id in {row.from_officer, row.to_officer}
    ]


def _owner_on(tx: Connection, shift_id: str, day: date) -> str | None:
    """Who works this day of a shift. Raises NotYourDuty where the shift has no such day."""
    shift = store.get_shift(tx, shift_id)
    if shift is None or not shift.begins_on(day):
        raise NotYourDuty(shift_id)
    changed = {(change.shift_id, change.day): change.officer_id for change in store.all_changes(tx, since=day)}
    return changed.get((shift_id, day), shift.officer_id)


# From one shift to the next ---------------------------------------------------------------------------------------


def write_note(tx: Connection, hand: Hand, text: str, *, once: str) -> bool:
    """Tell the next shift something. False when this very form was sent before, or there is nothing in it."""
    _require(hand, Permission.DUTY_NOTE)
    text = text.strip()
    if not text or len(text) > LONGEST_NOTE:
        return False
    key, note_id = hand.vault.new_key(tx, hand.at), new_id()
    values = {
        "id": note_id,
        "officer_id": hand.officer.id,
        "at": hand.at,
        "key_id": key.id,
        "text_sealed": key.seal(text, table="shift_notes", row=note_id, field="text"),
        "once": once or None,
    }
    if not store.add_note(tx, values):
        return False
    _audit(tx, hand, "duty.note", f"shift_note:{note_id}")
    return True


def read_notes(tx: Connection, vault: Vault, at: datetime) -> list[ShiftNote]:
    """What the last shifts wrote, the newest first."""
    notes = []
    for row in store.notes_since(tx, at - NOTES_SHOWN):
        try:
            text = vault.key(tx, row.key_id).open(row.text_sealed, table="shift_notes", row=row.id, field="text")
        except Erased:
            continue
        notes.append(ShiftNote(row.id, row.officer_id, row.at, text))
    return notes


def forget_old_notes(tx: Connection, vault: Vault, at: datetime) -> int:
    """Destroy notes nobody needs any more. Returns how many. Run daily."""
    key_ids = store.forget_notes(tx, at - NOTES_KEPT)
    for key_id in key_ids:
        vault.destroy(tx, key_id, at)
    return len(key_ids)


def zones(shifts: Iterable[Shift]) -> list[str]:
    """The zones a rota is written in, without repeating one."""
    return list(dict.fromkeys(shift.zone for shift in shifts if zone_of(shift.zone)))


def _require(hand: Hand, permission: Permission) -> None:
    if not access.allows(hand.officer, permission):
        raise NotYourDuty(permission.value)


def _audit(tx: Connection, hand: Hand, act: str, what: str) -> None:
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act=act, object=what)
