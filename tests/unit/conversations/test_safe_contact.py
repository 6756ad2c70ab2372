"""When somebody may be written to: hours of their day, by the clock where they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversations.safe_contact import DAY, SafeContact, zone_by_clock, zone_by_country, zone_of

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)  # 13:00 in Rome
EVENING = SafeContact(18 * 60, 22 * 60, "Europe/Rome")
NIGHT = SafeContact(22 * 60, 2 * 60, "Europe/Rome")


@pytest.mark.parametrize(
    ("said", "rome", "safe"),
    [
        (EVENING, "17:59", False),
        (EVENING, "18:00", True),
        (EVENING, "21:59", True),
        (EVENING, "22:00", False),
        (NIGHT, "23:30", True),
        (NIGHT, "01:59", True),
        (NIGHT, "02:00", False),
        (NIGHT, "12:00", False),
    ],
)
def test_it_is_safe_inside_the_hours_and_not_outside(said: SafeContact, rome: str, safe: bool):
    hour, minute = map(int, rome.split(":"))
    at = NOON.replace(hour=0) + timedelta(hours=hour - 1, minutes=minute)

    assert said.is_safe(at) is safe


def test_who_said_nothing_may_be_written_to_at_any_time():
    assert SafeContact().is_safe(NOON)
    assert SafeContact(way="only here").next_safe(NOON) == NOON


def test_hours_by_a_clock_that_nobody_knows_are_never_now():
    said = SafeContact(0, DAY - 1)

    assert not said.is_safe(NOON)
    assert said.next_safe(NOON) is None


def test_the_next_safe_moment_is_todays_or_tomorrows_opening():
    assert EVENING.next_safe(NOON) == NOON.replace(hour=17)
    assert EVENING.next_safe(NOON.replace(hour=22)) == (NOON + timedelta(days=1)).replace(hour=17)
    assert EVENING.next_safe(NOON.replace(hour=18)) == NOON.replace(hour=18)


def test_hours_that_the_clock_change_skips_open_when_it_is_over():
    """In Rome there was no 02:30 on 29 March 2026."""
    said = SafeContact(2 * 60 + 30, 4 * 60, "Europe/Rome")
    before = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # 01:00 in Rome

    opens = said.next_safe(before)

    assert opens == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 there
    assert said.is_safe(opens)


@pytest.mark.parametrize(("country", "zone"), [("IT", "Europe/Rome"), ("MX", ""), (None, ""), ("XX", "")])
def test_a_country_tells_the_zone_only_where_all_its_clocks_agree(country: str | None, zone: str):
    assert zone_by_country(country, NOON) == zone


@pytest.mark.parametrize(
    ("shows", "zone"), [(13 * 60, "+60"), (12 * 60 + 4, "+0"), (17 * 60 + 31, "+330"), (2 * 60, "-600")]
)
def test_what_the_clock_of_the_person_shows_tells_their_zone(shows: int, zone: str):
    assert zone_by_clock(shows, NOON) == zone


@given(
    st.integers(0, DAY - 1),
    st.integers(0, DAY - 1),
    st.sampled_from(["Europe/Rome", "America/Mexico_City", "Asia/Kathmandu", "+0", "-600", "+345"]),
    st.integers(0, 3 * 365 * DAY).map(lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
)
def test_the_next_safe_moment_is_safe_and_soon(first: int, last: int, zone: str, at: datetime):
    said = SafeContact(first, last if last != first else (first + 60) % DAY, zone)

    opens = said.next_safe(at)

    assert opens is not None
    assert at <= opens <= at + timedelta(hours=26)
    clocks = {(opens + timedelta(hours=hours)).astimezone(zone_of(zone)).utcoffset() for hours in (-3, 0, 3)}
    assert said.is_safe(opens) or len(clocks) == 2  # the whole of it fell into an hour that was skipped
