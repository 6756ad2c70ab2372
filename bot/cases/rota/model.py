"""Shifts as values, and what they are in time: split, by night, across midnight, and when clocks change.

A shift is written as people say it: these weekdays, from this hour to that one, by the clocks of a zone. What it is in
UTC is worked out for each day. One rule turns an hour on the wall into a moment, for ends and beginnings alike, so two
shifts that meet on the wall meet in time: in the night an hour is skipped nobody is missing, and in the night an hour
comes twice nobody is there twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from msgspec.structs import replace

#: The longest that one part of a shift can be: from an hour to the same hour of the next day.
DAY = timedelta(days=1)
MOST_PARTS = 4


class WrongShift(ValueError):
    """This is no shift. `args[0]` is a code: `zone`, `days`, `parts` or `dates`."""


class Part(Struct, frozen=True):
    """From one hour to another; one that ends no later than it begins ends on the next day."""

    start: time
    end: time

    @property
    def overnight(self) -> bool:
        return self.end <= self.start


class Shift(Struct, frozen=True):
    """The hours an officer is on duty, week after week."""

    id: str
    officer_id: str
    zone: str  # IANA
    days: frozenset[int]  # ISO weekdays on which it begins: Monday is 1
    parts: tuple[Part, ...]
    first: date
    last: date | None = None
    on_call: bool = False  # not at the desk: paged when those who are do not answer

    def begins_on(self, day: date) -> bool:
        within = self.first <= day and (self.last is None or day <= self.last)
        return within and day.isoweekday() in self.days


class Change(Struct, frozen=True):
    """One day of a shift that is worked by somebody else, or by nobody: a holiday."""

    shift_id: str
    day: date
    officer_id: str | None


class Absence(Struct, frozen=True):
    """An officer who is away, whatever their shifts say."""

    officer_id: str
    start: datetime
    end: datetime


class Duty(Struct, frozen=True):
    """An officer on duty from one moment to another, in UTC."""

    officer_id: str
    start: datetime
    end: datetime
    shift_id: str
    day: date  # on which this part's shift begins, by its own clocks
    on_call: bool

    def covers(self, at: datetime) -> bool:
        return self.start <= at < self.end


def checked(shift: Shift) -> Shift:
    """The shift, if it is one. Raises WrongShift."""
    zone_of(shift.zone)
    if not shift.days or not shift.days <= set(range(1, 8)):
        raise WrongShift("days")
    if not 1 <= len(shift.parts) <= MOST_PARTS or _overlap(shift.parts):
        raise WrongShift("parts")
    if shift.last is not None and shift.last < shift.first:
        raise WrongShift("dates")
    return shift


def _overlap(parts: Sequence[Part]) -> bool:
    """Whether one begins before another ends. Only the last part may go past midnight."""
    ordered = sorted(parts, key=lambda part: part.start)
    if any(part.overnight for part in ordered[:-1]):
        return True
    return any(later.start < earlier.end for earlier, later in pairwise(ordered))


def zone_of(name: str) -> ZoneInfo:
    """Raises WrongShift for a zone nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongShift("zone") from None


def moment_of(day: date, hour: time, zone: ZoneInfo) -> datetime:
    """When clocks in `zone` show this: the first time if they show it twice, the jump itself if they skip it."""
    naive = datetime.combine(day, hour)
    early = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == naive:
        return early
    return _jump(naive.replace(tzinfo=zone, fold=1).astimezone(UTC), early, zone)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the clocks went forward, between two moments around it."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def duties(
    shifts: Iterable[Shift],
    changes: Iterable[Change],
    absences: Iterable[Absence],
    start: datetime,
    end: datetime,
) -> list[Duty]:
    """Who is on duty at any moment between `start` and `end`, with swaps, holidays and absences; in order."""
    changed = {(change.shift_id, change.day): change.officer_id for change in changes}
    away: dict[str, list[Absence]] = {}
    for absence in absences:
        away.setdefault(absence.officer_id, []).append(absence)
    found = [
        piece
        for shift in shifts
        for duty in _duties_of(shift, changed, start, end)
        for piece in _present(duty, away.get(duty.officer_id, ()))
        if piece.start < end and start < piece.end
    ]
    return sorted(found, key=lambda duty: (duty.start, duty.on_call, duty.officer_id, duty.shift_id))


def _duties_of(
    shift: Shift, changed: Mapping[tuple[str, date], str | None], start: datetime, end: datetime
) -> Iterator[Duty]:
    zone = zone_of(shift.zone)
    day, last = (start.astimezone(zone) - 2 * DAY).date(), (end.astimezone(zone) + DAY).date()
    while day <= last:
        officer_id = changed.get((shift.id, day), shift.officer_id)
        if shift.begins_on(day) and officer_id is not None:
            for part in shift.parts:
                ends_on = day + DAY if part.overnight else day
                begins, ends = moment_of(day, part.start, zone), moment_of(ends_on, part.end, zone)
                if begins < ends:  # a part may lie wholly in the hour that is skipped
                    yield Duty(officer_id, begins, ends, shift.id, day, shift.on_call)
        day += DAY


def _present(duty: Duty, absences: Iterable[Absence]) -> list[Duty]:
    """What is left of a duty when the officer is away for some of it."""
    pieces = [duty]
    for absence in absences:
        left = []
        for piece in pieces:
            if absence.end <= piece.start or piece.end <= absence.start:
                left.append(piece)
                continue
            if piece.start < absence.start:
                left.append(replace(piece, end=absence.start))
            if absence.end < piece.end:
                left.append(replace(piece, start=absence.end))
        pieces = left
    return pieces


def uncovered(present: Iterable[Duty], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The stretches between `start` and `end` in which nobody is at the desk. Who is on call does not count."""
    gaps, reached = [], start
    for duty in sorted((each for each in present if not each.on_call), key=lambda each: each.start):
        if duty.start >= end:
            break
        if duty.start > reached:
            gaps.append((reached, duty.start))
        reached = max(reached, duty.end)
    if reached < end:
        gaps.append((reached, end))
    return gaps
