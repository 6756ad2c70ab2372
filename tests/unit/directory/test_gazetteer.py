from __future__ import annotations

import json
import sqlite3
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.gazetteer import MEMBER, Gazetteer, NoGazetteer, build
from directory.namesakes import largest_around, told_apart
from directory.places import Place, Places


def town(number: int, name: str, country: str, population: int, *others: str, at: float = 0.0) -> dict[str, Any]:
    return {
        "geonameid": number,
        "name": name,
        "countrycode": country,
        "population": population,
        "latitude": 10.0 + number / 2,
        "longitude": 20.0 + at,
        "alternatenames": list(others),
    }


TOWNS = [
    town(1, "Szeged", "HU", 160_000, "Сегедин", "سجد", "ሴገድ", "QZD"),
    town(2, "Subotica", "RS", 100_000, "Суботица", "سوبوتيتسا"),
    town(3, "Jijiga", "ET", 125_000, "ጅጅጋ", "جيجيغا"),
    town(4, "Springfield", "US", 150_000),
    town(5, "Springfield", "ZA", 20_000),
    town(6, "Tinyville", "US", 1_200),
    town(7, "Ventimiglia", "IT", 24_000, "Vintimille"),
    town(8, "Fremont", "US", 214_000, "Irvington"),
    town(9, "Irvington", "US", 61_000),
]


@pytest.fixture(scope="module")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    folder = tmp_path_factory.mktemp("gazetteer")
    source = folder / "towns.json"
    source.write_text(json.dumps({str(each["geonameid"]): each for each in TOWNS}), encoding="utf-8")
    build(folder / "gazetteer.db", source)
    return Gazetteer(folder / "gazetteer.db")


def best(gazetteer: Gazetteer, words: str, country: str | None = None) -> str | None:
    found = gazetteer.scored(words, country=country)
    return found[0][1].name if found else None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Szeged", "Szeged"),
        ("szegd", "Szeged"),
        ("in Szeged", "Szeged"),
        ("Сегедн", "Szeged"),
        ("سوبوتيسا", "Subotica"),
        ("subotitsa", "Subotica"),
        ("Subotcia", "Subotica"),
        ("ጅጅግ", "Jijiga"),
        ("بجيجيغا", "Jijiga"),
        ("irvnigton", "Irvington"),  # nobody calls Fremont so, though GeoNames knows that some did
    ],
)
def test_a_town_of_the_world_is_found_in_any_script_and_misspelt(gazetteer: Gazetteer, typed: str, meant: str):
    assert best(gazetteer, typed) == meant


def test_small_towns_far_from_every_route_and_airport_codes_are_left_out(gazetteer: Gazetteer):
    assert gazetteer.scored("Tinyville") == []
    assert gazetteer.scored("QZD") == []


def test_two_towns_of_one_name_are_asked_about_unless_the_country_is_known(gazetteer: Gazetteer):
    nothing = Places([])

    assert [place.country for place in nothing.resolve("Springfield", beyond=gazetteer)] == ["US", "ZA"]
    assert gazetteer.scored("Springfield", country="ZA")[0][1].country == "ZA"


def test_two_towns_of_one_name_in_one_country_are_told_by_the_largest_town_around_each(tmp_path: Path):
    source = tmp_path / "towns.json"
    twins = [town(1, "Mirfa", "LY", 40_000), town(9, "Mirfa", "LY", 30_000, at=5.0)]
    around = [town(2, "Zliten", "LY", 300_000), town(8, "Sabha", "LY", 200_000, at=5.0), town(3, "Big", "TN", 900_000)]
    source.write_text(json.dumps([*twins, *around, town(4, "Alone", "LY", 5_000, at=20.0)]), encoding="utf-8")
    build(tmp_path / "gazetteer.db", source)
    built = Gazetteer(tmp_path / "gazetteer.db")

    found = Places([]).resolve("mirfa", beyond=built)

    assert told_apart(found, partial(largest_around, built)) == ["Zliten", "Sabha"]
    assert told_apart(found[:1], partial(largest_around, built)) == [""]


def test_ones_own_places_come_first_and_are_not_doubled(gazetteer: Gazetteer):
    places = Places.load()

    assert [place.key for place in places.resolve("Ventimiglia", beyond=gazetteer)] == ["ventimiglia"]
    assert [place.name for place in places.resolve("Szeged", country="HU", beyond=gazetteer)][:1] == ["Szeged"]


@given(st.text(max_size=400), st.sampled_from([None, "IT", "ET"]))
def test_whatever_is_typed_it_answers(gazetteer: Gazetteer, words: str, country: str | None):
    assert len(gazetteer.scored(words, country=country)) <= 10
    assert len(Places.load().resolve(words, country=country, beyond=gazetteer)) <= 3


def test_it_is_built_from_the_archive_itself_and_replaces_the_old_file_whole(tmp_path: Path):
    wheel, target = tmp_path / "towns.whl", tmp_path / "gazetteer.db"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, json.dumps({"1": TOWNS[0]}))
    target.write_bytes(b"old")

    assert build(target, wheel) == 1
    assert best(Gazetteer(target), "Szeged") == "Szeged"
    with sqlite3.connect(target) as database:
        assert "CC BY 4.0" in database.execute("SELECT text FROM about").fetchone()[0]


@pytest.mark.parametrize("content", [b"", b"{", b"PK\x03\x04 cut", b"[1]", b'[{"name": "x"}]'])
def test_what_is_no_gazetteer_is_refused_and_the_old_one_stays(tmp_path: Path, content: bytes):
    source, target = tmp_path / "source", tmp_path / "gazetteer.db"
    source.write_bytes(content)
    target.write_bytes(b"old")

    with pytest.raises(NoGazetteer):
        build(target, source)

    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_damaged_file_does_not_take_ones_own_places_away(tmp_path: Path):
    (tmp_path / "gazetteer.db").write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    damaged = Gazetteer(tmp_path / "gazetteer.db")

    assert damaged.scored("Szeged") == []
    assert [place.name for place in Places.load().resolve("ventimilia", beyond=damaged)] == ["Ventimiglia"]


def test_where_nobody_built_one_there_is_none(tmp_path: Path):
    assert Gazetteer.open(tmp_path / "none.db") is None
    with pytest.raises(NoGazetteer, match="gazetteer build"):
        Gazetteer(tmp_path / "none.db")


def test_one_slip_in_a_short_name_takes_it_no_farther_away_than_in_a_long_one(tmp_path: Path):
    """And of so many places one is always like what was typed: one's own are meant before them."""
    source, towns = tmp_path / "towns.json", [town(1, "Buni", "PK", 50_000), town(2, "Bunilandia", "CL", 50_000)]
    source.write_text(json.dumps([*towns, town(3, "Lorimo", "IT", 200_000)]), encoding="utf-8")
    build(tmp_path / "gazetteer.db", source)
    built = Gazetteer(tmp_path / "gazetteer.db")
    [(short, _)] = built.scored("bunni")
    [(longer, _)] = built.scored("bunnilandia")

    assert longer - short < 3
    assert Places([Place("own", "Lorido", "IT", 45.0, 6.8)]).resolve("loriko", beyond=built)[0].key == "own"
