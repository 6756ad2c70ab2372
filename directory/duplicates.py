"""Records that look like one service: found by name, place and phone, and shown to a person, who decides.

Not every record is compared with every other. Two meet only in a block: one phone, one spot on the map, or one town and
a rare word of a name. So the work grows with the number of records, and not with its square.

A service is written by many hands: with "Association" before it and its town behind, in another language, in another
script. Names are compared without such words, and with every name a record has.

A safe place meets safe places only. Shown beside a public record, it would say where it is.

With many records it takes a while: no request waits for it. Somebody asks for a look (`store.ask_for_look`), or records
changed; who watches over it (`look_if_due`) does it in a process of its own (`look_apart`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import sys
from asyncio.subprocess import DEVNULL
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import combinations
from pathlib import Path

from msgspec import Struct
from rapidfuzz import fuzz
from sqlalchemy.engine import Connection

from directory import store
from directory.gazetteer import script_of
from directory.geography import distance_m
from directory.spelling import fold
from directory.store import Light, Suggested, Transactions
from directory.words import N_

ROOT = Path(__file__).resolve().parent.parent

#: By what two records look alike, with what is shown of it.
SIGNS = {
    "name": N_("The names are alike"),
    "phone": N_("The same phone"),
    "point": N_("The same place"),
    "town": N_("The same town"),
}

#: Names as like as this, in one town, are a sign by themselves; with one phone or one point less will do.
ALIKE, ALIKE_WITH_MORE = 90, 60
#: Two that help with different things are two, unless their names are nearly the same.
ALIKE_FOR_OTHER_NEEDS = 96
SAME_POINT_M = 150
SQUARE = 0.003  # degrees: twice as wide as two points of one place lie apart

#: Words of a name that say nothing of which service it is: legal forms and articles. Of its town the same is true.
_IDLE_WORDS = """
    the of for and association asso associazione asociación asbl vzw verein ev onlus odv aps ong ngo
    foundation fondation fondazione fundación stiftung cooperative cooperativa coop society charity
    le la les l el los las il lo gli i de du des del della dei di d et e y
    جمعية مؤسسة منظمة
"""
_SAYS_NOTHING = frozenset(map(fold, _IDLE_WORDS.split()))
MOST_NAMES = 4  # names of a record that are compared: its own, and the first of those in other languages

#: More records than this share no phone by mistake: it is a switchboard. A word so common tells nothing.
MOST_IN_A_BLOCK = 40
#: How many words of a name, the rarest, bring records together.
WORDS_THAT_COUNT = 2
#: So many last figures of a number are compared: the same with and without the code of the country.
FIGURES = 8
SHORTEST_NUMBER = 7
#: So many pairs are kept, the most alike: nobody works through more before looking again.
MOST_KEPT = 2_000


async def look_apart(database_url: str) -> None:
    """Look, if it is due, in a process of its own: comparing keeps a processor busy for seconds, and takes memory.

    Raises LookFailed. Cancelled, it ends the process; what it had begun counts as dead after a while.
    """
    command = [sys.executable, "-m", "directory", "duplicates", "--if-due"]
    environment = {**os.environ, "WAYMARK_DATABASE_URL": database_url}  # its password stays off the command line
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=DEVNULL, stderr=DEVNULL)
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    if code:
        raise LookFailed(f"looking for duplicates ended with {code}")


class LookFailed(Exception):
    """The process that looked for duplicates ended early."""


async def look_if_due(database: Transactions, *, now: Callable[[], datetime]) -> int | None:
    """Look, if somebody asked or records changed, and nobody else is at it. Returns how many pairs wait, or None."""
    if not await database.write(partial(store.begin_look, at=now())):
        return None
    waiting = await look_for_duplicates(database, at=now())
    await database.write(partial(store.end_look, at=now()))
    return waiting


async def look_for_duplicates(database: Transactions, *, at: datetime) -> int:
    """Compare everything and keep what looks alike for a person to decide. Returns how many pairs wait."""
    found = await database.read(lambda tx: alike(store.light_records(tx)))

    def keep(tx: Connection) -> int:
        store.replace_suggested(tx, found, at=at)
        return store.count_suggested(tx)

    return await database.write(keep)


class _Known(Struct, frozen=True):
    """What is compared of a record, made ready once."""

    cores: tuple[str, ...]  # its names without what says nothing, in every language
    figures: tuple[str, ...]
    scripts: frozenset[str]
    tails: frozenset[str]
    town: tuple[str, str]


def alike(records: Iterable[Light]) -> list[Suggested]:
    """Pairs that look like one service, the most alike first."""
    every = list(records)
    known = [_known(record) for record in every]
    found: dict[tuple[str, str], Suggested] = {}
    for block in _blocks(every, known):
        for one, other in combinations(block, 2):
            first, second = sorted((one, other), key=lambda number: every[number].id)
            ids = (every[first].id, every[second].id)
            if ids not in found and (pair := _pair(every[first], every[second], known[first], known[second])):
                found[ids] = pair
    return sorted(found.values(), key=lambda pair: (-pair.likeness, pair.first_id, pair.second_id))[:MOST_KEPT]


def _known(record: Light) -> _Known:
    names = (record.name, *record.other_names)[:MOST_NAMES]
    town = fold(record.city)
    idle = _SAYS_NOTHING.union(town.split())
    cores = []
    for name in map(fold, names):
        left = " ".join(word for word in name.split() if word not in idle)
        cores.append(left or name)
    return _Known(
        tuple(dict.fromkeys(cores)),
        tuple(sorted(re.findall(r"[0-9]+", cores[0]))),
        frozenset(map(script_of, names)),
        frozenset(tail for written in record.phones if (tail := _tail(written))),
        (record.country, town),
    )


def _blocks(records: list[Light], known: list[_Known]) -> Iterator[list[int]]:
    """Numbers of the records that are worth comparing with one another."""
    common = Counter(word for each in known for core in each.cores for word in set(core.split()))
    by_key: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for number, (record, each) in enumerate(zip(records, known, strict=True)):
        keys: set[tuple[object, ...]] = {("phone", tail) for tail in each.tails}
        for core in each.cores:
            rare = sorted(set(core.split()), key=lambda word: (common[word], word))[:WORDS_THAT_COUNT]
            keys.update(("word", word, *each.town) for word in rare)
        if record.point is not None:
            keys.update(("spot", *spot) for spot in _spots(*record.point))
        for key in keys:
            by_key[key].append(number)
    for block in by_key.values():
        if 2 <= len(block) <= MOST_IN_A_BLOCK:
            yield block


def _spots(latitude: float, longitude: float) -> Iterator[tuple[int, int, int, int]]:
    """The squares a point lies in, of four grids each moved by half a square: two near points share one of them."""
    across = longitude * max(math.cos(math.radians(round(latitude, 1))), 0.01)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        yield down, right, math.floor(latitude / SQUARE + down / 2), math.floor(across / SQUARE + right / 2)


def _pair(one: Light, other: Light, mine: _Known, theirs: _Known) -> Suggested | None:
    """What speaks for these being one service; None when it is not enough."""
    if one.confidential != other.confidential or one.demo != other.demo:
        return None
    if mine.figures != theirs.figures:  # shelter 2 is not shelter 3
        return None
    likeness = round(max(fuzz.token_sort_ratio(name, its) for name in mine.cores for its in theirs.cores))
    near = _same_point(one, other)
    signs = {
        "name": likeness >= ALIKE,
        "phone": bool(mine.tails & theirs.tails),
        "point": near,
        "town": not near and bool(one.city) and mine.town == theirs.town,
    }
    shared = bool(one.needs & other.needs)
    by_name = likeness >= (ALIKE if shared else ALIKE_FOR_OTHER_NEEDS) and (signs["town"] or near)
    by_more = likeness >= ALIKE_WITH_MORE and shared and (signs["phone"] or near)
    # Names in two scripts cannot be compared; one phone at one place for one need says enough to ask a person.
    unread = not mine.scripts & theirs.scripts and shared and signs["phone"] and (near or signs["town"])
    if not (by_name or by_more or unread):
        return None
    return Suggested(one.id, other.id, likeness, tuple(sign for sign, given in signs.items() if given))


def _same_point(one: Light, other: Light) -> bool:
    return one.point is not None and other.point is not None and distance_m(*one.point, *other.point) <= SAME_POINT_M


def _tail(number: str) -> str:
    """The last figures of a number; nothing for short codes, which many services share."""
    figures = "".join(character for character in number if character.isdigit())
    return figures[-FIGURES:] if len(figures) >= SHORTEST_NUMBER else ""
