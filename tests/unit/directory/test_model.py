from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from directory.calling_codes import of_another_country
from directory.model import (
    Eligibility,
    Gender,
    Location,
    LocationKind,
    Method,
    Phone,
    Service,
    ServiceStatus,
    Translation,
    Verification,
)
from directory.opening_hours import week

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUSE = Location("l1", LocationKind.PHYSICAL, "House", "IT", city="Ventimiglia", latitude=43.79, longitude=7.6)
GATE = Location("l2", LocationKind.FRONT_GATE, "Ventimiglia", "IT", city="Ventimiglia", latitude=43.8, longitude=7.6)
SHELTER = Service("s1", "o1", "Shelter", "A bed", ("shelter",), locations=(HOUSE,))
SAFE_HOUSE = replace(SHELTER, confidential=True, locations=(GATE,), phones=(Phone("+33 1 99 00 10 02"),))


def test_a_whole_record_has_no_problems():
    assert SHELTER.problems() == []
    said = replace(SHELTER, phones=(Phone("١١٢"),), website="https://example.org/a?b=c", email="a@example.org")
    hours = week("Europe/Rome", "mo 00:00-09:00 09:00-12:00 20:00-08:00")
    assert replace(said, name="می\u200cروم", summary="one\r\ntwo", hours=hours).problems() == []
    assert SAFE_HOUSE.problems() == []


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (replace(SHELTER, name=" "), "needs a name"),
        (replace(SHELTER, needs=()), "at least one need"),
        (replace(SHELTER, needs=("a pony",)), "unknown need"),
        (replace(SHELTER, locations=()), "has a location"),
        (replace(SHELTER, eligibility=Eligibility(18, 10)), "above the highest"),
        (replace(SHELTER, locations=(replace(HOUSE, latitude=431.0),)), "latitude"),
        (replace(SHELTER, locations=(replace(HOUSE, longitude=None),)), "half"),
        (replace(SHELTER, locations=(replace(HOUSE, country="Italy"),)), "ISO 3166"),
        (replace(SHELTER, phones=(Phone("call us"),)), "no phone number"),
        (replace(SHELTER, website="javascript:alert(1)//x.org"), "no web address"),
        (replace(SHELTER, website="ask at the station"), "no web address"),
        (replace(SHELTER, email="ask Mona"), "no e-mail address"),
        (replace(SHELTER, name="Shel\u200bter"), "direction characters"),
        (replace(SHELTER, how_to_apply="call \u202e321"), "direction characters"),
        (replace(SHELTER, names=(Translation("ar", "call \u202e321"),)), "direction characters"),
        (replace(SHELTER, eligibility=Eligibility(note="call \u202e321")), "direction characters"),
        (replace(SHELTER, phones=(Phone("119", description="call \u202e321"),)), "direction characters"),
        (replace(SHELTER, locations=(replace(HOUSE, directions="call \u202e321"),)), "direction characters"),
        (replace(SHELTER, hours=week("Europe/Rome", "mo 09:00-12:00 11:00-13:00")), "mo overlap"),
        (replace(SHELTER, hours=week("Europe/Rome", "mo 20:00-08:00 22:00-23:00")), "mo overlap"),
    ],
)
def test_a_record_that_contradicts_itself_says_where(broken: Service, problem: str):
    assert any(problem in found for found in broken.problems())


@pytest.mark.parametrize(
    "leaking",
    [
        replace(GATE, address="Vicolo 9"),
        replace(GATE, postal_code="00001"),
        replace(GATE, directions="Behind the church"),
        replace(GATE, latitude=43.81234),
    ],
)
def test_a_front_gate_cannot_carry_what_points_at_the_safe_place(leaking: Location):
    assert replace(SAFE_HOUSE, locations=(leaking,)).problems()


def test_a_confidential_service_cannot_have_a_public_place_or_no_number():
    assert replace(SAFE_HOUSE, locations=(HOUSE,)).problems()
    assert replace(SAFE_HOUSE, phones=()).problems()
    assert replace(SHELTER, locations=(GATE,)).problems()


@pytest.mark.parametrize(
    ("who", "age", "gender", "taken"),
    [
        (Eligibility(10, 17), 15, None, True),
        (Eligibility(10, 17), 9, None, False),
        (Eligibility(10, 17), 18, None, False),
        (Eligibility(18, None), None, None, False),  # an unknown age is taken to be a child's
        (Eligibility(18, None), 30, None, True),
        (Eligibility(None, None), None, Gender.BOYS, True),
        (Eligibility(genders=frozenset({Gender.GIRLS})), 15, Gender.BOYS, False),
        (Eligibility(genders=frozenset({Gender.GIRLS})), 15, None, True),
    ],
)
def test_who_is_taken_in(who: Eligibility, age: int | None, gender: Gender | None, taken: bool):
    assert who.takes(age=age, gender=gender) is taken


def test_text_is_in_the_asked_language_or_in_its_own():
    service = replace(SHELTER, language="it", name="Rifugio", names=(Translation("fr", "Abri"), Translation("es", "")))

    assert service.name_in("fr") == Translation("fr", "Abri")
    assert service.name_in("it") == Translation("it", "Rifugio")
    assert service.name_in("es").language == "it"
    assert service.name_in("ar").text == "Rifugio"


def test_a_record_is_stale_after_ninety_days_and_when_never_checked():
    def checked(days: int) -> Service:
        return replace(SHELTER, verification=Verification(NOON - timedelta(days=days), "Ana", Method.PHONE, "call"))

    assert not checked(90).stale(NOON)
    assert checked(91).stale(NOON)
    assert SHELTER.stale(NOON)


def test_a_service_is_shut_between_two_days():
    shut = replace(SHELTER, closed_from=date(2026, 12, 1), closed_until=date(2026, 12, 10))

    assert not shut.closed_on(date(2026, 11, 30))
    assert shut.closed_on(date(2026, 12, 1))
    assert shut.closed_on(date(2026, 12, 10))
    assert not shut.closed_on(date(2026, 12, 11))
    assert replace(SHELTER, status=ServiceStatus.TEMPORARILY_CLOSED).closed_on(date(2026, 11, 23))
    assert not SHELTER.closed_on(date(2026, 11, 23))


@pytest.mark.parametrize(
    ("number", "country"),
    [("+90 532 1", "TR"), ("0033 1 99", "FR"), ("+39 0184", ""), ("116 111", ""), ("+000", ""), ("0184 47", "")],
)
def test_a_number_says_of_which_other_country_it_is(number: str, country: str):
    assert of_another_country(number, {"IT"}) == country
