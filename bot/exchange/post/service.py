"""Writing letters, and taking them in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Direction
from bot.exchange.post import store
from bot.exchange.post.model import LETTER_LIFETIME, OWN_KINDS
from bot.exchange.refusals import ChannelClosed
from bot.kernel import audit
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.words import N_

TABLE = "exchange_letters"
#: As JSON in UTF-8. With everything around it, a letter then still fits the largest size of an envelope.
LONGEST_BODY = 480 * 1024
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


class NoConsent(Exception):
    """The letter says something about a person and does not name the entry of the ledger that allows it."""


class BodyTooLarge(Exception):
    """More than `LONGEST_BODY` bytes: send less, or several letters."""


def put(
    tx: Connection,
    vault: Vault,
    *,
    partner_id: str,
    kind: str,
    request_type: str,
    purpose: str,
    data_classes: frozenset[str],
    consent_ref: str | None,
    body: Mapping[str, Any],
    key_id: str,
    actor: str,
    at: datetime,
    in_reply_to: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Write a letter to a partner and return its envelope id. It leaves if, and only if, `tx` commits.

    `key_id` is the data key of the case it is about: with that key destroyed the letter cannot be read any more, and
    is not sent. `consent_ref` points at the consent ledger and may be None only where `data_classes` is empty.
    `request_type` is what the list of this direction is asked for; an answer names the type of its request.

    This checks the channel, now and again before every attempt to send. It does not know whom a child fears: the
    refugee gate stands before this call. Raises ChannelClosed, NoConsent, BodyTooLarge; nothing is written then.
    """
    for code in (kind, purpose, *data_classes, *([request_type] if request_type is not None else [])):
        if not _CODE.fullmatch(code):
            raise ValueError(f"{code!r} is no code")
    if kind in OWN_KINDS:
        raise ValueError(f"letters of the kind {kind!r} are written by the post itself")
    partner = partners.get(tx, partner_id, vault)
    if partner is None:
        raise ChannelClosed("no_such_partner", N_("There is no such partner."))
    partner.must_allow(Direction.SEND, request_type=request_type, purpose=purpose, data_classes=data_classes, at=at)
    if data_classes and not consent_ref:
        raise NoConsent(kind)
    return _write(
        tx,
        vault,
        partner_id=partner_id,
        kind=kind,
        request_type=request_type,
        purpose=purpose,
        data_classes=data_classes,
        consent_ref=consent_ref,
        body=body,
        key_id=key_id,
        actor=actor,
        at=at,
        in_reply_to=in_reply_to,
        expires_at=min(expires_at or at + LETTER_LIFETIME, at + LETTER_LIFETIME),
    )


def _write(
    tx: Connection,
    vault: Vault,
    *,
    partner_id: str,
    kind: str,
    request_type: str | None,
    purpose: str,
    data_classes: frozenset[str],
    consent_ref: str | None,
    body: Mapping[str, Any],
    key_id: str,
    actor: str,
    at: datetime,
    in_reply_to: str | None,
    expires_at: datetime,
) -> str:
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if len(written.encode()) > LONGEST_BODY:
        raise BodyTooLarge(kind)
    envelope_id = new_id()
    store.add_letter(
        tx,
        store.Letter(
            id=envelope_id,
            partner_id=partner_id,
            seq=partners.next_seq(tx, partner_id),
            kind=kind,
            request_type=request_type,
            purpose=purpose,
            data_classes=data_classes,
            consent_ref=consent_ref,
            in_reply_to=in_reply_to,
            key_id=key_id,
            body=vault.key(tx, key_id).seal(written, table=TABLE, row=envelope_id, field="body"),
            made_at=at,
            expires_at=expires_at,
            state=store.WAITING,
            state_at=at,
            code=None,
            attempt=0,
            next_attempt_at=at,
        ),
    )
    facts = {"partner": partner_id, "kind": kind, "request_type": request_type, "consent": consent_ref}
    audit.append(tx, vault, at=at, actor=actor, act="exchange.put", object=f"letter:{envelope_id}", facts=facts)
    return envelope_id
