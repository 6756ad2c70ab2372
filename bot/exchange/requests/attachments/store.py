"""The only SQL about files that travel with requests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from bot.exchange.requests.attachments.model import About, RequestAttachment, State
from bot.kernel.crypto import DataKey
from bot.kernel.database import Moment, insert_or_nothing, metadata

exchange_attachments = sa.Table(
    "exchange_attachments",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False),
    sa.Column("ours", sa.Boolean, nullable=False),
    sa.Column("ref", sa.String(36), nullable=False),
    sa.Column("line", sa.String(36), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("data_class", sa.String(20), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("parts", sa.Integer, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=True),
    sa.Column("source_id", sa.String(36), nullable=True),
    sa.Column("original", sa.Boolean, nullable=False),
    sa.Column("expires_at", Moment, nullable=True),
    sa.Column("about_sealed", sa.LargeBinary, nullable=True),  # null once it is gone
    sa.UniqueConstraint("request_id", "ours", "ref", name="uq_exchange_attachments_ref"),
    sa.Index("ix_exchange_attachments_expires_at", "expires_at"),
)

exchange_attachment_parts = sa.Table(
    "exchange_attachment_parts",
    metadata,
    sa.Column("attachment_id", sa.String(36), sa.ForeignKey("exchange_attachments.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=True),  # with the key of the request; null where the case has it
    sa.Column("envelope_id", sa.String(36), nullable=True, index=True),  # the letter that carries it, of ours
)
TABLE, PARTS = exchange_attachments.name, exchange_attachment_parts.name


def add(tx: Connection, key: DataKey, file: RequestAttachment) -> bool:
    """Write a file down, without its parts. False when this side has named another one of the request so."""
    about = msgspec.json.encode(About(file.title, file.type, file.sha256)).decode()
    return insert_or_nothing(
        tx,
        exchange_attachments,
        {
            "id": file.id,
            "request_id": file.request_id,
            "ours": file.ours,
            "ref": file.ref,
            "line": file.line,
            "state": file.state.value,
            "data_class": file.data_class,
            "size": file.size,
            "parts": file.parts,
            "at": file.at,
            "officer_id": file.officer_id,
            "source_id": file.source_id,
            "original": file.original,
            "expires_at": file.expires_at,
            "about_sealed": key.seal(about, table=TABLE, row=file.id, field="about"),
        },
    )


def add_part(tx: Connection, key: DataKey, attachment_id: str, number: int, content: bytes) -> bool:
    """Keep one part. False when it is here already."""
    sealed = key.seal_bytes(content, table=PARTS, row=attachment_id, field=f"part {number}")
    values = {"attachment_id": attachment_id, "number": number, "sealed": sealed, "envelope_id": None}
    return insert_or_nothing(tx, exchange_attachment_parts, values)


def part(tx: Connection, key: DataKey, attachment_id: str, number: int) -> bytes | None:
    """What is in one part; None where it is not here."""
    parts = exchange_attachment_parts
    of_it = sa.and_(parts.c.attachment_id == attachment_id, parts.c.number == number)
    sealed = tx.execute(sa.select(parts.c.sealed).where(of_it)).scalar_one_or_none()
    if sealed is None:
        return None
    return key.open_bytes(sealed, table=PARTS, row=attachment_id, field=f"part {number}")


def parts_here(tx: Connection, attachment_id: str) -> int:
    parts = exchange_attachment_parts
    here = sa.and_(parts.c.attachment_id == attachment_id, parts.c.sealed.is_not(None))
    return int(tx.execute(sa.select(sa.func.count()).select_from(parts).where(here)).scalar_one())


def part_left(tx: Connection, attachment_id: str, number: int, envelope_id: str) -> None:
    """This letter carries it."""
    parts = exchange_attachment_parts
    of_it = sa.and_(parts.c.attachment_id == attachment_id, parts.c.number == number)
    tx.execute(parts.update().where(of_it).values(envelope_id=envelope_id))


def empty_parts(tx: Connection, attachment_id: str) -> None:
    """Keep which letters carried it, and nothing of what is in it."""
    parts = exchange_attachment_parts
    tx.execute(parts.update().where(parts.c.attachment_id == attachment_id).values(sealed=None))


def carried_by(tx: Connection, envelope_id: str) -> str | None:
    """The file of which this letter carries a part."""
    parts = exchange_attachment_parts
    return tx.execute(sa.select(parts.c.attachment_id).where(parts.c.envelope_id == envelope_id)).scalar_one_or_none()


def of_request(tx: Connection, key: DataKey | None, request_id: str) -> list[RequestAttachment]:
    """The files of a request in the order they came; without words where the key is gone."""
    table = exchange_attachments
    query = sa.select(table).where(table.c.request_id == request_id).order_by(table.c.at, table.c.id)
    return [_opened(row, key) for row in tx.execute(query)]


def get(
    tx: Connection, key: DataKey | None, request_id: str, attachment_id: str, *, lock: bool = False
) -> RequestAttachment | None:
    table = exchange_attachments
    return _one(tx, key, table.c.id == attachment_id, table.c.request_id == request_id, lock=lock)


def by_ref(
    tx: Connection, key: DataKey | None, request_id: str, ref: str, *, ours: bool, lock: bool = False
) -> RequestAttachment | None:
    """A file by the name it has in letters."""
    table = exchange_attachments
    named = (table.c.request_id == request_id, table.c.ref == ref, table.c.ours.is_(ours))
    return _one(tx, key, *named, lock=lock)


def _one(
    tx: Connection, key: DataKey | None, *conditions: sa.ColumnElement[bool], lock: bool
) -> RequestAttachment | None:
    query = sa.select(exchange_attachments).where(*conditions)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _opened(row, key)


def move(tx: Connection, attachment_id: str, state: State, *, of: Iterable[State], **known: Any) -> bool:
    """It has come further. False where it is in none of these states any more."""
    table = exchange_attachments
    still = sa.and_(table.c.id == attachment_id, table.c.state.in_([each.value for each in of]))
    return tx.execute(table.update().where(still).values(state=state.value, **known)).rowcount == 1


def drop(tx: Connection, attachment_id: str) -> None:
    """A file that was never sent: as if it had not been attached."""
    parts, table = exchange_attachment_parts, exchange_attachments
    tx.execute(parts.delete().where(parts.c.attachment_id == attachment_id))
    tx.execute(table.delete().where(table.c.id == attachment_id))


def forget(tx: Connection, attachment_ids: Iterable[str]) -> None:
    """Leave nothing of these files but that they were there."""
    parts, table, ids = exchange_attachment_parts, exchange_attachments, list(attachment_ids)
    tx.execute(parts.delete().where(parts.c.attachment_id.in_(ids)))
    gone = {"state": State.GONE.value, "about_sealed": None, "expires_at": None}
    tx.execute(table.update().where(table.c.id.in_(ids)).values(**gone))


def expired(tx: Connection, at: datetime, *, limit: int) -> list[tuple[str, str]]:
    """File and request of what may not be kept any longer."""
    table = exchange_attachments
    query = sa.select(table.c.id, table.c.request_id).where(table.c.expires_at <= at)
    return [(row.id, row.request_id) for row in tx.execute(query.order_by(table.c.expires_at).limit(limit))]


def _opened(row: Row[Any], key: DataKey | None) -> RequestAttachment:
    file = RequestAttachment(
        id=row.id,
        request_id=row.request_id,
        ours=row.ours,
        ref=row.ref,
        line=row.line,
        state=State(row.state),
        data_class=row.data_class,
        size=row.size,
        parts=row.parts,
        at=row.at,
        officer_id=row.officer_id,
        source_id=row.source_id,
        original=row.original,
        expires_at=row.expires_at,
    )
    if key is None or row.about_sealed is None:
        return file
    about = msgspec.json.decode(key.open(row.about_sealed, table=TABLE, row=row.id, field="about"), type=About)
    return replace(file, title=about.title, type=about.type, sha256=about.sha256)
