"""What people at the desk do with requests, ours and theirs: one use case a function, each of them one transaction.

A request of ours goes out in two letters. The first says what is asked and by when, and nothing about anybody. Only
when a human on the other side has accepted does the second one say about whom, through the gate once more.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases import store as case_store
from bot.cases import telling
from bot.cases.consent import Consent
from bot.cases.hand import Hand
from bot.cases.hand import in_scope as case_in_scope
from bot.cases.model import Case
from bot.cases.service import NUMBER_ALPHABET
from bot.exchange.gate import Situation, Stop
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Hold
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed, FocalPoint, Partner
from bot.exchange.post.model import ReceiptState
from bot.exchange.requests import sending, store
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.history import note
from bot.exchange.requests.model import (
    DISCLOSED,
    ENDED,
    Act,
    Assent,
    Incomplete,
    NoConsent,
    NotNow,
    Request,
    RequestNotFound,
    Side,
    Status,
)
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.passing.model import Branch, tree
from bot.exchange.requests.store import Line, PutLetter, RequestEvent, SealedRequest
from bot.exchange.requests.terms import limit_with
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer import store as transfer_store
from bot.exchange.requests.transfer.model import HAND_OVER, TRANSFER, Transfer
from bot.exchange.requests.types import FIELDS, LONGEST, REQUEST_TYPES, Input, RequestType
from bot.kernel import access, audit
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer

LONGEST_TEXT = 4000
#: The letter that takes back what was told, or what was answered.
ASKS_TO_FORGET = {Side.OURS: "request_withdrawn", Side.THEIRS: "answers_withdrawn"}


class Draft(Struct, frozen=True):
    """What an officer wants to ask. `fields` are those of its type and no others."""

    type_key: str
    partner_id: str
    asks: tuple[str, ...]
    fields: Mapping[str, str]
    decision: str  # what must be decided, and why this is needed for it
    assent: str
    language: str
    limit: str = "usual"
    decision_translated: str = ""
    translated_into: str = ""
    adult_id: str | None = None
    tell: bool = False  # whoever wrote to us wants to read in the chat what is asked and that an answer came
    wanted_by: str = ""  # of a transfer: the partner's own request that asked for the file
    passes_on: str = ""  # the request with which, or in answer to which, a partner told us what this tells


class SaidLine(Struct, frozen=True):
    """A line of the thread with its words."""

    line: Line
    text: str
    other: str


class RequestFile(Struct, frozen=True):
    """A request opened by an officer who may read it."""

    sealed: SealedRequest
    partner: Partner | None
    case: Case | None
    fields: Mapping[str, str]
    decision: str
    lines: list[SaidLine]
    events: list[RequestEvent]
    letters: list[PutLetter]
    stops: tuple[Stop, ...]
    override: Any  # the row of the newest override, or None
    holds: list[Hold]
    focal_point: FocalPoint | None
    consent: Consent | None = None  # the entry of the ledger that carries it now, of ours
    erased: bool = False
    transfer: Transfer | None = None
    together: tuple[Request, ...] = ()  # those that travel with it, without itself
    answered: frozenset[str] = field(default_factory=frozenset)
    below_partner: tuple[Branch, ...] = ()  # who has from the partner what we told or answered
    below_us: tuple[Branch, ...] = ()  # who has from us what the partner told or answered

    @property
    def request(self) -> Request:
        return self.sealed.request

    @property
    def held_below(self) -> bool:
        """Whether somebody whom the partner told has not said that they keep nothing."""
        return any(_holds(branch) for branch in self.below_partner)


def _holds(branch: Branch) -> bool:
    return branch.holder.holds or any(_holds(each) for each in branch.below)


# Looking


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


def listed(tx: Connection, officer: Officer, *conditions: ColumnElement[bool], limit: int = 200) -> list[SealedRequest]:
    """The requests of a list, as far as this officer may see them. No words are opened."""
    return store.requests_of(tx, in_scope(officer), *conditions, limit=limit)


def waiting_counts(tx: Connection, officer: Officer, at: datetime) -> tuple[int, int]:
    """How many requests of partners wait for somebody here, and how many of all are overdue."""
    return counts_of(officer, waiting_by_holder(tx, at))


def waiting_by_holder(tx: Connection, at: datetime) -> Mapping[str | None, tuple[int, int]]:
    """The same for everybody at once. Nothing is taken from it but by `counts_of`, which asks for an officer."""
    table = store.exchange_requests
    fresh = table.c.status.in_([Status.DELIVERED.value, Status.SEEN.value])
    return store.counts_by_holder(tx, sa.and_(table.c.side == Side.THEIRS.value, fresh), store.is_overdue(at))


def counts_of(officer: Officer, by_holder: Mapping[str | None, tuple[int, int]]) -> tuple[int, int]:
    """What of it exists for this officer: by the rule of `in_scope`; a test holds the two together."""
    scope = access.case_scope(officer)
    theirs = [
        counts
        for holder, counts in by_holder.items()
        if scope.everyones or (scope.own and holder == scope.officer_id) or (scope.unheld and holder is None)
    ]
    return sum(waiting for waiting, _ in theirs), sum(late for _, late in theirs)


def counted(tx: Connection, officer: Officer, *conditions: ColumnElement[bool]) -> int:
    return store.count(tx, in_scope(officer), *conditions)


def open_request(tx: Connection, hand: Hand, request_id: str) -> RequestFile:
    """Read a request. Raises RequestNotFound; the reading is in the audit log, and one of theirs counts as seen."""
    sealed = _visible(tx, hand, request_id)
    if sealed.request.side is Side.THEIRS and sealed.request.status is Status.DELIVERED:
        _move(tx, hand.vault, sealed.request, Act.SEE, officer_id=hand.officer.id, at=hand.at)
        sending.report(tx, hand.vault, sealed.request, ReceiptState.READ, actor=hand.officer.id, at=hand.at)
        sealed = _visible(tx, hand, request_id)
    audit_read(tx, hand, Permission.EXCHANGE_READ, sealed.request)
    return _file(tx, hand.vault, sealed, at=hand.at)


def require_seen(tx: Connection, hand: Hand, request_id: str) -> SealedRequest:
    """Raises RequestNotFound where this officer may not see it: before what they typed is looked at."""
    return _visible(tx, hand, request_id)


def watch_request(tx: Connection, vault: Vault, officer: Officer, request_id: str, *, at: datetime) -> RequestFile:
    """Look again at a request that is open on this officer's screen."""
    sealed = store.get_request(tx, request_id, in_scope(officer))
    if sealed is None:
        raise RequestNotFound(request_id)
    return _file(tx, vault, sealed, at=at)


def _file(tx: Connection, vault: Vault, sealed: SealedRequest, *, at: datetime) -> RequestFile:
    request = sealed.request
    partner = partners.get(tx, request.partner_id, vault)
    found = case_store.get_case(tx, request.case_id) if request.case_id else None
    key = key_of(tx, vault, request)
    body = open_body(key, sealed)
    lines = [open_line(key, line) for line in store.lines_of(tx, request.id)]
    waits = request.side is Side.OURS and request.status in {Status.DRAFTED, Status.APPROVED}
    of_case = holds.standing_holds(tx, request.case_id) if request.case_id else []
    return RequestFile(
        sealed=sealed,
        partner=partner,
        case=None if found is None else found.case,
        fields=body.get("fields", {}),
        decision=body.get("decision", ""),
        lines=lines,
        events=store.events_of(tx, request.id),
        letters=store.letters_of(tx, request.id),
        stops=sending.stops_for(tx, vault, request, [partner]) if waits and partner else (),
        override=store.override_row(tx, request.id),
        holds=[*of_case, *holds.told_holds(tx, request.id)],
        focal_point=partners.focal_point(tx, partner.country) if partner else None,
        consent=sending.carried_by(tx, request, at=at) if request.side is Side.OURS else None,
        erased=key is None,
        transfer=transfer_store.get(tx, request.id),
        together=tuple(each for each in transfers.together_with(tx, request, lock=False) if each.id != request.id),
        answered=frozenset(store.answered(tx, request.id)),
        below_partner=tree(passing.below_partner(tx, request)),
        below_us=tree(passing.below_us(tx, request)),
    )


def open_line(key: DataKey | None, line: Line) -> SaidLine:
    """A line with its words; without them where the key is gone."""
    return SaidLine(
        line, open_words(key, line.text_sealed, line.id, "text"), open_words(key, line.other_sealed, line.id, "other")
    )


def partners_for(tx: Connection, vault: Vault, request_type: RequestType, *, at: datetime) -> list[Partner]:
    """Whom a request of this type may be sent to today: competent, verified, and under an agreement that holds."""
    return [
        partner
        for partner in partners.everyone(tx, vault)
        if request_type.key in partner.may_send
        and (not partner.competence or request_type.key in partner.competence)
        and partner.why_unreachable(at) is None
    ]


# Asking


class SentBefore(Exception):
    """This very form was sent before: what it asked for is there."""


def require_case(tx: Connection, hand: Hand, case_id: str) -> Case:
    """The case a request may be drafted for. Raises RequestNotFound or NotNow."""
    return case_for(tx, hand, case_id)


def draft(tx: Connection, hand: Hand, case_id: str, wanted: Draft, *, once: str = "") -> str:
    """Write a request of ours down and return its id.

    Raises RequestNotFound, NotNow, MayNotMove, SentBefore, and Incomplete, which names every field that is missing, too
    long or not of this type.
    """
    case = case_for(tx, hand, case_id)
    request_type = _check(tx, hand, case, wanted)
    key = _case_key(tx, hand.vault, case)
    request = Request(
        id=new_id(),
        number=_free_number(tx),
        side=Side.OURS,
        partner_id=wanted.partner_id,
        type_key=request_type.key,
        status=Status.DRAFTED,
        case_id=case.id,
        key_id=key.id,
        asks=tuple(ask for ask in request_type.askable if ask in wanted.asks),
        limit=request_type.limit(wanted.limit).key,
        language=wanted.language,
        drafted_by=hand.officer.id,
        handler_id=None,
        drafted_at=hand.at,
        adult_id=wanted.adult_id,
        assent=Assent(wanted.assent),
        demo=case.demo,
    )
    store.add_request(tx, request, body_sealed=_seal_body(key, request.id, wanted))
    if not note(tx, hand.vault, request, "draft", officer_id=hand.officer.id, at=hand.at, once=once or None):
        raise SentBefore
    if wanted.passes_on:
        passing.plan(tx, request, wanted.passes_on)
    case_store.add_event(
        tx, case.id, "asked_abroad", officer_id=hand.officer.id, at=hand.at, facts={"request": request.id}
    )
    return request.id


def redraft(tx: Connection, hand: Hand, request_id: str, wanted: Draft) -> None:
    """Change a request that is not approved yet. Its type stays."""
    sealed = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE)
    request = sealed.request
    if request.status is not Status.DRAFTED or request.case_id is None or wanted.type_key != request.type_key:
        raise NotNow
    case = case_for(tx, hand, request.case_id)
    request_type = _check(tx, hand, case, wanted)
    changed = replace(
        request,
        partner_id=wanted.partner_id,
        asks=tuple(ask for ask in request_type.askable if ask in wanted.asks),
        limit=request_type.limit(wanted.limit).key,
        language=wanted.language,
        drafted_by=hand.officer.id,  # whoever wrote it last does not approve it
        adult_id=wanted.adult_id,
        assent=Assent(wanted.assent),
    )
    save(tx, request, changed)
    store.reseal_body(tx, request.id, _seal_body(_case_key(tx, hand.vault, case), request.id, wanted))
    note(tx, hand.vault, changed, "redraft", officer_id=hand.officer.id, at=hand.at)


def copy_to(tx: Connection, hand: Hand, request_id: str, partner_id: str, *, once: str = "") -> str:
    """Ask another partner the same: a new draft, which is approved and passes the gate like any other."""
    sealed = _visible(tx, hand, request_id)
    request = sealed.request
    if request.side is not Side.OURS or request.case_id is None:
        raise NotNow
    body = open_body(key_of(tx, hand.vault, request), sealed)
    if not body:
        raise NotNow
    again = Draft(
        request.type_key,
        partner_id,
        request.asks,
        body["fields"],
        body["decision"],
        request.assent,
        request.language,
        request.limit,
        body.get("decision_translated", ""),
        body.get("translated_into", ""),
        request.adult_id,
    )  # whoever asked for the file is not the one it is offered to now
    copied = draft(tx, hand, request.case_id, again, once=once)
    _plan_the_same(tx, request, copied)
    return copied


def _plan_the_same(tx: Connection, request: Request, copied: str) -> None:
    """Whoever told us what a request tells hears of the copy too. Raises NotNow where one of them took it back."""
    new = store.get_request(tx, copied)
    assert new is not None
    for source_id in passing.planned(tx, request.id):
        passing.plan(tx, new.request, source_id)


def approve(tx: Connection, hand: Hand, request_id: str) -> Request:
    """A second person has read it and stands for it. Raises NotNow to whoever drafted it, unless minutes count, and
    NoConsent where no entry of the ledger carries all that it tells."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_APPROVE).request
    if request.side is not Side.OURS:
        raise NotNow
    _require_free(tx, request)
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
    add_situation(tx, hand, case.id, _case_key(tx, hand.vault, case), situation)
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
    tx: Connection, hand: Hand, request_id: str, *, text: str, other: str = "", other_language: str = "", once: str
) -> str | None:
    """Write to the partner about this request. The line's id, or None when this very form was sent before.

    Raises GateShut, NoConsent, ChannelClosed, MayNotMove; nothing is kept then.
    """
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    text, other = text.strip(), other.strip()
    if not text or max(len(text), len(other)) > LONGEST_TEXT or request.status not in DISCLOSED or not request.asked_on:
        raise NotNow
    if sending.is_taken_back(request):
        raise NotNow
    line_id = add_line(
        tx,
        hand,
        request,
        "message",
        text=text,
        language=request.language if request.side is Side.OURS else (hand.officer.languages or ("en",))[0],
        other=other,
        other_language=other_language,
        approved_by=hand.officer.id,
        once=once,
    )
    if line_id is None:
        return None
    line = store.get_line(tx, request.id, line_id)
    assert line is not None
    letter: dict[str, Any] = {"line": line_id, "text": text, "language": line.language}
    if other:
        letter |= {"other": other, "other_language": other_language}
    sending.send(tx, hand.vault, request, "request_message", letter, actor=hand.officer.id, at=hand.at)
    note(tx, hand.vault, request, "message", officer_id=hand.officer.id, at=hand.at)
    return line_id


def translate(tx: Connection, hand: Hand, request_id: str, line_id: str, *, text: str, language: str) -> None:
    """Put a translation beside a line of the thread. The original stays as it is."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    key, text = key_of(tx, hand.vault, request), text.strip()
    if key is None or not text or len(text) > LONGEST_TEXT or store.get_line(tx, request.id, line_id) is None:
        raise NotNow
    sealed = key.seal(text, table="exchange_lines", row=line_id, field="other")
    store.translate_line(tx, line_id, language=language, sealed=sealed)
    note(tx, hand.vault, request, "translate", officer_id=hand.officer.id, at=hand.at)


def require_wanted(tx: Connection, wanted_by: str, partner_id: str) -> None:
    """A transfer may name the partner's own request for the file, and no other. Raises Incomplete."""
    found = store.get_request(tx, wanted_by)
    if found is None or found.request.side is not Side.THEIRS or found.request.partner_id != partner_id:
        raise Incomplete(["wanted_by"])
    if HAND_OVER not in found.request.asks or found.request.asked_on is None:
        raise Incomplete(["wanted_by"])


def to_pass_on(tx: Connection, hand: Hand) -> list[Request]:
    """The requests that this officer may read and through which a partner told us something, by asking or by answering:
    what they told may be what a request of ours tells to somebody else."""
    table = store.exchange_requests
    asked = sa.and_(
        table.c.side == Side.THEIRS.value,
        table.c.asked_on.is_not(None),
        table.c.body_sealed.is_not(None),
        table.c.status != Status.WITHDRAWN.value,
    )
    told = sa.or_(asked, sa.and_(table.c.side == Side.OURS.value, store.has_answers_here()))
    return [each.request for each in listed(tx, hand.officer, told) if not transfers.is_transfer(each.request)]


# What everything above stands on


def _check(tx: Connection, hand: Hand, case: Case, wanted: Draft) -> RequestType:
    request_type = REQUEST_TYPES.get(wanted.type_key)
    if request_type is None:
        raise Incomplete(["type"])
    wrong = []
    if partners.get(tx, wanted.partner_id) is None:
        wrong.append("partner")
    if not set(wanted.asks) or not set(wanted.asks) <= set(request_type.askable):
        wrong.append("asks")
    if not wanted.decision.strip() or max(len(wanted.decision), len(wanted.decision_translated)) > LONGEST_TEXT:
        wrong.append("decision")
    if wanted.assent not in set(Assent):
        wrong.append("assent")
    allowed = (*request_type.tells, *request_type.may_tell)
    wrong += [key for key in wanted.fields if key not in allowed]
    wrong += [key for key in request_type.tells if not wanted.fields.get(key, "").strip()]
    wrong += [key for key in allowed if not _fits(key, wanted.fields.get(key, "").strip(), hand.at)]
    if wrong:
        raise Incomplete(dict.fromkeys(wrong))
    transfers.require_not_handed(tx, case.id, minutes_count=request_type.one_person)
    if wanted.passes_on and wanted.passes_on not in {each.id for each in to_pass_on(tx, hand)}:
        raise Incomplete(["passes_on"])
    if wanted.wanted_by:
        require_wanted(tx, wanted.wanted_by, wanted.partner_id)
    if request_type.moves_child:
        holds.require_free_to_move(tx, case.id, wanted.adult_id)
    elif wanted.adult_id is not None:
        raise Incomplete(["adult"])
    return request_type


def _fits(key: str, value: str, at: datetime) -> bool:
    field_ = FIELDS[key]
    if not value:
        return True
    if len(value) > LONGEST[field_.input]:
        return False
    if field_.input is Input.CHOICE:
        return value in (field_.choices or {})
    if field_.input is Input.YEAR:
        return value.isascii() and value.isdigit() and at.year - 30 <= int(value) <= at.year
    if field_.input is Input.DAY:
        try:
            datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007 - a date, of no time zone
        except ValueError:
            return False
    return True


def _carrying(tx: Connection, request: Request, *, at: datetime) -> str:
    """The entry of the ledger this rests on from now on. Raises NoConsent, and NotNow while nobody has said whether a
    child who did not agree themselves was told."""
    entry = sending.carried_by(tx, request, at=at)
    if entry is None:
        raise NoConsent
    if not telling.is_settled(tx, entry):
        raise NotNow("not_told")
    return sending.reference(entry)


def _require_free(tx: Connection, request: Request) -> None:
    if request.type.moves_child and request.case_id:
        holds.require_free_to_move(tx, request.case_id, request.adult_id)


def case_for(tx: Connection, hand: Hand, case_id: str) -> Case:
    """The case, locked, if this officer may ask about it. Raises RequestNotFound, NotNow."""
    sealed = case_store.get_case(tx, case_id, case_in_scope(hand.officer), lock=True)
    if sealed is None:
        raise RequestNotFound(case_id)
    if not access.allows(hand.officer, Permission.EXCHANGE_DRAFT, sealed.case):
        raise NotNow("not_yours")
    return sealed.case


def _visible(tx: Connection, hand: Hand, request_id: str, *, lock: bool = False) -> SealedRequest:
    sealed = store.get_request(tx, request_id, in_scope(hand.officer), lock=lock)
    if sealed is None:
        raise RequestNotFound(request_id)
    return sealed


def to_act(tx: Connection, hand: Hand, request_id: str, permission: Permission) -> SealedRequest:
    """The request to act on, locked. Unseen is not found; seen but not allowed is NotNow."""
    sealed = _visible(tx, hand, request_id, lock=True)
    if not access.allows(hand.officer, permission, sealed):
        raise NotNow("not_yours")
    return sealed


def save(tx: Connection, before: Request, after: Request) -> None:
    """Write `after`, if the request still stands where `before` stood. Raises NotNow."""
    if not store.save_request(tx, before, after):
        raise NotNow


def _move(tx: Connection, vault: Vault, request: Request, act: Act, *, officer_id: str | None, at: datetime) -> Request:
    moved = request.after(act, at=at)
    save(tx, request, moved)
    note(tx, vault, moved, act, officer_id=officer_id, at=at)
    return moved


def audit_read(tx: Connection, hand: Hand, act: str, request: Request, facts: Mapping[str, str] | None = None) -> None:
    """That somebody read it is in the audit log, and not in the history of the request."""
    object_ = f"request:{request.id}"
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act=act, object=object_, facts=dict(facts or {}))


def _free_number(tx: Connection) -> str:
    while True:
        letters = "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(6))
        number = f"X{letters[:3]}-{letters[3:]}"
        if not store.number_taken(tx, number):
            return number


def key_of(tx: Connection, vault: Vault, request: Request) -> DataKey | None:
    """The key of what is written about a request; None once it was destroyed."""
    try:
        return vault.key(tx, request.key_id)
    except Erased:
        return None


def _case_key(tx: Connection, vault: Vault, case: Case) -> DataKey:
    try:
        return vault.key(tx, case.key_id)
    except Erased:
        raise NotNow("erased") from None


def _seal_body(key: DataKey, request_id: str, wanted: Draft) -> bytes:
    body = {
        "fields": {name: value.strip() for name, value in wanted.fields.items() if value.strip()},
        "decision": wanted.decision.strip(),
        "decision_translated": wanted.decision_translated.strip(),
        "translated_into": wanted.translated_into,
        "wanted_by": wanted.wanted_by,
        "tell": wanted.tell,
    }
    return key.seal_json(body, table="exchange_requests", row=request_id, field="body")


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
