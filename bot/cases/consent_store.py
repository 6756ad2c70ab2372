"""The only SQL about consent: who agreed to what, and what was given away on the strength of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.kernel.database import Moment, metadata

#: A row is never changed but for its withdrawal and, for an override, the second officer.
consents = sa.Table(
    "consents",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("giver", sa.String(20), nullable=False),
    sa.Column("age", sa.Integer, nullable=True),
    sa.Column("capacity", sa.String(20), nullable=False),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("way", sa.String(12), nullable=False),
    sa.Column("purpose", sa.String(20), nullable=False),
    sa.Column("recipient", sa.String(80), nullable=False),
    sa.Column("country", sa.String(2), nullable=True),
    sa.Column("items", sa.Text, nullable=False),
    sa.Column("withheld", sa.Text, nullable=False),
    sa.Column("reason", sa.String(24), nullable=True),  # of an override
    sa.Column("named_sealed", sa.LargeBinary, nullable=True),  # the recipient as it was named to the person
    sa.Column("text_sealed", sa.LargeBinary, nullable=True),  # exactly what was shown or read out
    sa.Column("why_sealed", sa.LargeBinary, nullable=True),  # an officer's words about an override
    sa.Column("recorded_by", sa.String(36), nullable=False),
    sa.Column("second_by", sa.String(36), nullable=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("withdrawn_at", Moment, nullable=True),
    sa.Column("withdrawn_by", sa.String(36), nullable=True),
)
sa.Index("ix_consents_purpose", consents.c.case_id, consents.c.purpose, consents.c.recipient)

#: Everything that left a case, each on the strength of one row above.
shares = sa.Table(
    "case_shares",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("consent_id", sa.String(36), sa.ForeignKey("consents.id"), nullable=False, index=True),
    sa.Column("what", sa.String(80), nullable=False),
    sa.Column("items", sa.Text, nullable=False),
    sa.Column("shared_by", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("withdrawal_seen_at", Moment, nullable=True),  # the recipient said that they stopped
)


def add_consent(tx: Connection, values: dict[str, Any]) -> None:
    tx.execute(consents.insert().values(**values))


def get_consent(tx: Connection, case_id: str, consent_id: str) -> Row[Any] | None:
    query = sa.select(consents).where(consents.c.id == consent_id, consents.c.case_id == case_id)
    return tx.execute(query.with_for_update()).one_or_none()


def consents_of(tx: Connection, case_id: str) -> list[Row[Any]]:
    """The newest first."""
    query = sa.select(consents).where(consents.c.case_id == case_id)
    return list(tx.execute(query.order_by(consents.c.at.desc(), consents.c.id.desc())))


def standing(tx: Connection, case_id: str, purpose: str, recipient: str, at: datetime) -> list[Row[Any]]:
    """Rows for this purpose and recipient that are neither withdrawn nor run out, the newest first."""
    query = sa.select(consents).where(
        consents.c.case_id == case_id,
        consents.c.purpose == purpose,
        consents.c.recipient == recipient,
        consents.c.withdrawn_at.is_(None),
        consents.c.at <= at,
        consents.c.expires_at > at,
    )
    return list(tx.execute(query.order_by(consents.c.at.desc(), consents.c.id.desc())))


def set_withdrawn(tx: Connection, consent_id: str, *, officer_id: str | None, at: datetime) -> bool:
    """False when it was withdrawn before."""
    still = sa.and_(consents.c.id == consent_id, consents.c.withdrawn_at.is_(None))
    values = {"withdrawn_at": at, "withdrawn_by": officer_id}
    return tx.execute(consents.update().where(still).values(**values)).rowcount == 1


def set_second(tx: Connection, consent_id: str, officer_id: str) -> bool:
    alone = sa.and_(consents.c.id == consent_id, consents.c.second_by.is_(None), consents.c.withdrawn_at.is_(None))
    return tx.execute(consents.update().where(alone).values(second_by=officer_id)).rowcount == 1


def add_share(tx: Connection, values: dict[str, Any]) -> None:
    tx.execute(shares.insert().values(**values))


def shares_of(tx: Connection, case_id: str) -> list[Row[Any]]:
    """What left the case, the newest first, each with when its consent was withdrawn."""
    query = (
        sa.select(shares, consents.c.withdrawn_at, consents.c.recipient)
        .join(consents, consents.c.id == shares.c.consent_id)
        .where(shares.c.case_id == case_id)
    )
    return list(tx.execute(query.order_by(shares.c.at.desc(), shares.c.id.desc())))


def set_withdrawal_seen(tx: Connection, case_id: str, share_id: str, at: datetime) -> bool:
    withdrawn = sa.select(consents.c.id).where(consents.c.withdrawn_at.is_not(None))
    waiting = sa.and_(
        shares.c.id == share_id,
        shares.c.case_id == case_id,
        shares.c.withdrawal_seen_at.is_(None),
        shares.c.consent_id.in_(withdrawn),
    )
    return tx.execute(shares.update().where(waiting).values(withdrawal_seen_at=at)).rowcount == 1


def set_nothing_kept(tx: Connection, case_id: str, what: str, at: datetime) -> list[str]:
    """Every share of `what` is over. Returns those that were not before."""
    still = sa.and_(shares.c.case_id == case_id, shares.c.what == what, shares.c.withdrawal_seen_at.is_(None))
    found = list(tx.execute(sa.select(shares.c.id).where(still).with_for_update()).scalars())
    tx.execute(shares.update().where(still).values(withdrawal_seen_at=at))
    return found


def set_kept_after_all(tx: Connection, case_id: str, what: str) -> list[str]:
    """No share of `what` is over. Returns those that were before."""
    over = sa.and_(shares.c.case_id == case_id, shares.c.what == what, shares.c.withdrawal_seen_at.is_not(None))
    found = list(tx.execute(sa.select(shares.c.id).where(over).with_for_update()).scalars())
    tx.execute(shares.update().where(over).values(withdrawal_seen_at=None))
    return found


def codes(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
