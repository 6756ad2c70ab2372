"""What people at the desk do with requests, once they are written down: one use case a function, each of them one
transaction.

A request of ours goes out in two letters. The first says what is asked and by when, and nothing about anybody. Only
when a human on the other side has accepted does the second one say about whom, through the gate once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import telling
from bot.cases.hand import Hand
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.requests import sending, store
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.history import note
from bot.exchange.requests.model import (
    DISCLOSED,
    Act,
    NoConsent,
    NotNow,
    Request,
    Side,
    Status,
)
from bot.exchange.requests.opening import key_of, open_body, save, to_act
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.terms import limit_with
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer.model import TRANSFER
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id

#: The letter that takes back what was told, or what was answered.
ASKS_TO_FORGET = {Side.OURS: "request_withdrawn", Side.THEIRS: "answers_withdrawn"}


def approve(tx: Connection, hand: Hand, request_id: str) -> Request:
    """A second person has read it and stands for it. Raises NotNow to whoever drafted it, unless minutes count, and
    NoConsent where no entry of the ledger carries all that it tells."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_APPROVE).request
    if request.side is not Side.OURS:
        raise NotNow
    sending.require_free_to_move(tx, hand.vault, request)
    approved = request.after(Act.APPROVE, at=hand.at)
    approved = replace(approved, approved_by=hand.officer.id, consent_ref=_carrying(tx, request, at=hand.at))
    save(tx, request, approved)
    note(tx, hand.vault, approved, Act.APPROVE, officer_id=hand.officer.id, at=hand.at)
    return approved


def send_back(tx: Connection, hand: Hand, request_id: str) -> Request:
    """Give an approved request back to be changed."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    moved = replace(request.after(Act.SEND_BACK, at=hand.at), approved_by=None, consent_ref="")
    save(tx, request, moved)
    note(tx, hand.vault, moved, Act.SEND_BACK, officer_id=hand.officer.id, at=hand.at)
    return moved


def send_request(tx: Connection, hand: Hand, request_id: str) -> Request:
    """Send the first letter of an approved request: what is asked and by when, and nobody's name. A case that is
    handed over leaves together with those of the brothers and sisters, or not at all.

    Raises GateShut, NoConsent, ChannelClosed, MayNotMove; the request then stays approved, and nothing has left.
    """
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    if not _hands_over(tx, request):
        return _send(tx, hand, request, {})
    together, group = transfers.travellers(tx, request), new_id()
    sent = []
    for each in together:
        sealed = to_act(tx, hand, each.id, Permission.EXCHANGE_WRITE)
        body = open_body(key_of(tx, hand.vault, each), sealed)
        if not body:
            raise NotNow("erased")
        said = transfers.offer(tx, hand.vault, each, group=group, size=len(together), body=body, at=hand.at)
        sent.append(_send(tx, hand, sealed.request, {"transfer": said}))
    return sent[0]


def _hands_over(tx: Connection, request: Request) -> bool:
    """Whether a case changes hands by this. A partner without Waymark has nothing to keep a case in: it is told, and
    the case stays here."""
    partner = partners.get(tx, request.partner_id)
    return request.type_key == TRANSFER and partner is not None and not partner.by_link


def _send(tx: Connection, hand: Hand, request: Request, more: Mapping[str, Any]) -> Request:
    partner = partners.get(tx, request.partner_id)
    sent = replace(
        request.after(Act.SEND, at=hand.at),
        consent_ref=_carrying(tx, request, at=hand.at),
        sent_at=hand.at,
        due_at=limit_with(request.type, request.limit, partner.agreement if partner else None, hand.at).span.after(
            hand.at
        ),
    )
    preview = {**preview_of(sent), **more}
    sending.send(tx, hand.vault, request, "request_preview", preview, actor=hand.officer.id, at=hand.at)
    save(tx, request, sent)
    note(tx, hand.vault, sent, Act.SEND, officer_id=hand.officer.id, at=hand.at)
    return sent


def preview_of(request: Request) -> dict[str, Any]:
    """What the first letter of a request that was sent says: nothing about anybody."""
    assert request.due_at is not None
    return {
        "number": request.number,
        "type": request.type_key,
        "asks": list(request.asks),
        "limit": request.limit,
        "due_at": request.due_at.isoformat(),
        "language": request.language,
    }


def disclose(tx: Connection, vault: Vault, request: Request, *, actor: str, at: datetime) -> str:
    """Send the personal part to a partner that has accepted. Raises GateShut, NoConsent, ChannelClosed, MayNotMove, and
    NotNow where whoever told us took back what it tells, and no two officers decided otherwise."""
    sealed = store.get_request(tx, request.id)
    if sealed is None or request.asked_on is not None or request.status not in DISCLOSED:
        raise NotNow
    if passing.is_taken_back_above(tx, request.id) and not sending.is_overridden(tx, request, at=at):
        raise NotNow("taken_back")
    body = open_body(key_of(tx, vault, request), sealed)
    if not body:
        raise NotNow("erased")
    letter = {"fields": body["fields"], "decision": body["decision"], "language": request.language}
    if body.get("decision_translated"):
        letter |= {"other": body["decision_translated"], "other_language": body["translated_into"]}
    letter["assent"] = request.assent.value
    letter |= transfers.part_of_body(tx, vault, request)
    envelope_id = sending.send(tx, vault, request, "request_body", letter, actor=actor, at=at)
    attachments.send_waiting(tx, vault, request, {""}, actor=actor, at=at)
    transfers.handed(tx, vault, request, at=at)
    save(tx, request, replace(request, asked_on=at, consent_ref=_carrying(tx, request, at=at)))
    passing.passed_on(tx, vault, request, body["fields"], at=at)
    note(tx, vault, request, "disclosed", officer_id=None if actor == sending.SYSTEM else actor, at=at)
    return envelope_id


def disclose_together(tx: Connection, vault: Vault, request: Request, *, actor: str, at: datetime) -> bool:
    """The same for everybody who travels with the child: all, or nobody. False while a sibling is not accepted yet."""
    together = transfers.together_with(tx, request)
    if not all(each.status in DISCLOSED for each in together):
        return False
    for each in together:
        if each.asked_on is None:
            disclose(tx, vault, each, actor=actor, at=at)
    return True


def disclose_again(tx: Connection, hand: Hand, request_id: str) -> None:
    """After the gate or the channel held the personal part back: try once more, by hand."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    if request.asked_on is not None or not disclose_together(
        tx, hand.vault, request, actor=hand.officer.id, at=hand.at
    ):
        raise NotNow


def withdraw(tx: Connection, hand: Hand, request_id: str) -> Request:
    """Take a request back: the partner is told to keep nothing, and stays on the list until it confirms."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    if request.side is not Side.OURS:
        raise NotNow
    if transfers.has_moved(tx, request):
        raise NotNow("handed_over")
    return take_back(tx, hand.vault, request, officer_id=hand.officer.id, at=hand.at)


def take_back(
    tx: Connection,
    vault: Vault,
    request: Request,
    *,
    officer_id: str | None,
    at: datetime,
    why: Mapping[str, str] | None = None,
) -> Request:
    """Take a request back, and whatever travels with it: siblings are not parted by the way.

    Without an officer it is the program that does, because a consent has ended. Raises NotNow.
    """
    together = [each for each in transfers.together_with(tx, request) if each.id != request.id]
    withdrawn = _withdraw_one(tx, vault, request, officer_id=officer_id, at=at, why=why)
    for each in together:
        if each.allows(Act.WITHDRAW) and not transfers.has_moved(tx, each):
            _withdraw_one(tx, vault, each, officer_id=officer_id, at=at, why=why)
    return withdrawn


def _withdraw_one(
    tx: Connection,
    vault: Vault,
    request: Request,
    *,
    officer_id: str | None,
    at: datetime,
    why: Mapping[str, str] | None,
) -> Request:
    withdrawn = request.after(Act.WITHDRAW, at=at)
    if request.sent_at is not None:
        withdrawn = ask_to_forget(tx, vault, withdrawn, actor=officer_id or sending.SYSTEM, at=at)
    save(tx, request, withdrawn)
    note(tx, vault, withdrawn, Act.WITHDRAW, officer_id=officer_id, at=at, facts=why)
    transfers.stays(tx, vault, withdrawn, at=at, proven=False)
    return withdrawn


def ask_to_forget(tx: Connection, vault: Vault, request: Request, *, actor: str, at: datetime) -> Request:
    """The request, marked until its partner confirms: what we told, or what we answered. Codes need no gate and no
    consent: this word must reach everybody who was told. Where the channel is closed nothing can: then the mark stays,
    and a human calls them."""
    savepoint = tx.begin_nested()
    try:
        sending.send(tx, vault, request, ASKS_TO_FORGET[request.side], {}, actor=actor, at=at)
    except ChannelClosed:
        savepoint.rollback()
        note(tx, vault, request, "not_told", officer_id=None, at=at)
    else:
        savepoint.commit()
    return replace(request, told_withdrawn_at=at, forgotten_at=None)


def close(tx: Connection, hand: Hand, request_id: str) -> Request:
    """Put a request that has ended away. The partner is told that nothing more is waited for."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    closed = request.after(Act.CLOSE, at=hand.at)
    if request.side is Side.OURS and request.sent_at is not None and request.status is not Status.WITHDRAWN:
        sending.send(tx, hand.vault, request, "request_closed", {}, actor=hand.officer.id, at=hand.at)
    save(tx, request, closed)
    note(tx, hand.vault, closed, Act.CLOSE, officer_id=hand.officer.id, at=hand.at)
    return closed


def _carrying(tx: Connection, request: Request, *, at: datetime) -> str:
    """The entry of the ledger this rests on from now on. Raises NoConsent, and NotNow while nobody has said whether a
    child who did not agree themselves was told."""
    entry = sending.carried_by(tx, request, at=at)
    if entry is None:
        raise NoConsent
    if not telling.is_settled(tx, entry):
        raise NotNow("not_told")
    return sending.reference(entry)
