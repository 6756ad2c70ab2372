"""The areas that services say they serve: whether somebody is in one of them, and whether it is surely elsewhere.

An editor writes an area as people call it: a town, a province, a region. Names are compared without case, accents and
words such as "province of". Which province and region a point lies in is told by the nearest of the points that ship
(`data/regions.csv`): near a border it may be the neighbour's. What nobody knows the name of is not judged.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from msgspec import Struct

from directory.geography import distance_m
from directory.model import FoundPlace
from directory.places import Places
from directory.spelling import fold

REGIONS = Path(__file__).resolve().parent / "data" / "regions.csv"

#: Towns so near count as the town one is in.
SAME_TOWN_M = 5_000
#: Farther from every point that ships nobody knows in which region one is.
FARTHEST_M = 50_000

#: So many answers are remembered: most people ask about the same few towns.
MOST_REMEMBERED = 500

#: Words around the name of an area, in the languages people write.
_WORDS_AROUND = """
    province region state district department county governorate prefecture metropolitan city area of the and
    provincia provincias regione region estado departamento comunidad autonoma municipio di de del della dei degli la el
    région départements département gouvernorat wilaya préfecture canton du des d l le les et
    محافظة ولاية إقليم اقليم منطقة مقاطعة
"""
_AROUND = frozenset(map(fold, _WORDS_AROUND.split()))


@lru_cache(maxsize=16_384)
def area_key(name: str) -> str:
    """By which two names of an area are compared: "Provincia di Imperia" and "imperia" are one."""
    words = fold(name).split()
    return " ".join(word for word in words if word not in _AROUND) or " ".join(words)


class Here(Struct, frozen=True):
    """Where somebody is, by the keys of its names. `town` is what it is called in the language of the answer."""

    town: str
    towns: frozenset[str]
    regions: frozenset[str]
    elsewhere: frozenset[str] = frozenset()  # towns and regions of the country that one is not in

    @property
    def keys(self) -> frozenset[str]:
        return self.towns | self.regions

    def served(self, areas: Iterable[str]) -> str | None:
        """The first of the areas that one is in, as it is written; the town by the name given here."""
        written = list(areas)
        if any(area_key(area) in self.towns for area in written):
            return self.town
        return next((area for area in written if area_key(area) in self.regions), None)

    def beyond(self, areas: Iterable[str]) -> bool:
        """Whether every one of the areas is known to be another."""
        keys = {area_key(area) for area in areas}
        return bool(keys) and keys <= self.elsewhere


class Regions:
    """Which province and region a point lies in. Read when first asked: no start waits for it."""

    def __init__(self, path: Path = REGIONS) -> None:
        self._path = path

    @cached_property
    def _countries(self) -> dict[str, _Country]:
        rows: dict[str, list[tuple[float, float, frozenset[str]]]] = defaultdict(list)
        with self._path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                names = (row["region"], row["district"], *row["other"].split("|"))
                keys = frozenset(area_key(name) for name in names if name)
                for point in row["points"].split(";"):
                    latitude, longitude = map(float, point.split())
                    rows[row["country"]].append((latitude, longitude, keys))
        return {country: _Country(points) for country, points in rows.items()}

    def at(self, latitude: float, longitude: float, country: str) -> frozenset[str]:
        """Keys of the province and region there. Empty where nobody knows."""
        there = self._countries.get(country)
        return there.nearest(latitude, longitude) if there is not None else frozenset()

    def of(self, country: str) -> frozenset[str]:
        """Keys of every province and region of a country that we know."""
        there = self._countries.get(country)
        return there.keys if there is not None else frozenset()


class _Country:
    def __init__(self, points: list[tuple[float, float, frozenset[str]]]) -> None:
        self._keys = [keys for _, _, keys in points]
        self._points = np.array([(latitude, longitude) for latitude, longitude, _ in points])
        self.keys = frozenset().union(*self._keys)

    def nearest(self, latitude: float, longitude: float) -> frozenset[str]:
        north = self._points[:, 0] - latitude
        east = (self._points[:, 1] - longitude) * np.cos(np.radians(latitude))
        best = int(np.argmin(north * north + east * east))
        near = distance_m(latitude, longitude, *map(float, self._points[best])) <= FARTHEST_M
        return self._keys[best] if near else frozenset()


class Areas:
    """Says of a point where it is, by the places and regions that are known. Made anew when the places change."""

    def __init__(self, places: Places, regions: Regions) -> None:
        self._places, self._regions = places, regions
        self._towns: dict[str, frozenset[str]] = {}
        self._asked: dict[tuple[FoundPlace, str], Here] = {}

    def here(self, place: FoundPlace, *, language: str) -> Here:
        """Where somebody is who named this place, or shared a point near it."""
        found = self._asked.get((place, language))
        if found is None:
            if len(self._asked) >= MOST_REMEMBERED:
                self._asked.clear()
            found = self._asked[place, language] = self._look(place, language)
        return found

    def _look(self, place: FoundPlace, language: str) -> Here:
        point = (place.latitude, place.longitude, place.country)
        named = self._places.named(place.name, place.country)
        near = self._places.around(*point, radius_m=SAME_TOWN_M)
        spellings = {spelling for each in (*named, *near) for spelling in each.spellings()}
        towns = frozenset(map(area_key, {place.name, *spellings})) - {""}
        within = self._regions.at(*point)
        known = self._regions.of(place.country) | self._towns_of(place.country) if within else frozenset()
        called = self._places.name_in(place.name, place.country, language)
        return Here(called, towns, within, known - within - towns)

    def _towns_of(self, country: str) -> frozenset[str]:
        if country not in self._towns:
            theirs = (place for place in self._places if place.country == country)
            self._towns[country] = frozenset(area_key(name) for place in theirs for name in place.spellings())
        return self._towns[country]
