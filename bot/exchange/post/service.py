"""Letters, each step of their way one function of a transaction: written, sealed, confirmed; taken in, handed over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from bot.exchange import envelope
from bot.exchange.envelope import CODE, ENVELOPE_ID, Contents, Opened
from bot.exchange.gate import Cleared
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import NotAKeyFile, read_card
from bot.exchange.partners.model import POST, Direction, Partner
from bot.exchange.partners.service import KeyRefused
from bot.exchange.post import store
from bot.exchange.post.model import (
    KEY_CARD,
    KEY_DOUBTED,
    KEY_REVOKED,
    LETTER_LIFETIME,
    OWN_KINDS,
    RECEIPT,
    RESEND,
    VOID,
    Gatekeeper,
    LetterRefused,
    Receipt,
    ReceiptState,
    ReceivedLetter,
    Receiver,
    WaitingLetter,
)
from bot.exchange.post.receipts import SignedReceipt
from bot.exchange.refusals import REFUSALS, ChannelClosed, InvalidBody, Refused, Replayed
from bot.kernel import audit
from bot.kernel.crypto import Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.words import N_

TABLE = "exchange_letters"
#: As JSON in UTF-8. With everything around it, a letter then still fits the largest size of an envelope.
LONGEST_BODY = 480 * 1024
#: After a letter ran out, its number is remembered so much longer: until then a copy is known for one.
REMEMBERED_FOR = timedelta(days=7)
#: How soon a letter is handed over again when the room above failed: first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
#: A letter that a fetching partner could not take is offered again after so long.
FETCHED_IN_VAIN = timedelta(minutes=5)
THE_POST = "system:exchange"
LETTER_REFUSED = "exchange.letter_refused"
SKIPPED_AFTER_RESTORE = 1_000_000
#: Letters that overtook one another are there by then; and so often their sender is asked once more.
GAP_SETTLES_IN, ASKED_AGAIN_AFTER = timedelta(minutes=10), timedelta(days=1)
#: Of one question: so many ranges of numbers, and so many letters looked at in each.
MOST_RANGES, MOST_ASKED_FOR = 50, 200
#: Keys named in one letter.
MOST_KEYS = 50
#: How many fields or the like one refusal names.
MOST_NAMED = 50
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
    _record(tx, vault, at, actor, "exchange.letter_written", envelope_id, facts)
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
    _became(tx, vault, receiver, letter, word.state, word.code, at)


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
        _became(tx, vault, receiver, letter, state, code, at)


#: What may follow what. Nothing leads back; what a partner says late is still news where we had given up.
_RANK = {
    store.WAITING: 0,
    ReceiptState.CLOSED: 1,
    ReceiptState.UNDELIVERED: 1,
    ReceiptState.STORED: 2,
    ReceiptState.READ: 3,
    ReceiptState.EXPIRED: 4,
    ReceiptState.REFUSED: 4,
    ReceiptState.ANSWERED: 5,
}


def _became(
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
    if _RANK[state] <= _RANK[letter.state]:
        return
    store.settle(tx, letter.id, state=state, code=code, at=at)
    # The room locks what the letter is about, as people do before they record what they did.
    if receiver is not None and letter.kind not in OWN_KINDS:
        receiver.told(tx, Receipt(letter.partner_id, letter.id, state, code, at, named))
    _record(tx, vault, at, THE_POST, f"exchange.letter_{state}", letter.id, {"partner": letter.partner_id, "why": code})
    if letter.kind == KEY_CARD and state is ReceiptState.STORED and letter.body is not None:
        partners.set_our_kid(tx, letter.partner_id, _body(tx, vault, letter)["kid"])


# Taking in


def opened(tx: Connection, vault: Vault, raw: bytes, at: datetime) -> Opened:
    """Open an envelope that came. Reads only. Raises a Refused."""
    own = {key.kid: key for key in partners.own_keys(tx, vault)}
    return envelope.open_envelope(
        raw,
        own_key=own.get,
        partner_of=lambda kid: partners.of_key(tx, vault, kid),
        deployment=next((key.deployment for key in own.values()), ""),
        at=at,
    )


def store_envelope(
    tx: Connection, vault: Vault, receiver: Receiver | None, came: Opened, raw: bytes, at: datetime
) -> bool:
    """Keep an envelope that was opened. True if it is new; a copy of one we have is none, and is no error.

    Receipts and keys have their effect here at once. Raises Replayed where another letter came under this number or
    id, ChannelClosed or a key's refusal where that was withdrawn just now, InvalidBody.
    """
    partner, letter = known_partner(tx, vault, came.partner.id), came.contents
    envelope.proving_key(partner, came.kid, at)
    known = store.received(tx, partner.id, letter.id, locked=True)
    if known is not None:
        if known.digest != came.digest:
            raise Replayed
        return False
    if store.is_numbered(tx, partner.id, letter.seq):
        raise Replayed
    row = store.Received(
        partner_id=partner.id,
        envelope_id=letter.id,
        seq=letter.seq,
        kind=letter.kind,
        digest=came.digest,
        raw=raw,
        state=store.WAITING,
        code=None,
        sent_at=letter.sent_at,
        expires_at=letter.expires_at,
        received_at=at,
        attempt=0,
    )
    try:
        with tx.begin_nested():
            store.add_received(tx, row)
    except IntegrityError:  # its copy came at the very same moment, by another server
        return False
    store.hurry(tx, partner.id, at)  # whoever writes can be reached again
    if letter.kind == RECEIPT:  # the room locks what it is about before it records anything, as people do
        _obey(tx, vault, receiver, partner, letter, at)
    audit.take_turn(tx)
    store.note_number(tx, partner.id, letter.seq, at)
    if letter.kind in OWN_KINDS:
        if letter.kind != RECEIPT:
            _obey(tx, vault, receiver, partner, letter, at)
        store.settle_received(tx, row, state=store.HANDED_OVER, code=None, at=at)
    _record(tx, vault, at, THE_POST, "exchange.letter_stored", letter.id, {"partner": partner.id, "kind": letter.kind})
    return True


def _obey(
    tx: Connection, vault: Vault, receiver: Receiver | None, partner: Partner, letter: Contents, at: datetime
) -> None:
    """What the post of a partner says to ours."""
    if letter.kind == KEY_CARD:
        _take_card(tx, vault, partner, letter.body.get("card"), at)
        return
    if letter.kind == KEY_REVOKED:
        _hear_of_revoked(tx, vault, partner, letter.body, at)
        return
    if letter.kind == KEY_DOUBTED:
        _hear_of_doubt(tx, vault, partner, letter.body, at)
        return
    if letter.kind == RESEND:
        _resend(tx, vault, receiver, partner, _numbers(letter.body), at)
        return
    if letter.kind == VOID:
        for first, last in _numbers(letter.body):
            if store.close_gap(tx, partner.id, first, last):
                facts = {"first": str(first), "last": str(last)}
                _record(tx, vault, at, THE_POST, "exchange.numbers_void", letter.id, {"partner": partner.id, **facts})
        return
    of, state, code = (letter.body.get(name) for name in ("of", "state", "code"))
    if not isinstance(of, str) or not ENVELOPE_ID.fullmatch(of) or state not in _FROM_PARTNERS:
        raise InvalidBody
    if code is not None and not (isinstance(code, str) and CODE.fullmatch(code)):
        raise InvalidBody
    ours = store.letter(tx, of, locked=True)
    if ours is not None and ours.partner_id == partner.id:
        _became(tx, vault, receiver, ours, ReceiptState(state), code, at, named=_named(letter.body.get("named")))


def _named(said: Any) -> tuple[str, ...]:
    """What a refusal means, as codes. What is none is left out: the refusal counts all the same."""
    if not isinstance(said, list):
        return ()
    return tuple(each for each in said[:MOST_NAMED] if isinstance(each, str) and CODE.fullmatch(each))


_FROM_PARTNERS = frozenset(ReceiptState) - {ReceiptState.UNDELIVERED, ReceiptState.CLOSED}


# Numbers that did not come


def ask_for_gaps(tx: Connection, vault: Vault, at: datetime) -> int:
    """Ask every partner for those of its letters that have not come: not at once, for letters overtake one another, and
    then once a day as long as such a letter could still be good. Returns how many were asked."""
    missing: dict[str, list[store.Gap]] = {}
    for gap in store.gaps(tx):
        missing.setdefault(gap.partner_id, []).append(gap)
    asked = 0
    for partner_id, found in missing.items():
        due = [
            gap
            for gap in found
            if GAP_SETTLES_IN <= at - gap.noticed_at < LETTER_LIFETIME
            and (gap.asked_at is None or at - gap.asked_at >= ASKED_AGAIN_AFTER)
        ]
        partner = partners.get(tx, partner_id, vault)
        if not due or partner is None or partner.why_closed(at) is not None:
            continue
        body = {"numbers": [[gap.first, gap.last] for gap in due[:MOST_RANGES]]}
        write_own(tx, vault, partner, RESEND, body, in_reply_to=None, actor=THE_POST, at=at)
        store.asked_for_gaps(tx, partner_id, at)
        asked += 1
    return asked


def _resend(
    tx: Connection,
    vault: Vault,
    receiver: Receiver | None,
    partner: Partner,
    numbers: list[tuple[int, int]],
    at: datetime,
) -> None:
    """A partner misses letters of ours. Those that still wait are on their way; for the others it hears that none will
    come. Of one that it had signed for, the words are forgotten here: the room that wrote it is told, once."""
    void: list[tuple[int, int]] = []
    for first, wanted in numbers:
        last = min(wanted, store.last_number(tx, partner.id))
        letters = store.numbered(tx, partner.id, first, last, limit=MOST_ASKED_FOR)
        if len(letters) == MOST_ASKED_FOR:
            last = letters[-1].seq  # the rest when they ask again
        for letter in letters:
            if letter.state != store.WAITING:
                _lost_there(tx, vault, receiver, letter, at)
                continue
            if first < letter.seq:
                void.append((first, letter.seq - 1))
            first = letter.seq + 1
        if first <= last:
            void.append((first, last))
    if void:
        body = {"numbers": [list(each) for each in void]}
        write_own(tx, vault, partner, VOID, body, in_reply_to=None, actor=THE_POST, at=at)


def _lost_there(tx: Connection, vault: Vault, receiver: Receiver | None, letter: store.Letter, at: datetime) -> None:
    if letter.kind in OWN_KINDS or letter.code == LOST_THERE or _RANK[letter.state] < _RANK[ReceiptState.STORED]:
        return
    store.mark_lost(tx, letter.id, LOST_THERE)
    _record(tx, vault, at, THE_POST, "exchange.letter_lost_there", letter.id, {"partner": letter.partner_id})
    if receiver is not None:
        receiver.told(tx, Receipt(letter.partner_id, letter.id, ReceiptState.UNDELIVERED, LOST_THERE, at))


def _numbers(body: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Ranges of numbers out of a letter. Raises InvalidBody."""
    said = body.get("numbers")
    if not isinstance(said, list) or not 0 < len(said) <= MOST_ASKED_FOR * MOST_RANGES:
        raise InvalidBody
    found = []
    for each in said:
        if not isinstance(each, list) or len(each) != 2 or not all(type(number) is int for number in each):
            raise InvalidBody
        first, last = each
        if not 0 < first <= last < envelope.LARGEST_SEQ:
            raise InvalidBody
        found.append((first, last))
    return found


def _hear_of_revoked(tx: Connection, vault: Vault, partner: Partner, body: Mapping[str, Any], at: datetime) -> None:
    """A partner does not believe some keys any more. Of those that we know nothing is sealed for now, until two admins
    have decided; whoever's they are hears of it, and by whom. Nothing is revoked by this."""
    of, said = body.get("deployment"), _keys(body)
    if not isinstance(of, str):
        raise InvalidBody
    ours = {key.kid for key in partners.own_keys(tx, vault) if key.revoked_at is None}
    for kid in said:
        if kid in ours:
            _our_key_is_called_revoked(tx, vault, kid, partner, at)
            continue
        owner = partner_service.doubt_key(tx, vault, kid, of=of, said_by=partner, at=at)
        if owner is not None and owner.id != partner.id:
            told = {"keys": [kid], "by": partner.deployment or "", "settled": False}
            write_own(tx, vault, owner, KEY_DOUBTED, told, in_reply_to=None, actor=THE_POST, at=at)


def _hear_of_doubt(tx: Connection, vault: Vault, partner: Partner, body: Mapping[str, Any], at: datetime) -> None:
    """A partner sends us nothing for now, because another one says that a key of ours is revoked; or it is settled."""
    ours = {key.kid for key in partners.own_keys(tx, vault) if key.revoked_at is None}
    for kid in ours.intersection(_keys(body)):
        if body.get("settled") is True:
            for doubt in partners.doubts_about(tx, [kid]):
                if doubt.said_by == partner.id:
                    partners.save_doubt(tx, replace(doubt, cleared_at=at))
        else:
            _our_key_is_called_revoked(tx, vault, kid, partner, at)


def _our_key_is_called_revoked(tx: Connection, vault: Vault, kid: str, partner: Partner, at: datetime) -> None:
    """It is news as often as it begins: whom they settled it with the last time says nothing of this time."""
    doubt = partners.Doubt(kid, partner.id, partner.id, at)
    if partners.add_doubt(tx, doubt) or partners.say_doubt_again(tx, doubt):
        what, facts = f"key:{kid}", {"partner": partner.id}
        audit.append(tx, vault, at=at, actor=THE_POST, act="exchange.own_key_doubted", object=what, facts=facts)


def _keys(body: Mapping[str, Any]) -> list[str]:
    """Ids of keys out of a letter. Raises InvalidBody."""
    said = body.get("keys")
    if not isinstance(said, list) or not 0 < len(said) <= MOST_KEYS:
        raise InvalidBody
    if not all(isinstance(each, str) and 0 < len(each) <= 64 for each in said):
        raise InvalidBody
    return said


def _take_card(tx: Connection, vault: Vault, partner: Partner, text: Any, at: datetime) -> None:
    """A new key of theirs. It is in the letter of a key we trust, and that key has to vouch for it by itself too."""
    try:
        card = read_card(str(text))
    except NotAKeyFile:
        raise InvalidBody from None
    if any(key.kid == card.kid for key in partner.keys):
        return
    try:
        added = partner_service.add_key(tx, vault, partner.id, card, by=THE_POST, at=at)
    except KeyRefused:
        raise InvalidBody from None
    if added.vouched_by is None:
        raise InvalidBody
    store.hurry(tx, partner.id, at)


def refused_from(tx: Connection, vault: Vault, refusal: Refused, at: datetime) -> None:
    """Note that a letter of a proven partner was not taken in. What strangers send leaves only a line in the log."""
    if refusal.partner_id is not None:
        what, facts = f"partner:{refusal.partner_id}", {"why": refusal.code}
        audit.append(tx, vault, at=at, actor=THE_POST, act=LETTER_REFUSED, object=what, facts=facts)


def hand_over(
    tx: Connection, vault: Vault, receiver: Receiver, partner_id: str, envelope_id: str, at: datetime
) -> bool:
    """Give a stored letter to the room above, once. False if that has been done.

    A refusal of the receiver's goes back to the sender. Whatever else it raises undoes all of this.
    """
    row = store.received(tx, partner_id, envelope_id, locked=True)
    if row is None or row.state != store.WAITING or row.raw is None:
        return False
    if row.expires_at <= at:
        _give_back(tx, vault, row, ReceiptState.EXPIRED, "expired", at)
        return True
    try:
        letter = _reread(tx, vault, row, at)
        with tx.begin_nested():
            receiver.receive(tx, letter)
    except LetterRefused as refusal:
        _give_back(tx, vault, row, ReceiptState.REFUSED, refusal.code, at, named=refusal.named)
    except Refused as refusal:  # the channel was closed, or a key revoked, since it came
        _give_back(tx, vault, row, ReceiptState.REFUSED, refusal.code, at)
    else:
        store.settle_received(tx, row, state=store.HANDED_OVER, code=None, at=at)
        _record(tx, vault, at, THE_POST, "exchange.letter_handed_over", envelope_id, {"partner": partner_id})
    return True


def _reread(tx: Connection, vault: Vault, row: store.Received, at: datetime) -> ReceivedLetter:
    """The letter out of the envelope as it came: nothing that was opened is kept in between."""
    assert row.raw is not None
    came = opened(tx, vault, row.raw, at)
    letter = came.contents
    if came.partner.id != row.partner_id or letter.id != row.envelope_id or letter.request_type is None:
        raise InvalidBody
    return ReceivedLetter(
        partner_id=row.partner_id,
        envelope_id=letter.id,
        kind=letter.kind,
        request_type=letter.request_type,
        purpose=letter.purpose,
        body=letter.body,
        consent_ref=letter.consent_ref,
        in_reply_to=letter.in_reply_to,
        sent_at=letter.sent_at,
        at=at,
    )


def _give_back(
    tx: Connection,
    vault: Vault,
    row: store.Received,
    state: ReceiptState,
    code: str,
    at: datetime,
    *,
    named: Sequence[str] = (),
) -> None:
    store.settle_received(tx, row, state=store.REFUSED, code=code, at=at)
    facts = {"partner": row.partner_id, "why": code}
    _record(tx, vault, at, THE_POST, f"exchange.letter_given_back_{state}", row.envelope_id, facts)
    report(
        tx,
        vault,
        partner_id=row.partner_id,
        envelope_id=row.envelope_id,
        state=state,
        code=code,
        named=named,
        actor=THE_POST,
        at=at,
    )


def put_off(tx: Connection, row: store.Received, at: datetime) -> None:
    """The room above failed with a letter: it is tried again, ever more seldom."""
    pause = min(FIRST_PAUSE * 2 ** min(row.attempt, 12), LONGEST_PAUSE)
    store.postpone_received(tx, row, next_attempt_at=at + pause, code="room_failed")


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


def _record(
    tx: Connection, vault: Vault, at: datetime, actor: str, act: str, envelope_id: str, facts: Mapping[str, str | None]
) -> None:
    audit.append(tx, vault, at=at, actor=actor, act=act, object=f"letter:{envelope_id}", facts=facts)
