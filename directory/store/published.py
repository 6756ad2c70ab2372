"""What a reader of the public feed may see, and pages of it."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from directory.areas import area_key
from directory.geography import Box, runs_of_cells
from directory.model import LocationKind, RecordState, fixed_id
from directory.store.history import ALONE
from directory.store.rows import portions, says
from directory.store.search import in_box, in_runs, where_values
from directory.store.tables import (
    ANY_NEED,
    changes,
    found_by,
    locations,
    organizations,
    service_needs,
    services,
    services_at_locations,
    texts,
)


class Filters(Struct, frozen=True):
    """Which published services a reader wants. None and empty mean all."""

    words: str = ""
    needs: tuple[str, ...] = ()
    organization_id: str | None = None
    modified_after: datetime | None = None
    postal_code: str | None = None
    boxes: tuple[Box, ...] = ()
    age: int | None = None
    area: str | None = None  # a town, province or region that the service says it serves


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
    if filters.area is not None:
        serves = found_by.c.areas.contains(f"|{area_key(filters.area)}|", autoescape=True)
        conditions.append(services.c.confidential.is_(False))  # an area could say where a safe place is
        conditions.append(
            services.c.id.in_(sa.select(found_by.c.service_id).where(found_by.c.need == ANY_NEED, serves))
        )
    own_texts = sa.and_(texts.c.service_id == services.c.id, texts.c.field.in_(("name", "summary")))
    for word in filters.words.casefold().split():
        conditions.append(
            sa.or_(
                says(services.c.name, word),
                says(services.c.summary, word),
                sa.exists().where(own_texts, says(texts.c.text, word)),
            )
        )
    return conditions


def published_ids(tx: Connection, filters: Filters, *, offset: int = 0, limit: int | None = None) -> list[str]:
    """In a lasting order, so that pages neither repeat nor skip."""
    query = sa.select(services.c.id).where(*published(filters)).order_by(services.c.id).offset(offset)
    return list(tx.execute(query if limit is None else query.limit(limit)).scalars())


def _tells_of_withdrawn(filters: Filters) -> bool:
    """Whether what was published and is no more is told: to who asks only for what has changed, by need and
    organisation at most. By anything else that a record says it would be found although it says it no more."""
    asked = Filters(needs=filters.needs, organization_id=filters.organization_id, modified_after=filters.modified_after)
    return filters.modified_after is not None and asked == filters


def _told(filters: Filters) -> sa.ColumnElement[bool]:
    """What is published, and what was and is no more, so that a copy of ours does not send people there for ever."""
    is_published = sa.and_(*published(filters))
    if not _tells_of_withdrawn(filters):
        return is_published
    state, checked, *changed = published(filters)
    withdrawn = sa.and_(sa.not_(sa.and_(state, checked)), services.c.update_of.is_(None), _was_published())
    return sa.or_(is_published, sa.and_(withdrawn, *changed))


def _was_published() -> sa.ColumnElement[bool]:
    ends = (RecordState.ARCHIVED.value, "merged", "demoted")
    return sa.exists().where(changes.c.service_id == services.c.id, changes.c.act.in_(ends))


def count_told(tx: Connection, filters: Filters) -> int:
    return tx.execute(sa.select(sa.func.count()).select_from(services).where(_told(filters))).scalar_one()


def told_ids(tx: Connection, filters: Filters, *, offset: int = 0, limit: int | None = None) -> list[str]:
    """As `published_ids`, with what was published and is no more where only what has changed is asked for."""
    query = sa.select(services.c.id).where(_told(filters)).order_by(services.c.id).offset(offset)
    return list(tx.execute(query if limit is None else query.limit(limit)).scalars())


def told_stamps(tx: Connection, filters: Filters) -> list[tuple[str, datetime]]:
    """Id and last change of all these."""
    query = sa.select(services.c.id, services.c.modified_at).where(_told(filters)).order_by(services.c.id)
    return [(row.id, row.modified_at) for row in tx.execute(query)]


def _told_links(filters: Filters) -> list[sa.ColumnElement[bool]]:
    conditions = [_told(filters)]
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


class Link(NamedTuple):
    """A service at a location, by their ids."""

    service_id: str
    location_id: str
    latitude: float | None
    longitude: float | None

    @property
    def id(self) -> str:
        """The id of the pair, which `services_at_locations` has too."""
        return fixed_id("at", self.service_id, self.location_id)


def published_links_near(tx: Connection, filters: Filters) -> list[Link]:
    """Every published service at a location in the boxes, and some just outside, in no order.

    Of a safe place there is nothing near.
    """
    if filters.words or filters.organization_id or filters.modified_after or filters.postal_code or filters.area:
        return published_links(tx, filters)
    runs = runs_of_cells(filters.boxes)
    query = _near_query(len(runs), len(filters.boxes) == 1, filters.age is not None)
    values = where_values(filters.boxes, runs) | {"needs": filters.needs or (ANY_NEED,), "age": filters.age}
    found = [Link._make(row) for row in tx.execute(query, values)]
    return found if len(filters.needs) < 2 else list(dict.fromkeys(found))


@lru_cache(maxsize=64)
def _near_query(runs: int, one_box: bool, age_known: bool) -> sa.Select[Any]:
    own = found_by.c
    query = sa.select(*(own[name] for name in Link._fields)).where(
        own.need.in_(sa.bindparam("needs", expanding=True)), in_runs(runs), own.physical.is_(True)
    )
    if one_box:
        query = query.where(in_box())
    if age_known:
        age = sa.bindparam("age", type_=sa.Integer)
        query = query.where(
            sa.or_(own.minimum_age.is_(None), own.minimum_age <= age),
            sa.or_(own.maximum_age.is_(None), own.maximum_age >= age),
        )
    return query


def centre_of_postcode(tx: Connection, code: str) -> tuple[float, float] | None:
    """The middle of the places that are told of at a postal code, in the country that has most of them there."""
    places = sa.and_(locations.c.kind == LocationKind.PHYSICAL.value, locations.c.approximate.is_not(True))
    query = (
        sa.select(sa.func.avg(locations.c.latitude), sa.func.avg(locations.c.longitude))
        .select_from(services_at_locations)
        .join(services, services.c.id == services_at_locations.c.service_id)
        .join(locations, locations.c.id == services_at_locations.c.location_id)
        .where(*published(Filters()), places, locations.c.postal_code == code, locations.c.latitude.is_not(None))
        .group_by(locations.c.country)
        .order_by(sa.func.count().desc(), locations.c.country)
        .limit(1)
    )
    found = tx.execute(query).first()
    return None if found is None else (found[0], found[1])


def count_published_links(tx: Connection, filters: Filters) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(services_at_locations)
        .join(services, services.c.id == services_at_locations.c.service_id)
        .join(locations, locations.c.id == services_at_locations.c.location_id)
        .where(*_told_links(filters))
    )
    return tx.execute(query).scalar_one()


def published_links(
    tx: Connection, filters: Filters, *, link_id: str | None = None, offset: int = 0, limit: int | None = None
) -> list[Link]:
    """Every published service at a location, or one page of them, in a lasting order. Where only what has changed is
    asked for, also those of services that are published no more."""
    query = (
        sa.select(
            services.c.id,
            locations.c.id,
            locations.c.latitude,
            locations.c.longitude,
        )
        .select_from(services_at_locations)
        .join(services, services.c.id == services_at_locations.c.service_id)
        .join(locations, locations.c.id == services_at_locations.c.location_id)
        .where(*_told_links(filters))
        .order_by(services_at_locations.c.id)
    )
    if link_id is not None:
        query = query.where(services_at_locations.c.id == link_id)
    query = query.offset(offset) if limit is None else query.offset(offset).limit(limit)
    return [Link(*row) for row in tx.execute(query)]


def removed_links(tx: Connection, filters: Filters) -> list[Link]:
    """Places that services in force had, and have no more since then: whoever copied them must hear of it as well."""
    if not _tells_of_withdrawn(filters):
        return []
    kept = changes.alias()
    query = (
        sa.select(kept.c.service_id, kept.c.before)
        .join(services, services.c.id == kept.c.service_id)
        .where(kept.c.at >= filters.modified_after, kept.c.act.in_(("changed", ALONE)), _told(filters))
    )
    had = {
        (row.service_id, place["id"])
        for row in tx.execute(query)
        if (before := json.loads(row.before or "{}")).get("state") == RecordState.CURRENT.value
        for place in before["locations"]
    }
    own = services_at_locations.c
    for some in portions(sorted({service_id for service_id, _ in had})):
        has = tx.execute(sa.select(own.service_id, own.location_id).where(own.service_id.in_(some)))
        had -= {(row.service_id, row.location_id) for row in has}
    return [Link(service_id, location_id, None, None) for service_id, location_id in sorted(had)]


class OrganizationPage(NamedTuple):
    """How many organisations fit, one page of their ids, and which of these have nothing published any more."""

    total: int
    ids: list[str]
    withdrawn: frozenset[str]


def published_organization_ids(tx: Connection, filters: Filters, *, offset: int, limit: int) -> OrganizationPage:
    """Organisations with a published service that fits. To who asks only for what has changed (the organisation, or a
    service of it) also those of which none is published any more, unless they are looked for by words."""
    own = services.c.organization_id == organizations.c.id
    has_one = sa.exists().where(own, *published(Filters(needs=filters.needs)))
    fits: sa.ColumnElement[bool] = has_one
    if filters.modified_after is not None:
        changed = services.c.modified_at >= filters.modified_after
        heard_of = sa.or_(sa.and_(*published(Filters())), _was_published())
        theirs = sa.exists().where(own, changed, heard_of)
        fits = sa.and_(has_one, sa.or_(organizations.c.modified_at >= filters.modified_after, theirs))
        if not filters.words:
            fits = sa.or_(fits, sa.and_(_has_withdrawn(filters, own, changed), sa.not_(_has_any())))
    conditions: list[sa.ColumnElement[bool]] = [fits]
    if filters.organization_id is not None:
        conditions.append(organizations.c.id == filters.organization_id)
    for word in filters.words.casefold().split():
        conditions.append(says(organizations.c.name, word))
    total = tx.execute(sa.select(sa.func.count()).select_from(organizations).where(*conditions)).scalar_one()
    query = sa.select(organizations.c.id, _has_any().label("told")).where(*conditions).order_by(organizations.c.id)
    rows = tx.execute(query.offset(offset).limit(limit)).all()
    return OrganizationPage(total, [row.id for row in rows], frozenset(row.id for row in rows if not row.told))


def _has_any() -> sa.ColumnElement[bool]:
    return sa.exists().where(services.c.organization_id == organizations.c.id, *published(Filters()))


def _has_withdrawn(
    filters: Filters, own: sa.ColumnElement[bool], changed: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """That a service of the organisation was published and is no more, since then."""
    conditions = [own, changed, services.c.update_of.is_(None), _was_published()]
    if filters.needs:
        needs = service_needs.c
        conditions.append(sa.exists().where(needs.service_id == services.c.id, needs.need.in_(filters.needs)))
    return sa.exists().where(*conditions)
