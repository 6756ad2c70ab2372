"""Looking at requests: lists, counts, and one of them with everything that stands about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, field
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases import store as case_store
from bot.cases.consent import Consent
from bot.cases.hand import Hand
from bot.cases.model import Case
from bot.exchange.gate import Stop
from bot.exchange.holds import claimants, told_holds
from bot.exchange.holds.model import Hold
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import FocalPoint, Partner
from bot.exchange.post.model import ReceiptState
from bot.exchange.requests import gate_store, history_store, letters_store, sending, store, thread_store
from bot.exchange.requests.letters_store import PutLetter
from bot.exchange.requests.model import (
    Act,
    Request,
    RequestNotFound,
    Side,
    Status,
)
from bot.exchange.requests.opening import audit_read, in_scope, key_of, move, open_body, open_words, visible
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.passing.model import Branch, tree
from bot.exchange.requests.store import SealedRequest
from bot.exchange.requests.thread_store import Line
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer import store as transfer_store
from bot.exchange.requests.transfer.model import Transfer
from bot.exchange.requests.types import RequestType
from bot.kernel import access
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Vault
from bot.kernel.history import Happened
from bot.kernel.officers import Officer


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
    events: list[Happened]
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
    sealed = visible(tx, hand, request_id)
    if sealed.request.side is Side.THEIRS and sealed.request.status is Status.DELIVERED:
        move(tx, hand.vault, sealed.request, Act.SEE, officer_id=hand.officer.id, at=hand.at)
        sending.report(tx, hand.vault, sealed.request, ReceiptState.READ, actor=hand.officer.id, at=hand.at)
        sealed = visible(tx, hand, request_id)
    audit_read(tx, hand, Permission.EXCHANGE_READ, sealed.request)
    return _file(tx, hand.vault, sealed, at=hand.at)


def require_seen(tx: Connection, hand: Hand, request_id: str) -> SealedRequest:
    """Raises RequestNotFound where this officer may not see it: before what they typed is looked at."""
    return visible(tx, hand, request_id)


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
    lines = [open_line(key, line) for line in thread_store.lines_of(tx, request.id)]
    waits = request.side is Side.OURS and request.status in {Status.DRAFTED, Status.APPROVED}
    of_case = claimants.standing_holds(tx, request.case_id) if request.case_id else []
    return RequestFile(
        sealed=sealed,
        partner=partner,
        case=None if found is None else found.case,
        fields=body.get("fields", {}),
        decision=body.get("decision", ""),
        lines=lines,
        events=history_store.events_of(tx, request.id),
        letters=letters_store.letters_of(tx, request.id),
        stops=sending.stops_for(tx, vault, request, [partner]) if waits and partner else (),
        override=gate_store.override_row(tx, request.id),
        holds=[*of_case, *told_holds.standing_on(tx, request.id)],
        focal_point=partners.focal_point(tx, partner.country) if partner else None,
        consent=sending.carried_by(tx, request, at=at) if request.side is Side.OURS else None,
        erased=key is None,
        transfer=transfer_store.get(tx, request.id),
        together=tuple(each for each in transfers.together_with(tx, request, lock=False) if each.id != request.id),
        answered=frozenset(thread_store.answered(tx, request.id)),
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
