"""Letters of ours, each step of their way one function of a transaction: written, sealed, confirmed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.exchange import envelope
from bot.exchange.envelope import CODE, Contents
from bot.exchange.gate import Cleared
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import POST, Direction, Partner
from bot.exchange.post import store
from bot.exchange.post.model import (
    KEY_CARD,
    KEY_DOUBTED,
    LETTER_LIFETIME,
    OWN_KINDS,
    RECEIPT,
    Gatekeeper,
    Receipt,
    ReceiptState,
    Receiver,
    WaitingLetter,
)
from bot.exchange.post.receipts import SignedReceipt
from bot.exchange.refusals import REFUSALS, ChannelClosed
from bot.kernel import audit
from bot.kernel.crypto import Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.words import N_

TABLE = "exchange_letters"
#: As JSON in UTF-8. With everything around it, a letter then still fits the largest size of an envelope.
LONGEST_BODY = 480 * 1024
#: After a letter ran out, its number is remembered so much longer: until then a copy is known for one.
REMEMBERED_FOR = timedelta(days=7)
#: A letter that a fetching partner could not take is offered again after so long.
FETCHED_IN_VAIN = timedelta(minutes=5)
THE_POST = "system:exchange"
SKIPPED_AFTER_RESTORE = 1_000_000
#: The partner signed for a letter and has it no more: it was restored from an older copy, say.
LOST_THERE = "lost_there"


class NoConsent(Exception):
    """The letter says something about a person and does not name the entry of the ledger that allows it."""


class NotCleared(Exception):
    """The gate's leave is for another letter, or for another reader."""


class BodyTooLarge(Exception):
    """More than `LONGEST_BODY` bytes: send less, or several letters."""


# Writing


def put(
    tx: Connection,
    vault: Vault,
    cleared: Cleared,
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
    """Write a letter to a partner and return its envelope id. It leaves if, and only if, `tx` commits, and the gate is
    still open when it goes.

    `cleared` is the refugee gate's leave for this very letter to this partner.

    `key_id` is the data key of the case it is about: with that key destroyed the letter cannot be read any more, and
    is not sent. `consent_ref` points at the consent ledger and may be None only where `data_classes` is empty.
    `request_type` is what the list of this direction is asked for; an answer names the type of its request.

    This checks the channel, now and again before every attempt to send. Whom a child fears it does not know: it asks
    for the leave, and for it anew through the `Gatekeeper` before every attempt. Raises NotCleared, ChannelClosed,
    NoConsent, BodyTooLarge; nothing is written then.
    """
    _must_fit(cleared, partner_id, kind, body)
    for code in (kind, purpose, request_type, *data_classes):
        if not CODE.fullmatch(code):
            raise ValueError(f"{code!r} is no code")
    if kind in OWN_KINDS or purpose == POST:
        raise ValueError("that word is the post's own")
    partner = known_partner(tx, vault, partner_id)
    partner.must_allow(Direction.SEND, request_type=request_type, purpose=purpose, data_classes=data_classes, at=at)
    if data_classes and not consent_ref:
        raise NoConsent(kind)
    written = _Written(kind, request_type, purpose, data_classes, consent_ref, in_reply_to, body, key_id)
    latest = at + LETTER_LIFETIME
    return _write(tx, vault, partner, written, actor=actor, at=at, expires_at=min(expires_at or latest, latest))


def _must_fit(cleared: Cleared, partner_id: str, kind: str, body: Mapping[str, Any]) -> None:
    if not cleared.fits([partner_id], kind, cleared.about, body):
        raise NotCleared(kind)


def report(
    tx: Connection,
    vault: Vault,
    *,
    partner_id: str,
    envelope_id: str,
    state: ReceiptState,
    code: str | None = None,
    named: Sequence[str] = (),
    actor: str,
    at: datetime,
) -> None:
    """Tell a partner what became of its letter here: a human read it, it was answered, refused, or it ran out. `named`
    is what the code means, as codes; a partner that is older than this does not read it.

    Where the channel is closed it waits like any letter: for a key, or until it runs out.
    """
    partner = known_partner(tx, vault, partner_id)
    body = {"of": envelope_id, "state": state.value, "code": code, **({"named": list(named)} if named else {})}
    write_own(tx, vault, partner, RECEIPT, body, in_reply_to=envelope_id, actor=actor, at=at)


class _Written(Struct, frozen=True):
    kind: str
    request_type: str | None
    purpose: str
    data_classes: frozenset[str]
    consent_ref: str | None
    in_reply_to: str | None
    body: Mapping[str, Any]
    key_id: str


def write_own(
    tx: Connection,
    vault: Vault,
    partner: Partner,
    kind: str,
    body: Mapping[str, Any],
    *,
    in_reply_to: str | None,
    actor: str,
    at: datetime,
) -> None:
    """A letter of the post itself. It names no person, and is sealed at rest with the key of our own pair."""
    key_id = partner_service.current_own_key(tx, vault, at).key_id
    written = _Written(kind, None, POST, frozenset(), None, in_reply_to, body, key_id)
    _write(tx, vault, partner, written, actor=actor, at=at, expires_at=at + LETTER_LIFETIME)


def _write(
    tx: Connection,
    vault: Vault,
    partner: Partner,
    written: _Written,
    *,
    actor: str,
    at: datetime,
    expires_at: datetime,
) -> str:
    text = json.dumps(written.body, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > LONGEST_BODY:
        raise BodyTooLarge(written.kind)
    audit.take_turn(tx)  # a number is a lock on the partner, and most who write have recorded something before
    envelope_id = new_id()
    letter = store.Letter(
        id=envelope_id,
        partner_id=partner.id,
        seq=partners.next_seq(tx, partner.id),
        kind=written.kind,
        request_type=written.request_type,
        purpose=written.purpose,
        data_classes=written.data_classes,
        consent_ref=written.consent_ref,
        in_reply_to=written.in_reply_to,
        key_id=written.key_id,
        body=vault.key(tx, written.key_id).seal(text, table=TABLE, row=envelope_id, field="body"),
        made_at=at,
        expires_at=expires_at,
        state=store.WAITING,
        state_at=at,
        code=None,
        attempt=0,
        next_attempt_at=at,
    )
    store.add_letter(tx, letter)
    facts = {
        "partner": partner.id,
        "kind": written.kind,
        "request_type": written.request_type,
        "consent": written.consent_ref,
    }
    record(tx, vault, at, actor, "exchange.letter_written", envelope_id, facts)
    return envelope_id


# Sending


class Sealed(Struct, frozen=True):
    """A letter ready to go, and the partner as it is now."""

    letter: store.Letter
    partner: Partner
    raw: bytes


def sealed(tx: Connection, vault: Vault, gatekeeper: Gatekeeper, letter: store.Letter, at: datetime) -> Sealed:
    """Seal a letter for the key its partner has now, with the gate's leave of now. Reads only.

    Raises ChannelClosed where nothing may pass any more, LetterStopped where this letter may not, TooLarge, and Erased
    where the case's key is destroyed.
    """
    partner = known_partner(tx, vault, letter.partner_id)
    if letter.kind == KEY_DOUBTED:  # whose key is called revoked has to hear of it
        partner = partner.without_doubts
    own = partner_service.own_key_for(tx, vault, partner, at)
    body = _body(tx, vault, letter)
    if letter.kind not in OWN_KINDS:
        waiting = WaitingLetter(letter.id, letter.partner_id, letter.kind, body)
        _must_fit(gatekeeper.clear(tx, waiting, at), letter.partner_id, letter.kind, body)
    contents = Contents(
        id=letter.id,
        seq=letter.seq,
        kind=letter.kind,
        request_type=letter.request_type,
        purpose=letter.purpose,
        data_classes=letter.data_classes,
        consent_ref=letter.consent_ref,
        in_reply_to=letter.in_reply_to,
        sent_at=letter.made_at.replace(microsecond=0),
        expires_at=letter.expires_at.replace(microsecond=0),
        body=body,
    )
    return Sealed(letter, partner, envelope.seal(contents, own=own, partner=partner, at=at))


def _body(tx: Connection, vault: Vault, letter: store.Letter) -> dict[str, Any]:
    if letter.body is None:
        raise Erased(letter.key_id)
    key = vault.key(tx, letter.key_id)
    body: dict[str, Any] = key.open_json(letter.body, table=TABLE, row=letter.id, field="body")
    return body


def confirmed(
    tx: Connection, vault: Vault, receiver: Receiver | None, partner_id: str, word: SignedReceipt, at: datetime
) -> None:
    """A partner's machine signed that it has a letter, or that it does not take it."""
    if word.envelope_id is None:
        return
    letter = store.letter(tx, word.envelope_id, locked=True)
    if letter is None or letter.partner_id != partner_id:
        return
    if word.state is ReceiptState.REFUSED and may_pass_later(word.code):
        later = at + FETCHED_IN_VAIN
        store.postpone(tx, letter.id, attempt=letter.attempt + 1, next_attempt_at=later, code=word.code or "refused")
        return
    became(tx, vault, receiver, letter, word.state, word.code, at)


def waits_for_a_key(code: str) -> bool:
    """Of the rules that close a channel: whether a human will mend it, so that the letter waits. Any other rule says
    no for good: the letter is not sent, and the room that wrote it is told."""
    return code == "no_key" or code.startswith("key_")


def may_pass_later(code: str | None) -> bool:
    """Whether a letter that was refused with this code is worth another try."""
    refusal = REFUSALS.get(code or "")
    return refusal is not None and refusal.may_pass_later


def refused(tx: Connection, vault: Vault, receiver: Receiver | None, envelope_id: str, code: str, at: datetime) -> None:
    """The partner's machine does not take this letter, and never will."""
    _settle_waiting(tx, vault, receiver, envelope_id, ReceiptState.REFUSED, code, at)


def shut(tx: Connection, vault: Vault, receiver: Receiver | None, envelope_id: str, code: str, at: datetime) -> None:
    """A rule of ours closed the way to the partner, or stopped this letter, or its words were erased."""
    _settle_waiting(tx, vault, receiver, envelope_id, ReceiptState.CLOSED, code, at)


def run_out(tx: Connection, vault: Vault, receiver: Receiver | None, at: datetime) -> int:
    """Give up letters whose time is over, and tell the room that wrote them. Returns how many."""
    over = store.over_letters(tx, at)
    for letter in over:
        _settle_waiting(tx, vault, receiver, letter.id, ReceiptState.UNDELIVERED, letter.code or "never_fetched", at)
    return len(over)


def _settle_waiting(
    tx: Connection,
    vault: Vault,
    receiver: Receiver | None,
    envelope_id: str,
    state: ReceiptState,
    code: str,
    at: datetime,
) -> None:
    letter = store.letter(tx, envelope_id, locked=True)
    if letter is not None and letter.state == store.WAITING:
        became(tx, vault, receiver, letter, state, code, at)


#: What may follow what. Nothing leads back; what a partner says late is still news where we had given up.
RANK = {
    store.WAITING: 0,
    ReceiptState.CLOSED: 1,
    ReceiptState.UNDELIVERED: 1,
    ReceiptState.STORED: 2,
    ReceiptState.READ: 3,
    ReceiptState.EXPIRED: 4,
    ReceiptState.REFUSED: 4,
    ReceiptState.ANSWERED: 5,
}


def became(
    tx: Connection,
    vault: Vault,
    receiver: Receiver | None,
    letter: store.Letter,
    state: ReceiptState,
    code: str | None,
    at: datetime,
    *,
    named: tuple[str, ...] = (),
) -> None:
    if RANK[state] <= RANK[letter.state]:
        return
    store.settle(tx, letter.id, state=state, code=code, at=at)
    # The room locks what the letter is about, as people do before they record what they did.
    if receiver is not None and letter.kind not in OWN_KINDS:
        receiver.told(tx, Receipt(letter.partner_id, letter.id, state, code, at, named))
    record(tx, vault, at, THE_POST, f"exchange.letter_{state}", letter.id, {"partner": letter.partner_id, "why": code})
    if letter.kind == KEY_CARD and state is ReceiptState.STORED and letter.body is not None:
        partners.set_our_kid(tx, letter.partner_id, _body(tx, vault, letter)["kid"])


# Keeping


def after_restore(tx: Connection) -> None:
    """An older copy of this database is in force again: number new letters far above those it may have sent since, or
    its partners would take them for false ones. They will see the gap, and should: something is missing."""
    partners.skip_numbers(tx, SKIPPED_AFTER_RESTORE)


def forget(tx: Connection, at: datetime) -> None:
    """Of letters that ran out, even the numbers go in the end."""
    store.forget_received(tx, at - REMEMBERED_FOR - envelope.SKEW)


def known_partner(tx: Connection, vault: Vault, partner_id: str) -> Partner:
    partner = partners.get(tx, partner_id, vault)
    if partner is None:
        raise ChannelClosed("no_such_partner", N_("There is no such partner."))
    return partner


def record(
    tx: Connection, vault: Vault, at: datetime, actor: str, act: str, envelope_id: str, facts: Mapping[str, str | None]
) -> None:
    audit.append(tx, vault, at=at, actor=actor, act=act, object=f"letter:{envelope_id}", facts=facts)
