"""Referring somebody and closing the loop.

A referral stands on a consent that is in force, or on an override that two officers carry. It shows its receiver
exactly the fields that were chosen, and nothing else is ever read for them. Who has no account gets a link that opens
once, with a code that is read to them by phone, so that neither the message nor the call alone opens it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import consent, telling
from bot.cases import store as case_store
from bot.cases.consent import Purpose
from bot.cases.hand import Hand, key_of, target, unseal, visible, write_down
from bot.cases.model import AdultNamed, Case, CaseError, CaseStatus, MayBeFeared, NotAllowedNow, NotWithThisAdult
from bot.cases.ports import Adults
from bot.cases.record import store as record_store
from bot.cases.record.fields import FIELDS, READING
from bot.cases.record.service import values_of
from bot.cases.referrals import store
from bot.cases.referrals.model import FEEDBACKS, Act, Referral, State, Urgency
from bot.kernel import access, one_time
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id

LONGEST_ASK = 2000
MOST_TRIES = one_time.MOST_TRIES


class NoConsent(CaseError):
    """Nobody agreed to this recipient for this purpose, or not any more. Ask; nothing was sent."""


class LinkDead(CaseError):
    """This link does not open: it was used, is too old, was taken back, or the code was wrong too often."""


class Sent(Struct, frozen=True):
    """A referral that was just sent. Link and code are shown now and never again."""

    referral: Referral
    token: str
    code: str


class Listed(Struct, frozen=True):
    """A referral as its case shows it."""

    referral: Referral
    named: str
    ask: str
    said: str  # what the child says about it


class Shown(Struct, frozen=True):
    """What a receiver sees, once."""

    number: str
    ask: str
    values: Sequence[tuple[str, tuple[str, ...]]]  # field code and what it says
    reply: str  # the token with which they answer
    urgency: Urgency
    answer_by: datetime


def send(
    tx: Connection,
    hand: Hand,
    case_id: str,
    consent_id: str,
    *,
    urgency: Urgency,
    items: Sequence[str],
    ask: str,
    with_adult: str | None,
    adults: Adults,
) -> Sent:
    """Ask somebody to help the child, alone or together with an adult (`with_adult`). Raises NoConsent, NotAllowedNow,
    NotToldFirst, MayBeFeared where the refugee gate stops it, NotWithThisAdult while anything speaks against the two
    being sent together, and AdultNamed where the text may name such an adult; what cannot be shared is not sent in
    part."""
    case = target(tx, hand, case_id, Permission.REFERRAL_SEND)
    ask = ask.strip()
    if case.status is not CaseStatus.CLAIMED or not ask or len(ask) > LONGEST_ASK or not items:
        raise NotAllowedNow(case.number)
    for item in items:
        if item not in FIELDS or not access.allows(hand.officer, READING[FIELDS[item].level], case):
            raise NotAllowedNow(case.number)
    carrying = _carrying(tx, case, consent_id, hand.at)
    if carrying is None:
        raise NoConsent(case.number)
    telling.require_answer(tx, case, carrying)
    _require_may_hear(tx, hand.vault, case, carrying.id, adults)
    if with_adult is not None:
        adults.require_free(tx, case.id, with_adult)
    adults.require_nobody_named(tx, hand.vault, case, ask)
    referral = Referral(
        id=new_id(),
        case_id=case.id,
        consent_id=carrying.id,
        recipient=carrying.agreement.recipient,
        urgency=urgency,
        state=State.SENT,
        items=tuple(sorted(set(items))),
        sent_by=hand.officer.id,
        sent_at=hand.at,
        adult_id=with_adult,
    )
    token, code = one_time.new_token(), one_time.new_code()
    store.add(
        tx,
        referral,
        {
            "ask_sealed": key_of(tx, hand, case).seal(ask, table="referrals", row=referral.id, field="ask"),
            "link_hash": one_time.fingerprint(token),
            "code_hash": _code_hash(hand.vault, referral.id, code),
        },
    )
    consent.share(tx, hand, case, carrying, f"referral:{referral.id}", referral.items)
    _write_down(tx, hand.vault, case, "referral_sent", referral, officer_id=hand.officer.id, at=hand.at)
    return Sent(referral, token, code)


def _carrying(tx: Connection, case: Case, consent_id: str, at: datetime) -> consent.Consent | None:
    row = next((each for each in consent.of_case(tx, case.id) if each.id == consent_id), None)
    if row is None or row.agreement.purpose not in (Purpose.REFERRAL, Purpose.SERVICES):
        return None
    return row if row.carries(at) else None


def move(
    tx: Connection,
    hand: Hand,
    case_id: str,
    referral_id: str,
    act: Act,
    *,
    adults: Adults,
    reason: str = "",
    outcome: str = "",
) -> Referral:
    """What the officer heard by phone, or did themselves. Raises NotAllowedNow for what cannot happen now, and
    NotWithThisAdult for a yes to a child and an adult who may not be sent together any more."""
    case = target(tx, hand, case_id, Permission.REFERRAL_SEND)
    referral = store.get(tx, case.id, referral_id)
    if referral is None:
        raise NotAllowedNow(case.number)
    if act is Act.ACCEPT and referral.adult_id is not None:
        adults.require_free(tx, case.id, referral.adult_id)
    moved = referral.after(act, at=hand.at, reason=reason or None, outcome=outcome or None)
    _save(tx, referral, moved)
    _write_down(tx, hand.vault, case, f"referral_{moved.state}"[:20], moved, officer_id=hand.officer.id, at=hand.at)
    return moved


def record_feedback(tx: Connection, hand: Hand, case_id: str, referral_id: str, feedback: str, *, said: str) -> None:
    """What the child says about it: the loop is closed with this, not before."""
    case = target(tx, hand, case_id, Permission.REFERRAL_SEND)
    referral = store.get(tx, case.id, referral_id)
    if referral is None or feedback not in FEEDBACKS or referral.feedback is not None:
        raise NotAllowedNow(case.number)
    if referral.state not in (State.ATTENDED, State.MISSED, State.CONCLUDED) or len(said) > LONGEST_ASK:
        raise NotAllowedNow(case.number)
    said = said.strip()
    sealed = key_of(tx, hand, case).seal(said, table="referrals", row=referral.id, field="said") if said else None
    _save(tx, referral, replace(referral, feedback=feedback), said_sealed=sealed)
    _write_down(tx, hand.vault, case, "referral_feedback", referral, officer_id=hand.officer.id, at=hand.at)


def referrals_of(tx: Connection, hand: Hand, case_id: str) -> list[Listed]:
    """What was asked of whom, the newest first. Raises CaseNotFound."""
    case = visible(tx, hand.officer, case_id, at=hand.at).case
    named = {row.id: row.agreement.named for row in consent.ledger(tx, hand, case.id)}
    return [
        Listed(
            referral,
            named.get(referral.consent_id, ""),
            _ask(tx, hand.vault, case, referral, row),
            unseal(tx, hand.vault, case, row.said_sealed, "referrals", referral.id, "said"),
        )
        for referral, row in store.of_case(tx, case.id)
    ]


def naming_an_adult(tx: Connection, vault: Vault, case: Case, listed: Sequence[Listed], *, adults: Adults) -> set[str]:
    """The referrals under way whose text may name an adult with whom the child may not go: whoever has read them is
    called."""
    found = set()
    for each in listed:
        if each.referral.is_under_way:
            try:
                adults.require_nobody_named(tx, vault, case, each.ask)
            except AdultNamed:
                found.add(each.referral.id)
    return found


def shut_by_fear(tx: Connection, vault: Vault, case: Case, listed: Sequence[Listed], *, adults: Adults) -> set[str]:
    """The referrals under way that the gate stops by now: no link to them opens."""
    found = set()
    for each in listed:
        if each.referral.is_under_way:
            try:
                _require_may_hear(tx, vault, case, each.referral.consent_id, adults)
            except MayBeFeared:
                found.add(each.referral.id)
    return found


def remind_late(tx: Connection, vault: Vault, *, at: datetime) -> list[str]:
    """Notice the referrals whose window is half gone in silence. Returns their cases. Run every minute."""
    reminded = []
    for referral in store.not_reminded(tx):
        sealed = case_store.get_case(tx, referral.case_id) if referral.reminder_due(at) else None
        if sealed is None:
            continue
        if store.save(tx, referral, replace(referral, reminded_at=at)):
            _write_down(tx, vault, sealed.case, "referral_silent", referral, officer_id=None, at=at)
            reminded.append(sealed.case.id)
    return reminded


def silent_ones(tx: Connection, hand: Hand, *, limit: int = 50) -> list[tuple[Referral, Case]]:
    """The referrals that nobody answers: for who holds the case, and for who coordinates."""
    found = []
    for referral in store.reminded(tx, limit=limit * 4):
        sealed = case_store.get_case(tx, referral.case_id)
        if sealed is not None and access.allows(hand.officer, Permission.RECORD_READ, sealed.case):
            found.append((referral, sealed.case))
    return found[:limit]


# By link, without an account --------------------------------------------------------------------------------------


def is_open(tx: Connection, vault: Vault, token: str, at: datetime, *, adults: Adults) -> bool:
    """Whether a link would still open. Looking does not spend it."""
    found = store.by_link(tx, one_time.fingerprint(token), lock=False)
    return found is not None and _opens(tx, vault, *found, at, adults) is not None


def open_by_link(tx: Connection, vault: Vault, token: str, code: str, at: datetime, *, adults: Adults) -> Shown | None:
    """Show a referral to its receiver, once. None for a wrong code, which is counted. Raises LinkDead.

    (A wrong code must be counted, so it is no exception: an exception would undo the counting.)
    """
    found = store.by_link(tx, one_time.fingerprint(token), lock=True)
    case = _opens(tx, vault, *found, at, adults) if found else None
    if found is None or case is None:
        raise LinkDead
    referral, row = found
    if not hmac.compare_digest(row.code_hash, _code_hash(vault, referral.id, code)):
        store.count_try(tx, referral.id)
        return None
    reply = one_time.new_token()
    if not store.spend_link(tx, referral.id, reply_hash=one_time.fingerprint(reply), at=at):
        raise LinkDead
    if referral.allows(Act.SEE):
        _save(tx, referral, referral.after(Act.SEE, at=at))
    _write_down(tx, vault, case, "referral_seen", referral, officer_id=None, at=at)
    facts = {fact.field: fact for fact in record_store.present_facts(tx, case.id) if fact.field in referral.items}
    values = [(item, values_of(tx, vault, case, facts[item])) for item in FIELDS if item in facts]
    return Shown(case.number, _ask(tx, vault, case, referral, row), values, reply, referral.urgency, referral.answer_by)


def _opens(tx: Connection, vault: Vault, referral: Referral, row: Any, at: datetime, adults: Adults) -> Case | None:
    """The case a link leads to, while it leads there: asked, not too late, still agreed to, and nothing speaks against
    the adult who goes along, nor against one whom the text may name."""
    if row.opened_at is not None or row.tries >= MOST_TRIES or not referral.waits or at >= referral.answer_by:
        return None
    sealed = case_store.get_case(tx, referral.case_id)
    if sealed is None or not sealed.case.is_open:
        return None
    if _carrying(tx, sealed.case, referral.consent_id, at) is None:
        return None
    return None if _is_stopped(tx, vault, sealed.case, referral, row, adults) else sealed.case


def _is_stopped(tx: Connection, vault: Vault, case: Case, referral: Referral, row: Any, adults: Adults) -> bool:
    """Whether an adult who goes along, or whom the text may name, may not go with the child by now, or the child fears
    whom it was sent to. A hold and a fear can come after the referral was sent: both are looked at again each time."""
    try:
        _require_may_hear(tx, vault, case, referral.consent_id, adults)
        if referral.adult_id is not None:
            adults.require_free(tx, case.id, referral.adult_id)
        adults.require_nobody_named(tx, vault, case, _ask(tx, vault, case, referral, row))
    except (NotWithThisAdult, MayBeFeared):
        return True
    return False


def _require_may_hear(tx: Connection, vault: Vault, case: Case, consent_id: str, adults: Adults) -> None:
    """Raises MayBeFeared where the gate stops what would go to whoever this consent names."""
    for row in consent.in_words(tx, vault, case):
        if row.id == consent_id:
            adults.require_may_hear(tx, vault, case, row.agreement)


def _ask(tx: Connection, vault: Vault, case: Case, referral: Referral, row: Any) -> str:
    return unseal(tx, vault, case, row.ask_sealed, "referrals", referral.id, "ask")


def reply_by_link(
    tx: Connection, vault: Vault, reply: str, act: Act, *, reason: str, at: datetime, adults: Adults
) -> Referral:
    """The receiver says yes or no. Raises LinkDead once they did, when it was taken back, and for a yes to a child and
    an adult who may not be sent together any more, or to a text that may name one."""
    found = store.by_reply(tx, one_time.fingerprint(reply))
    sealed = case_store.get_case(tx, found[0].case_id) if found is not None else None
    if found is None or sealed is None or act not in (Act.ACCEPT, Act.DECLINE):
        raise LinkDead
    referral, row = found
    if act is Act.ACCEPT and _is_stopped(tx, vault, sealed.case, referral, row, adults):
        raise LinkDead
    try:
        moved = referral.after(act, at=at, reason=reason or None)
        _save(tx, referral, moved)
    except NotAllowedNow:
        raise LinkDead from None
    _write_down(tx, vault, sealed.case, f"referral_{moved.state}", moved, officer_id=None, at=at)
    return moved


def _save(tx: Connection, before: Referral, after: Referral, **more: Any) -> None:
    if not store.save(tx, before, after, **more):
        raise NotAllowedNow(before.id)


def _write_down(
    tx: Connection, vault: Vault, case: Case, act: str, referral: Referral, *, officer_id: str | None, at: datetime
) -> None:
    facts: Mapping[str, str | None] = {"referral": referral.id}
    write_down(tx, vault, case, act, officer_id=officer_id, at=at, facts=facts)


def _code_hash(vault: Vault, referral_id: str, code: str) -> str:
    return one_time.code_hash(vault, "referral code", referral_id, code)
