"""The only SQL about requests themselves. Their threads, histories and letters have stores of their own."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.elements import ColumnElement

from bot.cases.store import cases
from bot.exchange.requests.model import OWED, Alternative, Assent, Refusal, Request, Side, Status
from bot.kernel.database import Moment, insert_or_nothing, metadata

exchange_requests = sa.Table(
    "exchange_requests",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("number", sa.String(12), nullable=False, index=True),
    sa.Column("side", sa.String(8), nullable=False),
    sa.Column("partner_id", sa.String(36), nullable=False),
    sa.Column("type_key", sa.String(30), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=True, index=True),
    sa.Column("key_id", sa.String(36), nullable=False),
    sa.Column("asks", sa.Text, nullable=False),
    sa.Column("limit_key", sa.String(20), nullable=False),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("drafted_by", sa.String(36), nullable=True),
    sa.Column("handler_id", sa.String(36), nullable=True),
    sa.Column("drafted_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=True),
    sa.Column("approved_by", sa.String(36), nullable=True),
    sa.Column("sent_at", Moment, nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("reminded", sa.Integer, nullable=False),
    sa.Column("adult_id", sa.String(36), nullable=True),
    sa.Column("refusal", sa.String(20), nullable=True),
    sa.Column("alternative", sa.String(20), nullable=True),
    sa.Column("asked_on", Moment, nullable=True),
    sa.Column("assent", sa.String(20), nullable=False),
    sa.Column("consent_ref", sa.String(80), nullable=False),
    sa.Column("told_withdrawn_at", Moment, nullable=True),
    sa.Column("forgotten_at", Moment, nullable=True),
    sa.Column("demo", sa.Boolean, nullable=False),
    sa.Column(
        "body_sealed", sa.LargeBinary, nullable=True
    ),  # the personal part; null until it is here, and once erased
)

_owed = exchange_requests.c.status.in_(sorted(OWED))
sa.Index("ix_exchange_requests_side", exchange_requests.c.side, exchange_requests.c.status, exchange_requests.c.due_at)


def _values(request: Request) -> dict[str, Any]:
    return {
        "number": request.number,
        "side": request.side.value,
        "partner_id": request.partner_id,
        "type_key": request.type_key,
        "status": request.status.value,
        "case_id": request.case_id,
        "key_id": request.key_id,
        "asks": json.dumps(list(request.asks)),
        "limit_key": request.limit,
        "language": request.language,
        "drafted_by": request.drafted_by,
        "handler_id": request.handler_id,
        "drafted_at": request.drafted_at,
        "due_at": request.due_at,
        "approved_by": request.approved_by,
        "sent_at": request.sent_at,
        "ended_at": request.ended_at,
        "reminded": request.reminded,
        "adult_id": request.adult_id,
        "refusal": request.refusal,
        "alternative": request.alternative,
        "asked_on": request.asked_on,
        "assent": request.assent,
        "consent_ref": request.consent_ref,
        "told_withdrawn_at": request.told_withdrawn_at,
        "forgotten_at": request.forgotten_at,
        "demo": request.demo,
    }


def _to_request(row: Row[Any]) -> Request:
    return Request(
        id=row.id,
        number=row.number,
        side=Side(row.side),
        partner_id=row.partner_id,
        type_key=row.type_key,
        status=Status(row.status),
        case_id=row.case_id,
        key_id=row.key_id,
        asks=tuple(json.loads(row.asks)),
        limit=row.limit_key,
        language=row.language,
        drafted_by=row.drafted_by,
        handler_id=row.handler_id,
        drafted_at=row.drafted_at,
        due_at=row.due_at,
        approved_by=row.approved_by,
        sent_at=row.sent_at,
        ended_at=row.ended_at,
        reminded=row.reminded,
        adult_id=row.adult_id,
        refusal=Refusal(row.refusal) if row.refusal else None,
        alternative=Alternative(row.alternative) if row.alternative else None,
        asked_on=row.asked_on,
        assent=Assent(row.assent),
        consent_ref=row.consent_ref,
        told_withdrawn_at=row.told_withdrawn_at,
        forgotten_at=row.forgotten_at,
        demo=row.demo,
    )


class SealedRequest(Struct, frozen=True):
    """A request with its personal part still sealed, and who holds its case."""

    request: Request
    body_sealed: bytes | None
    holder_id: str | None

    @property
    def officer_id(self) -> str | None:
        """Whose it is: the name the access rules know it by."""
        return self.holder_id

    @property
    def drafted_by(self) -> str | None:
        return self.request.drafted_by

    @property
    def one_person(self) -> bool:
        return self.request.one_person


def add_request(tx: Connection, request: Request, *, body_sealed: bytes | None) -> bool:
    """Store a new request. False when one of that id is here."""
    return insert_or_nothing(tx, exchange_requests, {"id": request.id, "body_sealed": body_sealed, **_values(request)})


def save_request(tx: Connection, before: Request, after: Request) -> bool:
    """Write `after` if the row still stands where `before` stood. False: somebody else was quicker."""
    unmoved = sa.and_(exchange_requests.c.id == before.id, exchange_requests.c.status == before.status.value)
    return tx.execute(exchange_requests.update().where(unmoved).values(**_values(after))).rowcount == 1


def reseal_body(tx: Connection, request_id: str, body_sealed: bytes | None) -> None:
    tx.execute(exchange_requests.update().where(exchange_requests.c.id == request_id).values(body_sealed=body_sealed))


#: Whom a request belongs to: ours to whoever holds the case now, theirs to whoever accepted it.
holder = sa.func.coalesce(
    exchange_requests.c.handler_id,
    sa.select(cases.c.owner_id).where(cases.c.id == exchange_requests.c.case_id).scalar_subquery(),
)


def _query(*conditions: ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(exchange_requests, holder.label("holder_id")).where(*conditions)


def _to_sealed(row: Row[Any]) -> SealedRequest:
    return SealedRequest(_to_request(row), row.body_sealed, row.holder_id)


def get_request(
    tx: Connection, request_id: str, *conditions: ColumnElement[bool], lock: bool = False
) -> SealedRequest | None:
    """A request, if every condition holds in the same query."""
    query = _query(exchange_requests.c.id == request_id, *conditions)
    if lock:
        query = query.with_for_update(of=exchange_requests)
    row = tx.execute(query).one_or_none()
    return None if row is None else _to_sealed(row)


def requests_of(
    tx: Connection, *conditions: ColumnElement[bool], limit: int, lock: bool = False
) -> list[SealedRequest]:
    """The requests that fit, those due first at the top, the newest of the others next."""
    order = (sa.case((_owed, 0), else_=1), exchange_requests.c.due_at, exchange_requests.c.drafted_at.desc())
    query = _query(*conditions).order_by(*order).limit(limit)
    if lock:
        query = query.with_for_update(of=exchange_requests)
    return [_to_sealed(row) for row in tx.execute(query)]


def count(tx: Connection, *conditions: ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(exchange_requests).where(*conditions)
    return int(tx.execute(query).scalar_one())


def counts_by_holder(
    tx: Connection, waits: ColumnElement[bool], overdue: ColumnElement[bool]
) -> dict[str | None, tuple[int, int]]:
    """How many requests of each holder satisfy either condition; None: of those that nobody holds."""
    sums = (sa.func.sum(sa.case((each, 1), else_=0)) for each in (waits, overdue))
    query = sa.select(holder.label("holder_id"), *sums).where(sa.or_(waits, overdue))
    rows = tx.execute(query.group_by("holder_id"))
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def of_case(tx: Connection, case_id: str, *, lock: bool = False) -> list[SealedRequest]:
    return requests_of(tx, exchange_requests.c.case_id == case_id, limit=200, lock=lock)


def is_overdue(at: datetime) -> ColumnElement[bool]:
    return sa.and_(_owed, exchange_requests.c.due_at <= at)


def owed(tx: Connection, *, limit: int) -> list[Request]:
    """Requests whose answer is owed, the first due at the top."""
    query = _query(_owed, exchange_requests.c.side == Side.OURS.value).order_by(exchange_requests.c.due_at)
    return [_to_request(row) for row in tx.execute(query.limit(limit))]


def kept_of_theirs(tx: Connection, partner_id: str, *, ended_before: datetime, limit: int = 100) -> list[Request]:
    """Requests of a partner that ended by then, and of which what it told us is still here."""
    over = sa.and_(
        exchange_requests.c.side == Side.THEIRS.value,
        exchange_requests.c.partner_id == partner_id,
        exchange_requests.c.ended_at <= ended_before,
        exchange_requests.c.body_sealed.is_not(None),
    )
    query = _query(over).order_by(exchange_requests.c.ended_at).limit(limit)
    return [_to_request(row) for row in tx.execute(query.with_for_update(of=exchange_requests))]


def number_taken(tx: Connection, number: str) -> bool:
    query = sa.select(exchange_requests.c.id).where(exchange_requests.c.number == number)
    return tx.execute(query.limit(1)).scalar_one_or_none() is not None


def still_held_by_partners(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Withdrawn, and the partner has not confirmed yet that it keeps nothing."""
    told = exchange_requests.c.told_withdrawn_at.is_not(None)
    return sa.and_(told, exchange_requests.c.forgotten_at.is_(None), *more)
