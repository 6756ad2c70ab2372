"""What waits, who holds what and what rings: read once for every open desk instead of once for each.

A board holds the cases of everybody, so nothing is taken from it but by the methods that ask for an officer. They
answer by `bot.kernel.access`, as the queries of `service` do for one officer; a test holds the two together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import alarm_store, service, store
from bot.cases.model import Case
from bot.cases.service import CaseSummary, Queue
from bot.kernel import access
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.officers import Officer
from dialogues.understanding.model import Priority

#: So many of an officer's own cases are listed.
OWN_SHOWN = 50
#: So many alarms are shown as a band of their own.
BANDS = 5
#: So many are heard: what begins to ring behind those that are shown must not begin in silence.
HEARD = 20

NOBODY_WAITS: Final = Queue([], dict.fromkeys(Priority, 0))


class Board(Struct, frozen=True):
    """One look at all open cases."""

    at: datetime
    _waiting: Queue
    _held: Mapping[str, Sequence[CaseSummary]]  # by owner
    _offered: Mapping[str, Sequence[Case]]  # by the colleague who is asked
    _ringing: Mapping[str | None, Sequence[alarm_store.Ring]]  # by owner; None: those that nobody holds
    _watched: Mapping[str, Case]

    def queue_of(self, officer: Officer) -> Queue:
        """What waits for somebody, as far as this officer may see it."""
        scope = access.case_scope(officer)
        return self._waiting if scope.unheld or scope.everyones else NOBODY_WAITS

    def own_of(self, officer: Officer) -> Sequence[CaseSummary]:
        """The cases this officer holds; those whose person waits first."""
        return self._held.get(officer.id, ())[:OWN_SHOWN]

    def own_count(self, officer: Officer) -> int:
        return len(self._held.get(officer.id, ()))

    def ringing_for(self, officer: Officer) -> list[alarm_store.Ring]:
        """The alarms this officer should hear: of their own cases, and of those that nobody has."""
        heard = [*self._ringing.get(officer.id, ()), *self._ringing.get(None, ())]
        seen = [ring for ring in heard if access.allows(officer, Permission.CASE_READ, ring.case)]
        return sorted(seen, key=lambda ring: store.queue_place(ring.case))[:HEARD]

    def offered_to(self, officer: Officer) -> Sequence[Case]:
        """The cases colleagues offer to this officer, the most urgent first."""
        return self._offered.get(officer.id, ())[:BANDS]

    def watched(self, officer: Officer, case_id: str) -> Case | None:
        """A case that stands open on some desk, if this officer may read it."""
        case = self._watched.get(case_id)
        return case if case is not None and access.allows(officer, Permission.CASE_READ, case) else None


class Summaries:
    """Opens the words of each case once, for as long as the sealed words are the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[store.SealedCase, CaseSummary]] = {}

    def of(self, tx: Connection, vault: Vault, sealed: Sequence[store.SealedCase]) -> list[CaseSummary]:
        """What a list shows of each. Cases that are not among them any more are forgotten by `keep_only`."""
        news = [each for each in sealed if self._known.get(each.case.id, (None,))[0] != each]
        for each, summary in zip(news, service.summaries_of(tx, vault, news), strict=True):
            self._known[each.case.id] = (each, summary)
        return [self._known[each.case.id][1] for each in sealed]

    def keep_only(self, case_ids: Collection[str]) -> None:
        self._known = {case_id: known for case_id, known in self._known.items() if case_id in case_ids}


def read_board(
    tx: Connection, vault: Vault, at: datetime, *, limit: int, watched: Collection[str] = (), known: Summaries
) -> Board:
    """Look at all open cases. `limit` of those that wait are listed, all are counted; `watched` are open on a desk."""
    unheld = store.cases.c.owner_id.is_(None)
    waiting = known.of(tx, vault, store.waiting(tx, unheld, limit=limit))
    claimed = known.of(tx, vault, store.all_held(tx))
    known.keep_only({summary.case.id for summary in (*waiting, *claimed)})
    held: dict[str, list[CaseSummary]] = defaultdict(list)
    offered: dict[str, list[Case]] = defaultdict(list)
    for summary in claimed:
        held[str(summary.case.owner_id)].append(summary)
    for case in sorted((each.case for each in claimed if each.case.offered_to), key=store.queue_place):
        offered[str(case.offered_to)].append(case)
    ringing: dict[str | None, list[alarm_store.Ring]] = defaultdict(list)
    for ring in alarm_store.ringing(tx, waiting=HEARD):
        ringing[ring.case.owner_id].append(ring)
    queue = Queue(waiting, store.waiting_counts(tx, unheld))
    return Board(at, queue, held, offered, ringing, store.cases_among(tx, watched))
