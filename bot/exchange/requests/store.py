"""The only SQL about requests, their threads, what is known of a child's fear, and overrides of the gate."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.elements import ColumnElement

from bot.cases.store import cases
from bot.exchange.requests.model import DISCLOSED, OWED, Alternative, Assent, Refusal, Request, Side, Status
from bot.kernel.database import Moment, insert_or_nothing, metadata
from bot.kernel.ids import new_id

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

#: The thread of a request: questions, answers, what came too late. Words as written, and in the other language.
exchange_lines = sa.Table(
    "exchange_lines",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("ours", sa.Boolean, nullable=False),
    sa.Column("author_id", sa.String(36), nullable=True),
    sa.Column("asked", sa.String(30), nullable=True),  # the question an answer belongs to
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("text_sealed", sa.LargeBinary, nullable=True),  # null once erased
    sa.Column("other_language", sa.String(16), nullable=True),
    sa.Column("other_sealed", sa.LargeBinary, nullable=True),
    sa.Column("approved_by", sa.String(36), nullable=True),
    sa.Column("returned", sa.String(20), nullable=True),  # why it is not counted
    sa.Column("once", sa.String(120), nullable=True, unique=True),  # a form or a letter that came twice counts once
)
sa.Index("ix_exchange_lines_request", exchange_lines.c.request_id, exchange_lines.c.at)
_counts = sa.and_(
    exchange_lines.c.kind == "answer", exchange_lines.c.returned.is_(None), exchange_lines.c.approved_by.is_not(None)
)
#: One answer that counts for each question, whatever races.
sa.Index(
    "uq_exchange_lines_answer",
    exchange_lines.c.request_id,
    exchange_lines.c.asked,
    unique=True,
    sqlite_where=_counts,
    postgresql_where=_counts,
)

#: What happened to a request: ids and codes only.
exchange_events = sa.Table(
    "exchange_events",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("act", sa.String(30), nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=True),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("once", sa.String(120), nullable=True, unique=True),
)
sa.Index("ix_exchange_events_request", exchange_events.c.request_id, exchange_events.c.at)

#: Which envelopes carried which request: news of a letter is told by its envelope.
request_letters = sa.Table(
    "request_letters",
    metadata,
    sa.Column("envelope_id", sa.String(80), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False, index=True),
    sa.Column("partner_id", sa.String(36), nullable=False),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("personal", sa.Boolean, nullable=False),
    sa.Column("put_at", Moment, nullable=False),
    sa.Column("state", sa.String(20), nullable=True),
)

#: What is known of the fear of the child of a case, or of somebody named in a request that came. The newest counts.
exchange_situations = sa.Table(
    "exchange_situations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("subject_id", sa.String(36), nullable=False),  # a case, or a request of theirs
    sa.Column("at", Moment, nullable=False),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=True),  # null once erased: then nothing is known, and the gate is shut
)
sa.Index("ix_exchange_situations_subject", exchange_situations.c.subject_id, exchange_situations.c.at)

gate_overrides = sa.Table(
    "gate_overrides",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False, index=True),
    sa.Column("covers", sa.Text, nullable=False),
    sa.Column("first_id", sa.String(36), nullable=False),
    sa.Column("first_role", sa.String(20), nullable=False),
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("reason_sealed", sa.LargeBinary, nullable=True),
    sa.Column("second_id", sa.String(36), nullable=True),
    sa.Column("second_role", sa.String(20), nullable=True),
    sa.Column("second_at", Moment, nullable=True),
)


# Requests


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


# The thread


#: Of a line that came, among its facts: how its sender calls it.
THEIR_LINE = "line"
#: And what an answer says was not done, sealed.
NOT_DONE = "not_done"


class Line(Struct, frozen=True):
    """One line of a thread, with its words still sealed."""

    id: str
    request_id: str
    at: datetime
    kind: str  # "message", "answer", "hold"
    ours: bool
    author_id: str | None
    asked: str | None
    facts: Mapping[str, Any]
    language: str
    text_sealed: bytes | None
    other_language: str | None
    other_sealed: bytes | None
    approved_by: str | None
    returned: str | None

    @property
    def in_letters(self) -> str:
        """How both sides call it in letters: by the id its writer gave it."""
        return self.id if self.ours else str(self.facts.get(THEIR_LINE, ""))


def add_line(tx: Connection, line: Line, *, once: str | None) -> bool:
    """Keep a line. False when `once` was used before."""
    values = {
        "id": line.id,
        "request_id": line.request_id,
        "at": line.at,
        "kind": line.kind,
        "ours": line.ours,
        "author_id": line.author_id,
        "asked": line.asked,
        "facts": json.dumps(dict(line.facts)),
        "language": line.language,
        "text_sealed": line.text_sealed,
        "other_language": line.other_language,
        "other_sealed": line.other_sealed,
        "approved_by": line.approved_by,
        "returned": line.returned,
        "once": once,
    }
    return insert_or_nothing(tx, exchange_lines, values)


def lines_of(tx: Connection, request_id: str) -> list[Line]:
    query = sa.select(exchange_lines).where(exchange_lines.c.request_id == request_id)
    rows = tx.execute(query.order_by(exchange_lines.c.at, exchange_lines.c.id))
    return [
        Line(
            row.id,
            row.request_id,
            row.at,
            row.kind,
            row.ours,
            row.author_id,
            row.asked,
            json.loads(row.facts),
            row.language,
            row.text_sealed,
            row.other_language,
            row.other_sealed,
            row.approved_by,
            row.returned,
        )
        for row in rows
    ]


def get_line(tx: Connection, request_id: str, line_id: str) -> Line | None:
    return next((line for line in lines_of(tx, request_id) if line.id == line_id), None)


def approve_line(tx: Connection, line_id: str, officer_id: str) -> bool:
    """An answer goes out. False when it had gone before, or its question has another answer."""
    waiting = sa.and_(exchange_lines.c.id == line_id, exchange_lines.c.approved_by.is_(None))
    return tx.execute(exchange_lines.update().where(waiting).values(approved_by=officer_id)).rowcount == 1


def drop_line(tx: Connection, line_id: str) -> bool:
    """Take back an answer that was written and never sent."""
    unsent = sa.and_(exchange_lines.c.id == line_id, exchange_lines.c.approved_by.is_(None))
    return tx.execute(exchange_lines.delete().where(unsent)).rowcount == 1


def translate_line(tx: Connection, line_id: str, *, language: str, sealed: bytes) -> None:
    """Put the words of a line beside it in the other language. The original stays."""
    values = {"other_language": language, "other_sealed": sealed}
    tx.execute(exchange_lines.update().where(exchange_lines.c.id == line_id).values(**values))


def forget_lines(tx: Connection, request_id: str) -> None:
    """Take out every word of a thread; that there was one stays."""
    of_it = exchange_lines.c.request_id == request_id
    tx.execute(exchange_lines.update().where(of_it).values(text_sealed=None, other_sealed=None))


def has_answers_here() -> ColumnElement[bool]:
    """Of a request: its partner answered something, and the words are here."""
    theirs = sa.and_(exchange_lines.c.ours.is_(False), exchange_lines.c.text_sealed.is_not(None))
    return sa.exists().where(exchange_lines.c.request_id == exchange_requests.c.id, _counts, theirs)


def has_waiting_message() -> ColumnElement[bool]:
    """Of a request of ours: a message to its partner waits for a second person."""
    waits = sa.and_(exchange_lines.c.ours, exchange_lines.c.kind == "message", exchange_lines.c.approved_by.is_(None))
    of_it = exchange_lines.c.request_id == exchange_requests.c.id
    return sa.and_(exchange_requests.c.status.in_(sorted(DISCLOSED)), sa.exists().where(of_it, waits))


def forget_lines_of_partner(tx: Connection, request_id: str) -> None:
    """Take out every word that the partner wrote, and what it says it did not do; what we wrote stays."""
    theirs = sa.and_(exchange_lines.c.request_id == request_id, exchange_lines.c.ours.is_(False))
    for row in tx.execute(sa.select(exchange_lines.c.id, exchange_lines.c.facts).where(theirs)).all():
        facts = {name: value for name, value in json.loads(row.facts).items() if name != NOT_DONE}
        gone = {"text_sealed": None, "other_sealed": None, "facts": json.dumps(facts)}
        tx.execute(exchange_lines.update().where(exchange_lines.c.id == row.id).values(**gone))


def answered(tx: Connection, request_id: str) -> set[str]:
    """The questions that have an answer which counts."""
    query = sa.select(exchange_lines.c.asked).where(exchange_lines.c.request_id == request_id, _counts)
    return {asked for (asked,) in tx.execute(query) if asked is not None}


# What happened


class RequestEvent(Struct, frozen=True):
    """One thing that happened to a request."""

    at: datetime
    act: str
    officer_id: str | None
    facts: Mapping[str, Any]


def add_event(
    tx: Connection,
    request_id: str,
    act: str,
    *,
    officer_id: str | None,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    once: str | None = None,
) -> bool:
    """Write down what happened. False when `once` was used before: then it has happened already."""
    values = {
        "id": new_id(),
        "request_id": request_id,
        "at": at,
        "act": act,
        "officer_id": officer_id,
        "facts": json.dumps(dict(facts or {})),
        "once": once,
    }
    return insert_or_nothing(tx, exchange_events, values)


def events_of(tx: Connection, request_id: str) -> list[RequestEvent]:
    query = sa.select(exchange_events).where(exchange_events.c.request_id == request_id)
    rows = tx.execute(query.order_by(exchange_events.c.at, exchange_events.c.id))
    return [RequestEvent(row.at, row.act, row.officer_id, json.loads(row.facts)) for row in rows]


def happened(tx: Connection, request_id: str, act: str) -> bool:
    """Whether this stands in the history of a request."""
    this = sa.and_(exchange_events.c.request_id == request_id, exchange_events.c.act == act)
    return tx.execute(sa.select(exchange_events.c.id).where(this).limit(1)).first() is not None


def told_once(request_id: str, news: str) -> str:
    """Each piece of news is told, or not told, once."""
    return f"told:{request_id}:{news}"


def untold(tx: Connection, news: Sequence[str], *, since: datetime, limit: int) -> list[tuple[str, str]]:
    """News of requests of ours about which nobody has decided yet whether whoever wrote to us hears it."""
    said = exchange_events.alias()
    key = sa.literal("told:") + exchange_events.c.request_id + sa.literal(":") + exchange_events.c.act
    query = (
        sa.select(exchange_events.c.request_id, exchange_events.c.act)
        .join(exchange_requests, exchange_requests.c.id == exchange_events.c.request_id)
        .where(
            exchange_requests.c.side == Side.OURS.value,
            exchange_events.c.act.in_(news),
            exchange_events.c.at > since,
            sa.not_(sa.exists().where(said.c.once == key)),
        )
        .order_by(exchange_events.c.at, exchange_events.c.id)
        .limit(limit)
    )
    return [(row.request_id, row.act) for row in tx.execute(query)]


# Letters


def add_letter(
    tx: Connection, envelope_id: str, *, request_id: str, partner_id: str, kind: str, personal: bool, at: datetime
) -> None:
    tx.execute(
        request_letters.insert().values(
            envelope_id=envelope_id,
            request_id=request_id,
            partner_id=partner_id,
            kind=kind,
            personal=personal,
            put_at=at,
        )
    )


class PutLetter(Struct, frozen=True):
    """A letter that was put in the post: who got what, and what became of it."""

    envelope_id: str
    request_id: str
    partner_id: str
    kind: str
    personal: bool
    put_at: datetime
    state: str | None


def _to_letter(row: Row[Any]) -> PutLetter:
    return PutLetter(row.envelope_id, row.request_id, row.partner_id, row.kind, row.personal, row.put_at, row.state)


def get_letter(tx: Connection, envelope_id: str) -> PutLetter | None:
    row = tx.execute(sa.select(request_letters).where(request_letters.c.envelope_id == envelope_id)).one_or_none()
    return None if row is None else _to_letter(row)


def letters_of(tx: Connection, request_id: str) -> list[PutLetter]:
    query = sa.select(request_letters).where(request_letters.c.request_id == request_id)
    in_turn = query.order_by(request_letters.c.put_at, request_letters.c.envelope_id)
    return [_to_letter(row) for row in tx.execute(in_turn)]


def with_lost_letters(tx: Connection, kinds: Iterable[str], states: Iterable[str]) -> list[str]:
    """Requests of which a letter of these kinds is in one of these states, as long as anybody may wait for it; and
    those whose partner has not confirmed that it forgets."""
    over = sa.and_(
        exchange_requests.c.status.in_([Status.WITHDRAWN.value, Status.CLOSED.value]),
        exchange_requests.c.side == Side.OURS.value,
    )
    lost = (
        sa.select(exchange_requests.c.id)
        .join(request_letters, request_letters.c.request_id == exchange_requests.c.id)
        .where(request_letters.c.kind.in_(sorted(kinds)), request_letters.c.state.in_(sorted(states)), sa.not_(over))
    )
    held = sa.select(exchange_requests.c.id).where(still_held_by_partners())
    return sorted({*tx.execute(lost).scalars(), *tx.execute(held).scalars()})


def mark_letter(tx: Connection, envelope_id: str, state: str) -> None:
    tx.execute(request_letters.update().where(request_letters.c.envelope_id == envelope_id).values(state=state))


# What is known of the fear


def add_situation(
    tx: Connection, *, row_id: str, subject_id: str, officer_id: str, at: datetime, sealed: bytes
) -> None:
    tx.execute(
        exchange_situations.insert().values(
            id=row_id, subject_id=subject_id, officer_id=officer_id, at=at, sealed=sealed
        )
    )


def situation_row(tx: Connection, subject_id: str) -> Row[Any] | None:
    """The newest record about a subject."""
    query = sa.select(exchange_situations).where(exchange_situations.c.subject_id == subject_id)
    order = (exchange_situations.c.at.desc(), exchange_situations.c.id.desc())
    return tx.execute(query.order_by(*order).limit(1)).one_or_none()


# Overrides


def add_override(
    tx: Connection,
    *,
    override_id: str,
    request_id: str,
    covers: Iterable[Sequence[str]],
    officer_id: str,
    role: str,
    at: datetime,
    reason_sealed: bytes,
) -> None:
    tx.execute(
        gate_overrides.insert().values(
            id=override_id,
            request_id=request_id,
            covers=json.dumps([list(stop) for stop in covers]),
            first_id=officer_id,
            first_role=role,
            first_at=at,
            reason_sealed=reason_sealed,
        )
    )


def override_row(tx: Connection, request_id: str) -> Row[Any] | None:
    """The newest override of a request, agreed to by a second person or not."""
    query = sa.select(gate_overrides).where(gate_overrides.c.request_id == request_id)
    return tx.execute(query.order_by(gate_overrides.c.first_at.desc(), gate_overrides.c.id.desc()).limit(1)).first()


def second_override(tx: Connection, override_id: str, *, officer_id: str, role: str, at: datetime) -> bool:
    """The second person agrees. False when somebody had."""
    waits = sa.and_(gate_overrides.c.id == override_id, gate_overrides.c.second_id.is_(None))
    values = {"second_id": officer_id, "second_role": role, "second_at": at}
    return tx.execute(gate_overrides.update().where(waits).values(**values)).rowcount == 1
