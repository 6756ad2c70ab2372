"""Letters that come in, each step one function of a transaction: opened, stored, obeyed where the post of a partner
speaks to ours, and handed to the room above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from bot.exchange import envelope
from bot.exchange.envelope import CODE, ENVELOPE_ID, Contents, Opened
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import NotAKeyFile, read_card
from bot.exchange.partners.model import Partner
from bot.exchange.partners.service import KeyRefused
from bot.exchange.post import service, store
from bot.exchange.post.model import (
    KEY_CARD,
    KEY_DOUBTED,
    KEY_REVOKED,
    LETTER_LIFETIME,
    OWN_KINDS,
    RECEIPT,
    RESEND,
    VOID,
    LetterRefused,
    Receipt,
    ReceiptState,
    ReceivedLetter,
    Receiver,
)
from bot.exchange.post.watch import LETTER_REFUSED
from bot.exchange.refusals import InvalidBody, Refused, Replayed
from bot.kernel import audit
from bot.kernel.crypto import Vault

#: How soon a letter is handed over again when the room above failed: first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
#: Letters that overtook one another are there by then; and so often their sender is asked once more.
GAP_SETTLES_IN, ASKED_AGAIN_AFTER = timedelta(minutes=10), timedelta(days=1)
#: Of one question: so many ranges of numbers, and so many letters looked at in each.
MOST_RANGES, MOST_ASKED_FOR = 50, 200
#: Keys named in one letter.
MOST_KEYS = 50
#: How many fields or the like one refusal names.
MOST_NAMED = 50


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
    partner, letter = service.known_partner(tx, vault, came.partner.id), came.contents
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
    service.record(
        tx,
        vault,
        at,
        service.THE_POST,
        "exchange.letter_stored",
        letter.id,
        {"partner": partner.id, "kind": letter.kind},
    )
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
                service.record(
                    tx,
                    vault,
                    at,
                    service.THE_POST,
                    "exchange.numbers_void",
                    letter.id,
                    {"partner": partner.id, **facts},
                )
        return
    of, state, code = (letter.body.get(name) for name in ("of", "state", "code"))
    if not isinstance(of, str) or not ENVELOPE_ID.fullmatch(of) or state not in _FROM_PARTNERS:
        raise InvalidBody
    if code is not None and not (isinstance(code, str) and CODE.fullmatch(code)):
        raise InvalidBody
    ours = store.letter(tx, of, locked=True)
    if ours is not None and ours.partner_id == partner.id:
        service.became(tx, vault, receiver, ours, ReceiptState(state), code, at, named=_named(letter.body.get("named")))


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
        service.write_own(tx, vault, partner, RESEND, body, in_reply_to=None, actor=service.THE_POST, at=at)
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
        service.write_own(tx, vault, partner, VOID, body, in_reply_to=None, actor=service.THE_POST, at=at)


def _lost_there(tx: Connection, vault: Vault, receiver: Receiver | None, letter: store.Letter, at: datetime) -> None:
    if (
        letter.kind in OWN_KINDS
        or letter.code == service.LOST_THERE
        or service.RANK[letter.state] < service.RANK[ReceiptState.STORED]
    ):
        return
    store.mark_lost(tx, letter.id, service.LOST_THERE)
    service.record(
        tx, vault, at, service.THE_POST, "exchange.letter_lost_there", letter.id, {"partner": letter.partner_id}
    )
    if receiver is not None:
        receiver.told(tx, Receipt(letter.partner_id, letter.id, ReceiptState.UNDELIVERED, service.LOST_THERE, at))


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
            service.write_own(tx, vault, owner, KEY_DOUBTED, told, in_reply_to=None, actor=service.THE_POST, at=at)


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
        audit.append(tx, vault, at=at, actor=service.THE_POST, act="exchange.own_key_doubted", object=what, facts=facts)


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
        added = partner_service.add_key(tx, vault, partner.id, card, by=service.THE_POST, at=at)
    except KeyRefused:
        raise InvalidBody from None
    if added.vouched_by is None:
        raise InvalidBody
    store.hurry(tx, partner.id, at)


def refused_from(tx: Connection, vault: Vault, refusal: Refused, at: datetime) -> None:
    """Note that a letter of a proven partner was not taken in. What strangers send leaves only a line in the log."""
    if refusal.partner_id is not None:
        what, facts = f"partner:{refusal.partner_id}", {"why": refusal.code}
        audit.append(tx, vault, at=at, actor=service.THE_POST, act=LETTER_REFUSED, object=what, facts=facts)


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
        service.record(
            tx, vault, at, service.THE_POST, "exchange.letter_handed_over", envelope_id, {"partner": partner_id}
        )
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
    service.record(tx, vault, at, service.THE_POST, f"exchange.letter_given_back_{state}", row.envelope_id, facts)
    service.report(
        tx,
        vault,
        partner_id=row.partner_id,
        envelope_id=row.envelope_id,
        state=state,
        code=code,
        named=named,
        actor=service.THE_POST,
        at=at,
    )


def put_off(tx: Connection, row: store.Received, at: datetime) -> None:
    """The room above failed with a letter: it is tried again, ever more seldom."""
    pause = min(FIRST_PAUSE * 2 ** min(row.attempt, 12), LONGEST_PAUSE)
    store.postpone_received(tx, row, next_attempt_at=at + pause, code="room_failed")
