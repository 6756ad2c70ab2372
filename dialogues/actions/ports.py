"""What the actions need from their host. The composition root hands it in; nothing here knows SQL or channels."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class FoundPlace(Struct, frozen=True):
    """A place on the map that somebody named."""

    name: str  # canonical English GeoNames name
    country: str  # ISO 3166-1 alpha-2
    latitude: float
    longitude: float
    near: str = ""  # a town by which it is told from another of its name, where there is one


class FoundService(Struct, frozen=True):
    """A verified service, as much of it as may be told to anyone."""

    id: str
    name: str
    summary: str
    distance_m: int | None  # None: by phone or web, or a place that is not told
    open_now: bool | None
    hours_today: str  # ready for people, in their language; "" if unknown
    checked_days_ago: int | None
    phone: str
    address: str  # "" for safe places
    latitude: float | None
    longitude: float | None
    confidential: bool
    why: tuple[str, ...] = ()  # short reasons it is offered, in the person's language
    needs: tuple[str, ...] = ()  # codes of what it helps with
    documents: tuple[str, ...] = ()  # what to bring, in the person's language
    free: bool | None = None  # None, here and below: nobody has said
    papers_needed: bool | None = None
    speaks: tuple[str, ...] = ()  # BCP 47
    phone_kind: str = "voice"  # voice, sms, whatsapp, text
    website: str = ""
    email: str = ""
    place_id: str = ""  # of a service that has several places: the one that is meant


class Wishes(Struct, frozen=True, kw_only=True):
    """Whom a service is looked for, and what it must be known to be. None and False: it does not matter."""

    age: int | None = None
    gender: str | None = None  # girls or boys
    open_now: bool = False
    open_tonight: bool = False
    speaks: str | None = None  # BCP 47
    no_papers: bool = False
    free: bool = False
    pregnant: bool = False
    disability: bool = False
    staff: str | None = None  # women or men, to be asked for
    lately_checked: bool = False  # for who is in danger: no service that nobody checked of late


NO_WISHES = Wishes()


class Services(Protocol):
    """The directory, as the dialogue needs it."""

    async def resolve_place(self, words: str, *, country: str | None, language: str) -> list[FoundPlace]:
        """Places that `words` may mean, best first; more than one when it would be a guess. Empty: unknown."""
        ...

    async def place_at(self, latitude: float, longitude: float) -> FoundPlace | None:
        """The nearest known place to a shared location."""
        ...

    async def near(
        self,
        need: str,
        place: FoundPlace,
        *,
        language: str,
        limit: int = 3,
        wishes: Wishes = NO_WISHES,
    ) -> list[FoundService]:
        """Verified services for a need, near first. Includes helplines that serve that country when none is near.

        What is wished for beside age and gender must be known to hold, save for helplines.
        """
        ...

    async def in_country(
        self,
        need: str,
        country: str,
        *,
        language: str,
        limit: int = 3,
        wishes: Wishes = NO_WISHES,
    ) -> list[FoundService]:
        """As `near`, for somebody who names a country and no town: anywhere in it, the lately checked first."""
        ...

    async def service(self, service_id: str, *, language: str, place_id: str = "") -> FoundService | None:
        """One service that is offered, at the place of that id where it has several. None when it is not, or no
        longer."""
        ...

    async def helplines(self, country: str | None, *, language: str, limit: int = 3) -> list[FoundService]:
        """Public helplines that serve a country (or any country, when it is not known)."""
        ...

    async def emergency_number(self, country: str | None) -> str:
        """The number to dial in danger there: "112" where nothing better is known."""
        ...
