"""Records to try the directory with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import store
from directory.model import (
    FoundPlace,
    Location,
    LocationKind,
    Method,
    Organization,
    RecordState,
    Service,
    Verification,
    fixed_id,
)

VENTIMIGLIA = FoundPlace("Ventimiglia", "IT", 43.7896, 7.6087)
#: Where nothing of the demonstration is near.
NOWHERE = FoundPlace("Nowhere", "GL", 72.0, -40.0)
OWNER = Organization(fixed_id("test", "owner"), "Test Owner", "Runs tests")


def a_service(
    key: str, at: datetime, *, north_m: float = 0, checked_days_ago: int | None = 1, **changes: Any
) -> Service:
    """A current, verified shelter some metres north of the point where nothing is."""
    location = Location(
        fixed_id("test location", key),
        LocationKind.PHYSICAL,
        key,
        "GL",
        city="Eismitte",
        address=f"{key} street",
        latitude=NOWHERE.latitude + north_m / 111_195,
        longitude=NOWHERE.longitude,
    )
    checked = (
        None
        if checked_days_ago is None
        else Verification(at - timedelta(days=checked_days_ago), "Ana", Method.PHONE, "called")
    )
    service = Service(
        fixed_id("test service", key),
        OWNER.id,
        key,
        f"{key} summary",
        ("shelter",),
        state=RecordState.CURRENT,
        locations=(location,),
        verification=checked,
    )
    return replace(service, **changes)


def by_web(at: datetime) -> Service:
    """A service that people write to from the whole country, at a place that is none."""
    record = a_service("by web", at, countries=("GL",))
    place = replace(record.locations[0], kind=LocationKind.VIRTUAL, latitude=None, longitude=None)
    return replace(record, locations=(place,))


def put(tx: Connection, *records: Service, at: datetime) -> None:
    """Keep records as they are, past every rule."""
    store.put_organization(tx, OWNER, at=at)
    for record in records:
        store.put_service(tx, record, at=at)
