"""What people found to be wrong with a record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from directory.store.tables import reports


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


def move_reports(tx: Connection, service_id: str, to: str) -> None:
    """What is open of one record is open of another from now on."""
    mine = sa.and_(reports.c.service_id == service_id, reports.c.closed_at.is_(None))
    tx.execute(reports.update().where(mine).values(service_id=to))
