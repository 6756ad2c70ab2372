"""Looking at the database once for every open desk.

Signals come in crowds, and each of them reaches every desk. Whoever wants to look while another look is about to begin
shares it; no look begins before the last has ended, and the longer looking takes the longer signals are gathered. So
what two hundred open desks cost depends on how much there is to see, and hardly on how many of them there are.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from aiohttp import web
from msgspec import Struct, field
from sqlalchemy.engine import Connection

from bot.cases import auditor, due, supervision_store
from bot.cases.board import Board, Summaries, read_board
from bot.cases.due import Overdue
from bot.desk.frame import QUEUE_LENGTH, count_trouble
from bot.desk.rows import Row, queue_rows
from bot.exchange.holds import claimants
from bot.exchange.requests import looking
from bot.kernel.officers import Officer
from bot.kernel.web_keys import CLOCK, DATABASE, VAULT

#: Signals are gathered for so long at least.
GATHER_SECONDS = 0.05
#: And for so many times what the last look and its showing took, up to a limit: a desk is never later than that.
GATHER_TIMES = 2
GATHER_AT_MOST_SECONDS = 0.4


class Look(Struct, frozen=True):
    """What was there for all desks at one moment. What is one officer's is asked of the board in their name."""

    board: Board
    trouble: int
    asked: Mapping[str | None, tuple[int, int]]  # requests that wait and that are overdue, by who holds them
    to_see: tuple[int, int]  # files opened by breaking the glass, late reviews
    overdue: Overdue
    held: frozenset[str]
    watch: auditor.Watch
    taken_at: float  # on the loop's clock
    _rows: dict[tuple[str, bool, str | None, tuple[str, ...]], tuple[Row, ...]] = field(default_factory=dict)

    def queue_rows(
        self, app: web.Application, officer: Officer, language: str, here: str | None = None
    ) -> tuple[Row, ...]:
        """The queue of an officer, put together once for all who see the same of it in the same language and speak the
        same ones."""
        queue = self.board.queue_of(officer)
        shown = here if any(each.case.id == here for each in queue.waiting) else None
        name = (language, bool(queue.total), shown, officer.languages)
        if name not in self._rows:
            self._rows[name] = queue_rows(
                app, language, queue, speaks=officer.languages, held=self.held, now=self.board.at, here=shown
            )
        return self._rows[name]


class Looks:
    """Takes one look at a time, for all who wait for it."""

    def __init__(self) -> None:
        self._next: asyncio.Task[Look] | None = None
        self._soon: asyncio.Task[Look] | None = None
        self._busy = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._gather = GATHER_SECONDS
        self._summaries = Summaries()
        self._watched: Counter[str] = Counter()

    async def look(self, app: web.Application) -> Look:
        """What is there now or a moment later, never what was there before the call."""
        if self._next is None:
            self._next = asyncio.create_task(self._gathered(app), name="desk-look")
            self._next.add_done_callback(_heed)
        return await asyncio.shield(self._next)  # who goes away meanwhile takes nothing from the others

    async def soon(self, app: web.Application) -> Look:
        """The same for a page that somebody waits for: nothing is gathered, and pages that are asked for while a look
        is under way share the one after it."""
        if self._soon is None:
            self._soon = asyncio.create_task(self._at_once(app), name="desk-look")
            self._soon.add_done_callback(_heed)
        return await asyncio.shield(self._soon)

    @contextmanager
    def watching(self, case_id: str) -> Iterator[None]:
        """While it stands open on a desk, a case is looked at too."""
        self._watched[case_id] += 1
        try:
            yield
        finally:
            self._watched[case_id] -= 1
            if not self._watched[case_id]:
                del self._watched[case_id]

    async def _gathered(self, app: web.Application) -> Look:
        async with self._busy:
            try:
                await asyncio.sleep(self._gather)
            finally:
                self._next = None  # from here on, whoever comes needs a later look
            async with self._reading:
                started = time.perf_counter()
                look = await self._take(app)
                took = time.perf_counter() - started
            self._gather = min(max(GATHER_SECONDS, GATHER_TIMES * took), GATHER_AT_MOST_SECONDS)
            return look

    async def _at_once(self, app: web.Application) -> Look:
        try:
            await self._reading.acquire()
        finally:
            self._soon = None  # the same
        try:
            return await self._take(app)
        finally:
            self._reading.release()

    async def _take(self, app: web.Application) -> Look:
        """One at a time: what was opened of the cases is remembered from one look to the next."""
        loop, vault, clock, watched = asyncio.get_running_loop(), app[VAULT], app[CLOCK], set(self._watched)

        def read(tx: Connection) -> Look:
            at = clock.now()
            board = read_board(tx, vault, at, limit=QUEUE_LENGTH, watched=watched, known=self._summaries)
            watch = auditor.look_at_watch(tx, at=at)
            to_see, asked = supervision_store.count_to_see(tx, at), looking.waiting_by_holder(tx, at)
            overdue, held = due.overdue_tasks(tx, at), claimants.held_cases(tx)
            return Look(board, count_trouble(tx), asked, to_see, overdue, held, watch, loop.time())

        return await app[DATABASE].read(read)


#: One for each application, as long as that lives.
_looks: WeakKeyDictionary[web.Application, Looks] = WeakKeyDictionary()


def looks_of(app: web.Application) -> Looks:
    """What all desks and pages of this application look through."""
    return _looks.setdefault(app, Looks())


def _heed(task: asyncio.Task[Look]) -> None:
    """Nobody may be left to hear of a failure: then it is heard here."""
    if not task.cancelled():
        task.exception()
