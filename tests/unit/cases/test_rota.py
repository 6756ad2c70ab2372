"""Shifts in time: split, by night, across midnight, and in the nights when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.cases.alarm import audience
from bot.cases.model import Audience
from bot.cases.rota.model import (
    Absence,
    Change,
    Duty,
    Part,
    Shift,
    WrongShift,
    checked,
    duties,
    moment_of,
    uncovered,
)
from bot.cases.rota.service import OnDuty
from bot.kernel.access import Role
from bot.kernel.officers import Officer

EVERY_DAY = frozenset(range(1, 8))
HOUR = timedelta(hours=1)
#: An hour, half an hour, at midnight, backwards in Ramadan, and none at all.
ZONES = (
    "Europe/Rome", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca",
    "Asia/Kathmandu", "Asia/Beirut", "UTC",
)  # fmt: skip
SPRING, AUTUMN = date(2026, 3, 28), date(2026, 10, 24)  # in Rome the clocks change in the night after these

zones = st.sampled_from(ZONES)
days = st.dates(date(2024, 1, 2), date(2028, 12, 30)) | st.sampled_from([SPRING, AUTUMN])
hours = st.times().map(lambda t: t.replace(second=0, microsecond=0))


def a_shift(*parts: tuple[str, str], zone: str = "Europe/Rome", officer: str = "amira", **more) -> Shift:
    hours_of = tuple(Part(time.fromisoformat(start), time.fromisoformat(end)) for start, end in parts)
    values = {"days": EVERY_DAY, "first": date(2020, 1, 1), **more}
    return Shift(f"shift-{officer}", officer, zone, parts=hours_of, **values)


def window(day: date, length: int = 1) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time(12), UTC)
    return start, start + timedelta(days=length)


@given(zones, days, hours, hours)
@example("Europe/Rome", SPRING + timedelta(days=1), time(2, 30), time(2, 59))
@example("Europe/Rome", AUTUMN + timedelta(days=1), time(2, 30), time(2, 59))
def test_a_later_hour_on_the_wall_is_never_earlier_in_time(zone: str, day: date, one: time, other: time):
    first, second = sorted((one, other))
    place = ZoneInfo(zone)

    assert moment_of(day, first, place) <= moment_of(day, second, place)
    assert moment_of(day, second, place) <= moment_of(day + timedelta(days=1), first, place) or first == second


@given(zones, days, hours)
def test_a_moment_shows_its_hour_unless_the_clocks_skip_it(zone: str, day: date, hour: time):
    place = ZoneInfo(zone)
    shown = moment_of(day, hour, place).astimezone(place).replace(tzinfo=None)
    wanted = datetime.combine(day, hour)

    if shown != wanted:  # skipped: the very moment of the jump
        just_before = (moment_of(day, hour, place) - timedelta(seconds=1)).astimezone(place)
        assert just_before.replace(tzinfo=None) < wanted < shown


@given(zones, days, hours, hours, hours)
def test_shifts_that_meet_on_the_wall_meet_in_time(zone: str, day: date, start: time, middle: time, end: time):
    first = Shift("a", "amira", zone, EVERY_DAY, (Part(start, middle),), date(2020, 1, 1))
    second = Shift("b", "omar", zone, EVERY_DAY, (Part(middle, end),), date(2020, 1, 1))
    around = datetime.combine(day, middle, UTC)
    found = duties([first, second], [], [], around - timedelta(days=2), around + timedelta(days=2))

    beginnings = {duty.start for duty in found if duty.officer_id == "omar"}
    ends = {duty.end for duty in found if duty.officer_id == "amira" and abs(duty.end - around) < timedelta(days=1)}
    assert ends
    assert all(end in beginnings or _skipped(zone, end) for end in ends)


def _skipped(zone: str, moment: datetime) -> bool:
    """Whether the clocks jump at this moment: a part that lies in the skipped hour is no duty at all."""
    place = ZoneInfo(zone)
    return moment.astimezone(place).utcoffset() != (moment - timedelta(seconds=1)).astimezone(place).utcoffset()


@given(zones, days, hours, st.integers(1, 20))
def test_a_desk_that_is_manned_around_the_clock_has_no_gap_and_nobody_twice(zone, day, hour, length):
    start, end = window(day, length)
    found = duties([Shift("s", "amira", zone, EVERY_DAY, (Part(hour, hour),), date(2020, 1, 1))], [], [], start, end)

    assert uncovered(found, start, end) == []
    assert all(earlier.end == later.start for earlier, later in pairwise(found))


@pytest.mark.parametrize(("day", "worked"), [(SPRING, 7), (AUTUMN, 9), (date(2026, 7, 1), 8)])
def test_a_night_shift_is_as_long_as_the_night_was(day: date, worked: int):
    [duty] = duties([a_shift(("22:00", "06:00"))], [], [], *window(day))

    assert duty.end - duty.start == worked * HOUR
    assert duty.day == day


def test_two_who_hand_over_at_half_past_two_in_the_night_an_hour_comes_twice():
    late, early = a_shift(("18:00", "02:30")), a_shift(("02:30", "10:00"), officer="omar")

    [first, second] = duties([late, early], [], [], *window(AUTUMN))[:2]

    assert first.end == second.start


def test_a_part_in_the_hour_that_is_skipped_is_no_duty():
    found = duties([a_shift(("02:15", "02:45"))], [], [], *window(SPRING))

    assert found == []


def test_a_split_shift_leaves_its_middle_open():
    start, end = datetime(2026, 7, 1, 6, tzinfo=UTC), datetime(2026, 7, 1, 18, tzinfo=UTC)
    found = duties([a_shift(("08:00", "12:00"), ("16:00", "20:00"))], [], [], start, end)

    assert uncovered(found, start, end) == [
        (datetime(2026, 7, 1, 10, tzinfo=UTC), datetime(2026, 7, 1, 14, tzinfo=UTC))
    ]


def test_a_day_that_was_swapped_is_worked_by_the_other_and_a_holiday_by_nobody():
    shift, day = a_shift(("09:00", "17:00")), date(2026, 7, 1)
    start, end = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 3, tzinfo=UTC)

    swapped = duties([shift], [Change(shift.id, day, "omar")], [], start, end)
    holiday = duties([shift], [Change(shift.id, day, None)], [], start, end)

    assert [duty.officer_id for duty in swapped] == ["omar", "amira"]
    assert [duty.day for duty in holiday] == [date(2026, 7, 2)]


def test_who_is_on_call_does_not_count_as_there():
    start, end = window(date(2026, 7, 1))

    assert uncovered(duties([a_shift(("00:00", "00:00"), on_call=True)], [], [], start, end), start, end) == [
        (start, end)
    ]


moments = st.integers(0, 72).map(lambda hour: datetime(2026, 10, 24, tzinfo=UTC) + hour * HOUR)
absences = st.lists(st.tuples(moments, moments).filter(lambda pair: pair[0] < pair[1]), max_size=4)


@given(zones, hours, hours, absences)
def test_nobody_is_on_duty_while_away_and_stays_on_duty_otherwise(zone, start_hour, end_hour, away):
    shift = Shift("s", "amira", zone, EVERY_DAY, (Part(start_hour, end_hour),), date(2020, 1, 1))
    start, end = datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC)
    whole = duties([shift], [], [], start, end)
    left = duties([shift], [], [Absence("amira", *pair) for pair in away], start, end)

    at = start
    while at < end:
        planned = any(duty.covers(at) for duty in whole)
        is_away = any(pair[0] <= at < pair[1] for pair in away)
        assert any(duty.covers(at) for duty in left) == (planned and not is_away)
        at += timedelta(minutes=30)


@given(st.lists(st.tuples(moments, moments).filter(lambda pair: pair[0] < pair[1]), max_size=6))
def test_every_moment_is_either_covered_or_in_a_gap(pairs):
    start, end = datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC)
    found = [Duty("amira", *pair, "s", start.date(), on_call=False) for pair in pairs]
    gaps = uncovered(found, start, end)

    assert gaps == sorted(gaps)
    at = start
    while at < end:
        assert any(duty.covers(at) for duty in found) != any(one <= at < other for one, other in gaps)
        at += timedelta(minutes=30)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"days": frozenset()}, "days"),
        ({"days": frozenset({8})}, "days"),
        ({"last": date(2019, 1, 1)}, "dates"),
    ],
)
def test_what_is_no_shift_is_refused(change, code):
    with pytest.raises(WrongShift, match=code):
        checked(a_shift(("09:00", "17:00"), **change))


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (("09:00", "12:00"), ("11:00", "15:00")),
        (("22:00", "06:00"), ("23:00", "23:30")),
        (("01:00", "02:00"),) * 5,
    ],
)
def test_parts_that_overlap_are_refused(parts):
    with pytest.raises(WrongShift, match="parts"):
        checked(a_shift(*parts))


def an_officer(name: str, *roles: Role, active: bool = True) -> Officer:
    return Officer(name, name, name, frozenset(roles or {Role.OFFICER}), ("en",), active)


TEAM = [
    an_officer("amira"), an_officer("omar"), an_officer("noor"), an_officer("gone", active=False),
    an_officer("ines", Role.COORDINATOR), an_officer("root", Role.ADMIN),
]  # fmt: skip


def paged(
    whom: Audience,
    *,
    at_desk: set[str],
    on_call: set[str] = frozenset(),  # type: ignore[assignment]
    owner: str | None = None,
) -> set[str]:
    present = OnDuty(True, frozenset(at_desk), frozenset(on_call))
    return {officer.id for officer in audience(TEAM, whom, owner_id=owner, present=present)}


def test_the_first_page_goes_to_who_is_on_duty_the_next_to_who_is_on_call_the_last_to_everyone():
    assert paged(Audience.OFFICERS, at_desk={"amira"}, on_call={"omar"}) == {"amira"}
    assert paged(Audience.COORDINATORS, at_desk={"amira"}, on_call={"omar"}) == {"amira", "omar", "ines"}
    assert paged(Audience.EVERYONE, at_desk={"amira"}) == {"amira", "omar", "noor", "ines", "root"}


def test_an_empty_desk_pages_who_is_on_call_and_without_one_every_officer():
    assert paged(Audience.OFFICERS, at_desk=set(), on_call={"omar"}) == {"omar"}
    assert paged(Audience.OFFICERS, at_desk=set()) == {"amira", "omar", "noor"}


def test_an_owner_is_reminded_alone_while_they_are_there_and_else_whoever_is():
    assert paged(Audience.OWNER, at_desk={"amira", "omar"}, owner="omar") == {"omar"}
    assert paged(Audience.OWNER, at_desk={"amira"}, on_call={"omar"}, owner="omar") == {"omar"}
    assert paged(Audience.OWNER, at_desk={"amira"}, owner="omar") == {"amira"}


def test_an_officer_who_was_deleted_while_on_duty_leaves_nobody_unpaged():
    assert paged(Audience.OFFICERS, at_desk={"gone"}, on_call={"gone"}) == {"amira", "omar", "noor"}


@given(st.sets(st.sampled_from([each.id for each in TEAM])), st.sets(st.sampled_from([each.id for each in TEAM])))
def test_each_step_pages_whoever_the_step_below_paged(at_desk: set[str], on_call: set[str]):
    steps = [paged(whom, at_desk=at_desk, on_call=on_call) for whom in Audience if whom is not Audience.OWNER]

    assert all(steps)
    assert steps[0] <= steps[1] <= steps[2]
