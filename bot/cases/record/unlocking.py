"""The second step before what can get a person hurt: faith, ethnicity, identity papers, references of other agencies.

Whoever holds the case may read these, and a desk that stands open or a stolen session must not be enough. They say
why, show again who they are (`bot.kernel.sessions.prove_again`), and read for a quarter of an hour. It stands in the
case and in the audit log, and whoever coordinates is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand, target, write_down
from bot.cases.model import CaseNotFound
from bot.cases.notice import tell_coordinators
from bot.cases.record import unlock_store
from bot.kernel import access
from bot.kernel.access import Permission
from bot.kernel.ids import new_id
from bot.kernel.words import N_

LASTS = timedelta(minutes=15)
#: So far back whoever coordinates sees it on their page.
SHOWN_FOR = timedelta(days=7)

WHY: Mapping[str, str] = MappingProxyType(
    {
        "safety": N_("For their safety now"),
        "share": N_("For something the person agreed to share"),
        "identity": N_("To establish who they are"),
        "write": N_("To write down what they said"),
        "asked": N_("The person asks what is noted"),
    }
)
UNLOCKED = N_("A colleague opened what is restricted in the file of case {number}. The reason is on the desk.")


class Unlocked(Struct, frozen=True):
    """One second step, for whoever coordinates."""

    case_id: str
    number: str
    officer_id: str
    reason: str
    at: datetime


def unlock(tx: Connection, hand: Hand, case_id: str, *, why: str) -> None:
    """Open what is restricted for this officer, who has just shown again who they are. `why` is a code of `WHY`.

    Raises CaseNotFound, NotAllowedNow, and ValueError without a reason.
    """
    case = target(tx, hand, case_id, Permission.RECORD_RESTRICTED)
    if why not in WHY:
        raise ValueError(why)
    unlock_id = new_id()
    unlock_store.add(
        tx,
        id=unlock_id,
        case_id=case.id,
        officer_id=hand.officer.id,
        reason=why,
        at=hand.at,
        expires_at=hand.at + LASTS,
    )
    facts = {"reason": why, "minutes": str(int(LASTS.total_seconds() // 60))}
    write_down(tx, hand.vault, case, "restricted_opened", officer_id=hand.officer.id, at=hand.at, facts=facts)
    tell_coordinators(tx, hand.vault, hand.words, case, UNLOCKED, thing=f"unlock:{unlock_id}", at=hand.at)


def lock(tx: Connection, hand: Hand, case_id: str) -> None:
    """Close it again before its time. Raises CaseNotFound, NotAllowedNow."""
    case = target(tx, hand, case_id, Permission.RECORD_RESTRICTED)
    unlock_store.lock(tx, case.id, hand.officer.id, hand.at)


def lately(tx: Connection, hand: Hand, *, limit: int = 50) -> list[Unlocked]:
    """Whose restricted fields were opened this week, by whom and why. For who coordinates: else CaseNotFound."""
    if not access.allows(hand.officer, Permission.SUPERVISION_READ):
        raise CaseNotFound("supervision")
    rows = unlock_store.since(tx, hand.at - SHOWN_FOR, limit=limit)
    return [Unlocked(row.case_id, row.number, row.officer_id, row.reason, row.at) for row in rows]
