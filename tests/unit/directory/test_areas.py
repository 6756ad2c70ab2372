"""Whether somebody is in an area that a service says it serves."""

from __future__ import annotations

import pytest

from directory.areas import Areas, Here, Regions, area_key
from directory.model import FoundPlace
from directory.places import Places

AREAS = Areas(Places.load(), Regions())
VENTIMIGLIA = FoundPlace("Ventimiglia", "IT", 43.7896, 7.6087)
CALAIS = FoundPlace("Calais", "FR", 50.9519, 1.8563)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Provincia di Imperia", "imperia"),
        ("Province of Imperia", "Imperia"),
        ("Région Île-de-France", "ile de france"),
        ("محافظة تطوان", "تطوان"),
        ("Département du Pas-de-Calais", "Pas de Calais"),
    ],
)
def test_an_area_is_the_same_with_or_without_the_words_around_its_name(one: str, other: str):
    assert area_key(one) == area_key(other)


def test_a_name_of_nothing_but_such_words_is_kept_as_it_is():
    assert area_key("La Region") == "la region"


@pytest.mark.parametrize("area", ["Ventimiglia", "Vintimille", "Liguria", "Ligurie", "Provincia di Imperia", "ليغوريا"])
def test_one_is_in_the_town_the_province_and_the_region(area: str):
    assert AREAS.here(VENTIMIGLIA, language="en").served([area]) is not None


def test_the_town_is_called_as_in_the_language_of_the_answer():
    assert AREAS.here(VENTIMIGLIA, language="fr").served(["Liguria", "Ventimiglia"]) == "Vintimille"


def test_a_region_is_called_as_it_was_written():
    assert AREAS.here(VENTIMIGLIA, language="fr").served(["Genova", "Regione Liguria"]) == "Regione Liguria"


def test_a_shared_location_near_the_town_is_in_it():
    near = FoundPlace("Menton", "IT", 43.800, 7.620)

    assert AREAS.here(near, language="en").served(["Ventimiglia"]) is not None


def test_a_region_of_france_is_known_by_its_name_of_today_and_by_the_older_one():
    here = AREAS.here(CALAIS, language="fr")

    assert here.served(["Hauts-de-France"])
    assert here.served(["Nord-Pas-de-Calais"])


def test_what_is_known_to_be_elsewhere_is_beyond():
    here = AREAS.here(VENTIMIGLIA, language="en")

    assert here.beyond(["Lombardia", "Provincia di Savona"])
    assert here.beyond(["Lampedusa"])


def test_what_nobody_knows_the_name_of_is_not_judged():
    here = AREAS.here(VENTIMIGLIA, language="en")

    assert here.served(["the western valleys"]) is None
    assert not here.beyond(["the western valleys"])
    assert not here.beyond(["Lombardia", "the western valleys"])
    assert not here.beyond([])


def test_where_nobody_knows_the_region_nothing_is_beyond():
    at_sea = AREAS.here(FoundPlace("Nowhere", "IT", 41.0, 11.0), language="en")

    assert not at_sea.regions
    assert not at_sea.beyond(["Lombardia"])


def test_a_part_of_a_name_is_not_the_name():
    here = Here("Nice", frozenset({"nice"}), frozenset({"alpes maritimes"}))

    assert here.served(["Alpes"]) is None
    assert here.served(["Venice"]) is None
