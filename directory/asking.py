"""What people and programs ask of the directory: where a place is, what is near, whom to call."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Protocol

from msgspec.structs import asdict, replace
from sqlalchemy.engine import Connection

from directory import search as searching
from directory import store
from directory.areas import Areas, Here, Regions
from directory.geography import distance_m
from directory.misplaced import gate_of
from directory.model import (
    NEEDS,
    FoundPlace,
    RecordState,
)
from directory.namesakes import largest_around, told_apart
from directory.places import Gazetteer, Place, Places
from directory.search import Search
from directory.seeds import emergency_numbers, put_helplines
from directory.store import Transactions
from directory.told import FoundService, describe
from directory.wishes import NO_WISHES, Wishes
from directory.words import Translates

#: Known to work on mobile networks nearly everywhere, and the number of the whole European Union.
EMERGENCY_ANYWHERE = "112"

#: Towns in which something is offered are read again after so long.
TOWNS_FRESH_FOR = timedelta(minutes=1)

#: A shared location is used to about 100 metres, and not kept more exactly than that.
SHARED_DIGITS = 3


class Clock(Protocol):
    def now(self) -> datetime: ...


@cache
def _supplement() -> Places:
    """The places that come with the directory, read once in a process: nothing changes them."""
    return Places.load()


class Directory:
    """The directory as a dialogue, a desk or a web page uses it. Call `prepare` once before anything is asked."""

    def __init__(
        self,
        database: Transactions,
        clock: Clock,
        words: Translates,
        *,
        places: Places | None = None,
        gazetteer: Gazetteer | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.words = words
        self._supplement = places or _supplement()
        self._places = self._supplement
        self._regions = Regions()
        self._areas: Areas | None = None  # where nothing serves an area, nobody need know in which one is
        self._gazetteer = gazetteer
        self._places_of: tuple[int, int] | None = None
        self._looked_at: datetime | None = None
        self._emergency = emergency_numbers()

    async def prepare(self) -> None:
        """Bring the shipped helplines in, and the table that searches read up to date where it is behind.

        May be called at every start: what is there already stays.
        """
        at = self.clock.now()
        await self.database.write(lambda tx: put_helplines(tx, at=at))
        if await self.database.read(store.gates_nowhere):  # written before their towns had a point
            await self.database.write(put_gates)
        if await self.database.read(store.search_is_behind):  # after an upgrade that brought the table
            await self.database.write(store.rebuild_search)
        await self.refresh_places()

    async def refresh_places(self) -> None:
        """Learn the towns in which something is offered."""

        def read(tx: Connection) -> tuple[tuple[int, int], list[tuple[str, str, float, float]] | None, bool]:
            change = store.latest_change(tx)
            if change == self._places_of:
                return change, None, False
            return change, store.own_towns(tx), store.areas_are_served(tx)

        change, towns, areas = await self.database.read(read)
        if towns is not None:
            self._places, self._places_of = self._supplement.with_towns(towns), change
            self._areas = Areas(self._places, self._regions) if areas else None
        self._looked_at = self.clock.now()

    async def _fresh_places(self) -> Places:
        now = self.clock.now()
        if self._looked_at is None or now - self._looked_at >= TOWNS_FRESH_FOR:
            await self.refresh_places()
        return self._places

    async def resolve_place(self, words: str, *, country: str | None = None, language: str = "en") -> list[FoundPlace]:
        """Places that `words` may mean, best first; more than one when it would be a guess. Empty: unknown."""
        places = await self._fresh_places()
        found = await asyncio.to_thread(
            places.resolve, words, country=country, beyond=self._gazetteer, language=language
        )
        near = await asyncio.to_thread(told_apart, found, partial(largest_around, self._gazetteer))
        return [_found(place, town) for place, town in zip(found, near, strict=True)]

    async def place_at(self, latitude: float, longitude: float) -> FoundPlace | None:
        """The known place nearest to a shared location, at the point that was shared (to about 100 metres)."""
        place = (await self._fresh_places()).nearest(latitude, longitude)
        if place is None:
            return None
        return FoundPlace(place.english, place.country, round(latitude, SHARED_DIGITS), round(longitude, SHARED_DIGITS))

    def nearest_known(self, latitude: float, longitude: float) -> tuple[Place, int] | None:
        """The known place nearest to a point, and how many metres from it the point is. Out of what is in memory."""
        place = self._places.nearest(latitude, longitude)
        if place is None:
            return None
        return place, round(distance_m(latitude, longitude, place.latitude, place.longitude))

    def place_name(self, name: str, country: str, *, language: str) -> str:
        """How people of a language call a place, given its canonical name."""
        return self._places.name_in(name, country, language)

    async def near(
        self,
        need: str,
        place: FoundPlace,
        *,
        language: str,
        limit: int = 3,
        wishes: Wishes = NO_WISHES,
    ) -> list[FoundService]:
        """Verified services for a need, near first; then for the whole country; then helplines. Raises KeyError.

        What is wished for beside age and gender must be known to hold; helplines come whatever
        was wished, so that nobody is left without an answer.
        """
        if need not in NEEDS:
            raise KeyError(need)
        here = await self._here(place, language)
        search = Search(
            need,
            place.latitude,
            place.longitude,
            place.country,
            limit=limit,
            here=here,
            **asdict(wishes),
        )
        at = self.clock.now()

        def read(tx: Connection) -> list[FoundService]:
            found = searching.find_near(tx, search, at=at)
            return _described(tx, found, at=at, language=language, words=self.words, here=here, speaks=wishes.speaks)

        return await self.database.read(read)

    async def in_country(
        self,
        need: str,
        country: str,
        *,
        language: str,
        limit: int = 3,
        wishes: Wishes = NO_WISHES,
    ) -> list[FoundService]:
        """Verified services for a need anywhere in a country (ISO 3166-1 alpha-2), the lately checked first.

        For somebody who names no town. What is wished for, and who is left without an answer: as in `near`. Raises
        KeyError.
        """
        if need not in NEEDS:
            raise KeyError(need)
        search = Search(
            need,
            country=country,
            limit=limit,
            **asdict(wishes),
        )
        at = self.clock.now()

        def read(tx: Connection) -> list[FoundService]:
            found = searching.find_in_country(tx, search, at=at)
            return _described(tx, found, at=at, language=language, words=self.words, speaks=wishes.speaks)

        return await self.database.read(read)

    async def _here(self, place: FoundPlace, language: str) -> Here | None:
        """The town, province and region of a place. None where nothing serves an area."""
        await self._fresh_places()
        if self._areas is None:
            return None
        return await asyncio.to_thread(self._areas.here, place, language=language)

    async def helplines(self, country: str | None, *, language: str, limit: int = 3) -> list[FoundService]:
        """Public helplines that serve a country; those that serve the world when it is not known."""
        at = self.clock.now()

        def read(tx: Connection) -> list[FoundService]:
            found = searching.find_helplines(tx, country, age=None, at=at)[:limit]
            return _described(
                tx, [(service, None, None) for service in found], at=at, language=language, words=self.words
            )

        return await self.database.read(read)

    @property
    def emergency_numbers(self) -> frozenset[str]:
        """All numbers that `emergency_number` may give."""
        return frozenset((*self._emergency.values(), EMERGENCY_ANYWHERE))

    async def emergency_number(self, country: str | None) -> str:
        """The number to dial in danger there: 112 where nothing better is known."""
        return self._emergency.get((country or "").upper(), EMERGENCY_ANYWHERE)

    async def service(self, service_id: str, *, language: str, place_id: str = "") -> FoundService | None:
        """One service that is offered, also by the id of a record merged into it; at the place of that id, else at the
        first of its places.

        None when there is none, or it is not (or no longer) for people.
        """
        at = self.clock.now()

        def read(tx: Connection) -> FoundService | None:
            record = store.get_service(tx, store.resolve_merged(tx, service_id))
            if record is None or record.state is not RecordState.CURRENT or record.verification is None:
                return None
            location = next((place for place in record.locations if place.id == place_id), None)
            location = location or next(iter(record.locations), None)
            found = _described(tx, [(record, location, None)], at=at, language=language, words=self.words)
            return found[0]

        return await self.database.read(read)

    def need_names(self, language: str) -> dict[str, str]:
        """What the needs are called in a language, by their codes."""
        return {code: self.words.text(language, name) for code, name in NEEDS.items()}

    async def needs(self, language: str) -> list[tuple[str, str]]:
        """Every need code with its name in a language."""
        return list(self.need_names(language).items())


def put_gates(tx: Connection) -> None:
    """Give the safe places without a point that of their town, by the name that everybody is told."""
    for service in store.get_services(tx, store.gates_nowhere(tx)):
        places = tuple(
            replace(place, latitude=point[0], longitude=point[1])
            if place.latitude is None and (point := gate_of(place.city, place.country))
            else place
            for place in service.locations
        )
        if places != service.locations and service.modified_at is not None:
            store.put_service(tx, replace(service, locations=places), at=service.modified_at)


def _described(
    tx: Connection,
    found: list[searching.Hit],
    *,
    at: datetime,
    language: str,
    words: Translates,
    here: Here | None = None,
    speaks: str | None = None,
) -> list[FoundService]:
    names = store.get_organizations(tx, [service.organization_id for service, _, _ in found])
    return [
        describe(
            service,
            names.get(service.organization_id),
            location,
            metres,
            at=at,
            language=language,
            words=words,
            here=here,
            speaks=speaks,
        )
        for service, location, metres in found
    ]


def _found(place: Place, near: str = "") -> FoundPlace:
    return FoundPlace(place.english, place.country, place.latitude, place.longitude, near)
