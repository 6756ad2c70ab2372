"""Points that cannot be where they are said to be: swapped, at sea, in another country, far from their own town.

Whoever is sent to such a point finds nobody. Where the town is one that we know, it is asked first. Otherwise the
points that ship (`data/towns.csv`, `data/places.csv`, `data/regions.csv`) say in which countries people live near a
point, and the coasts (`data/coast.json`) what is sea. What lies near any of them is believed: the coasts are coarse.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from functools import cached_property, lru_cache
from math import floor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from directory.areas import REGIONS
from directory.geography import METRES_A_DEGREE, distance_m
from directory.locations import FRONT_GATE_DIGITS, Location
from directory.places import SUPPLEMENT, TOWNS, Places
from directory.words import because

COAST = Path(__file__).resolve().parent / "data" / "coast.json"

#: Farther from its own town than this, a service is not in it: the point is wrong, or the town.
FAR_FROM_TOWN_M = 150_000
#: Farther from every point that we know of a country, a point is not in it, if it is near another's.
FAR_FROM_COUNTRY_M = 400_000
#: and so far from them, two figures are swapped that would be among them the other way round.
FAR_IF_SWAPPED_M = 200_000
#: So near a coast it may be an island or a pier that the coasts leave out.
NEAR_COAST_M = 30_000
#: The side of a cell in degrees, for a quick look whether anything known is near: in a cell or beside it.
CELL = 0.5


@lru_cache(maxsize=1)
def _known_towns() -> Places:
    return Places.load()


@lru_cache(maxsize=1)
def _earth() -> Earth:
    return Earth()


def misplacement(place: Location) -> str:
    """Why the point cannot be where it is said to be; empty when nothing speaks so."""
    if place.latitude is None or place.longitude is None:
        return ""
    if not (-90 <= place.latitude <= 90 and -180 <= place.longitude <= 180):
        return ""  # `locations.location_problems` says so
    towns = _known_towns().named(place.city, place.country) if place.city else []
    if not towns:
        return _off_its_country(place.latitude, place.longitude, place.country)

    def far(latitude: float, longitude: float) -> float:
        return min(distance_m(town.latitude, town.longitude, latitude, longitude) for town in towns)

    away = far(place.latitude, place.longitude)
    if away <= FAR_FROM_TOWN_M:
        return ""
    if -90 <= place.longitude <= 90 and far(place.longitude, place.latitude) <= FAR_FROM_TOWN_M:
        return because("latitude and longitude are swapped")
    return because(
        "the point lies {distance} km from {town}: the coordinates or the town are wrong",
        distance=f"{away / 1000:.0f}",
        town=place.city,
    )


def middle_of(town: str, country: str) -> tuple[float, float] | None:
    """The middle of a town, where one place of the country is called so in any language; else None."""
    found = _known_towns().named(town, country) if town else []
    return (found[0].latitude, found[0].longitude) if len(found) == 1 else None


def gate_of(town: str, country: str) -> tuple[float, float] | None:
    """About where the town of a safe place is, so that it is found by who looks for help there. It is made of the name
    of the town, which everybody is told, and of nothing else. None where no one town is called so."""
    middle = middle_of(town, country)
    return None if middle is None else (round(middle[0], FRONT_GATE_DIGITS), round(middle[1], FRONT_GATE_DIGITS))


def in_the_middle(town: str, country: str, latitude: float | None, longitude: float | None) -> bool:
    """Whether the point is the middle of its town, where nobody's door is."""
    return latitude is not None and (latitude, longitude) == middle_of(town, country)


def _off_its_country(latitude: float, longitude: float, country: str) -> str:
    earth = _earth()
    if earth.lived_near(latitude, longitude, country):
        return ""
    away = earth.far_from(latitude, longitude, country)
    if away is not None and away > FAR_IF_SWAPPED_M and earth.lived_near(longitude, latitude, country):
        return because("latitude and longitude are swapped")
    elsewhere = earth.lived_near(latitude, longitude)
    if not elsewhere and earth.at_sea(latitude, longitude):
        return because("the point lies in the sea")
    if elsewhere and away is not None and away > FAR_FROM_COUNTRY_M and earth.knows_all_of(country):
        return because(
            "the point lies {distance} km from {country}: the coordinates or the country are wrong",
            distance=f"{away / 1000:.0f}",
            country=country,
        )
    return ""


class Earth:
    """Where people live, by country, and where the sea is. Read when first asked."""

    def __init__(self) -> None:
        self._dense: set[str] = set()

    @cached_property
    def _points(self) -> dict[str, NDArray[np.float64]]:
        points: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for path in (SUPPLEMENT, TOWNS):
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    points[row["country"]].append((float(row["latitude"]), float(row["longitude"])))
        with REGIONS.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                self._dense.add(row["country"])
                for point in row["points"].split(";"):
                    latitude, longitude = map(float, point.split())
                    points[row["country"]].append((latitude, longitude))
        return {country: np.array(of_it) for country, of_it in points.items()}

    @cached_property
    def _cells(self) -> dict[str, set[tuple[int, int]]]:
        """The cells of each country with a point in them, and those around. "" has those of all."""
        cells: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for country, points in self._points.items():
            for latitude, longitude in points:
                north, east = _cell(latitude, longitude)
                around = {(north + up, east + right) for up in (-1, 0, 1) for right in (-1, 0, 1)}
                cells[country] |= around
                cells[""] |= around
        return cells

    def lived_near(self, latitude: float, longitude: float, country: str = "") -> bool:
        """Whether a point of the country that we know is within some fifty kilometres; of any country for ""."""
        return _cell(latitude, longitude) in self._cells.get(country, ())

    def far_from(self, latitude: float, longitude: float, country: str) -> float | None:
        """Metres to the nearest point of the country that we know; None where we know none."""
        points = self._points.get(country)
        if points is None:
            return None
        north = points[:, 0] - latitude
        east = ((points[:, 1] - longitude + 180) % 360 - 180) * np.cos(np.radians(latitude))
        nearest = points[int(np.argmin(north * north + east * east))]
        return distance_m(latitude, longitude, float(nearest[0]), float(nearest[1]))

    def knows_all_of(self, country: str) -> bool:
        """Whether a point is known in every district of it, and not in its large towns alone."""
        return bool(self._points) and country in self._dense

    def at_sea(self, latitude: float, longitude: float) -> bool:
        """Whether no land is here and none near.

        On land a line to any side meets the coasts an odd number of times. All four are asked, for where the coasts
        were thinned two of them may cross, and a place where people live must not be taken for the sea.
        """
        here = (latitude, longitude)
        on_land = any(met % 2 for along in (0, 1) for met in self._met(here, along))
        return not on_land and not self._near_coast(latitude, longitude)

    def _met(self, here: tuple[float, float], along: int) -> tuple[int, int]:
        """How many coasts lie before and behind on the line through here, along the latitude (0) or longitude (1)."""
        begin, end = self._coast
        other = 1 - along
        across = (begin[:, other] <= here[other]) != (end[:, other] <= here[other])
        first, second = begin[across], end[across]
        share = (here[other] - first[:, other]) / (second[:, other] - first[:, other])
        before = int(np.count_nonzero(first[:, along] + share * (second[:, along] - first[:, along]) > here[along]))
        return before, len(first) - before

    def _near_coast(self, latitude: float, longitude: float) -> bool:
        begin, end = self._coast
        scale = np.array([1.0, max(0.01, float(np.cos(np.radians(latitude))))])
        here, along = (np.array([latitude, longitude]) - begin) * scale, (end - begin) * scale
        length = np.maximum((along * along).sum(axis=1), 1e-12)
        share = np.clip((here * along).sum(axis=1) / length, 0, 1)
        off = here - along * share[:, None]
        return bool(np.sqrt((off * off).sum(axis=1).min()) * METRES_A_DEGREE <= NEAR_COAST_M)

    @cached_property
    def _coast(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The beginnings and the ends of the pieces of every coast, as latitude and longitude."""
        begin, end = [], []
        for steps in json.loads(COAST.read_text(encoding="utf-8"))["coast"]:
            line = np.cumsum(np.array(steps, dtype=np.float64).reshape(-1, 2), axis=0)[:, ::-1] / 100
            begin.append(line[:-1])
            end.append(line[1:])
        first, second = np.concatenate(begin), np.concatenate(end)
        short = np.abs(first[:, 1] - second[:, 1]) < 180  # not what closes a ring over the date line
        return first[short], second[short]


def _cell(latitude: float, longitude: float) -> tuple[int, int]:
    return floor(latitude / CELL), floor(longitude / CELL)
