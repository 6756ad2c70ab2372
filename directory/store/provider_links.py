"""One-time links by which a provider answers for its own record. Only fingerprints of them are kept."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from directory.store.tables import provider_links


def add_provider_link(
    tx: Connection, fingerprint: str, service_id: str, *, by: str, at: datetime, expires_at: datetime
) -> None:
    """Keep a link. An earlier one for the same record that was not used does not open any more."""
    tx.execute(
        provider_links.delete().where(provider_links.c.service_id == service_id, provider_links.c.used_at.is_(None))
    )
    row = {"hash": fingerprint, "service_id": service_id, "made_by": by, "made_at": at, "expires_at": expires_at}
    tx.execute(provider_links.insert().values(row))


def open_provider_link(tx: Connection, fingerprint: str, *, at: datetime) -> tuple[str, str] | None:
    """The record that a link is for and who made it. None when it was used, is too old, or never was."""
    query = sa.select(provider_links.c.service_id, provider_links.c.made_by).where(*_open(fingerprint, at))
    row = tx.execute(query).first()
    return None if row is None else (row.service_id, row.made_by)


def spend_provider_link(tx: Connection, fingerprint: str, *, at: datetime) -> bool:
    """Whether it was open and is spent now. Of two that try at once, one succeeds."""
    spent = tx.execute(provider_links.update().where(*_open(fingerprint, at)).values(used_at=at))
    return bool(spent.rowcount == 1)


def _open(fingerprint: str, at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    own = provider_links.c
    return own.hash == fingerprint, own.used_at.is_(None), own.expires_at > at
