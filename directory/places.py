"""What people type, in any script and misspelt, as a place on the map.

Two lists are searched: the towns in which this directory offers something, and the supplement that ships with it
(borders, islands, camps and towns on the routes; `data/places.csv`). A name is compared as it is written, after
folding what keyboards confuse, and, across scripts, by its consonants alone. Who asks is told "which of these?"
when the answer would be a guess.
"""

from __future__ import annotations

import csv
import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from directory.countries import and_its_country, country_named
from directory.geography import METRES_A_DEGREE, distance_m
from directory.scripts import romanised
from directory.spelling import LONGEST_NAME as LONGEST_NAME
from directory.spelling import (
    bare,
    consonants,
    ear,
    fold,
    in_latin,
    likeness,
    sounds,
    spelt_out,
    without_prefix,
)

SUPPLEMENT = Path(__file__).resolve().parent / "data" / "places.csv"
TOWNS = SUPPLEMENT.with_name("towns.csv")
#: The places whose English name is not the one that GeoNames has, by key.
ENGLISH = SUPPLEMENT.with_name("english.csv")
#: What people call a place beside its names: short, among locals, in another language.
CALLED = SUPPLEMENT.with_name("called.csv")

#: A shared location farther from every known place has no name here.
FARTHEST_M = 200_000
#: Two towns of one name nearer than this are one.
SAME_TOWN_M = 15_000

#: Below this a likeness is no answer; from SURE on, alone at the top, it is the answer.
POSSIBLE, SURE = 74.0, 86.0
#: The runner-up must be so far behind for the best to stand alone.
CLEAR_LEAD = 7.0
#: What the country of the conversation adds.
COUNTRY_BONUS = 12.0
#: How much a name that was written as it is fits.
AS_WRITTEN = 100.0
CHOICES = 3
#: How much two names of one sound are alike beyond their letters, where the vowels are written.
SOUND_BONUS = 10.0
#: How well a name fits that is written otherwise and read aloud alike (kito, Quito): so much, a part of how like its
#: letters are, and for each step of its weight, for of small towns too many sound like something.
SOUNDS_ALIKE, SOUNDS_ALIKE_BY_LETTERS, SOUNDS_ALIKE_BY_WEIGHT = 50.0, 0.4, 2.0
#: Read aloud out of another script a name is like many: what a place has in its favour for each step of its weight
#: above the usual one.
READ_ALOUD_BY_WEIGHT, READ_ALOUD_USUAL = 1.5, 4
#: How well the beginning of a name fits, less one for each letter left out; a shorter one is of too many names.
CUT_SHORT, SHORTEST_BEGINNING = 84.0, 5
#: How well a name fits that is heard alike by a foreign ear, and how much of that its letters say.
EAR_ALIKE, EAR_BY_LETTERS, SHORTEST_HEARD = 76.0, 14.0, 3
#: So many of the names that are nearest by their letters, or by their consonants, are compared.
COMPARED = 48
#: What each step of its weight has in a place's favour: one letter more of likeness must not beat a city fifty times
#: as large. Above the heaviest, and for places of the usual weight, nothing more.
PRIOR_BY_WEIGHT, HEAVIEST, USUAL = 2.5, 6, 3
#: What a name has in its favour beside which its country was named.
NAMED_BESIDE = 10.0
#: A place of this weight and less is seldom meant by another name than its own: Zurik is Zurich, and not Żurrieq.
SELDOM_MEANT, OTHER_NAME = 2, 4.0
#: What a place has in its favour for lying on the routes, against all the towns of the world.
OWN_BONUS = 4.0


class Place(Struct, frozen=True):
    """A place with its names. `weight` 1 to 10: how likely it is meant when the name fits several."""

    key: str
    name: str  # what GeoNames calls it
    country: str
    latitude: float
    longitude: float
    kind: str = "town"
    route: str = ""
    weight: int = 5
    names: Mapping[str, str] = field(default_factory=dict)  # by language: en fr es ar
    aliases: tuple[str, ...] = ()

    def name_in(self, language: str) -> str:
        """The name people of that language use, else the canonical one."""
        return self.names.get(language) or self.name

    @property
    def english(self) -> str:
        """Its English name, by which it is told outward: Seville, where GeoNames itself has Sevilla."""
        return self.name_in("en")

    def spellings(self) -> list[str]:
        return [self.name, *self.names.values(), *self.aliases]


def load_supplement(path: Path = SUPPLEMENT) -> list[Place]:
    """The shipped list. Raises ValueError naming the line that is wrong."""
    return list(_read_supplement(path))


def _read_supplement(path: Path) -> Iterator[Place]:
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                yield _place(row)
            except (KeyError, ValueError) as error:
                raise ValueError(f"{path.name}, line {line}: {error}") from error


def _names(row: Mapping[str, str]) -> dict[str, str]:
    english = _english_names().get(row["key"])
    names = {language: row[language] for language in ("fr", "es", "ar") if row[language]}
    return {"en": english, **names} if english else names


@cache
def _english_names() -> Mapping[str, str]:
    with ENGLISH.open(encoding="utf-8", newline="") as file:
        return {row["key"]: row["english"] for row in csv.DictReader(file)}


@cache
def called_otherwise() -> Mapping[str, tuple[str, ...]]:
    """What people call places beside their names, by the key of the place."""
    found: dict[str, tuple[str, ...]] = {}
    with CALLED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["key"]] = (*found.get(row["key"], ()), row["called"])
    return found


def _place(row: Mapping[str, str]) -> Place:
    latitude, longitude, weight = float(row["latitude"]), float(row["longitude"]), int(row["weight"])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError("coordinates are not on the earth")
    if not (len(row["country"]) == 2 and row["country"].isupper() and 1 <= weight <= 10):
        raise ValueError("the country needs two capital letters, the weight is 1 to 10")
    return Place(
        key=row["key"],
        name=row["name"],
        country=row["country"],
        latitude=latitude,
        longitude=longitude,
        kind=row["kind"],
        route=row["route"],
        weight=weight,
        names=_names(row),
        aliases=(*called_otherwise().get(row["key"], ()), *filter(None, row["other"].split("|"))),
    )


class Index(Struct, frozen=True):
    """What `Places` looks in. Working it out takes seconds for thousands of towns, so it can be kept in a file.

    Thousands of towns have a hundred thousand spellings: each is kept once, and found by halving, by a hash of its
    sound or by its consonants. Dictionaries for all of this took twice the memory. The bytes are arrays of numbers,
    the lowest byte first.
    """

    places: list[Place]
    #: Every spelling, folded and in order, and whose it is.
    written: list[str]
    written_of: bytes
    #: The hashes of how they sound, in order, and of which spelling.
    heard: bytes
    heard_order: bytes
    #: The different skeletons; then, once a place: which of these a name has, and the position of the first such name.
    bones: list[str]
    bones_at: bytes
    bones_of: bytes


_NUMBER, _HASH = np.dtype("<u4"), np.dtype("<i8")


def index(places: Iterable[Place], *, aliases_kept: bool = True) -> Index:
    """`aliases_kept`: False where nobody asks a place for its spellings, and no other `Places` is made of this."""
    known: list[Place] = []
    written, written_of = list[str](), array("I")
    for at, place in enumerate(places):
        known.append(place if aliases_kept else replace(place, aliases=()))
        for spelling in filter(None, dict.fromkeys(map(fold, place.spellings()))):
            written.append(spelling)
            written_of.append(at)
    in_order = sorted(range(len(written)), key=written.__getitem__)
    ordered = [written[at] for at in in_order]
    whose = np.array(written_of, _NUMBER)[in_order] if in_order else np.zeros(0, _NUMBER)
    heard = np.array(array("q", map(_hash, map(sounds, ordered))), _HASH)
    heard_order = np.argsort(heard, kind="stable")
    bones, bones_at, bones_of = _skeletons(ordered, whose, np.argsort(in_order))
    return Index(
        known,
        ordered,
        whose.tobytes(),
        heard[heard_order].tobytes(),
        heard_order.astype(_NUMBER).tobytes(),
        bones,
        bones_at,
        bones_of,
    )


def _skeletons(
    ordered: Sequence[str], whose: NDArray[np.uint32], as_given: NDArray[np.intp]
) -> tuple[list[str], bytes, bytes]:
    """The consonants of every name, once a place, and the position of the first name that has them."""
    different: dict[str, int] = {}
    found, first = array("I"), array("I")
    for _place, positions in groupby(as_given.tolist(), whose.__getitem__):
        theirs: dict[str, int] = {}
        for position in positions:
            theirs.setdefault(consonants(ordered[position]), position)
        for bones, position in theirs.items():
            if len(bones) > 1:
                found.append(different.setdefault(bones, len(different)))
                first.append(position)
    return list(different), np.array(found, _NUMBER).tobytes(), np.array(first, _NUMBER).tobytes()


class Places:
    """Every known place, ready to be searched. Does not change: `with_towns` makes another."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._look_in(index(places))

    @classmethod
    def of(cls, known: Index) -> Places:
        """Without working out again what is known."""
        places = cls.__new__(cls)
        places._look_in(known)
        return places

    def _look_in(self, known: Index) -> None:
        self._places = known.places
        self._written = known.written
        self._written_of = np.frombuffer(known.written_of, _NUMBER)
        self._heard = np.frombuffer(known.heard, _HASH)
        self._heard_order = np.frombuffer(known.heard_order, _NUMBER)
        self._bones = [known.bones[at] for at in np.frombuffer(known.bones_at, _NUMBER).tolist()]
        self._bones_of = np.frombuffer(known.bones_of, _NUMBER)
        points = [(place.latitude, place.longitude) for place in self._places]
        self._points = np.radians(np.array(points, dtype=float).reshape(-1, 2))

    @classmethod
    def load(cls, path: Path = SUPPLEMENT) -> Places:
        return cls(load_supplement(path))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places)

    def _called(self, written: str) -> list[Place]:
        """The places with exactly this spelling, folded, in the order in which they were given."""
        start, end = bisect_left(self._written, written), bisect_right(self._written, written)
        return [self._places[at] for at in self._written_of[start:end].tolist()]

    def _heard_as(self, written: str) -> list[int]:
        """Where in what is written names stand that are read aloud like this one."""
        sound = _hash(sounds(written))
        start, end = np.searchsorted(self._heard, sound, "left"), np.searchsorted(self._heard, sound, "right")
        return [int(position) for position in self._heard_order[start:end]]

    def with_towns(self, towns: Iterable[tuple[str, str, float, float]]) -> Places:
        """These places and the directory's own towns (name, country, latitude, longitude), save those known already."""
        added = []
        for name, country, latitude, longitude in towns:
            same = [place for place in self._called(fold(name)) if place.country == country]
            if all(distance_m(p.latitude, p.longitude, latitude, longitude) > SAME_TOWN_M for p in same):
                key = f"own:{country}:{fold(name)}"
                added.append(Place(key, name, country, latitude, longitude, kind="own", weight=6))
        return Places([*self._places, *added]) if added else self

    def resolve(self, words: str, *, country: str | None = None, beyond: Gazetteer | None = None) -> list[Place]:
        """Places that `words` may mean, best first: one when it is clear, up to three when it would be a guess.

        `beyond` is asked when none of these places is meant for certain. The name of a country is no slip of a
        town's: Kenya is not Konya, أوكرانيا is no village in it, and تونس may be Tunis.
        """
        written = spelt_out(fold(words[: LONGEST_NAME * 4]))
        stripped = bare(written)
        attempts = (written, stripped, without_prefix(stripped))
        if not any(map(self._called, attempts)) and (told := and_its_country(written)):
            return self._in_country(*told, beyond)
        best: dict[str, tuple[float, Place]] = {}
        for attempt in attempts:
            if same := self._called(attempt):
                if any(place.weight > SELDOM_MEANT or fold(place.english) == attempt for place in same):
                    return _choose_same_name(same, country)
                best.update({place.key: (AS_WRITTEN - OTHER_NAME, place) for place in same})
        for attempt in dict.fromkeys((written, stripped)):
            if 1 < len(attempt) <= LONGEST_NAME:
                self._alike(attempt, best)
        self._read_aloud(words, best)
        ranked = _ranked(best, country)
        if beyond is not None:
            ranked = _merged(ranked, beyond.scored(words, country=country))
        if named := country_named(words):
            enough = AS_WRITTEN + (COUNTRY_BONUS if named.code == country else 0.0)
            ranked = [(score, place) for score, place in ranked if place.country == named.code and score >= enough]
        return _choose(ranked)

    def _in_country(self, name: str, code: str, beyond: Gazetteer | None) -> list[Place]:
        """Places of the country that was named beside them; there a name is enough that elsewhere would be too little
        like one: seget hungary."""
        ranked = self.of_country(name, code)
        if isinstance(beyond, ShippedTowns):
            ranked = _merged(ranked, beyond.read().of_country(name, code))
        elif beyond is not None:
            ranked = _merged(ranked, [pair for pair in beyond.scored(name, country=code) if pair[1].country == code])
        return _choose(ranked)

    def of_country(self, name: str, code: str) -> Ranked:
        """Places of a country that `name` (folded) may mean, best first."""
        best: dict[str, tuple[float, Place]] = {}
        stripped = bare(name)
        for at in np.flatnonzero(np.array([place.country == code for place in self._places], bool)[self._written_of]):
            written, place = self._written[at], self._places[int(self._written_of[at])]
            score = max(
                likeness(name, written),
                likeness(stripped, written),
                _alike_by_ear(stripped, written),
                _cut_short(stripped, written),
            )
            if score > best.get(place.key, (0.0, place))[0]:
                best[place.key] = score, place
        return _ranked({key: (score + NAMED_BESIDE, place) for key, (score, place) in best.items()}, None)

    def scored(self, words: str, *, country: str | None = None) -> Ranked:
        """As a gazetteer: places that `words` may mean with how well they fit, best first."""
        stripped = bare(spelt_out(fold(words[: LONGEST_NAME * 4])))
        best: dict[str, tuple[float, Place]] = {}
        for attempt in dict.fromkeys((stripped, without_prefix(stripped))):
            same = self._called(attempt)
            best.update({place.key: (AS_WRITTEN, place) for place in same})
            if not same and 1 < len(attempt) <= LONGEST_NAME:
                self._alike(attempt, best)
        self._read_aloud(words, best)
        return _ranked(best, country)

    def _read_aloud(self, words: str, best: dict[str, tuple[float, Place]]) -> None:
        """Note those that sound like what is written in a script in which few places have a name."""
        heard = romanised(words[: LONGEST_NAME * 4])
        if heard != words[: LONGEST_NAME * 4] and 1 < len(heard) <= LONGEST_NAME:
            near: dict[str, tuple[float, Place]] = {}
            self._alike(fold(heard), near, vowels_are_sure=False)
            for key, (score, place) in near.items():
                known = score + READ_ALOUD_BY_WEIGHT * (place.weight - READ_ALOUD_USUAL)
                if known > best.get(key, (0.0, place))[0]:
                    best[key] = (known, place)

    def _alike(self, written: str, best: dict[str, tuple[float, Place]], *, vowels_are_sure: bool = True) -> None:
        """Note in `best` how much each place's best spelling is like what was written, for those that come near."""

        def keep(score: float, place: Place) -> None:
            if score > best.get(place.key, (0.0, place))[0]:
                best[place.key] = (score, place)

        for position in self._heard_as(written):
            name, place = self._written[position], self._place_written(position)
            by_letters = SOUNDS_ALIKE_BY_LETTERS * likeness(written, name)
            keep(SOUNDS_ALIKE + by_letters + SOUNDS_ALIKE_BY_WEIGHT * place.weight, place)
        for name, _ratio, position in process.extract(
            written, self._written, scorer=fuzz.ratio, score_cutoff=POSSIBLE - 14, limit=COMPARED
        ):
            score = max(likeness(written, name), _cut_short(written, name), _alike_by_ear(written, name))
            keep(score, self._place_written(position))
        bones, latin = consonants(written), in_latin(written)
        if len(bones) > 2:
            for name, ratio, position in process.extract(
                bones, self._bones, scorer=fuzz.ratio, score_cutoff=POSSIBLE, limit=COMPARED
            ):
                at = int(self._bones_of[position])
                if vowels_are_sure and written.isascii():
                    keep(_alike_by_ear(written, self._written[at]), self._place_written(at))
                shorter = min(len(bones), len(name))
                if ratio == 100 or shorter > 4:  # consonants alone say less, and the fewer the less
                    other = in_latin(self._written[at])
                    score = 0.7 * ratio + 0.3 * fuzz.ratio(latin, other) - 12 / shorter
                    if (
                        vowels_are_sure and written.isascii()
                    ):  # with vowels written, two names may sound alike and be quite different
                        score = min(score, likeness(latin, other) + SOUND_BONUS)
                    keep(score, self._place_written(at))

    def _place_written(self, position: int) -> Place:
        return self._places[int(self._written_of[position])]

    def name_in(self, name: str, country: str, language: str) -> str:
        """How people of a language call the place with this canonical name."""
        for place in self._called(fold(name)):
            if place.country == country:
                return place.name_in(language)
        return name

    def named(self, name: str, country: str) -> list[Place]:
        """The places of a country that are called exactly so, in any of their spellings."""
        return [place for place in self._called(fold(name)) if place.country == country]

    def around(self, latitude: float, longitude: float, country: str, *, radius_m: float) -> list[Place]:
        """The known places of a country within a few kilometres of a point."""
        angle = radius_m / METRES_A_DEGREE
        across = angle / max(0.05, float(np.cos(np.radians(latitude))))
        off = np.abs(np.degrees(self._points) - (latitude, longitude)) <= (angle, across)
        found = [self._places[int(number)] for number in np.flatnonzero(off.all(axis=1))]
        return [
            place
            for place in found
            if place.country == country and distance_m(latitude, longitude, place.latitude, place.longitude) <= radius_m
        ]

    def nearest(self, latitude: float, longitude: float) -> Place | None:
        """The known place nearest to a point; None when all are farther than FARTHEST_M."""
        if not self._places or not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            return None
        here = np.radians([latitude, longitude])
        half = np.sin((self._points - here) / 2) ** 2
        chord = half[:, 0] + np.cos(here[0]) * np.cos(self._points[:, 0]) * half[:, 1]
        place = self._places[int(np.argmin(chord))]
        near = distance_m(latitude, longitude, place.latitude, place.longitude) <= FARTHEST_M
        return place if near else None


class Gazetteer(Protocol):
    """A larger list to look in when a name is not among one's own places."""

    def scored(self, words: str, *, country: str | None = None) -> list[tuple[float, Place]]:
        """Places that `words` may mean with how well they fit, best first."""
        ...


def index_of_towns() -> Index:
    """Worked out from the list that ships. Takes seconds of processor time."""
    return index(_read_supplement(TOWNS), aliases_kept=False)


class ShippedTowns:
    """The larger towns of the countries around the routes: what is looked in where nobody has built the gazetteer.

    No start waits until they are read.
    """

    def __init__(self, known: Callable[[], Index] = index_of_towns) -> None:
        """`known` gives what `index_of_towns` does, perhaps sooner."""
        self._known = known
        self._reading = Lock()
        self._places: Places | None = None

    def read(self) -> Places:
        """Read them, once, whoever asks first. Whoever serves people does it before they name a town."""
        with self._reading:
            if self._places is None:
                self._places = Places.of(self._known())
            return self._places

    def scored(self, words: str, *, country: str | None = None) -> list[tuple[float, Place]]:
        return self.read().scored(words, country=country)


Ranked = list[tuple[float, Place]]


def _ranked(scores: Mapping[str, tuple[float, Place]], country: str | None) -> Ranked:
    found = [
        (score + _prior(place) + (COUNTRY_BONUS if place.country == country else 0.0), place)
        for score, place in scores.values()
        if score >= POSSIBLE
    ]
    return sorted(found, key=_best_first)


def _best_first(pair: tuple[float, Place]) -> tuple[float, str]:
    return -pair[0], pair[1].key


def _merged(own: Ranked, others: Ranked) -> Ranked:
    """One's own places are likelier to be meant; a place in both lists is one's own, as well as it fits in either."""
    merged = [(score + OWN_BONUS, place) for score, place in own]
    for score, place in others:
        same = next((i for i, (_, mine) in enumerate(merged) if _same_place(mine, place)), None)
        if same is None:
            merged.append((score, place))
        elif score > merged[same][0]:
            merged[same] = score, merged[same][1]
    return sorted(merged, key=_best_first)


def _same_place(one: Place, other: Place) -> bool:
    near = distance_m(one.latitude, one.longitude, other.latitude, other.longitude) <= SAME_TOWN_M
    return near and one.country == other.country


def _choose(ranked: Ranked) -> list[Place]:
    """The first alone where it is clear; else those that may be meant, for the person to choose."""
    if not ranked:
        return []
    top = ranked[0][0]
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    if top >= SURE and top - second >= CLEAR_LEAD:
        return [ranked[0][1]]
    return [place for score, place in ranked if score >= top - 2 * CLEAR_LEAD][:CHOICES]


def _choose_same_name(same: Sequence[Place], country: str | None) -> list[Place]:
    """Places of one name: the one in the person's country, else the one that is meant far more often, else all."""
    here = [place for place in same if place.country == country]
    ranked = sorted(here or same, key=lambda place: (-place.weight, place.key))
    if len(ranked) == 1 or ranked[0].weight - ranked[1].weight >= 5:
        return ranked[:1]
    return ranked[:CHOICES]


def _cut_short(written: str, name: str) -> float:
    """How well a name fits whose last letters somebody left out: Bruxel, Tapachul."""
    if len(written) < SHORTEST_BEGINNING or not name.startswith(written):
        return 0.0
    return CUT_SHORT - (len(name) - len(written))


def _alike_by_ear(written: str, name: str) -> float:
    """How well a name fits that was written as a foreign ear kept it: brendezi, wejda."""
    heard, named = ear(written), ear(name)
    if len(heard) < SHORTEST_HEARD or not name.isascii():
        return 0.0
    alike = OSA.normalized_similarity(heard, named)
    return EAR_ALIKE * alike + EAR_BY_LETTERS * likeness(written, name) / 100


def _prior(place: Place) -> float:
    """How much likelier a place is meant than one of the usual weight, before a letter is read."""
    return PRIOR_BY_WEIGHT * (min(place.weight, HEAVIEST) - USUAL)


def _hash(sound: str) -> int:
    return int.from_bytes(hashlib.blake2b(sound.encode(), digest_size=8).digest(), signed=True)
