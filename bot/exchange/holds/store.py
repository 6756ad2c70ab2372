"""The only SQL about dossiers of adults, holds, and the bodies officers act for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.elements import ColumnElement

from bot.exchange.holds.model import Agreed, Dossier, Evidence, Favour, Hold, HoldState, Mark, Source, Tie
from bot.kernel.database import Moment, insert_or_nothing, metadata

adult_dossiers = sa.Table(
    "adult_dossiers",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("claimed", sa.String(20), nullable=False),
    sa.Column("tie", sa.String(20), nullable=False),
    sa.Column("opened_by", sa.String(36), nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("decided_by", sa.String(36), nullable=True),
    sa.Column("decided_at", Moment, nullable=True),
    sa.Column("name_sealed", sa.LargeBinary, nullable=True),
    sa.Column("reason_sealed", sa.LargeBinary, nullable=True),
    sa.Column("once", sa.String(36), nullable=True, unique=True),
)

adult_marks = sa.Table(
    "adult_marks",
    metadata,
    sa.Column("dossier_id", sa.String(36), sa.ForeignKey("adult_dossiers.id"), primary_key=True),
    sa.Column("item", sa.String(30), primary_key=True),
    sa.Column("mark", sa.String(10), nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
)

adult_evidence = sa.Table(
    "adult_evidence",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("dossier_id", sa.String(36), sa.ForeignKey("adult_dossiers.id"), nullable=False, index=True),
    sa.Column("source", sa.String(20), nullable=False),
    sa.Column("favour", sa.String(20), nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("text_sealed", sa.LargeBinary, nullable=True),
    sa.Column("once", sa.String(36), nullable=True, unique=True),
)

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=True, index=True),
    sa.Column("dossier_id", sa.String(36), sa.ForeignKey("adult_dossiers.id"), nullable=True),
    sa.Column("request_id", sa.String(36), nullable=True, index=True),
    sa.Column("partner_id", sa.String(36), nullable=True),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("placed_at", Moment, nullable=False),
    sa.Column("confirmed_by", sa.String(36), nullable=True),
    sa.Column("released_at", Moment, nullable=True),
    sa.Column("origin_id", sa.String(36), nullable=True),  # of a case of the same family or household
)
_stands = holds.c.state != HoldState.RELEASED.value
#: One hold stands for an adult, whatever races.
sa.Index("uq_holds_standing", holds.c.dossier_id, unique=True, sqlite_where=_stands, postgresql_where=_stands)

hold_releases = sa.Table(
    "hold_releases",
    metadata,
    sa.Column("hold_id", sa.String(36), sa.ForeignKey("holds.id"), primary_key=True),
    sa.Column("person", sa.String(120), primary_key=True),
    sa.Column("body", sa.String(120), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("reason_sealed", sa.LargeBinary, nullable=True),
)

#: Somebody else who bears the name of an adult of a dossier: said by one person and, of another body, by a second.
namesakes = sa.Table(
    "namesakes",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("dossier_id", sa.String(36), sa.ForeignKey("adult_dossiers.id"), nullable=False, index=True),
    sa.Column("name_sealed", sa.LargeBinary, nullable=True),
    sa.Column("reason_sealed", sa.LargeBinary, nullable=True),
    sa.Column("first_id", sa.String(36), nullable=False),
    sa.Column("first_body", sa.String(120), nullable=False),
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("second_id", sa.String(36), nullable=True),
    sa.Column("second_body", sa.String(120), nullable=True),
    sa.Column("second_at", Moment, nullable=True),
    sa.Column("ended_by", sa.String(36), nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("once", sa.String(36), nullable=True, unique=True),
)

officer_bodies = sa.Table(
    "officer_bodies",
    metadata,
    sa.Column("officer_id", sa.String(36), sa.ForeignKey("officers.id"), primary_key=True),
    sa.Column("body", sa.String(120), nullable=False),
    sa.Column("set_by", sa.String(36), nullable=False),
    sa.Column("at", Moment, nullable=False),
)


# Dossiers


def _to_dossier(row: Row[Any]) -> Dossier:
    return Dossier(
        row.id,
        row.case_id,
        row.claimed,
        Tie(row.tie),
        row.opened_by,
        row.opened_at,
        row.decided_by,
        row.decided_at,
    )


def add_dossier(tx: Connection, dossier: Dossier, *, name_sealed: bytes, once: str | None) -> bool:
    """Open a dossier. False when this very form was sent before."""
    values = {
        "id": dossier.id,
        "case_id": dossier.case_id,
        "claimed": dossier.claimed,
        "tie": dossier.tie.value,
        "opened_by": dossier.opened_by,
        "opened_at": dossier.opened_at,
        "name_sealed": name_sealed,
        "once": once,
    }
    return insert_or_nothing(tx, adult_dossiers, values)


def get_dossier(tx: Connection, dossier_id: str) -> Dossier | None:
    row = dossier_row(tx, dossier_id)
    return None if row is None else _to_dossier(row)


def dossier_row(tx: Connection, dossier_id: str, *, lock: bool = False) -> Row[Any] | None:
    query = sa.select(adult_dossiers).where(adult_dossiers.c.id == dossier_id)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def dossiers_of(tx: Connection, case_id: str) -> list[Dossier]:
    query = sa.select(adult_dossiers).where(adult_dossiers.c.case_id == case_id)
    return [_to_dossier(row) for row in tx.execute(query.order_by(adult_dossiers.c.opened_at))]


def save_decision(tx: Connection, dossier: Dossier, *, reason_sealed: bytes) -> None:
    tx.execute(
        adult_dossiers.update()
        .where(adult_dossiers.c.id == dossier.id)
        .values(
            tie=dossier.tie.value,
            decided_by=dossier.decided_by,
            decided_at=dossier.decided_at,
            reason_sealed=reason_sealed,
        )
    )


def put_mark(tx: Connection, dossier_id: str, item: str, mark: Mark, *, officer_id: str, at: datetime) -> None:
    values = {"mark": mark.value, "officer_id": officer_id, "at": at}
    if not insert_or_nothing(tx, adult_marks, {"dossier_id": dossier_id, "item": item, **values}):
        at_item = sa.and_(adult_marks.c.dossier_id == dossier_id, adult_marks.c.item == item)
        tx.execute(adult_marks.update().where(at_item).values(**values))


def marks_of(tx: Connection, dossier_id: str) -> dict[str, Mark]:
    query = sa.select(adult_marks).where(adult_marks.c.dossier_id == dossier_id)
    return {row.item: Mark(row.mark) for row in tx.execute(query)}


def add_evidence(
    tx: Connection,
    dossier_id: str,
    evidence: Evidence,
    *,
    evidence_id: str,
    officer_id: str,
    at: datetime,
    text_sealed: bytes,
    once: str | None,
) -> bool:
    """Keep a piece of evidence. False when this very form was sent before."""
    values = {
        "id": evidence_id,
        "dossier_id": dossier_id,
        "source": evidence.source.value,
        "favour": evidence.favour.value,
        "officer_id": officer_id,
        "at": at,
        "text_sealed": text_sealed,
        "once": once,
    }
    return insert_or_nothing(tx, adult_evidence, values)


def evidence_rows(tx: Connection, dossier_id: str) -> list[Row[Any]]:
    query = sa.select(adult_evidence).where(adult_evidence.c.dossier_id == dossier_id)
    return list(tx.execute(query.order_by(adult_evidence.c.at, adult_evidence.c.id)))


def evidence_of(tx: Connection, dossier_id: str) -> list[Evidence]:
    return [Evidence(Source(row.source), Favour(row.favour)) for row in evidence_rows(tx, dossier_id)]


# Holds


def _to_hold(row: Row[Any]) -> Hold:
    return Hold(
        row.id,
        row.case_id,
        row.dossier_id,
        row.request_id,
        row.partner_id,
        HoldState(row.state),
        row.placed_at,
        row.confirmed_by,
        row.released_at,
        row.origin_id,
    )


def add_hold(tx: Connection, hold: Hold) -> bool:
    """Place a hold. False when one stands for this adult already, or this one is here."""
    values = {
        "id": hold.id,
        "case_id": hold.case_id,
        "dossier_id": hold.dossier_id,
        "request_id": hold.request_id,
        "partner_id": hold.partner_id,
        "state": hold.state.value,
        "placed_at": hold.placed_at,
        "confirmed_by": hold.confirmed_by,
        "origin_id": hold.origin_id,
    }
    return insert_or_nothing(tx, holds, values)


def get_hold(tx: Connection, hold_id: str, *, lock: bool = False) -> Hold | None:
    query = sa.select(holds).where(holds.c.id == hold_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _to_hold(row)


def standing(tx: Connection, *conditions: ColumnElement[bool]) -> list[Hold]:
    query = sa.select(holds).where(_stands, *conditions).order_by(holds.c.placed_at)
    return [_to_hold(row) for row in tx.execute(query)]


def has_come_from(tx: Connection, case_id: str, origin_id: str) -> bool:
    """Whether a hold of this case stands, or stood, for the sake of another."""
    came = sa.and_(holds.c.case_id == case_id, holds.c.origin_id == origin_id)
    return tx.execute(sa.select(holds.c.id).where(came).limit(1)).first() is not None


def confirm(tx: Connection, hold_id: str, officer_id: str) -> bool:
    proposed = sa.and_(holds.c.id == hold_id, holds.c.state == HoldState.PROPOSED.value)
    values = {"state": HoldState.CONFIRMED.value, "confirmed_by": officer_id}
    return tx.execute(holds.update().where(proposed).values(**values)).rowcount == 1


def release(tx: Connection, hold_id: str, at: datetime) -> bool:
    values = {"state": HoldState.RELEASED.value, "released_at": at}
    return tx.execute(holds.update().where(holds.c.id == hold_id, _stands).values(**values)).rowcount == 1


def agree(tx: Connection, hold_id: str, agreed: Agreed, *, at: datetime, reason_sealed: bytes | None) -> bool:
    """Somebody says that the hold may end. False when they said so before."""
    values = {
        "hold_id": hold_id,
        "person": agreed.person,
        "body": agreed.body,
        "at": at,
        "reason_sealed": reason_sealed,
    }
    return insert_or_nothing(tx, hold_releases, values)


def agreed_to(tx: Connection, hold_id: str) -> list[Agreed]:
    query = sa.select(hold_releases).where(hold_releases.c.hold_id == hold_id).order_by(hold_releases.c.at)
    return [Agreed(row.person, row.body) for row in tx.execute(query)]


def reason_sealed(tx: Connection, hold_id: str, person: str) -> bytes | None:
    of_them = sa.and_(hold_releases.c.hold_id == hold_id, hold_releases.c.person == person)
    sealed: bytes | None = tx.execute(sa.select(hold_releases.c.reason_sealed).where(of_them)).scalar_one_or_none()
    return sealed


def forget_agreements(tx: Connection, hold_id: str) -> int:
    """Something new speaks against the adult: whoever wanted to end the hold must look again."""
    return tx.execute(hold_releases.delete().where(hold_releases.c.hold_id == hold_id)).rowcount


# Somebody else of the same name


def add_namesake(tx: Connection, values: dict[str, Any]) -> bool:
    """Keep what the first person says. False when this very form was sent before."""
    return insert_or_nothing(tx, namesakes, values)


def namesakes_of(tx: Connection, dossier_id: str) -> list[Row[Any]]:
    """What was said and not taken back, the oldest first."""
    lasts = sa.and_(namesakes.c.dossier_id == dossier_id, namesakes.c.ended_at.is_(None))
    return list(tx.execute(sa.select(namesakes).where(lasts).order_by(namesakes.c.first_at, namesakes.c.id)))


def second_namesake(tx: Connection, namesake_id: str, agreed: Agreed, *, at: datetime) -> bool:
    """The second person. False where somebody was quicker, or it was taken back."""
    waits = sa.and_(namesakes.c.id == namesake_id, namesakes.c.second_id.is_(None), namesakes.c.ended_at.is_(None))
    values = {"second_id": agreed.person, "second_body": agreed.body, "second_at": at}
    return tx.execute(namesakes.update().where(waits).values(**values)).rowcount == 1


def end_namesake(tx: Connection, namesake_id: str, *, by: str, at: datetime) -> bool:
    lasts = sa.and_(namesakes.c.id == namesake_id, namesakes.c.ended_at.is_(None))
    return tx.execute(namesakes.update().where(lasts).values(ended_by=by, ended_at=at)).rowcount == 1


# Bodies


def body_of(tx: Connection, officer_id: str) -> str | None:
    query = sa.select(officer_bodies.c.body).where(officer_bodies.c.officer_id == officer_id)
    return tx.execute(query).scalar_one_or_none()


def set_body(tx: Connection, officer_id: str, body: str, *, set_by: str, at: datetime) -> None:
    values = {"body": body, "set_by": set_by, "at": at}
    if not insert_or_nothing(tx, officer_bodies, {"officer_id": officer_id, **values}):
        tx.execute(officer_bodies.update().where(officer_bodies.c.officer_id == officer_id).values(**values))
