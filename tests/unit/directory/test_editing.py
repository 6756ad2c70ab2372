"""A form says what the record says, and only what was changed in it changes the record."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from directory.demonstration import EXAMPLES, service_of
from directory.editing import Section, changed, form_of, single_places
from directory.model import AtPlace, Capacity, Phone, Service, WrongRecord, with_stale
from directory.opening_hours import Season, week

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


def test_the_hours_and_numbers_of_one_place_are_told_beside_those_of_the_service():
    [first] = RECORD.locations
    second, third = (replace(first, id=f"{number} place", address=f"{number} street") for number in ("2nd", "3rd"))
    record = replace(RECORD, locations=(first, second, third))
    form = form_of(record) | {
        "at.2nd place.hours.5": "9h-12h",
        "at.2nd place.seasons": "2026-06-01 - 2026-09-30 mo-fr 09:00-12:30\n- 2026-01-31 Mon-Tue 9am-1pm",
        "at.2nd place.phone0.number": "116 117",
        "at.3rd place.phone0.number": RECORD.phones[0].number,
        "at.3rd place.phone0.note": RECORD.phones[0].description,
        "at.3rd place.phone0.languages": ", ".join(RECORD.phones[0].languages),
    }

    kept = changed(record, form, at=NOON)

    seasons = (
        Season(date(2026, 6, 1), date(2026, 9, 30), week("UTC", "mo-fr 09:00-12:30").shifts),
        Season(None, date(2026, 1, 31), week("UTC", "mo-tu 09:00-13:00").shifts),
    )
    hours = replace(week("Europe/Rome", "sa 09:00-12:00"), seasons=seasons)
    assert kept == replace(record, at_places=(AtPlace(second.id, hours, (Phone("116 117"),)),))  # the 3rd is as all
    assert (kept.at(second).hours, kept.at(first)) == (hours, kept)
    assert changed(kept, form_of(kept), at=NOON) == kept
    assert changed(kept, form_of(kept) | {"place1.gone": "yes"}, at=NOON).at_places == ()
    assert [at.told for at in single_places(kept, form_of(kept))] == [False, True, False]
    with pytest.raises(WrongRecord, match="not a season like"):
        changed(record, form | {"at.2nd place.seasons": "in summer mo 09:00-10:00"}, at=NOON)


def test_everything_that_cannot_be_read_is_named():
    form = form_of(RECORD) | {
        "hours.1": "nine",
        "special_days": "some day",
        "minimum_age": "twelve",
        "phone0.number": "call us",
    }

    with pytest.raises(WrongRecord) as error:
        changed(RECORD, form, at=NOON)

    assert len(error.value.problems) == 4, error.value.problems
    with pytest.raises(WrongRecord) as error:
        changed(RECORD, form | {"latitude": "north"}, at=NOON)
    assert len(error.value.problems) == 4, error.value.problems


def test_a_section_that_was_not_asked_for_stays():
    form = form_of(RECORD) | {"phone0.number": "119", "phone0.note": "nights", "name.en": "Somebody else's"}

    record = changed(RECORD, form, at=NOON, sections=[Section.CONTACT])

    assert record == replace(RECORD, phones=(Phone("119", description="nights"),))


def test_a_number_keeps_what_it_is_for_and_is_told_with_the_languages_that_are_spoken_there():
    spoken = replace(RECORD, phones=(Phone("+39 0184 000 000", "whatsapp", ("ar", "tzm-Latn"), "nights"), Phone("119")))
    more = {
        "phone0.note": "from 20:00",
        "phone1.number": "",
        "phone2.number": "116 111",
        "phone2.languages": "Arabic, fr",
    }

    assert changed(spoken, form_of(spoken) | more, at=NOON).phones == (
        Phone("+39 0184 000 000", "whatsapp", ("ar", "tzm-Latn"), "from 20:00"),
        Phone("116 111", "voice", ("ar", "fr")),
    )


def test_countries_and_languages_are_read_by_their_names_and_what_is_none_is_named():
    named = {"languages": "Arabic, français, Dari, ti", "countries": "Italy, fr", "nationalities": "Siria; AF"}

    record = changed(RECORD, form_of(RECORD) | named, at=NOON)

    assert record.languages == ("ar", "fr", "fa", "ti")
    assert record.countries == ("FR", "IT")
    assert record.eligibility.nationalities == ("SY", "AF")
    with pytest.raises(WrongRecord) as error:
        changed(RECORD, form_of(RECORD) | {"languages": "Elvish", "countries": "Atlantis"}, at=NOON)
    assert len(error.value.problems) == 2, error.value.problems


def test_papers_that_are_known_are_ticked_so_that_everybody_reads_them_in_their_language():
    asked = replace(RECORD, documents=("a blue card", "asylum_paper"))
    form = form_of(asked) | {"document.any_id": "yes"}

    assert form["documents"] == "a blue card"
    assert changed(asked, form, at=NOON).documents == ("a blue card", "asylum_paper", "any_id")


def test_texts_are_written_in_any_language_beside_an_original_in_any_other():
    italian = replace(RECORD, language="it", name="Dormitorio", names=(), how_to_apply="Suona due volte")
    form = form_of(italian) | {
        "name.it": "Dormitorio del porto",
        "name.another": "خوابگاه",
        "language.another": "fa",
        "how_to_apply.ar": "دق الجرس مرتين",
    }

    record = changed(italian, form, at=NOON)

    assert (record.name, record.name_in("fa").text) == ("Dormitorio del porto", "خوابگاه")
    assert [record.text_in("how_to_apply", code).text for code in ("ar", "es")] == ["دق الجرس مرتين", "Suona due volte"]
    assert form_of(record)["name.fa"] == "خوابگاه"  # it has a column of its own now
    moved = changed(record, form_of(record) | {"how_to_apply": "Suona tre volte"}, at=NOON, sections=[Section.CONTACT])
    assert moved.text_in("how_to_apply", "ar").text == "Suona tre volte"
    for nowhere in ({"language.another": ""}, {"language.another": "it"}):
        with pytest.raises(WrongRecord):
            changed(italian, form | nowhere, at=NOON)


def test_what_a_machine_translated_is_marked_until_a_person_has_read_it():
    [own, *others] = RECORD.summaries
    machine = replace(RECORD, summaries=(replace(own, source="machine"), *others))

    assert changed(machine, form_of(machine), at=NOON) == as_kept(machine)
    assert changed(machine, form_of(machine) | {f"fresh.{own.language}": "yes"}, at=NOON) == RECORD


def test_free_places_are_as_old_as_they_were_said():
    said = replace(RECORD, capacity=Capacity(2, NOON, 10))
    later = NOON.replace(hour=18)

    assert changed(said, form_of(said), at=later).capacity == Capacity(2, NOON, 10)
    assert changed(said, form_of(said) | {"available": "0"}, at=later).capacity == Capacity(0, later, 10)


def test_a_form_cannot_bring_a_safe_place_to_light():
    [safe] = [record for record in RECORDS if record.confidential]
    form = form_of(safe) | {"address": "1 Secret Street", "latitude": "43.79123", "longitude": "7.61"}

    assert changed(safe, form, at=NOON).locations == safe.locations


def test_a_safe_place_is_found_in_its_town_or_says_which_areas_it_serves():
    [safe] = [record for record in RECORDS if record.confidential]
    moved = {"city": "Calais", "country": "France", "latitude": "50.91234", "longitude": "1.81234"}

    [gate] = changed(safe, form_of(safe) | moved, at=NOON).locations

    assert (gate.city, gate.country, gate.latitude, gate.longitude) == ("Calais", "FR", 51.0, 1.9)
    hamlet = form_of(safe) | moved | {"city": "Nowhere-sur-Rien"}
    with pytest.raises(WrongRecord, match="areas it serves"):
        changed(safe, hamlet, at=NOON)
    [gate] = changed(safe, hamlet | {"areas": "Calais"}, at=NOON).locations
    assert (gate.latitude, gate.longitude) == (None, None)


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
