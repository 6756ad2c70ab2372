"""Sessions of the desk, kept on the server, and the slow-down after failed sign-ins.

The cookie is 256 random bits; the table holds only its fingerprint. A session ends after half an hour without
use, after twelve hours whatever happens, when it is revoked, and when anything about the account changes that
should end it (`session_epoch`).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, Moment, metadata
from bot.kernel.officers import (
    Officer,
    get_officer,
    officer_from_row,
    officers,
    password_fits,
    password_hash_of,
    plain_sign_in_name,
    spend_totp,
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("officer_id", sa.String(36), sa.ForeignKey("officers.id"), nullable=False, index=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment, nullable=True),
)

sign_in_delays = sa.Table(
    "sign_in_delays",
    metadata,
    sa.Column("fingerprint", sa.String(64), primary_key=True),  # keyed: neither names nor addresses are stored
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("next_try_at", Moment, nullable=False),
)

IDLE_LIMIT = timedelta(minutes=30)
ABSOLUTE_LIMIT = timedelta(hours=12)
#: A session that was ended by hand is remembered so long, for what has to end with it (`bot.cases.page_ways`).
REVOKED_KEPT = timedelta(days=7)
#: `seen_at` is written at most this often: a page with ten pictures is one visit.
SEEN_STEP = timedelta(seconds=60)
FAILURES_FORGOTTEN_AFTER = timedelta(hours=24)
FREE_FAILURES = 3
LONGEST_DELAY = timedelta(seconds=60)
#: However many guess from elsewhere, the owner of an account waits no longer than this.
LONGEST_DELAY_FOR_THE_OWNER = timedelta(seconds=4)


class Session(Struct, frozen=True):
    """One signed-in browser. `csrf` goes into every form it is shown."""

    hash: str
    officer: Officer
    csrf: str
    created_at: datetime
    seen_at: datetime

    @property
    def topic(self) -> str:
        """The signal that wakes whoever streams to this session when it ends."""
        return f"session:{self.hash}"


def fingerprint(token: str) -> str:
    """How a session is known to the database."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """The form token of a session: derived from the cookie, so that a copy of the database holds neither."""
    return hmac.new(token.encode(), b"waymark form token", hashlib.sha256).hexdigest()


def start(tx: Connection, officer_id: str, at: datetime, *, instead_of: str | None = None) -> str:
    """Open a session and return the cookie's value. `instead_of` is the cookie it replaces, which ends now."""
    if instead_of:
        revoke(tx, fingerprint(instead_of), at)
    epoch = tx.execute(
        sa.select(officers.c.session_epoch).where(officers.c.id == officer_id, officers.c.active.is_(True))
    ).scalar_one()
    token = secrets.token_urlsafe(32)
    tx.execute(
        sessions.insert().values(hash=fingerprint(token), officer_id=officer_id, epoch=epoch, created_at=at, seen_at=at)
    )
    return token


def get(tx: Connection, token: str, at: datetime) -> Session | None:
    """The live session of this cookie."""
    row = _live_row(tx, fingerprint(token), at)
    if row is None:
        return None
    return Session(row.hash, officer_from_row(row), csrf_of(token), row.session_created_at, row.seen_at)


def is_live(tx: Connection, session_hash: str, at: datetime) -> bool:
    """Whether the session would still be let in: asked again and again by long answers."""
    return _live_row(tx, session_hash, at) is not None


def live_among(tx: Connection, hashes: Collection[str], at: datetime) -> frozenset[str]:
    """Which of these sessions would still be let in: one look for every open answer."""
    live = _live(at).where(sessions.c.hash.in_(sorted(hashes))).with_only_columns(sessions.c.hash)
    return frozenset(tx.execute(live).scalars())


def is_anybody_in(tx: Connection, officer_ids: Collection[str], at: datetime) -> bool:
    """Whether at least one of these people has a live session."""
    return tx.execute(_live(at).where(sessions.c.officer_id.in_(sorted(officer_ids))).limit(1)).first() is not None


def needs_touch(session: Session, at: datetime) -> bool:
    return at - session.seen_at >= SEEN_STEP


def touch(tx: Connection, session_hash: str, at: datetime) -> None:
    """Note that its owner is there."""
    tx.execute(
        sessions.update().where(sessions.c.hash == session_hash, sessions.c.revoked_at.is_(None)).values(seen_at=at)
    )


def revoke(tx: Connection, session_hash: str, at: datetime) -> None:
    """End one session. Wake its topic after the commit."""
    tx.execute(
        sessions.update().where(sessions.c.hash == session_hash, sessions.c.revoked_at.is_(None)).values(revoked_at=at)
    )


def revoke_all(tx: Connection, officer_id: str, at: datetime) -> list[str]:
    """End every session of an officer, everywhere. Returns the topics to wake after the commit."""
    live = (sessions.c.officer_id == officer_id, sessions.c.revoked_at.is_(None))
    hashes = list(tx.execute(sa.select(sessions.c.hash).where(*live)).scalars())
    tx.execute(sessions.update().where(*live).values(revoked_at=at))
    return [f"session:{session_hash}" for session_hash in hashes]


def list_sessions(tx: Connection, officer_id: str, at: datetime) -> list[Session]:
    """The live sessions of an officer, the newest first. They carry no form token."""
    query = _live(at).where(sessions.c.officer_id == officer_id).order_by(sessions.c.created_at.desc())
    return [
        Session(row.hash, officer_from_row(row), "", row.session_created_at, row.seen_at) for row in tx.execute(query)
    ]


def sweep(tx: Connection, at: datetime) -> int:
    """Delete what can never be used again. Returns how many sessions went."""
    tx.execute(sign_in_delays.delete().where(sign_in_delays.c.next_try_at < at - FAILURES_FORGOTTEN_AFTER))
    over = sessions.c.created_at < at - ABSOLUTE_LIMIT
    told = sa.or_(sessions.c.revoked_at.is_(None), sessions.c.revoked_at < at - REVOKED_KEPT)
    return tx.execute(sessions.delete().where(over, told)).rowcount


def _live(at: datetime) -> sa.Select[tuple[object, ...]]:
    """Sessions that are open now, with their officers."""
    return (
        sa.select(officers, sessions.c.hash, sessions.c.created_at.label("session_created_at"), sessions.c.seen_at)
        .join(officers, officers.c.id == sessions.c.officer_id)
        .where(
            sessions.c.revoked_at.is_(None),
            sessions.c.seen_at > at - IDLE_LIMIT,
            sessions.c.created_at > at - ABSOLUTE_LIMIT,
            sessions.c.epoch == officers.c.session_epoch,
            officers.c.active.is_(True),
        )
    )


def _live_row(tx: Connection, session_hash: str, at: datetime) -> sa.Row[tuple[object, ...]] | None:
    return tx.execute(_live(at).where(sessions.c.hash == session_hash)).first()


# Signing in with a password


class SignIn(Struct, frozen=True):
    """How an attempt ended: `officer` is in, or `wait_seconds` must pass, or something given was wrong."""

    officer: Officer | None = None
    wait_seconds: int = 0


#: Each check takes 64 MiB and a tenth of a second: two at a time, so that a flood of guesses is only slow.
_hashing = ThreadPoolExecutor(2, thread_name_prefix="password")


async def sign_in_with_password(
    database: Database, vault: Vault, clock: Clock, *, sign_in_name: str, password: str, code: str, address: str
) -> SignIn:
    """Check name, password and authenticator code, all three, and slow down whoever keeps failing.

    The answer never says which of them was wrong. `address` is where the attempt comes from; it is not stored.
    """
    keys = _delay_keys(vault, sign_in_name, address)
    now = clock.now()
    wait = await database.read(lambda tx: _delay(tx, keys, now))
    if wait > timedelta(0):
        return SignIn(wait_seconds=max(1, round(wait.total_seconds())))
    account = await database.read(lambda tx: password_hash_of(tx, sign_in_name))
    stored = account[1] if account else None
    loop = asyncio.get_running_loop()
    fits = await loop.run_in_executor(_hashing, password_fits, stored, password)
    officer_id = account[0] if account and fits else None
    return SignIn(officer=await database.write(lambda tx: _settle(tx, vault, keys, officer_id, code, clock.now())))


async def prove_again(database: Database, vault: Vault, clock: Clock, officer: Officer, proof: str) -> SignIn:
    """Let somebody who is signed in show again who they are, before something graver: by a code of their authenticator
    where they have one, else by their password. Whoever keeps failing has to wait.

    An account that has neither proves nothing: give it one first.
    """
    key, now = vault.index("second step", officer.id), clock.now()
    wait = await database.read(lambda tx: must_wait(tx, key, now))
    if wait > timedelta(0):
        return SignIn(wait_seconds=max(1, round(wait.total_seconds())))
    account = await database.read(lambda tx: password_hash_of(tx, officer.sign_in_name))
    fits = False
    if not officer.has_totp:
        stored = account[1] if account else None
        fits = await asyncio.get_running_loop().run_in_executor(_hashing, password_fits, stored, proof)

    def settle(tx: Connection) -> Officer | None:
        at = clock.now()
        if fits or (officer.has_totp and spend_totp(tx, vault, officer.id, proof, at)):
            tx.execute(sign_in_delays.delete().where(sign_in_delays.c.fingerprint == key))
            return get_officer(tx, officer.id)
        note_failure(tx, key, at)
        return None

    return SignIn(officer=await database.write(settle))


def _settle(
    tx: Connection, vault: Vault, keys: tuple[str, str], officer_id: str | None, code: str, at: datetime
) -> Officer | None:
    if officer_id is not None and spend_totp(tx, vault, officer_id, code, at):
        tx.execute(sign_in_delays.delete().where(sign_in_delays.c.fingerprint.in_(keys)))
        return get_officer(tx, officer_id)
    for key in keys:
        _note_failure(tx, key, at, LONGEST_DELAY if key == keys[0] else LONGEST_DELAY_FOR_THE_OWNER)
    return None


def must_wait(tx: Connection, key: str, at: datetime) -> timedelta:
    """How long whoever goes by this keyed fingerprint has to wait before another try counts; zero: not at all."""
    return _delay(tx, (key, key), at)


def note_failure(tx: Connection, key: str, at: datetime) -> None:
    """A try failed: after a few of them the next ones have to wait, ever longer, a minute at most."""
    _note_failure(tx, key, at, LONGEST_DELAY)


def _delay_keys(vault: Vault, sign_in_name: str, address: str) -> tuple[str, str]:
    """One for this account tried from this address, one for this account from anywhere."""
    name = plain_sign_in_name(sign_in_name)
    return vault.index("sign-in", name, address), vault.index("sign-in", name)


def _delay(tx: Connection, keys: tuple[str, str], at: datetime) -> timedelta:
    query = sa.select(sa.func.max(sign_in_delays.c.next_try_at)).where(sign_in_delays.c.fingerprint.in_(keys))
    until: datetime | None = tx.execute(query).scalar_one_or_none()
    return max(until - at, timedelta(0)) if until is not None else timedelta(0)


def _note_failure(tx: Connection, key: str, at: datetime, longest: timedelta) -> None:
    row = tx.execute(sa.select(sign_in_delays).where(sign_in_delays.c.fingerprint == key).with_for_update()).first()
    failures = 1 if row is None or at - row.next_try_at > FAILURES_FORGOTTEN_AFTER else row.failures + 1
    seconds = 0 if failures <= FREE_FAILURES else 2 ** min(failures - FREE_FAILURES, 10)
    values = {"failures": failures, "next_try_at": at + min(timedelta(seconds=seconds), longest)}
    if row is None:
        tx.execute(sign_in_delays.insert().values(fingerprint=key, **values))
    else:
        tx.execute(sign_in_delays.update().where(sign_in_delays.c.fingerprint == key).values(values))
