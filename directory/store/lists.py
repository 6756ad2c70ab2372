"""Lists of ids for editors, and what the directory knows about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from directory.model import NEEDS, LocationKind, RecordState, ServiceStatus
from directory.moment import moment_to_int
from directory.store.reading import read_texts
from directory.store.rows import portions, says
from directory.store.tables import (
    WORLD,
    locations,
    organizations,
    service_countries,
    service_needs,
    services,
    services_at_locations,
    texts,
)


def latest_change(tx: Connection) -> tuple[int, int]:
    """How many services there are and when one last changed: if neither moved, nothing did."""
    count, newest = tx.execute(sa.select(sa.func.count(), sa.func.max(services.c.modified_at))).one()
    return count, 0 if newest is None else moment_to_int(newest)


def own_towns(tx: Connection) -> list[tuple[str, str, float, float]]:
    """Town, country and the middle of the services there, for towns in which something is offered."""
    query = (
        sa.select(
            locations.c.city,
            locations.c.country,
            sa.func.avg(locations.c.latitude),
            sa.func.avg(locations.c.longitude),
        )
        .join(services_at_locations, services_at_locations.c.location_id == locations.c.id)
        .join(services, services.c.id == services_at_locations.c.service_id)
        .where(
            locations.c.kind == LocationKind.PHYSICAL.value,
            locations.c.city != "",
            services.c.state == RecordState.CURRENT.value,
        )
        .group_by(locations.c.city, locations.c.country)
        .order_by(locations.c.city, locations.c.country)
    )
    return [(row[0], row[1], float(row[2]), float(row[3])) for row in tx.execute(query)]


class Met(Struct, frozen=True):
    """A need that a service answers in a town. `point`: of a place that everybody may know."""

    town: str
    country: str
    service_id: str
    need: str
    point: tuple[float, float] | None


def needs_met(tx: Connection, *, checked_since: datetime) -> list[Met]:
    """For what is in force, works and was checked since. A safe place and what has no door have no point."""
    own = locations.c
    query = (
        sa.select(
            own.city,
            own.country,
            services.c.id,
            service_needs.c.need,
            services.c.confidential,
            own.kind,
            own.latitude,
            own.longitude,
        )
        .distinct()
        .select_from(services)
        .join(services_at_locations, services_at_locations.c.service_id == services.c.id)
        .join(locations, own.id == services_at_locations.c.location_id)
        .join(service_needs, service_needs.c.service_id == services.c.id)
        .where(
            services.c.state == RecordState.CURRENT.value,
            services.c.status == ServiceStatus.ACTIVE.value,
            services.c.verified_at >= checked_since,
            own.city != "",
        )
    )
    met = []
    for town, country, service_id, need, confidential, kind, latitude, longitude in tx.execute(query):
        told = not confidential and kind == LocationKind.PHYSICAL.value and latitude is not None
        met.append(Met(town, country, service_id, need, (latitude, longitude) if told else None))
    return met


def demo_ids(tx: Connection) -> tuple[list[str], list[str]]:
    """Ids of demonstration services and of demonstration organisations."""
    return (
        list(tx.execute(sa.select(services.c.id).where(services.c.demo)).scalars()),
        list(tx.execute(sa.select(organizations.c.id).where(organizations.c.demo)).scalars()),
    )


def list_ids(
    tx: Connection,
    *,
    state: RecordState | None = None,
    words: str = "",
    needs: Mapping[str, str] = NEEDS,
    limit: int = 200,
    offset: int = 0,
    only: Sequence[str] | None = None,
    checked_first: bool = False,
    need: str = "",
    country: str = "",
    due_before: datetime | None = None,
    stale_texts_only: bool = False,
) -> list[str]:
    """Ids for the editors' list: the least recently checked first, never checked before all. `checked_first`: the other
    way round, for whoever looks for somebody to go to.

    Each of the words stands in a name of the service in any language, or in that of its organisation, its town or
    region, or a need as `needs` calls it. `due_before`: those in force that nobody has checked since.
    `stale_texts_only`: those in force of which a text has changed since it was translated.
    """
    own = services.c.id
    query = sa.select(services.c.id)
    if state is not None:
        query = query.where(services.c.state == state.value)
    if only is not None:
        query = query.where(services.c.id.in_(only))
    if need:
        query = query.where(own.in_(sa.select(service_needs.c.service_id).where(service_needs.c.need == need)))
    if country:
        query = query.where(sa.or_(*(own.in_(there.where(code == country)) for there, code in _COUNTRIES)))
    if due_before is not None:
        query = query.where(*_due(due_before))
    if stale_texts_only:
        stale = sa.select(texts.c.service_id).where(texts.c.stale)
        ways = sa.select(services_at_locations.c.service_id).join(
            locations, locations.c.id == services_at_locations.c.location_id
        )
        ways = ways.where(locations.c.directions_in.contains('"stale":true'))
        query = query.where(services.c.state == RecordState.CURRENT.value, sa.or_(own.in_(stale), own.in_(ways)))
    for word in words.casefold().split():
        query = query.where(_about(word, needs))
    checked = services.c.verified_at
    query = query.order_by(checked.desc().nulls_last() if checked_first else checked.asc().nulls_first(), services.c.id)
    return list(tx.execute(query.offset(offset).limit(limit)).scalars())


def translated_into(tx: Connection) -> list[tuple[str, str]]:
    """Which texts of services are there in which other languages."""
    query = sa.select(texts.c.field, texts.c.language).where(texts.c.language != services.c.language)
    query = query.join_from(texts, services, services.c.id == texts.c.service_id).distinct()
    return [(row.field, row.language) for row in tx.execute(query)]


def directions_translated_into(tx: Connection) -> set[str]:
    """In which languages the directions to places are there, besides those they were written in."""
    query = sa.select(locations.c.directions_in).where(locations.c.directions_in.is_not(None)).distinct()
    return {text.language for written in tx.execute(query).scalars() for text in read_texts(written)}


#: Where it stands of services in which country they are, or which they serve, with the column that says so.
_COUNTRIES = (
    (
        sa.select(services_at_locations.c.service_id).join(
            locations, locations.c.id == services_at_locations.c.location_id
        ),
        locations.c.country,
    ),
    (sa.select(service_countries.c.service_id), service_countries.c.country),
)


def listed_countries(tx: Connection) -> list[str]:
    """Every country in which something is, or which something serves."""
    own = (locations.c.country, service_countries.c.country)
    codes = sa.union(*(sa.select(column) for column in own))
    return sorted(code for code in tx.execute(codes).scalars() if code and code != WORLD)


def _due(checked_before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    checked = services.c.verified_at
    return services.c.state == RecordState.CURRENT.value, sa.or_(checked.is_(None), checked < checked_before)


def _about(word: str, needs: Mapping[str, str]) -> sa.ColumnElement[bool]:
    own = services.c.id
    here = sa.select(services_at_locations.c.service_id).join(
        locations, locations.c.id == services_at_locations.c.location_id
    )
    codes = [code for code, name in needs.items() if word in name.casefold() or word == code]
    found = [
        says(services.c.name, word),
        own.in_(sa.select(texts.c.service_id).where(texts.c.field == "name", says(texts.c.text, word))),
        services.c.organization_id.in_(sa.select(organizations.c.id).where(says(organizations.c.name, word))),
        own.in_(here.where(sa.or_(says(locations.c.city, word), says(locations.c.region, word)))),
    ]
    if codes:
        found.append(own.in_(sa.select(service_needs.c.service_id).where(service_needs.c.need.in_(codes))))
    return sa.or_(*found)


def due_ids(tx: Connection, *, checked_before: datetime) -> list[str]:
    """Ids of current services that nobody has checked since."""
    query = (
        sa.select(services.c.id)
        .where(*_due(checked_before))
        .order_by(services.c.verified_at.asc().nulls_first(), services.c.id)
    )
    return list(tx.execute(query).scalars())


def gates_nowhere(tx: Connection) -> list[str]:
    """Ids of the safe places of whose town no point is kept, so that no search near it finds them."""
    at, place = services_at_locations.c, locations.c
    query = sa.select(at.service_id).join(locations, place.id == at.location_id).distinct()
    return list(
        tx.execute(query.where(place.kind == LocationKind.FRONT_GATE.value, place.latitude.is_(None))).scalars()
    )


def update_ids(tx: Connection, service_ids: Sequence[str], states: Sequence[RecordState]) -> dict[str, str]:
    """The record in force to the change of it that is in one of the states."""
    found: dict[str, str] = {}
    for some in portions(service_ids):
        query = sa.select(services.c.update_of, services.c.id).where(
            services.c.update_of.in_(some), services.c.state.in_([state.value for state in states])
        )
        found.update((row.update_of, row.id) for row in tx.execute(query))
    return found
