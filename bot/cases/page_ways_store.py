"""The only SQL about the addresses at which officers are paged outside the desk, and the pages on their way there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection, Row

from bot.cases.store import alarms, cases
from bot.kernel.database import Moment, insert_or_nothing, metadata
from bot.kernel.officers import officers
from bot.kernel.sessions import sessions


class Way(StrEnum):
    """How a page leaves the house, beside Telegram."""

    EMAIL = "email"
    PUSH = "push"


class SendState(StrEnum):
    """How far a page has come. The last four are final."""

    WAITING = "waiting"
    SENDING = "sending"  # one that stays so was interrupted: nobody knows whether it went out
    SENT = "sent"
    REFUSED = "refused"  # they will never take it
    OVERTAKEN = "overtaken"  # a human had the case before it could be sent
    GIVEN_UP = "given_up"


page_ways = sa.Table(
    "page_ways",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("officer_id", sa.String(36), sa.ForeignKey("officers.id"), nullable=False, index=True),
    sa.Column("way", sa.String(12), nullable=False),
    sa.Column("address_sealed", sa.LargeBinary, nullable=False),  # with the officer's own key
    sa.Column("address_index", sa.String(64), nullable=False),
    sa.Column("session_hash", sa.String(64), nullable=True, index=True),  # of the browser; ends with it
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("code_hash", sa.String(64), nullable=True),
    sa.Column("code_expires_at", Moment, nullable=True),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("confirmed_at", Moment, nullable=True),
)
#: A browser pages one officer; an e-mail address may be a team's.
_pushed = page_ways.c.way == Way.PUSH.value
sa.Index("uq_page_ways_push", page_ways.c.address_index, unique=True, sqlite_where=_pushed, postgresql_where=_pushed)

page_sends = sa.Table(
    "page_sends",
    metadata,
    sa.Column("key", sa.String(180), primary_key=True),  # the key of the page, and the id of the address
    sa.Column("case_id", sa.String(36), sa.ForeignKey("cases.id"), nullable=False, index=True),
    sa.Column("officer_id", sa.String(36), nullable=False),
    sa.Column("way_id", sa.String(36), nullable=False, index=True),
    sa.Column("way", sa.String(12), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("doubts", sa.Integer, nullable=False),  # attempts of which nobody knows whether they arrived
    sa.Column("cause", sa.String(20), nullable=True),  # of the last attempt that did not end well
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("next_at", Moment, nullable=True),
    sa.Column("settled_at", Moment, nullable=True),
)
sa.Index("ix_page_sends_next_at", page_sends.c.way, page_sends.c.next_at)


class PageWay(Struct, frozen=True):
    """An address at which an officer is paged, still sealed."""

    id: str
    officer_id: str
    way: Way
    address_sealed: bytes
    session_hash: str | None
    added_at: datetime
    seen_at: datetime
    confirmed_at: datetime | None
    code_hash: str | None
    code_expires_at: datetime | None
    tries: int


class PageSend(Struct, frozen=True):
    """One page on its way to one address."""

    key: str
    case_id: str
    officer_id: str
    way_id: str
    way: Way
    state: SendState
    attempt: int
    doubts: int
    cause: str | None
    made_at: datetime
    next_at: datetime | None
    settled_at: datetime | None


# Addresses ------------------------------------------------------------------------------------------------------


def add_way(
    tx: Connection,
    *,
    way_id: str,
    officer_id: str,
    way: Way,
    address_sealed: bytes,
    address_index: str,
    session_hash: str | None,
    code_hash: str | None = None,
    code_expires_at: datetime | None = None,
    confirmed_at: datetime | None = None,
    at: datetime,
) -> None:
    epoch = sa.select(officers.c.session_epoch).where(officers.c.id == officer_id).scalar_subquery()
    tx.execute(
        page_ways.insert().values(
            id=way_id,
            officer_id=officer_id,
            way=way.value,
            address_sealed=address_sealed,
            address_index=address_index,
            session_hash=session_hash,
            epoch=epoch,
            code_hash=code_hash,
            code_expires_at=code_expires_at,
            tries=0,
            added_at=at,
            seen_at=at,
            confirmed_at=confirmed_at,
        )
    )


def ways_of(tx: Connection, officer_id: str) -> list[PageWay]:
    """All addresses of an officer, confirmed or not, the oldest first."""
    query = sa.select(page_ways).where(page_ways.c.officer_id == officer_id)
    return [_way(row) for row in tx.execute(query.order_by(page_ways.c.added_at, page_ways.c.id))]


def confirmed_ways(tx: Connection) -> dict[str, list[PageWay]]:
    """Every address that may be used, by officer."""
    found: dict[str, list[PageWay]] = {}
    query = sa.select(page_ways).where(page_ways.c.confirmed_at.is_not(None))
    for row in tx.execute(query.order_by(page_ways.c.added_at, page_ways.c.id)):
        found.setdefault(row.officer_id, []).append(_way(row))
    return found


def share_an_address(tx: Connection, one: str, other: str) -> bool:
    """Whether two officers are paged at the same address."""
    hers, his = page_ways.alias(), page_ways.alias()
    query = sa.select(hers.c.id).join(his, his.c.address_index == hers.c.address_index)
    proved = (hers.c.confirmed_at.is_not(None), his.c.confirmed_at.is_not(None))
    return tx.execute(query.where(hers.c.officer_id == one, his.c.officer_id == other, *proved)).first() is not None


def one_way(tx: Connection, way_id: str, *, lock: bool = False) -> PageWay | None:
    query = sa.select(page_ways).where(page_ways.c.id == way_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _way(row)


def by_index(tx: Connection, way: Way, address_index: str) -> PageWay | None:
    """The browser that is known by this fingerprint."""
    query = sa.select(page_ways).where(page_ways.c.way == way.value, page_ways.c.address_index == address_index)
    row = tx.execute(query.with_for_update()).first()
    return None if row is None else _way(row)


def remove_way(tx: Connection, way_id: str) -> bool:
    return tx.execute(page_ways.delete().where(page_ways.c.id == way_id)).rowcount == 1


def count_try(tx: Connection, way_id: str) -> None:
    tx.execute(page_ways.update().where(page_ways.c.id == way_id).values(tries=page_ways.c.tries + 1))


def confirm(tx: Connection, way_id: str, at: datetime) -> None:
    values = {"confirmed_at": at, "code_hash": None, "code_expires_at": None}
    tx.execute(page_ways.update().where(page_ways.c.id == way_id).values(**values))


def seen_again(tx: Connection, way_id: str, *, session_hash: str, at: datetime) -> None:
    """The browser was opened anew by the same officer: it ends with this session now."""
    epoch = sa.select(officers.c.session_epoch).where(officers.c.id == page_ways.c.officer_id).scalar_subquery()
    values = {"session_hash": session_hash, "seen_at": at, "epoch": epoch}
    tx.execute(page_ways.update().where(page_ways.c.id == way_id).values(**values))


def ended_ways(tx: Connection, *, unseen_since: datetime, code_before: datetime) -> list[PageWay]:
    """Addresses that must page nobody any more: of accounts that are switched off, of browsers whose session was ended
    or whose account was secured anew (`session_epoch`), of browsers nobody signed in from since, never confirmed."""
    unconfirmed = sa.and_(page_ways.c.confirmed_at.is_(None), page_ways.c.code_expires_at < code_before)
    of_browser = sa.and_(
        page_ways.c.way == Way.PUSH.value,
        sa.or_(
            page_ways.c.epoch != officers.c.session_epoch,
            sessions.c.revoked_at.is_not(None),
            page_ways.c.seen_at < unseen_since,
        ),
    )
    query = (
        sa.select(page_ways)
        .join(officers, officers.c.id == page_ways.c.officer_id)
        .outerjoin(sessions, sessions.c.hash == page_ways.c.session_hash)
        .where(sa.or_(officers.c.active.is_(False), of_browser, unconfirmed))
    )
    return [_way(row) for row in tx.execute(query)]


# Pages on their way ---------------------------------------------------------------------------------------------


def add_send(tx: Connection, page_key: str, way: PageWay, *, case_id: str, at: datetime) -> bool:
    """A page for one address, due now. False when there was this very one before."""
    values = {
        "key": f"{page_key}:{way.id}",
        "case_id": case_id,
        "officer_id": way.officer_id,
        "way_id": way.id,
        "way": way.way.value,
        "state": SendState.WAITING.value,
        "attempt": 0,
        "doubts": 0,
        "made_at": at,
        "next_at": at,
    }
    return insert_or_nothing(tx, page_sends, values)


def due_sends(tx: Connection, way: Way, at: datetime, *, limit: int) -> list[str]:
    """The keys of pages that are due, the oldest first; among them those that were interrupted."""
    query = sa.select(page_sends.c.key).where(page_sends.c.next_at <= at, page_sends.c.way == way.value)
    return list(tx.execute(query.order_by(page_sends.c.made_at, page_sends.c.key).limit(limit)).scalars())


def next_send(tx: Connection, way: Way) -> datetime | None:
    query = sa.select(sa.func.min(page_sends.c.next_at)).where(page_sends.c.way == way.value)
    at: datetime | None = tx.execute(query).scalar_one_or_none()
    return at


def get_send(tx: Connection, key: str, *, lock: bool = False) -> PageSend | None:
    query = sa.select(page_sends).where(page_sends.c.key == key)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _send(row)


def is_wanted(tx: Connection, case_id: str, *, officer_id: str) -> bool:
    """Whether the alarm still climbs, or the case is offered to this officer: a human who has it needs no page."""
    climbs = sa.select(alarms.c.case_id).where(alarms.c.case_id == case_id, alarms.c.next_step_at.is_not(None))
    offered = sa.select(cases.c.id).where(cases.c.id == case_id, cases.c.offered_to == officer_id)
    return tx.execute(climbs).first() is not None or tx.execute(offered).first() is not None


def begin(tx: Connection, key: str, *, attempt: int, doubts: int, cause: str | None, until: datetime) -> None:
    """Somebody sends it now; whoever finds it so after `until` knows that they were interrupted."""
    values = {
        "state": SendState.SENDING.value, "attempt": attempt, "doubts": doubts, "cause": cause, "next_at": until,
    }  # fmt: skip
    tx.execute(page_sends.update().where(page_sends.c.key == key).values(**values))


def try_again(tx: Connection, key: str, *, attempt: int, doubts: int, cause: str, next_at: datetime) -> bool:
    """That attempt did not end well. False where another was begun meanwhile."""
    values = {"state": SendState.WAITING.value, "doubts": doubts, "cause": cause, "next_at": next_at}
    return _update(tx, key, attempt, values)


def settle(
    tx: Connection, key: str, state: SendState, *, attempt: int, at: datetime, cause: str | None = None,
    doubts: int | None = None,
) -> bool:  # fmt: skip
    """It is over. False where another attempt was begun meanwhile."""
    values: dict[str, Any] = {"state": state.value, "next_at": None, "settled_at": at}
    if cause is not None:
        values["cause"] = cause
    if doubts is not None:
        values["doubts"] = doubts
    return _update(tx, key, attempt, values)


def _update(tx: Connection, key: str, attempt: int, values: dict[str, Any]) -> bool:
    that_attempt = sa.and_(page_sends.c.key == key, page_sends.c.attempt == attempt)
    return tx.execute(page_sends.update().where(that_attempt).values(**values)).rowcount == 1


def last_send(tx: Connection, way_id: str) -> PageSend | None:
    """The last page to this address."""
    query = sa.select(page_sends).where(page_sends.c.way_id == way_id).order_by(page_sends.c.made_at.desc())
    row = tx.execute(query.limit(1)).first()
    return None if row is None else _send(row)


def _way(row: Row[Any]) -> PageWay:
    return PageWay(
        id=row.id,
        officer_id=row.officer_id,
        way=Way(row.way),
        address_sealed=row.address_sealed,
        session_hash=row.session_hash,
        added_at=row.added_at,
        seen_at=row.seen_at,
        confirmed_at=row.confirmed_at,
        code_hash=row.code_hash,
        code_expires_at=row.code_expires_at,
        tries=row.tries,
    )


def _send(row: Row[Any]) -> PageSend:
    return PageSend(
        key=row.key,
        case_id=row.case_id,
        officer_id=row.officer_id,
        way_id=row.way_id,
        way=Way(row.way),
        state=SendState(row.state),
        attempt=row.attempt,
        doubts=row.doubts,
        cause=row.cause,
        made_at=row.made_at,
        next_at=row.next_at,
        settled_at=row.settled_at,
    )
