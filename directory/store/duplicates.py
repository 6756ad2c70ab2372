"""Records that may be one service, and those that were made one."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from directory.model import RecordState
from directory.store.rows import portions
from directory.store.tables import (
    duplicates,
    locations,
    merged,
    phones,
    service_needs,
    services,
    services_at_locations,
    texts,
)

#: A record that was merged may be merged again with what it is now; more often than this nobody does it.
LONGEST_CHAIN = 20

ROWS_A_FETCH = 2_000


class Light(Struct, frozen=True):
    """As much of a record as two are compared by. Of a safe place: its town, and nothing nearer."""

    id: str
    name: str
    country: str
    city: str
    point: tuple[float, float] | None
    phones: tuple[str, ...]
    needs: frozenset[str]
    confidential: bool
    demo: bool
    other_names: tuple[str, ...] = ()  # in other languages


def light_records(tx: Connection) -> Iterator[Light]:
    """Every record that is or may come in force, save for open changes of others."""
    living = (RecordState.DRAFT.value, RecordState.IN_REVIEW.value, RecordState.CURRENT.value)
    numbers, needs = _all(tx, phones.c.number, phones), _all(tx, service_needs.c.need, service_needs)
    names = _all(tx, texts.c.text, texts, texts.c.field == "name")
    query = (
        sa.select(
            services.c.id,
            services.c.name,
            services.c.confidential,
            services.c.demo,
            locations.c.country,
            locations.c.city,
            locations.c.latitude,
            locations.c.longitude,
        )
        .select_from(services)
        .outerjoin(
            services_at_locations,
            sa.and_(services_at_locations.c.service_id == services.c.id, services_at_locations.c.position == 0),
        )
        .outerjoin(locations, locations.c.id == services_at_locations.c.location_id)
        .where(services.c.state.in_(living), services.c.update_of.is_(None))
        .order_by(services.c.id)
    )
    for row in tx.execution_options(yield_per=ROWS_A_FETCH).execute(query):
        told = not row.confidential and row.latitude is not None and row.longitude is not None
        yield Light(
            row.id,
            row.name,
            row.country or "",
            row.city or "",
            (row.latitude, row.longitude) if told else None,
            tuple(numbers.get(row.id, ())),
            frozenset(needs.get(row.id, ())),
            row.confidential,
            row.demo,
            tuple(names.get(row.id, ())),
        )


def _all(
    tx: Connection, column: sa.Column[str], table: sa.Table, *only: sa.ColumnElement[bool]
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for service_id, value in tx.execute(sa.select(table.c.service_id, column).where(*only).order_by(column)):
        found[service_id].append(value)
    return found


class Suggested(Struct, frozen=True):
    """Two records that look like one service, how much (0 to 100), and by which signs."""

    first_id: str
    second_id: str
    likeness: int
    signs: tuple[str, ...]


def replace_suggested(tx: Connection, found: Sequence[Suggested], *, at: datetime) -> None:
    """Keep what a look at everything found in place of what an earlier one did. What was told apart stays apart."""
    own = duplicates.c
    tx.execute(duplicates.delete().where(own.told_apart_at.is_(None)))
    apart = set(tx.execute(sa.select(own.first_id, own.second_id)).tuples())
    named = sorted({each for pair in found for each in (pair.first_id, pair.second_id)})
    there: set[str] = set()  # one may be gone since it was looked at
    for some in portions(named):
        there.update(tx.execute(sa.select(services.c.id).where(services.c.id.in_(some))).scalars())
    rows = [
        {
            "first_id": pair.first_id,
            "second_id": pair.second_id,
            "likeness": pair.likeness,
            "signs": json.dumps(pair.signs),
            "found_at": at,
            "told_apart_at": None,
            "told_apart_by": "",
        }
        for pair in found
        if (pair.first_id, pair.second_id) not in apart and pair.first_id in there and pair.second_id in there
    ]
    if rows:
        tx.execute(duplicates.insert(), rows)


def _open() -> tuple[sa.ColumnElement[bool], ...]:
    """Not told apart, and neither was merged, archived or rejected since."""
    first, second = services.alias("first"), services.alias("second")
    gone = (RecordState.ARCHIVED.value, RecordState.REJECTED.value)
    return (
        duplicates.c.told_apart_at.is_(None),
        sa.exists().where(first.c.id == duplicates.c.first_id, first.c.state.not_in(gone)),
        sa.exists().where(second.c.id == duplicates.c.second_id, second.c.state.not_in(gone)),
    )


def count_suggested(tx: Connection) -> int:
    return tx.execute(sa.select(sa.func.count()).select_from(duplicates).where(*_open())).scalar_one()


def suggested(tx: Connection, *, limit: int) -> list[Suggested]:
    """Pairs that wait for a person, the most alike first."""
    own = duplicates.c
    query = sa.select(own.first_id, own.second_id, own.likeness, own.signs).where(*_open())
    query = query.order_by(own.likeness.desc(), own.first_id, own.second_id).limit(limit)
    return [Suggested(row[0], row[1], row[2], tuple(json.loads(row[3]))) for row in tx.execute(query)]


def tell_apart(tx: Connection, first_id: str, second_id: str, *, by: str, at: datetime) -> bool:
    """Keep that these are two services. False when nobody took them for one."""
    own = duplicates.c
    pair = sa.and_(own.first_id == min(first_id, second_id), own.second_id == max(first_id, second_id))
    return bool(tx.execute(duplicates.update().where(pair).values(told_apart_at=at, told_apart_by=by)).rowcount == 1)


# --- merged -----------------------------------------------------------------------------------------------------


def add_merge(tx: Connection, service_id: str, into_id: str, *, by: str, at: datetime) -> None:
    tx.execute(merged.insert().values(service_id=service_id, into_id=into_id, by=by, at=at))


def merged_into(tx: Connection, service_id: str) -> str | None:
    """The record into which a person merged this one. None when nobody did."""
    into: str | None = tx.execute(sa.select(merged.c.into_id).where(merged.c.service_id == service_id)).scalar()
    return into


def resolve_merged(tx: Connection, service_id: str) -> str:
    """The id of the record that stands for this one now: its own, unless it was merged, also more than once."""
    for _ in range(LONGEST_CHAIN):
        into = merged_into(tx, service_id)
        if into is None:
            break
        service_id = into
    return service_id
