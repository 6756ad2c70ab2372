"""Which services may answer a search: near a point, for the area that it lies in, or for a whole country.

What is near, and what serves an area, is read from a table of its own, by need and cell of the map. Whoever writes a
record says so here (`note_for_search`) in the same transaction, so that the table and the records never disagree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from directory.areas import area_key
from directory.geography import Box, cell_of, runs_of_cells
from directory.model import (
    ADULT,
    CAPACITY_HOLDS,
    Eligibility,
    Gender,
    LocationKind,
    Opening,
    RecordState,
    Service,
    ServiceStatus,
)
from directory.moment import Moment
from directory.opening_hours import OpeningHours, Season, Shift, SpecialDay
from directory.store.rows import portions
from directory.store.tables import (
    ANY_NEED,
    WORLD,
    found_by,
    locations,
    service_countries,
    service_needs,
    services,
    services_at_locations,
)
from directory.wishes import NO_WISHES, Wishes

# --- keeping the table ------------------------------------------------------------------------------------------


def note_for_search(tx: Connection, records: Sequence[Service]) -> None:
    """Let searches find the records as they are now, or no longer, where they are not for people."""
    forget_for_search(tx, [record.id for record in records])
    if rows := [row for record in records for row in _rows(record)]:
        tx.execute(found_by.insert(), rows)


def forget_for_search(tx: Connection, service_ids: Sequence[str]) -> None:
    for some in portions(service_ids):
        tx.execute(found_by.delete().where(found_by.c.service_id.in_(some)))


def clear_search(tx: Connection) -> None:
    """Forget everything, to note it anew."""
    tx.execute(found_by.delete())


def search_is_behind(tx: Connection) -> bool:
    """Whether the table has more or fewer services at points or for areas than the records: after an upgrade."""
    in_force = (services.c.state == RecordState.CURRENT.value, services.c.verified_at.is_not(None))
    at_points = (
        sa.select(sa.func.count())
        .select_from(services)
        .join(services_at_locations, services_at_locations.c.service_id == services.c.id)
        .join(locations, locations.c.id == services_at_locations.c.location_id)
        .where(*in_force, locations.c.latitude.is_not(None))
    )
    somewhere = sa.or_(
        *(services.c.id.in_(sa.select(table.c.service_id)) for table in (service_countries, services_at_locations))
    )
    for_areas = sa.select(sa.func.count()).select_from(services)
    for_areas = for_areas.where(*in_force, services.c.areas.is_not(None), somewhere)
    own = found_by.c
    points = sa.select(sa.func.count()).select_from(found_by).where(own.need == ANY_NEED, own.cell >= 0)
    areas = sa.select(sa.func.count(own.service_id.distinct())).where(own.need == ANY_NEED, own.cell < 0)
    pairs = ((at_points, points), (for_areas, areas))
    return any(tx.execute(there).scalar_one() != tx.execute(noted).scalar_one() for there, noted in pairs)


def areas_are_served(tx: Connection) -> bool:
    """Whether any service is for an area, so that it must be known where somebody is."""
    return (
        tx.execute(sa.select(found_by.c.cell).where(found_by.c.need == ANY_NEED, found_by.c.cell < 0)).first()
        is not None
    )


def _rows(record: Service) -> Iterable[dict[str, Any]]:
    """The rows of a record: none, unless it is in force and somebody has checked it."""
    if record.state is not RecordState.CURRENT or record.verification is None:
        return
    who = record.eligibility
    same = {
        "service_id": record.id,
        "confidential": record.confidential,
        "active": record.status is ServiceStatus.ACTIVE,
        "verified_at": record.verification.at,
        "minimum_age": who.minimum_age,
        "maximum_age": who.maximum_age,
        "girls": Gender.GIRLS in who.genders,
        "boys": Gender.BOYS in who.genders,
        "papers_needed": who.papers_needed,
        "free": record.free,
        "pregnant": who.pregnant,
        "disability": who.disability,
        "nationalities": f" {' '.join(who.nationalities)} " if who.nationalities else "",
        "staff_genders": f" {' '.join(record.staff_genders)} ",
        "full_until": _full_until(record),
        "languages": f" {' '.join(record.languages)} ",
        "areas": _written_areas(record.areas),
    }
    needs = dict.fromkeys((ANY_NEED, *record.needs))
    for place in record.locations:
        if place.latitude is None or place.longitude is None:
            continue
        point = {
            "cell": cell_of(place.latitude, place.longitude),
            "latitude": place.latitude,
            "longitude": place.longitude,
            "location_id": place.id,
            "physical": place.kind is LocationKind.PHYSICAL,
            "opening": _written(record.at(place).opening),
        }
        for need in needs:
            yield {"need": need, **point, **same}
    nowhere = {"latitude": 0.0, "longitude": 0.0, "location_id": "", "physical": False}
    first = next(iter(record.locations), None)
    nowhere |= {"opening": _written((record if record.hours is not None else record.at(first)).opening)}
    for cell in _area_cells(record):
        for need in needs:
            yield {"need": need, "cell": cell, **nowhere, **same}


def _area_cells(record: Service) -> set[int]:
    """Cells of the areas it serves: in the countries it is for and in those it is in."""
    countries = {*record.countries, *(place.country for place in record.locations)}
    return {area_cell(country, area_key(area)) for country in countries for area in record.areas}


def area_cell(country: str, key: str) -> int:
    """The number under which what serves an area is found, below those of the map. Two areas may share one."""
    digest = blake2b(f"{country}:{key}".encode(), digest_size=4).digest()
    return -1 - (int.from_bytes(digest) >> 1)


def _written_areas(areas: Sequence[str]) -> str | None:
    return f"|{'|'.join(map(area_key, areas))}|" if areas else None


def _full_until(record: Service) -> datetime | None:
    """Until when it counts as full. Of a safe place nobody shall learn how many are in it, nor that it is full."""
    said = record.capacity
    return said.at + CAPACITY_HOLDS if said is not None and said.available == 0 and not record.confidential else None


def _written(opening: Opening) -> str:
    hours = opening.hours
    week: list[Any] | None = None
    if hours is not None:
        week = [
            hours.zone,
            _spans(hours.shifts),
            [(special.day.isoformat(), special.shifts) for special in hours.special_days],
        ]
        if hours.seasons:
            week.append([[_iso(season.first), _iso(season.last), _spans(season.shifts)] for season in hours.seasons])
    return json.dumps([week, _iso(opening.closed_from), _iso(opening.closed_until)], separators=(",", ":"))


def _spans(shifts: Iterable[Shift]) -> list[tuple[int, int, int]]:
    return [(shift.weekday, shift.opens, shift.closes) for shift in shifts]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


@lru_cache(maxsize=4096)
def read_opening(written: str) -> Opening:
    """Hours and closing days as a candidate carries them. Many services share them."""
    week, *days = json.loads(written)
    hours = None
    if week is not None:
        zone, shifts, special, seasons = [*week, []][:4]  # one that has none does not say so
        hours = OpeningHours(
            zone,
            tuple(Shift(*shift) for shift in shifts),
            tuple(SpecialDay(date.fromisoformat(day), tuple((a, b) for a, b in spans)) for day, spans in special),
            tuple(Season(_day(a), _day(z), tuple(Shift(*shift) for shift in spans)) for a, z, spans in seasons),
        )
    closed_from, closed_until = map(_day, days)
    return Opening(hours, closed_from, closed_until)


# --- near a point -----------------------------------------------------------------------------------------------


class Candidate(NamedTuple):
    """A service at a place that may answer a search: just enough to sort by. Coordinates stay inside the directory."""

    service_id: str
    location_id: str
    latitude: float
    longitude: float
    confidential: bool
    verified_at: datetime
    full_until: datetime | None
    opening: str
    areas: str | None

    def serves(self, keys: Iterable[str]) -> bool:
        """Whether one of the keys is that of an area it serves."""
        return self.areas is not None and any(f"|{key}|" in self.areas for key in keys)


class Asking(Struct, frozen=True):
    """What shapes a search's query, apart from its values. Queries are built once for each shape: it costs more than
    running them."""

    fresh_only: bool
    age_known: bool
    gender: Gender | None
    speaks: bool = False
    staff: bool = False
    nationality: bool = False
    known: tuple[str, ...] = ()  # columns that must be known to be true
    no_papers: bool = False
    runs: int = 0
    one_box: bool = True
    need_known: bool = True
    by_area: bool = False


def _asking(who: Eligibility, checked_since: datetime | None, **more: Any) -> tuple[Asking, dict[str, Any]]:
    gender = next(iter(who.genders)) if len(who.genders) == 1 else None
    asking = Asking(checked_since is not None, who.minimum_age is not None, gender, **more)
    values: dict[str, Any] = {"checked_since": checked_since} if checked_since is not None else {}
    return asking, values | ({"age": who.minimum_age} if asking.age_known else {})


def _takes(asking: Asking, table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """That the person is taken in, and that the check is fresh where it must be."""
    own = table.c
    conditions: list[sa.ColumnElement[bool]] = []
    if asking.fresh_only:
        conditions.append(own.verified_at >= sa.bindparam("checked_since", type_=Moment))
    if asking.age_known:
        age = sa.bindparam("age", type_=sa.Integer)
        conditions.append(sa.or_(own.minimum_age.is_(None), own.minimum_age <= age))
        conditions.append(sa.or_(own.maximum_age.is_(None), own.maximum_age >= age))
    else:
        conditions.append(sa.or_(own.minimum_age.is_(None), own.minimum_age < ADULT))
    if asking.gender is not None:
        conditions.append((own.girls if asking.gender is Gender.GIRLS else own.boys).is_(True))
    return conditions


def person(age: int | None, gender: Gender | None) -> Eligibility:
    """The person who asks, in the same terms as those whom services take in."""
    return Eligibility(age, age, frozenset(Gender) if gender is None else frozenset({gender}))


def in_runs(count: int) -> sa.ColumnElement[bool]:
    """That the cell is in one of so many runs of cells."""
    return sa.or_(
        *(
            found_by.c.cell.between(
                sa.bindparam(f"first{i}", type_=sa.Integer), sa.bindparam(f"last{i}", type_=sa.Integer)
            )
            for i in range(count)
        )
    )


def in_box() -> sa.ColumnElement[bool]:
    south, north, west, east = (sa.bindparam(side, type_=sa.Float) for side in ("south", "north", "west", "east"))
    return sa.and_(found_by.c.latitude.between(south, north), found_by.c.longitude.between(west, east))


def where_values(boxes: tuple[Box, ...], runs: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Values for `in_runs`, and for `in_box` where there is one."""
    values: dict[str, Any] = {}
    for i, (first, last) in enumerate(runs):
        values |= {f"first{i}": first, f"last{i}": last}
    if len(boxes) == 1:
        values |= {side: getattr(boxes[0], side) for side in ("south", "north", "west", "east")}
    return values


@lru_cache(maxsize=256)
def _candidates_query(asking: Asking) -> sa.Select[Any]:
    own = found_by.c
    query = sa.select(*(own[name] for name in Candidate._fields)).where(
        own.need == sa.bindparam("need", type_=sa.String),
        own.cell.in_(sa.bindparam("cells", expanding=True)) if asking.by_area else in_runs(asking.runs),
        own.active.is_(True),
        *_takes(asking, found_by),
    )
    if asking.one_box:
        query = query.where(in_box())
    if asking.speaks:
        query = query.where(own.languages.contains(sa.bindparam("speaks", type_=sa.String), escape="\\"))
    if asking.no_papers:
        query = query.where(own.papers_needed.is_(False))
    for column in asking.known:
        query = query.where(own[column].is_(True))
    if asking.staff:
        query = query.where(own.staff_genders.contains(sa.bindparam("staff", type_=sa.String), escape="\\"))
    if asking.nationality:
        theirs = sa.bindparam("nationality", type_=sa.String)
        query = query.where(sa.or_(own.nationalities == "", own.nationalities.contains(theirs, escape="\\")))
    return query


class Sought(Struct, frozen=True):
    """What a service must be, wherever it is."""

    need: str
    who: Eligibility
    checked_since: datetime | None = None
    wishes: Wishes = NO_WISHES


def candidates(tx: Connection, sought: Sought, boxes: tuple[Box, ...]) -> list[Candidate]:
    """Services for a need whose place lies in one of the boxes, and some that lie just outside."""
    runs = runs_of_cells(boxes)
    return _candidates(tx, sought, where_values(boxes, runs), runs=len(runs), one_box=len(boxes) == 1)


def candidates_for_areas(tx: Connection, sought: Sought, country: str, keys: Iterable[str]) -> list[Candidate]:
    """Services for a need that serve one of the areas, wherever they are, each once. Their point is none."""
    keys = list(keys)
    cells = sorted({area_cell(where, key) for where in (country, WORLD) for key in keys})
    found: dict[str, Candidate] = {}
    for some in portions(cells):
        for candidate in _candidates(tx, sought, {"cells": some}, by_area=True, one_box=False):
            if candidate.serves(keys):  # two areas may share a cell
                found[candidate.service_id] = candidate
    return list(found.values())


def _candidates(tx: Connection, sought: Sought, values: dict[str, Any], **where: Any) -> list[Candidate]:
    wishes = sought.wishes
    asking, asked = _asking(
        sought.who,
        sought.checked_since,
        speaks=wishes.speaks is not None,
        no_papers=wishes.no_papers,
        staff=wishes.staff is not None,
        nationality=wishes.nationality is not None,
        known=tuple(name for name in ("free", "pregnant", "disability") if getattr(wishes, name)),
        **where,
    )
    values = {"need": sought.need, **asked, **values}
    if wishes.speaks is not None:
        values["speaks"] = f" {_as_written(wishes.speaks)} "
    if wishes.staff is not None:
        values["staff"] = f" {_as_written(wishes.staff)} "
    if wishes.nationality is not None:
        values["nationality"] = f" {_as_written(wishes.nationality)} "
    return [Candidate._make(row) for row in tx.execute(_candidates_query(asking), values)]


def _as_written(text: str) -> str:
    """For LIKE: signs that would stand for others stand for themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# --- for a whole country ----------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _serving_query(asking: Asking) -> sa.Select[Any]:
    query = sa.select(services.c.id).where(
        # Written so that no index of states fits: SQLite read every service in force, to have them in their order.
        services.c.state.concat("") == RecordState.CURRENT.value,
        services.c.status == ServiceStatus.ACTIVE.value,
        services.c.verified_at.is_not(None),
        *_takes(asking, services),
        services.c.id.in_(
            sa.select(service_countries.c.service_id).where(
                service_countries.c.country.in_((sa.bindparam("country", type_=sa.String), WORLD))
            )
        ),
        ~sa.exists().where(  # what is at a point is found near it
            services_at_locations.c.service_id == services.c.id,
            services_at_locations.c.location_id == locations.c.id,
            locations.c.latitude.is_not(None),
        ),
    )
    if asking.need_known:
        needed = sa.exists().where(
            service_needs.c.service_id == services.c.id,
            service_needs.c.need == sa.bindparam("need", type_=sa.String),
        )
        query = query.where(needed)
    return query.order_by(services.c.verified_at.desc(), services.c.id)


@lru_cache(maxsize=64)
def _placed_query(asking: Asking) -> sa.Select[Any]:
    there = sa.exists().where(
        services_at_locations.c.service_id == services.c.id,
        services_at_locations.c.location_id == locations.c.id,
        locations.c.country == sa.bindparam("country", type_=sa.String),
    )
    needed = sa.exists().where(
        service_needs.c.service_id == services.c.id, service_needs.c.need == sa.bindparam("need", type_=sa.String)
    )
    return (
        sa.select(services.c.id)
        .where(
            services.c.state == RecordState.CURRENT.value,
            services.c.status == ServiceStatus.ACTIVE.value,
            services.c.verified_at.is_not(None),
            *_takes(asking, services),
            there,
            needed,
        )
        .order_by(services.c.verified_at.desc(), services.c.id)
    )


def placed_in_country(
    tx: Connection, need: str, country: str, *, who: Eligibility, checked_since: datetime | None, limit: int
) -> list[str]:
    """Ids of services for a need with a place anywhere in a country, latest check first."""
    asking, values = _asking(who, checked_since)
    values |= {"country": country, "need": need}
    return list(tx.execute(_placed_query(asking).limit(limit), values).scalars())


def serving_country(
    tx: Connection,
    need: str | None,
    country: str,
    *,
    who: Eligibility,
    checked_since: datetime | None,
) -> list[str]:
    """Ids of services without a point that are for a whole country or the whole world, latest check first."""
    asking, values = _asking(who, checked_since, need_known=need is not None)
    values |= {"country": country} | ({"need": need} if need is not None else {})
    return list(tx.execute(_serving_query(asking), values).scalars())
