"""The only SQL about referrals and the one-time links that show them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.referrals.model import Referral, State, Urgency
from bot.kernel.database import Moment, insert_or_nothing, metadata

referrals = sa.Table(
    "referrals",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("consent_id", sa.String(36), sa.ForeignKey("consents.id"), nullable=False),
    sa.Column("recipient", sa.String(80), nullable=False),
    sa.Column("urgency", sa.String(12), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("items", sa.Text, nullable=False),
    sa.Column("ask_sealed", sa.LargeBinary, nullable=True),  # what is asked of them; null once erased
    sa.Column("said_sealed", sa.LargeBinary, nullable=True),  # what the child says about it
    sa.Column("sent_by", sa.String(36), nullable=False),
    sa.Column("sent_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=True),
    sa.Column("answered_at", Moment, nullable=True),
    sa.Column("reminded_at", Moment, nullable=True),
    sa.Column("reason", sa.String(20), nullable=True),
    sa.Column("outcome", sa.String(20), nullable=True),
    sa.Column("feedback", sa.String(20), nullable=True),
    # The link for somebody without an account, and the code that is read to them by phone.
    sa.Column("link_hash", sa.String(64), nullable=True, unique=True),
    sa.Column("code_hash", sa.String(64), nullable=True),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("opened_at", Moment, nullable=True),
    sa.Column("reply_hash", sa.String(64), nullable=True, unique=True),
    sa.Column("adult_id", sa.String(36), nullable=True),  # who goes along with the child
)
#: Whoever learnt where a safe place is, to bring or visit the person of a case. Nothing of where.
openings = sa.Table(
    "case_address_openings",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("referral_id", sa.String(36), nullable=False),
    sa.Column("service_id", sa.String(36), nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("purpose", sa.String(20), nullable=False),
    sa.Column("why_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("at", Moment, nullable=False),
    sa.Column("once", sa.String(36), nullable=False, unique=True),  # of the form: sent twice, it shows nothing
)
sa.Index("ix_case_address_openings_case", openings.c.case_id)
sa.Index("ix_case_address_openings_at", openings.c.at)
_waits = referrals.c.state.in_([State.SENT.value, State.SEEN.value])
sa.Index("ix_referrals_waiting", referrals.c.state, referrals.c.reminded_at)


def _values(referral: Referral) -> dict[str, Any]:
    return {
        "state": referral.state.value,
        "seen_at": referral.seen_at,
        "answered_at": referral.answered_at,
        "reminded_at": referral.reminded_at,
        "reason": referral.reason,
        "outcome": referral.outcome,
        "feedback": referral.feedback,
    }


def _to_referral(row: Row[Any]) -> Referral:
    return Referral(
        id=row.id,
        case_id=row.case_id,
        consent_id=row.consent_id,
        recipient=row.recipient,
        urgency=Urgency(row.urgency),
        state=State(row.state),
        items=tuple(json.loads(row.items)),
        sent_by=row.sent_by,
        sent_at=row.sent_at,
        seen_at=row.seen_at,
        answered_at=row.answered_at,
        reminded_at=row.reminded_at,
        reason=row.reason,
        outcome=row.outcome,
        feedback=row.feedback,
        adult_id=row.adult_id,
    )


def add(tx: Connection, referral: Referral, more: Mapping[str, Any]) -> None:
    tx.execute(
        referrals.insert().values(
            id=referral.id,
            case_id=referral.case_id,
            consent_id=referral.consent_id,
            recipient=referral.recipient,
            urgency=referral.urgency.value,
            items=json.dumps(sorted(referral.items)),
            sent_by=referral.sent_by,
            sent_at=referral.sent_at,
            adult_id=referral.adult_id,
            tries=0,
            **_values(referral),
            **more,
        )
    )


def save(tx: Connection, before: Referral, after: Referral, **more: Any) -> bool:
    """False when somebody else was quicker."""
    unmoved = sa.and_(referrals.c.id == before.id, referrals.c.state == before.state.value)
    return tx.execute(referrals.update().where(unmoved).values(**_values(after), **more)).rowcount == 1


def get(tx: Connection, case_id: str, referral_id: str) -> Referral | None:
    query = sa.select(referrals).where(referrals.c.id == referral_id, referrals.c.case_id == case_id)
    row = tx.execute(query.with_for_update()).one_or_none()
    return None if row is None else _to_referral(row)


def of_case(tx: Connection, case_id: str) -> list[tuple[Referral, Row[Any]]]:
    """The newest first, each with its sealed words."""
    query = sa.select(referrals).where(referrals.c.case_id == case_id)
    rows = tx.execute(query.order_by(referrals.c.sent_at.desc(), referrals.c.id.desc()))
    return [(_to_referral(row), row) for row in rows]


def not_reminded(tx: Connection) -> list[Referral]:
    query = sa.select(referrals).where(_waits, referrals.c.reminded_at.is_(None))
    return [_to_referral(row) for row in tx.execute(query)]


def under_way(tx: Connection, case_id: str) -> int:
    over = [State.DECLINED.value, State.CONCLUDED.value, State.WITHDRAWN.value]
    query = sa.select(sa.func.count()).where(referrals.c.case_id == case_id, referrals.c.state.not_in(over))
    return int(tx.execute(query).scalar_one())


def reminded(tx: Connection, *, limit: int) -> list[Referral]:
    """Those that wait although whoever sent them was reminded; the oldest first."""
    query = sa.select(referrals).where(_waits, referrals.c.reminded_at.is_not(None)).order_by(referrals.c.sent_at)
    return [_to_referral(row) for row in tx.execute(query.limit(limit))]


def by_link(tx: Connection, link_hash: str, *, lock: bool) -> tuple[Referral, Row[Any]] | None:
    query = sa.select(referrals).where(referrals.c.link_hash == link_hash)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else (_to_referral(row), row)


def by_reply(tx: Connection, reply_hash: str) -> tuple[Referral, Row[Any]] | None:
    row = tx.execute(sa.select(referrals).where(referrals.c.reply_hash == reply_hash).with_for_update()).one_or_none()
    return None if row is None else (_to_referral(row), row)


def count_try(tx: Connection, referral_id: str) -> None:
    tx.execute(referrals.update().where(referrals.c.id == referral_id).values(tries=referrals.c.tries + 1))


def spend_link(tx: Connection, referral_id: str, *, reply_hash: str, at: datetime) -> bool:
    unspent = sa.and_(referrals.c.id == referral_id, referrals.c.opened_at.is_(None))
    return tx.execute(referrals.update().where(unspent).values(opened_at=at, reply_hash=reply_hash)).rowcount == 1


def add_opening(tx: Connection, **values: Any) -> bool:
    """False when this form was sent before."""
    return insert_or_nothing(tx, openings, values)


def was_opened(tx: Connection, once: str) -> bool:
    return tx.execute(sa.select(openings.c.id).where(openings.c.once == once)).first() is not None


def houses_opened_by(tx: Connection, officer_id: str, *, since: datetime) -> set[str]:
    """The services whose address this officer was shown after that."""
    theirs = sa.select(openings.c.service_id).where(openings.c.officer_id == officer_id, openings.c.at > since)
    return set(tx.execute(theirs).scalars())


def openings_of(tx: Connection, case_id: str) -> Sequence[Row[Any]]:
    """Of one case, the last first."""
    query = sa.select(openings).where(openings.c.case_id == case_id).order_by(openings.c.at.desc(), openings.c.id)
    return tx.execute(query).all()


def openings_since(tx: Connection, since: datetime, *, limit: int) -> Sequence[Row[Any]]:
    """Of all cases, the last first."""
    query = sa.select(openings).where(openings.c.at > since).order_by(openings.c.at.desc(), openings.c.id)
    return tx.execute(query.limit(limit)).all()
