"""How urgent a case is, as a human judges it: the program hears signs of danger, and can be wrong both ways.

Whoever may take a case can say that it is more urgent; that it is less so, only who coordinates, as with a lower risk.
Each needs a reason, which stands among the notes. From then on all that hangs on it follows: the place in the queue,
how fast the alarm climbs, how long a silence may last.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.cases import alarm, store, supervision_store
from bot.cases.hand import Hand, note_down, visible, write_down
from bot.cases.model import Case, NotAllowedNow
from bot.kernel import access
from bot.kernel.access import Permission
from dialogues.understanding.model import Priority

LONGEST_WHY = 500


def judge(tx: Connection, hand: Hand, case_id: str, priority: Priority, *, why: str) -> Case:
    """Say how urgent an open case is. It rings anew where nobody has it, or where somebody else has to know.

    Raises CaseNotFound, NotAllowedNow.
    """
    before, why = visible(tx, hand.officer, case_id, at=hand.at, lock=True).case, why.strip()
    worse = priority < before.priority
    allowed = access.allows(hand.officer, Permission.CASE_RAISE if worse else Permission.CASE_LOWER, before)
    if not allowed or not before.is_open or priority == before.priority or not why or len(why) > LONGEST_WHY:
        raise NotAllowedNow(before.number)
    case = set_urgency(tx, hand, before, before.judged(priority, at=hand.at))
    ringing = store.get_alarm(tx, case.id)
    climbs = ringing is not None and ringing.climbing
    if case.owner_id is None or climbs or (worse and case.owner_id != hand.officer.id):
        alarm.ring_anew(tx, case, at=hand.at)
    note_down(tx, hand, case, why)
    return case


def set_urgency(tx: Connection, hand: Hand, before: Case, case: Case) -> Case:
    """Keep it and write it down. Raises NotAllowedNow where the case has moved on."""
    if not store.save_case(tx, before, case):
        raise NotAllowedNow(before.number)
    supervision_store.owe_review(tx, case, hand.at)
    act = "judged_more_urgent" if case.priority < before.priority else "judged_less_urgent"
    write_down(
        tx, hand.vault, case, act, officer_id=hand.officer.id, at=hand.at, facts={"priority": case.priority.value}
    )
    return case
