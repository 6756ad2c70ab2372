"""Pager, page carrier and auditor as one process that may be killed at any moment, on a clock it is told.

It is forked from a process that has loaded everything, and told moment by moment what time it is: what it does then is
what `Pager.run`, `PageCarrier.run` and `Auditor.run` do when they wake.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from bot.cases.alarm import Paging
from bot.cases.auditor import Auditor
from bot.cases.page_carrier import PageCarrier
from bot.cases.page_ways_store import Way
from bot.cases.pager import Pager
from bot.kernel import failpoints
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import open_database
from bot.kernel.live import Signals
from bot.kernel.mail import Mailer
from bot.kernel.words import Words
from tests.conftest import MASTER_KEY
from tests.forked import FORKED, begin
from tests.integration.cases.world import FixedNumbers

DIED, NO_DATABASE = 137, 3  # how it may end
DESK = "https://help.example/desk/queue"


class Place(Struct, frozen=True):
    """Where a watcher works: the database, the mail server, its log."""

    database_url: str
    mail_url: str
    log: str


class Order(Struct, frozen=True):
    """It is `at`: look now. Without `pages` the pager is dead and only the auditor lives."""

    at: datetime
    pages: bool = True
    audits: bool = False


class Looked(Struct, frozen=True):
    """How a look went. `failed`: the database was away, and it has to be looked again."""

    steps: int = 0
    beat: bool = False  # the outside was told that all is well
    repaired: int = 0
    failed: bool = False


class Died(Exception):
    """The process ended while it looked."""


class Watcher:
    """One such process."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._pipe: Pipe | None = None
        self._process: ForkServerProcess | None = None

    @property
    def lives(self) -> bool:
        return self._process is not None

    async def start(self, at: datetime, may_die: str) -> bool:
        """Whether it came up: without a database it cannot."""
        ours, theirs = FORKED.Pipe()
        process = begin(work, theirs, self._place, at, may_die, log=Path(self._place.log))
        theirs.close()
        self._pipe, self._process = ours, process
        try:
            return bool(await asyncio.to_thread(ours.recv))
        except EOFError:
            await self._bury()
            return False

    async def look(self, order: Order) -> Looked:
        """Raises Died."""
        assert self._pipe is not None
        try:
            self._pipe.send(order)
            answer = await asyncio.to_thread(self._pipe.recv)
        except (EOFError, OSError):
            await self._bury()
            raise Died from None
        assert isinstance(answer, Looked)
        return answer

    def kill(self) -> None:
        """Now, wherever it is: whoever waits for it gets Died."""
        with contextlib.suppress(ProcessLookupError):
            if self._process is not None and self._process.pid is not None:
                os.kill(self._process.pid, signal.SIGKILL)

    async def _bury(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(process.join)
            if process.exitcode not in {DIED, -signal.SIGKILL, NO_DATABASE}:
                raise AssertionError(f"a watcher ended by itself with {process.exitcode}: see {self._place.log}")


async def work(pipe: Pipe, place: Place, at: datetime, may_die: str) -> None:
    clock, signals, told = SetClock(at), Signals(), []
    database, vault = open_database(place.database_url), Vault(MASTER_KEY)
    try:
        await database.write(lambda tx: vault.prepare(tx, at))
    except Exception:
        os._exit(NO_DATABASE)
    paging = replace(Paging(vault, Words.load(), DESK), ways=frozenset({Way.EMAIL}))
    pager = Pager(database, clock, signals, paging, FixedNumbers())
    mailer = Mailer(place.mail_url, "waymark@help.example")
    carrier = PageCarrier(database, clock, signals, paging, mailer=mailer, push=None)

    async def heartbeat() -> None:
        told.append(clock.now())

    auditor = Auditor(database, clock, signals, vault, paging.words, heartbeat)
    failpoints._armed.update(failpoints._parse(may_die))
    pipe.send(True)
    while True:
        order: Order = await asyncio.to_thread(pipe.recv)
        clock.advance(order.at - clock.now())
        steps = repaired = 0
        told.clear()
        try:
            while order.pages and (taken := await pager.look()):
                steps += taken
            if order.pages:
                await carrier.look(Way.EMAIL)
            if order.audits:
                repaired = (await auditor.look()).repaired
        except Exception:
            pipe.send(Looked(steps, failed=True))
        else:
            pipe.send(Looked(steps, beat=bool(told), repaired=repaired))
