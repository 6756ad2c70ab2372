"""An envelope: what a letter is between two deployments. Signed, then sealed, and padded to one of ten sizes.

The signature names the key it was sealed for, so a partner cannot pass a letter of ours on as if it had been written
to somebody else. Both functions here ask the partner's own rules: there is no way to seal a letter for a partner
without a verified key and an agreement that holds, and none to take one in.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from bot.exchange import jose
from bot.exchange.partners.keys import OwnKey
from bot.exchange.partners.model import POST, Direction, KeyState, Partner
from bot.exchange.post.model import OWN_KINDS
from bot.exchange.refusals import (
    BadSignature,
    Expired,
    ExpiredKey,
    InvalidBody,
    NotAnEnvelope,
    NotForUs,
    NotYet,
    Refused,
    RevokedKey,
    TooLarge,
    UnknownKey,
    UnverifiedKey,
)

SMALLEST: Final = 1024
#: What is signed has one of these lengths, in bytes: whoever watches the line learns no more than which.
SIZES: Final = tuple(SMALLEST << step for step in range(10))
#: Bytes of an envelope, whatever is in it: a little more than the largest size needs in base64, twice.
LONGEST: Final = 960_000
#: How far apart the clocks of two deployments may be.
SKEW = timedelta(minutes=10)
LONGEST_LIFETIME = timedelta(days=15)

ENVELOPE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CONSENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,79}")
LARGEST_SEQ = 2**53
DEEPEST = 16


class Contents(Struct, frozen=True):
    """A letter, without who sends it to whom."""

    id: str
    seq: int
    kind: str
    request_type: str | None
    purpose: str
    data_classes: frozenset[str]
    consent_ref: str | None
    in_reply_to: str | None
    sent_at: datetime  # whole seconds
    expires_at: datetime  # whole seconds
    body: Mapping[str, Any]


class Opened(Struct, frozen=True):
    """A letter whose sender is proven and may send it."""

    partner: Partner
    kid: str  # the key that proved it
    own_kid: str  # the key of ours it was sealed for
    contents: Contents
    digest: str  # of all that was signed but the key it was sealed for: the same however often it is sent


def seal(contents: Contents, *, own: OwnKey, partner: Partner, at: datetime) -> bytes:
    """The envelope, for the newest verified key of `partner`.

    Raises ChannelClosed where the partner's key, agreement or list does not allow it, and TooLarge.
    """
    partner.must_allow(
        Direction.SEND,
        request_type=contents.request_type,
        purpose=contents.purpose,
        data_classes=contents.data_classes,
        at=at,
    )
    key = partner.key(at)
    assert key is not None
    assert partner.deployment is not None
    claims = {
        "iss": own.deployment,
        "aud": partner.deployment,
        "rkid": key.kid,
        "jti": contents.id,
        "seq": contents.seq,
        "iat": int(contents.sent_at.timestamp()),
        "exp": int(contents.expires_at.timestamp()),
        "kind": contents.kind,
        "type": contents.request_type,
        "purpose": contents.purpose,
        "data": sorted(contents.data_classes),
        "consent": contents.consent_ref,
        "re": contents.in_reply_to,
        "body": contents.body,
        "pad": "",
    }
    signed = own.sign(_padded(claims), typ=jose.LETTER)
    return jose.seal(signed.encode(), kid=key.kid, public=key.seal_public).encode()


def _padded(claims: dict[str, Any]) -> bytes:
    raw = _json(claims)
    size = next((size for size in SIZES if size >= len(raw)), None)
    if size is None:
        raise TooLarge
    return _json({**claims, "pad": "0" * (size - len(raw))})


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def open_envelope(
    raw: bytes,
    *,
    own_key: Callable[[str], OwnKey | None],
    partner_of: Callable[[str], Partner | None],
    deployment: str,
    at: datetime,
) -> Opened:
    """Open an envelope that came. `own_key` finds a pair of ours by its id, `partner_of` whose key an id is.

    Raises a `Refused`; of those, ChannelClosed carries the code of the rule. Whether the letter came before is for
    the store to say.
    """
    if len(raw) > LONGEST:
        raise TooLarge
    own_kid, signed = _unsealed(raw, own_key, at)
    partner, kid, claims, payload = _proven(signed, partner_of, at)
    try:
        contents = _may_be_taken(claims, len(payload), partner, own_kid=own_kid, deployment=deployment, at=at)
    except Refused as refusal:
        refusal.partner_id = partner.id
        raise
    return Opened(partner, kid, own_kid, contents, _digest(claims))


def _may_be_taken(
    claims: Mapping[str, Any], length: int, partner: Partner, *, own_kid: str, deployment: str, at: datetime
) -> Contents:
    """What a proven partner wrote, if it is for us, of our time and within what was agreed."""
    if claims.get("iss") != partner.deployment or claims.get("aud") != deployment or claims.get("rkid") != own_kid:
        raise NotForUs
    contents = _contents(claims, length)
    if contents.sent_at > at + SKEW:
        raise NotYet
    if contents.expires_at + SKEW <= at:
        raise Expired
    partner.must_allow(
        Direction.RECEIVE,
        request_type=contents.request_type,
        purpose=contents.purpose,
        data_classes=contents.data_classes,
        at=at,
    )
    return contents


def _unsealed(raw: bytes, own_key: Callable[[str], OwnKey | None], at: datetime) -> tuple[str, str]:
    def private_for(kid: str) -> tuple[bytes, bytes]:
        key = own_key(kid)
        if key is None or not key.opens(at):
            raise NotForUs
        return key.private.seal, key.seal_public

    try:
        kid, signed = jose.unseal(raw.decode("ascii"), private_for=private_for)
        return kid, signed.decode("ascii")
    except (UnicodeDecodeError, jose.NotOurs):
        raise NotAnEnvelope from None
    except jose.NotGenuine:
        raise BadSignature from None


def _proven(
    signed: str, partner_of: Callable[[str], Partner | None], at: datetime
) -> tuple[Partner, str, dict[str, Any], bytes]:
    """The partner, the key and the claims that it signed."""
    try:
        kid = jose.key_named(signed, typ=jose.LETTER)
    except jose.NotOurs:
        raise NotAnEnvelope from None
    partner = partner_of(kid)
    public = proving_key(partner, kid, at)
    assert partner is not None
    try:
        payload = jose.verify(signed, typ=jose.LETTER, public=public)
        return partner, kid, jose.strict_json(payload), payload
    except jose.NotGenuine:
        raise BadSignature from None
    except jose.NotOurs:
        raise InvalidBody from None


def proving_key(partner: Partner | None, kid: str, at: datetime) -> bytes:
    """The public key that proves what `partner` signs with `kid` now.

    Raises UnknownKey, UnverifiedKey, RevokedKey, ExpiredKey.
    """
    key = next((key for key in partner.keys if key.kid == kid), None) if partner is not None else None
    if key is None:
        raise UnknownKey
    match key.state(at):
        case KeyState.VERIFIED:
            return key.sign_public
        case KeyState.EARLY if at + SKEW >= key.not_before:
            return key.sign_public  # made by a clock that is a little ahead of ours
        case KeyState.REVOKED:
            raise RevokedKey
        case KeyState.EXPIRED:
            raise ExpiredKey
        case _:
            raise UnverifiedKey


_CLAIMS = frozenset(
    "iss aud rkid jti seq iat exp kind type purpose data consent re body pad".split()  # noqa: SIM905 - a line of words
)


def _contents(claims: Mapping[str, Any], length: int) -> Contents:
    """The claims as a letter, if every one of them is of its form. Raises InvalidBody."""
    if claims.keys() != _CLAIMS or length not in SIZES:
        raise InvalidBody
    sent, expires, seq, data, body = (claims[name] for name in ("iat", "exp", "seq", "data", "body"))
    fits = (
        _is_text(claims["jti"], ENVELOPE_ID)
        and all(_is_text(claims[name], CODE) for name in ("kind", "purpose"))
        and _is_text(claims["type"], CODE, or_none=True)
        and _is_text(claims["consent"], _CONSENT, or_none=True)
        and _is_text(claims["re"], ENVELOPE_ID, or_none=True)
        and all(type(number) is int for number in (sent, expires, seq))
        and 0 < seq < LARGEST_SEQ
        and 0 < sent < expires <= sent + LONGEST_LIFETIME.total_seconds()
        and sent < LARGEST_SEQ // 1_000_000
        and isinstance(data, list)
        and all(_is_text(each, CODE) for each in data)
        and isinstance(body, dict)
        and _can_be_kept(body)
        and isinstance(claims["pad"], str)
        and not claims["pad"].strip("0")
        and _is_from_where_it_may_be(claims)
    )
    if not fits:
        raise InvalidBody
    return Contents(
        id=claims["jti"],
        seq=seq,
        kind=claims["kind"],
        request_type=claims["type"],
        purpose=claims["purpose"],
        data_classes=frozenset(data),
        consent_ref=claims["consent"],
        in_reply_to=claims["re"],
        sent_at=datetime.fromtimestamp(sent, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC),
        body=body,
    )


def _is_text(value: Any, pattern: re.Pattern[str], *, or_none: bool = False) -> bool:
    if value is None:
        return or_none
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_from_where_it_may_be(claims: Mapping[str, Any]) -> bool:
    """The post's own letters name its own purpose and no person; every other letter belongs to a request."""
    if claims["kind"] in OWN_KINDS:
        return claims["purpose"] == POST and claims["type"] is None and claims["data"] == []
    return claims["purpose"] != POST and claims["type"] is not None


def _can_be_kept(value: Any, depth: int = 0) -> bool:
    """NUL and half characters are no text, and PostgreSQL keeps neither. What is nested deeper was made to harm."""
    if depth > DEEPEST:
        return False
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, Mapping):
        return all(_can_be_kept(name, depth + 1) and _can_be_kept(each, depth + 1) for name, each in value.items())
    return not isinstance(value, list) or all(_can_be_kept(each, depth + 1) for each in value)


def _digest(claims: Mapping[str, Any]) -> str:
    same = {name: value for name, value in claims.items() if name not in {"rkid", "pad"}}
    return hashlib.sha256(json.dumps(same, ensure_ascii=True, sort_keys=True).encode()).hexdigest()
