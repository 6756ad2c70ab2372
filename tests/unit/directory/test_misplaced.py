"""A point that cannot be where it is said to be is told, also where nobody knows the town; a true one never is."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from directory.misplaced import COAST, misplacement
from directory.model import Location, LocationKind
from directory.places import TOWNS

MAP = Path(__file__).parents[3] / "bot" / "desk" / "static" / "borders.json"


def at(latitude: float, longitude: float, country: str, city: str = "") -> Location:
    return Location("x", LocationKind.PHYSICAL, "x", country, city=city, latitude=latitude, longitude=longitude)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (at(45, -30, "FR"), "in the sea"),
        (at(0, 0, "FR", "Saint-Nowhere-sur-Mer"), "in the sea"),
        (at(34, 18, "IT"), "in the sea"),
        (at(43, 50, "AZ"), "in the sea"),  # the Caspian
        (at(1.85, 50.95, "FR", "Saint-Nowhere-sur-Mer"), "swapped"),
        (at(-7.6, 33.5, "MA"), "swapped"),
        (at(59.9, 10.7, "IT"), "km from IT"),
    ],
)
def test_what_cannot_be_is_told(place: Location, says: str):
    assert says in misplacement(place)


@pytest.mark.parametrize(
    "place",
    [
        at(35.5, 12.6, "IT"),  # Lampedusa
        at(36.4, 25.4, "GR"),
        at(28.3, -16.5, "ES"),
        at(23, 5, "DZ"),  # far from everything, and in the desert
        at(20, 18, "TD"),
        at(72, -40, "GL"),
        at(33.5, -7.6, "ES"),  # near its country, in another
        at(48.85, 2.35, "XX"),
    ],
)
def test_what_may_be_is_believed(place: Location):
    assert misplacement(place) == ""


def test_no_town_that_ships_is_taken_for_a_mistake():
    with TOWNS.open(encoding="utf-8", newline="") as file:
        towns = list(csv.DictReader(file))[::20]
    wrong = [misplacement(at(float(t["latitude"]), float(t["longitude"]), t["country"])) for t in towns]
    assert [said for said in wrong if said] == []


def test_the_coasts_are_those_of_the_map():
    coasts = json.loads(COAST.read_text(encoding="utf-8"))["coast"]
    assert coasts == json.loads(MAP.read_text(encoding="utf-8"))["coast"]
