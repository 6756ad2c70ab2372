"""Thousands of messages, hundreds of kills, a provider that misbehaves: what must be true when it is over.

    python -m tests.faults.storm --messages 10000 --kills 200 --database sqlite

The people and Telegram are `tests.peers.telegram` in a process of its own, with a ledger on disk. The server is
killed at random moments and at every named failpoint in turn, then left alone until all is done, and then the two
ledgers are compared: what people sent and got against what the database says. One JSON object says how it went.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.conversations import service, stuck
from bot.conversations.model import FAILPOINTS, Author, Direction
from bot.conversations.store import conversations, deliveries, inbox, outbox
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, metadata, open_database
from tests.faults.server import MASTER_KEY, Orders, storm_calls, storm_tables
from tests.peers.telegram.remote import RemoteTelegram
from tests.peers.telegram.server import TOKEN
from tests.postgres import running_postgres

FIRST_CHAT = 10_000
EVERY_DANGER = 40  # every so many messages somebody writes of a knife
FAULTS = "lose_answer=0.02,too_many=0.025,server_error=0.025"
#: How much may wait at Telegram: enough that every kill strikes under load.
BACKLOG = 150


@dataclass
class Plan:
    """What a storm is made of."""

    messages: int = 400
    kills: int = 12
    stops: int = 0  # SIGTERM: nothing may be doubled by these
    chats: int = 60
    faults: str = FAULTS
    seed: int = 1
    drain_seconds: float = 120.0


@dataclass
class Report:
    """How it went. `wrong` is empty when every promise was kept."""

    database: str
    plan: dict[str, Any]
    seconds: float = 0.0
    killed_at_random: int = 0
    killed_at_failpoints: dict[str, int] = field(default_factory=dict)
    stopped: int = 0
    inbound: int = 0
    inbound_lost: int = 0
    inbound_doubled: int = 0
    calls_wanted: int = 0
    calls_lost: int = 0
    calls_doubled: int = 0
    outbound: int = 0
    outbound_lost: int = 0
    held_and_shown: int = 0  # uncertain twice, listed on the desk, sent again by hand
    duplicates: int = 0
    duplicates_without_cause: int = 0
    out_of_order: int = 0
    ambiguous_causes: dict[str, int] = field(default_factory=dict)
    released: list[str] = field(default_factory=list)  # the held ones: they arrive whenever an officer says so
    wrong: list[str] = field(default_factory=list)


class Servers:
    """The process that forks servers, and the one that lives."""

    def __init__(self, process: asyncio.subprocess.Process, orders: Orders) -> None:
        self._process = process
        self._orders = orders
        self.pid = 0

    async def start(self, failpoints: str = "") -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        orders = {**asdict(self._orders), "failpoints": failpoints}
        self._process.stdin.write(json.dumps(orders).encode() + b"\n")
        self.pid = int(json.loads(await self._process.stdout.readline())["pid"])

    def lives(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    async def end(self, how: signal.Signals, within: float = 30.0) -> None:
        """Send a signal and wait for the end."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, how)
        if not await self.ended(within):
            raise RuntimeError(f"the server did not end within {within} s of {how.name}")

    async def ended(self, within: float) -> bool:
        deadline = time.monotonic() + within
        while self.lives():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.005)
        return True


@contextlib.asynccontextmanager
async def _process(*arguments: str, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr, limit=2**24,
        )  # fmt: skip
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def run_storm(database_url: str, folder: Path, plan: Plan) -> Report:
    """The whole storm over an empty database. `folder` keeps the ledgers and the servers' logs."""
    started = time.monotonic()
    report = Report(database_url.partition(":")[0], asdict(plan))
    database, vault = open_database(database_url), Vault(MASTER_KEY)
    await database.write(metadata.create_all)
    await database.write(storm_tables.create_all)
    await database.write(lambda tx: vault.prepare(tx, SystemClock().now()))
    ledger = folder / "telegram.db"
    peer = ("tests.peers.telegram", "--ledger", str(ledger), "--faults", plan.faults, "--seed", str(plan.seed))
    async with _process(*peer, log=folder / "telegram.log") as telegram:
        assert telegram.stdout is not None
        url = (await telegram.stdout.readline()).decode().split()[-1]
        async with _process("tests.faults.server", log=folder / "server.log") as forks, RemoteTelegram(url) as people:
            assert forks.stdout is not None
            await forks.stdout.readline()
            servers = Servers(forks, Orders(database_url, url, TOKEN, log=str(folder / "server.log")))
            try:
                await _storm(servers, people, plan, report)
                await _calm(servers, people, database, vault, report, plan)
            finally:
                if servers.pid and servers.lives():
                    os.kill(servers.pid, signal.SIGKILL)
    await _judge(database, vault, ledger, plan, report)
    await database.close()
    report.seconds = round(time.monotonic() - started, 1)
    return report


async def _storm(servers: Servers, people: RemoteTelegram, plan: Plan, report: Report) -> None:
    """People write, and the server dies again and again."""
    chance = random.Random(plan.seed)
    ends = ["kill"] * plan.kills + ["stop"] * plan.stops
    chance.shuffle(ends)
    over = asyncio.Event()
    talking = asyncio.create_task(_talk(people, plan, over, report))
    points = chance.sample(FAILPOINTS, len(FAILPOINTS))
    for number, end in enumerate(ends):
        at_point = end == "kill" and number % 2 == 0
        point = points[number // 2 % len(points)]
        await servers.start(f"{point}:0.4" if at_point else "")
        died = at_point and await servers.ended(within=3)
        if died:
            report.killed_at_failpoints[point] = report.killed_at_failpoints.get(point, 0) + 1
            continue
        if not at_point:
            await asyncio.sleep(chance.uniform(0.4, 1.2))  # a start takes about half a second, and may be struck too
        if end == "stop":
            await servers.end(signal.SIGTERM)
            report.stopped += 1
        else:
            await servers.end(signal.SIGKILL)
            report.killed_at_random += 1
    over.set()  # asked, not cancelled: cut off in the middle they would forget what they have said, and say it again
    await talking
    await _say_rest(people, plan)


def _said(number: int, plan: Plan) -> dict[str, Any]:
    text = f"m{number} knife" if number % EVERY_DANGER == 0 else f"m{number}"
    return {"chat_id": FIRST_CHAT + number % plan.chats, "text": text}


_next = 0  # how many messages people have written; one storm a process at a time


async def _talk(people: RemoteTelegram, plan: Plan, over: asyncio.Event, report: Report) -> None:
    """Write so much that something always waits, and no faster than the server dies: a quick machine would be done
    before half of the storm, and the rest of it would strike a server that has nothing to lose."""
    global _next
    _next = 0
    step = max(1, min(BACKLOG, plan.messages // max(1, plan.kills + plan.stops)))
    while _next < plan.messages and not over.is_set():
        ends = report.killed_at_random + sum(report.killed_at_failpoints.values()) + report.stopped
        if _next < (ends + 2) * step and await people.waiting() < step:
            many = [_said(number, plan) for number in range(_next, min(_next + step, plan.messages))]
            await people.say_many(many)
            _next += len(many)
        await asyncio.sleep(0.02)


async def _say_rest(people: RemoteTelegram, plan: Plan) -> None:
    global _next
    while _next < plan.messages:
        many = [_said(number, plan) for number in range(_next, min(_next + 500, plan.messages))]
        await people.say_many(many)
        _next += len(many)


async def _calm(
    servers: Servers, people: RemoteTelegram, database: Database, vault: Vault, report: Report, plan: Plan
) -> None:
    """Leave a server alone until nothing is left to do. Then do what an officer would: release what is held."""
    await servers.start()
    await _until_done(servers, people, database, plan.drain_seconds, report)
    held = await database.read(lambda tx: stuck.dead_letters(tx, limit=100_000))
    report.held_and_shown = len(held)
    report.released = await database.read(lambda tx: _texts(tx, vault, {letter.id for letter in held}))
    now = SystemClock().now()
    for letter in held:
        await database.write(partial(stuck.retry_delivery, outbox_id=letter.id, at=now))
    if held:
        await _until_done(servers, people, database, plan.drain_seconds, report)
    await servers.end(signal.SIGTERM)


def _texts(tx: sa.Connection, vault: Vault, ids: set[str]) -> list[str]:
    held = tx.execute(sa.select(outbox.c.conversation_id).where(outbox.c.id.in_(ids)).distinct()).scalars().all()
    return [line.text for each in held for line in service.transcript(tx, vault, each) if line.id in ids]


async def _until_done(
    servers: Servers, people: RemoteTelegram, database: Database, within: float, report: Report
) -> None:
    deadline = time.monotonic() + within
    left: tuple[int, int, int] = (1, 1, 1)
    while any(left):
        if time.monotonic() > deadline:
            report.wrong.append(f"not done in time: {left[0]} at Telegram, {left[1]} in the inbox, {left[2]} to send")
            return
        if not servers.lives():
            report.wrong.append("the server died by itself")
            return
        await asyncio.sleep(0.2)
        waiting = await people.waiting()
        received, replies = await database.read(_unfinished)
        left = (waiting, received, replies)


def _unfinished(tx: sa.Connection) -> tuple[int, int]:
    received = sa.select(sa.func.count()).where(inbox.c.state == "waiting")
    replies = sa.select(sa.func.count()).where(outbox.c.state.in_(["todo", "sending"]))
    return tx.execute(received).scalar_one(), tx.execute(replies).scalar_one()


# --- the judgement -----------------------------------------------------------------------------------------------


async def _judge(database: Database, vault: Vault, ledger: Path, plan: Plan, report: Report) -> None:
    wanted = [_said(number, plan) for number in range(plan.messages)]
    ids = await database.read(lambda tx: list(tx.execute(sa.select(conversations.c.id)).scalars()))
    spoken = [
        (line, conversation_id)
        for conversation_id in ids
        for line in await database.read(partial(service.transcript, vault=vault, conversation_id=conversation_id))
    ]
    heard = Counter(line.text for line, _ in spoken if line.author is Author.PERSON)
    report.inbound = len(wanted)
    report.inbound_lost = sum(1 for said in wanted if not heard[said["text"]])
    report.inbound_doubled = sum(count - 1 for count in heard.values() if count > 1)
    await _judge_calls(database, wanted, report)
    arrived = _arrived(ledger)
    await _judge_replies(database, [line for line, _ in spoken], arrived, report)
    _judge_order(wanted, arrived, report)
    report.wrong += await database.read(lambda tx: stuck.check_invariants(tx, SystemClock().now()))
    for name in (
        "inbound_lost", "inbound_doubled", "calls_lost", "calls_doubled", "outbound_lost",
        "duplicates_without_cause", "out_of_order",
    ):  # fmt: skip
        if getattr(report, name):
            report.wrong.append(f"{name}: {getattr(report, name)}")


async def _judge_calls(database: Database, wanted: Sequence[dict[str, Any]], report: Report) -> None:
    calls = Counter(await database.read(lambda tx: list(tx.execute(sa.select(storm_calls.c.words)).scalars())))
    dangers = [said["text"] for said in wanted if "knife" in said["text"]]
    report.calls_wanted = len(dangers)
    report.calls_lost = sum(1 for text in dangers if not calls[text])
    report.calls_doubled = sum(count - 1 for count in calls.values())


def _arrived(ledger: Path) -> list[tuple[int, str]]:
    """What people have on their phones, in order: chat and text."""
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        rows = db.execute("SELECT chat_id, body FROM messages ORDER BY seq").fetchall()
    return [(chat_id, json.loads(body).get("text", "")) for chat_id, body in rows]


async def _judge_replies(
    database: Database, lines: Sequence[service.Line], arrived: Sequence[tuple[int, str]], report: Report
) -> None:
    """Each reply arrived, and no oftener than there are causes for it. Each is counted right, so no turn ran twice."""
    replies = [line for line in lines if line.direction is Direction.OUT]
    copies = Counter(text for _, text in arrived)
    causes = await database.read(_ambiguous_causes)
    report.outbound = len(replies)
    report.outbound_lost = sum(1 for line in replies if not copies[line.text])
    report.duplicates = sum(count - 1 for count in copies.values())
    report.ambiguous_causes = dict(Counter(cause for found in causes.values() for cause in found))
    allowed = {line.text: len(causes[line.id]) for line in replies}
    report.duplicates_without_cause = sum(max(0, count - 1 - allowed.get(text, 0)) for text, count in copies.items())


def _ambiguous_causes(tx: sa.Connection) -> dict[str, list[str]]:
    """Per reply, the causes of those sends that may have arrived although nobody told us."""
    found: dict[str, list[str]] = defaultdict(list)
    query = sa.select(deliveries.c.outbox_id, deliveries.c.cause).where(deliveries.c.outcome == "uncertain")
    for row in tx.execute(query):
        found[row.outbox_id].append(row.cause)
    return found


def _judge_order(wanted: Sequence[dict[str, Any]], arrived: Sequence[tuple[int, str]], report: Report) -> None:
    """Every chat got its answers in the order of its messages, numbered without a gap or a repetition."""
    expected: dict[int, list[str]] = defaultdict(list)
    for said in wanted:
        answers = expected[said["chat_id"]]
        answers.append(f"{said['text']}|{len(answers) + 1}")
    got: dict[int, list[str]] = defaultdict(list)
    for chat_id, text in arrived:
        if text not in report.released and text not in got[chat_id]:
            got[chat_id].append(text)
    for chat_id, answers in expected.items():
        in_order = [text for text in answers if text not in report.released]
        report.out_of_order += sum(1 for want, have in zip(in_order, got[chat_id], strict=False) if want != have)


# --- by hand -----------------------------------------------------------------------------------------------------


async def storm_over(kind: str, plan: Plan) -> Report:
    """A storm over a fresh database of a kind, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wm-storm-") as name:
        folder = Path(name)
        if kind == "sqlite":
            return await run_storm(f"sqlite:///{folder / 'waymark.db'}", folder, plan)
        with running_postgres() as server:
            return await run_storm(server.new_database(), folder, plan)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.storm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--stops", type=int, default=0)
    parser.add_argument("--chats", type=int, default=300)
    parser.add_argument("--faults", default=FAULTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    plan = Plan(given.messages, given.kills, given.stops, given.chats, given.faults, given.seed, drain_seconds=900)
    report = asyncio.run(storm_over(given.database, plan))
    print(json.dumps({"bench": "storm", **asdict(report), "released": len(report.released)}), flush=True)
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
