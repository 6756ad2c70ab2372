"""The only SQL about letters to partners and from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from bot.exchange.partners.store import exchange_partners
from bot.exchange.post.model import RECEIPT
from bot.kernel.database import Moment, metadata

#: Letters of ours. `state` is `WAITING` or a `ReceiptState`. What stands in a letter is sealed with the key of the
#: case it is about, and forgotten here as soon as the partner has it: we keep a pointer and not a copy.
exchange_letters = sa.Table(
    "exchange_letters",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("partner_id", sa.String(36), sa.ForeignKey("exchange_partners.id"), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("request_type", sa.String(40), nullable=True),
    sa.Column("purpose", sa.String(40), nullable=False),
    sa.Column("data_classes", sa.Text, nullable=False),
    sa.Column("consent_ref", sa.String(80), nullable=True),
    sa.Column("in_reply_to", sa.String(36), nullable=True),
    sa.Column("key_id", sa.String(36), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=True),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("state_at", Moment, nullable=False),
    sa.Column("code", sa.String(40), nullable=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Moment, nullable=True),  # null: it waits for the partner to fetch it, or is done
    sa.UniqueConstraint("partner_id", "seq", name="uq_exchange_letters_partner_id_seq"),
    sa.Index("ix_exchange_letters_state", "state", "next_attempt_at"),
)

#: Letters of partners, by the id their sender gave them. `raw` is the envelope as it came, until it was handed over.
exchange_received = sa.Table(
    "exchange_received",
    metadata,
    sa.Column("partner_id", sa.String(36), sa.ForeignKey("exchange_partners.id"), primary_key=True),
    sa.Column("envelope_id", sa.String(36), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=True),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("code", sa.String(40), nullable=True),
    sa.Column("sent_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("settled_at", Moment, nullable=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Moment, nullable=True),
    sa.UniqueConstraint("partner_id", "seq", name="uq_exchange_received_partner_id_seq"),
    sa.Index("ix_exchange_received_state", "state", "next_attempt_at"),
)

#: Numbers that a partner gave to letters which have not come: from `first` to `last`.
exchange_gaps = sa.Table(
    "exchange_gaps",
    metadata,
    sa.Column("partner_id", sa.String(36), sa.ForeignKey("exchange_partners.id"), primary_key=True),
    sa.Column("first", sa.BigInteger, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("noticed_at", Moment, nullable=False),
    sa.Column("asked_at", Moment, nullable=True),  # when its sender was asked for them last
)

WAITING = "waiting"
HANDED_OVER = "handed_over"
REFUSED = "refused"


class Letter(Struct, frozen=True):
    """A letter of ours as it is kept. `body` is sealed; None once the partner has it."""

    id: str
    partner_id: str
    seq: int
    kind: str
    request_type: str | None
    purpose: str
    data_classes: frozenset[str]
    consent_ref: str | None
    in_reply_to: str | None
    key_id: str
    body: bytes | None
    made_at: datetime
    expires_at: datetime
    state: str
    state_at: datetime
    code: str | None
    attempt: int
    next_attempt_at: datetime | None


def add_letter(tx: Connection, letter: Letter) -> None:
    tx.execute(
        exchange_letters.insert().values(
            id=letter.id,
            partner_id=letter.partner_id,
            seq=letter.seq,
            kind=letter.kind,
            request_type=letter.request_type,
            purpose=letter.purpose,
            data_classes=" ".join(sorted(letter.data_classes)),
            consent_ref=letter.consent_ref,
            in_reply_to=letter.in_reply_to,
            key_id=letter.key_id,
            body=letter.body,
            made_at=letter.made_at,
            expires_at=letter.expires_at,
            state=letter.state,
            state_at=letter.state_at,
            code=letter.code,
            attempt=letter.attempt,
            next_attempt_at=letter.next_attempt_at,
        )
    )


def letter(tx: Connection, envelope_id: str, *, locked: bool = False) -> Letter | None:
    """A letter of ours. `locked`: nobody else changes it before this transaction ends."""
    query = sa.select(exchange_letters).where(exchange_letters.c.id == envelope_id)
    row = tx.execute(query.with_for_update() if locked else query).first()
    return None if row is None else _letter(row)


def due_partners(tx: Connection, at: datetime) -> list[str]:
    """Partners with an endpoint for whom something is to be sent now."""
    query = (
        sa.select(exchange_letters.c.partner_id)
        .join(exchange_partners, exchange_partners.c.id == exchange_letters.c.partner_id)
        .where(*_due(at), exchange_partners.c.endpoint.is_not(None))
        .distinct()
    )
    return list(tx.execute(query).scalars())


def due_letters(tx: Connection, partner_id: str, at: datetime, *, limit: int) -> list[Letter]:
    """What is to be sent to a partner now, in the order it was written."""
    query = sa.select(exchange_letters).where(*_due(at), exchange_letters.c.partner_id == partner_id)
    return [_letter(row) for row in tx.execute(query.order_by(exchange_letters.c.seq).limit(limit))]


def waiting_letters(tx: Connection, partner_id: str, *, limit: int) -> list[Letter]:
    """What a partner has not confirmed, whenever it is due: for one that fetches, and for a file."""
    query = sa.select(exchange_letters).where(
        exchange_letters.c.state == WAITING, exchange_letters.c.partner_id == partner_id
    )
    return [_letter(row) for row in tx.execute(query.order_by(exchange_letters.c.seq).limit(limit))]


def waiting_since(tx: Connection, partner_id: str) -> datetime | None:
    """When the letter was written that waits longest for this partner's word; receipts do not count."""
    query = sa.select(sa.func.min(exchange_letters.c.made_at)).where(
        exchange_letters.c.partner_id == partner_id,
        exchange_letters.c.state == WAITING,
        exchange_letters.c.kind != RECEIPT,
    )
    return tx.execute(query).scalar()


def over_letters(tx: Connection, at: datetime, *, limit: int = 100) -> list[Letter]:
    """Letters whose time is over although nobody confirmed them."""
    query = (
        sa.select(exchange_letters)
        .where(exchange_letters.c.state == WAITING, exchange_letters.c.expires_at <= at)
        .order_by(exchange_letters.c.expires_at)
        .limit(limit)
    )
    return [_letter(row) for row in tx.execute(query)]


def postpone(tx: Connection, envelope_id: str, *, attempt: int, next_attempt_at: datetime, code: str) -> None:
    """It was tried in vain."""
    tx.execute(
        exchange_letters.update()
        .where(exchange_letters.c.id == envelope_id, exchange_letters.c.state == WAITING)
        .values(attempt=attempt, next_attempt_at=next_attempt_at, code=code)
    )


def postpone_all(tx: Connection, partner_id: str, until: datetime) -> None:
    """The partner cannot be reached: nothing more is tried before `until`."""
    tx.execute(
        exchange_letters.update()
        .where(
            exchange_letters.c.partner_id == partner_id,
            exchange_letters.c.state == WAITING,
            exchange_letters.c.next_attempt_at < until,
        )
        .values(next_attempt_at=until)
    )


def hurry(tx: Connection, partner_id: str, at: datetime) -> None:
    """Something changed at the partner: try what waits now."""
    tx.execute(
        exchange_letters.update()
        .where(
            exchange_letters.c.partner_id == partner_id,
            exchange_letters.c.state == WAITING,
            exchange_letters.c.next_attempt_at > at,
        )
        .values(next_attempt_at=at)
    )


def settle(tx: Connection, envelope_id: str, *, state: str, code: str | None, at: datetime) -> None:
    """Something became of a letter. What stood in it is forgotten here."""
    tx.execute(
        exchange_letters.update()
        .where(exchange_letters.c.id == envelope_id)
        .values(state=state, code=code, state_at=at, body=None, next_attempt_at=None)
    )


def count_letters(tx: Connection, partner_id: str) -> dict[str, int]:
    """How many letters to a partner are in which state. Receipts are not counted: nobody confirms those of a file."""
    query = (
        sa.select(exchange_letters.c.state, sa.func.count())
        .where(exchange_letters.c.partner_id == partner_id, exchange_letters.c.kind != RECEIPT)
        .group_by(exchange_letters.c.state)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def _due(at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return exchange_letters.c.state == WAITING, exchange_letters.c.next_attempt_at <= at


# Letters of partners


class Received(Struct, frozen=True):
    """A letter of a partner as it is kept."""

    partner_id: str
    envelope_id: str
    seq: int
    kind: str
    digest: str
    raw: bytes | None  # the envelope as it came; None once handed over
    state: str  # WAITING, HANDED_OVER or REFUSED
    code: str | None
    sent_at: datetime
    expires_at: datetime
    received_at: datetime
    attempt: int


def received(tx: Connection, partner_id: str, envelope_id: str, *, locked: bool = False) -> Received | None:
    query = sa.select(exchange_received).where(
        exchange_received.c.partner_id == partner_id, exchange_received.c.envelope_id == envelope_id
    )
    row = tx.execute(query.with_for_update() if locked else query).first()
    return None if row is None else _received(row)


def is_numbered(tx: Connection, partner_id: str, seq: int) -> bool:
    """Whether a letter of this partner came under this number."""
    query = sa.select(exchange_received.c.seq).where(
        exchange_received.c.partner_id == partner_id, exchange_received.c.seq == seq
    )
    return tx.execute(query).first() is not None


def add_received(tx: Connection, letter: Received) -> None:
    tx.execute(
        exchange_received.insert().values(
            partner_id=letter.partner_id,
            envelope_id=letter.envelope_id,
            seq=letter.seq,
            kind=letter.kind,
            digest=letter.digest,
            raw=letter.raw,
            state=letter.state,
            code=letter.code,
            sent_at=letter.sent_at,
            expires_at=letter.expires_at,
            received_at=letter.received_at,
            settled_at=None,
            attempt=letter.attempt,
            next_attempt_at=letter.received_at,
        )
    )


def to_hand_over(tx: Connection, at: datetime, *, limit: int) -> list[Received]:
    """Letters that came and were not handed over yet, in the order they were written."""
    query = (
        sa.select(exchange_received)
        .where(exchange_received.c.state == WAITING, exchange_received.c.next_attempt_at <= at)
        .order_by(exchange_received.c.partner_id, exchange_received.c.seq)
        .limit(limit)
    )
    return [_received(row) for row in tx.execute(query)]


def not_handed_over(tx: Connection, *, before: datetime) -> int:
    """How many letters came before then and were not handed over."""
    query = sa.select(sa.func.count()).where(
        exchange_received.c.state == WAITING, exchange_received.c.received_at < before
    )
    return int(tx.execute(query).scalar_one())


def settle_received(tx: Connection, letter: Received, *, state: str, code: str | None, at: datetime) -> None:
    """It was handed over or refused. The envelope itself is forgotten: whoever took it in has what stood in it."""
    tx.execute(
        exchange_received.update()
        .where(_is(letter))
        .values(state=state, code=code, settled_at=at, raw=None, next_attempt_at=None)
    )


def postpone_received(tx: Connection, letter: Received, *, next_attempt_at: datetime, code: str) -> None:
    tx.execute(
        exchange_received.update()
        .where(_is(letter))
        .values(attempt=letter.attempt + 1, next_attempt_at=next_attempt_at, code=code)
    )


def forget_received(tx: Connection, before: datetime) -> None:
    """The numbers of letters that ran out so long ago that a copy of them is refused by its date alone."""
    tx.execute(
        exchange_received.delete().where(exchange_received.c.expires_at < before, exchange_received.c.state != WAITING)
    )


def _is(letter: Received) -> sa.ColumnElement[bool]:
    same = exchange_received.c.partner_id == letter.partner_id
    return sa.and_(same, exchange_received.c.envelope_id == letter.envelope_id)


# Numbers that did not come


class Gap(Struct, frozen=True):
    """Letters that a partner wrote and that are not here: the numbers from `first` to `last`."""

    partner_id: str
    first: int
    last: int
    noticed_at: datetime
    asked_at: datetime | None = None


def note_number(tx: Connection, partner_id: str, seq: int, at: datetime) -> None:
    """A letter came under this number: it may close a gap, or show one."""
    seen: int = tx.execute(
        sa.select(exchange_partners.c.seen_seq).where(exchange_partners.c.id == partner_id).with_for_update()
    ).scalar_one()
    if seq > seen:
        tx.execute(exchange_partners.update().where(exchange_partners.c.id == partner_id).values(seen_seq=seq))
        if seq > seen + 1:
            _add_gap(tx, Gap(partner_id, seen + 1, seq - 1, at))
        return
    close_gap(tx, partner_id, seq, seq)


def close_gap(tx: Connection, partner_id: str, first: int, last: int) -> bool:
    """These numbers are not missing any more. False where none of them was."""
    closed = False
    for gap in gaps(tx, partner_id):
        if gap.first > last or gap.last < first:
            continue
        closed = True
        of_it = sa.and_(exchange_gaps.c.partner_id == partner_id, exchange_gaps.c.first == gap.first)
        tx.execute(exchange_gaps.delete().where(of_it))
        if gap.first < first:
            _add_gap(tx, replace(gap, last=first - 1))
        if last < gap.last:
            _add_gap(tx, replace(gap, first=last + 1))
    return closed


def asked_for_gaps(tx: Connection, partner_id: str, at: datetime) -> None:
    """The sender was asked for everything of theirs that is missing."""
    tx.execute(exchange_gaps.update().where(exchange_gaps.c.partner_id == partner_id).values(asked_at=at))


def numbered(tx: Connection, partner_id: str, first: int, last: int, *, limit: int) -> list[Letter]:
    """Our letters to a partner under these numbers, the lowest first."""
    table = exchange_letters
    of_it = sa.and_(table.c.partner_id == partner_id, table.c.seq >= first, table.c.seq <= last)
    return [_letter(row) for row in tx.execute(sa.select(table).where(of_it).order_by(table.c.seq).limit(limit))]


def mark_lost(tx: Connection, envelope_id: str, code: str) -> None:
    """Whoever had this letter of ours has it no more."""
    tx.execute(exchange_letters.update().where(exchange_letters.c.id == envelope_id).values(code=code))


def last_number(tx: Connection, partner_id: str) -> int:
    """The highest number that a letter of ours to this partner ever had."""
    query = sa.select(exchange_partners.c.last_seq).where(exchange_partners.c.id == partner_id)
    return int(tx.execute(query).scalar_one_or_none() or 0)


def gaps(tx: Connection, partner_id: str | None = None) -> list[Gap]:
    """What is missing now."""
    query = sa.select(exchange_gaps).order_by(exchange_gaps.c.partner_id, exchange_gaps.c.first)
    if partner_id is not None:
        query = query.where(exchange_gaps.c.partner_id == partner_id)
    return [Gap(row.partner_id, row.first, row.last, row.noticed_at, row.asked_at) for row in tx.execute(query)]


def _add_gap(tx: Connection, gap: Gap) -> None:
    tx.execute(
        exchange_gaps.insert().values(
            partner_id=gap.partner_id,
            first=gap.first,
            last=gap.last,
            noticed_at=gap.noticed_at,
            asked_at=gap.asked_at,
        )
    )


# Rows


def _received(row: Row[Any]) -> Received:
    return Received(
        partner_id=row.partner_id,
        envelope_id=row.envelope_id,
        seq=row.seq,
        kind=row.kind,
        digest=row.digest,
        raw=None if row.raw is None else bytes(row.raw),
        state=row.state,
        code=row.code,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
        received_at=row.received_at,
        attempt=row.attempt,
    )


def _letter(row: Row[Any]) -> Letter:
    return Letter(
        id=row.id,
        partner_id=row.partner_id,
        seq=row.seq,
        kind=row.kind,
        request_type=row.request_type,
        purpose=row.purpose,
        data_classes=frozenset(row.data_classes.split()),
        consent_ref=row.consent_ref,
        in_reply_to=row.in_reply_to,
        key_id=row.key_id,
        body=None if row.body is None else bytes(row.body),
        made_at=row.made_at,
        expires_at=row.expires_at,
        state=row.state,
        state_at=row.state_at,
        code=row.code,
        attempt=row.attempt,
        next_attempt_at=row.next_attempt_at,
    )
