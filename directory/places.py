"""What people type, in any script and misspelt, as a place on the map.

Two lists are searched: the towns in which this directory offers something, and the supplement that ships with it
(borders, islands, camps and towns on the routes; `data/places.csv`). A name is compared as it is written, after
folding what keyboards confuse, and, across scripts, by its consonants alone. Who asks is told "which of these?"
when the answer would be a guess.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from directory.countries import and_its_country, country_named, spoken_where
from directory.geography import METRES_A_DEGREE, distance_m
from directory.listed import CALLED as CALLED
from directory.listed import ENGLISH as ENGLISH
from directory.listed import HASH, NUMBER, Table, hashed, read_places
from directory.listed import SUPPLEMENT as SUPPLEMENT
from directory.listed import TOWNS as TOWNS
from directory.listed import Index as Index
from directory.listed import Place as Place
from directory.listed import called_otherwise as called_otherwise
from directory.listed import index as index
from directory.listed import load_supplement as load_supplement
from directory.near_names import Spellings
from directory.scripts import romanised
from directory.spelling import LONGEST_NAME as LONGEST_NAME
from directory.spelling import (
    bare,
    consonants,
    consonants_of_all,
    ear,
    fold,
    in_latin,
    likeness,
    sounds,
    spelt_out,
    with_article,
    without_ending,
    without_prefix,
)

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
#: How well it fits where whole words were left out: Yverdon.
CUT_AT_A_WORD = 83.0
#: For which of several places of one name the name speaks that is its own, in steps of its weight.
ITSELF = 2
#: What counts against a name that a place has in another language.
OTHER_LANGUAGE = 3.0
#: How well a name fits that is heard alike by a foreign ear, and how much of that its letters say.
EAR_ALIKE, EAR_BY_LETTERS, SHORTEST_HEARD = 76.0, 14.0, 3
#: Fewer consonants are those of too many names.
FEWEST_CONSONANTS = 3
#: So like must its letters be where only the ear says that it is meant.
EAR_ALONE = 50.0
#: So many of the names that are nearest by their letters, or by their consonants, are compared.
COMPARED = 48
#: What each step of its weight has in a place's favour: one letter more of likeness must not beat a city fifty times
#: as large. Above the heaviest, and for places of the usual weight, nothing more.
PRIOR_BY_WEIGHT, HEAVIEST, USUAL = 2.5, 6, 3
#: What a place has in its favour where the person's language is spoken, if nothing else tells where they are: rene is
#: Rennes in French.
SPOKEN_BONUS = 5.0
#: What a name has in its favour beside which its country was named.
NAMED_BESIDE = 10.0
#: A place of this weight and less is seldom meant by another name than its own: Zurik is Zurich, and not Żurrieq.
SELDOM_MEANT, OTHER_NAME = 2, 4.0
#: A place of this weight is meant by its name also where people say that it is in another country: Melilla, Morocco.
MEANT_ANYWHERE = 5
#: Where a town's Arabic name is its own.
WRITE_ARABIC = frozenset(re.findall("..", "DZTDKMDJEGERIQJOKWLBLYMRMAOMPSQASASOSDSYTNAEEHYE"))
#: What a place has in its favour for lying on the routes, against all the towns of the world.
OWN_BONUS = 4.0


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
        self._places = Table(known.places)
        self._countries = np.array([place.country for place in known.places], "U2")
        self._written = Spellings(known.written)
        self._written_of = np.frombuffer(known.written_of, NUMBER)
        self._heard = np.frombuffer(known.heard, HASH)
        self._heard_order = np.frombuffer(known.heard_order, NUMBER)
        self._eared = np.frombuffer(known.eared, HASH)
        self._eared_order = np.frombuffer(known.eared_order, NUMBER)
        self._bones = Spellings(known.bones)
        self._bones_at = np.frombuffer(known.bones_at, NUMBER)
        self._bones_of = np.frombuffer(known.bones_of, NUMBER)
        points = [(place.latitude, place.longitude) for place in known.places]
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
        return _those_of(hashed(sounds(written)), self._heard, self._heard_order)

    def _kept_by_ear(self, written: str) -> list[int]:
        """Where names stand that a foreign ear keeps like this one."""
        heard = ear(written)
        return [] if len(heard) < SHORTEST_HEARD else _those_of(hashed(heard), self._eared, self._eared_order)

    def _beginning_with(self, written: str) -> range:
        """Where names stand of which only whole words were left out: Digne."""
        if len(written) < SHORTEST_BEGINNING:
            return range(0)
        start, end = bisect_left(self._written, f"{written} "), bisect_left(self._written, f"{written}!")
        return range(start, min(end, start + COMPARED))

    def with_towns(self, towns: Iterable[tuple[str, str, float, float]]) -> Places:
        """These places and the directory's own towns (name, country, latitude, longitude), save those known already."""
        added = []
        for name, country, latitude, longitude in towns:
            same = [place for place in self._called(fold(name)) if place.country == country]
            if all(distance_m(p.latitude, p.longitude, latitude, longitude) > SAME_TOWN_M for p in same):
                key = f"own:{country}:{fold(name)}"
                added.append(Place(key, name, country, latitude, longitude, kind="own", weight=6))
        return Places([*self._places, *added]) if added else self

    def resolve(
        self, words: str, *, country: str | None = None, beyond: Gazetteer | None = None, language: str = ""
    ) -> list[Place]:
        """Places that `words` may mean, best first: one when it is clear, up to three when it would be a guess.

        `language`: in which the person writes. Where no country is known, a place where it is spoken is likelier.
        `beyond` is asked when none of these places is meant for certain. The name of a country is no slip of a
        town's: Kenya is not Konya, أوكرانيا is no village in it, and تونس may be Tunis.
        """
        written = spelt_out(fold(words[: LONGEST_NAME * 4]))
        stripped = bare(written)
        attempts = (written, stripped, without_prefix(stripped), with_article(stripped))
        if not any(map(self._called, attempts)) and (told := and_its_country(written)):
            found = self._in_country(*told, beyond) or self._elsewhere(told[0], country, beyond)
            return found or self._ending_like(written, told[1])
        spoken_in = frozenset[str]() if country else spoken_where(written, language)
        best: dict[str, tuple[float, Place]] = {}
        for attempt in attempts:
            if same := self._called(attempt):
                if any(_is_meant_by(attempt, place) for place in same):
                    return _choose_same_name(same, attempt, country, spoken_in)
                best.update({place.key: (AS_WRITTEN - OTHER_NAME, place) for place in same})
        for attempt in dict.fromkeys((written, stripped, with_article(stripped), *without_ending(stripped))):
            if 1 < len(attempt) <= LONGEST_NAME:
                self._alike(attempt, best)
        self._read_aloud(words, best)
        ranked = _ranked(best, country)
        if beyond is not None:
            ranked = _merged(ranked, beyond.scored(words, country=country))
        if named := country_named(words):
            enough = AS_WRITTEN + (COUNTRY_BONUS if named.code == country else 0.0)
            ranked = [(score, place) for score, place in ranked if place.country == named.code and score >= enough]
        return _choose(_likelier(ranked, spoken_in))

    def _in_country(self, name: str, code: str, beyond: Gazetteer | None) -> list[Place]:
        """Places of the country that was named beside them; there a name is enough that elsewhere would be too little
        like one: seget hungary."""
        if any(place.weight >= MEANT_ANYWHERE for place in self._called(bare(name))) and not self.named(
            bare(name), code
        ):
            return []
        ranked = self.of_country(name, code)
        if isinstance(beyond, ShippedTowns):
            ranked = _merged(ranked, beyond.read().of_country(name, code))
        elif beyond is not None:
            ranked = _merged(ranked, [pair for pair in beyond.scored(name, country=code) if pair[1].country == code])
        return _choose(ranked)

    def _elsewhere(self, name: str, country: str | None, beyond: Gazetteer | None) -> list[Place]:
        """Places with exactly this name, where the country named beside it has none: Melilla, Morocco."""
        called = self._called(bare(name)) or (isinstance(beyond, ShippedTowns) and beyond.read().called(bare(name)))
        return self.resolve(name, country=country, beyond=beyond) if called else []

    def _ending_like(self, written: str, code: str) -> list[Place]:
        """Places of a country whose own name ends with the country's: saan salvador."""
        return _choose([pair for pair in self.of_country(written, code) if pair[0] >= SURE + NAMED_BESIDE])

    def called(self, written: str) -> list[Place]:
        """The places with exactly this spelling, folded."""
        return self._called(written)

    def of_country(self, name: str, code: str) -> Ranked:
        """Places of a country that `name` (folded) may mean, best first."""
        best: dict[str, tuple[float, Place]] = {}
        stripped = bare(name)
        if same := self._called_in(code, dict.fromkeys((name, stripped, without_prefix(stripped)))):
            return same
        there = np.flatnonzero((self._countries == code)[self._written_of])
        names = [self._written[at] for at in there.tolist()]
        for attempt in dict.fromkeys((name, stripped, with_article(stripped), *without_ending(stripped))):
            for written, _ratio, at in process.extract(
                attempt, names, scorer=fuzz.ratio, score_cutoff=POSSIBLE - NAMED_BESIDE - 14, limit=COMPARED
            ):
                place = self._place_written(int(there[at]))
                score = _written_alike(attempt, written)
                if score > best.get(place.key, (0.0, place))[0]:
                    best[place.key] = score, place
            if not attempt.isascii():
                self._read_alike(attempt, names, there, best)
        return _ranked({key: (score + NAMED_BESIDE, place) for key, (score, place) in best.items()}, None)

    def _read_alike(
        self, written: str, names: list[str], there: NDArray[np.intp], best: dict[str, tuple[float, Place]]
    ) -> None:
        """Note those of these names that have the consonants of one in another script: ألميره, Almere."""
        bones, latin = consonants(written), in_latin(written)
        if len(bones) < FEWEST_CONSONANTS:
            return
        theirs = consonants_of_all(name if name.isascii() else "" for name in names)
        for _bones, ratio, at in process.extract(bones, theirs, scorer=fuzz.ratio, score_cutoff=SURE, limit=COMPARED):
            place = self._place_written(int(there[at]))
            score = 0.7 * ratio + 0.3 * fuzz.ratio(latin, names[at]) - 12 / len(bones)
            if score > best.get(place.key, (0.0, place))[0]:
                best[place.key] = score, place

    def _called_in(self, code: str, names: Iterable[str]) -> Ranked:
        """The places of a country with exactly one of these spellings."""
        called = [(name, place) for name in names for place in self._called(name) if place.country == code]
        itself = {place.key for name, place in called if _called_so_itself(place, name)}
        fits = {
            place.key: (AS_WRITTEN + NAMED_BESIDE, place) for _, place in called if place.key in itself or not itself
        }
        return _ranked(fits, None)

    def scored(self, words: str, *, country: str | None = None) -> Ranked:
        """As a gazetteer: places that `words` may mean with how well they fit, best first."""
        stripped = bare(spelt_out(fold(words[: LONGEST_NAME * 4])))
        best: dict[str, tuple[float, Place]] = {}
        for attempt in dict.fromkeys(
            (stripped, without_prefix(stripped), with_article(stripped), *without_ending(stripped))
        ):
            same = self._called(attempt)
            best.update({place.key: (AS_WRITTEN - _seldom_called(attempt, place), place) for place in same})
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
        for position in self._beginning_with(written):
            name, place = self._written[position], self._place_written(position)
            keep(CUT_AT_A_WORD - _seldom_called(name, place), place)
        for position in self._kept_by_ear(written) if written.isascii() else ():
            name, place = self._written[position], self._place_written(position)
            if likeness(written, name) >= EAR_ALONE:
                keep(_alike_by_ear(written, name) - _seldom_called(name, place), place)
        for name, _ratio, position in self._written.most_alike(written, POSSIBLE - 14, COMPARED):
            score, place = _written_alike(written, name), self._place_written(position)
            keep(score - _seldom_called(name, place), place)
        bones, latin = consonants(written), in_latin(written)
        if len(bones) > 2:
            for name, ratio, position in self._of_like_bones(bones):
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

    def _of_like_bones(self, bones: str) -> list[tuple[str, float, int]]:
        """Whose consonants are most like these: each with its ratio and the position of the place's first such name."""
        alike = {at: (name, ratio) for name, ratio, at in self._bones.most_alike(bones, POSSIBLE)}
        positions = np.flatnonzero(np.isin(self._bones_at, list(alike))) if alike else np.zeros(0, np.intp)
        found = [(*alike[int(self._bones_at[position])], position) for position in positions.tolist()]
        return sorted(found, key=lambda each: -each[1])[:COMPARED]

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
    return index(read_places(TOWNS), aliases_kept=False)


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


def _those_of(sound: int, sounds_in_order: NDArray[np.int64], order: NDArray[np.uint32]) -> list[int]:
    start, end = np.searchsorted(sounds_in_order, sound, "left"), np.searchsorted(sounds_in_order, sound, "right")
    return [int(position) for position in order[start:end]]


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


def _is_meant_by(written: str, place: Place) -> bool:
    """Whether a name alone is enough to mean a place. Arabic has no other name
    for a small town where it is written."""
    itself = not written.isascii() and place.country in WRITE_ARABIC
    return place.weight > SELDOM_MEANT or itself or fold(place.english) == written


def _called_so_itself(place: Place, written: str) -> bool:
    called = called_otherwise().get(place.key, ())
    return any(fold(name) == written for name in (place.name, *place.names.values(), *called))


def _likelier(ranked: Ranked, countries: frozenset[str]) -> Ranked:
    """With what the places of these countries have in their favour."""
    told = [(score + SPOKEN_BONUS * (place.country in countries), place) for score, place in ranked]
    return sorted(told, key=_best_first) if countries else ranked


def _choose_same_name(
    same: Sequence[Place], written: str, country: str | None, spoken_in: frozenset[str]
) -> list[Place]:
    """Places of one name: the one in the person's country, else the one that is meant far more often, else all."""

    def likelihood(place: Place) -> int:
        return place.weight + ITSELF * _called_so_itself(place, written) + (place.country in spoken_in)

    here = [place for place in same if place.country == country]
    ranked = sorted(here or same, key=lambda place: (-likelihood(place), place.key))
    if len(ranked) == 1 or ranked[0].weight - ranked[1].weight >= 5:
        return ranked[:1]
    return ranked[:CHOICES]


def _written_alike(written: str, name: str) -> float:
    """How well a name fits, by the likeliest slip: of the finger, of a word cut short or of the ear."""
    return max(likeness(written, name), _cut_short(written, name), _alike_by_ear(written, name))


def _seldom_called(name: str, place: Place) -> float:
    """What counts against a name in Latin letters that the place has only in some other language."""
    if not name.isascii() or not place.key.startswith("geonames:"):
        return 0.0
    return 0.0 if _called_so_itself(place, name) else OTHER_LANGUAGE


def _cut_short(written: str, name: str) -> float:
    """How well a name fits whose last letters somebody left out: Bruxel, Tapachul."""
    if not SHORTEST_BEGINNING <= len(written) < len(name) or not name.startswith(written):
        return 0.0
    if name[len(written)] == " ":
        return CUT_AT_A_WORD
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
