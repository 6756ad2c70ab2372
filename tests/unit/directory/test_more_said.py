"""What services say beyond HSDS goes out as documented terms and comes back; what is not for all never goes out."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from directory import hsds, openapi, search, told
from directory.demonstration import EXAMPLES, service_of
from directory.files.hsds_json import parse_record
from directory.files.hsds_objects import from_its_places
from directory.files.importing import NO_WEEK, Row, Sieve, remarks
from directory.files.spreadsheet import FIELDS, as_hsds, flat_row
from directory.model import Capacity, Eligibility, Organization, ReferralContact, Service
from directory.opening_hours import OpeningHours, Season, week
from directory.words import DirectoryWords

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWNER = Organization("5b1d6c84-46b1-4a57-9b0c-2f1f3a3c6b11", "Owner", "Runs it")
WORDS = DirectoryWords.load()


def said(record: Service) -> Service:
    """The record with everything that can be said."""
    return replace(
        record,
        eligibility=Eligibility(
            minimum_age=12,
            maximum_age=17,
            pregnant=True,
            disability=False,
            siblings_together=True,
            nationalities=("AF", "SY"),
            status_required=("asylum_seeker",),
        ),
        staff_genders=("women",),
        areas=("Liguria", "Nice and around"),
        reports_to=("nobody",),
        capacity=Capacity(0, NOON - timedelta(hours=2), 12),
        referral=ReferralContact("Focal Point Mona", "+39 0184 555 777", "mona@example.org", "A signed form"),
        locations=tuple(replace(place, step_free=True, accessibility=("toilet",)) for place in record.locations),
    )


[SAFE] = [service_of(example, NOON) for example in EXAMPLES if example.confidential]
RECORD = said(next(service_of(example, NOON) for example in EXAMPLES if not example.confidential))


def test_what_is_said_goes_out_and_comes_back():
    _, back = parse_record(json.loads(json.dumps(hsds.full_service(RECORD, OWNER))))

    assert back.eligibility == RECORD.eligibility
    assert (back.staff_genders, back.areas, back.reports_to) == (RECORD.staff_genders, RECORD.areas, RECORD.reports_to)
    assert back.capacity == RECORD.capacity
    assert back.countries == RECORD.countries
    assert [(place.step_free, place.accessibility) for place in back.locations] == [(True, ("toilet",))]


def test_a_row_of_a_sheet_says_as_much():
    flat = dict(zip(FIELDS, flat_row(RECORD, OWNER), strict=True))

    _, back = parse_record(as_hsds({field: value for field, value in flat.items() if value}))

    assert back.eligibility == RECORD.eligibility
    assert (back.staff_genders, back.areas, back.reports_to) == (RECORD.staff_genders, RECORD.areas, RECORD.reports_to)


def test_the_contact_for_referrals_comes_in_and_never_goes_out():
    full = hsds.full_service(RECORD, OWNER)
    found = told.describe(RECORD, OWNER, RECORD.locations[0], 10.0, at=NOON, language="en", words=WORDS)

    for out in (json.dumps(full), repr(found), repr(flat_row(RECORD, OWNER))):
        assert not any(secret in out for secret in ("Mona", "555 777", "mona@", "signed form"))
    incoming = full | {"referral_contact": {"name": "Mona", "phone": "+39 0184 555 777"}}
    assert parse_record(incoming)[1].referral == ReferralContact("Mona", "+39 0184 555 777")


def test_how_many_are_in_a_safe_place_is_nobodys_business():
    full_house = said(SAFE)
    found = told.describe(full_house, OWNER, full_house.locations[0], 10.0, at=NOON, language="en", words=WORDS)

    assert "capacities" not in hsds.full_service(full_house, OWNER)
    assert not search.is_full(full_house, NOON)
    assert not any("free place" in fact for fact in found.facts)


def test_that_a_service_is_full_is_forgotten_after_a_day():
    assert search.is_full(RECORD, NOON)
    assert not search.is_full(RECORD, NOON + timedelta(hours=23))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"reports_to": ("the_press",)}, "reports_to: 'the_press'"),
        ({"reports_to": ("nobody", "police")}, "not both"),
        ({"staff_genders": ("robots",)}, "staff_genders"),
        ({"locations": RECORD.locations * 2}, "stands in it twice"),
        ({"capacity": Capacity(13, NOON, 12)}, "free places"),
        ({"eligibility": Eligibility(nationalities=("Syria",))}, "two capital letters"),
        ({"eligibility": Eligibility(status_required=("rich",))}, "status_required"),
    ],
)
def test_what_cannot_be_is_named(wrong: dict[str, object], told: str):
    assert any(told in problem for problem in replace(RECORD, **wrong).problems())  # type: ignore[arg-type]


def test_every_term_of_our_own_is_documented():
    documented = " ".join(openapi.PROFILE["terms"])

    assert all(term in documented for term in hsds.own_terms(RECORD))


NINE_TO_FIVE = {"opens_at": "09:00", "closes_at": "17:00", "timezone_name": "Europe/Rome"}


@pytest.mark.parametrize(
    ("schedule", "plan", "words", "remark"),
    [
        ({**NINE_TO_FIVE, "byday": "MO,TU"}, "mo-tu 09:00-17:00", "", ""),
        ({**NINE_TO_FIVE, "byday": "MO", "freq": "WEEKLY", "interval": 2}, "", "", NO_WEEK),
        ({**NINE_TO_FIVE, "byday": "1MO", "freq": "MONTHLY"}, "", "", NO_WEEK),
        ({"description": "Mon-Fri 9am-5pm, closed in August", "timezone_name": "Europe/Rome"}, "mo-fr 09:00-17:00",
         "closed in August", "'closed in August' is kept as words"),
        ({"description": "Ask at the door"}, "", "Ask at the door", "'Ask at the door' is kept"),
    ],
)  # fmt: skip
def test_what_strangers_say_of_hours_is_a_week_where_it_is_one_and_else_words(
    schedule: dict[str, object], plan: str, words: str, remark: str
):
    data = {**hsds.full_service(RECORD, OWNER), "schedules": [schedule], "alert": "Ring."}

    [parsed], [] = Sieve().sift([Row("row", data)])

    assert parsed.service.hours == (week("Europe/Rome", plan) if plan else None)
    assert parsed.service.alert == "; ".join(filter(None, ["Ring.", words]))
    assert remark in "; ".join(remarks(parsed, parsed.service))


def test_a_week_that_counts_between_two_days_is_a_season():
    rows = [
        {**NINE_TO_FIVE, "byday": "MO", "freq": "WEEKLY", "valid_from": "2026-06-01", "valid_to": "2026-09-30"},
        {**NINE_TO_FIVE, "byday": "TU", "freq": "WEEKLY", "dtstart": "2026-06-01", "until": "2026-09-30"},
    ]
    data = {**hsds.full_service(RECORD, OWNER), "schedules": rows}

    [parsed], [] = Sieve().sift([Row("row", data)])

    hours = parsed.service.hours
    assert hours == OpeningHours("Europe/Rome", (), (), (
        Season(date(2026, 6, 1), date(2026, 9, 30), week("Europe/Rome", "mo-tu 09:00-17:00").shifts),
    ))  # fmt: skip
    assert NO_WEEK not in remarks(parsed, parsed.service)
    for day, opened in ((date(2026, 8, 4), True), (date(2026, 8, 5), False), (date(2026, 10, 6), None)):
        at = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
        assert search.is_open(replace(RECORD, hours=hours, closed_from=None, closed_until=None), at) is opened
    [], [wrong] = Sieve().sift([Row("row", {**data, "schedules": [{**rows[0], "valid_to": "2026-01-01"}]})])
    assert "a season ends before it begins" in wrong.why


def test_what_is_said_of_its_places_is_the_services_where_it_has_none_and_else_stays_theirs():
    def there(*hours: str, **own: list[object]) -> tuple[object, list[object]]:
        links = [{"schedules": [{"id": n, "byday": day}] if day else []} for n, day in enumerate(hours)]
        service = from_its_places({"service_at_locations": links, **own})
        return service.get("schedules"), [link["schedules"] for link in service["service_at_locations"]]

    monday, tuesday = {"id": 0, "byday": "MO"}, {"id": 1, "byday": "TU"}
    assert there("MO", "MO") == ([monday], [[], []])
    assert there("MO", "TU") == ([monday], [[], [tuesday]])
    assert there("", "TU") == (None, [[], [tuesday]])  # of the other nobody has said
    assert there("MO", "TU", schedules=[{"byday": "MO"}]) == ([{"byday": "MO"}], [[], [tuesday]])
    building = {"service_at_locations": [{"location": {"schedules": [monday]}}], "schedules": [tuesday]}
    assert from_its_places(building)["schedules"] == [tuesday]  # when the house is open is not when the service is
