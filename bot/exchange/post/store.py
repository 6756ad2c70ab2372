"""The only SQL about letters to partners and from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

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
)

WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Letter:
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


def letter(tx: Connection, envelope_id: str) -> Letter | None:
    row = tx.execute(sa.select(exchange_letters).where(exchange_letters.c.id == envelope_id)).first()
    return None if row is None else _letter(row)


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
