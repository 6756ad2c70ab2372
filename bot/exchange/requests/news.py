"""News of letters of ours about requests: they arrived, were read, or did not get there and why."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.exchange.post.model import Receipt, ReceiptState
from bot.exchange.requests import hold_notices, letters_store, service, store
from bot.exchange.requests.again import FAILED
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.calling import ring_for
from bot.exchange.requests.forgetting import forgotten
from bot.exchange.requests.history import note
from bot.exchange.requests.letters_store import PutLetter
from bot.exchange.requests.model import (
    Act,
    Request,
    Side,
)
from bot.exchange.requests.opening import move, save
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.passing.model import NOTICES
from bot.exchange.requests.transfer import service as transfers
from bot.kernel.crypto import Vault

NO_SUCH_REQUEST, KNOWN_REQUEST, UNKNOWN_KIND = "no_such_request", "known_request", "unknown_kind"
NOT_ACCEPTED, TOO_MANY_HOLDERS = "not_accepted", "too_many_holders"
#: Why a notice of who has it is refused now and tomorrow. The last: their Waymark is older than such notices.
NEVER_TAKEN = frozenset({NO_SUCH_REQUEST, NOT_ACCEPTED, TOO_MANY_HOLDERS, UNKNOWN_KIND})
#: Why a letter that waited was not sent: what `sending.RequestGatekeeper` said. The last needs no human: one did it.
STOPPED = frozenset({"gate", "hold", "consent", "not_told", "file_is_old", TAKEN_BACK := "withdrawn"})


def told(tx: Connection, vault: Vault, receipt: Receipt) -> None:
    """What became of a letter of ours. News that comes late or twice changes nothing."""
    letter = letters_store.get_letter(tx, receipt.envelope_id)
    if letter is None or letter.partner_id != receipt.partner_id:
        return
    letters_store.mark_letter(tx, letter.envelope_id, receipt.state.value)
    sealed = store.get_request(tx, letter.request_id, lock=True)
    if sealed is None:
        return
    request = sealed.request
    if _never_had_it(letter, receipt):
        forgotten(tx, vault, request, at=receipt.at)
        return
    if letter.kind == "request_preview" and request.side is Side.OURS:
        receipt = _preview_arrived(tx, vault, request, letter, receipt)
    if letter.kind == "hold_released" and receipt.state is ReceiptState.STORED:
        note(tx, vault, request, "hold_end_arrived", at=receipt.at, once=f"{letter.envelope_id}:stored")
    if letter.kind == "request_body":
        request = _body_arrived(tx, vault, request, letter, receipt)
    if letter.kind == "request_file":
        _file_told(tx, vault, request, letter, receipt)
    elif letter.kind in NOTICES:
        _notice_told(tx, vault, request, letter, receipt)
    elif receipt.state in FAILED:
        _failed(tx, vault, request, letter, receipt)


def _never_had_it(letter: PutLetter, receipt: Receipt) -> bool:
    """Asked to forget, they say that they know of no such request."""
    refused = receipt.state is ReceiptState.REFUSED and receipt.code == NO_SUCH_REQUEST
    return refused and letter.kind in service.ASKS_TO_FORGET.values()


def _preview_arrived(tx: Connection, vault: Vault, request: Request, letter: PutLetter, receipt: Receipt) -> Receipt:
    """The first letter is there, or was read. What was said again and they had after all counts as there: the receipt
    as it is to be understood."""
    if receipt.state is ReceiptState.REFUSED and receipt.code == KNOWN_REQUEST:
        receipt = replace(receipt, state=ReceiptState.STORED)
        letters_store.mark_letter(tx, letter.envelope_id, receipt.state.value)
    act = {ReceiptState.STORED: Act.DELIVER, ReceiptState.READ: Act.SEE}.get(receipt.state)
    if act is not None and request.allows(act):
        move(tx, vault, request, act, officer_id=None, at=receipt.at)
    return receipt


def _file_told(tx: Connection, vault: Vault, request: Request, letter: PutLetter, receipt: Receipt) -> None:
    if receipt.state in FAILED and attachments.letter_failed(
        tx, vault, request, letter.envelope_id, receipt.code, receipt.at
    ):
        ring_for(tx, request, at=receipt.at)


def _notice_told(tx: Connection, vault: Vault, request: Request, letter: PutLetter, receipt: Receipt) -> None:
    if receipt.code in NEVER_TAKEN and receipt.state is ReceiptState.REFUSED:
        passing.notice_refused(tx, vault, request, letter.envelope_id, at=receipt.at)
    elif receipt.state in FAILED:
        passing.notice_failed(tx, letter.envelope_id)


def _failed(tx: Connection, vault: Vault, request: Request, letter: PutLetter, receipt: Receipt) -> None:
    """A letter did not arrive, or was stopped at our own door: whoever holds the case is called, once."""
    if letter.kind in ("hold_placed", "hold_released"):
        hold_notices.notice_failed(tx, request, letter.envelope_id)
    what = "letter_stopped" if receipt.code in STOPPED else "letter_failed"
    facts: dict[str, Any] = {"kind": letter.kind, "state": receipt.state.value, "code": receipt.code}
    if receipt.named:
        facts["named"] = list(receipt.named)
    once = f"{letter.envelope_id}:{receipt.state.value}"
    if note(tx, vault, request, what, at=receipt.at, facts=facts, once=once) and receipt.code != TAKEN_BACK:
        ring_for(tx, request, at=receipt.at)


def _body_arrived(tx: Connection, vault: Vault, request: Request, letter: PutLetter, receipt: Receipt) -> Request:
    """Whether the partner has the personal part, as far as we know: where it could not be delivered it may be sent
    again, by hand; and what was given up as lost may still be confirmed."""
    failed = {state.value for state in FAILED}
    if transfers.is_transfer(request):
        failed.discard(ReceiptState.UNDELIVERED)  # silence proves nothing: the case may be theirs already
    others = [
        each
        for each in letters_store.letters_of(tx, request.id)
        if each.kind == letter.kind and each.envelope_id != letter.envelope_id and each.state not in failed
    ]
    if request.side is not Side.OURS or others:
        return request
    if receipt.state in failed and request.asked_on is not None:
        known = replace(request, asked_on=None)
        transfers.not_taken(tx, vault, request, at=receipt.at)
    elif receipt.state not in FAILED and request.asked_on is None and not transfers.is_transfer(request):
        known = replace(request, asked_on=receipt.at)
    else:
        return request
    save(tx, request, known)
    return known
