"""Every place whose name ships: those on the routes, and the larger towns of the countries around them.

Where nobody has built the gazetteer, these are all there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from dialogues.kept import kept
from dialogues.understanding import fold as fold_module
from directory import places as places_module
from directory.places import SUPPLEMENT, TOWNS, Place, load_supplement


@cache
def shipped_places() -> tuple[Place, ...]:
    """Read once. Raises ValueError naming the line that is wrong."""
    return (*load_supplement(), *load_supplement(TOWNS))


#: A shorter name of a town that is not on the routes is too often a word or a person.
_LONG_ENOUGH = 5
#: Of towns with fewer people only the name that GeoNames has is looked for in a message.
_LARGE = 3


#: Shorter ones are words more often than places; in a script without vowels (حلب, رفح) they are names still.
_SHORTEST, _SHORTEST_WITHOUT_VOWELS = 4, 3


def directory_names() -> list[str]:
    """Every spelling of every place on the routes that ships with the directory, and the names of larger towns: folded,
    each once."""
    code = (__file__, fold_module.__file__, places_module.__file__)
    return kept("names", list[str], [SUPPLEMENT, TOWNS, *map(Path, code)], _read_names)


def _read_names() -> list[str]:
    names = (*(spelling for place in load_supplement() for spelling in place.spellings()), *town_names())
    return sorted({name for name in map(fold_module.fold, names) if len(name) >= _shortest(name)})


def _shortest(name: str) -> int:
    return _SHORTEST_WITHOUT_VOWELS if "\u0620" <= name[:1] <= "\u06d3" else _SHORTEST


def town_names() -> Iterator[str]:
    """Names of the larger towns by which a message is searched; in other scripts than ours also other spellings."""
    for town in load_supplement(TOWNS):
        spellings = [town.name]
        large = town.weight >= _LARGE
        spellings += [alias for alias in town.aliases if (large and ord(alias[0]) > 0x24F) or _is_arabic_name(alias)]
        for spelling in spellings:
            if len(spelling) >= (_LONG_ENOUGH if ord(spelling[0]) <= 0x24F else _SHORTEST_WITHOUT_VOWELS):
                yield spelling


def _is_arabic_name(alias: str) -> bool:
    """Whoever writes Arabic has no other name for a small town (عرسال); three letters are a word too often."""
    return len(alias) > _SHORTEST_WITHOUT_VOWELS and "\u0620" <= alias[0] <= "\u06d3"
