"""The only SQL about cases of one household, and of brothers and sisters who are handed over together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.elements import ColumnElement

from bot.cases.model import CaseStatus
from bot.cases.store import cases
from bot.kernel.database import Moment, insert_or_nothing, metadata

#: A link is two rows, one of each case: what is said of it is sealed with the key of that case, and goes with it.
case_links = sa.Table(
    "case_links",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("link_id", sa.String(36), nullable=False, index=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("other_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("why_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("ended_by", sa.String(36), nullable=True),
    sa.Column("ended_why_sealed", sa.LargeBinary, nullable=True),
)
_standing = case_links.c.ended_at.is_(None)
#: Two cases are linked once at a time, whatever races.
sa.Index(
    "uq_case_links_standing",
    case_links.c.case_id,
    case_links.c.other_id,
    unique=True,
    sqlite_where=_standing,
    postgresql_where=_standing,
)

#: Cases of brothers and sisters share a family. They are handed over together or not at all.
sibling_cases = sa.Table(
    "sibling_cases",
    metadata,
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), primary_key=True),
    sa.Column("family_id", sa.String(36), nullable=False, index=True),
    sa.Column("said_by", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
)


def add(tx: Connection, values: dict[str, Any]) -> bool:
    """False when these two are linked already."""
    return insert_or_nothing(tx, case_links, values)


def of_case(tx: Connection, case_id: str, seen: ColumnElement[bool]) -> list[Row[Any]]:
    """The links that stand, to cases for which `seen` holds; the oldest first."""
    other = case_links.join(cases, cases.c.id == case_links.c.other_id)
    query = sa.select(case_links).select_from(other).where(case_links.c.case_id == case_id, _standing, seen)
    return list(tx.execute(query.order_by(case_links.c.at, case_links.c.id)))


def pair(tx: Connection, link_id: str) -> list[Row[Any]]:
    """Both rows of a link that stands, locked until the transaction ends."""
    query = sa.select(case_links).where(case_links.c.link_id == link_id, _standing)
    return list(tx.execute(query.order_by(case_links.c.case_id).with_for_update()))


def end(tx: Connection, row_id: str, *, by: str, at: datetime, why_sealed: bytes | None) -> None:
    same = case_links.c.id == row_id
    tx.execute(case_links.update().where(same).values(ended_at=at, ended_by=by, ended_why_sealed=why_sealed))


def open_count(tx: Connection, case_id: str) -> int:
    """How many open cases are linked to this one, whoever may see them."""
    other = case_links.join(cases, cases.c.id == case_links.c.other_id)
    still_open = cases.c.status != CaseStatus.CLOSED.value
    query = sa.select(sa.func.count()).select_from(other).where(case_links.c.case_id == case_id, _standing, still_open)
    return int(tx.execute(query).scalar_one())


# Brothers and sisters


def family_of(tx: Connection, case_id: str) -> str | None:
    query = sa.select(sibling_cases.c.family_id).where(sibling_cases.c.case_id == case_id)
    return tx.execute(query).scalar_one_or_none()


def siblings_of(tx: Connection, case_id: str) -> Sequence[str]:
    """The cases of the brothers and sisters of a child, without its own."""
    family = family_of(tx, case_id)
    if family is None:
        return []
    others = sa.and_(sibling_cases.c.family_id == family, sibling_cases.c.case_id != case_id)
    query = sa.select(sibling_cases.c.case_id).where(others)
    return list(tx.execute(query.order_by(sibling_cases.c.case_id)).scalars())


def join_family(tx: Connection, family_id: str, case_id: str, *, by: str, at: datetime) -> None:
    """Put a case into a family; whoever is in another family with it comes along."""
    known = family_of(tx, case_id)
    if known is None:
        insert_or_nothing(tx, sibling_cases, {"case_id": case_id, "family_id": family_id, "said_by": by, "at": at})
    elif known != family_id:
        tx.execute(sibling_cases.update().where(sibling_cases.c.family_id == known).values(family_id=family_id))


def leave_family(tx: Connection, case_id: str) -> bool:
    return tx.execute(sibling_cases.delete().where(sibling_cases.c.case_id == case_id)).rowcount == 1


# Both


def near(tx: Connection, case_id: str) -> list[str]:
    """The cases of whoever belongs together with this child, be it said in the one way or in the other."""
    linked = sa.select(case_links.c.other_id).where(case_links.c.case_id == case_id, _standing)
    return sorted({*tx.execute(linked).scalars(), *siblings_of(tx, case_id)})
