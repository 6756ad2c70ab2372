"""The only SQL about the threads of requests: questions, answers, and what came too late."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.exchange.requests.model import DISCLOSED
from bot.exchange.requests.store import exchange_requests
from bot.kernel.database import Moment, insert_or_nothing, metadata

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
