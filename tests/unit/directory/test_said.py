"""How hours and facts are said to people, in four languages."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from directory.model import Eligibility, Gender, Location, LocationKind, Phone, Service, Translation
from directory.opening_hours import OpeningHours, SpecialDay, week
from directory.told import describe, facts, hours_today
from directory.words import DirectoryWords

WORDS = DirectoryWords.load()
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # 13:00 in Rome
HOUSE = Location("l1", LocationKind.PHYSICAL, "House", "IT", latitude=43.79, longitude=7.6)
CLINIC = Service("s1", "o1", "Clinic", "A doctor", ("health",), locations=(HOUSE,))


def said(hours: OpeningHours | None, language: str = "en", at: datetime = MONDAY_NOON, **changes: object) -> str:
    service = replace(CLINIC, hours=hours, **changes)  # type: ignore[arg-type]
    return hours_today(service, at=at, language=language, words=WORDS)


SPLIT = week("Europe/Rome", "mo-fr 09:00-12:30 14:00-18:00")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Open today 09:00–12:30 and 14:00–18:00"),
        ("fr", "Ouvert aujourd'hui 09:00–12:30 et 14:00–18:00"),
        ("es", "Abierto hoy 09:00–12:30 y 14:00–18:00"),
        ("ar", "مفتوح اليوم من 09:00 إلى 12:30 ومن 14:00 إلى 18:00"),
    ],
)
def test_todays_hours_are_said_in_the_asked_language_with_western_digits(language: str, sentence: str):
    assert said(SPLIT, language) == sentence


def test_a_language_without_words_gets_english():
    assert said(SPLIT, "ti").startswith("Open today")


def test_today_is_the_day_of_the_place():
    hours = week("America/Mexico_City", "su 20:00-23:00; mo 08:00-16:00")
    monday_morning_utc = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # still Sunday in Mexico

    assert said(hours, at=monday_morning_utc) == "Open today 20:00–23:00"


def test_the_night_that_began_yesterday_is_told_while_it_lasts():
    hours = week("Europe/Rome", "su 18:00-08:30; mo 20:00-08:30")

    assert said(hours, at=datetime(2026, 11, 23, 1, 0, tzinfo=UTC)) == "Open today 18:00–08:30 and 20:00–08:30"
    assert said(hours, at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) == "Open today 20:00–08:30"


def test_a_closed_day_says_when_the_door_opens_next():
    hours = week("Europe/Rome", "tu-th 10:00-16:00")

    assert said(hours) == "Closed today. Opens Tuesday at 10:00"
    assert said(hours, "es") == "Cerrado hoy. Abre el martes a las 10:00"


def test_always_open_unknown_and_shut_are_said_as_such():
    assert said(week("UTC", "24/7")) == "Open day and night"
    assert said(None) == ""
    assert said(OpeningHours("UTC", ())) == "Closed today"
    assert (
        said(SPLIT, "fr", closed_from=date(2026, 11, 20), closed_until=date(2026, 12, 3)) == "Fermé jusqu'au 3 décembre"
    )
    assert said(SPLIT, closed_from=date(2026, 11, 20)) == "Closed for now"


def test_a_special_day_is_told_as_it_is():
    hours = replace(SPLIT, special_days=(SpecialDay(date(2026, 11, 23), ((600, 660),)),))

    assert said(hours) == "Open today 10:00–11:00"


def test_nothing_is_said_that_nobody_has_said():
    assert facts(CLINIC, HOUSE, at=MONDAY_NOON, language="en", words=WORDS) == ()


def test_facts_are_said_in_the_asked_language():
    who = Eligibility(10, 17, genders=frozenset({Gender.GIRLS}), papers_needed=False)
    ways = (Translation("es", "Llama dos veces"), Translation("ar", "دق مرتين", stale=True))
    told = {"how_to_apply": "Ring twice", "ways_to_apply": ways}
    service = replace(CLINIC, free=True, walk_in=True, eligibility=who, **told)

    assert facts(service, HOUSE, at=MONDAY_NOON, language="es", words=WORDS) == (
        "De 10 a 17 años",
        "Solo para chicas y mujeres",
        "Gratis",
        "No piden papeles",
        "Puedes ir sin cita",
        "Llama dos veces",
    )
    assert facts(service, HOUSE, at=MONDAY_NOON, language="ar", words=WORDS)[-1] == "Ring twice"


def test_whoever_would_be_turned_away_hears_so_before_they_set_out():
    """And what an editor wrote of it, cut where it is long."""
    who = Eligibility(
        unaccompanied=False, status_required=("refugee", "resident"), nationalities=("SY", "AF"), note="Ring twice."
    )
    told = replace(CLINIC, eligibility=who, alert="The door is at the back. " * 20, interpreters=True)

    alert, *others = facts(told, HOUSE, at=MONDAY_NOON, language="en", words=WORDS)

    assert alert.startswith("The door is at the back.")
    assert alert.endswith("…")
    assert len(alert) <= 201
    assert others == [
        "Only for children who come with an adult",
        "Only for some people: Refugees or People with a residence permit",
        "Only for people from Syria or Afghanistan",
        "They can call an interpreter",
        "Ring twice.",
    ]


def test_the_number_is_one_where_they_speak_the_language():
    phones = (Phone("1", languages=("fr",)), Phone("2"), Phone("3", "sms", ("ar",)), Phone("4", languages=("ar",)))

    def number(language: str) -> str:
        found = describe(
            replace(CLINIC, phones=phones), None, HOUSE, None, at=MONDAY_NOON, language=language, words=WORDS
        )
        return found.phone

    assert [number(language) for language in ("ar", "fr", "es")] == ["4", "1", "2"]
