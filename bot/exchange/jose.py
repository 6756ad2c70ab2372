"""JOSE as one fixed suite: Ed25519 signatures (RFC 9864), ECDH-ES over X25519 with A256GCM (RFC 7518, 8037).

What a header may say is fixed here, so there is nothing to choose and nothing to downgrade: a header that is not
exactly ours is refused before any key is touched. The version is in `typ`; another suite will be another version.
Base64 must be canonical, so that a changed character is never the same token in other clothes.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

VERSION: Final = 1
KEY_BYTES: Final = 32
#: What a token is for. A signature under one of them is worth nothing under another.
LETTER: Final = f"waymark-xb-{VERSION}+letter"
SEALED: Final = f"waymark-xb-{VERSION}+jwe"
RECEIPT: Final = f"waymark-xb-{VERSION}+receipt"
FETCH: Final = f"waymark-xb-{VERSION}+fetch"
KEY_CARD: Final = f"waymark-xb-{VERSION}+key"
VOUCHING: Final = f"waymark-xb-{VERSION}+vouching"

#: Characters of the longest token: an envelope of the largest size, see `bot.exchange.envelope`.
LONGEST = 1_000_000

SIGNATURE: Final = "Ed25519"
AGREEMENT: Final = "ECDH-ES"
ENCRYPTION: Final = "A256GCM"


class NotOurs(ValueError):
    """Not a token of this suite: another form, another algorithm, another purpose, or cut short."""


class NotGenuine(ValueError):
    """A token of the right form whose signature, or whose seal, does not fit."""


def sign(payload: bytes, *, typ: str, kid: str, private: bytes, public: bytes) -> str:
    """`payload` as a compact JWS. The same input gives the same token."""
    from bot.exchange import suite

    return suite.sign(payload, {"alg": SIGNATURE, "typ": typ, "kid": kid}, private=private, public=public)


def key_named(token: str, *, typ: str) -> str:
    """Whose signature a token claims to carry. Nothing is proven by it. Raises NotOurs."""
    return _header_kid(_parts(token, 3), {"alg": SIGNATURE, "typ": typ})


def verify(token: str, *, typ: str, public: bytes) -> bytes:
    """What was signed. Raises NotOurs, NotGenuine."""
    from bot.exchange import suite

    key_named(token, typ=typ)
    payload = suite.verify(token, public=public)
    if payload is None:
        raise NotGenuine("signature")
    return payload


def seal(plaintext: bytes, *, kid: str, public: bytes) -> str:
    """`plaintext` as a compact JWE for the holder of one key."""
    from bot.exchange import suite

    header = {"alg": AGREEMENT, "enc": ENCRYPTION, "typ": SEALED, "kid": kid}
    return suite.seal(plaintext, header, public=public)


def unseal(token: str, *, private_for: Callable[[str], tuple[bytes, bytes]]) -> tuple[str, bytes]:
    """The id of the key it was sealed for, and what was sealed. Raises NotOurs, NotGenuine.

    `private_for` gives the private and the public half of a key by its id, and may raise what it likes.
    """
    from bot.exchange import suite

    parts = _parts(token, 5)
    kid = _header_kid(parts, {"alg": AGREEMENT, "enc": ENCRYPTION, "typ": SEALED}, also="epk")
    if parts[1]:
        raise NotOurs("an encrypted key")  # direct agreement has none
    private, public = private_for(kid)
    plaintext = suite.unseal(token, private=private, public=public)
    if plaintext is None:
        raise NotGenuine("seal")
    return kid, plaintext


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Base64url without padding, in the one way to write it. Raises NotOurs."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise NotOurs("base64") from None
    if encode(raw) != text:
        raise NotOurs("base64")
    return raw


def strict_json(raw: bytes) -> dict[str, Any]:
    """A JSON object that says each thing once, in UTF-8, without NaN and the like. Raises NotOurs."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise NotOurs("json") from None
    if not isinstance(value, dict):
        raise NotOurs("json")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("said twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _parts(token: str, count: int) -> list[str]:
    if len(token) > LONGEST:
        raise NotOurs("too long")
    parts = token.split(".")
    if len(parts) != count:
        raise NotOurs("parts")
    for part in parts:
        decode(part)
    return parts


def _header_kid(parts: list[str], expected: Mapping[str, str], *, also: str | None = None) -> str:
    header = strict_json(decode(parts[0]))
    kid = header.pop("kid", None)
    epk = header.pop(also, None) if also is not None else None
    if header != expected or not isinstance(kid, str) or not 0 < len(kid) <= 64 or not kid.isascii():
        raise NotOurs("header")
    if also is not None and not _is_public_key(epk):
        raise NotOurs("header")
    return kid


def _is_public_key(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"kty", "crv", "x"} or not isinstance(value["x"], str):
        return False
    return value["kty"] == "OKP" and value["crv"] == "X25519" and len(decode(value["x"])) == KEY_BYTES
