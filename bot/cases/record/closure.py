"""What has to be true before a case that somebody worked on is closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy.engine import Connection

from bot.cases import consent, waiting_store
from bot.cases.model import LOUD, Case
from bot.cases.record import store
from bot.cases.referrals import store as referrals
from bot.kernel.words import N_

#: What only a person can know: whoever closes says so.
CHECKLIST: Mapping[str, str] = MappingProxyType(
    {
        "safe": N_("The person is safe, or somebody who can act knows where they are."),
        "told": N_("The person knows that this ends, and how to come back."),
        "next": N_("Whoever goes on with it has what they need."),
    }
)


#: Who wrote of danger and went quiet may be unable to write: so long their case stays open for them.
SILENT_FOR = timedelta(hours=72)
TOO_SOON = N_("They wrote of danger less than 72 hours ago. The case stays open for them.")


def silent_too_soon(case: Case, at: datetime) -> str | None:
    """What stands in the way of closing a grave case because the person stopped writing; None where nothing does."""
    since = case.person_wrote_at or case.opened_at
    return TOO_SOON if case.priority in LOUD and at - since < SILENT_FOR else None


def obstacles(tx: Connection, case_id: str) -> list[str]:
    """What the program sees that stands in the way, a sentence each."""
    found = []
    if store.open_task_count(tx, case_id):
        found.append(N_("A task is still open."))
    if any(row.needs_signature and row.signed_by is None for row in store.risks_of(tx, case_id)):
        found.append(N_("A lower risk waits for a supervisor."))
    if referrals.under_way(tx, case_id):
        found.append(N_("A referral is still under way."))
    if any(share.waits_for_recipient for share in consent.shares_of(tx, case_id)):
        found.append(N_("Somebody has not yet stopped using what the person took back."))
    if waiting_store.is_waiting(tx, case_id):
        found.append(N_("An answer still waits until it is safe to send it."))
    return found


def missing(tx: Connection, case_id: str, checked: Collection[str]) -> list[str]:
    """What keeps a case from being closed. Nothing for one that was only talked in: it needs no checklist."""
    in_the_way = obstacles(tx, case_id)
    if store.is_followed(tx, case_id):
        in_the_way += [sentence for item, sentence in CHECKLIST.items() if item not in checked]
    return in_the_way
