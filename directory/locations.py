"""Where services are met, and what is otherwise at one of several places of a service."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from directory.opening_hours import OpeningHours
from directory.translations import Translation, best_fresh
from directory.words import N_, because


class LocationKind(StrEnum):
    """PHYSICAL has an address for everyone; VIRTUAL has none; FRONT_GATE stands before a place that is not told."""

    PHYSICAL = "physical"
    VIRTUAL = "virtual"
    FRONT_GATE = "front_gate"


class Location(Struct, frozen=True):
    """Where a service is met. A FRONT_GATE carries its town and country and nothing nearer."""

    id: str
    kind: LocationKind
    name: str
    country: str
    city: str = ""
    region: str = ""
    postal_code: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None
    directions: str = ""
    step_free: bool | None = None
    accessibility: tuple[str, ...] = ()  # codes of ACCESSIBILITY
    approximate: bool = False  # the point is the middle of the town: nobody has put it at the door
    directions_in: tuple[Translation, ...] = ()  # what is in `directions`, in other languages than its service's

    def way_in(self, language: str, *, own: str) -> Translation:
        """The directions in a language, else in the language they were written in, which is that of the service."""
        return best_fresh(self.directions_in, language, Translation(own, self.directions))


class Phone(Struct, frozen=True):
    """A number as it is dialled there: short codes are never made international."""

    number: str
    kind: str = "voice"  # voice, sms, whatsapp, text
    languages: tuple[str, ...] = ()
    description: str = ""


class AtPlace(Struct, frozen=True):
    """What is otherwise at one of the places of a service. What is empty is as it is at the others."""

    location_id: str
    hours: OpeningHours | None = None
    phones: tuple[Phone, ...] = ()


#: A front gate's coordinates are kept to a tenth of a degree (about 11 km): enough to sort by town.
FRONT_GATE_DIGITS = 1


NO_POINT = N_("'{place}' has no coordinates")


def location_problems(location: Location) -> list[str]:
    """Everything wrong with a place, and above all whatever would point at a place that is not told."""
    found: list[str] = []
    if len(location.country) != 2 or not location.country.isupper():
        found.append(
            because("the country of '{place}' is not an ISO 3166 code of two capital letters", place=location.name)
        )
    if (location.latitude is None) != (location.longitude is None):
        found.append(because("'{place}' has only half of its coordinates", place=location.name))
    if location.latitude is not None and not -90 <= location.latitude <= 90:
        found.append(because("the latitude of '{place}' is not between -90 and 90", place=location.name))
    if location.longitude is not None and not -180 <= location.longitude <= 180:
        found.append(because("the longitude of '{place}' is not between -180 and 180", place=location.name))
    if location.kind is LocationKind.PHYSICAL and location.latitude is None:
        found.append(because(NO_POINT, place=location.name))
    if location.kind is LocationKind.FRONT_GATE:
        if location.address or location.postal_code or location.directions or location.directions_in:
            found.append(because("a front gate has no address, no postal code and no directions"))
        for value in (location.latitude, location.longitude):
            if value is not None and round(value, FRONT_GATE_DIGITS) != value:
                found.append(because("the coordinates of a front gate are given to a tenth of a degree"))
                break
    return found


def phone_problems(phones: tuple[Phone, ...]) -> list[str]:
    return [
        because("'{number}' is no phone number", number=phone.number[:40])
        for phone in phones
        if sum(sign.isdecimal() for sign in phone.number) < 2
    ]
