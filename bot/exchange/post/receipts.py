"""Signed words between the machines: what became of an envelope, and "give me what waits for me"."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from bot.exchange import jose
from bot.exchange.envelope import CODE, ENVELOPE_ID, SKEW, proving_key
from bot.exchange.partners.keys import OwnKey
from bot.exchange.partners.model import Partner
from bot.exchange.post.model import ReceiptState
from bot.exchange.refusals import BadSignature, Expired, InvalidBody, NotAnEnvelope, NotForUs, NotYet

#: Receipts that may come with one fetch.
MOST_RECEIPTS = 64


class SignedReceipt(Struct, frozen=True):
    """What a partner's machine says of one envelope, by the hash of its bytes: it may not know more of it."""

    state: ReceiptState  # STORED or REFUSED
    code: str | None
    envelope_id: str | None
    sha256: str


def fingerprint_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def write_receipt(
    own: OwnKey, sha256: str, *, partner: Partner | None, envelope_id: str | None, refused: str | None, at: datetime
) -> str:
    """Our word for the envelope with this hash: stored, or refused with a code. It names no person."""
    claims = {
        "iss": own.deployment,
        "aud": None if partner is None else partner.deployment,
        "iat": int(at.timestamp()),
        "of": envelope_id,
        "sha256": sha256,
        "state": ReceiptState.STORED if refused is None else ReceiptState.REFUSED,
        "code": refused,
    }
    return own.sign(json.dumps(claims, separators=(",", ":")).encode(), typ=jose.RECEIPT)


def read_receipt(token: str, *, partner: Partner, deployment: str, at: datetime) -> SignedReceipt:
    """What `partner` says. Raises a Refused when it is not its word, or not a word to us."""
    claims = _claims(token, typ=jose.RECEIPT, partner=partner, at=at)
    if claims.get("iss") != partner.deployment or claims.get("aud") not in (None, deployment):
        raise NotForUs
    state, code, of, digest = (claims.get(name) for name in ("state", "code", "of", "sha256"))
    if state not in (ReceiptState.STORED, ReceiptState.REFUSED) or not isinstance(digest, str):
        raise InvalidBody
    for value, form in ((code, CODE), (of, ENVELOPE_ID)):
        if value is not None and not (isinstance(value, str) and form.fullmatch(value)):
            raise InvalidBody
    return SignedReceipt(ReceiptState(state), code, of, digest)


def write_fetch(own: OwnKey, *, partner: Partner, receipts: Sequence[str], at: datetime) -> str:
    """Ask a partner for the letters that wait there for us, and confirm those that came the last time."""
    claims = {
        "iss": own.deployment,
        "aud": partner.deployment,
        "iat": int(at.timestamp()),
        "receipts": list(receipts),
    }
    return own.sign(json.dumps(claims, separators=(",", ":")).encode(), typ=jose.FETCH)


def read_fetch(token: str, *, partner: Partner, deployment: str, at: datetime) -> list[str]:
    """The receipts that came along. Raises a Refused when it is not the partner who asks, or not now.

    The same words may come twice within minutes: whoever recorded them gets sealed envelopes that open nowhere else.
    """
    claims = _claims(token, typ=jose.FETCH, partner=partner, at=at)
    if claims.get("iss") != partner.deployment or claims.get("aud") != deployment:
        raise NotForUs
    said_at, given = claims.get("iat"), claims.get("receipts")
    if type(said_at) is not int or not 0 < said_at < 2**40 or not isinstance(given, list):
        raise InvalidBody
    if len(given) > MOST_RECEIPTS or not all(isinstance(each, str) for each in given):
        raise InvalidBody
    when = datetime.fromtimestamp(said_at, UTC)
    if when > at + SKEW:
        raise NotYet
    if when < at - SKEW:
        raise Expired
    return given


def signer_of(token: str, *, typ: str) -> str:
    """The id of the key a token claims to be signed with. Raises NotAnEnvelope."""
    try:
        return jose.key_named(token, typ=typ)
    except jose.NotOurs:
        raise NotAnEnvelope from None


def _claims(token: str, *, typ: str, partner: Partner, at: datetime) -> dict[str, Any]:
    public = proving_key(partner, signer_of(token, typ=typ), at)
    try:
        return jose.strict_json(jose.verify(token, typ=typ, public=public))
    except jose.NotGenuine:
        raise BadSignature from None
    except jose.NotOurs:
        raise InvalidBody from None
