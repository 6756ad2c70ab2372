"""Links for people without an account, and the codes that are read to them by phone: neither alone opens anything."""

from __future__ import annotations

import hashlib
import secrets

from bot.kernel.crypto import Vault

CODE_DIGITS = 6
#: After so many wrong codes a link is dead: make another.
MOST_TRIES = 5


def new_token() -> str:
    """What stands in a link: 192 random bits. Only its `fingerprint` is kept."""
    return secrets.token_urlsafe(24)


def fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def new_code() -> str:
    """Six digits, to be read out."""
    return "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))


def code_hash(vault: Vault, purpose: str, row: str, code: str) -> str:
    """A keyed hash: with a million codes, an unkeyed one would tell the code to whoever copies the database."""
    return vault.index(purpose, row, "".join(code.split()))
