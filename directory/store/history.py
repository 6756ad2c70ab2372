"""Every change of a record: who, when, why, and what it was before."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy.engine import Connection

from directory.model import RecordState, Service
from directory.store.tables import changes, services


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
    kept: dict[str, Any] = json.loads(json.dumps(record, default=_plain))
    places = {place.id: place for place in record.locations}
    for there in kept["at_places"]:  # an id says nothing to whoever reads the history
        place = places.get(there["location_id"])
        there["where"] = (place.address or place.city or place.name) if place is not None else ""
    return kept


def _plain(value: object) -> object:
    if isinstance(value, Struct):
        return asdict(value)
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no place in a change")


def authors(tx: Connection, service_id: str, *, since: datetime | None = None) -> set[str]:
    """Who wrote what a draft says now: everybody who drafted or changed it since it was last put in force, or `since`.

    Whoever made the link by which a provider wrote it counts as well: they may have written it themselves.
    """
    mine = changes.c.service_id == service_id
    in_force = sa.select(sa.func.max(changes.c.at)).where(mine, changes.c.act == "in force").scalar_subquery()
    query = sa.select(changes.c.by).where(
        mine,
        changes.c.act.in_(("drafted", "changed", "proposed", "asked")),
        sa.or_(in_force.is_(None), changes.c.at > in_force),
    )
    if since is not None:
        query = query.where(changes.c.at > since)
    return set(tx.execute(query).scalars())


class Change(Struct, frozen=True):
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


#: One person alone put it in force; and another looked at it since.
ALONE, SECOND_LOOK = "alone", "second look"


def put_in_force_alone(tx: Connection, ids: Collection[str] | None = None) -> list[str]:
    """Records in force (of `ids`, if given) that one person alone put there and nobody else has seen, oldest first."""
    alone, seen = changes.alias(), changes.alias()
    looked = sa.exists().where(
        seen.c.service_id == alone.c.service_id, seen.c.act == SECOND_LOOK, seen.c.at >= alone.c.at
    )
    query = sa.select(services.c.id).join(alone, alone.c.service_id == services.c.id)
    query = query.where(services.c.state == RecordState.CURRENT.value, alone.c.act == ALONE, sa.not_(looked))
    if ids is not None:
        query = query.where(services.c.id.in_(ids))
    return list(dict.fromkeys(tx.execute(query.order_by(alone.c.at, services.c.id)).scalars()))


def put_in_force_alone_by(tx: Connection, service_id: str) -> set[str]:
    """Who put the record in force where nobody could tell that a second person had seen it."""
    query = sa.select(changes.c.by).where(changes.c.service_id == service_id, changes.c.act == ALONE)
    return set(tx.execute(query).scalars())


def was_in_force(tx: Connection, service_id: str) -> Change | None:
    """The line by which the record was last taken out of force, with what people were told then."""
    query = sa.select(changes).where(changes.c.service_id == service_id, changes.c.act.in_(("archived", "merged")))
    for row in tx.execute(query.order_by(changes.c.at.desc(), changes.c.id.desc())):
        before = json.loads(row.before) if row.before else {}
        if before.get("state") == RecordState.CURRENT.value:
            return Change(row.at, row.by, row.act, row.why, before)
    return None
