"""The only SQL about wall boards: the links that open them, and the numbers they show."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.model import CaseStatus
from bot.cases.store import alarms, cases
from bot.cases.wall.model import WallLink
from bot.kernel.database import Moment, metadata
from dialogues.understanding.model import Priority

wall_links = sa.Table(
    "wall_links",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("made_by", sa.String(36), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=True),
)


class Waiting(Struct, frozen=True):
    """What waits at one priority."""

    count: int
    late: int
    due_at: datetime


def waiting_by_priority(tx: Connection, at: datetime) -> dict[Priority, Waiting]:
    """Read from the index of the queue alone, however many cases there are."""
    late = sa.func.sum(sa.case((cases.c.due_at < at, 1), else_=0))
    query = (
        sa.select(cases.c.priority, sa.func.count(), late, sa.func.min(cases.c.due_at))
        .where(cases.c.status == CaseStatus.NEW.value, cases.c.owner_id.is_(None))
        .group_by(cases.c.priority)
    )
    return {Priority(row[0]): Waiting(row[1], int(row[2]), row[3]) for row in tx.execute(query)}


def climbing_by_priority(tx: Connection) -> dict[Priority, int]:
    """How many alarms nobody has acknowledged."""
    query = sa.select(alarms.c.priority, sa.func.count()).where(alarms.c.next_step_at.is_not(None))
    return {Priority(row[0]): row[1] for row in tx.execute(query.group_by(alarms.c.priority))}


def held_count(tx: Connection) -> int:
    query = sa.select(sa.func.count()).where(cases.c.status == CaseStatus.CLAIMED.value)
    return int(tx.execute(query).scalar_one())


def add_link(tx: Connection, link: WallLink, *, token_hash: str) -> None:
    values = {"id": link.id, "made_by": link.made_by, "made_at": link.made_at, "expires_at": link.expires_at}
    tx.execute(wall_links.insert().values(**values, token_hash=token_hash, ended_at=None))


def open_links(tx: Connection, at: datetime) -> list[WallLink]:
    """The links that work, the newest first."""
    query = sa.select(wall_links).where(*_open(at)).order_by(wall_links.c.made_at.desc(), wall_links.c.id)
    return [_link(row) for row in tx.execute(query)]


def link_by_token(tx: Connection, token_hash: str, at: datetime) -> WallLink | None:
    row = tx.execute(sa.select(wall_links).where(wall_links.c.token_hash == token_hash, *_open(at))).one_or_none()
    return None if row is None else _link(row)


def end_link(tx: Connection, link_id: str, at: datetime) -> bool:
    """False where it did not work any more."""
    there = sa.and_(wall_links.c.id == link_id, *_open(at))
    return tx.execute(wall_links.update().where(there).values(ended_at=at)).rowcount == 1


def _open(at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return wall_links.c.ended_at.is_(None), wall_links.c.expires_at > at


def _link(row: sa.Row[tuple[object, ...]]) -> WallLink:
    return WallLink(row.id, row.made_by, row.made_at, row.expires_at)
