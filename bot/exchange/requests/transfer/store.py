"""The only SQL about cases on their way to another deployment."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from bot.cases.store import cases
from bot.exchange.requests.transfer.model import Preview, State, Transfer
from bot.kernel.crypto import data_keys
from bot.kernel.database import Moment, insert_or_nothing, metadata

case_transfers = sa.Table(
    "case_transfers",
    metadata,
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), primary_key=True),
    sa.Column("giver", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("group_id", sa.String(36), nullable=False, index=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("band", sa.String(8), nullable=False),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("hold", sa.Boolean, nullable=False),
    sa.Column("wanted_by", sa.String(36), nullable=False),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=True, index=True),
    sa.Column("handed_at", Moment, nullable=True),
    sa.Column("moved_at", Moment, nullable=True),
    sa.Column("arrival_due_at", Moment, nullable=True),
    sa.Column("arrived_at", Moment, nullable=True),
    sa.Column("missed_at", Moment, nullable=True),
)
_given = sa.and_(case_transfers.c.giver, case_transfers.c.state != State.STAYED.value)
#: A case is on its way to one partner at a time, and leaves once, whatever races.
_on_its_way = sa.text("giver AND state != 'stayed'")  # the same, in the words that both databases keep
sa.Index(
    "uq_case_transfers_given",
    case_transfers.c.case_id,
    unique=True,
    sqlite_where=_on_its_way,
    postgresql_where=_on_its_way,
)


def _values(transfer: Transfer) -> dict[str, Any]:
    preview = transfer.preview
    return {
        "giver": transfer.giver,
        "state": transfer.state.value,
        "group_id": preview.group,
        "size": preview.size,
        "band": preview.band,
        "language": preview.language,
        "hold": preview.hold,
        "wanted_by": preview.wanted_by,
        "case_id": transfer.case_id,
        "handed_at": transfer.handed_at,
        "moved_at": transfer.moved_at,
        "arrival_due_at": transfer.arrival_due_at,
        "arrived_at": transfer.arrived_at,
        "missed_at": transfer.missed_at,
    }


def _to_transfer(row: Row[Any]) -> Transfer:
    return Transfer(
        request_id=row.request_id,
        giver=row.giver,
        state=State(row.state),
        preview=Preview(row.group_id, row.size, row.band, row.language, row.hold, row.wanted_by),
        case_id=row.case_id,
        handed_at=row.handed_at,
        moved_at=row.moved_at,
        arrival_due_at=row.arrival_due_at,
        arrived_at=row.arrived_at,
        missed_at=row.missed_at,
    )


def add(tx: Connection, transfer: Transfer) -> bool:
    """Store a new transfer. False where this request has one, or its case is on its way already."""
    return insert_or_nothing(tx, case_transfers, {"request_id": transfer.request_id, **_values(transfer)})


def save(tx: Connection, before: Transfer, after: Transfer) -> bool:
    """Write `after` if the row still stands where `before` stood. False: somebody else was quicker."""
    unmoved = sa.and_(
        case_transfers.c.request_id == before.request_id,
        case_transfers.c.state == before.state.value,
    )
    return tx.execute(case_transfers.update().where(unmoved).values(**_values(after))).rowcount == 1


def get(tx: Connection, request_id: str, *, lock: bool = False) -> Transfer | None:
    query = sa.select(case_transfers).where(case_transfers.c.request_id == request_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _to_transfer(row)


def of_group(tx: Connection, group_id: str, *, giver: bool) -> list[Transfer]:
    """Those that travel together, in an order that is the same for everybody who locks them."""
    query = sa.select(case_transfers).where(case_transfers.c.group_id == group_id, case_transfers.c.giver == giver)
    return [_to_transfer(row) for row in tx.execute(query.order_by(case_transfers.c.request_id))]


def given(tx: Connection, case_id: str) -> Transfer | None:
    """The transfer by which a case of ours leaves, or has left."""
    row = tx.execute(sa.select(case_transfers).where(case_transfers.c.case_id == case_id, _given)).one_or_none()
    return None if row is None else _to_transfer(row)


def taken(tx: Connection, case_id: str) -> list[Transfer]:
    """The transfers that came into a case of ours."""
    came = sa.and_(case_transfers.c.case_id == case_id, sa.not_(case_transfers.c.giver))
    query = sa.select(case_transfers).where(came).order_by(case_transfers.c.moved_at)
    return [_to_transfer(row) for row in tx.execute(query)]


def arrivals_missed(tx: Connection, at: datetime) -> list[Transfer]:
    """Cases that have moved, whose child should have been seen by now, and about whom nobody was called yet."""
    late = sa.and_(
        case_transfers.c.state == State.MOVED.value,
        case_transfers.c.arrived_at.is_(None),
        case_transfers.c.missed_at.is_(None),
        case_transfers.c.arrival_due_at <= at,
    )
    return [_to_transfer(row) for row in tx.execute(sa.select(case_transfers).where(late).limit(100))]


def to_finish(tx: Connection) -> list[Transfer]:
    """Those of cases that have moved and whose child has arrived, of which we still keep what they say."""
    kept = case_transfers.join(cases, cases.c.id == case_transfers.c.case_id).join(
        data_keys, data_keys.c.id == cases.c.key_id
    )
    arrived = sa.and_(
        _given,
        case_transfers.c.state == State.MOVED.value,
        case_transfers.c.arrived_at.is_not(None),
        data_keys.c.wrapped.is_not(None),
    )
    return [_to_transfer(row) for row in tx.execute(sa.select(case_transfers).select_from(kept).where(arrived))]
