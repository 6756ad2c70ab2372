"""A form says what the record says, and only what was changed in it changes the record."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from directory.demonstration import EXAMPLES, service_of
from directory.editing import Section, changed, form_of
from directory.model import Capacity, Phone, Service, WrongRecord, with_stale
from directory.opening_hours import week

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def as_kept(record: Service) -> Service:
    """With translations in the order in which the store gives them."""
    return replace(
        record,
        names=tuple(sorted(record.names, key=str)),
        summaries=tuple(sorted(record.summaries, key=str)),
        countries=tuple(sorted(record.countries)),
    )


RECORDS = [as_kept(service_of(example, NOON)) for example in EXAMPLES]
RECORD = RECORDS[0]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_form_that_is_sent_back_as_it_came_changes_nothing(record: Service):
    assert changed(record, form_of(record), at=NOON) == record


def test_the_week_is_read_from_its_days():
    form = form_of(RECORD) | {f"hours.{day}": "" for day in range(7)}
    form |= {
        "hours.0": "09:00-12:30, 14:00–18:00",
        "zone": "Europe/Rome",
        "special_days": "2026-12-25 closed Christmas",
    }

    hours = changed(RECORD, form, at=NOON, sections=[Section.HOURS]).hours

    assert hours is not None
    assert hours.shifts == week("Europe/Rome", "mo 09:00-12:30 14:00-18:00").shifts
    assert [(day.day, day.shifts, day.note) for day in hours.special_days] == [(date(2026, 12, 25), (), "Christmas")]


def test_everything_that_cannot_be_read_is_named():
    form = form_of(RECORD) | {
        "hours.1": "nine",
        "special_days": "some day",
        "minimum_age": "twelve",
        "phones": "call us",
    }

    with pytest.raises(WrongRecord) as error:
        changed(RECORD, form, at=NOON)

    assert len(error.value.problems) == 4, error.value.problems
    with pytest.raises(WrongRecord) as error:
        changed(RECORD, form | {"latitude": "north"}, at=NOON)
    assert len(error.value.problems) == 4, error.value.problems


def test_a_section_that_was_not_asked_for_stays():
    form = form_of(RECORD) | {"phones": "119 | nights", "name.en": "Somebody else's"}

    record = changed(RECORD, form, at=NOON, sections=[Section.CONTACT])

    assert record == replace(RECORD, phones=(Phone("119", description="nights"),))


def test_free_places_are_as_old_as_they_were_said():
    said = replace(RECORD, capacity=Capacity(2, NOON, 10))
    later = NOON.replace(hour=18)

    assert changed(said, form_of(said), at=later).capacity == Capacity(2, NOON, 10)
    assert changed(said, form_of(said) | {"available": "0"}, at=later).capacity == Capacity(0, later, 10)


def test_a_form_cannot_bring_a_safe_place_to_light():
    [safe] = [record for record in RECORDS if record.confidential]
    form = form_of(safe) | {"address": "1 Secret Street", "latitude": "43.79123", "longitude": "7.61"}

    assert changed(safe, form, at=NOON).locations == safe.locations


def test_a_translation_of_what_was_changed_is_shown_to_nobody_until_somebody_has_looked():
    def texts(record: Service) -> dict[str, str]:
        return {language: record.summary_in(language).text for language in ("fr", "es", "ar")}

    before = texts(RECORD)
    form = form_of(RECORD) | {"summary.en": "Beds for girls only", "summary.es": "Camas solo para chicas"}

    edited = changed(RECORD, form, at=NOON)

    assert texts(edited) == {"fr": edited.summary, "es": "Camas solo para chicas", "ar": edited.summary}
    assert edited.name_in("fr").text == RECORD.name_in("fr").text  # the name is what it was
    again = changed(edited, form_of(edited) | {"fresh.fr": "yes"}, at=NOON)
    assert texts(again)["fr"] == before["fr"]
    assert texts(again)["ar"] == edited.summary
    # a file, or a merge, that changes the text alone
    assert texts(with_stale(RECORD, replace(RECORD, summary="other")))["ar"] == "other"
