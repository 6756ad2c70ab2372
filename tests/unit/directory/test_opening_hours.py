from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.opening_hours import DAY, OpeningHours, Shift, SpecialDay, clock_of, minute_of, week

ROME = "Europe/Rome"
MONDAY = date(2026, 11, 23)

ZONES = st.sampled_from(
    ("Europe/Rome", "America/Mexico_City", "Africa/Niamey", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "UTC")
)
MOMENTS = st.integers(0, 6_000_000).map(lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
SHIFTS = st.builds(Shift, st.integers(0, 6), st.integers(0, DAY - 1), st.integers(0, DAY - 1))
WEEKS = st.builds(OpeningHours, ZONES, st.lists(SHIFTS, max_size=8).map(lambda shifts: tuple(sorted(set(shifts)))))


def at(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone))


def test_a_split_shift_is_closed_at_lunch():
    hours = week(ROME, "mo-fr 09:00-12:30 14:00-18:00")

    assert hours.open_at(at(ROME, 2026, 11, 23, 9, 0))
    assert hours.open_at(at(ROME, 2026, 11, 23, 12, 29))
    assert not hours.open_at(at(ROME, 2026, 11, 23, 12, 30))
    assert not hours.open_at(at(ROME, 2026, 11, 23, 13, 59))
    assert hours.open_at(at(ROME, 2026, 11, 23, 14, 0))
    assert not hours.open_at(at(ROME, 2026, 11, 23, 18, 0))


def test_a_night_shelter_is_open_after_midnight_on_the_shift_that_began_yesterday():
    hours = week(ROME, "su 18:00-08:30")

    assert hours.open_at(at(ROME, 2026, 11, 23, 2, 0))  # a Monday
    assert not hours.open_at(at(ROME, 2026, 11, 23, 8, 30))
    assert not hours.open_at(at(ROME, 2026, 11, 23, 19, 0))


def test_hours_are_those_of_the_place_not_of_the_person():
    hours = week("America/Mexico_City", "mo 08:00-16:00")

    assert not hours.open_at(at("UTC", 2026, 11, 23, 13, 59))
    assert hours.open_at(at("UTC", 2026, 11, 23, 14, 0))
    assert hours.open_at(at("UTC", 2026, 11, 23, 21, 59))
    assert not hours.open_at(at("UTC", 2026, 11, 23, 22, 0))


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25), date(2026, 10, 26)])
def test_the_door_opens_at_nine_by_the_clock_on_the_wall_whatever_the_season(day: date):
    hours = week(ROME, "mo-su 09:00-10:00")
    nine = datetime.combine(day, datetime.min.time(), ZoneInfo(ROME)).replace(hour=9)

    assert hours.open_at(nine)
    assert not hours.open_at(nine - timedelta(minutes=1))
    assert not hours.open_at(nine + timedelta(hours=1))


def test_the_night_when_clocks_go_forward_is_an_hour_shorter_and_has_no_hole():
    hours = week(ROME, "sa 22:00-06:00")
    begin = at(ROME, 2026, 3, 28, 22, 0).astimezone(UTC)
    minutes = [begin + timedelta(minutes=step) for step in range(7 * 60)]

    assert all(hours.open_at(minute) for minute in minutes)
    assert not hours.open_at(begin + timedelta(hours=7))


def test_a_special_day_takes_the_place_of_the_week():
    christmas = SpecialDay(date(2026, 12, 25), ((10 * 60, 12 * 60),), "Christmas")
    closed = SpecialDay(date(2026, 12, 26))
    hours = week(ROME, "mo-su 09:00-18:00", (christmas, closed))

    assert not hours.open_at(at(ROME, 2026, 12, 25, 9, 30))
    assert hours.open_at(at(ROME, 2026, 12, 25, 11, 0))
    assert not hours.open_at(at(ROME, 2026, 12, 26, 11, 0))
    assert hours.next_opening(at(ROME, 2026, 12, 26, 11, 0)) == at(ROME, 2026, 12, 27, 9, 0)


@given(ZONES, MOMENTS)
def test_always_is_always(zone: str, moment: datetime):
    hours = week(zone, "24/7")

    assert hours.always
    assert hours.open_at(moment)


@given(WEEKS, MOMENTS)
def test_open_means_what_the_clock_on_the_wall_says(hours: OpeningHours, moment: datetime):
    local = moment.astimezone(ZoneInfo(hours.zone))
    offsets = {(moment + timedelta(hours=step)).astimezone(ZoneInfo(hours.zone)).utcoffset() for step in (-30, 0, 30)}
    if len(offsets) > 1:
        return  # the clocks change nearby: told apart by the tests above
    minute = local.hour * 60 + local.minute
    today, yesterday = local.weekday(), (local.weekday() - 1) % 7

    expected = any(
        (shift.weekday == today and shift.opens <= minute and (minute < shift.closes or shift.closes <= shift.opens))
        or (shift.weekday == yesterday and shift.closes <= shift.opens and minute < shift.closes)
        for shift in hours.shifts
    )

    assert hours.open_at(moment) == expected


@given(WEEKS, MOMENTS)
def test_the_next_opening_is_later_and_finds_the_door_open(hours: OpeningHours, moment: datetime):
    opening = hours.next_opening(moment)

    assert (opening is None) == (not hours.shifts)
    if opening is not None:
        assert opening > moment
        assert hours.open_at(opening)


@given(st.integers(0, DAY - 1))
def test_a_time_reads_back_as_it_was_written(minute: int):
    assert minute_of(clock_of(minute)) == minute


@pytest.mark.parametrize(
    "plan", ["xx 09:00-10:00", "mo 9-10", "mo", "mo 09:00", "mo 25:00-26:00", "mo 09:60-10:00", "mo ٠٩:٠٠-١٠:٠٠"]
)
def test_impossible_hours_are_refused(plan: str):
    with pytest.raises(ValueError):
        week(ROME, plan)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../../etc/passwd"])
def test_an_unknown_zone_is_refused(zone: str):
    with pytest.raises(ValueError, match="zone"):
        OpeningHours(zone, ())


def test_midnight_ends_the_day():
    hours = week(ROME, "mo 20:00-24:00")

    assert hours.open_at(at(ROME, 2026, 11, 23, 23, 59))
    assert not hours.open_at(at(ROME, 2026, 11, 24, 0, 0))
