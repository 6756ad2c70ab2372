"""The only SQL about links for partners without Waymark, and the files that come back through them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection, Row

from bot.exchange.outside.model import Link, Mail
from bot.exchange.requests.history_store import exchange_events
from bot.exchange.requests.model import OWED, Side
from bot.exchange.requests.store import exchange_requests
from bot.kernel.database import Moment, metadata

exchange_links = sa.Table(
    "exchange_links",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False, index=True),
    sa.Column("partner_id", sa.String(36), sa.ForeignKey("exchange_partners.id"), nullable=False),
    sa.Column("made_by", sa.String(36), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("language", sa.String(16), nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("token_sealed", sa.LargeBinary, nullable=True),  # until the mail is sent
    sa.Column("code_hash", sa.String(64), nullable=False),
    sa.Column("reply_hash", sa.String(64), nullable=True, unique=True),  # of the page that was opened last
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("views", sa.Integer, nullable=False),
    sa.Column("mail", sa.String(12), nullable=False),
    sa.Column("mail_attempt", sa.Integer, nullable=False),
    sa.Column("mail_next_at", Moment, nullable=True),
    sa.Column("mailed_at", Moment, nullable=True),
    sa.Column("opened_at", Moment, nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Index("ix_exchange_links_mail", "mail", "mail_next_at"),
)

exchange_link_files = sa.Table(
    "exchange_link_files",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("request_id", sa.String(36), sa.ForeignKey("exchange_requests.id"), nullable=False, index=True),
    sa.Column("link_id", sa.String(36), sa.ForeignKey("exchange_links.id"), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("content_sealed", sa.LargeBinary, nullable=True),
)


#: How an event says that the e-mail about another one has gone.
MAILED = "mailed:"


class WaitingMail(Struct, frozen=True):
    """A link whose e-mail is due."""

    link: Link
    token_sealed: bytes
    attempt: int


class KeptFile(Struct, frozen=True):
    """A file that came back, still sealed where `content_sealed` is given."""

    id: str
    request_id: str
    kind: str
    size: int
    at: datetime
    content_sealed: bytes | None = None


def add(
    tx: Connection, link: Link, *, token_hash: str, token_sealed: bytes | None, code_hash: str, mail_at: datetime | None
) -> None:
    tx.execute(
        exchange_links.insert().values(
            id=link.id,
            request_id=link.request_id,
            partner_id=link.partner_id,
            made_by=link.made_by,
            made_at=link.made_at,
            expires_at=link.expires_at,
            language=link.language,
            token_hash=token_hash,
            token_sealed=token_sealed,
            code_hash=code_hash,
            tries=0,
            views=0,
            mail=link.mail.value,
            mail_attempt=0,
            mail_next_at=mail_at,
        )
    )


def end_links(tx: Connection, request_id: str, at: datetime) -> None:
    """No link to this request opens any more."""
    open_ones = sa.and_(exchange_links.c.request_id == request_id, exchange_links.c.ended_at.is_(None))
    gone = {"ended_at": at, "token_sealed": None, "reply_hash": None, "mail_next_at": None}
    tx.execute(exchange_links.update().where(open_ones).values(**gone))


def newest(tx: Connection, request_id: str) -> Link | None:
    query = sa.select(exchange_links).where(exchange_links.c.request_id == request_id)
    order = (exchange_links.c.made_at.desc(), exchange_links.c.id.desc())
    row = tx.execute(query.order_by(*order).limit(1)).first()
    return None if row is None else _link(row)


def by_token(tx: Connection, token_hash: str, *, lock: bool) -> tuple[Link, str] | None:
    """The link and the hash of its code."""
    query = sa.select(exchange_links).where(exchange_links.c.token_hash == token_hash)
    row = tx.execute(query.with_for_update() if lock else query).first()
    return None if row is None else (_link(row), row.code_hash)


def by_reply(tx: Connection, reply_hash: str) -> Link | None:
    query = sa.select(exchange_links).where(exchange_links.c.reply_hash == reply_hash)
    row = tx.execute(query.with_for_update()).first()
    return None if row is None else _link(row)


def count_try(tx: Connection, link_id: str) -> None:
    of_it = exchange_links.c.id == link_id
    tx.execute(exchange_links.update().where(of_it).values(tries=exchange_links.c.tries + 1))


def count_view(tx: Connection, link_id: str) -> None:
    of_it = exchange_links.c.id == link_id
    tx.execute(exchange_links.update().where(of_it).values(views=exchange_links.c.views + 1))


def opened(tx: Connection, link: Link, *, reply_hash: str, at: datetime) -> None:
    """Somebody opened it: what an earlier page could do, only this one can now."""
    values = {"reply_hash": reply_hash, "opened_at": link.opened_at or at, "tries": 0}
    tx.execute(exchange_links.update().where(exchange_links.c.id == link.id).values(**values))


# The e-mail


def due_mails(tx: Connection, at: datetime, *, limit: int) -> list[WaitingMail]:
    table = exchange_links
    due = sa.and_(table.c.mail == Mail.WAITING.value, table.c.mail_next_at <= at, table.c.ended_at.is_(None))
    rows = tx.execute(sa.select(table).where(due).order_by(table.c.mail_next_at).limit(limit))
    return [WaitingMail(_link(row), row.token_sealed, row.mail_attempt) for row in rows]


def mail_became(tx: Connection, link_id: str, mail: Mail, *, at: datetime) -> bool:
    """Its mail was sent, or never will be. False where that was known."""
    waits = sa.and_(exchange_links.c.id == link_id, exchange_links.c.mail == Mail.WAITING.value)
    values = {"mail": mail.value, "mailed_at": at if mail is Mail.SENT else None, "mail_next_at": None}
    return tx.execute(exchange_links.update().where(waits).values(token_sealed=None, **values)).rowcount == 1


def mail_later(tx: Connection, link_id: str, *, attempt: int, next_at: datetime) -> None:
    of_it = exchange_links.c.id == link_id
    tx.execute(exchange_links.update().where(of_it).values(mail_attempt=attempt, mail_next_at=next_at))


# Reminders


def due_reminders(tx: Connection, *, since: datetime, limit: int) -> list[tuple[str, str]]:
    """Requests of ours to partners without Waymark that were reminded of, or in which somebody here wrote to them, with
    the event that says so, where no e-mail has gone to them about it yet."""
    events, asked, said = exchange_events, exchange_requests, exchange_events.alias()
    sent = sa.exists().where(said.c.once == sa.literal(MAILED) + events.c.id)
    query = (
        sa.select(events.c.request_id, events.c.id)
        .join(asked, asked.c.id == events.c.request_id)
        .join(exchange_links, exchange_links.c.request_id == asked.c.id)
        .where(
            asked.c.side == Side.OURS.value,
            asked.c.status.in_(sorted(OWED)),
            events.c.act.in_(["reminded", "escalated", "message"]),
            events.c.at > since,
            sa.not_(sent),
        )
        .distinct()
        .order_by(events.c.id)
    )
    return [(row.request_id, row.id) for row in tx.execute(query.limit(limit))]


# Files


def add_file(tx: Connection, file: KeptFile, *, link_id: str) -> None:
    tx.execute(
        exchange_link_files.insert().values(
            id=file.id,
            request_id=file.request_id,
            link_id=link_id,
            kind=file.kind,
            size=file.size,
            at=file.at,
            content_sealed=file.content_sealed,
        )
    )


def files_of(tx: Connection, request_id: str) -> Sequence[KeptFile]:
    """The files of a request, the first that came first; without what is in them."""
    table = exchange_link_files
    columns = (table.c.id, table.c.request_id, table.c.kind, table.c.size, table.c.at)
    rows = tx.execute(sa.select(*columns).where(table.c.request_id == request_id).order_by(table.c.at, table.c.id))
    return [KeptFile(row.id, row.request_id, row.kind, row.size, row.at) for row in rows]


def get_file(tx: Connection, request_id: str, file_id: str) -> KeptFile | None:
    table = exchange_link_files
    row = tx.execute(sa.select(table).where(table.c.id == file_id, table.c.request_id == request_id)).first()
    return None if row is None else KeptFile(row.id, row.request_id, row.kind, row.size, row.at, row.content_sealed)


def _link(row: Row[Any]) -> Link:
    return Link(
        id=row.id,
        request_id=row.request_id,
        partner_id=row.partner_id,
        made_by=row.made_by,
        made_at=row.made_at,
        expires_at=row.expires_at,
        language=row.language,
        tries=row.tries,
        views=row.views,
        mail=Mail(row.mail),
        mailed_at=row.mailed_at,
        opened_at=row.opened_at,
        ended_at=row.ended_at,
    )
