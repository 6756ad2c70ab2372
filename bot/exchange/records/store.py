"""The only SQL about records a child carries: the sheets, the copies made of them, and what was brought."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

import bot.cases.consent_store  # noqa: F401  (declares the table that copies stand on)
from bot.kernel.database import Moment, metadata

#: What a record says. A sheet is never changed: another takes its place.
sheets = sa.Table(
    "carried_sheets",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("record_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("replaced_at", Moment, nullable=True),
)
_present = sheets.c.replaced_at.is_(None)
sa.Index(
    "uq_carried_sheets_present",
    sheets.c.case_id,
    sheets.c.kind,
    unique=True,
    sqlite_where=_present,
    postgresql_where=_present,
)

#: What left, exactly as the child chose it, and the assent it stands on.
copies = sa.Table(
    "carried_copies",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("consent_id", sa.String(36), sa.ForeignKey("consents.id"), nullable=False),
    sa.Column("record_sealed", sa.LargeBinary, nullable=True),
    sa.Column("issuer", sa.String(200), nullable=False),
    sa.Column("made_by", sa.String(36), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
)

#: What somebody brought, as it was. Whether it is proven is asked anew at every look.
documents = sa.Table(
    "carried_documents",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("text_sealed", sa.LargeBinary, nullable=True),
    sa.Column("brought_by", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("put_away_at", Moment, nullable=True),
)


def present_sheets(tx: Connection, case_id: str, *, lock: bool = False) -> dict[str, Row[Any]]:
    query = sa.select(sheets).where(sheets.c.case_id == case_id, _present)
    return {row.kind: row for row in tx.execute(query.with_for_update() if lock else query)}


def replace_sheet(tx: Connection, before: str | None, values: Mapping[str, Any]) -> None:
    if before is not None:
        tx.execute(sheets.update().where(sheets.c.id == before).values(replaced_at=values["at"]))
    tx.execute(sheets.insert().values(**values))


def add_copy(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(copies.insert().values(**values))


def copies_of(tx: Connection, case_id: str) -> list[Row[Any]]:
    """The newest first."""
    query = sa.select(copies).where(copies.c.case_id == case_id)
    return list(tx.execute(query.order_by(copies.c.made_at.desc(), copies.c.id)))


def get_copy(tx: Connection, case_id: str, copy_id: str) -> Row[Any] | None:
    return tx.execute(sa.select(copies).where(copies.c.id == copy_id, copies.c.case_id == case_id)).first()


def add_document(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(documents.insert().values(**values))


def documents_of(tx: Connection, case_id: str) -> list[Row[Any]]:
    """Those that were not put away, the newest first."""
    query = sa.select(documents).where(documents.c.case_id == case_id, documents.c.put_away_at.is_(None))
    return list(tx.execute(query.order_by(documents.c.at.desc(), documents.c.id)))


def put_away(tx: Connection, case_id: str, document_id: str, at: datetime) -> bool:
    """Keep only that there was one."""
    there = sa.and_(documents.c.id == document_id, documents.c.case_id == case_id, documents.c.put_away_at.is_(None))
    return tx.execute(documents.update().where(there).values(text_sealed=None, put_away_at=at)).rowcount == 1
