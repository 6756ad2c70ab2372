"""Every place whose name ships: those on the routes, and the larger towns of the countries around them.

Where nobody has built the gazetteer, these are all there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from dialogues.kept import kept
from dialogues.understanding import fold as fold_module
from directory import listed as listed_module
from directory import places as places_module
from directory import scripts as scripts_module
from directory import spelling as spelling_module
from directory.places import (
    CALLED,
    ENGLISH,
    SUPPLEMENT,
    TOWNS,
    Index,
    Place,
    called_otherwise,
    index_of_towns,
    load_supplement,
)
from directory.spelling import ear

#: What makes other names of the same lists.
_CODE_OF_PLACES = (
    Path(listed_module.__file__),
    Path(places_module.__file__),
    Path(scripts_module.__file__),
    Path(spelling_module.__file__),
)


@cache
def shipped_places() -> tuple[Place, ...]:
    """Read once. Raises ValueError naming the line that is wrong."""
    return (*load_supplement(), *load_supplement(TOWNS))


def towns_index() -> Index:
    """Of the larger towns, for `ShippedTowns`: worked out once, where messages are learnt, and read by every start."""
    return kept("towns", Index, [TOWNS, ENGLISH, CALLED, *_CODE_OF_PLACES], index_of_towns)


#: A shorter name of a town that is not on the routes is too often a word or a person.
_LONG_ENOUGH = 5
#: Of a town of fewer than 30,000 people, by so much: its name is likelier a word.
_SMALL, _LONGER = 1, 1
#: Of towns with fewer people only the name that GeoNames has is looked for in a message.
_LARGE = 3


#: Shorter ones are words more often than places; in a script without vowels (حلب, رفح) they are names still.
_SHORTEST, _SHORTEST_WITHOUT_VOWELS = 4, 3


def directory_names() -> list[str]:
    """Every spelling of every place on the routes that ships with the directory, and the names of larger towns: folded,
    each once."""
    return kept("names", list[str], _read_from(), _read_names)


def _read_from() -> list[Path]:
    """The lists, and the code that reads them."""
    return [SUPPLEMENT, TOWNS, ENGLISH, CALLED, *_CODE_OF_PLACES, *map(Path, (__file__, fold_module.__file__))]


def _read_names() -> list[str]:
    on_the_routes = (spelling for place in load_supplement() for spelling in place.spellings())
    names = (*on_the_routes, *town_names(), *(name for names in called_otherwise().values() for name in names))
    return sorted({name for name in map(fold_module.fold, names) if len(name) >= _shortest(name)})


def _shortest(name: str) -> int:
    return _SHORTEST_WITHOUT_VOWELS if "\u0620" <= name[:1] <= "\u06d3" else _SHORTEST


#: A town of a million people: it is listened for in all its spellings.
_GREAT = 5
_KNOWN_TO_MANY = 4
#: The more people know a place, the fewer sounds are enough to know it by.
_SOUNDS_ENOUGH = ((7, 3), (4, 4), (3, 5), (1, 6))


def seldom_names() -> list[str]:
    """Names in Latin letters, folded, of towns too small for so short a name to be looked for everywhere: Kaya."""
    return kept("seldom", list[str], _read_from(), _read_seldom)


def _read_seldom() -> list[str]:
    known = frozenset(_read_names())
    own = {fold_module.fold(name) for town in load_supplement(TOWNS) for name in (town.name, *town.names.values())}
    return sorted(name for name in own - known if name.isascii() and name.isalpha() and len(name) >= _SHORTEST)


def great_names() -> list[str]:
    """Names, folded, of places that many people know: one slip in five letters of these is still understood."""
    return kept("great", list[str], _read_from(), _read_great)


def _read_great() -> list[str]:
    places = [*load_supplement(), *(town for town in load_supplement(TOWNS) if town.weight >= _KNOWN_TO_MANY)]
    names = {
        fold_module.fold(name)
        for place in places
        for name in (place.name, *place.names.values(), *called_otherwise().get(place.key, ()))
    }
    return sorted(name for name in names if len(name) >= _LONG_ENOUGH)


def short_names() -> list[str]:
    """What locals call a town in two or three letters, folded: TJ, SKG, Van."""
    return kept("short", list[str], _read_from(), _read_short)


def _read_short() -> list[str]:
    places = [*load_supplement(), *(town for town in load_supplement(TOWNS) if town.weight > _SMALL)]
    names = {
        fold_module.fold(name)
        for place in places
        for name in (place.name, *place.names.values(), *place.aliases)
        if name.isascii() and 1 < len(name) < _SHORTEST
    }
    return sorted(name for name in names if name.isalpha())


def sounding_names() -> dict[str, int]:
    """How the names of all places are heard, each with the weight of the greatest place that is heard so."""
    return kept("sounding", dict[str, int], _read_from(), _read_sounds)


def _read_sounds() -> dict[str, int]:
    found: dict[str, int] = {}
    for place in (*load_supplement(), *load_supplement(TOWNS)):
        enough = next(size for weight, size in _SOUNDS_ENOUGH if place.weight >= weight)
        called = called_otherwise().get(place.key, ())
        for name in (place.name, *place.names.values(), *(place.aliases if place.weight >= _GREAT else called)):
            sound = ear(spelling_module.fold(name))
            if len(sound) >= enough + (name in place.aliases and name not in called):
                found[sound] = max(place.weight, found.get(sound, 0))
    return found


def town_names() -> Iterator[str]:
    """Names of the larger towns by which a message is searched; in other scripts than ours also other spellings."""
    for town in load_supplement(TOWNS):
        spellings = [town.name, *(town.names[code] for code in ("en", "fr", "es") if code in town.names)]
        large = town.weight >= _LARGE
        spellings += [alias for alias in town.aliases if (large and ord(alias[0]) > 0x24F) or _is_arabic_name(alias)]
        for spelling in spellings:
            enough = _LONG_ENOUGH if ord(spelling[0]) <= 0x24F else _SHORTEST_WITHOUT_VOWELS
            if len(spelling) >= enough + _LONGER * (town.weight <= _SMALL):
                yield spelling


def _is_arabic_name(alias: str) -> bool:
    """Whoever writes Arabic has no other name for a small town (عرسال); three letters are a word too often."""
    return len(alias) > _SHORTEST_WITHOUT_VOWELS and "\u0620" <= alias[0] <= "\u06d3"
