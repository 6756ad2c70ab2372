"""Keys: our own pairs, sealed in the vault; what a key file says; and a fingerprint that two people can read aloud."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Struct

from bot.exchange import jose

#: A pair is made anew every year by itself; the one before it opens letters for `OVERLAP` more.
LIFETIME, ROTATED_AFTER = timedelta(days=400), timedelta(days=365)
FINGERPRINT_GROUPS: Final = 10
LONGEST_KEY_FILE: Final = 16 * 1024
_FILE = "waymark key file"


class NotAKeyFile(Exception):
    """What was given is no key file, or was changed. Ask for it again."""


@dataclass(frozen=True, slots=True, repr=False)
class OwnPrivate:
    """The private halves. They stand in no print and no log."""

    sign: bytes
    seal: bytes

    def to_json(self) -> dict[str, str]:
        return {"sign": jose.encode(self.sign), "seal": jose.encode(self.seal)}

    @classmethod
    def from_json(cls, value: Mapping[str, str]) -> OwnPrivate:
        return cls(jose.decode(value["sign"]), jose.decode(value["seal"]))


class OwnKey(Struct, frozen=True):
    """A pair of ours."""

    kid: str
    deployment: str
    sign_public: bytes
    seal_public: bytes
    private: OwnPrivate
    made_at: datetime
    not_after: datetime
    vouched: str = ""  # the pair before this one says that it is ours
    revoked_at: datetime | None = None
    key_id: str = ""  # the data key that seals the private halves, once stored

    def opens(self, at: datetime) -> bool:
        """Whether letters sealed for it are still taken."""
        return self.revoked_at is None and at < self.not_after

    def sign(self, payload: bytes, *, typ: str) -> str:
        return jose.sign(payload, typ=typ, kid=self.kid, private=self.private.sign, public=self.sign_public)


def make_pair(*, deployment: str | None, at: datetime) -> OwnKey:
    """A fresh pair. `deployment` is the id of our first pair; None makes this the first."""
    signing, sealing = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    sign_public, seal_public = signing.public_key().public_bytes_raw(), sealing.public_key().public_bytes_raw()
    kid = key_id(sign_public, seal_public)
    return OwnKey(
        kid,
        deployment or kid,
        sign_public,
        seal_public,
        OwnPrivate(signing.private_bytes_raw(), sealing.private_bytes_raw()),
        at,
        at + LIFETIME,
    )


def key_id(sign_public: bytes, seal_public: bytes) -> str:
    """A hash of both halves, so that no half of one partner can be put beside a half of another."""
    return jose.encode(hashlib.sha256(b"waymark-xb key\x00" + sign_public + seal_public).digest())


def fingerprint(sign_public: bytes, seal_public: bytes) -> tuple[str, ...]:
    """Ten groups of five digits, 166 bits: the same words in every language, and short enough for the phone."""
    digest = hashlib.sha512(b"waymark-xb fingerprint\x00" + sign_public + seal_public).digest()
    return tuple(
        f"{int.from_bytes(digest[number * 6 : number * 6 + 6], 'big') % 100_000:05d}"
        for number in range(FINGERPRINT_GROUPS)
    )


def same_fingerprint(heard: str, right: tuple[str, ...]) -> bool:
    """Whether the digits that somebody typed are these, however they were grouped or in which digits written."""
    digits = "".join(str(int(character)) for character in heard if character.isdecimal())
    return digits == "".join(right)


class Identity(Struct, frozen=True):
    """What our key file says of us beside the key: nothing is proven by it."""

    name: str
    country: str
    endpoint: str


class KeyCard(Struct, frozen=True):
    """What a deployment says of itself and of one of its keys, signed with that key."""

    deployment: str
    name: str
    country: str
    endpoint: str
    kid: str
    sign_public: bytes
    seal_public: bytes
    not_before: datetime
    not_after: datetime
    vouched_by: str | None = None  # the earlier key that signed this one's id, where there is one
    vouching: str = ""

    @property
    def fingerprint(self) -> tuple[str, ...]:
        return fingerprint(self.sign_public, self.seal_public)


def write_card(own: OwnKey, identity: Identity) -> str:
    """Our key file: to be given to a partner, by any way. Nothing in it is secret, and nothing in it is proof."""
    claims = {
        "deployment": own.deployment,
        "name": identity.name,
        "country": identity.country,
        "endpoint": identity.endpoint,
        "kid": own.kid,
        "sign": jose.encode(own.sign_public),
        "seal": jose.encode(own.seal_public),
        "from": int(own.made_at.timestamp()),
        "until": int(own.not_after.timestamp()),
    }
    card = own.sign(json.dumps(claims, ensure_ascii=False).encode(), typ=jose.KEY_CARD)
    shown = {
        "file": _FILE,
        "version": jose.VERSION,
        "name": identity.name,
        "country": identity.country,
        "card": card,
        "vouching": own.vouched,
    }
    return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"


def vouch(earlier: OwnKey, for_: OwnKey) -> str:
    """The earlier key says that the new one is ours."""
    return earlier.sign(for_.kid.encode(), typ=jose.VOUCHING)


def read_card(text: str | bytes) -> KeyCard:
    """Read a key file. That it is whole says nothing of whose it is: that is what the phone is for.

    Raises NotAKeyFile.
    """
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > LONGEST_KEY_FILE:
        raise NotAKeyFile("too long")
    try:
        shown = jose.strict_json(raw)
        if shown.get("file") != _FILE or shown.get("version") != jose.VERSION:
            raise NotAKeyFile("no key file of this version")
        token, vouching = str(shown["card"]), str(shown["vouching"])
        claims = _claims(token)
    except (jose.NotOurs, jose.NotGenuine, KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotAKeyFile(type(error).__name__) from None
    vouched_by = _voucher(vouching)
    return KeyCard(
        deployment=claims["deployment"],
        name=claims["name"],
        country=claims["country"],
        endpoint=claims["endpoint"],
        kid=claims["kid"],
        sign_public=jose.decode(claims["sign"]),
        seal_public=jose.decode(claims["seal"]),
        not_before=datetime.fromtimestamp(claims["from"], UTC),
        not_after=datetime.fromtimestamp(claims["until"], UTC),
        vouched_by=vouched_by,
        vouching=vouching if vouched_by else "",
    )


def is_vouched(card: KeyCard, *, by_public: bytes) -> bool:
    """Whether the earlier key, whose public half this is, really signed the new one's id."""
    try:
        return jose.verify(card.vouching, typ=jose.VOUCHING, public=by_public) == card.kid.encode()
    except (jose.NotOurs, jose.NotGenuine):
        return False


_TEXTS = ("deployment", "name", "country", "endpoint", "kid", "sign", "seal")


def _claims(token: str) -> dict[str, Any]:
    """The card's claims, once the key in it proved that it signed them."""
    untrusted = jose.strict_json(jose.decode(token.split(".")[1] if token.count(".") == 2 else ""))
    public = jose.decode(str(untrusted["sign"]))
    claims = jose.strict_json(jose.verify(token, typ=jose.KEY_CARD, public=public))
    if claims.keys() != {*_TEXTS, "from", "until"} or not all(isinstance(claims[name], str) for name in _TEXTS):
        raise NotAKeyFile("claims")
    if not all(type(claims[name]) is int for name in ("from", "until")) or claims["from"] >= claims["until"]:
        raise NotAKeyFile("dates")
    sealing = jose.decode(claims["seal"])
    if len(public) != jose.KEY_BYTES or len(sealing) != jose.KEY_BYTES or claims["kid"] != key_id(public, sealing):
        raise NotAKeyFile("key id")
    if jose.key_named(token, typ=jose.KEY_CARD) != claims["kid"] or not 0 < len(claims["deployment"]) <= 64:
        raise NotAKeyFile("key id")
    return claims


def _voucher(vouching: str) -> str | None:
    try:
        return jose.key_named(vouching, typ=jose.VOUCHING)
    except jose.NotOurs:
        return None
