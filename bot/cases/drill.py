"""A drill: a case that says it is one, so that the whole ladder is walked and measured with nobody in danger.

It takes the way of any case: it rings, pages, waits in the queue and is taken by a human. Nothing is sent to a person,
because there is none. Whoever takes it closes it; one that nobody takes is closed by whoever started the drill.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import alarm, auditor, service, store
from bot.cases.hand import AT_DESK, SYSTEM, seal, write_down
from bot.cases.model import ACKNOWLEDGE_WITHIN, Case, CaseStatus
from bot.cases.reasons import DRILL
from bot.conversations import service as conversations
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from dialogues.understanding.model import Priority

REASON = DRILL
WORDS = "This is a drill. Nobody is in danger. Take the case, then close it."
COMMAND = "system:command"
#: No drill is waited for longer. One that still rings then has lost whoever started it.
LONGEST = timedelta(hours=1)


class NobodyWatches(Exception):
    """No pager is running, so a drill would measure nothing. Start one with: ./waymark up"""


class Page(Struct, frozen=True):
    """Somebody was paged."""

    officer_id: str
    way: str  # desk or message
    step: int
    after: timedelta


class Report(Struct, frozen=True):
    """How a drill stands. Times are from its start."""

    number: str
    priority: Priority
    pages: Sequence[Page]
    acknowledged_after: timedelta | None
    acknowledged_by: str | None

    @property
    def in_time(self) -> bool:
        """Whether a human had it within the time that is promised to a person."""
        return self.acknowledged_after is not None and self.acknowledged_after <= ACKNOWLEDGE_WITHIN[self.priority]


def start(tx: Connection, vault: Vault, priority: Priority, *, at: datetime) -> Case:
    """Begin a drill. Raises NobodyWatches."""
    watch = auditor.look_at_watch(tx, at=at)
    if watch.pager_at is None or abs(at - watch.pager_at) > auditor.BEAT_IS_OLD:
        raise NobodyWatches
    conversation_id = conversations.open_conversation(
        tx, vault, channel=AT_DESK, account=REASON, address=new_id(), language="en", at=at
    )
    key = vault.new_key(tx, at)
    case = Case(
        id=new_id(),
        number=service.free_number(tx),
        conversation_id=conversation_id,
        key_id=key.id,
        reason=REASON,
        priority=priority,
        status=CaseStatus.NEW,
        owner_id=None,
        language="en",
        country=None,
        source=REASON,
        reporter=False,
        opened_at=at,
        due_at=at + ACKNOWLEDGE_WITHIN[priority],
    )
    store.add_case(tx, case, words_sealed=seal(key, case.id, "words", WORDS), place_sealed=None)
    alarm.ring(tx, case, at=at)
    facts = {"reason": REASON, "priority": priority.value, "source": REASON}
    write_down(tx, vault, case, "opened", officer_id=None, at=at, facts=facts)
    return case


def look(tx: Connection, case: Case) -> Report:
    """How the drill stands now."""
    ringing = store.get_alarm(tx, case.id, lock=False)
    rows = tx.execute(sa.select(store.pages).where(store.pages.c.case_id == case.id).order_by(store.pages.c.at))
    paged = [Page(row.officer_id, row.way, row.step, row.at - case.opened_at) for row in rows]
    acknowledged = ringing.acknowledged_at if ringing else None
    return Report(
        case.number,
        case.priority,
        paged,
        acknowledged - case.opened_at if acknowledged else None,
        ringing.acknowledged_by if ringing else None,
    )


def end(tx: Connection, vault: Vault, case: Case, *, at: datetime) -> None:
    """Close a drill that nobody took: it must not ring for ever. One that was taken is left to who has it."""
    found = store.get_case(tx, case.id, lock=True)
    if found is not None:
        _close(tx, vault, found.case, at=at)


def end_forgotten(tx: Connection, vault: Vault, case_id: str, *, at: datetime) -> list[str]:
    """Close a drill that outlived whoever started it, and return the topics to wake. Of any other case: nothing."""
    found = store.get_case(tx, case_id)
    if found is None or found.case.reason != REASON or at - found.case.opened_at < LONGEST:
        return []
    return ["queue", "pages", f"case:{case_id}"] if _close(tx, vault, found.case, at=at) else []


def _close(tx: Connection, vault: Vault, case: Case, *, at: datetime) -> bool:
    if case.status is not CaseStatus.NEW:
        return False
    closed = replace(case, status=CaseStatus.CLOSED, closed_at=at, closing=REASON)
    if not store.save_case(tx, case, closed):
        return False
    alarm.acknowledge(tx, case.id, officer_id=SYSTEM, at=at)
    write_down(tx, vault, closed, "close", officer_id=None, at=at, facts={"closing": REASON})
    return True
