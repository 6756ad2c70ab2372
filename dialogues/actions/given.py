"""A directory that is simply given: for talks, for the shell, for a deployment without services yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dialogues.actions.ports import FoundPlace, FoundService


@dataclass(frozen=True)
class GivenServices:
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
        self, need: str, place: FoundPlace, *, language: str, limit: int = 3, age: int | None = None
    ) -> list[FoundService]:
        return list(self.services.get(need, ()))[:limit]

    async def helplines(self, country: str | None, *, language: str, limit: int = 3) -> list[FoundService]:
        return list(self.numbers)[:limit]

    async def emergency_number(self, country: str | None) -> str:
        return (self.emergency or {}).get(country or "", "112")

    def _all_places(self) -> Iterable[FoundPlace]:
        return (place for places in self.places.values() for place in places)
