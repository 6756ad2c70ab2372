"""When and how it is safe to write to a person, as they said it.

The words of an officer wait for that time; a person writes them, and they must not light up a phone that somebody else
looks at. What the program says about danger does not wait.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global
from msgspec import Struct

DAY = 24 * 60
#: A clock is rounded to the nearest of these: every zone in use is a multiple of it away from UTC.
ZONE_STEP = 15
LONGEST_WAY = 300


class SafeContact(Struct, frozen=True):
    """What a person said. Minutes are counted from midnight, by the clock where they are."""

    from_minute: int | None = None
    until_minute: int | None = None  # before `from_minute`: the next day
    zone: str = ""  # of the IANA, or minutes east of UTC with their sign; "" not known
    way: str = ""  # their own words: only here, or another phone

    @property
    def has_hours(self) -> bool:
        return self.from_minute is not None and self.until_minute is not None

    @property
    def says_something(self) -> bool:
        return self.has_hours or bool(self.way)

    def local(self, at: datetime) -> datetime | None:
        """The person's own time. None where it is not known."""
        zone = zone_of(self.zone)
        return None if zone is None else at.astimezone(zone)

    def is_safe(self, at: datetime) -> bool:
        """Whether they may be written to. Hours by a clock that nobody knows are never now."""
        if self.from_minute is None or self.until_minute is None:
            return True
        local = self.local(at)
        if local is None:
            return False
        minute = local.hour * 60 + local.minute
        if self.from_minute <= self.until_minute:
            return self.from_minute <= minute < self.until_minute
        return minute >= self.from_minute or minute < self.until_minute

    def next_safe(self, at: datetime) -> datetime | None:
        """When it will be safe: `at` itself if it is, None where their clock is not known."""
        if self.is_safe(at):
            return at
        local = self.local(at)
        if local is None or self.from_minute is None:
            return None
        opening = time(self.from_minute // 60, self.from_minute % 60)
        days = (local.date() + timedelta(days=later) for later in range(3))
        openings = (datetime.combine(day, opening, local.tzinfo).astimezone(UTC) for day in days)
        return next(moment for moment in openings if moment > at)


def zone_of(name: str) -> tzinfo | None:
    """The zone that is kept under this name."""
    if name[:1] in {"+", "-"}:
        return timezone(timedelta(minutes=int(name)))
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def zone_by_country(country: str | None, at: datetime) -> str:
    """The zone of a country whose clocks all show the same now, or ""."""
    names = [name for name in get_global("territory_zones").get(country or "", []) if zone_of(name)]
    offsets = {at.astimezone(zone_of(name)).utcoffset() for name in names}
    return names[0] if len(offsets) == 1 else ""


def zone_by_clock(minute: int, at: datetime) -> str:
    """The zone of whoever sees this minute of the day on their clock now."""
    now = at.astimezone(UTC)
    apart = (minute - now.hour * 60 - now.minute + DAY // 2) % DAY - DAY // 2
    apart = round(apart / ZONE_STEP) * ZONE_STEP
    return f"{apart:+d}"
