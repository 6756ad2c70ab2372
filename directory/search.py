"""Finding what is near, and saying it so that it can be read out: hours, facts and reasons in the asked language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from directory import store
from directory.areas import Here
from directory.geography import boxes_around, distance_m
from directory.model import (
    STALE_AFTER,
    URGENT_NEEDS,
    Location,
    Opening,
    Service,
)
from directory.wishes import Wishes

#: A service, the place of it that is meant (None: it has none), and the metres to it (None: not told).
Hit = tuple[Service, Location | None, float | None]

#: How far one looks, in steps, until there is enough: a walk, a bus, a day's way.
RADII_M = (10_000, 40_000, 120_000)
#: Where one looks before the first step.
NEXT_DOOR_M = 2_500


class Search(Wishes, frozen=True):
    """What somebody is looking for, and where."""

    need: str
    latitude: float = 0.0  # of where one is; not looked at where the whole country is searched
    longitude: float = 0.0
    country: str | None = None
    limit: int = 3
    here: Here | None = None  # the town, province and region one is in, for services that serve areas

    def wished(self, service: Service, at: datetime) -> bool:
        """Whether the service is known to be what was wished for. What nobody has said is not promised."""
        return (
            self.open_as_wished(service, at)
            and (self.speaks is None or self.speaks in service.languages)
            and (not self.no_papers or service.eligibility.papers_needed is False)
            and (not self.free or service.free is True)
            and (not self.pregnant or service.eligibility.pregnant is True)
            and (not self.disability or service.eligibility.disability is True)
            and (self.staff is None or self.staff in service.staff_genders)
            and not (self.nationality and self._leaves_out(service.eligibility.nationalities))
        )

    def _leaves_out(self, nationalities: tuple[str, ...]) -> bool:
        return bool(nationalities) and self.nationality not in nationalities

    def checked_since(self, at: datetime) -> datetime | None:
        """What was last checked before is left out: for a need, or for somebody, that cannot wait."""
        return at - STALE_AFTER if self.lately_checked or self.need in URGENT_NEEDS else None

    def open_as_wished(self, service: Service | Opening, at: datetime) -> bool:
        return (not self.open_now or is_open(service, at) is True) and (
            not self.open_tonight or is_open_tonight(service, at) is True
        )


def find_near(tx: Connection, search: Search, *, at: datetime) -> list[Hit]:
    """Services for a need, best first, each with its place and the metres to it.

    Looks farther until there are enough; then come services for the whole country; then helplines. What serves the
    area that one is in, wherever it is, counts as being a walk away. A record that nobody checked for STALE_AFTER
    sinks, and is left out where being wrong means a night on the street, and for who is in danger.
    """
    checked_since = search.checked_since(at)
    found = _read(tx, search, _nearest(tx, search, checked_since=checked_since, at=at), at=at)
    if len(found) >= search.limit:
        return found
    return _farther(tx, search, found, at=at)


#: So many records of a country are looked through for what was wished.
MOST_LOOKED_THROUGH = 100


def find_in_country(tx: Connection, search: Search, *, at: datetime) -> list[Hit]:
    """Services for a need anywhere in the country, the lately checked and not full first; no distance is told.

    Then those for the whole country, then helplines, as where nothing is near. Raises ValueError without a country.
    """
    if search.country is None:
        raise ValueError("a country is needed")
    checked_since = search.checked_since(at)
    who = store.person(search.age, search.gender)
    ids = store.placed_in_country(
        tx, search.need, search.country, who=who, checked_since=checked_since, limit=MOST_LOOKED_THROUGH
    )
    there = [
        (service, place)
        for service in store.get_services(tx, ids)
        if (place := _place_in(service, search, at)) is not None and not closed_now(service, at)
    ]
    there.sort(key=lambda pair: (pair[0].stale(at), is_full(pair[0], at)))  # what is equal stays as it was checked
    found: list[Hit] = [(service, place, None) for service, place in there[: search.limit]]
    return found if len(found) >= search.limit else _farther(tx, search, found, at=at)


def _place_in(service: Service, search: Search, at: datetime) -> Location | None:
    """The first of its places in the country at which the service is what was wished for."""
    places = (place for place in service.locations if place.country == search.country)
    return next((place for place in places if search.wished(service.at(place), at)), None)


def _farther(tx: Connection, search: Search, found: list[Hit], *, at: datetime) -> list[Hit]:
    """What was found, then services for the whole country, then helplines."""
    who = store.person(search.age, search.gender)
    checked_since = search.checked_since(at)
    if search.country is not None:
        ids = store.serving_country(tx, search.need, search.country, who=who, checked_since=checked_since)
        there = {service.id for service, _, _ in found}
        records = [
            service
            for service in store.get_services(tx, ids)
            if service.id not in there
            and not closed_now(service, at)
            and search.wished(service, at)
            and not _beyond(service, search.here)
        ]
        found += [(service, None, None) for service in by_trust(records, at)]
    if not found:
        helplines = find_helplines(tx, search.country, age=search.age, at=at)
        found = [(service, None, None) for service in helplines if not _beyond(service, search.here)]
    return found[: search.limit]


def _beyond(service: Service, here: Here | None) -> bool:
    """Whether it is surely for somewhere else."""
    return here is not None and here.beyond(service.areas)


Measured = tuple[float, store.Candidate]


def _nearest(tx: Connection, search: Search, *, checked_since: datetime | None, at: datetime) -> list[Measured]:
    """The first `limit` of the first step that has so many, nearest first, the stale and the full after the others.

    Once there are enough fresh ones within any radius, looking farther could change nothing: so one looks next door
    first, where in a town with many services there is enough.
    """
    stale_before = at - STALE_AFTER
    keys = search.here.keys if search.here is not None else None

    def sinks(candidate: store.Candidate) -> bool:
        """What nobody checked lately comes last, and what is said to be full, or is for other areas."""
        return (
            candidate.verified_at < stale_before
            or (candidate.full_until is not None and candidate.full_until > at)
            or (keys is not None and candidate.areas is not None and not candidate.serves(keys))
        )

    accepts, sought = _accepting(search, at), _sought(search, checked_since)

    def first(near: list[Measured]) -> list[Measured]:
        """Each service once, at the nearest of its places that suits: another may be shut."""
        near.sort(key=lambda pair: (sinks(pair[1]), pair[0], pair[1].service_id, pair[1].location_id))
        taken: dict[str, Measured] = {}
        for metres, candidate in near:
            if candidate.service_id not in taken and accepts(candidate.opening):
                taken[candidate.service_id] = (metres, candidate)
                if len(taken) == search.limit:
                    break
        return list(taken.values())

    good: list[Measured] = []
    served: list[Measured] | None = None
    for radius in (NEXT_DOOR_M, *RADII_M):
        near = _measured(tx, search, sought, radius)
        good = first(near)
        if len(good) >= search.limit and not sinks(good[-1][1]) and radius <= RADII_M[0]:
            break  # what serves the area counts as no nearer
        if radius in RADII_M:
            served = _serving(tx, search, sought) if served is None else served
            good = first([*near, *served]) if served else good
            if len(good) >= search.limit:
                break
    return good


def _sought(search: Search, checked_since: datetime | None) -> store.Sought:
    return store.Sought(search.need, store.person(search.age, search.gender), checked_since, search)


def _measured(tx: Connection, search: Search, sought: store.Sought, radius: int) -> list[Measured]:
    """Candidates within the radius: a service once for each of its places there."""
    latitude, longitude = search.latitude, search.longitude
    found = store.candidates(tx, sought, boxes_around(latitude, longitude, radius))
    measured = ((distance_m(latitude, longitude, place.latitude, place.longitude), place) for place in found)
    return [pair for pair in measured if pair[0] <= radius]


def _serving(tx: Connection, search: Search, sought: store.Sought) -> list[Measured]:
    """Candidates that serve the area one is in. They count as a walk away."""
    if search.here is None or search.country is None:
        return []
    found = store.candidates_for_areas(tx, sought, search.country, search.here.keys)
    return [(float(RADII_M[0]), candidate) for candidate in found]


def _accepting(search: Search, at: datetime) -> Callable[[str], bool]:
    """Whether what is written of opening hours suits the search. Many services share their hours: each is read once."""

    @cache
    def accepts(written: str) -> bool:
        opening = store.read_opening(written)
        return not closed_now(opening, at) and search.open_as_wished(opening, at)

    return accepts


def _read(tx: Connection, search: Search, near: list[Measured], *, at: datetime) -> list[Hit]:
    """The records of those that were found."""
    records = {record.id: record for record in store.get_services(tx, [found.service_id for _, found in near])}
    hits: list[Hit] = []
    for metres, found in near:
        service = records[found.service_id]
        if found.location_id:
            place = next(place for place in service.locations if place.id == found.location_id)
            hits.append((service, place, None if found.confidential else metres))
        else:
            hits += _of_area(service, search, at)
    return hits


def _of_area(service: Service, search: Search, at: datetime) -> list[Hit]:
    """A service that was found by its area, at the nearest of its places that suits, and how far that is; none where
    all of them are shut. Of a safe place: how far is not told."""
    suits = [place for place in service.locations if search.open_as_wished(service.at(place), at)]
    if not suits:
        return [] if service.locations else [(service, None, None)]
    ways = [
        (distance_m(search.latitude, search.longitude, place.latitude, place.longitude), place.id, place)
        for place in suits
        if place.latitude is not None and place.longitude is not None
    ]
    if not ways:
        return [(service, suits[0], None)]
    metres, _, place = min(ways)
    return [(service, place, None if service.confidential else metres)]


def find_helplines(tx: Connection, country: str | None, *, age: int | None, at: datetime) -> list[Service]:
    """Public helplines for a country, those for children first.

    When the country is not known: what serves the whole world, for a number of another country helps nobody.
    """
    who = store.person(age, None)
    need, where = ("helpline", country) if country is not None else (None, store.WORLD)
    ids = store.serving_country(tx, need, where, who=who, checked_since=None)
    return by_trust([service for service in store.get_services(tx, ids) if not closed_now(service, at)], at)


def by_trust(records: list[Service], at: datetime) -> list[Service]:
    """Those for the whole country first, the lately checked, those for children, those that always answer."""
    return sorted(
        records,
        key=lambda service: (
            bool(service.areas),
            service.stale(at),
            "child_protection" not in service.needs,
            service.hours is None or not service.hours.always,
            service.id,
        ),
    )


def closed_now(service: Service | Opening, at: datetime) -> bool:
    """Shut for days or for good, which is not the same as shut for the night."""
    zone = ZoneInfo(service.hours.zone) if service.hours else ZoneInfo("UTC")
    return service.closed_on(at.astimezone(zone).date())


def is_open(service: Service | Opening, at: datetime) -> bool | None:
    """None when nobody has said when it opens."""
    if closed_now(service, at):
        return False
    hours = service.hours
    return hours.open_at(at) if hours is not None and hours.known_on(hours.local_day(at)) else None


#: When doors that take people in for the night are open.
TONIGHT = time(22)


def is_open_tonight(service: Service | Opening, at: datetime) -> bool | None:
    """Whether it is open at ten in the evening there, or now if it is later. None when nobody has said."""
    if service.hours is None:
        return is_open(service, at)
    local = at.astimezone(ZoneInfo(service.hours.zone))
    evening = datetime.combine(local.date(), TONIGHT, local.tzinfo)
    return is_open(service, max(at, evening) if local.hour >= 6 else at)


def is_full(service: Service, at: datetime) -> bool:
    """Whether they said so lately. How many are in a safe place is nobody's business."""
    said = service.capacity
    return said is not None and not service.confidential and said.known(at) and said.available == 0
