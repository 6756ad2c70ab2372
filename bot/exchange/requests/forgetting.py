"""That nothing is kept any more: what the ledger of a case says once a partner, and everybody below it, has let go."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases import store as case_store
from bot.exchange.requests import sending
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.history import note
from bot.exchange.requests.model import (
    Request,
    Side,
)
from bot.exchange.requests.opening import save
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.transfer import service as transfers
from bot.kernel.crypto import Vault


def forgotten(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    """The partner keeps nothing of what we told or answered: the ledger says so at every share made through it."""
    if request.side is Side.OURS:
        transfers.stays(tx, vault, request, at=at, proven=True)
    if request.still_held:
        before, request = request, replace(request, forgotten_at=at)
        save(tx, before, request)
        note(tx, vault, request, "forgotten_there", at=at)
        passing.partner_forgot(tx, vault, request, at=at)
    let_go(tx, vault, request, at=at)


def let_go(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    """Once the partner of a request and everybody below it keep nothing, the ledger of its case says so. What we
    answered is about a case of theirs, and stands in no ledger here."""
    if request.side is not Side.OURS or request.forgotten_at is None or passing.held_below(tx, request):
        return
    found = case_store.get_case(tx, request.case_id) if request.case_id else None
    if found is not None:
        consent.keeps_nothing(tx, vault, found.case, sending.shared_as(request), at=at)
        attachments.keeps_nothing(tx, vault, request, found.case, at=at)


def held_after_all(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    """Somebody below the partner has it although all had said that they keep nothing: the ledger says so again."""
    if request.side is not Side.OURS or request.forgotten_at is None or not passing.held_below(tx, request):
        return
    found = case_store.get_case(tx, request.case_id) if request.case_id else None
    if found is not None:
        consent.kept_after_all(tx, vault, found.case, sending.shared_as(request), at=at)
        attachments.kept_after_all(tx, vault, request, found.case, at=at)
