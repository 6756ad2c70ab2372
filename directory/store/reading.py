"""Organisations and services as they are kept, read whole."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
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
)
from directory.opening_hours import Season, Shift, SpecialDay
from directory.store.rows import portions
from directory.store.tables import (
    locations,
    organizations,
    phones,
    required_documents,
    schedules,
    service_countries,
    service_languages,
    service_needs,
    services,
    services_at_locations,
    special_days,
    texts,
)


def read_texts(written: str | None) -> tuple[Translation, ...]:
    return msgspec.json.decode(written, type=tuple[Translation, ...]) if written else ()


def get_locations(tx: Connection, ids: Sequence[str]) -> dict[str, Location]:
    found = {}
    for some in portions(ids):
        for row in tx.execute(sa.select(locations).where(locations.c.id.in_(some))).mappings():
            found[row["id"]] = _location(row)
    return found


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
