"""Places of one name in one country: each is told with the largest town around it, or nobody could choose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from directory.geography import METRES_A_DEGREE
from directory.places import Gazetteer, Place, ShippedTowns
from directory.spelling import fold

#: A town farther away tells nobody where a place is.
AROUND_M = 1.2 * METRES_A_DEGREE


def told_apart(found: Sequence[Place], around: Callable[[Place], str]) -> list[str]:
    """For each of the places the town that it is near, where another has its name; else nothing."""
    names = Counter((place.english, place.country) for place in found)
    return [around(place) if names[place.english, place.country] > 1 else "" for place in found]


def largest_around(beyond: Gazetteer | None, place: Place) -> str:
    """The largest town of its country around a place. Empty where none is known."""
    if isinstance(beyond, ShippedTowns):
        near = beyond.read().around(place.latitude, place.longitude, place.country, radius_m=AROUND_M)
        others = [each for each in near if fold(each.name) != fold(place.name)]
        return max(others, key=lambda each: each.weight).english if others else ""
    largest = getattr(beyond, "largest_around", None)
    return "" if largest is None else str(largest(place))
