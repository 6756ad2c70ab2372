from __future__ import annotations

from datetime import UTC, date, datetime

from msgspec.structs import replace

from directory.differences import FIELDS, Difference, changes_with_differences, differences
from directory.model import (
    AtPlace,
    Capacity,
    Eligibility,
    Location,
    LocationKind,
    Phone,
    ReferralContact,
    Service,
    ServiceStatus,
    Translation,
)
from directory.opening_hours import OpeningHours, Season, SpecialDay, week
from directory.store import Change, kept_as
from directory.values import Tongue
from directory.words import DirectoryWords

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUSE = Location("l", LocationKind.PHYSICAL, "House", "IT", "Irun", address="Via 1", latitude=1.5, longitude=2.5)
HOURS = week("UTC", "mo-tu 09:00-10:00")
WINTER = OpeningHours("UTC", (), (), (Season(date(2026, 12, 1), date(2027, 2, 28), HOURS.shifts),))
ENGLISH, ARABIC = (Tongue(DirectoryWords.load(), language) for language in ("en", "ar"))
SERVICE = Service("s", "o", "Kitchen", "Food", ("food",), locations=(HOUSE,), phones=(Phone("112"),), hours=HOURS)


def test_the_same_has_no_differences():
    assert differences(SERVICE, replace(SERVICE, modified_at=NOON), ENGLISH) == []


def test_each_difference_is_said_so_that_it_can_be_compared():
    changed = replace(
        SERVICE,
        phones=(Phone("119", description="nights"),),
        locations=(replace(HOUSE, address="Via 2", latitude=9.5),),
        hours=week("UTC", "mo-tu 09:00-11:00"),
        eligibility=Eligibility(minimum_age=12, papers_needed=False),
        free=True,
    )

    assert differences(SERVICE, changed, ENGLISH) == [
        Difference("Address", "Via 1, Irun, Italy, (1.5, 2.5)", "Via 2, Irun, Italy, (9.5, 2.5)"),
        Difference("Phone", "112", "119 · nights"),
        Difference("Opening hours", "Mon, Tue 09:00–10:00; UTC", "Mon, Tue 09:00–11:00; UTC"),
        Difference("For whom", "—", "From age: 12; They ask for papers: no"),
        Difference("Free", "—", "yes"),
    ]


def test_a_history_says_what_each_step_changed():
    first, second = replace(SERVICE, name="one"), replace(SERVICE, name="two")
    history = [
        Change(NOON, "ben", "changed", "", kept_as(second)),
        Change(NOON, "ana", "changed", "", kept_as(first)),
        Change(NOON, "ana", "drafted", "", {}),
    ]

    told = [found for _, found in changes_with_differences(history, SERVICE, ENGLISH)]

    assert told == [[Difference("Name", "two", "Kitchen")], [Difference("Name", "one", "two")], []]


#: Every field that a person or a worker may read. What is not among them nobody reads, or it has a screen of its own.
UNREAD = {
    "id", "organization_id", "language", "state", "confidential", "verification", "demo", "update_of", "modified_at",
}  # fmt: skip
OTHER = Service(
    "s",
    "o",
    "Hostel",
    "Beds",
    ("shelter",),
    status=ServiceStatus.DEFUNCT,
    eligibility=Eligibility(maximum_age=17),
    locations=(
        replace(HOUSE, directions="Ask the man at the red car.", directions_in=(Translation("fr", "La voiture"),)),
        replace(HOUSE, id="l2", address="Via 3"),
    ),
    countries=("FR",),
    hours=replace(HOURS, special_days=(SpecialDay(date(2026, 12, 24), ((540, 600),)),)),
    phones=(Phone("112", kind="whatsapp"),),
    languages=("ar",),
    interpreters=True,
    free=False,
    cost_note="Two coins",
    walk_in=False,
    how_to_apply="Call",
    documents=("any_id",),
    reports_to=("police",),
    website="https://a.example",
    email="a@a.example",
    alert="Beware",
    closed_from=date(2026, 12, 1),
    closed_until=date(2026, 12, 2),
    names=(Translation("fr", "Auberge"),),
    summaries=(Translation("fr", "Lits", "machine", stale=True),),
    alerts=(Translation("fr", "Attention"),),
    ways_to_apply=(Translation("fr", "Appelle"),),
    eligibility_notes=(Translation("fr", "Tous"),),
    cost_notes=(Translation("fr", "Deux pièces"),),
    staff_genders=("women",),
    areas=("Basilan",),
    at_places=(AtPlace("l2", WINTER, (Phone("119"),)),),
    capacity=Capacity(2, NOON),
    referral=ReferralContact(name="Mona"),
)


def test_whoever_reviews_a_change_is_shown_all_of_it():
    told = {difference.field: difference.after for difference in differences(SERVICE, OTHER, ENGLISH)}

    assert set(Service.__struct_fields__) - set(FIELDS) == UNREAD
    assert set(told) == set(FIELDS.values())
    assert "red car" in told["Address"]
    assert "French: La voiture" in told["Address"]
    assert (
        told["Descriptions in other languages"] == "French: Lits · a machine translated it · the original has changed"
    )
    assert told["Hours and numbers of single places"] == (
        "Via 3: 119; 1 December 2026–28 February 2027: Mon, Tue 09:00–10:00; UTC"
    )
    assert told["Phone"] == "112 · WhatsApp"
    assert "24 December 2026 09:00–10:00" in told["Opening hours"]
    [always] = differences(SERVICE, replace(SERVICE, hours=week("UTC", "24/7")), ENGLISH)
    assert always.after == "Mon, Tue, Wed, Thu, Fri, Sat, Sun all day; UTC"


def test_it_is_said_in_the_language_of_the_reviewer_and_no_number_turns_round():
    phones = (Phone("+39 0184 111", description="ليلا"),)
    told = {each.field: each.after for each in differences(SERVICE, replace(OTHER, phones=phones), ARABIC)}

    assert told["Helps with"] == DirectoryWords.load().text("ar", "A safe bed")
    assert "\u2068+39 0184 111\u2069" in told["Phone"]
    assert "الاثنين" in told["Opening hours"]
    assert told["Languages"] == "العربية"
    assert told["Phone"].startswith("\u200f")  # or a page would take it for one that runs to the right
