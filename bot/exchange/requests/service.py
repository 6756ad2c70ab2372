"""What people at the desk do with requests, once they are written down: one use case a function, each of them one
transaction.

A request of ours goes out in two letters. The first says what is asked and by when, and nothing about anybody. Only
when a human on the other side has accepted does the second one say about whom, through the gate once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases import store as case_store
from bot.cases import telling
from bot.cases.hand import Hand
from bot.cases.hand import in_scope as case_in_scope
from bot.cases.model import Case
from bot.cases.notice import tell_coordinators
from bot.exchange.gate import Situation
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.requests import sending, store
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.history import note
from bot.exchange.requests.model import (
    DISCLOSED,
    ENDED,
    Act,
    NoConsent,
    NotNow,
    Request,
    RequestNotFound,
    Side,
    Status,
)
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.store import Line, SealedRequest
from bot.exchange.requests.terms import limit_with
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer.model import TRANSFER
from bot.kernel import access, audit
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from bot.kernel.words import N_

LONGEST_TEXT = 4000
#: The kind of a line that is neither an answer nor a hold.
MESSAGE = "message"
MESSAGE_WAITS = N_("A message to a partner about case {number} waits for a second person to read it on the desk.")
#: The letter that takes back what was told, or what was answered.
ASKS_TO_FORGET = {Side.OURS: "request_withdrawn", Side.THEIRS: "answers_withdrawn"}


# Asking


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


def send_all(tx: Connection, hand: Hand, request_ids: Iterable[str]) -> dict[str, Exception | None]:
    """Send several approved requests, each as if it were alone. By id, what stopped it; None for what was sent."""
    outcome: dict[str, Exception | None] = {}
    for request_id in request_ids:
        savepoint = tx.begin_nested()
        try:
            send_request(tx, hand, request_id)
        except Exception as error:
            savepoint.rollback()
            outcome[request_id] = error
        else:
            savepoint.commit()
            outcome[request_id] = None
    return outcome


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
    transfers.finish(tx, hand.vault, closed.case_id, at=hand.at)
    return closed


# The gate


def record_situation(tx: Connection, hand: Hand, case_id: str, situation: Situation) -> list[str]:
    """Write down whom the child of a case fears, asked alone. Returns the requests the gate would stop now.

    Those that are on their way without their personal part keep it back by themselves. For those whose partner has it
    already, whoever holds the case is called: what is known cannot be unknown, but more can be kept from following.
    """
    case = case_for(tx, hand, case_id)
    add_situation(tx, hand, case.id, case_key(tx, hand.vault, case), situation)
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act="gate.situation", object=f"case:{case.id}")
    stopped = []
    for sealed in store.of_case(tx, case.id):
        request = sealed.request
        partner = partners.get(tx, request.partner_id, hand.vault)
        if request.status in ENDED or request.sent_at is None or partner is None:
            continue
        if sending.stops_for(tx, hand.vault, request, [partner]):
            stopped.append(request.id)
            note(tx, hand.vault, request, "gate_shut_since", officer_id=None, at=hand.at)
    return stopped


def known_of_danger(endangers: bool | None) -> Situation:
    """What the gate goes by for words of ours about a request of theirs: only a clear no opens it."""
    return Situation(frozenset(), False) if endangers is False else Situation()


def first_language(officer: Officer) -> str:
    """What somebody writes in who does not say."""
    return (officer.languages or ("en",))[0]


def add_situation(tx: Connection, hand: Hand, subject_id: str, key: DataKey, situation: Situation) -> None:
    """Write down whom the child of a case fears, or whether an answer endangers somebody. The newest counts."""
    row_id = new_id()
    known = {
        "fears": None if situation.fears is None else sorted(situation.fears),
        "asylum": situation.asylum,
        "origins": sorted(situation.origins),
    }
    sealed = key.seal_json(known, table="exchange_situations", row=row_id, field="situation")
    store.add_situation(tx, row_id=row_id, subject_id=subject_id, officer_id=hand.officer.id, at=hand.at, sealed=sealed)


def situation_of_case(tx: Connection, vault: Vault, case: Case) -> Situation:
    """What is recorded of the fear of the child of a case."""
    row = store.situation_row(tx, case.id)
    if row is None or row.sealed is None:
        return Situation()
    try:
        known = vault.key(tx, case.key_id).open_json(
            row.sealed, table="exchange_situations", row=row.id, field="situation"
        )
    except Erased:
        return Situation()
    fears = known["fears"]
    return Situation(None if fears is None else frozenset(fears), known["asylum"], frozenset(known["origins"]))


# The thread, both ways


def write_message(
    tx: Connection,
    hand: Hand,
    request_id: str,
    *,
    text: str,
    language: str = "",
    other: str = "",
    other_language: str = "",
    endangers: bool | None = None,
    once: str,
) -> str | None:
    """Write to the partner about this request. The line's id, or None when this very form was sent before. Words that
    may name an adult with whom the child may not go wait for a second person (`let_message_go`).

    Where it is the partner's request, whoever asks back says whether that could put somebody in danger, as for an
    answer: True, or None for "not known", shuts the gate. Raises GateShut, NoConsent, ChannelClosed, MayNotMove;
    nothing is kept then.
    """
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    text, other = text.strip(), other.strip()
    if not text or max(len(text), len(other)) > LONGEST_TEXT or request.status not in DISCLOSED or not request.asked_on:
        raise NotNow
    key = key_of(tx, hand.vault, request)
    if sending.is_taken_back(request) or key is None:
        raise NotNow
    if request.side is Side.THEIRS:
        add_situation(tx, hand, request.id, key, known_of_danger(endangers))
    waits = sending.names_adult(tx, hand.vault, request, text, other)
    line_id = add_line(
        tx,
        hand,
        request,
        MESSAGE,
        text=text,
        language=language or (request.language if request.side is Side.OURS else first_language(hand.officer)),
        other=other,
        other_language=other_language,
        approved_by=None if waits else hand.officer.id,
        once=once,
    )
    if line_id is None:
        return None
    if waits:
        note(tx, hand.vault, request, "message_waits", officer_id=hand.officer.id, at=hand.at)
        _call_a_second(tx, hand, request, line_id)
    else:
        _send_message(tx, hand, request, line_id)
    return line_id


def _call_a_second(tx: Connection, hand: Hand, request: Request, line_id: str) -> None:
    """A warning that nobody reads warns nobody."""
    found = case_store.get_case(tx, request.case_id or "")
    if found is not None:
        tell_coordinators(tx, hand.vault, hand.words, found.case, MESSAGE_WAITS, thing=f"message:{line_id}", at=hand.at)


def let_message_go(tx: Connection, hand: Hand, request_id: str, line_id: str) -> None:
    """A second person has read a message that may name an adult with whom the child may not go, and it does not say
    that the child goes with them. Raises as `write_message`, and NotNow to whoever wrote it."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_APPROVE).request
    line = _waiting_message(tx, request, line_id)
    if line.author_id == hand.officer.id:
        raise NotNow("not_yours")
    if request.status not in DISCLOSED or sending.is_taken_back(request):
        raise NotNow
    store.approve_line(tx, line.id, hand.officer.id)
    note(tx, hand.vault, request, "message_read", officer_id=hand.officer.id, at=hand.at)
    _send_message(tx, hand, request, line.id)


def drop_message(tx: Connection, hand: Hand, request_id: str, line_id: str) -> None:
    """Take a message back that waits for a second person. Raises NotNow where it does not."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    store.drop_line(tx, _waiting_message(tx, request, line_id).id)
    note(tx, hand.vault, request, "message_dropped", officer_id=hand.officer.id, at=hand.at)


def _waiting_message(tx: Connection, request: Request, line_id: str) -> Line:
    line = store.get_line(tx, request.id, line_id)
    if line is None or not line.ours or line.kind != MESSAGE or line.approved_by is not None:
        raise NotNow
    return line


def _send_message(tx: Connection, hand: Hand, request: Request, line_id: str) -> None:
    line, key = store.get_line(tx, request.id, line_id), key_of(tx, hand.vault, request)
    if line is None or key is None:
        raise NotNow("erased")
    text, other = (
        open_words(key, line.text_sealed, line_id, "text"),
        open_words(key, line.other_sealed, line_id, "other"),
    )
    letter: dict[str, Any] = {"line": line_id, "text": text, "language": line.language}
    if other:
        letter |= {"other": other, "other_language": line.other_language}
    sending.send(tx, hand.vault, request, "request_message", letter, actor=hand.officer.id, at=hand.at)
    note(tx, hand.vault, request, "message", officer_id=hand.officer.id, at=hand.at)


def translate(tx: Connection, hand: Hand, request_id: str, line_id: str, *, text: str, language: str) -> None:
    """Put a translation beside a line of the thread. The original stays as it is."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    key, text = key_of(tx, hand.vault, request), text.strip()
    if key is None or not text or len(text) > LONGEST_TEXT or store.get_line(tx, request.id, line_id) is None:
        raise NotNow
    sealed = key.seal(text, table="exchange_lines", row=line_id, field="other")
    store.translate_line(tx, line_id, language=language, sealed=sealed)
    note(tx, hand.vault, request, "translate", officer_id=hand.officer.id, at=hand.at)


# What everything above stands on


def _carrying(tx: Connection, request: Request, *, at: datetime) -> str:
    """The entry of the ledger this rests on from now on. Raises NoConsent, and NotNow while nobody has said whether a
    child who did not agree themselves was told."""
    entry = sending.carried_by(tx, request, at=at)
    if entry is None:
        raise NoConsent
    if not telling.is_settled(tx, entry):
        raise NotNow("not_told")
    return sending.reference(entry)


def in_scope(officer: Officer) -> ColumnElement[bool]:
    """The requests that exist for this officer, by the rule of `Permission.EXCHANGE_READ`."""
    scope = access.case_scope(officer)
    if scope.everyones:
        return sa.true()
    ways: list[ColumnElement[bool]] = [sa.false()]
    if scope.own:
        ways.append(store.holder == scope.officer_id)
    if scope.unheld:
        ways.append(store.holder.is_(None))
    return sa.or_(*ways)


def case_for(tx: Connection, hand: Hand, case_id: str) -> Case:
    """The case, locked, if this officer may ask about it. Raises RequestNotFound, NotNow."""
    sealed = case_store.get_case(tx, case_id, case_in_scope(hand.officer), lock=True)
    if sealed is None:
        raise RequestNotFound(case_id)
    if not access.allows(hand.officer, Permission.EXCHANGE_DRAFT, sealed.case):
        raise NotNow("not_yours")
    return sealed.case


def visible(tx: Connection, hand: Hand, request_id: str, *, lock: bool = False) -> SealedRequest:
    sealed = store.get_request(tx, request_id, in_scope(hand.officer), lock=lock)
    if sealed is None:
        raise RequestNotFound(request_id)
    return sealed


def to_act(tx: Connection, hand: Hand, request_id: str, permission: Permission) -> SealedRequest:
    """The request to act on, locked. Unseen is not found; seen but not allowed is NotNow."""
    sealed = visible(tx, hand, request_id, lock=True)
    if not access.allows(hand.officer, permission, sealed):
        raise NotNow("not_yours")
    return sealed


def save(tx: Connection, before: Request, after: Request) -> None:
    """Write `after`, if the request still stands where `before` stood. Raises NotNow."""
    if not store.save_request(tx, before, after):
        raise NotNow


def move(tx: Connection, vault: Vault, request: Request, act: Act, *, officer_id: str | None, at: datetime) -> Request:
    moved = request.after(act, at=at)
    save(tx, request, moved)
    note(tx, vault, moved, act, officer_id=officer_id, at=at)
    return moved


def audit_read(tx: Connection, hand: Hand, act: str, request: Request, facts: Mapping[str, str] | None = None) -> None:
    """That somebody read it is in the audit log, and not in the history of the request."""
    object_ = f"request:{request.id}"
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act=act, object=object_, facts=dict(facts or {}))


def key_of(tx: Connection, vault: Vault, request: Request) -> DataKey | None:
    """The key of what is written about a request; None once it was destroyed."""
    try:
        return vault.key(tx, request.key_id)
    except Erased:
        return None


def case_key(tx: Connection, vault: Vault, case: Case) -> DataKey:
    try:
        return vault.key(tx, case.key_id)
    except Erased:
        raise NotNow("erased") from None


def open_body(key: DataKey | None, sealed: SealedRequest) -> dict[str, Any]:
    if key is None or sealed.body_sealed is None:
        return {}
    body: dict[str, Any] = key.open_json(
        sealed.body_sealed, table="exchange_requests", row=sealed.request.id, field="body"
    )
    return body


def open_words(key: DataKey | None, sealed: bytes | None, row: str, field_: str) -> str:
    """Words of a line; "" where they or the key are gone."""
    return "" if key is None or sealed is None else key.open(sealed, table="exchange_lines", row=row, field=field_)


def add_line(
    tx: Connection,
    hand: Hand,
    request: Request,
    kind: str,
    *,
    text: str,
    language: str,
    other: str = "",
    other_language: str = "",
    asked: str | None = None,
    facts: Mapping[str, Any] | None = None,
    not_done: str = "",
    approved_by: str | None = None,
    once: str = "",
) -> str | None:
    """Keep a line of ours in the thread, sealed. Its id, or None where `once` was used before. Raises NotNow."""
    key = key_of(tx, hand.vault, request)
    if key is None:
        raise NotNow("erased")
    line_id = new_id()
    more = dict(facts or {})
    if not_done:
        more[store.NOT_DONE] = key.seal(not_done, table="exchange_lines", row=line_id, field="not_done").hex()
    line = Line(
        line_id,
        request.id,
        hand.at,
        kind,
        True,
        hand.officer.id,
        asked,
        more,
        language,
        key.seal(text, table="exchange_lines", row=line_id, field="text"),
        other_language if other else None,
        key.seal(other, table="exchange_lines", row=line_id, field="other") if other else None,
        approved_by,
        None,
    )
    return line_id if store.add_line(tx, line, once=once or None) else None
