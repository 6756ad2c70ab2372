"""A consent has ended: it was taken back, or its time is over. Whoever has something is asked to keep nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases.consent import Kind
from bot.cases.hand import Hand
from bot.cases.model import Case
from bot.exchange.requests import consent_ends_store as ends
from bot.exchange.requests import opening, sending, service, store
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.history import note
from bot.exchange.requests.model import OWED, Act, Request, Side, Status
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.transfer import service as transfers
from bot.kernel.crypto import Vault


class WithdrawnConsents:
    """The exchange as a holder of what the ledger let go (`bot.cases.ports.Holder`)."""

    def consent_withdrawn(self, tx: Connection, hand: Hand, case: Case, consent_id: str) -> None:
        """Take back every request that rests on this consent, and ask each partner that has something to forget it.

        One goes on: that for which two officers have decided, and the ledger says so, to share without consent.
        """
        shared = {share.what for share in consent.shares_of(tx, case.id) if share.consent_id == consent_id}
        for sealed in store.of_case(tx, case.id, lock=True):
            request = sealed.request
            given = {sending.shared_as(request)} | attachments.names_in_ledger(tx, request.id)
            rests = request.consent_ref == f"consent:{consent_id}" or not given.isdisjoint(shared)
            if request.side is Side.OURS and rests and not sending.is_overridden(tx, request, at=hand.at):
                _take_back(tx, hand.vault, request, {"consent": consent_id}, officer_id=hand.officer.id, at=hand.at)


def ended(tx: Connection, vault: Vault, request_id: str, *, at: datetime) -> bool:
    """Do what the end of its consent asks for, where a request rests on one whose time is over. False where that was
    done, or is not so any more.

    Where somebody has agreed anew, it rests on that. A consent that ended is like one that was taken back, and whoever
    holds the case is called. What two officers decided runs out sooner than most answers come: as long as one is owed,
    nothing is taken back for that alone, and they are called to ask or to decide again.
    """
    sealed = store.get_request(tx, request_id, lock=True)
    kind = ends.ended_consent(tx, request_id, at)
    if sealed is None or kind is None:
        return False
    request = sealed.request
    newer = sending.carried_by(tx, request, at=at)
    if newer is not None:
        opening.save(tx, request, replace(request, consent_ref=sending.reference(newer)))
        return True
    why = {"consent": request.consent_ref.partition(":")[2]}
    if kind == Kind.OVERRIDE and request.status in OWED:
        if not note(tx, vault, request, "override_ended", at=at, facts=why, once=f"{request.id}:{request.consent_ref}"):
            return False
    else:
        note(tx, vault, request, "consent_ended", at=at, facts=why)
        _take_back(tx, vault, request, why, officer_id=None, at=at)
    transfers.ring(tx, request.case_id, at=at)
    return True


def ended_above(tx: Connection, vault: Vault, source: Request, *, at: datetime) -> None:
    """A partner took back a request of theirs, or what it had answered to one of ours. Whatever of ours tells what came
    with it is taken back too, down the whole way, and whoever holds the case here is called: requests of ours, and what
    we answered to a request of theirs. What two officers decided goes on, once it was approved, and they are called."""
    for request_id in passing.passed_by_us(tx, source):
        sealed = store.get_request(tx, request_id, lock=True)
        if sealed is None:
            continue
        request, why = sealed.request, {"above": source.id}
        if request.side is Side.THEIRS:
            _take_back_answers(tx, vault, request, why, at=at)
            continue
        if request.told_withdrawn_at is not None or request.status is Status.WITHDRAWN:
            continue
        if request.status is Status.DRAFTED:  # nobody has approved it, on whatever ground
            service.take_back(tx, vault, request, officer_id=None, at=at, why=why)
        elif sending.is_overridden(tx, request, at=at):
            note(tx, vault, request, "taken_back_above", at=at, facts=why, once=f"above:{request.id}:{source.id}")
        else:
            _take_back(tx, vault, request, why, officer_id=None, at=at)
        transfers.ring(tx, request.case_id, at=at)


def _take_back_answers(tx: Connection, vault: Vault, request: Request, why: Mapping[str, str], *, at: datetime) -> None:
    """Everything we answered under it: nobody can say which of the words were theirs."""
    if request.told_withdrawn_at is None and passing.has_told(tx, request):
        asked = service.ask_to_forget(tx, vault, request, actor=sending.SYSTEM, at=at)
        opening.save(tx, request, asked)
        note(tx, vault, asked, "answers_taken_back", officer_id=None, at=at, facts=why)


def _take_back(
    tx: Connection, vault: Vault, request: Request, why: Mapping[str, str], *, officer_id: str | None, at: datetime
) -> None:
    if request.status is Status.DRAFTED:
        return  # nothing was decided yet: it waits for another consent
    if request.allows(Act.WITHDRAW):
        service.take_back(tx, vault, request, officer_id=officer_id, at=at, why=why)
    elif request.asked_on is not None and request.told_withdrawn_at is None:
        actor = officer_id or sending.SYSTEM
        asked = service.ask_to_forget(tx, vault, request, actor=actor, at=at)
        opening.save(tx, request, asked)
        note(tx, vault, asked, "asked_to_forget", officer_id=officer_id, at=at, facts=why)
