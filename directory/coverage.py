"""Which needs of the minimum package are met in which town, for editors."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from statistics import fmean

from msgspec import Struct
from sqlalchemy.engine import Connection

from directory import store
from directory.model import (
    NEEDS,
    STALE_AFTER,
    URGENT_NEEDS,
)

#: Towns are told to about 100 metres: on a map of towns more would only look exact.
TOWN_DIGITS = 3


class Cover(Struct, frozen=True):
    """How many services there are in a town, and which needs of the minimum package they answer."""

    services: int
    met: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(need for need in NEEDS if need not in self.met)

    @property
    def missing_urgent(self) -> tuple[str, ...]:
        return tuple(need for need in self.missing if need in URGENT_NEEDS)


class Covered(Struct, frozen=True):
    """A town, and what is in force and fresh there.

    `on_map` leaves safe places out, also of the count, for a map is looked at over shoulders; `point` is the middle of
    the others. None where nothing else is there.
    """

    name: str
    country: str
    all: Cover
    on_map: Cover | None = None
    point: tuple[float, float] | None = None


def coverage(tx: Connection, *, at: datetime) -> list[Covered]:
    """Every town with a service in force, those first that most is missing in."""
    by_town: dict[tuple[str, str], list[store.Met]] = defaultdict(list)
    for met in store.needs_met(tx, checked_since=at - STALE_AFTER):
        by_town[met.town, met.country].append(met)
    towns = [_covered(town, country, met) for (town, country), met in by_town.items()]
    return sorted(
        towns, key=lambda town: (-len(town.all.missing_urgent), -len(town.all.missing), town.name, town.country)
    )


def _covered(town: str, country: str, met: list[store.Met]) -> Covered:
    told = [each for each in met if each.point is not None]
    if not told:
        return Covered(town, country, _cover(met))
    points = {each.point for each in told if each.point is not None}
    latitude, longitude = (round(fmean(side), TOWN_DIGITS) for side in zip(*points, strict=True))
    return Covered(town, country, _cover(met), _cover(told), (latitude, longitude))


def _cover(met: list[store.Met]) -> Cover:
    needs = {each.need for each in met}
    return Cover(len({each.service_id for each in met}), tuple(need for need in NEEDS if need in needs))
