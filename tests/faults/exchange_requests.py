"""Three deployments ask each other all fifteen types of questions while everything goes wrong: what must be true then.

    python -m tests.faults.exchange_requests --requests 2000 --kills 40 --database sqlite

Each has a database and a server process of its own, with the room of requests and its gate above the post; before each
stands a proxy that records every byte and sometimes swallows an answer. The people are here: they ask, take on, refuse,
answer at once or in two letters, and take back, through the use cases of the desk. One deployment is killed again and
again, at random moments and at named places; its clock is twenty minutes slow at first; it makes itself a new key in
mid-traffic. Another, whose clock is four minutes fast, is cut off for a while, and then takes its trust in the first
one back and verifies a new key by hand. In the end the ledgers of both sides of every request must say the same:
nothing lost, nothing twice, what was taken back destroyed there, and no word on the wire or on a disk. One JSON object
says how it went.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases.hand import Hand
from bot.exchange.partners.model import Agreement
from bot.exchange.post import store as post
from bot.exchange.refusals import ChannelClosed
from bot.exchange.requests import (
    again,
    answering,
    drafting,
    letters_store,
    looking,
    sending,
    service,
    store,
    thread_store,
)
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.model import Alternative, Ground, NotNow, Refusal, Request, Status
from bot.exchange.requests.model import Side as Whose
from bot.exchange.requests.types import REQUEST_TYPES
from bot.kernel import audit
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from tests.faults import exchange as storm
from tests.faults.exchange import FAILPOINTS, Side, Wire
from tests.faults.exchange_server import CANARY, MASTER_KEY, WrongClock
from tests.integration.cases.world import World
from tests.integration.exchange.two_countries import ALL_DATA, ALL_TYPES, Country, a_draft, filled
from tests.postgres import running_postgres

PLACES = (("Rome Shelter", "IT"), ("Tunis Aid", "TN"), ("Munich Youth", "DE"))
TYPES = tuple(sorted(REQUEST_TYPES))

ANSWERED, IN_TWO, REFUSED, TAKEN_BACK, TOLD_AND_TAKEN_BACK = "answered", "in_two", "refused", "back", "told_back"
#: What becomes of those after the first of each type, which are all answered: so many parts of each.
FATES = {ANSWERED: 12, IN_TWO: 3, REFUSED: 2, TAKEN_BACK: 1, TOLD_AND_TAKEN_BACK: 1}
WITH_MANY_QUESTIONS = TYPES.index("info_child")
#: What happens once to a request, on each side.
ONCE = ("came", "body_came", "accept", "refuse", "answer_all", "withdraw", "forgotten_there")
PAUSE = 0.1  # of people who found nothing to do


@dataclass
class Plan:
    """What a storm is made of."""

    requests: int = 30
    kills: int = 2
    kill_after: tuple[float, float] = (0.2, 1.0)  # seconds between two deaths
    slow_minutes: int = 20  # how slow the killed one's clock is until its first deaths are over
    fast_minutes: int = 4  # how fast the clock of the third one is, all the time
    cut_lines: float = 0.02
    at_once: int = 40  # requests that one side waits for
    seed: int = 1
    drain_seconds: float = 600.0


@dataclass
class Report:
    """How it went. `wrong` is empty when every promise was kept."""

    database: str
    plan: dict[str, Any]
    seconds: float = 0.0
    killed_at_random: int = 0
    killed_at_failpoints: dict[str, int] = field(default_factory=dict)
    lines_cut: int = 0
    bytes_on_the_wire: int = 0
    letters: int = 0
    letters_refused: dict[str, int] = field(default_factory=dict)
    said_again_by_hand: int = 0
    requests: int = 0
    became: dict[str, int] = field(default_factory=dict)  # by status, of those who asked
    answers: int = 0
    taken_back_after_telling: int = 0  # those who were asked had the personal part, and destroyed it
    came_too_late: int = 0  # answers kept apart: taken back meanwhile, or said again
    lost: int = 0
    doubled: int = 0
    different: int = 0
    wrong: list[str] = field(default_factory=list)


class Wanted(Struct, frozen=True):
    """One request of the plan: what is asked, and what those who are asked will make of it."""

    number: int
    asked: str  # country
    type_key: str
    fate: str

    @property
    def words(self) -> str:
        return f"{CANARY} {self.number}"


def requests_of(plan: Plan, chance: random.Random) -> dict[str, list[Wanted]]:
    """What everybody asks, by country: every type is asked in each direction in turn."""
    countries = [country for _name, country in PLACES]
    ways = [(asker, asked) for asker in countries for asked in countries if asker != asked]
    lists: dict[str, list[Wanted]] = {country: [] for country in countries}
    for number in range(plan.requests):
        type_key, block = TYPES[number % len(TYPES)], number // len(TYPES)
        asker, asked = ways[(number + block) % len(ways)]
        fate = chance.choices(list(FATES), list(FATES.values()))[0] if block else ANSWERED
        if block and number % len(TYPES) == WITH_MANY_QUESTIONS:
            fate = TOLD_AND_TAKEN_BACK  # in the shortest storm too
        if type_key == "case_transfer" and fate in (TAKEN_BACK, TOLD_AND_TAKEN_BACK):
            fate = REFUSED  # a case that has moved is not taken back: see test_transfer
        lists[asker].append(Wanted(number, asked, type_key, fate))
    return lists


class Office:
    """The people of one deployment: they ask what is on their list, and do what lies on their desk."""

    def __init__(self, side: Side, wanted: list[Wanted], plan: Plan, script: dict[str, Wanted]) -> None:
        self.side = side
        self.plan = plan
        self.country = Country(World(side.database, side.vault), SystemClock(), side.country)  # type: ignore[arg-type]
        self.said_again = 0
        self._wanted = list(reversed(wanted))
        self._script = script  # what becomes of which request: those who are asked look there
        self._unsent: list[str] = []
        self._cases: dict[str, str] = {}

    def set_clock(self, minutes: int) -> None:
        """The server and the people look at the same clock."""
        self.country.clock = WrongClock(minutes)  # type: ignore[assignment]

    async def work(self) -> None:
        while True:
            if not await self.one_round():
                await asyncio.sleep(PAUSE)

    async def one_round(self) -> int:
        """Everything that can be done now. How much that was."""
        done = await self._ask()
        done += await self._each(self._take_on, Whose.THEIRS, Status.DELIVERED, Status.SEEN)
        done += await self._each(self._answer, Whose.THEIRS, Status.ACCEPTED, Status.PARTLY_ANSWERED)
        done += await self._each(self._follow, Whose.OURS, Status.ACCEPTED, Status.PARTLY_ANSWERED)
        return done + await self._say_again()

    async def left(self) -> int:
        """Steps that are not done: requests not sent or not over, letters not confirmed or not taken in."""
        return len(self._wanted) + len(self._unsent) + await self.country.see(_left)

    async def _ask(self) -> int:
        for request_id in list(self._unsent):
            if await self._try(service.send_request, request_id):
                self._unsent.remove(request_id)
                if self._script[request_id].fate == TAKEN_BACK:
                    await self._try(service.withdraw, request_id)
        waits_for = await self.country.see(lambda tx: store.count(tx, _of(Whose.OURS, *_WAITED_FOR)))
        sent = 0
        while self._wanted and waits_for + sent < self.plan.at_once:
            wanted = self._wanted.pop()
            self._unsent.append(await self._drafted(wanted))
            self._script[self._unsent[-1]] = wanted
            sent += 1
        return sent

    async def _drafted(self, wanted: Wanted) -> str:
        words = filled(wanted.type_key, wanted.words)
        if "arrival" in words:
            words["arrival"] = self.country.clock.now().date().isoformat()
        draft = a_draft(self.country.others[wanted.asked], wanted.type_key, fields=words)
        case_id = await self._case(wanted)

        def work(tx: Connection, hand: Hand) -> str:
            request_id = drafting.draft(tx, hand, case_id, draft)
            service.approve(tx, self.country.hand(self.country.coordinator), request_id)
            return request_id

        return await self.country.do(work)

    async def _case(self, wanted: Wanted) -> str:
        """A case for a dozen requests; one of its own for a case that changes hands."""
        if wanted.type_key == "case_transfer":
            return await self.country.case()
        key = str(wanted.number // 36)
        if key not in self._cases:
            self._cases[key] = await self.country.case()
        return self._cases[key]

    async def _each(self, act: Callable[[Request], Awaitable[bool]], whose: Whose, *statuses: Status) -> int:
        found = await self.country.see(lambda tx: store.requests_of(tx, _of(whose, *statuses), limit=100))
        return sum([await act(each.request) for each in found])

    async def _take_on(self, request: Request) -> bool:
        if request.status is Status.DELIVERED:
            await self._try(looking.open_request, request.id)
        if self._script[request.id].fate == REFUSED:
            no = {"reason": Refusal.NOT_COMPETENT, "alternative": Alternative.RED_CROSS}
            return await self._try(answering.refuse, request.id, **no)
        return await self._try(answering.accept, request.id)

    async def _answer(self, request: Request) -> bool:
        if request.asked_on is None:
            return False
        wanted, answered = (
            self._script[request.id],
            await self.country.see(lambda tx: thread_store.answered(tx, request.id)),
        )
        open_questions = [ask for ask in request.asks if ask not in answered]
        if wanted.fate in (IN_TWO, TOLD_AND_TAKEN_BACK) and not answered:
            open_questions = open_questions[:1]
        elif wanted.fate == TOLD_AND_TAKEN_BACK:
            return False  # the rest is not found out in time

        def work(tx: Connection, hand: Hand) -> None:
            for ask in open_questions:
                answer = Answer(ask, f"{wanted.words} {ask}", "document", "high")
                answering.write_answer(tx, hand, request.id, answer, once=f"{request.id}:{ask}")
            answering.release_answers(tx, hand, request.id, endangers=False, ground=Ground.CHILD_ONLY)

        return await self._try(work)

    async def _follow(self, request: Request) -> bool:
        """Send the personal part, where that was kept back or refused; or take it back once they have it."""
        if request.asked_on is None:
            return await self._try(service.disclose_again, request.id)
        if self._script[request.id].fate != TOLD_AND_TAKEN_BACK:
            return False
        letters = await self.country.see(lambda tx: letters_store.letters_of(tx, request.id))
        has_it = any(letter.kind == "request_body" and letter.state == "stored" for letter in letters)
        return has_it and await self._try(service.withdraw, request.id)

    async def _say_again(self) -> int:
        """Where the screen says that a letter did not get there, somebody presses the button."""
        done = 0
        for request_id in await self.country.see(again.all_unheard):
            done += await self._try(again.send_again, request_id)
        self.said_again += done
        return done

    async def _try(self, work: Callable[..., Any], *args: Any, **named: Any) -> bool:
        """One act at the desk. False where it has to wait, or is not to be done any more."""
        try:
            await self.country.do(work, *args, **named)
        except (ChannelClosed, NotNow):
            return False
        return True


_WAITED_FOR = (Status.APPROVED, Status.SENT, Status.DELIVERED, Status.SEEN, Status.ACCEPTED, Status.PARTLY_ANSWERED)


def _of(whose: Whose, *statuses: Status) -> ColumnElement[bool]:
    table = store.exchange_requests
    return sa.and_(table.c.side == whose.value, table.c.status.in_([status.value for status in statuses]))


def _left(tx: Connection) -> int:
    table = store.exchange_requests
    unforgotten = sa.and_(table.c.told_withdrawn_at.is_not(None), table.c.forgotten_at.is_(None))
    waits = store.count(tx, sa.or_(_of(Whose.OURS, *_WAITED_FOR), sa.and_(table.c.side == "ours", unforgotten)))
    letters = post.exchange_letters
    for each in (letters, post.exchange_received):
        query = sa.select(sa.func.count()).select_from(each).where(each.c.state == post.WAITING)
        waits += int(tx.execute(query).scalar_one())
    return waits


async def run_requests(urls: Sequence[str], folder: Path, plan: Plan) -> Report:
    """The whole storm over three empty databases. `folder` keeps the logs and what passed on the wire."""
    started, chance = time.monotonic(), random.Random(plan.seed)
    report = Report(urls[0].partition(":")[0], asdict(plan))
    sides = [Side(*name, url, folder, storm.Plan(letters=0)) for name, url in zip(PLACES, urls, strict=True)]
    lists, script, record = requests_of(plan, chance), dict[str, Wanted](), folder / "wire"
    offices = []
    for side in sides:
        side.orders = replace(side.orders, requests=True)
        offices.append(Office(side, lists[side.country], plan, script))
    try:
        async with AsyncExitStack() as stack:
            wires = [
                await stack.enter_async_context(Wire(side.port, record, cut=plan.cut_lines, chance=chance))
                for side in sides
            ]
            await _acquaint(offices, wires)
            await _storm(offices, wires, plan, chance, report)
            report.lines_cut = sum(wire.cut_lines for wire in wires)
            for side in sides:
                await side.stop()
        await _judge(offices, script, report)
    finally:
        for side in sides:
            await side.close()
    report.bytes_on_the_wire = record.stat().st_size
    report.wrong += storm.words_found(folder, in_files=report.database == "sqlite")
    report.seconds = round(time.monotonic() - started, 1)
    return report


async def _acquaint(offices: Sequence[Office], wires: Sequence[Wire]) -> None:
    at = SystemClock().now()
    agreement = Agreement(
        frozenset({sending.PURPOSE}), ALL_DATA, 90, at - timedelta(days=1), at + timedelta(days=30), "p. 7"
    )
    terms = {"agreement": agreement, "may_send": ALL_TYPES, "may_receive": ALL_TYPES}
    for office in offices:
        await office.side.prepare()
        await office.country.prepare()
    for office in offices:
        for other, wire in zip(offices, wires, strict=True):
            if other is not office:
                partner_id = await office.side.meet(other.side, wire, **terms)
                office.country.others[other.side.country] = partner_id


async def _storm(
    offices: Sequence[Office], wires: Sequence[Wire], plan: Plan, chance: random.Random, report: Report
) -> None:
    """Everybody works, and everything goes wrong; then they are left alone until nothing is left to do."""
    first, killed, third = offices
    await first.side.start()
    third.set_clock(plan.fast_minutes)
    await third.side.start(skew_minutes=plan.fast_minutes)
    killed.set_clock(-plan.slow_minutes)
    await killed.side.start(skew_minutes=-plan.slow_minutes)
    people = [asyncio.create_task(office.work()) for office in offices]
    trouble = asyncio.gather(
        _deaths(killed, plan, chance, report), _trust_lost(first.side, third.side, wires[2], plan, chance)
    )
    try:
        await _until_done(offices, people, trouble, plan, report)
    finally:
        for task in (*people, trouble):
            task.cancel()
        await asyncio.gather(*people, trouble, return_exceptions=True)
    report.said_again_by_hand = sum(office.said_again for office in offices)


async def _until_done(
    offices: Sequence[Office],
    people: Sequence[asyncio.Task[None]],
    trouble: asyncio.Future[Any],
    plan: Plan,
    report: Report,
) -> None:
    deadline = time.monotonic() + plan.drain_seconds
    while True:
        for task in (*people, trouble):
            if task.done():
                task.result()  # nobody gives up by themselves
        left = sum([await office.left() for office in offices])
        if not left and trouble.done():
            return
        if time.monotonic() > deadline:
            report.wrong.append(f"not done in time: {left} steps left")
            return
        if trouble.done() and not all(office.side.lives for office in offices):
            report.wrong.append("a server died by itself")
            return
        await asyncio.sleep(0.5)


async def _deaths(office: Office, plan: Plan, chance: random.Random, report: Report) -> None:
    """One side dies again and again: at named places and at random moments in turn. Its clock is put right when a
    quarter of that is over, and it makes itself a new key half-way."""
    skew = -plan.slow_minutes
    for number in range(plan.kills):
        await asyncio.sleep(chance.uniform(*plan.kill_after))
        point = FAILPOINTS[number // 2 % len(FAILPOINTS)] if number % 2 == 0 else ""
        if number >= plan.kills / 4:
            skew = 0
        await office.side.kill()
        office.set_clock(skew)
        await office.side.start(f"{point}:0.3" if point else "", skew_minutes=skew)
        if number == plan.kills // 2:
            await office.side.rotate()
        if point and await office.side.ended(within=5):
            report.killed_at_failpoints[point] = report.killed_at_failpoints.get(point, 0) + 1
        else:
            await asyncio.sleep(chance.uniform(0.05, 0.8))
            await office.side.kill()
            report.killed_at_random += 1
        await office.side.start(skew_minutes=skew)
    if skew:
        await office.side.kill()
        office.set_clock(0)
        await office.side.start()


async def _trust_lost(first: Side, third: Side, wire: Wire, plan: Plan, chance: random.Random) -> None:
    """The third one is cut off for a while, and then takes its trust in the first one back."""
    await asyncio.sleep(chance.uniform(*plan.kill_after))
    wire.cut_off = True
    await asyncio.sleep(3)
    wire.cut_off = False
    await asyncio.sleep(chance.uniform(*plan.kill_after))
    await third.distrust(first)


# --- the judgement ---


class Entry(Struct, frozen=True):
    """What one side knows of a request."""

    whose: Whose
    status: Status
    type_key: str
    fields: dict[str, str]
    answers: list[tuple[str, str, str, str]]  # question, words, how, how sure: those that count
    late: int
    no: tuple[str | None, str | None]
    asks: frozenset[str]
    forgotten: bool
    readable: bool
    was_told: bool
    twice: list[str]  # what happened more than once


async def _judge(offices: Sequence[Office], script: dict[str, Wanted], report: Report) -> None:
    books = {}
    for office in offices:
        fresh = Vault(MASTER_KEY)  # ours remembers keys that the servers have destroyed
        await office.side.database.write(lambda tx, vault=fresh: vault.prepare(tx, SystemClock().now()))
        books[office.side.country] = await office.country.see(partial(_ledger, office=office, vault=fresh))
    report.requests = len(script)
    became: Counter[str] = Counter()
    for request_id, wanted in script.items():
        both = [book[request_id] for book in books.values() if request_id in book]
        ours = next((each for each in both if each.whose is Whose.OURS), None)
        theirs = next((each for each in both if each.whose is Whose.THEIRS), None)
        if ours is None:
            report.lost += 1
            continue
        became[ours.status] += 1
        report.taken_back_after_telling += ours.status is Status.WITHDRAWN and theirs is not None and theirs.was_told
        report.answers += len(ours.answers)
        report.came_too_late += ours.late
        report.doubled += sum(len(each.twice) for each in both) + (len(both) > 2)
        if wrong := _unlike(ours, theirs, wanted):
            report.different += 1
            report.wrong.append(f"{wanted.number} {wanted.type_key} {wanted.fate}: {wrong}")
    report.became = dict(became)
    for name in ("lost", "doubled"):
        if getattr(report, name):
            report.wrong.append(f"{name}: {getattr(report, name)}")
    for office in offices:
        chain = await office.country.see(lambda tx, o=office: audit.verify(tx, o.side.vault))
        report.wrong += [] if chain.ok else [f"{office.side.name}: the audit chain is broken"]
    await _judge_letters(offices, report)


def _unlike(ours: Entry, theirs: Entry | None, wanted: Wanted) -> str | None:
    """What the two ledgers disagree about, or what did not come about; None where all is well."""
    if ours.status is Status.WITHDRAWN:
        if wanted.fate not in (TAKEN_BACK, TOLD_AND_TAKEN_BACK) or not ours.forgotten:
            return "withdrawn"
        return "still readable there" if theirs is not None and (theirs.readable or theirs.fields) else None
    if theirs is None:
        return "it never came"
    if ours.status is Status.REFUSED:
        return None if theirs.status is Status.REFUSED and ours.no == theirs.no and all(ours.no) else "refusals differ"
    if not ours.status is theirs.status is Status.ANSWERED:
        return f"{ours.status} and {theirs.status}"
    if ours.fields != theirs.fields or not ours.fields or not _is_told(ours, wanted):
        return "what was told differs"
    expected = sorted((ask, f"{wanted.words} {ask}", "document", "high") for ask in ours.asks)
    return None if ours.answers == theirs.answers == expected else "answers differ"


def _is_told(ours: Entry, wanted: Wanted) -> bool:
    told = filled(wanted.type_key, wanted.words)
    return {**ours.fields, "arrival": ""} == {**told, "arrival": ""}


def _ledger(tx: Connection, office: Office, vault: Vault) -> dict[str, Entry]:
    at, by = office.country.clock.now(), office.country.coordinator
    book = {}
    for request_id in tx.execute(sa.select(store.exchange_requests.c.id)).scalars().all():
        file = looking.watch_request(tx, vault, by, request_id, at=at)
        request, said = file.request, [each for each in file.lines if each.line.kind == "answer"]
        counts = Counter(event.act for event in file.events)
        book[request_id] = Entry(
            request.side,
            request.status,
            request.type_key,
            dict(file.fields),
            sorted(
                (str(each.line.asked), each.text, each.line.facts["how"], each.line.facts["confidence"])
                for each in said
                if not each.line.returned
            ),
            sum(1 for each in said if each.line.returned),
            (request.refusal, request.alternative),
            frozenset(request.asks),
            request.forgotten_at is not None,
            not file.erased and any(each.text for each in file.lines),
            counts["body_came"] > 0,
            [act for act in ONCE if counts[act] > 1],
        )
    return book


async def _judge_letters(offices: Sequence[Office], report: Report) -> None:
    """Every letter that left came, under its number, and no other did."""
    sent: dict[tuple[str, int], str] = {}
    came: set[tuple[str, int]] = set()
    refused: Counter[str] = Counter()
    for office in offices:
        table = post.exchange_letters
        for row in await office.country.see(lambda tx, t=table: tx.execute(sa.select(t)).all()):
            sent[row.id, row.seq] = row.state
            if row.state == "refused":
                refused[row.code] += 1
        table = post.exchange_received
        rows = await office.country.see(lambda tx, t=table: tx.execute(sa.select(t.c.envelope_id, t.c.seq)).all())
        came |= {(row.envelope_id, row.seq) for row in rows}
    report.letters, report.letters_refused = len(sent), dict(refused)
    never_sent = {each for each, state in sent.items() if state == "closed"}  # stopped here before they left
    unequal = (sent.keys() - never_sent - came) | (came - sent.keys())
    report.wrong += [f"the books of the post differ in {len(unequal)} places"] if unequal else []


# --- by hand ---


async def requests_over(kind: str, plan: Plan) -> Report:
    """A storm over fresh databases of a kind, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wm-asked-") as name:
        folder = Path(name)
        if kind == "sqlite":
            return await run_requests([f"sqlite:///{folder / country}.db" for _, country in PLACES], folder, plan)
        with running_postgres() as server:
            return await run_requests([server.new_database() for _ in PLACES], folder, plan)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.exchange_requests",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--kill-after", type=float, default=8.0, help="seconds between two deaths, at most")
    parser.add_argument("--cut-lines", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    plan = Plan(given.requests, given.kills, (1.0, given.kill_after), cut_lines=given.cut_lines, seed=given.seed)
    plan.drain_seconds = 3600
    report = asyncio.run(requests_over(given.database, plan))
    print(json.dumps({"bench": "exchange requests", **asdict(report)}), flush=True)
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
