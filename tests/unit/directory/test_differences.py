from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from directory.differences import Difference, changes_with_differences, differences
from directory.model import Eligibility, Location, LocationKind, Phone, Service
from directory.opening_hours import week
from directory.store import Change, kept_as

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUSE = Location("l", LocationKind.PHYSICAL, "House", "IT", "Irun", address="Via 1", latitude=1.5, longitude=2.5)
HOURS = week("UTC", "mo-tu 09:00-10:00")
SERVICE = Service("s", "o", "Kitchen", "Food", ("food",), locations=(HOUSE,), phones=(Phone("112"),), hours=HOURS)


def test_the_same_has_no_differences():
    assert differences(SERVICE, replace(SERVICE, modified_at=NOON)) == []


def test_each_difference_is_said_so_that_it_can_be_compared():
    changed = replace(
        SERVICE,
        phones=(Phone("119", description="nights"),),
        locations=(replace(HOUSE, address="Via 2", latitude=9.5),),
        hours=week("UTC", "mo-tu 09:00-11:00"),
        eligibility=Eligibility(minimum_age=12, papers_needed=False),
        free=True,
    )

    assert differences(SERVICE, changed) == [
        Difference("Address", "Via 1 Irun IT (1.5, 2.5)", "Via 2 Irun IT (9.5, 2.5)"),
        Difference("Phone", "112", "119 nights"),
        Difference("Opening hours", "mo tu 09:00–10:00; UTC", "mo tu 09:00–11:00; UTC"),
        Difference("For whom", "—", "minimum age: 12, papers needed: ✗"),
        Difference("Free", "—", "✓"),
    ]


def test_a_history_says_what_each_step_changed():
    first, second = replace(SERVICE, name="one"), replace(SERVICE, name="two")
    history = [
        Change(NOON, "ben", "changed", "", kept_as(second)),
        Change(NOON, "ana", "changed", "", kept_as(first)),
        Change(NOON, "ana", "drafted", "", {}),
    ]

    told = [found for _, found in changes_with_differences(history, SERVICE)]

    assert told == [[Difference("Name", "two", "Kitchen")], [Difference("Name", "one", "two")], []]
