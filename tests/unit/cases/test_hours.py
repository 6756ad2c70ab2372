"""Hours on duty and at night, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.cases.rota.hours import at_night, within
from bot.cases.rota.model import Duty

ROME = ZoneInfo("Europe/Rome")
LONG_AGO, LONG_AFTER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def duty(start: str, end: str) -> Duty:
    """By the clocks of Rome."""
    begins, ends = (datetime.fromisoformat(each).replace(tzinfo=ROME).astimezone(UTC) for each in (start, end))
    return Duty("amira", begins, ends, "s", date(2026, 1, 1), on_call=False)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-23T08:00", "2026-11-23T16:00", 0),
        ("2026-11-23T20:00", "2026-11-24T08:00", 8),
        ("2026-11-23T05:00", "2026-11-23T23:00", 2),
        ("2026-11-23T23:00", "2026-11-24T02:00", 3),
        ("2026-03-28T22:00", "2026-03-29T06:00", 7),  # the clocks go forward
        ("2026-10-24T22:00", "2026-10-25T06:00", 9),  # and back
    ],
)
def test_the_night_is_from_ten_to_six_by_the_clocks_of_the_place(start, end, hours):
    assert at_night(duty(start, end), ROME, LONG_AGO, LONG_AFTER) == timedelta(hours=hours)


def test_only_what_lies_in_the_days_that_are_looked_at_counts():
    night = duty("2026-11-23T20:00", "2026-11-24T08:00")
    from_midnight = datetime(2026, 11, 23, 23, tzinfo=UTC)

    assert within(night, from_midnight, LONG_AFTER) == timedelta(hours=8)
    assert at_night(night, ROME, from_midnight, LONG_AFTER) == timedelta(hours=6)
    assert within(night, LONG_AGO, LONG_AGO) == timedelta(0)
