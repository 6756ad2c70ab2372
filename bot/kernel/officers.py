"""The people behind the desk: their accounts, passwords, authenticator codes and one-time sign-in links.

Everything here is a use case over a connection, except the hashing of passwords, which takes a tenth of a second
of processor time and therefore never happens inside a transaction: `hash_password`, `password_fits`.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from bot.kernel.access import Role
from bot.kernel.crypto import DataKey, Vault
from bot.kernel.database import Moment, metadata
from bot.kernel.ids import new_id

if TYPE_CHECKING:
    import argon2

officers = sa.Table(
    "officers",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("sign_in_name", sa.String(120), nullable=False, unique=True),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("languages", sa.Text, nullable=False),
    sa.Column("password_hash", sa.String(255), nullable=True),
    sa.Column("key_id", sa.String(36), nullable=False),  # the data key of `totp_sealed`
    sa.Column("totp_sealed", sa.LargeBinary, nullable=True),
    sa.Column("totp_confirmed", sa.Boolean, nullable=False, default=False),
    sa.Column("totp_last_step", sa.BigInteger, nullable=False, default=0),
    sa.Column("active", sa.Boolean, nullable=False, default=True),
    sa.Column("demo", sa.Boolean, nullable=False, default=False),
    sa.Column("page_conversation_id", sa.String(36), nullable=True),
    sa.Column("session_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("disabled_at", Moment, nullable=True),
)

sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("officer_id", sa.String(36), sa.ForeignKey("officers.id"), nullable=False, index=True),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment, nullable=True),
)

LINK_LIFETIME = timedelta(minutes=15)
DEMO_LINK_LIFETIME = timedelta(hours=24)
#: Who was not alone within this time is not alone yet: a colleague may have been shut out to be so.
ALONE_AFTER = timedelta(days=7)
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
TOTP_SECONDS = 30

#: Where the desk takes a one-time link.
LINK_PATH = "/desk/sign-in/link"


class SignInNameTaken(Exception):
    """Another account signs in under this name. Choose another."""


class PasswordTooWeak(Exception):
    """Too short, too long or too well known. Ask for another."""


class Officer(Struct, frozen=True):
    """An account of the desk, as the rest of the program sees it: no secret is in here."""

    id: str
    name: str
    sign_in_name: str
    roles: frozenset[Role]
    languages: tuple[str, ...]
    active: bool = True
    demo: bool = False
    page_conversation_id: str | None = None
    has_password: bool = False
    has_totp: bool = False


def add_officer(
    tx: Connection,
    vault: Vault,
    *,
    name: str,
    sign_in_name: str,
    roles: Iterable[Role],
    at: datetime,
    languages: Iterable[str] = ("en",),
    demo: bool = False,
) -> Officer:
    """Make an account that can be entered by a one-time link. Raises SignInNameTaken."""
    officer_id = new_id()
    row = {
        "id": officer_id,
        "name": name.strip(),
        "sign_in_name": plain_sign_in_name(sign_in_name),
        "roles": _list(roles),
        "languages": json.dumps(list(languages)),
        "key_id": vault.new_key(tx, at).id,
        "totp_confirmed": False,
        "totp_last_step": 0,
        "active": True,
        "demo": demo,
        "session_epoch": 0,
        "created_at": at,
    }
    try:
        with tx.begin_nested():
            tx.execute(officers.insert().values(row))
    except IntegrityError:
        raise SignInNameTaken(sign_in_name) from None
    return _known(get_officer(tx, officer_id))


def key_of(tx: Connection, vault: Vault, officer_id: str) -> DataKey:
    """The data key of what is sealed about this officer."""
    key_id = tx.execute(sa.select(officers.c.key_id).where(officers.c.id == officer_id)).scalar_one()
    return vault.key(tx, key_id)


def get_officer(tx: Connection, officer_id: str) -> Officer | None:
    return _one(tx, officers.c.id == officer_id)


def lock_officer(tx: Connection, officer_id: str) -> None:
    """Until the transaction ends nothing else that asks for it goes on: what one account does is counted one by one."""
    tx.execute(sa.select(officers.c.id).where(officers.c.id == officer_id).with_for_update())


def find_officer(tx: Connection, sign_in_name: str) -> Officer | None:
    return _one(tx, officers.c.sign_in_name == plain_sign_in_name(sign_in_name))


def officer_of_conversation(tx: Connection, conversation_id: str) -> Officer | None:
    """Whose pages go to this conversation."""
    return _one(tx, officers.c.page_conversation_id == conversation_id)


def list_officers(tx: Connection, *, active_only: bool = False) -> list[Officer]:
    """Everyone, by name."""
    query = sa.select(officers).order_by(officers.c.name, officers.c.id)
    if active_only:
        query = query.where(officers.c.active.is_(True))
    return [officer_from_row(row) for row in tx.execute(query)]


def officers_with(tx: Connection, *roles: Role) -> list[Officer]:
    """Active accounts with any of `roles`: who can be paged."""
    return [officer for officer in list_officers(tx, active_only=True) if officer.roles & set(roles)]


def here_since(tx: Connection, since: datetime) -> list[Officer]:
    """Active accounts and those switched off since."""
    here = sa.or_(officers.c.active.is_(True), officers.c.disabled_at >= since)
    return [officer_from_row(row) for row in tx.execute(sa.select(officers).where(here))]


def is_alone_with(tx: Connection, officer_id: str, role: Role, *, since: datetime) -> bool:
    """Whether nobody else has this role, nor had it since: whoever shuts a colleague out is not alone at once."""
    return not any(role in each.roles for each in here_since(tx, since) if each.id != officer_id)


def change_officer(
    tx: Connection,
    officer_id: str,
    *,
    name: str | None = None,
    roles: Iterable[Role] | None = None,
    languages: Iterable[str] | None = None,
) -> None:
    """Change what is given. A change of roles ends the sessions that were opened under the old ones."""
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = name.strip()
    if languages is not None:
        values["languages"] = json.dumps(list(languages))
    if roles is not None:
        values["roles"] = _list(roles)
        values["session_epoch"] = officers.c.session_epoch + 1
    if values:
        tx.execute(officers.update().where(officers.c.id == officer_id).values(values))


def disable_officer(tx: Connection, officer_id: str, at: datetime) -> None:
    """Every way in ends at once: sessions, links, password, authenticator, pages."""
    tx.execute(
        officers.update()
        .where(officers.c.id == officer_id)
        .values(
            active=False,
            disabled_at=at,
            session_epoch=officers.c.session_epoch + 1,
            password_hash=None,
            totp_sealed=None,
            totp_confirmed=False,
            page_conversation_id=None,
        )
    )
    tx.execute(sign_in_links.delete().where(sign_in_links.c.officer_id == officer_id))


def enable_officer(tx: Connection, officer_id: str) -> None:
    """Switch an account on again. It has no password any more: give it a one-time link."""
    tx.execute(officers.update().where(officers.c.id == officer_id).values(active=True, disabled_at=None))


def set_page_conversation(tx: Connection, officer_id: str, conversation_id: str | None) -> None:
    """Where this officer is paged. One conversation pages one officer: an earlier owner loses it."""
    if conversation_id is not None:
        earlier = officers.c.page_conversation_id == conversation_id
        tx.execute(officers.update().where(earlier).values(page_conversation_id=None))
    tx.execute(officers.update().where(officers.c.id == officer_id).values(page_conversation_id=conversation_id))


# Passwords


@functools.cache
def _hasher() -> argon2.PasswordHasher:
    import argon2  # not before somebody signs in

    return argon2.PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """Argon2id, slow on purpose: call it outside the transaction and off the event loop. Raises PasswordTooWeak."""
    prepared = _prepared(password)
    if not SHORTEST_PASSWORD <= len(prepared) <= LONGEST_PASSWORD or _is_well_known(prepared):
        raise PasswordTooWeak
    return _hasher().hash(prepared)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether this is the password. Takes as long for an account that has none, so that names cannot be probed."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        fits = _hasher().verify(password_hash or _nobodys_hash(), _prepared(password)[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


def set_password(tx: Connection, officer_id: str, password_hash: str) -> None:
    """Store what `hash_password` gave, and end every session that was opened with the old one."""
    values = {"password_hash": password_hash, "session_epoch": officers.c.session_epoch + 1}
    tx.execute(officers.update().where(officers.c.id == officer_id).values(values))


def password_hash_of(tx: Connection, sign_in_name: str) -> tuple[str, str | None] | None:
    """Id and password hash of the active account with this name."""
    query = sa.select(officers.c.id, officers.c.password_hash).where(
        officers.c.sign_in_name == plain_sign_in_name(sign_in_name), officers.c.active.is_(True)
    )
    row = tx.execute(query).first()
    return None if row is None else (row.id, row.password_hash)


# Authenticator codes (TOTP, RFC 6238)


def begin_totp(tx: Connection, vault: Vault, officer_id: str) -> str:
    """A fresh secret, to be shown once. It counts only after `confirm_totp` saw a code made from it."""
    import pyotp

    secret = pyotp.random_base32()
    sealed = key_of(tx, vault, officer_id).seal(secret, table="officers", row=officer_id, field="totp")
    tx.execute(officers.update().where(officers.c.id == officer_id).values(totp_sealed=sealed, totp_confirmed=False))
    return secret


def totp_address(secret: str, officer: Officer) -> str:
    """The `otpauth://` address an authenticator app reads, as a link or a QR code."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=officer.sign_in_name, issuer_name="Waymark")


def confirm_totp(tx: Connection, vault: Vault, officer_id: str, code: str, at: datetime) -> bool:
    """Switch codes on, if this one is right."""
    if not _spend_code(tx, vault, officer_id, code, at, confirmed=False):
        return False
    tx.execute(officers.update().where(officers.c.id == officer_id).values(totp_confirmed=True))
    return True


def spend_totp(tx: Connection, vault: Vault, officer_id: str, code: str, at: datetime) -> bool:
    """Whether the code is right now, give or take one step. The same code never counts twice."""
    return _spend_code(tx, vault, officer_id, code, at, confirmed=True)


def _spend_code(tx: Connection, vault: Vault, officer_id: str, code: str, at: datetime, *, confirmed: bool) -> bool:
    import pyotp

    row = tx.execute(
        sa.select(officers).where(
            officers.c.id == officer_id,
            officers.c.active.is_(True),
            officers.c.totp_sealed.is_not(None),
            officers.c.totp_confirmed.is_(confirmed),
        )
    ).first()
    if row is None:
        return False
    secret = vault.key(tx, row.key_id).open(row.totp_sealed, table="officers", row=officer_id, field="totp")
    present = int(at.timestamp()) // TOTP_SECONDS
    digits = "".join(code.split())
    for step in (present - 1, present, present + 1):
        right = pyotp.TOTP(secret).generate_otp(step)
        if step > row.totp_last_step and hmac.compare_digest(right.encode(), digits.encode()):
            spent = tx.execute(
                officers.update()
                .where(officers.c.id == officer_id, officers.c.totp_last_step < step)
                .values(totp_last_step=step)
            )
            return spent.rowcount == 1
    return False


# One-time links


def make_link(tx: Connection, officer_id: str, at: datetime, *, lifetime: timedelta | None = None) -> str:
    """A token that signs in once, within 15 minutes (24 hours for a demonstration account)."""
    officer = _known(get_officer(tx, officer_id))
    token = secrets.token_urlsafe(32)
    lasts = lifetime or (DEMO_LINK_LIFETIME if officer.demo else LINK_LIFETIME)
    tx.execute(
        sign_in_links.insert().values(
            hash=_fingerprint(token), officer_id=officer_id, made_at=at, expires_at=at + lasts, used_at=None
        )
    )
    return token


def link_path(token: str) -> str:
    """Where a one-time link leads, after the public address."""
    return f"{LINK_PATH}?token={token}"


def link_is_open(tx: Connection, token: str, at: datetime) -> bool:
    """Whether the link would still sign in. Looking does not spend it: mail scanners look at everything."""
    query = sa.select(sign_in_links.c.hash).where(*_open_link(token, at))
    return tx.execute(query).first() is not None


def spend_link(tx: Connection, token: str, at: datetime) -> Officer | None:
    """The officer whose link this is, once. None if it was used, is too old, or never was."""
    spent = tx.execute(sign_in_links.update().where(*_open_link(token, at)).values(used_at=at))
    if spent.rowcount != 1:
        return None
    officer_id = tx.execute(
        sa.select(sign_in_links.c.officer_id).where(sign_in_links.c.hash == _fingerprint(token))
    ).scalar_one()
    officer = get_officer(tx, officer_id)
    return officer if officer is not None and officer.active else None


def _open_link(token: str, at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        sign_in_links.c.hash == _fingerprint(token),
        sign_in_links.c.used_at.is_(None),
        sign_in_links.c.expires_at > at,
    )


# Rows


def officer_from_row(row: Any) -> Officer:
    """An account from any row that holds the columns of `officers`."""
    return Officer(
        id=row.id,
        name=row.name,
        sign_in_name=row.sign_in_name,
        roles=frozenset(Role(role) for role in json.loads(row.roles)),
        languages=tuple(json.loads(row.languages)),
        active=row.active,
        demo=row.demo,
        page_conversation_id=row.page_conversation_id,
        has_password=row.password_hash is not None,
        has_totp=row.totp_confirmed,
    )


def plain_sign_in_name(name: str) -> str:
    """The one spelling under which a sign-in name is stored and looked up."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _one(tx: Connection, condition: sa.ColumnElement[bool]) -> Officer | None:
    row = tx.execute(sa.select(officers).where(condition)).first()
    return None if row is None else officer_from_row(row)


def _known(officer: Officer | None) -> Officer:
    if officer is None:
        raise LookupError("no such officer")
    return officer


def _list(roles: Iterable[Role]) -> str:
    return json.dumps(sorted(Role(role).value for role in roles))


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _prepared(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _is_well_known(password: str) -> bool:
    """One character or a short pattern over and over, a run of the keyboard, or our own name."""
    folded = password.casefold()
    if len(set(folded)) < 5 or "waymark" in folded:
        return True
    runs = ("0123456789012345", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "azertyuiopqsdfghjklm")
    if any(folded[:SHORTEST_PASSWORD] in run for run in runs):
        return True
    return any(word in folded and len(folded) - len(word) < 6 for word in ("password", "motdepasse", "contraseña"))


_nobody: str | None = None


def _nobodys_hash() -> str:
    """A hash nobody has the password of, made once, so that a missing account costs what a present one does."""
    global _nobody
    if _nobody is None:
        _nobody = _hasher().hash(secrets.token_urlsafe(32))
    return _nobody
