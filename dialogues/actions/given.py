"""A directory that is simply given: for talks, for the shell, for a deployment without services yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from dialogues.actions.ports import NO_WISHES, FoundPlace, FoundService, Wishes

#: What was checked so many days ago is not offered to who is in danger.
LATELY = 90


class GivenServices(Struct, frozen=True):
    """Implements `Services` from lists. Knows nothing where nothing was given."""

    places: Mapping[str, tuple[FoundPlace, ...]]  # what people may write, lower case, to what it may mean
    services: Mapping[str, tuple[FoundService, ...]]  # by need
    numbers: tuple[FoundService, ...] = ()
    emergency: Mapping[str, str] | None = None

    @classmethod
    def nothing(cls) -> GivenServices:
        return cls({}, {})

    async def resolve_place(self, words: str, *, country: str | None, language: str) -> list[FoundPlace]:
        return list(self.places.get(words.strip().casefold(), ()))

    async def place_at(self, latitude: float, longitude: float) -> FoundPlace | None:
        return min(
            self._all_places(),
            key=lambda place: abs(place.latitude - latitude) + abs(place.longitude - longitude),
            default=None,
        )

    async def near(
        self,
        need: str,
        place: FoundPlace,
        *,
        language: str,
        limit: int = 3,
        wishes: Wishes = NO_WISHES,
    ) -> list[FoundService]:
        """Those given for the need that meet what was wished, or the numbers. Ages and genders were not given."""

        def wished(service: FoundService) -> bool:
            return (
                (not (wishes.open_now or wishes.open_tonight) or service.open_now is True)
                and (wishes.speaks is None or wishes.speaks in service.speaks)
                and (not wishes.no_papers or service.papers_needed is False)
                and (not wishes.free or service.free is True)
                and not (wishes.pregnant or wishes.disability or wishes.staff)  # nobody has said
                and (not wishes.lately_checked or (service.checked_days_ago or 0) < LATELY)
            )

        found = [service for service in self.services.get(need, ()) if wished(service)]
        return (found or list(self.numbers))[:limit]

    async def in_country(
        self,
        need: str,
        country: str,
        *,
        language: str,
        limit: int = 3,
        wishes: Wishes = NO_WISHES,
    ) -> list[FoundService]:
        """As `near`; none is far."""
        found = await self.near(
            need,
            FoundPlace(country, country, 0.0, 0.0),
            language=language,
            limit=limit,
            wishes=wishes,
        )
        return [replace(service, distance_m=None) for service in found]

    async def service(self, service_id: str, *, language: str, place_id: str = "") -> FoundService | None:
        every = (*self.numbers, *(service for offered in self.services.values() for service in offered))
        return next((service for service in every if service.id == service_id), None)

    async def helplines(self, country: str | None, *, language: str, limit: int = 3) -> list[FoundService]:
        return list(self.numbers)[:limit]

    async def emergency_number(self, country: str | None) -> str:
        return (self.emergency or {}).get(country or "", "112")

    def _all_places(self) -> Iterable[FoundPlace]:
        return (place for places in self.places.values() for place in places)
