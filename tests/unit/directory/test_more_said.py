"""What services say beyond HSDS goes out as documented terms and comes back; what is not for all never goes out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from directory import hsds, openapi, search, told
from directory.demonstration import EXAMPLES, service_of
from directory.files.hsds_json import parse_record
from directory.files.hsds_objects import from_its_places
from directory.files.importing import NO_WEEK, Row, Sieve, remarks
from directory.files.spreadsheet import FIELDS, as_hsds, flat_row
from directory.model import Capacity, Eligibility, Organization, ReferralContact, Service
from directory.opening_hours import week
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
        ({**NINE_TO_FIVE, "byday": "MO", "freq": "WEEKLY", "valid_to": "2026-09-30", "description": "In summer"}, "",
         "In summer", "'In summer' is kept as words"),
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


def test_a_service_without_hours_has_those_of_its_places_where_they_are_the_same():
    def there(*hours: str) -> list[object]:
        links = [{"location": {"schedules": [{"id": n, "byday": day}]}} for n, day in enumerate(hours)]
        service = {"service_at_locations": links}
        return [from_its_places({**service, **own}).get("schedules") for own in ({}, {"schedules": [1]})]

    assert there("MO", "MO") == [[{"id": 0, "byday": "MO"}], [1]]
    assert there("MO", "TU") == [None, [1]]
