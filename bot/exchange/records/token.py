"""The signature under a record: a compact JWS that anybody can check without asking us.

The public key stands in the header, and again in the name of the issuer (`did:key`), as Open Badges 3.0 (8.2) and the
DID methods have it. Whose key that is, only a reader who knows us can say. The algorithm is named `EdDSA`, which is
Ed25519 under the name that readers of badges know; RFC 9864 has a newer name for it, which is read here too.
"""

from __future__ import annotations

import json
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.exchange import jose
from bot.exchange.jose import NotGenuine, NotOurs

CREDENTIAL: Final = "JWT"
CODES: Final = "waymark-record-1"
SIGNATURE_BYTES: Final = 64
LONGEST: Final = 256 * 1024
# Tuples: what stands in a header may be anything, and a set cannot be asked about a list.
_ALGORITHMS = ("EdDSA", "Ed25519")
_TYPES = (CREDENTIAL, "vc+jwt", CODES)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ED25519 = b"\xed\x01"  # the multicodec of an Ed25519 public key


def sign(payload: bytes, *, typ: str, private: bytes, public: bytes) -> str:
    """`payload` as a compact JWS with the key in its header. The same input gives the same token."""
    signed = f"{jose.encode(header(typ, public))}.{jose.encode(payload)}"
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(signed.encode("ascii"))
    return f"{signed}.{jose.encode(signature)}"


def header(typ: str, public: bytes) -> bytes:
    """The header of a token, byte for byte: a code leaves it out, and its reader puts it back."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": jose.encode(public)}
    return json.dumps({"alg": "EdDSA", "typ": typ, "jwk": jwk}, separators=(",", ":")).encode()


def verify(token: str) -> tuple[str, bytes, bytes]:
    """The type, the public key in the header, and what it signed. Raises NotOurs, NotGenuine."""
    parts = token.split(".") if len(token) <= LONGEST else []
    if len(parts) != 3:
        raise NotOurs("parts")
    said = jose.strict_json(jose.decode(parts[0]))
    typ, public = said.get("typ", CREDENTIAL), _public(said)
    if said.get("alg") not in _ALGORITHMS or typ not in _TYPES or "crit" in said:
        raise NotOurs("header")
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(jose.decode(parts[2]), f"{parts[0]}.{parts[1]}".encode("ascii"))
    except (InvalidSignature, ValueError):
        raise NotGenuine("signature") from None
    return str(typ), public, jose.decode(parts[1])


def _public(said: dict[str, Any]) -> bytes:
    jwk = said.get("jwk")
    if isinstance(jwk, dict):
        if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or "d" in jwk or not isinstance(jwk.get("x"), str):
            raise NotOurs("key")
        return _of_right_length(jose.decode(jwk["x"]))
    kid = said.get("kid")
    return public_of(kid.split("#")[0]) if isinstance(kid, str) else _of_right_length(b"")


def did_of(public: bytes) -> str:
    """The `did:key` of an Ed25519 key: a name that is the key itself."""
    number, digits = int.from_bytes(_ED25519 + public, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        digits = _BASE58[rest] + digits
    return f"did:key:z{digits}"


def public_of(did: str) -> bytes:
    """The key that a `did:key` is. Raises NotOurs."""
    if not did.startswith("did:key:z") or len(did) > 64:
        raise NotOurs("did")
    number = 0
    for digit in did.removeprefix("did:key:z"):
        if (value := _BASE58.find(digit)) < 0:
            raise NotOurs("did")
        number = number * 58 + value
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if not raw.startswith(_ED25519):
        raise NotOurs("did")
    return _of_right_length(raw[len(_ED25519) :])


def _of_right_length(public: bytes) -> bytes:
    if len(public) != jose.KEY_BYTES:
        raise NotOurs("key")
    return public
