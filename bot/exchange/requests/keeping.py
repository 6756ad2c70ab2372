"""How long what a partner told us is kept: as its agreement says, and not a day longer.

What we were answered belongs to a case of ours and goes with it; files go by their own day
(`bot.exchange.requests.attachments.travel.expire`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bot.exchange.partners import store as partners
from bot.exchange.requests import store, thread_store
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.history import note
from bot.exchange.requests.model import Request
from bot.kernel.crypto import Vault


def forget_what_is_over(tx: Connection, vault: Vault, at: datetime) -> int:
    """Destroy the words of requests of theirs that ended longer ago than the agreement lets us keep them, and of those
    whose partner has no agreement any more. That there was a request stays. Returns how many."""
    count = 0
    for partner in partners.everyone(tx, vault):
        days = partner.agreement.retention_days if partner.agreement is not None else 0
        for request in store.kept_of_theirs(tx, partner.id, ended_before=at - timedelta(days=days)):
            _forget(tx, vault, request, at)
            count += 1
    return count


def _forget(tx: Connection, vault: Vault, request: Request, at: datetime) -> None:
    store.reseal_body(tx, request.id, None)
    thread_store.forget_lines(tx, request.id)
    attachments.forget(tx, request.id)
    vault.destroy(tx, request.key_id, at)
    note(tx, vault, request, "kept_no_longer", at=at)
