"""The suite of `bot.exchange.jose` as joserfc plays it.

Loaded with the first letter and not with the program: it takes a tenth of a start, and a person may be writing.
"""

from __future__ import annotations

from typing import Any

from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from bot.exchange import jose


class _Signing(jws.JWSRegistry):
    max_payload_length = jose.LONGEST


class _Sealing(jwe.JWERegistry):
    max_ciphertext_length = jose.LONGEST


_signing = _Signing(algorithms=[jose.SIGNATURE])
_sealing = _Sealing(algorithms=[jose.AGREEMENT, jose.ENCRYPTION])


def sign(payload: bytes, header: dict[str, Any], *, private: bytes, public: bytes) -> str:
    return jws.serialize_compact(header, payload, _key("Ed25519", public, private), registry=_signing)


def verify(token: str, *, public: bytes) -> bytes | None:
    """What was signed; None where the signature does not fit."""
    try:
        return jws.deserialize_compact(token, _key("Ed25519", public), registry=_signing).payload
    except (JoseError, ValueError):
        return None


def seal(plaintext: bytes, header: dict[str, Any], *, public: bytes) -> str:
    return jwe.encrypt_compact(header, plaintext, _key("X25519", public), registry=_sealing)


def unseal(token: str, *, private: bytes, public: bytes) -> bytes | None:
    """What was sealed; None where the seal does not fit."""
    try:
        return jwe.decrypt_compact(token, _key("X25519", public, private), registry=_sealing).plaintext
    except (JoseError, ValueError):
        return None


def _key(curve: str, public: bytes, private: bytes | None = None) -> OKPKey:
    value: dict[str, Any] = {"kty": "OKP", "crv": curve, "x": jose.encode(public)}
    if private is not None:
        value["d"] = jose.encode(private)
    return OKPKey.import_key(value)
