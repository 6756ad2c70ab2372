"""A thousand calls for a human, and the watch over them dies again and again: each is heard, or is at the top of its
ladder.

    python -m tests.faults.alarms --calls 1000 --database postgresql

The pager, the carrier of pages and the auditor are a real process that is killed at named failpoints and at random, now
and then two of them at once; the pager is dead for minutes while its process lives; PostgreSQL is restarted as if the
power went. Officers take cases, give them back, and some are never taken. Time is the injected clock, so days pass in
minutes and lateness is counted exactly. What became of it all is judged in the morning (`judge.py`). One JSON object
says how it went.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import heapq
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.cases import alarm_store, answering, page_ways, service, store
from bot.cases.auditor import AUDIT_EVERY
from bot.cases.model import Audience
from bot.kernel import sessions
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.database import DatabaseUnavailable, open_database
from bot.kernel.officers import Officer
from dialogues.understanding.model import Priority
from tests.conftest import MASTER_KEY, NOON, make_tables
from tests.faults.judge import Judge
from tests.faults.watcher import Died, Looked, Order, Place, Watcher
from tests.integration.cases.world import World
from tests.peers.smtp import MailServer
from tests.postgres import PostgresServer, running_postgres

MINUTE = timedelta(minutes=1)
FAILPOINTS = ("alarm.before_mark", "alarm.after_step", "pages.before_send", "pages.after_send")
#: How long after a death the next one looks: a start takes about two seconds (`./waymark bench program`).
BACK_AFTER = (1.0, 6.0)
#: What people do falls on a grid.
ACTS_EVERY = timedelta(seconds=5)
#: How far behind the moment a step is due the pager may wake by itself.
WAKES_WITHIN = 5.0
MIX = {Priority.P0: 0.4, Priority.P1: 0.3, Priority.P2: 0.28, Priority.P3: 0.02}
#: When a human takes a case, in minutes: a share in time, a share late, and some never.
TAKEN_SOON = {Priority.P0: 2, Priority.P1: 12, Priority.P2: 150, Priority.P3: 40 * 60}
TAKEN_LATE = {Priority.P0: 40, Priority.P1: 100, Priority.P2: 420, Priority.P3: 80 * 60}


@dataclass
class Plan:
    """What a night is made of."""

    calls: int = 1000
    arrive_within: timedelta = timedelta(hours=1)
    lasts: timedelta = timedelta(hours=9)  # beyond the top of every ladder but that of P3, which takes 72 hours
    urgencies: tuple[Priority, ...] = tuple(Priority)
    dies_at_a_point: float = 0.012  # of each step, at each of the places where it may
    killed_at_random: float = 0.02  # of each look in which something is due
    outages: int = 4  # the pager alone is dead
    outage: timedelta = timedelta(minutes=6)
    restarts: int = 20  # of the database
    seed: int = 1


@dataclass
class Report:
    """How it went. `wrong` is empty when every promise was kept."""

    database: str
    calls: int
    seconds: float = 0.0
    rounds: int = 0
    steps: int = 0
    pages: int = 0
    mails: int = 0
    acknowledged: int = 0
    at_the_top: int = 0
    still_climbing: int = 0
    deaths_at_points: int = 0
    deaths_at_random: int = 0
    outages: int = 0
    restarts: int = 0
    failed_looks: int = 0
    two_at_once: int = 0
    latest_step_s: float = 0.0
    late_for_an_outage: int = 0  # more than 30 s, while the pager was dead and the auditor said so
    steps_before_their_time: int = 0
    steps_twice: int = 0
    mails_twice: int = 0
    mails_twice_without_cause: int = 0
    heartbeats: int = 0
    heartbeats_while_nobody_watched: int = 0
    repaired: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Round:
    """One time that a case rang, as those who wrote and answered know it."""

    priority: Priority
    start: datetime
    end: datetime | None = None  # taken by a human, or begun anew


@dataclass
class Call:
    """Somebody who called for a human, and what became of it."""

    priority: Priority
    conversation_id: str
    case_id: str
    rounds: list[Round]
    owner: Officer | None = None


# --- the night ---------------------------------------------------------------------------------------------------


class Night:
    """Everything that happens, in the order of the injected clock."""

    def __init__(self, world: World, plan: Plan, report: Report, place: Place, postgres: PostgresServer | None) -> None:
        self.world, self.plan, self.report, self.postgres = world, plan, report, postgres
        self.calls: list[Call] = []
        self.officers: list[Officer] = []
        self.outages: list[tuple[datetime, datetime]] = []
        self.beats: list[datetime] = []
        self.now = NOON
        self.end = NOON + plan.lasts
        self.mails: MailServer | None = None
        self._draw = random.Random(plan.seed)
        self._order = count()
        self._events: list[tuple[datetime, int, Callable[[datetime], Awaitable[None]]]] = []
        self._watchers = [Watcher(place), Watcher(place)]
        self._back_at: list[datetime | None] = [NOON, None]  # when each is started (again); None: it is not wanted
        self._audit_due = NOON
        self._look_again = False
        self._leaves = False  # the second one, when its time is over

    async def people(self) -> dict[Audience, set[str]]:
        """Who is there, and whom each step of a ladder must page."""
        amira = await self.world.officer("amira", paged=True)
        bruno = await self.world.officer("bruno")
        ines = await self.world.officer("ines", Role.COORDINATOR, paged=True)
        dana = await self.world.officer("dana", Role.ADMIN)
        for officer in (bruno, ines):
            await self._with_email(officer)
        self.officers = [amira, bruno]
        first = {amira.id, bruno.id}
        everyone = first | {ines.id, dana.id}
        return {
            Audience.OFFICERS: first,
            Audience.COORDINATORS: first | {ines.id},
            Audience.EVERYONE: everyone,
        }

    async def _with_email(self, officer: Officer) -> None:
        vault = self.world.vault

        def confirm(tx: sa.Connection) -> None:
            session = sessions.get(tx, sessions.start(tx, officer.id, NOON), NOON)
            assert session is not None
            _, code = page_ways.begin_email(tx, vault, session, f"{officer.sign_in_name}@help.example", at=NOON)
            assert page_ways.confirm_email(tx, vault, session, code, at=NOON)

        await self.world.database.write(confirm)

    def plan_events(self) -> None:
        """Who calls when, and what breaks when."""
        within = self.plan.arrive_within.total_seconds()
        weights = [MIX[urgency] for urgency in self.plan.urgencies]
        for _ in range(self.plan.calls):
            at = NOON + timedelta(seconds=self._draw.uniform(0, within))
            [urgency] = self._draw.choices(self.plan.urgencies, weights)
            self._at(at, partial(self._somebody_calls, urgency))
        for number in range(self.plan.outages):
            self._at(NOON + self.plan.arrive_within * (number + 0.7) / self.plan.outages, self._pager_is_dead)
        for number in range(self.plan.restarts if self.postgres else 0):
            at = NOON + self.plan.arrive_within * (number + self._draw.random()) / self.plan.restarts
            self._at(at, self._database_restarts)
        for number in range(6):
            self._at(NOON + self.plan.arrive_within * (number + 0.3) / 6, self._a_second_one_looks)

    def _at(self, at: datetime, event: Callable[[datetime], Awaitable[None]]) -> None:
        at += (NOON - at) % ACTS_EVERY  # together with others, as in a real night: and a night of days takes minutes
        if at < self.end:
            heapq.heappush(self._events, (at, next(self._order), event))

    async def run(self) -> None:
        """From the first call to the end."""
        try:
            while self.now < self.end:
                events = await self._step_on()
                await self._start_the_dead()
                # Officers and the watch act in the same moment: who comes first is left to the machine.
                await asyncio.gather(self._look(), self._happen(events))
        finally:
            for watcher in self._watchers:
                watcher.kill()

    async def _step_on(self) -> list[Callable[[datetime], Awaitable[None]]]:
        """Go to the next moment in which something happens, and give what the people do in it."""
        upcoming = await self.world.database.read(alarm_store.next_step)
        following = [self.now + AUDIT_EVERY, self.end]
        if upcoming is not None and not self._dead_until(self.now):
            following.append(max(upcoming, self.now) + timedelta(seconds=self._draw.uniform(0, WAKES_WITHIN)))
        if self._look_again:  # as `Pager.run` does after a look that failed
            following.append(self.now + timedelta(seconds=WAKES_WITHIN))
        following += [back for back in self._back_at if back is not None and back > self.now]
        following += [until for _, until in self.outages if until > self.now]
        if self._events:
            following.append(self._events[0][0])
        self.now = max(self.now, min(following))
        events = []
        while self._events and self._events[0][0] <= self.now:
            events.append(heapq.heappop(self._events)[2])
        return events

    async def _happen(self, events: list[Callable[[datetime], Awaitable[None]]]) -> None:
        for event in events:
            await event(self.now)

    def _dead_until(self, at: datetime) -> datetime | None:
        return next((until for start, until in self.outages if start <= at < until), None)

    # The watch

    async def _start_the_dead(self) -> None:
        if self._leaves:
            self._leaves = False
            await self._end(self._watchers[1])
        for number, watcher in enumerate(self._watchers):
            back = self._back_at[number]
            if watcher.lives or back is None or back > self.now:
                continue
            may_die = ",".join(f"{point}:{self.plan.dies_at_a_point}" for point in FAILPOINTS)
            if not await watcher.start(self.now, may_die):
                self._back_at[number] = self._later()

    def _later(self) -> datetime:
        return self.now + timedelta(seconds=self._draw.uniform(*BACK_AFTER))

    async def _look(self) -> None:
        living = [number for number, watcher in enumerate(self._watchers) if watcher.lives]
        audits = self.now >= self._audit_due
        if audits and living:
            self._audit_due = self.now + AUDIT_EVERY
        pages = self._dead_until(self.now) is None
        self._look_again = False
        if len(living) > 1:
            self.report.two_at_once += 1
        orders = [Order(self.now, pages=pages, audits=audits and number == living[0]) for number in living]
        await asyncio.gather(*(self._one_looks(number, order) for number, order in zip(living, orders, strict=True)))
        if not living:
            self._look_again = True

    async def _one_looks(self, number: int, order: Order) -> None:
        watcher = self._watchers[number]
        strikes = self._draw.random() < self.plan.killed_at_random
        striking = asyncio.create_task(self._strike(watcher, self._draw.uniform(0, 0.03))) if strikes else None
        try:
            looked = await watcher.look(order)
        except Died:
            self._back_at[number] = self._later() if number == 0 else None
            if strikes:
                self.report.deaths_at_random += 1
            else:
                self.report.deaths_at_points += 1
        else:
            self._note(looked, order)
            if strikes and watcher.lives:  # it was quicker: it dies while it sleeps
                await self._end(watcher)
                self._back_at[number] = self._later() if number == 0 else None
                self.report.deaths_at_random += 1
        if striking is not None:
            await striking

    async def _end(self, watcher: Watcher) -> None:
        """Kill one that sleeps."""
        if watcher.lives:
            watcher.kill()
            with contextlib.suppress(Died):
                await watcher.look(Order(self.now))

    async def _strike(self, watcher: Watcher, after: float) -> None:
        await asyncio.sleep(after)
        watcher.kill()

    def _note(self, looked: Looked, order: Order) -> None:
        self.report.repaired += looked.repaired
        if looked.failed:
            self.report.failed_looks += 1
            self._look_again = True
        if looked.beat:
            self.beats.append(order.at)

    async def _a_second_one_looks(self, at: datetime) -> None:
        """Until it dies, or for ten minutes: two servers on one database, or an old one that is not gone yet."""
        self._back_at[1] = at
        self._at(at + 10 * MINUTE, self._the_second_one_goes)

    async def _the_second_one_goes(self, at: datetime) -> None:
        self._back_at[1], self._leaves = None, True

    async def _pager_is_dead(self, at: datetime) -> None:
        self.outages.append((at, at + self.plan.outage))
        self.report.outages += 1

    async def _database_restarts(self, at: datetime) -> None:
        """In the middle of whatever the watch is doing."""
        assert self.postgres is not None
        await asyncio.sleep(self._draw.uniform(0, 0.02))
        await asyncio.to_thread(self.postgres.restart_hard)
        self.report.restarts += 1

    # The people

    async def _keep_trying(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """What a person or an officer wants is asked for again when the database was away."""
        while True:
            try:
                return await act()
            except DatabaseUnavailable:
                await asyncio.sleep(0.02)

    async def _somebody_calls(self, urgency: Priority, at: datetime) -> None:
        person = await self._keep_trying(self.world.person)
        calls = partial(self.world.escalate, person, reason="threats", priority=urgency, key=f"call:{person}", at=at)
        opened = await self._keep_trying(calls)
        call = Call(urgency, person, opened.case_id, [Round(urgency, at)])
        self.calls.append(call)
        if urgency > Priority.P0 and self._draw.random() < 0.1:
            later = at + timedelta(minutes=self._draw.uniform(0.5, 8))
            self._at(later, partial(self._it_gets_worse, call))
        self._somebody_takes_it_later(call, at)
        self._break_the_mail()

    def _somebody_takes_it_later(self, call: Call, at: datetime) -> None:
        chance = self._draw.random()
        if chance < 0.015:
            return  # nobody ever does
        minutes = TAKEN_SOON[call.priority] if chance < 0.8 else TAKEN_LATE[call.priority]
        later = at + timedelta(minutes=self._draw.uniform(0.1, minutes))
        self._at(later, partial(self._somebody_takes_it, call))

    def _break_the_mail(self) -> None:
        assert self.mails is not None
        chance = self._draw.random()
        if chance < 0.03:
            self.mails.hang_up = True
        elif chance < 0.06:
            self.mails.answers.append(450)

    async def _it_gets_worse(self, call: Call, at: datetime) -> None:
        if call.owner is not None or call.rounds[-1].priority is Priority.P0:
            return
        worse = partial(self.world.escalate, call.conversation_id, key=f"worse:{call.case_id}", at=at)
        await self._keep_trying(partial(worse, priority=Priority.P0))
        call.rounds[-1].end = at
        call.rounds.append(Round(Priority.P0, at))

    async def _somebody_takes_it(self, call: Call, at: datetime) -> None:
        officer = self._draw.choice(self.officers)
        hand, once = self.world.hand(officer, at), f"{call.case_id[:30]}{len(call.rounds):06}"

        def take(tx: sa.Connection) -> None:
            case = store.get_case(tx, call.case_id)
            assert case is not None
            if case.case.owner_id is None:  # else it was taken, and only the answer was cut off
                service.claim_case(tx, hand, call.case_id)
                answering.answer_person(tx, hand, call.case_id, text="I am here", once=once)

        await self._keep_trying(lambda: self.world.database.write(take))
        call.owner, call.rounds[-1].end = officer, at
        if len(call.rounds) < 3 and self._draw.random() < 0.08:
            self._at(at + timedelta(minutes=self._draw.uniform(1, 5)), partial(self._given_back, call))

    async def _given_back(self, call: Call, at: datetime) -> None:
        assert call.owner is not None
        hand = self.world.hand(call.owner, at)

        def give_back(tx: sa.Connection) -> None:
            case = store.get_case(tx, call.case_id)
            if case is not None and case.case.owner_id is not None:
                service.release_case(tx, hand, call.case_id)

        await self._keep_trying(lambda: self.world.database.write(give_back))
        call.owner = None
        call.rounds.append(Round(call.rounds[-1].priority, at))
        self._somebody_takes_it_later(call, at)


async def run_night(url: str, folder: Path, plan: Plan, postgres: PostgresServer | None = None) -> Report:
    """A whole night over an empty database. `folder` keeps the log; `postgres` is the server to be restarted."""
    began = time.monotonic()
    report = Report(url.partition(":")[0], plan.calls)
    database, vault = open_database(url), Vault(MASTER_KEY)
    await database.write(make_tables)
    await database.write(lambda tx: vault.prepare(tx, NOON))
    async with MailServer() as mails:
        place = Place(url, mails.url, str(folder / "watch.log"))
        night = Night(World(database, vault), plan, report, place, postgres)
        night.mails = mails
        whom = await night.people()
        night.plan_events()
        await night.run()
        await Judge(night, report, whom).judge()
    await database.close()
    report.seconds = round(time.monotonic() - began, 1)
    return report


# --- by hand -----------------------------------------------------------------------------------------------------


async def night_over(kind: str, plan: Plan) -> Report:
    """A night over a fresh database of a kind, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wm-night-") as name:
        if kind == "sqlite":
            return await run_night(f"sqlite:///{Path(name) / 'waymark.db'}", Path(name), plan)
        with running_postgres() as server:
            return await run_night(server.new_database(), Path(name), plan, server)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.alarms", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--hours", type=float, default=9.0, help="with 76 the ladder of P3 is climbed to its top too")
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    given = parser.parse_args()
    lasts = timedelta(hours=given.hours)
    plan = Plan(given.calls, lasts=lasts, restarts=given.restarts, seed=given.seed)
    report = asyncio.run(night_over(given.database, plan))
    print(json.dumps({"bench": "alarms", **asdict(report)}), flush=True)
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
