"""Every place whose name ships: those on the routes, and the larger towns of the countries around them.

Where nobody has built the gazetteer, these are all there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from directory.places import SUPPLEMENT, Place, load_supplement

TOWNS = SUPPLEMENT.with_name("towns.csv")


@cache
def shipped_places() -> tuple[Place, ...]:
    """Read once. Raises ValueError naming the line that is wrong."""
    return (*load_supplement(), *load_supplement(TOWNS))


#: A shorter name of a town that is not on the routes is too often a word or a person.
_LONG_ENOUGH = 5
#: Of towns with fewer people only the name that GeoNames has is looked for in a message.
_LARGE = 3


def town_names() -> Iterator[str]:
    """Names of the larger towns by which a message is searched; in other scripts than ours also other spellings."""
    for town in load_supplement(TOWNS):
        spellings = [town.name]
        if town.weight >= _LARGE:
            spellings += [alias for alias in town.aliases if ord(alias[0]) > 0x24F]
        yield from (spelling for spelling in spellings if len(spelling) >= _LONG_ENOUGH)
