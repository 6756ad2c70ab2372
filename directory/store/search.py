"""Which services may answer a search: near a point, or for a whole country."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from directory.geography import Box
from directory.model import ADULT, Eligibility, Gender, RecordState, ServiceStatus
from directory.moment import Moment
from directory.store.tables import WORLD, locations, service_countries, service_needs, services, services_at_locations


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
