"""Invented services to try Waymark with. Every record says that it is an example; none can be mistaken for real help.

Organisations are made up, telephone numbers are from the ranges that France (+33 1 99 00) and the United Kingdom
(+44 1632 960) keep for fiction, addresses do not exist. `remove` takes all of it out again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from directory import store
from directory.demonstration import elsewhere, ventimiglia
from directory.demonstration.model import LANGUAGES, ORGANIZATIONS, Example, Words
from directory.model import (
    Location,
    LocationKind,
    Method,
    Organization,
    Phone,
    Service,
    Translation,
    Verification,
    fixed_id,
)
from directory.opening_hours import week
from directory.safe_place_changes import forget_changes
from directory.safe_places import Audit, Keys, SafePlace, forget_safe_places, put_safe_place

__all__ = ["CHECKED_BY", "EXAMPLES", "ORGANIZATIONS", "SAFE_HOUSE", "remove", "seed", "service_of"]

CHECKED_BY = "Waymark demonstration"

EXAMPLES = (*ventimiglia.EXAMPLES, *elsewhere.EXAMPLES)

#: Where the invented safe house is. Made up too, but kept the way a real one is.
SAFE_HOUSE = ("Vicolo della Fantasia 99, scala B, 00001 Ventimiglia", 43.81234, 7.61234)


def seed(tx: Connection, *, at: datetime, keys: Keys | None = None, audit: Audit | None = None) -> int:
    """Put the demonstration in, or bring it up to date. Returns how many services there are.

    With `keys` and `audit` the safe house gets its (equally invented) hidden address, as a real one would.
    """
    for key, (name, description) in ORGANIZATIONS.items():
        organization = Organization(_organization_id(key), name, description, demo=True)
        store.put_organization(tx, organization, at=at)
    for example in EXAMPLES:
        service = service_of(example, at)
        store.put_service(tx, service, at=at)
        if example.confidential and keys is not None and audit is not None:
            place = SafePlace(*SAFE_HOUSE)
            put_safe_place(tx, keys, audit, service_id=service.id, place=place, by="system", at=at)
    return len(EXAMPLES)


def remove(tx: Connection) -> list[str]:
    """Take every demonstration record out. Returns the ids of safe-place keys, for the host to destroy."""
    services, organizations = store.demo_ids(tx)
    key_ids = forget_safe_places(tx, services) + forget_changes(tx, services)
    store.delete_services(tx, services)
    store.delete_organizations(tx, organizations)
    return key_ids


def _organization_id(key: str) -> str:
    return fixed_id("demonstration organization", key)


def service_of(example: Example, at: datetime) -> Service:
    service_id = fixed_id("demonstration", example.key)
    checked_at = at - timedelta(days=example.checked_days_ago)
    checked = Verification(checked_at, CHECKED_BY, Method.INVENTED, "Demonstration record")
    return Service(
        id=service_id,
        organization_id=_organization_id(example.organization),
        name=example.name[0],
        summary=example.summary[0],
        needs=tuple(example.needs.split()),
        state=example.state,
        eligibility=example.eligibility,
        locations=(_location(example),),
        hours=week(example.zone, example.hours),
        phones=(Phone(example.phone),),
        languages=tuple(example.languages.split()),
        free=True,
        walk_in=example.walk_in,
        documents=example.documents,
        reports_to=example.reports_to,
        confidential=example.confidential,
        staff_genders=example.staff,
        alert="Example only. This service is invented.",
        verification=checked if example.checked else None,
        demo=True,
        names=_translations(example.name),
        summaries=_translations(example.summary),
    )


def _translations(words: Words) -> tuple[Translation, ...]:
    return tuple(Translation(language, text) for language, text in zip(LANGUAGES[1:], words[1:], strict=True))


def _location(example: Example) -> Location:
    return Location(
        id=fixed_id("demonstration location", example.key),
        kind=LocationKind.FRONT_GATE if example.confidential else LocationKind.PHYSICAL,
        name=f"{example.town} (call first)" if example.confidential else example.name[0],
        country=example.country,
        city=example.town,
        postal_code=example.postal_code,
        address=example.address,
        latitude=example.latitude,
        longitude=example.longitude,
        step_free=example.step_free,
    )
