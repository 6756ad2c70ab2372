"""The places that ship, as their lists have them, and the index in which `directory.places` looks for names."""

from __future__ import annotations

import csv
import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import overload

import numpy as np
from msgspec import Struct, field, msgpack
from msgspec.structs import astuple, replace
from numpy.typing import NDArray

from directory.spelling import consonants, ear, fold, sounds

SUPPLEMENT = Path(__file__).resolve().parent / "data" / "places.csv"
TOWNS = SUPPLEMENT.with_name("towns.csv")
#: The places whose English name is not the one that GeoNames has, by key.
ENGLISH = SUPPLEMENT.with_name("english.csv")
#: What people call a place beside its names: short, among locals, in another language.
CALLED = SUPPLEMENT.with_name("called.csv")


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
    return list(read_places(path))


def read_places(path: Path) -> Iterator[Place]:
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


class Table(Sequence[Place]):
    """Thousands of places in a run of bytes, each made when it is asked for: a fifth of the memory."""

    _Row = tuple[str, str, str, float, float, str, str, int, dict[str, str], tuple[str, ...]]

    def __init__(self, places: Iterable[Place]) -> None:
        rows = [msgpack.encode(astuple(place)) for place in places]
        self._bytes = b"".join(rows)
        self._starts = memoryview(np.cumsum([0, *map(len, rows)], dtype=np.uint32).tobytes()).cast("I")
        self._row = msgpack.Decoder(self._Row)

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, at: int) -> Place: ...
    @overload
    def __getitem__(self, at: slice) -> list[Place]: ...
    def __getitem__(self, at: int | slice) -> Place | list[Place]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        at = range(len(self))[at]  # from the end, or IndexError
        return Place(*self._row.decode(self._bytes[self._starts[at] : self._starts[at + 1]]))


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
    #: The same of how a foreign ear keeps them.
    eared: bytes
    eared_order: bytes
    #: The different skeletons; then, once a place: which of these a name has, and the position of the first such name.
    bones: list[str]
    bones_at: bytes
    bones_of: bytes


NUMBER, HASH = np.dtype("<u4"), np.dtype("<i8")


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
    whose = np.array(written_of, NUMBER)[in_order] if in_order else np.zeros(0, NUMBER)
    heard = np.array(array("q", map(hashed, map(sounds, ordered))), HASH)
    heard_order = np.argsort(heard, kind="stable")
    eared = np.array(array("q", map(hashed, map(ear, ordered))), HASH)
    eared_order = np.argsort(eared, kind="stable")
    bones, bones_at, bones_of = _skeletons(ordered, whose, np.argsort(in_order))
    return Index(
        known,
        ordered,
        whose.tobytes(),
        heard[heard_order].tobytes(),
        heard_order.astype(NUMBER).tobytes(),
        eared[eared_order].tobytes(),
        eared_order.astype(NUMBER).tobytes(),
        bones,
        bones_at,
        bones_of,
    )


#: A name without any vowel says less than another of the same consonants: JRZ, Juárez.
_ABBREVIATED = re.compile("[b-df-hj-np-tv-xz]+$")


def _skeletons(
    ordered: Sequence[str], whose: NDArray[np.uint32], as_given: NDArray[np.intp]
) -> tuple[list[str], bytes, bytes]:
    """The consonants of every name, once a place, and the position of the first name that has them."""
    different: dict[str, int] = {}
    found, first = array("I"), array("I")
    for _place, positions in groupby(as_given.tolist(), whose.__getitem__):
        theirs: dict[str, int] = {}
        for position in positions:
            bones = consonants(ordered[position])
            if bones not in theirs or _ABBREVIATED.match(ordered[theirs[bones]]):
                theirs[bones] = position
        for bones, position in theirs.items():
            if len(bones) > 1:
                found.append(different.setdefault(bones, len(different)))
                first.append(position)
    return list(different), np.array(found, NUMBER).tobytes(), np.array(first, NUMBER).tobytes()


def hashed(sound: str) -> int:
    return int.from_bytes(hashlib.blake2b(sound.encode(), digest_size=8).digest(), signed=True)
