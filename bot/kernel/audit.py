"""The audit log: who did what to which object, as a chain that shows any change made afterwards.

A row is written in the transaction of the act it records, and carries a keyed hash (HMAC) of itself and of the row
before it. The key is not in the database in clear, so whoever can edit rows cannot repair the chain. What a chain
cannot show by itself is that its newest rows were cut off: for that, keep the head it had (`AuditReport.head`)
somewhere else, and give it to `verify` later.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.kernel.crypto import Vault
from bot.kernel.database import Moment, metadata, moment_to_int

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("actor", sa.String(80), nullable=False),
    sa.Column("act", sa.String(80), nullable=False),
    sa.Column("object", sa.String(120), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("mac", sa.String(64), nullable=False),
    sa.Index("ix_audit_log_object", "object", "seq"),
)

#: Who acts where a command of `./waymark` does.
COMMAND = "system:command"
Fact = str | int | float | bool | None | Sequence[str] | Sequence[int]

#: What stands before the first row.
BEGINNING = "0" * 64
POSTGRES_LOCK = 0x57_41_59_4D  # one number for "the end of the audit chain"
ROWS_AT_A_TIME = 1000

#: The thumbprint of a key may begin with any letter of base64url.
_CODE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:/+-]{0,79}")


class WordsInAudit(ValueError):
    """The audit log takes ids and codes. Words that people wrote do not belong there."""


class AuditRow(Struct, frozen=True):
    """One recorded act."""

    seq: int
    at: datetime
    actor: str
    act: str
    object: str
    facts: Mapping[str, Fact]


class AuditReport(Struct, frozen=True):
    """What a walk along the chain found. `first_wrong` is the number of the first row that does not fit."""

    ok: bool
    rows: int
    first_wrong: int | None
    head: str
    head_missing: bool = False  # the outside head is nowhere in the chain: its end was cut off or replaced


def append(
    tx: Connection,
    vault: Vault,
    *,
    at: datetime,
    actor: str,
    act: str,
    object: str,
    facts: Mapping[str, Fact] | None = None,
) -> str:
    """Record an act. `actor` is an officer's id or a part of the program (`system:alarm`). Returns the new head."""
    written = _facts(facts or {})
    for value in (actor, act, object):
        _require_code(value)
    take_turn(tx)
    last = tx.execute(sa.select(audit_log.c.seq, audit_log.c.mac).order_by(audit_log.c.seq.desc()).limit(1)).first()
    seq, previous = (last.seq + 1, last.mac) if last else (1, BEGINNING)
    mac = _mac(vault, seq, at, actor, act, object, written, previous)
    tx.execute(
        audit_log.insert().values(
            seq=seq, at=at, actor=actor, act=act, object=object, facts=written, previous=previous, mac=mac
        )
    )
    return mac


def take_turn(tx: Connection) -> None:
    """Nobody else records anything before this transaction ends. To be asked for first by whoever will record something
    and locks, before that, a row that others lock after they have recorded something: else each waits for the other."""
    if tx.dialect.name == "postgresql":  # on SQLite writers are alone anyway
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(POSTGRES_LOCK)))


def verify(tx: Connection, vault: Vault, *, expected_head: str | None = None) -> AuditReport:
    """Walk the whole chain. `expected_head` is a head kept outside: it must still be somewhere in it."""
    previous, count, seen_expected = BEGINNING, 0, expected_head in (None, BEGINNING)
    for row in _all_rows(tx):
        count += 1
        right = _mac(vault, row.seq, row.at, row.actor, row.act, row.object, row.facts, row.previous)
        fits = row.seq == count and row.previous == previous and hmac.compare_digest(right, row.mac)
        if not fits:
            return AuditReport(False, count, count, previous)
        previous = row.mac
        seen_expected = seen_expected or row.mac == expected_head
    return AuditReport(seen_expected, count, None, previous, head_missing=not seen_expected)


def head(tx: Connection) -> str:
    """The hash of the newest row: what to keep outside."""
    newest = sa.select(audit_log.c.mac).order_by(audit_log.c.seq.desc()).limit(1)
    return tx.execute(newest).scalar_one_or_none() or BEGINNING


def read_log(
    tx: Connection,
    *,
    object: str | None = None,
    actor: str | None = None,
    before: int | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> list[AuditRow]:
    """The newest acts first, from `since` on. `before` is the number of the last row already shown."""
    query = sa.select(audit_log).order_by(audit_log.c.seq.desc()).limit(limit)
    if object is not None:
        query = query.where(audit_log.c.object == object)
    if actor is not None:
        query = query.where(audit_log.c.actor == actor)
    if before is not None:
        query = query.where(audit_log.c.seq < before)
    if since is not None:
        query = query.where(audit_log.c.at >= since)
    return [
        AuditRow(row.seq, row.at, row.actor, row.act, row.object, json.loads(row.facts)) for row in tx.execute(query)
    ]


def actors_of(tx: Connection, object: str, acts: Sequence[str], *, since: datetime) -> frozenset[str]:
    """Who did one of these acts to this object from then on."""
    query = sa.select(audit_log.c.actor).where(
        audit_log.c.object == object, audit_log.c.act.in_(acts), audit_log.c.at >= since
    )
    return frozenset(tx.execute(query.distinct()).scalars())


def _all_rows(tx: Connection) -> Iterator[sa.Row[Any]]:
    last = 0
    while True:
        query = sa.select(audit_log).where(audit_log.c.seq > last).order_by(audit_log.c.seq).limit(ROWS_AT_A_TIME)
        rows = tx.execute(query).all()
        yield from rows
        if len(rows) < ROWS_AT_A_TIME:
            return
        last = rows[-1].seq


def _mac(
    vault: Vault,
    seq: int,
    at: datetime,
    actor: str,
    act: str,
    object: str,
    facts: str,
    previous: str,
) -> str:
    """The parts as a JSON list: no two rows have the same bytes."""
    message = json.dumps([seq, moment_to_int(at), actor, act, object, facts, previous], separators=(",", ":"))
    return vault.audit_mac(message.encode())


def _facts(facts: Mapping[str, Fact]) -> str:
    for name, value in facts.items():
        _require_code(name)
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        for item in values:
            if isinstance(item, str):
                if item:
                    _require_code(item)
            elif item is not None and not isinstance(item, (bool, int, float)):
                raise WordsInAudit(name)
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def _require_code(value: str) -> None:
    if not _CODE.fullmatch(value):
        raise WordsInAudit("the audit log takes ids and codes only")
