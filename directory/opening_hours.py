"""When a door is open: split shifts, nights, single days that differ, in the zone of the place itself.

Hours are wall-clock times of the place, because that is what stands on its door: when the clocks change, the door
still opens at nine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from directory.words import because

DAY = 24 * 60


class Shift(Struct, frozen=True, order=True):
    """Open from one time to another, in minutes after midnight. `closes` not after `opens` means the next day.

    0 to 0 is the whole day. `weekday` is 0 for Monday.
    """

    weekday: int
    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not (0 <= self.weekday < 7 and 0 <= self.opens < DAY and 0 <= self.closes < DAY):
            raise ValueError(
                because("a shift is on a weekday 0 to 6, from one minute of the day to another, 0 to 1439")
            )

    @property
    def whole_day(self) -> bool:
        return self.opens == self.closes == 0


class SpecialDay(Struct, frozen=True):
    """A day that differs. No shifts: closed."""

    day: date
    shifts: tuple[tuple[int, int], ...] = ()
    note: str = ""


class Season(Struct, frozen=True):
    """A week that counts between two days, both included, in place of the ordinary one. None: since ever, for ever."""

    first: date | None
    last: date | None
    shifts: tuple[Shift, ...]

    def __post_init__(self) -> None:
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError(because("a season ends before it begins"))

    def has(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class OpeningHours(Struct, frozen=True):
    """The week of a service, the weeks of its seasons, and the days that are not like the others."""

    zone: str
    shifts: tuple[Shift, ...]
    special_days: tuple[SpecialDay, ...] = ()
    seasons: tuple[Season, ...] = ()

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(because("unknown time zone '{zone}'", zone=self.zone)) from error

    @property
    def always(self) -> bool:
        """Open day and night, every day of the week."""
        return {shift.weekday for shift in self.shifts if shift.whole_day} == set(range(7)) and not (
            self.special_days or self.seasons
        )

    def known_on(self, day: date) -> bool:
        """Whether anybody has said how it is on a day: where there are seasons only, nobody has between them."""
        return (
            bool(self.shifts)
            or not self.seasons
            or any(season.has(day) for season in self.seasons)
            or any(special.day == day for special in self.special_days)
        )

    def local_day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()

    def on(self, day: date) -> list[tuple[int, int]]:
        """The shifts that begin on a day, earliest first."""
        for special in self.special_days:
            if special.day == day:
                return sorted(special.shifts)
        seasons = [season for season in self.seasons if season.has(day)]
        if seasons:
            return sorted({span for season in seasons for span in _on_weekday(season.shifts, day.weekday())})
        return self.on_weekday(day.weekday())

    def on_weekday(self, weekday: int) -> list[tuple[int, int]]:
        """The shifts that begin on a weekday (0 is Monday) of a week like others, earliest first."""
        return _on_weekday(self.shifts, weekday)

    def open_at(self, at: datetime) -> bool:
        """Whether the door is open at that moment. Yesterday's night shift counts."""
        today = self.local_day(at)
        return any(
            begin <= at < end for day in (today - timedelta(days=1), today) for begin, end in self._intervals(day)
        )

    def next_opening(self, at: datetime, *, within_days: int = 14) -> datetime | None:
        """When the door opens next after `at`, in its own zone. None if not in sight."""
        today = self.local_day(at)
        for step in range(within_days + 1):
            for begin, _end in self._intervals(today + timedelta(days=step)):
                if begin > at:
                    return begin.astimezone(ZoneInfo(self.zone))
        return None

    def _intervals(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        for opens, closes in self.on(day):
            last_day = day if closes > opens else day + timedelta(days=1)
            yield self._moment(day, opens), self._moment(last_day, closes)

    def _moment(self, day: date, minute: int) -> datetime:
        local = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(self.zone))
        return local.astimezone(UTC)  # a time the clocks skip becomes the same distance after the gap


def _on_weekday(shifts: Iterable[Shift], weekday: int) -> list[tuple[int, int]]:
    return sorted((shift.opens, shift.closes) for shift in shifts if shift.weekday == weekday)


def overlaps(hours: OpeningHours) -> list[str]:
    """Days on which it would open before it has closed, in sentences."""
    days = [(DAYS[weekday], hours.on_weekday(weekday)) for weekday in range(7)]
    days += [(DAYS[day], _on_weekday(season.shifts, day)) for season in hours.seasons for day in range(7)]
    days += [(str(special.day), sorted(special.shifts)) for special in hours.special_days]
    return [
        because("the hours of {day} overlap", day=day)
        for day, spans in days
        if any(begins < (closes if closes > opens else DAY) for (opens, closes), (begins, _) in pairwise(spans))
    ]


def week(zone: str, plan: str, special_days: tuple[SpecialDay, ...] = ()) -> OpeningHours:
    """Hours from a line such as `mo-fr 09:00-12:30 14:00-18:00; sa 09:00-12:00`; `24/7` is always."""
    if plan.strip() == "24/7":
        return OpeningHours(zone, ROUND_THE_CLOCK, special_days)
    shifts: list[Shift] = []
    for part in filter(None, (part.strip() for part in plan.split(";"))):
        days, *spans = part.split()
        if not spans:
            raise ValueError(because("no times in '{part}'", part=part))
        for weekday in _weekdays(days):
            shifts += [Shift(weekday, *_span(span)) for span in spans]
    return OpeningHours(zone, tuple(sorted(shifts)), special_days)


def said_week(shifts: Sequence[Shift]) -> str:
    """The week as `week` reads it: `mo-fr 09:00-12:30 14:00-18:00; sa 09:00-12:00`."""
    runs: list[tuple[int, int, str]] = []  # the first day, the last, and their times
    for day in range(7):
        spans = " ".join(f"{clock_of(opens)}-{clock_of(closes)}" for opens, closes in _on_weekday(shifts, day))
        if runs and runs[-1][1:] == (day - 1, spans):
            runs[-1] = (runs[-1][0], day, spans)
        elif spans:
            runs.append((day, day, spans))
    return "; ".join(f"{DAYS[a]}-{DAYS[z]} {spans}" if a != z else f"{DAYS[a]} {spans}" for a, z, spans in runs)


DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")


def _weekdays(words: str) -> list[int]:
    found: list[int] = []
    for word in words.casefold().split(","):
        first, _, last = word.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise ValueError(because("unknown day in '{words}': use mo tu we th fr sa su", words=words))
        start, end = DAYS.index(first), DAYS.index(last or first)
        found += [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]
    return found


def _span(span: str) -> tuple[int, int]:
    opens, dash, closes = span.partition("-")
    if not dash:
        raise ValueError(because("no end in '{span}'", span=span))
    return minute_of(opens), minute_of(closes)


def minute_of(clock: str) -> int:
    """`09:30` as minutes after midnight; `24:00` is the midnight that ends the day."""
    hour, _, minute = clock.partition(":")
    if not (hour.isascii() and hour.isdigit() and len(minute) == 2 and minute.isascii() and minute.isdigit()):
        raise ValueError(because("'{clock}' is not a time like 09:30", clock=clock))
    value = int(hour) * 60 + int(minute)
    if int(minute) > 59 or value > DAY:
        raise ValueError(because("'{clock}' is not a time like 09:30", clock=clock))
    return value % DAY


def clock_of(minute: int) -> str:
    """Minutes after midnight as `09:30`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


ROUND_THE_CLOCK = tuple(Shift(weekday, 0, 0) for weekday in range(7))
