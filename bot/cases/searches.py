"""Looking for a person among the cases: what an officer learns of those that are not theirs, and who sees that.

That there is a case, and who has it, is told so that nobody opens a second one. Whoever has it sees who looked, whoever
coordinates sees how often somebody looks, and a list of names cannot be tried one after the other: past a number of
searches in an hour the cases of colleagues are told no more. A case can be opened all the same, for a boat with sixty
children lands in an hour, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand, is_visible, note_in_audit
from bot.cases.model import Case
from bot.kernel import access, audit
from bot.kernel.access import Permission

#: In the audit log: somebody looked for a person; and in that of a case, that it fitted and is not theirs to read.
SEARCHED, FOUND = "case.search", "case.found"
CASES = "cases"
MOST = 30
COUNTED_FOR = timedelta(hours=1)
SHOWN_FOR = timedelta(days=7)
MOST_ROWS = 5000


class Searches(Struct, frozen=True):
    """How often an officer looked for people in the last seven days."""

    officer_id: str
    times: int
    not_theirs: int  # cases of colleagues that they learnt of
    last: datetime
    too_many: bool  # so many in an hour that nothing more was told


def is_limited(tx: Connection, hand: Hand) -> bool:
    """Whether this officer looked for so many people lately that cases of colleagues are told no more."""
    since = hand.at - COUNTED_FOR
    return len(audit.read_log(tx, object=CASES, actor=hand.officer.id, since=since, limit=MOST)) >= MOST


def tell(tx: Connection, hand: Hand, fitting: Sequence[Case]) -> dict[str, bool]:
    """Which of the cases that fit a search are told, by id, and whether each is theirs to read. The search is written
    down, not what for; and with each case that is not theirs, so that whoever has it sees who looked."""
    limited = is_limited(tx, hand)
    readable = {case.id: is_visible(tx, hand.officer, case.id, at=hand.at) for case in fitting}
    told = {case_id: may_read for case_id, may_read in readable.items() if may_read or not limited}
    not_theirs = [case for case in fitting if told.get(case.id) is False]
    facts: dict[str, audit.Fact] = {"found": len(told), "not_theirs": len(not_theirs), "limited": limited}
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act=SEARCHED, object=CASES, facts=facts)
    for case in not_theirs:
        note_in_audit(tx, hand, FOUND, case)
    return told


def lately(tx: Connection, hand: Hand) -> list[Searches]:
    """Who looked for people, those first who learnt of most cases that are not theirs. Nothing for who does not
    supervise."""
    if not access.allows(hand.officer, Permission.SUPERVISION_READ):
        return []
    found: dict[str, Searches] = {}
    for row in audit.read_log(tx, object=CASES, since=hand.at - SHOWN_FOR, limit=MOST_ROWS):  # the newest first
        so_far = found.get(row.actor, Searches(row.actor, 0, 0, row.at, too_many=False))
        learnt, limited = int(str(row.facts.get("not_theirs", 0))), bool(row.facts.get("limited"))
        times, not_theirs = so_far.times + 1, so_far.not_theirs + learnt
        found[row.actor] = Searches(row.actor, times, not_theirs, so_far.last, so_far.too_many or limited)
    return sorted(found.values(), key=lambda each: (-each.not_theirs, -each.times))
