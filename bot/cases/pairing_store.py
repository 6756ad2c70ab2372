"""The only SQL about the codes by which an officer's own phone is paired."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.cases.store import pairing_codes


def add_pairing_code(tx: Connection, *, code_hash: str, officer_id: str, expires_at: datetime) -> None:
    tx.execute(pairing_codes.delete().where(pairing_codes.c.officer_id == officer_id))
    tx.execute(pairing_codes.insert().values(hash=code_hash, officer_id=officer_id, expires_at=expires_at))


def spend_pairing_code(tx: Connection, code_hash: str, *, at: datetime) -> str | None:
    """The officer a code belongs to, once."""
    fresh = sa.and_(
        pairing_codes.c.hash == code_hash, pairing_codes.c.used_at.is_(None), pairing_codes.c.expires_at > at
    )
    if tx.execute(pairing_codes.update().where(fresh).values(used_at=at)).rowcount != 1:
        return None
    query = sa.select(pairing_codes.c.officer_id).where(pairing_codes.c.hash == code_hash)
    return str(tx.execute(query).scalar_one())
