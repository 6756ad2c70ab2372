"""The only SQL about guests in a talk and what they write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.guests.model import Guest, Role
from bot.kernel.database import Moment, insert_or_nothing, metadata

case_guests = sa.Table(
    "case_guests",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("conversation_id", sa.String(36), nullable=False),
    sa.Column("role", sa.String(12), nullable=False),
    sa.Column("name_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("from_seq", sa.Integer, nullable=False),
    sa.Column("invited_by", sa.String(36), nullable=False),
    sa.Column("invited_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("code_hash", sa.String(64), nullable=False),
    sa.Column("reply_hash", sa.String(64), nullable=True, unique=True),  # of the page that was opened
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("views", sa.Integer, nullable=False),
    sa.Column("opened_at", Moment, nullable=True),
    sa.Column("seen_at", Moment, nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
)

case_guest_lines = sa.Table(
    "case_guest_lines",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("guest_id", sa.String(36), sa.ForeignKey("case_guests.id"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("about_seq", sa.Integer, nullable=True),  # the line it translates
    sa.Column("text_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("once", sa.String(36), nullable=True, unique=True),  # a form sent twice writes once
)


def add(tx: Connection, guest: Guest, *, name_sealed: bytes, token_hash: str, code_hash: str) -> None:
    tx.execute(
        case_guests.insert().values(
            id=guest.id,
            case_id=guest.case_id,
            conversation_id=guest.conversation_id,
            role=guest.role.value,
            name_sealed=name_sealed,
            from_seq=guest.from_seq,
            invited_by=guest.invited_by,
            invited_at=guest.invited_at,
            expires_at=guest.expires_at,
            token_hash=token_hash,
            code_hash=code_hash,
            tries=0,
            views=0,
        )
    )


def of_case(tx: Connection, case_id: str) -> list[tuple[Guest, bytes | None]]:
    """Everyone who was ever invited, the last first, each with the sealed name."""
    query = sa.select(case_guests).where(case_guests.c.case_id == case_id)
    rows = tx.execute(query.order_by(case_guests.c.invited_at.desc(), case_guests.c.id.desc()))
    return [(_guest(row), row.name_sealed) for row in rows]


def by_token(tx: Connection, token_hash: str, *, lock: bool) -> tuple[Guest, Row[Any]] | None:
    """An invitation, and its row for what is hashed and sealed of it."""
    query = sa.select(case_guests).where(case_guests.c.token_hash == token_hash)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else (_guest(row), row)


def by_reply(tx: Connection, reply_hash: str) -> tuple[Guest, Row[Any]] | None:
    """The invitation whose opened page this is, locked."""
    query = sa.select(case_guests).where(case_guests.c.reply_hash == reply_hash).with_for_update()
    row = tx.execute(query).one_or_none()
    return None if row is None else (_guest(row), row)


def count_try(tx: Connection, guest_id: str) -> None:
    tx.execute(case_guests.update().where(case_guests.c.id == guest_id).values(tries=case_guests.c.tries + 1))


def opened(tx: Connection, guest_id: str, *, reply_hash: str, at: datetime) -> bool:
    """The link is spent. False where it was before."""
    unopened = sa.and_(case_guests.c.id == guest_id, case_guests.c.opened_at.is_(None))
    values = {"reply_hash": reply_hash, "opened_at": at}
    return tx.execute(case_guests.update().where(unopened).values(**values)).rowcount == 1


def count_view(tx: Connection, guest_id: str, at: datetime) -> None:
    values = {"views": case_guests.c.views + 1, "seen_at": at}
    tx.execute(case_guests.update().where(case_guests.c.id == guest_id).values(**values))


def end(tx: Connection, case_id: str, guest_id: str, at: datetime) -> bool:
    """Take an invitation back. False where it is of another case, or was over."""
    open_one = sa.and_(case_guests.c.id == guest_id, case_guests.c.case_id == case_id, case_guests.c.ended_at.is_(None))
    values = {"ended_at": at, "reply_hash": None}
    return tx.execute(case_guests.update().where(open_one).values(**values)).rowcount == 1


def add_line(tx: Connection, **values: Any) -> bool:
    """False when this very form was sent before."""
    return insert_or_nothing(tx, case_guest_lines, values)


def lines_of(tx: Connection, case_id: str) -> list[Row[Any]]:
    """What guests wrote, the first first, each with the role of who wrote it."""
    query = (
        sa.select(case_guest_lines, case_guests.c.role, case_guests.c.name_sealed)
        .join(case_guests, case_guests.c.id == case_guest_lines.c.guest_id)
        .where(case_guest_lines.c.case_id == case_id)
    )
    return list(tx.execute(query.order_by(case_guest_lines.c.at, case_guest_lines.c.id)))


def _guest(row: Row[Any]) -> Guest:
    return Guest(
        id=row.id,
        case_id=row.case_id,
        conversation_id=row.conversation_id,
        role=Role(row.role),
        from_seq=row.from_seq,
        invited_by=row.invited_by,
        invited_at=row.invited_at,
        expires_at=row.expires_at,
        tries=row.tries,
        opened_at=row.opened_at,
        seen_at=row.seen_at,
        views=row.views,
        ended_at=row.ended_at,
    )
