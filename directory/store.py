"""The directory's tables, and the only SQL about them, save for the safe places' (`safe_places.py`).

Everything that is searched by is a column; everything else is a row of a child table, so that later editions can
follow a phone or an hour on its own. Names of tables and columns follow HSDS where it has a word.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from directory.geography import Box
from directory.model import (
    ADULT,
    Eligibility,
    Gender,
    Location,
    LocationKind,
    Method,
    OpeningHours,
    Organization,
    Phone,
    RecordState,
    Service,
    ServiceStatus,
    Translation,
    Verification,
    fixed_id,
)
from directory.moment import Moment, moment_to_int
from directory.opening_hours import Shift, SpecialDay
from directory.safe_places import safe_places
from directory.schema import metadata

T = TypeVar("T")


class Transactions(Protocol):
    """What the directory needs of a database: plain functions of a connection, run as transactions."""

    async def read(self, work: Callable[[Connection], T]) -> T: ...

    async def write(self, work: Callable[[Connection], T]) -> T: ...


def _service_key(*, primary: bool = False, index: bool = True) -> sa.Column[str]:
    return sa.Column(
        "service_id",
        sa.String(36),
        sa.ForeignKey("directory_services.id", ondelete="CASCADE"),
        primary_key=primary,
        nullable=False,
        index=index and not primary,
    )


organizations = sa.Table(
    "directory_organizations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, default=""),
    sa.Column("website", sa.Text, nullable=False, default=""),
    sa.Column("email", sa.Text, nullable=False, default=""),
    sa.Column("demo", sa.Boolean, nullable=False, default=False),
    sa.Column("modified_at", Moment, nullable=False),
)

services = sa.Table(
    "directory_services",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("organization_id", sa.String(36), sa.ForeignKey("directory_organizations.id"), nullable=False),
    sa.Column("update_of", sa.String(36), nullable=True),  # a draft that will take the place of this record
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("language", sa.String(12), nullable=False),
    sa.Column("minimum_age", sa.Integer, nullable=True),
    sa.Column("maximum_age", sa.Integer, nullable=True),
    sa.Column("girls", sa.Boolean, nullable=False),
    sa.Column("boys", sa.Boolean, nullable=False),
    sa.Column("unaccompanied", sa.Boolean, nullable=True),
    sa.Column("accompanied", sa.Boolean, nullable=True),
    sa.Column("siblings_together", sa.Boolean, nullable=True),
    sa.Column("papers_needed", sa.Boolean, nullable=True),
    sa.Column("eligibility_note", sa.Text, nullable=False),
    sa.Column("free", sa.Boolean, nullable=True),
    sa.Column("cost_note", sa.Text, nullable=False),
    sa.Column("walk_in", sa.Boolean, nullable=True),
    sa.Column("how_to_apply", sa.Text, nullable=False),
    sa.Column("interpreters", sa.Boolean, nullable=True),
    sa.Column("reports_to", sa.Text, nullable=False),  # JSON list of codes
    sa.Column("confidential", sa.Boolean, nullable=False),
    sa.Column("website", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("alert", sa.Text, nullable=False),
    sa.Column("zone", sa.String(64), nullable=True),  # IANA; of the opening hours
    sa.Column("closed_from", sa.Date, nullable=True),
    sa.Column("closed_until", sa.Date, nullable=True),
    sa.Column("verified_at", Moment, nullable=True),
    sa.Column("verified_by", sa.Text, nullable=True),
    sa.Column("verification_method", sa.String(12), nullable=True),
    sa.Column("verification_source", sa.Text, nullable=True),
    sa.Column("demo", sa.Boolean, nullable=False),
    sa.Column("modified_at", Moment, nullable=False),
    sa.Index("ix_directory_services_state", "state", "verified_at"),
    sa.Index("ix_directory_services_organization", "organization_id"),
    sa.Index("ix_directory_services_modified", "modified_at"),
)

service_needs = sa.Table(
    "directory_service_needs",
    metadata,
    _service_key(primary=True),
    sa.Column("need", sa.String(32), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("ix_directory_service_needs_need", "need", "service_id"),
)

locations = sa.Table(
    "directory_locations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("country", sa.String(2), nullable=False),
    sa.Column("city", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("postal_code", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("latitude", sa.Float, nullable=True),
    sa.Column("longitude", sa.Float, nullable=True),
    sa.Column("directions", sa.Text, nullable=False),
    sa.Column("step_free", sa.Boolean, nullable=True),
    sa.Index("ix_directory_locations_point", "latitude", "longitude", "id"),  # a search reads the index alone
)

services_at_locations = sa.Table(
    "directory_services_at_locations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column(
        "location_id",
        sa.String(36),
        sa.ForeignKey("directory_locations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("position", sa.Integer, nullable=False),
    sa.UniqueConstraint("service_id", "location_id"),
)

service_countries = sa.Table(
    "directory_service_countries",
    metadata,
    _service_key(primary=True),
    sa.Column("country", sa.String(2), primary_key=True),
    sa.Index("ix_directory_service_countries_country", "country", "service_id"),
)

schedules = sa.Table(
    "directory_schedules",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("weekday", sa.Integer, nullable=False),
    sa.Column("opens", sa.Integer, nullable=False),
    sa.Column("closes", sa.Integer, nullable=False),
)

special_days = sa.Table(
    "directory_special_days",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("shifts", sa.Text, nullable=False),  # JSON list of [opens, closes]; empty: closed
    sa.Column("note", sa.Text, nullable=False),
)

phones = sa.Table(
    "directory_phones",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("languages", sa.Text, nullable=False),  # JSON list
    sa.Column("description", sa.Text, nullable=False),
)

service_languages = sa.Table(
    "directory_service_languages",
    metadata,
    _service_key(primary=True),
    sa.Column("language", sa.String(12), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
)

required_documents = sa.Table(
    "directory_required_documents",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

texts = sa.Table(
    "directory_texts",
    metadata,
    _service_key(primary=True),
    sa.Column("field", sa.String(16), primary_key=True),  # name, summary
    sa.Column("language", sa.String(12), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("source", sa.String(12), nullable=False),
)

verifications = sa.Table(
    "directory_verifications",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("method", sa.String(12), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
)

changes = sa.Table(
    "directory_changes",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("act", sa.String(24), nullable=False),
    sa.Column("before", sa.Text, nullable=False),  # JSON of what the record was; "" for a new one
    sa.Column("why", sa.Text, nullable=False),
)

reports = sa.Table(
    "directory_reports",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reporter", sa.String(64), nullable=False),  # a fingerprint: two words of one person count once
    sa.Column("closed_at", Moment, nullable=True),
    sa.Column("closed_by", sa.Text, nullable=False),
)

column_mappings = sa.Table(
    "directory_column_mappings",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),  # made from the columns' titles
    sa.Column("titles", sa.Text, nullable=False),  # JSON list
    sa.Column("mapping", sa.Text, nullable=False),  # JSON: title to field
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("modified_at", Moment, nullable=False),
)

#: The tables whose rows are one service's own and are written anew with it.
CHILDREN = (
    service_needs,
    services_at_locations,
    service_countries,
    schedules,
    special_days,
    phones,
    service_languages,
    required_documents,
    texts,
)

#: In place of a country: the service is for people anywhere.
WORLD = "*"

#: How many ids go into one IN (…): SQLite takes no more than 32,766 variables, PostgreSQL plans long lists slowly.
IDS_AT_A_TIME = 500


# --- writing ----------------------------------------------------------------------------------------------------


def put_organization(tx: Connection, organization: Organization, *, at: datetime) -> None:
    """Keep an organisation, new or changed."""
    _upsert(tx, organizations, {**asdict(organization), "modified_at": at})


def add_organizations(tx: Connection, records: Sequence[Organization], *, at: datetime) -> None:
    """Keep organisations whose ids are new."""
    if records:
        tx.execute(organizations.insert(), [{**asdict(record), "modified_at": at} for record in records])


def put_service(tx: Connection, service: Service, *, at: datetime) -> None:
    """Keep a service with everything below it, new or changed. Asks nothing: `service.py` does."""
    _upsert(tx, services, _service_row(service, at))
    left = set(_location_ids(tx, [service.id])) - {location.id for location in service.locations}
    for location in service.locations:
        _upsert(tx, locations, {**asdict(location), "kind": location.kind.value})
    for table in CHILDREN:
        tx.execute(table.delete().where(table.c.service_id == service.id))
    for table, rows in _child_rows(service).items():
        if rows:
            tx.execute(table.insert(), rows)
    _delete_unused(tx, sorted(left))


def add_services(tx: Connection, records: Sequence[Service], *, at: datetime) -> None:
    """Keep many services whose ids are new, in a few statements. Their locations may be there already."""
    if not records:
        return
    tx.execute(services.insert(), [_service_row(record, at) for record in records])
    places = {location.id: location for record in records for location in record.locations}
    known = get_locations(tx, list(places))
    new = [{**asdict(place), "kind": place.kind.value} for key, place in places.items() if key not in known]
    if new:
        tx.execute(locations.insert(), new)
    rows: dict[sa.Table, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        for table, some in _child_rows(record).items():
            rows[table] += some
    for table, some in rows.items():
        if some:
            tx.execute(table.insert(), some)


def get_locations(tx: Connection, ids: Sequence[str]) -> dict[str, Location]:
    found = {}
    for some in _portions(ids):
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
    for some in _portions(location_ids):
        tx.execute(locations.delete().where(locations.c.id.in_(some), ~used))


def _upsert(tx: Connection, table: sa.Table, row: dict[str, Any]) -> None:
    changed = tx.execute(table.update().where(table.c.id == row["id"]).values(row))
    if changed.rowcount == 0:
        tx.execute(table.insert().values(row))


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
    hours = service.hours

    def numbered(values: Iterable[Any], label: str) -> Iterator[tuple[dict[str, Any], Any]]:
        for position, value in enumerate(values):
            yield {**own, "id": fixed_id(label, service.id, str(position)), "position": position}, value

    def without_position(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name != "position"}

    return {
        service_needs: [{**own, "need": need, "position": i} for i, need in enumerate(dict.fromkeys(service.needs))],
        services_at_locations: [
            {**own, "id": fixed_id("at", service.id, location.id), "location_id": location.id, "position": position}
            for position, location in enumerate(service.locations)
        ],
        service_countries: [{**own, "country": country} for country in dict.fromkeys(service.countries)],
        schedules: [
            {**without_position(row), "weekday": shift.weekday, "opens": shift.opens, "closes": shift.closes}
            for row, shift in numbered(hours.shifts if hours else (), "schedule")
        ],
        special_days: [
            {**without_position(row), "day": special.day, "shifts": json.dumps(special.shifts), "note": special.note}
            for row, special in numbered(hours.special_days if hours else (), "special day")
        ],
        phones: [
            {
                **row,
                "number": phone.number,
                "kind": phone.kind,
                "languages": json.dumps(phone.languages),
                "description": phone.description,
            }
            for row, phone in numbered(service.phones, "phone")
        ],
        service_languages: [
            {**own, "language": code, "position": i} for i, code in enumerate(dict.fromkeys(service.languages))
        ],
        required_documents: [{**row, "document": name} for row, name in numbered(service.documents, "document")],
        texts: [
            {**own, "field": name, "language": text.language, "text": text.text, "source": text.source}
            for name, translations in (("name", service.names), ("summary", service.summaries))
            for text in translations
        ],
    }


def set_state(tx: Connection, service_id: str, state: RecordState, *, at: datetime) -> None:
    tx.execute(services.update().where(services.c.id == service_id).values(state=state.value, modified_at=at))


def add_verification(tx: Connection, service_id: str, verification: Verification, *, row_id: str) -> None:
    """Keep who checked what, and make it the record's latest unless a later check is known already."""
    kept = {
        "id": row_id,
        "service_id": service_id,
        "at": verification.at,
        "by": verification.by,
        "method": verification.method.value,
        "source": verification.source,
    }
    tx.execute(verifications.insert().values(kept))
    tx.execute(
        services.update()
        .where(
            services.c.id == service_id,
            sa.or_(services.c.verified_at.is_(None), services.c.verified_at <= verification.at),
        )
        .values(
            verified_at=verification.at,
            verified_by=verification.by,
            verification_method=verification.method.value,
            verification_source=verification.source,
            modified_at=verification.at,
        )
    )


def clear_verification(tx: Connection, service_id: str, *, at: datetime) -> None:
    """As if nobody had checked the record. The checks themselves stay in its history."""
    nobody: dict[str, Any] = dict.fromkeys(("verified_at", "verified_by", "verification_method", "verification_source"))
    tx.execute(services.update().where(services.c.id == service_id).values({**nobody, "modified_at": at}))


def add_report(tx: Connection, service_id: str, *, kind: str, reporter: str, at: datetime, row_id: str) -> None:
    """Keep that somebody found a record to be wrong; once for each person and kind while it is open."""
    same = sa.select(reports.c.id).where(
        reports.c.service_id == service_id,
        reports.c.kind == kind,
        reports.c.reporter == reporter,
        reports.c.closed_at.is_(None),
    )
    if tx.execute(same).first() is None:
        tx.execute(
            reports.insert().values(
                id=row_id, service_id=service_id, at=at, kind=kind, reporter=reporter, closed_at=None, closed_by=""
            )
        )


def open_reports(tx: Connection, service_ids: Sequence[str] | None = None) -> dict[str, dict[str, int]]:
    """How many people reported what, for each service with an open report."""
    query = (
        sa.select(reports.c.service_id, reports.c.kind, sa.func.count(sa.distinct(reports.c.reporter)))
        .where(reports.c.closed_at.is_(None))
        .group_by(reports.c.service_id, reports.c.kind)
    )
    if service_ids is not None:
        query = query.where(reports.c.service_id.in_(service_ids))
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for service_id, kind, count in tx.execute(query):
        found[service_id][kind] = count
    return dict(found)


def reporters(tx: Connection, service_id: str, kinds: Sequence[str]) -> int:
    """How many people reported one of the kinds."""
    query = sa.select(sa.func.count(sa.distinct(reports.c.reporter))).where(
        reports.c.service_id == service_id, reports.c.kind.in_(kinds), reports.c.closed_at.is_(None)
    )
    return tx.execute(query).scalar_one()


def close_reports(tx: Connection, service_id: str, *, by: str, at: datetime) -> None:
    mine = sa.and_(reports.c.service_id == service_id, reports.c.closed_at.is_(None))
    tx.execute(reports.update().where(mine).values(closed_at=at, closed_by=by))


def add_changes(tx: Connection, ids: Iterable[tuple[str, str]], *, at: datetime, by: str, act: str, why: str) -> None:
    """Write down the same act on many new records: ids of the lines and of the services."""
    rows = [
        {"id": row_id, "service_id": service_id, "at": at, "by": by, "act": act, "before": "", "why": why}
        for row_id, service_id in ids
    ]
    if rows:
        tx.execute(changes.insert(), rows)


def add_change(
    tx: Connection, service_id: str, *, at: datetime, by: str, act: str, before: Service | None, why: str, row_id: str
) -> None:
    """Keep what a record was before an act."""
    tx.execute(
        changes.insert().values(
            id=row_id,
            service_id=service_id,
            at=at,
            by=by,
            act=act,
            before="" if before is None else json.dumps(kept_as(before), ensure_ascii=False),
            why=why,
        )
    )


def kept_as(record: Service) -> dict[str, Any]:
    """A record as a change keeps it: plain JSON."""
    kept: dict[str, Any] = json.loads(json.dumps(asdict(record), default=_plain))
    return kept


def _plain(value: object) -> object:
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no place in a change")


def delete_services(tx: Connection, ids: Sequence[str]) -> None:
    """Take services out with everything that hangs on them, on databases with or without foreign keys enforced."""
    for some in _portions(ids):
        left = _location_ids(tx, some)
        for table in (*CHILDREN, verifications, changes, reports, safe_places):
            tx.execute(table.delete().where(table.c.service_id.in_(some)))
        tx.execute(services.delete().where(services.c.id.in_(some)))
        _delete_unused(tx, left)


def delete_organizations(tx: Connection, ids: Sequence[str]) -> None:
    for some in _portions(ids):
        tx.execute(organizations.delete().where(organizations.c.id.in_(some)))


# --- reading ----------------------------------------------------------------------------------------------------


def get_organizations(tx: Connection, ids: Iterable[str]) -> dict[str, Organization]:
    found: dict[str, Organization] = {}
    for some in _portions(sorted(set(ids))):
        for row in tx.execute(_ORGANIZATIONS, {"ids": some}).mappings():
            found[row["id"]] = _organization(row)
    return found


def _organization(row: RowMapping) -> Organization:
    return Organization(row["id"], row["name"], row["description"], row["website"], row["email"], row["demo"])


def get_service(tx: Connection, service_id: str) -> Service | None:
    """The record in whatever state it is."""
    return next(iter(get_services(tx, [service_id])), None)


def get_services(tx: Connection, ids: Sequence[str]) -> list[Service]:
    """Whole records, in the order of `ids`; unknown ids are left out. A fixed number of queries for any number."""
    found: dict[str, Service] = {}
    for some in _portions(ids):
        children = {table: _grouped(tx, query, some) for table, query in _CHILDREN.items()}
        places = _grouped(tx, _PLACES, some)
        for row in tx.execute(_SERVICES, {"ids": some}).mappings():
            found[row["id"]] = _service(row, children, places)
    return [found[service_id] for service_id in ids if service_id in found]


Children = dict[sa.Table, dict[str, list[RowMapping]]]


def _of_services(query: sa.Select[Any], own: sa.Table) -> sa.Select[Any]:
    """The query for the rows of some services, built once: building costs more than running it."""
    query = query.where(own.c.service_id.in_(sa.bindparam("ids", expanding=True)))
    return query.order_by(own.c.position) if "position" in own.c else query


_SERVICES = sa.select(services).where(services.c.id.in_(sa.bindparam("ids", expanding=True)))
_ORGANIZATIONS = sa.select(organizations).where(organizations.c.id.in_(sa.bindparam("ids", expanding=True)))
_CHILDREN = {table: _of_services(sa.select(table), table) for table in CHILDREN if table is not services_at_locations}
_PLACES = _of_services(
    sa.select(services_at_locations.c.service_id, locations).join_from(
        services_at_locations, locations, locations.c.id == services_at_locations.c.location_id
    ),
    services_at_locations,
)


def _grouped(tx: Connection, query: sa.Select[Any], ids: Sequence[str]) -> dict[str, list[RowMapping]]:
    grouped: dict[str, list[RowMapping]] = defaultdict(list)
    for row in tx.execute(query, {"ids": ids}).mappings():
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
    )


def _service(row: RowMapping, children: Children, places: dict[str, list[RowMapping]]) -> Service:
    own = row["id"]

    def of(table: sa.Table) -> list[RowMapping]:
        return children[table].get(own, [])

    def translations(name: str) -> tuple[Translation, ...]:
        rows = (text for text in of(texts) if text["field"] == name)
        return tuple(sorted((Translation(r["language"], r["text"], r["source"]) for r in rows), key=str))

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
        hours=_hours(row, of(schedules), of(special_days)),
        phones=tuple(
            Phone(p["number"], p["kind"], tuple(json.loads(p["languages"])), p["description"]) for p in of(phones)
        ),
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
        names=translations("name"),
        summaries=translations("summary"),
        update_of=row["update_of"],
        modified_at=row["modified_at"],
    )


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
    )


def _hours(row: RowMapping, shifts: list[RowMapping], days: list[RowMapping]) -> OpeningHours | None:
    if row["zone"] is None:
        return None
    return OpeningHours(
        row["zone"],
        tuple(sorted(Shift(shift["weekday"], shift["opens"], shift["closes"]) for shift in shifts)),
        tuple(
            SpecialDay(day["day"], tuple((a, b) for a, b in json.loads(day["shifts"])), day["note"])
            for day in sorted(days, key=lambda day: day["day"])
        ),
    )


def _verification(row: RowMapping) -> Verification | None:
    if row["verified_at"] is None:
        return None
    return Verification(
        row["verified_at"], row["verified_by"], Method(row["verification_method"]), row["verification_source"]
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service at a place that may answer a search: just enough to sort by. Coordinates stay inside the directory."""

    service_id: str
    latitude: float
    longitude: float
    confidential: bool
    verified_at: datetime


@dataclass(frozen=True, slots=True)
class Asking:
    """What shapes a search's query, apart from its values. Queries are built once for each shape: it costs more than
    running them."""

    fresh_only: bool
    age_known: bool
    gender: Gender | None
    boxes: int = 0
    need_known: bool = True


def _asking(who: Eligibility, checked_since: datetime | None, **more: Any) -> tuple[Asking, dict[str, Any]]:
    gender = next(iter(who.genders)) if len(who.genders) == 1 else None
    asking = Asking(checked_since is not None, who.minimum_age is not None, gender, **more)
    values: dict[str, Any] = {"checked_since": checked_since} if checked_since is not None else {}
    return asking, values | ({"age": who.minimum_age} if asking.age_known else {})


def _offered(asking: Asking) -> list[sa.ColumnElement[bool]]:
    """What must hold of any record before a person hears of it."""
    conditions: list[sa.ColumnElement[bool]] = [
        services.c.state == RecordState.CURRENT.value,
        services.c.status == ServiceStatus.ACTIVE.value,
        services.c.verified_at.is_not(None),
    ]
    if asking.fresh_only:
        conditions.append(services.c.verified_at >= sa.bindparam("checked_since", type_=Moment))
    if asking.age_known:
        age = sa.bindparam("age", type_=sa.Integer)
        conditions.append(sa.or_(services.c.minimum_age.is_(None), services.c.minimum_age <= age))
        conditions.append(sa.or_(services.c.maximum_age.is_(None), services.c.maximum_age >= age))
    else:
        conditions.append(sa.or_(services.c.minimum_age.is_(None), services.c.minimum_age < ADULT))
    if asking.gender is not None:
        takes = services.c.girls if asking.gender is Gender.GIRLS else services.c.boys
        conditions.append(takes.is_(True))
    return conditions


def person(age: int | None, gender: Gender | None) -> Eligibility:
    """The person who asks, in the same terms as those whom services take in."""
    return Eligibility(age, age, frozenset(Gender) if gender is None else frozenset({gender}))


def _needed() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        service_needs.c.service_id == services.c.id,
        service_needs.c.need == sa.bindparam("need", type_=sa.String),
    )


@lru_cache(maxsize=64)
def _candidates_query(asking: Asking) -> sa.Select[Any]:
    inside = [
        sa.and_(
            locations.c.latitude.between(
                sa.bindparam(f"south{i}", type_=sa.Float), sa.bindparam(f"north{i}", type_=sa.Float)
            ),
            locations.c.longitude.between(
                sa.bindparam(f"west{i}", type_=sa.Float), sa.bindparam(f"east{i}", type_=sa.Float)
            ),
        )
        for i in range(asking.boxes)
    ]
    return (
        sa.select(
            services.c.id,
            locations.c.latitude,
            locations.c.longitude,
            services.c.confidential,
            services.c.verified_at,
        )
        .select_from(locations)
        .join(services_at_locations, services_at_locations.c.location_id == locations.c.id)
        .join(services, services.c.id == services_at_locations.c.service_id)
        .where(sa.or_(*inside), _needed(), *_offered(asking))
    )


def candidates(
    tx: Connection, need: str, boxes: Sequence[Box], *, who: Eligibility, checked_since: datetime | None
) -> list[Candidate]:
    """Services for a need whose place lies in one of the boxes."""
    asking, values = _asking(who, checked_since, boxes=len(boxes))
    for i, box in enumerate(boxes):
        values |= {f"south{i}": box.south, f"north{i}": box.north, f"west{i}": box.west, f"east{i}": box.east}
    return [Candidate(*row) for row in tx.execute(_candidates_query(asking), {**values, "need": need})]


@lru_cache(maxsize=64)
def _serving_query(asking: Asking) -> sa.Select[Any]:
    query = sa.select(services.c.id).where(
        *_offered(asking),
        services.c.id.in_(
            sa.select(service_countries.c.service_id).where(
                service_countries.c.country.in_((sa.bindparam("country", type_=sa.String), WORLD))
            )
        ),
        ~sa.exists().where(services_at_locations.c.service_id == services.c.id),
    )
    if asking.need_known:
        query = query.where(_needed())
    return query.order_by(services.c.verified_at.desc(), services.c.id)


def serving_country(
    tx: Connection,
    need: str | None,
    country: str,
    *,
    who: Eligibility,
    checked_since: datetime | None,
) -> list[str]:
    """Ids of services without a place that are for a whole country or the whole world, latest check first."""
    asking, values = _asking(who, checked_since, need_known=need is not None)
    values |= {"country": country} | ({"need": need} if need is not None else {})
    return list(tx.execute(_serving_query(asking), values).scalars())


@dataclass(frozen=True, slots=True)
class Filters:
    """Which published services a reader wants. None and empty mean all."""

    words: str = ""
    needs: tuple[str, ...] = ()
    organization_id: str | None = None
    modified_after: datetime | None = None
    postal_code: str | None = None
    boxes: tuple[Box, ...] = ()
    age: int | None = None


def published(filters: Filters) -> list[sa.ColumnElement[bool]]:
    """Conditions on `services`: in force, checked by somebody, and what the reader asked for."""
    conditions: list[sa.ColumnElement[bool]] = [
        services.c.state == RecordState.CURRENT.value,
        services.c.verified_at.is_not(None),
    ]
    if filters.needs:
        conditions.append(
            sa.exists().where(service_needs.c.service_id == services.c.id, service_needs.c.need.in_(filters.needs))
        )
    if filters.organization_id is not None:
        conditions.append(services.c.organization_id == filters.organization_id)
    if filters.modified_after is not None:
        conditions.append(services.c.modified_at >= filters.modified_after)
    if filters.age is not None:
        conditions.append(sa.or_(services.c.minimum_age.is_(None), services.c.minimum_age <= filters.age))
        conditions.append(sa.or_(services.c.maximum_age.is_(None), services.c.maximum_age >= filters.age))
    for word in filters.words.casefold().split():
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        conditions.append(
            sa.or_(
                sa.func.lower(services.c.name).like(pattern, escape="\\"),
                sa.func.lower(services.c.summary).like(pattern, escape="\\"),
                sa.exists().where(
                    texts.c.service_id == services.c.id, sa.func.lower(texts.c.text).like(pattern, escape="\\")
                ),
            )
        )
    return conditions


def count_published(tx: Connection, filters: Filters) -> int:
    return tx.execute(sa.select(sa.func.count()).select_from(services).where(*published(filters))).scalar_one()


def published_ids(tx: Connection, filters: Filters, *, offset: int = 0, limit: int | None = None) -> list[str]:
    """In a lasting order, so that pages neither repeat nor skip."""
    query = sa.select(services.c.id).where(*published(filters)).order_by(services.c.id).offset(offset)
    return list(tx.execute(query if limit is None else query.limit(limit)).scalars())


def published_stamps(tx: Connection, filters: Filters) -> list[tuple[str, datetime]]:
    """Id and last change of every published service."""
    query = sa.select(services.c.id, services.c.modified_at).where(*published(filters)).order_by(services.c.id)
    return [(row.id, row.modified_at) for row in tx.execute(query)]


def _published_links(filters: Filters) -> list[sa.ColumnElement[bool]]:
    conditions = published(filters)
    if filters.postal_code is not None:
        conditions.append(locations.c.postal_code == filters.postal_code)
    if filters.boxes:
        conditions.append(locations.c.kind == LocationKind.PHYSICAL.value)  # a gate is near nothing that one may name
        conditions.append(
            sa.or_(
                *(
                    sa.and_(
                        locations.c.latitude.between(box.south, box.north),
                        locations.c.longitude.between(box.west, box.east),
                    )
                    for box in filters.boxes
                )
            )
        )
    return conditions


@dataclass(frozen=True, slots=True)
class Link:
    """A service at a location, by their ids."""

    id: str
    service_id: str
    location_id: str
    latitude: float | None
    longitude: float | None


def count_published_links(tx: Connection, filters: Filters) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(services_at_locations)
        .join(services, services.c.id == services_at_locations.c.service_id)
        .join(locations, locations.c.id == services_at_locations.c.location_id)
        .where(*_published_links(filters))
    )
    return tx.execute(query).scalar_one()


def published_links(
    tx: Connection, filters: Filters, *, link_id: str | None = None, offset: int = 0, limit: int | None = None
) -> list[Link]:
    """Every published service at a location, or one page of them, in a lasting order."""
    query = (
        sa.select(
            services_at_locations.c.id,
            services.c.id,
            locations.c.id,
            locations.c.latitude,
            locations.c.longitude,
        )
        .select_from(services_at_locations)
        .join(services, services.c.id == services_at_locations.c.service_id)
        .join(locations, locations.c.id == services_at_locations.c.location_id)
        .where(*_published_links(filters))
        .order_by(services_at_locations.c.id)
    )
    if link_id is not None:
        query = query.where(services_at_locations.c.id == link_id)
    query = query.offset(offset) if limit is None else query.offset(offset).limit(limit)
    return [Link(*row) for row in tx.execute(query)]


def published_organization_ids(tx: Connection, filters: Filters, *, offset: int, limit: int) -> tuple[int, list[str]]:
    """How many organisations have a published service that fits, and one page of their ids."""
    has_one = sa.exists().where(
        services.c.organization_id == organizations.c.id, *published(Filters(needs=filters.needs))
    )
    conditions: list[sa.ColumnElement[bool]] = [has_one]
    if filters.organization_id is not None:
        conditions.append(organizations.c.id == filters.organization_id)
    for word in filters.words.casefold().split():
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        conditions.append(sa.func.lower(organizations.c.name).like(pattern, escape="\\"))
    total = tx.execute(sa.select(sa.func.count()).select_from(organizations).where(*conditions)).scalar_one()
    query = sa.select(organizations.c.id).where(*conditions).order_by(organizations.c.id).offset(offset).limit(limit)
    return total, list(tx.execute(query).scalars())


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
    limit: int = 200,
    offset: int = 0,
    only: Sequence[str] | None = None,
) -> list[str]:
    """Ids for the editors' list: the least recently checked first, never checked before all."""
    query = sa.select(services.c.id)
    if state is not None:
        query = query.where(services.c.state == state.value)
    if only is not None:
        query = query.where(services.c.id.in_(only))
    for word in words.casefold().split():
        query = query.where(sa.func.lower(services.c.name).contains(word, autoescape=True))
    query = query.order_by(services.c.verified_at.asc().nulls_first(), services.c.id)
    return list(tx.execute(query.offset(offset).limit(limit)).scalars())


def due_ids(tx: Connection, *, checked_before: datetime) -> list[str]:
    """Ids of current services that nobody has checked since."""
    query = (
        sa.select(services.c.id)
        .where(
            services.c.state == RecordState.CURRENT.value,
            sa.or_(services.c.verified_at.is_(None), services.c.verified_at < checked_before),
        )
        .order_by(services.c.verified_at.asc().nulls_first(), services.c.id)
    )
    return list(tx.execute(query).scalars())


def update_ids(tx: Connection, service_ids: Sequence[str], states: Sequence[RecordState]) -> dict[str, str]:
    """The record in force to the change of it that is in one of the states."""
    found: dict[str, str] = {}
    for some in _portions(service_ids):
        query = sa.select(services.c.update_of, services.c.id).where(
            services.c.update_of.in_(some), services.c.state.in_([state.value for state in states])
        )
        found.update((row.update_of, row.id) for row in tx.execute(query))
    return found


def authors(tx: Connection, service_id: str) -> set[str]:
    """Who wrote what a draft says now: everybody who drafted or changed it since it was last put in force."""
    mine = changes.c.service_id == service_id
    in_force = sa.select(sa.func.max(changes.c.at)).where(mine, changes.c.act == "in force").scalar_subquery()
    query = sa.select(changes.c.by).where(
        mine,
        changes.c.act.in_(("drafted", "changed", "proposed")),
        sa.or_(in_force.is_(None), changes.c.at > in_force),
    )
    return set(tx.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a record's history. `before` is what the record was, as it was kept; empty for a new one."""

    at: datetime
    by: str
    act: str
    why: str
    before: Mapping[str, Any]


def changes_of(tx: Connection, service_id: str, *, limit: int = 100) -> list[Change]:
    """The history of a record with what it was before each act, latest first."""
    query = sa.select(changes).where(changes.c.service_id == service_id)
    query = query.order_by(changes.c.at.desc(), changes.c.id.desc()).limit(limit)
    return [
        Change(row.at, row.by, row.act, row.why, json.loads(row.before) if row.before else {})
        for row in tx.execute(query)
    ]


def get_mapping(tx: Connection, mapping_id: str) -> dict[str, str] | None:
    row = tx.execute(sa.select(column_mappings.c.mapping).where(column_mappings.c.id == mapping_id)).first()
    return None if row is None else dict(json.loads(row.mapping))


def put_mapping(
    tx: Connection, mapping_id: str, *, titles: Sequence[str], mapping: Mapping[str, str], by: str, at: datetime
) -> None:
    _upsert(
        tx,
        column_mappings,
        {
            "id": mapping_id,
            "titles": json.dumps(list(titles), ensure_ascii=False),
            "mapping": json.dumps(dict(mapping), ensure_ascii=False),
            "by": by,
            "modified_at": at,
        },
    )


def history(tx: Connection, service_id: str) -> list[tuple[datetime, str, str, str]]:
    """When, who, what and why, latest first."""
    query = (
        sa.select(changes.c.at, changes.c.by, changes.c.act, changes.c.why)
        .where(changes.c.service_id == service_id)
        .order_by(changes.c.at.desc(), changes.c.id.desc())
    )
    return [(row.at, row.by, row.act, row.why) for row in tx.execute(query)]


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_AT_A_TIME):
        yield ids[start : start + IDS_AT_A_TIME]
