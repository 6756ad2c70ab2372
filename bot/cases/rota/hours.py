"""How long somebody was on duty, and how much of it at night, by the clocks of the place they work by."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.cases.rota.model import DAY, Duty, moment_of

#: The night of a shift: from one hour to the other on the next day.
NIGHT_BEGINS, NIGHT_ENDS = time(22), time(6)


def within(duty: Duty, start: datetime, end: datetime) -> timedelta:
    """How much of a duty lies between two moments."""
    return max(min(duty.end, end) - max(duty.start, start), timedelta(0))


def at_night(duty: Duty, zone: ZoneInfo, start: datetime, end: datetime) -> timedelta:
    """How much of a duty, between two moments, lies in a night of `zone`. A night in which the clocks change is as long
    as it was."""
    found = timedelta(0)
    day, last = duty.start.astimezone(zone).date() - DAY, duty.end.astimezone(zone).date()
    while day <= last:
        begins, ends = moment_of(day, NIGHT_BEGINS, zone), moment_of(day + DAY, NIGHT_ENDS, zone)
        found += within(duty, max(start, begins), min(end, ends))
        day += DAY
    return found
