"""Organisations and services, written whole and taken out again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import asdict
from sqlalchemy.engine import Connection

from directory.model import (
    TRANSLATED,
    Gender,
    Location,
    OpeningHours,
    Organization,
    RecordState,
    Service,
    Translation,
    fixed_id,
)
from directory.opening_hours import Season
from directory.safe_place_changes import changes as safe_place_changes
from directory.safe_places import safe_places
from directory.store.reading import get_locations, get_services
from directory.store.rows import portions, upsert
from directory.store.search import clear_search, forget_for_search, note_for_search
from directory.store.tables import (
    CHILDREN,
    changes,
    duplicates,
    locations,
    merged,
    organization_changes,
    organization_drafts,
    organizations,
    phones,
    provider_links,
    reports,
    required_documents,
    schedules,
    service_countries,
    service_languages,
    service_needs,
    services,
    services_at_locations,
    special_days,
    texts,
    verifications,
)


def put_organization(tx: Connection, organization: Organization, *, at: datetime) -> None:
    """Keep an organisation, new or changed."""
    upsert(tx, organizations, {**organization_row(organization), "modified_at": at})


def add_organizations(tx: Connection, records: Sequence[Organization], *, at: datetime) -> None:
    """Keep organisations whose ids are new."""
    if records:
        rows = [{**organization_row(record), "modified_at": at} for record in records]
        tx.execute(organizations.insert(), rows)


def organization_row(record: Organization) -> dict[str, Any]:
    return {**asdict(record), "descriptions": written_texts(record.descriptions)}


def written_texts(texts: tuple[Translation, ...]) -> str | None:
    return msgspec.json.encode(texts).decode() if texts else None


def put_service(tx: Connection, service: Service, *, at: datetime) -> None:
    """Keep a service with everything below it, new or changed. Asks nothing: `service.py` does."""
    upsert(tx, services, _service_row(service, at))
    left = set(_location_ids(tx, [service.id])) - {location.id for location in service.locations}
    for location in service.locations:
        upsert(tx, locations, _location_row(location))
    for table in CHILDREN:
        tx.execute(table.delete().where(table.c.service_id == service.id))
    for table, rows in _child_rows(service).items():
        if rows:
            tx.execute(table.insert(), rows)
    _delete_unused(tx, sorted(left))
    note_for_search(tx, [service])
    _note_again(tx, _others_at(tx, service))


def _others_at(tx: Connection, service: Service) -> list[str]:
    """Ids of other services at the places of this one: what was said of the place was said of theirs."""
    linked = services_at_locations.c
    here = linked.location_id.in_([place.id for place in service.locations])
    return list(tx.execute(sa.select(linked.service_id).where(here, linked.service_id != service.id)).scalars())


def _note_again(tx: Connection, service_ids: Sequence[str]) -> None:
    for some in portions(service_ids):
        note_for_search(tx, get_services(tx, some))


def rebuild_search(tx: Connection) -> int:
    """Write the table that searches read anew from the records. Returns how many records are in force."""
    clear_search(tx)
    current = services.c.state == RecordState.CURRENT.value
    ids = list(tx.execute(sa.select(services.c.id).where(current)).scalars())
    _note_again(tx, ids)
    return len(ids)


def add_services(tx: Connection, records: Sequence[Service], *, at: datetime) -> None:
    """Keep many services whose ids are new, in a few statements. Their locations may be there already."""
    if not records:
        return
    tx.execute(services.insert(), [_service_row(record, at) for record in records])
    places = {location.id: location for record in records for location in record.locations}
    known = get_locations(tx, list(places))
    new = [_location_row(place) for key, place in places.items() if key not in known]
    if new:
        tx.execute(locations.insert(), new)
    rows: dict[sa.Table, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        for table, some in _child_rows(record).items():
            rows[table] += some
    for table, some in rows.items():
        if some:
            tx.execute(table.insert(), some)
    note_for_search(tx, [record for record in records if record.state is RecordState.CURRENT])


def used_elsewhere(tx: Connection, location_ids: Sequence[str], service_id: str) -> set[str]:
    """Those of the locations at which another service is."""
    linked = services_at_locations.c
    query = sa.select(linked.location_id).where(linked.location_id.in_(location_ids), linked.service_id != service_id)
    return set(tx.execute(query).scalars())


def _location_ids(tx: Connection, service_ids: Sequence[str]) -> list[str]:
    linked = services_at_locations.c
    return list(tx.execute(sa.select(linked.location_id).where(linked.service_id.in_(service_ids))).scalars())


def _delete_unused(tx: Connection, location_ids: Sequence[str]) -> None:
    """Delete those of the locations at which no service is left."""
    used = sa.exists().where(services_at_locations.c.location_id == locations.c.id)
    for some in portions(location_ids):
        tx.execute(locations.delete().where(locations.c.id.in_(some), ~used))


def _location_row(place: Location) -> dict[str, Any]:
    written = {"accessibility": _json_list(place.accessibility), "directions_in": written_texts(place.directions_in)}
    return {**asdict(place), "kind": place.kind.value, **written}


def _service_row(service: Service, at: datetime) -> dict[str, Any]:
    who, checked = service.eligibility, service.verification
    return {
        "id": service.id,
        "organization_id": service.organization_id,
        "update_of": service.update_of,
        "state": service.state.value,
        "status": service.status.value,
        "name": service.name,
        "summary": service.summary,
        "language": service.language,
        "minimum_age": who.minimum_age,
        "maximum_age": who.maximum_age,
        "girls": Gender.GIRLS in who.genders,
        "boys": Gender.BOYS in who.genders,
        "unaccompanied": who.unaccompanied,
        "accompanied": who.accompanied,
        "siblings_together": who.siblings_together,
        "papers_needed": who.papers_needed,
        "pregnant": who.pregnant,
        "disability": who.disability,
        "nationalities": _json_list(who.nationalities),
        "status_required": _json_list(who.status_required),
        "staff_genders": _json_list(service.staff_genders),
        "areas": _json_list(service.areas),
        "capacity_available": service.capacity.available if service.capacity else None,
        "capacity_maximum": service.capacity.maximum if service.capacity else None,
        "capacity_at": service.capacity.at if service.capacity else None,
        "referral": json.dumps(asdict(service.referral), ensure_ascii=False) if service.referral else None,
        "eligibility_note": who.note,
        "free": service.free,
        "cost_note": service.cost_note,
        "walk_in": service.walk_in,
        "how_to_apply": service.how_to_apply,
        "interpreters": service.interpreters,
        "reports_to": json.dumps(service.reports_to),
        "confidential": service.confidential,
        "website": service.website,
        "email": service.email,
        "alert": service.alert,
        "zone": service.hours.zone if service.hours else None,
        "closed_from": service.closed_from,
        "closed_until": service.closed_until,
        "verified_at": checked.at if checked else None,
        "verified_by": checked.by if checked else None,
        "verification_method": checked.method.value if checked else None,
        "verification_source": checked.source if checked else None,
        "demo": service.demo,
        "modified_at": at,
    }


def _child_rows(service: Service) -> dict[sa.Table, list[dict[str, Any]]]:
    own = {"service_id": service.id}
    there = [service.only_at(place.id) for place in service.locations]
    scopes = [(None, service.hours, service.phones), *((at.location_id, at.hours, at.phones) for at in there)]
    weeks = [(key, hours) for key, hours, _ in scopes if hours is not None]

    def numbered(values: Iterable[Any], label: str) -> Iterator[tuple[dict[str, Any], Any]]:
        for position, value in enumerate(values):
            yield {**own, "id": fixed_id(label, service.id, str(position)), "position": position}, value

    def without_position(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name != "position"}

    return {
        service_needs: [{**own, "need": need, "position": i} for i, need in enumerate(dict.fromkeys(service.needs))],
        services_at_locations: [
            {**own, "id": fixed_id("at", service.id, at.location_id), "location_id": at.location_id}
            | {"position": position, "zone": at.hours.zone if at.hours is not None else None}
            for position, at in enumerate(there)
        ],
        service_countries: [{**own, "country": country} for country in dict.fromkeys(service.countries)],
        schedules: [
            {**without_position(row), **shift}
            for row, shift in numbered((each for key, hours in weeks for each in _shift_rows(key, hours)), "schedule")
        ],
        special_days: [
            {**without_position(row), "day": special.day, "shifts": json.dumps(special.shifts), "note": special.note}
            | {"location_id": key}
            for row, (key, special) in numbered(
                ((key, special) for key, hours in weeks for special in hours.special_days), "special day"
            )
        ],
        phones: [
            {
                **row,
                "number": phone.number,
                "kind": phone.kind,
                "languages": json.dumps(phone.languages),
                "description": phone.description,
                "location_id": key,
            }
            for row, (key, phone) in numbered(((key, phone) for key, _, some in scopes for phone in some), "phone")
        ],
        service_languages: [
            {**own, "language": code, "position": i} for i, code in enumerate(dict.fromkeys(service.languages))
        ],
        required_documents: [{**row, "document": name} for row, name in numbered(service.documents, "document")],
        texts: [
            {**own, "field": name}
            | {"language": text.language, "text": text.text, "source": text.source, "stale": text.stale}
            for name in TRANSLATED
            for text in service.translations_of(name)
        ],
    }


def _shift_rows(location_id: str | None, hours: OpeningHours) -> Iterator[dict[str, Any]]:
    """The ordinary week, and those of the seasons."""
    ordinary = Season(None, None, hours.shifts)
    for number, season in [(None, ordinary), *enumerate(hours.seasons)]:
        for shift in season.shifts:
            yield {
                "weekday": shift.weekday,
                "opens": shift.opens,
                "closes": shift.closes,
                "location_id": location_id,
                "season": number,
                "valid_from": season.first,
                "valid_to": season.last,
            }


def set_state(tx: Connection, service_id: str, state: RecordState, *, at: datetime) -> None:
    tx.execute(services.update().where(services.c.id == service_id).values(state=state.value, modified_at=at))
    _note_again(tx, [service_id])


def delete_services(tx: Connection, ids: Sequence[str]) -> None:
    """Take services out with everything that hangs on them, on databases with or without foreign keys enforced."""
    for some in portions(ids):
        left = _location_ids(tx, some)
        forget_for_search(tx, some)
        kept_apart = (safe_places, safe_place_changes)
        for table in (*CHILDREN, verifications, changes, reports, provider_links, *kept_apart, merged):
            tx.execute(table.delete().where(table.c.service_id.in_(some)))
        tx.execute(merged.delete().where(merged.c.into_id.in_(some)))
        tx.execute(duplicates.delete().where(sa.or_(duplicates.c.first_id.in_(some), duplicates.c.second_id.in_(some))))
        tx.execute(services.delete().where(services.c.id.in_(some)))
        _delete_unused(tx, left)


def delete_organizations(tx: Connection, ids: Sequence[str]) -> None:
    for some in portions(ids):
        for table in (organization_drafts, organization_changes):
            tx.execute(table.delete().where(table.c.organization_id.in_(some)))
        tx.execute(organizations.delete().where(organizations.c.id.in_(some)))


def _json_list(values: Sequence[str]) -> str | None:
    return json.dumps(list(values), ensure_ascii=False) if values else None
