"""What ships is few, sourced and dated."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest
from babel import Locale

from directory import demonstration
from directory.countries import country_named
from directory.model import DOCUMENTS, NEEDS
from directory.places import load_supplement
from directory.seeds import DATA, emergency_numbers, helplines
from directory.spelling import fold
from directory.words import DirectoryWords

LANGUAGES = ("en", "fr", "es", "ar")


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_helpline_names_its_source_and_its_date_and_speaks_four_languages():
    for row in rows("helplines.csv"):
        assert row["source"], row["key"]
        assert date.fromisoformat(row["read_on"])
        assert row["numbers"] or row["website"]
        assert row["countries"]
        assert set(row["needs"].split()) <= set(NEEDS)
        for language in LANGUAGES:
            assert row[f"name_{language}"], row["key"]
            assert row[f"summary_{language}"], row["key"]


def test_no_helpline_of_one_country_is_offered_for_another():
    shipped = {service.id: service for _, service in helplines()}
    french = [service for service in shipped.values() if service.phones and service.phones[0].number == "119"]

    assert [service.countries for service in french] == [("FR",)]


def test_short_codes_stay_as_they_are_dialled():
    numbers = {phone.number for _, service in helplines() for phone in service.phones}

    assert {"116 000", "119", "1098", "800 290 290"} <= numbers
    assert not any(number.startswith("+") for number in numbers)


def test_no_helpline_promises_what_cannot_be_kept():
    promised = re.compile(r"\b(secret|safe forever|promise|guarantee|papers for you)\b", re.I)

    assert not any(promised.search(row["summary_en"]) for row in rows("helplines.csv"))


def test_every_emergency_number_names_its_source():
    for row in rows("emergency_numbers.csv"):
        assert re.fullmatch(r"[0-9]{2,4}", row["number"])
        assert row["source"]
        assert date.fromisoformat(row["read_on"])
    assert emergency_numbers()["IT"] == "112"
    assert emergency_numbers()["MX"] == "911"


def test_the_supplement_has_each_place_once_with_names_in_four_languages():
    places = load_supplement()

    assert len(places) >= 300
    assert len({place.key for place in places}) == len(places)
    assert len({(fold(place.name), place.country) for place in places}) == len(places)
    assert all(place.names.get("ar") for place in places)


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar", "uk"])
def test_every_country_is_known_by_the_names_that_cldr_has(language: str):
    names = {str(name): code for code, name in Locale(language).territories.items() if code in ("GB", "CI", "SY", "MK")}

    assert {name: getattr(country_named(name), "code", None) for name in names} == names


@pytest.mark.parametrize("line", ["x,X,it,1,1,town,r,5,,,,,", "x,X,IT,91,1,town,r,5,,,,,", "x,X,IT,a,1,town,r,5,,,,,"])
def test_a_wrong_line_of_the_supplement_is_named(tmp_path: Path, line: str):
    header = (DATA / "places.csv").read_text(encoding="utf-8").splitlines()[0]
    broken = tmp_path / "places.csv"
    broken.write_text(f"{header}\n{line}\n", encoding="utf-8")

    with pytest.raises(ValueError, match="line 2"):
        load_supplement(broken)


def test_the_demonstration_cannot_be_taken_for_real_help():
    for example in demonstration.EXAMPLES:
        assert example.phone.startswith(("+33 1 99 00 ", "+44 1632 960")), example.key
        assert len(example.name) == len(example.summary) == len(LANGUAGES)
    for name, description in demonstration.ORGANIZATIONS.values():
        assert "(example)" in name
        assert "invented" in description


def test_every_sentence_is_translated():
    words = DirectoryWords.load()

    for msgid in (*NEEDS.values(), *DOCUMENTS.values()):
        assert re.search("[\u0600-\u06ff]", words.text("ar", msgid)), msgid
