"""Records that look like one service: found by name, place and phone, and shown to a person, who decides.

Not every record is compared with every other. Two meet only in a block: one phone, or one town and a rare word of the
name. So the work grows with the number of records, and not with its square.

A safe place meets safe places only. Shown beside a public record, it would say where it is.

With many records it takes a while: no request waits for it. Somebody asks for a look (`store.ask_for_look`), or records
changed; who watches over it (`look_if_due`) does it in a process of its own (`look_apart`).
"""

from __future__ import annotations

import asyncio
import contextlib
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

from rapidfuzz import fuzz
from sqlalchemy.engine import Connection

from directory import store
from directory.geography import distance_m
from directory.places import fold
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


def alike(records: Iterable[Light]) -> list[Suggested]:
    """Pairs that look like one service, the most alike first."""
    every = list(records)
    names = [fold(record.name) for record in every]
    found: dict[tuple[str, str], Suggested] = {}
    for block in _blocks(every, names):
        for one, other in combinations(block, 2):
            first, second = sorted((one, other), key=lambda number: every[number].id)
            ids = (every[first].id, every[second].id)
            if ids not in found and (pair := _pair(every[first], every[second], names[first], names[second])):
                found[ids] = pair
    return sorted(found.values(), key=lambda pair: (-pair.likeness, pair.first_id, pair.second_id))[:MOST_KEPT]


def _blocks(records: list[Light], names: list[str]) -> Iterator[list[int]]:
    """Numbers of the records that are worth comparing with one another."""
    common = Counter(word for name in names for word in set(name.split()))
    by_key: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, (record, name) in enumerate(zip(records, names, strict=True)):
        for phone in {tail for written in record.phones if (tail := _tail(written))}:
            by_key["phone", phone].append(number)
        town = (record.country, fold(record.city))
        rare = sorted(set(name.split()), key=lambda word: (common[word], word))[:WORDS_THAT_COUNT]
        for word in rare:
            by_key["word", word, *town].append(number)
    for block in by_key.values():
        if 2 <= len(block) <= MOST_IN_A_BLOCK:
            yield block


def _pair(one: Light, other: Light, name: str, other_name: str) -> Suggested | None:
    """What speaks for these being one service; None when it is not enough."""
    if one.confidential != other.confidential or one.demo != other.demo:
        return None
    if _figures(name) != _figures(other_name):  # shelter 2 is not shelter 3
        return None
    likeness = round(fuzz.token_sort_ratio(name, other_name))
    near = _same_point(one, other)
    signs = {
        "name": likeness >= ALIKE,
        "phone": bool(_tails(one) & _tails(other)),
        "point": near,
        "town": not near and bool(one.city) and (one.country, fold(one.city)) == (other.country, fold(other.city)),
    }
    needed = ALIKE if one.needs & other.needs else ALIKE_FOR_OTHER_NEEDS
    by_name = likeness >= needed and (signs["town"] or near)
    by_more = likeness >= ALIKE_WITH_MORE and bool(one.needs & other.needs) and (signs["phone"] or near)
    if not by_name and not by_more:
        return None
    return Suggested(one.id, other.id, likeness, tuple(sign for sign, given in signs.items() if given))


def _same_point(one: Light, other: Light) -> bool:
    return one.point is not None and other.point is not None and distance_m(*one.point, *other.point) <= SAME_POINT_M


def _tails(record: Light) -> set[str]:
    return {tail for written in record.phones if (tail := _tail(written))}


def _tail(number: str) -> str:
    """The last figures of a number; nothing for short codes, which many services share."""
    figures = "".join(character for character in number if character.isdigit())
    return figures[-FIGURES:] if len(figures) >= SHORTEST_NUMBER else ""


def _figures(name: str) -> list[str]:
    return sorted(re.findall(r"[0-9]+", name))
