"""Organisations and services, whole, in and out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import asdict
from sqlalchemy.engine import Connection, RowMapping

from directory.model import (
    TRANSLATED,
    AtPlace,
    Capacity,
    Eligibility,
    Gender,
    Location,
    LocationKind,
    Method,
    OpeningHours,
    Organization,
    Phone,
    RecordState,
    ReferralContact,
    Service,
    ServiceStatus,
    Translation,
    Verification,
    fixed_id,
)
from directory.opening_hours import Season, Shift, SpecialDay
from directory.safe_place_changes import changes as safe_place_changes
from directory.safe_places import safe_places
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


def read_texts(written: str | None) -> tuple[Translation, ...]:
    return msgspec.json.decode(written, type=tuple[Translation, ...]) if written else ()


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


def get_locations(tx: Connection, ids: Sequence[str]) -> dict[str, Location]:
    found = {}
    for some in portions(ids):
        for row in tx.execute(sa.select(locations).where(locations.c.id.in_(some))).mappings():
            found[row["id"]] = _location(row)
    return found


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


def get_organizations(tx: Connection, ids: Iterable[str]) -> dict[str, Organization]:
    found: dict[str, Organization] = {}
    for some in portions(sorted(set(ids))):
        for row in tx.execute(_ORGANIZATIONS, {"ids": some}).mappings():
            found[row["id"]] = _organization(row)
    return found


def _organization(row: RowMapping) -> Organization:
    own = {name: row[name] for name in ("id", "name", "description", "website", "email", "demo")}
    return Organization(**own, language=row["language"] or "en", descriptions=read_texts(row["descriptions"]))


def get_service(tx: Connection, service_id: str) -> Service | None:
    """The record in whatever state it is."""
    return next(iter(get_services(tx, [service_id])), None)


def get_services(tx: Connection, ids: Sequence[str]) -> list[Service]:
    """Whole records, in the order of `ids`; unknown ids are left out. A fixed number of queries for any number."""
    found: dict[str, Service] = {}
    for some in portions(ids):
        children, places = _children(tx, some), _places(tx, some)
        for row in tx.execute(_SERVICES, {"ids": some}).mappings():
            found[row["id"]] = _service(row, children, places)
    return [found[service_id] for service_id in ids if service_id in found]


Row = Mapping[str, Any]
Children = dict[sa.Table, dict[str, list[Row]]]


def _of_services(query: sa.Select[Any], own: sa.Table) -> sa.Select[Any]:
    return query.where(own.c.service_id.in_(sa.bindparam("ids", expanding=True)))


#: Rows of every kind come in one statement, for a statement costs more than its rows: so many columns of each type,
#: and which of them holds what of a table.
_SLOTS: Mapping[str, sa.types.TypeEngine[Any]] = {
    **dict.fromkeys(("n1", "n2", "n3", "n4"), sa.Integer()),
    **dict.fromkeys(("t1", "t2", "t3", "t4", "t5"), sa.Text()),
    **dict.fromkeys(("d1", "d2"), sa.Date()),
    "b1": sa.Boolean(),
}
_LAID_OUT: Mapping[sa.Table, Mapping[str, str]] = {
    service_needs: {"need": "t1", "position": "n1"},
    service_countries: {"country": "t1"},
    schedules: {
        "weekday": "n1",
        "opens": "n2",
        "closes": "n3",
        "location_id": "t1",
        "season": "n4",
        "valid_from": "d1",
        "valid_to": "d2",
    },
    special_days: {"day": "d1", "shifts": "t1", "note": "t2", "location_id": "t3"},
    phones: {
        "number": "t1",
        "kind": "t2",
        "languages": "t3",
        "description": "t4",
        "position": "n1",
        "location_id": "t5",
    },
    service_languages: {"language": "t1", "position": "n1"},
    required_documents: {"document": "t1", "position": "n1"},
    texts: {"field": "t1", "language": "t2", "text": "t3", "source": "t4", "stale": "b1"},
}


def _laid_out(number: int, table: sa.Table) -> sa.Select[Any]:
    held = {slot: table.c[name] for name, slot in _LAID_OUT[table].items()}
    # What is held is not cast: SQLite makes the number 2026 of a day that is cast to one.
    columns = [(held[slot] if slot in held else sa.cast(sa.null(), kind)).label(slot) for slot, kind in _SLOTS.items()]
    return _of_services(sa.select(sa.literal_column(str(number)).label("kind"), table.c.service_id, *columns), table)


_CHILDREN = sa.union_all(*(_laid_out(number, table) for number, table in enumerate(_LAID_OUT)))
_KINDS = [
    (table, [(name, 2 + list(_SLOTS).index(slot)) for name, slot in slots.items()])
    for table, slots in _LAID_OUT.items()
]


def _children(tx: Connection, ids: Sequence[str]) -> Children:
    """What hangs on each of the services, by its table and service."""
    children: Children = {table: defaultdict(list) for table in _LAID_OUT}
    for row in tx.execute(_CHILDREN, {"ids": ids}):
        table, names = _KINDS[row[0]]
        children[table][row[1]].append({name: row[at] for name, at in names})
    return children


_SERVICES = sa.select(services).where(services.c.id.in_(sa.bindparam("ids", expanding=True)))
_ORGANIZATIONS = sa.select(organizations).where(organizations.c.id.in_(sa.bindparam("ids", expanding=True)))
_PLACES = _of_services(
    sa.select(services_at_locations.c.service_id, services_at_locations.c.zone, locations).join_from(
        services_at_locations, locations, locations.c.id == services_at_locations.c.location_id
    ),
    services_at_locations,
).order_by(services_at_locations.c.position)


def _places(tx: Connection, ids: Sequence[str]) -> dict[str, list[RowMapping]]:
    grouped: dict[str, list[RowMapping]] = defaultdict(list)
    for row in tx.execute(_PLACES, {"ids": ids}).mappings():
        grouped[row["service_id"]].append(row)
    return grouped


def _location(row: RowMapping) -> Location:
    return Location(
        row["id"],
        LocationKind(row["kind"]),
        row["name"],
        row["country"],
        row["city"],
        row["region"],
        row["postal_code"],
        row["address"],
        row["latitude"],
        row["longitude"],
        row["directions"],
        row["step_free"],
        _list_of(row["accessibility"]),
        bool(row["approximate"]),
        read_texts(row["directions_in"]),
    )


def _service(row: RowMapping, children: Children, places: dict[str, list[RowMapping]]) -> Service:
    own = row["id"]

    def of(table: sa.Table) -> list[Row]:
        rows = children[table].get(own, [])
        return sorted(rows, key=_by_position) if len(rows) > 1 and "position" in rows[0] else rows

    def translations(name: str) -> tuple[Translation, ...]:
        rows = (text for text in of(texts) if text["field"] == name)
        return tuple(sorted((Translation(r["language"], r["text"], r["source"], r["stale"]) for r in rows), key=str))

    return Service(
        id=own,
        organization_id=row["organization_id"],
        name=row["name"],
        summary=row["summary"],
        needs=tuple(need["need"] for need in of(service_needs)),
        language=row["language"],
        state=RecordState(row["state"]),
        status=ServiceStatus(row["status"]),
        eligibility=_eligibility(row),
        locations=tuple(_location(place) for place in places.get(own, ())),
        countries=tuple(sorted(country["country"] for country in of(service_countries))),
        hours=_hours(row["zone"], _of_place(None, of(schedules)), _of_place(None, of(special_days))),
        phones=_phones(_of_place(None, of(phones))),
        languages=tuple(language["language"] for language in of(service_languages)),
        interpreters=row["interpreters"],
        free=row["free"],
        cost_note=row["cost_note"],
        walk_in=row["walk_in"],
        how_to_apply=row["how_to_apply"],
        documents=tuple(document["document"] for document in of(required_documents)),
        reports_to=tuple(json.loads(row["reports_to"])),
        confidential=row["confidential"],
        website=row["website"],
        email=row["email"],
        alert=row["alert"],
        closed_from=row["closed_from"],
        closed_until=row["closed_until"],
        verification=_verification(row),
        demo=row["demo"],
        **{kept: translations(field) for field, kept in TRANSLATED.items()},
        update_of=row["update_of"],
        modified_at=row["modified_at"],
        staff_genders=_list_of(row["staff_genders"]),
        areas=_list_of(row["areas"]),
        capacity=_capacity(row),
        referral=ReferralContact(**json.loads(row["referral"])) if row["referral"] else ReferralContact(),
        at_places=tuple(_at_places(places.get(own, ()), *map(of, (schedules, special_days, phones)))),
    )


def _at_places(
    places: Sequence[RowMapping], shifts: list[Row], days: list[Row], numbers: list[Row]
) -> Iterator[AtPlace]:
    """What is otherwise at some of its places."""
    for place in places:
        key = place["id"]
        hours = _hours(place["zone"], _of_place(key, shifts), _of_place(key, days))
        told = _phones(_of_place(key, numbers))
        if hours is not None or told:
            yield AtPlace(key, hours, told)


def _of_place(location_id: str | None, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["location_id"] == location_id]


def _phones(rows: list[Row]) -> tuple[Phone, ...]:
    return tuple(Phone(p["number"], p["kind"], tuple(json.loads(p["languages"])), p["description"]) for p in rows)


def _by_position(row: Row) -> int:
    position: int = row["position"]
    return position


def _capacity(row: RowMapping) -> Capacity | None:
    if row["capacity_at"] is None or row["capacity_available"] is None:
        return None
    return Capacity(row["capacity_available"], row["capacity_at"], row["capacity_maximum"])


def _json_list(values: Sequence[str]) -> str | None:
    return json.dumps(list(values), ensure_ascii=False) if values else None


def _list_of(written: str | None) -> tuple[str, ...]:
    return tuple(json.loads(written)) if written else ()


def _eligibility(row: RowMapping) -> Eligibility:
    genders = frozenset(gender for gender in Gender if row[gender.value])
    return Eligibility(
        minimum_age=row["minimum_age"],
        maximum_age=row["maximum_age"],
        genders=genders,
        unaccompanied=row["unaccompanied"],
        accompanied=row["accompanied"],
        siblings_together=row["siblings_together"],
        papers_needed=row["papers_needed"],
        note=row["eligibility_note"],
        pregnant=row["pregnant"],
        disability=row["disability"],
        nationalities=_list_of(row["nationalities"]),
        status_required=_list_of(row["status_required"]),
    )


def _hours(zone: str | None, shifts: list[Row], days: list[Row]) -> OpeningHours | None:
    if zone is None:
        return None
    return OpeningHours(
        zone,
        _shifts(row for row in shifts if row["season"] is None),
        tuple(
            SpecialDay(day["day"], tuple((a, b) for a, b in json.loads(day["shifts"])), day["note"])
            for day in sorted(days, key=lambda day: day["day"])
        ),
        tuple(
            Season(first, last, _shifts(row for row in shifts if row["season"] == number))
            for number, first, last in sorted(
                {(row["season"], row["valid_from"], row["valid_to"]) for row in shifts if row["season"] is not None},
                key=lambda season: int(season[0]),
            )
        ),
    )


def _shifts(rows: Iterable[Row]) -> tuple[Shift, ...]:
    return tuple(sorted(Shift(row["weekday"], row["opens"], row["closes"]) for row in rows))


def _verification(row: RowMapping) -> Verification | None:
    if row["verified_at"] is None:
        return None
    return Verification(
        row["verified_at"], row["verified_by"], Method(row["verification_method"]), row["verification_source"]
    )
