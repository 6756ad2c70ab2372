"""Two deployments write to each other while one of them is killed again and again: what must be true when it is over.

    python -m tests.faults.exchange --letters 1000 --kills 40 --database sqlite

Each has a database and a server process of its own; between them are two small proxies that record every byte that
passes and sometimes cut a line. In the end both ledgers must say the same: nothing lost, nothing twice, and the words
of the letters neither on the wire nor on a disk. One JSON object says how it went.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.exchange.partners import keys
from bot.exchange.partners import service as partner_service
from bot.exchange.partners.model import Agreement, Partner, PartnerKind
from bot.exchange.post import store
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, open_database
from bot.kernel.ids import new_id
from bot.kernel.officers import add_officer
from tests.conftest import make_tables
from tests.faults.exchange_server import (
    CANARY,
    CLASSES,
    MASTER_KEY,
    PURPOSE,
    REQUEST,
    Orders,
    news,
    storm_tables,
    taken,
    written,
)
from tests.postgres import running_postgres
from tests.program import free_port

FAILPOINTS = ("exchange.after_store", "exchange.after_send", "exchange.after_record", "exchange.after_hand_over")
START_SECONDS = 60


@dataclass
class Plan:
    """What a storm is made of."""

    letters: int = 40  # each way
    kills: int = 4
    cut_lines: float = 0.02  # so many of the answers the proxies swallow, and cut the line
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
    lines_cut: int = 0
    bytes_on_the_wire: int = 0
    written: int = 0
    lost: int = 0
    doubled: int = 0
    spoilt: int = 0
    tries_in_vain: int = 0
    wrong: list[str] = field(default_factory=list)


class Wire:
    """A proxy in front of one deployment: records what passes, and cuts an answer now and then."""

    def __init__(self, port: int, record: Path, *, cut: float, chance: random.Random) -> None:
        self.port = free_port()
        self.cut_lines = 0
        self._target = port
        self._record = record.open("ab")
        self._cut = cut
        self._chance = chance
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()
        self._record.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        forth, home = self._copy(reader, back, cut=0.0), self._copy(there, writer, cut=self._cut)
        ways = [asyncio.create_task(way) for way in (forth, home)]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for each in (writer, back):
            each.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, cut: float) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65536):
                self._record.write(data)
                self._record.flush()
                if self._chance.random() < cut:
                    self.cut_lines += 1
                    return
                writer.write(data)
                await writer.drain()


class Side:
    """One deployment: its database, its process, and who is in front of it."""

    def __init__(self, name: str, country: str, database_url: str, folder: Path, plan: Plan) -> None:
        self.name = name
        self.country = country
        self.database: Database = open_database(database_url)
        self.vault = Vault(MASTER_KEY)
        self.folder = folder / name
        self.folder.mkdir()
        self.port = free_port()
        self.orders = Orders(name, database_url, str(self.folder), self.port, plan.letters, pause=0.01)
        self.log = self.folder / "server.log"
        self._process: asyncio.subprocess.Process | None = None

    async def prepare(self) -> None:
        at = SystemClock().now()

        def make(tx: Connection) -> None:
            make_tables(tx)
            storm_tables.create_all(tx)

        await self.database.write(make)
        await self.database.write(lambda tx: self.vault.prepare(tx, at))

    async def meet(self, other: Side, wire: Wire) -> None:
        """Trust the other one, reached through its wire."""
        at = SystemClock().now()
        own = await other.database.write(lambda tx: partner_service.current_own_key(tx, other.vault, at))
        endpoint = f"http://127.0.0.1:{wire.port}"
        card = keys.read_card(keys.write_card(own, name=other.name, country=other.country, endpoint=endpoint))
        agreement = Agreement(
            frozenset({PURPOSE}), CLASSES, 90, at - timedelta(days=1), at + timedelta(days=30), "storm"
        )
        partner = Partner(
            id=new_id(), name=other.name, country=other.country, kind=PartnerKind.DEPLOYMENT, reports_to=frozenset(),
            agreement=agreement, may_send=frozenset({REQUEST}), may_receive=frozenset({REQUEST}), endpoint=endpoint,
        )  # fmt: skip

        def work(tx: Connection) -> None:
            partner_service.add_partner(tx, self.vault, partner, by="system:storm", at=at)
            partner_service.add_key(tx, self.vault, partner.id, card, by="system:storm", at=at)
            for name in ("amira", "bruno"):
                admin = add_officer(tx, self.vault, name=name, sign_in_name=name, roles=[Role.ADMIN], at=at)
                heard = " ".join(card.fingerprint)
                partner_service.sign_key(tx, self.vault, partner.id, heard=heard, officer_id=admin.id, at=at)

        await self.database.write(work)

    async def start(self, failpoints: str = "") -> None:
        """Return when it serves, or when a failpoint has struck already."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.faults.exchange_server", json.dumps(asdict(self.orders)),
                stdout=asyncio.subprocess.PIPE, stderr=log, env={**os.environ, "WAYMARK_FAILPOINTS": failpoints},
            )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            await self._process.stdout.readline()

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ended(self, within: float) -> bool:
        assert self._process is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._process.wait()
        return not self.lives

    async def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        if self.lives and self._process is not None:
            self._process.terminate()
            if not await self.ended(20):
                await self.kill()

    # What the ledgers say

    async def left(self, other: Side) -> int:
        """How many letters are not written yet, not confirmed yet, or not taken in at the other side."""
        wrote = await self.database.read(lambda tx: _count(tx, written))
        waiting = await self.database.read(
            lambda tx: _count(tx, store.exchange_letters, store.exchange_letters.c.state == store.WAITING)
        )
        there = await other.database.read(lambda tx: _count(tx, taken))
        return max(self.orders.letters - wrote, 0) + waiting + max(self.orders.letters - there, 0)

    async def close(self) -> None:
        await self.kill()
        await self.database.close()


def _count(tx: Connection, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


async def run_storm(urls: tuple[str, str], folder: Path, plan: Plan) -> Report:
    """The whole storm over two empty databases. `folder` keeps the logs and what passed on the wire."""
    started, chance = time.monotonic(), random.Random(plan.seed)
    report = Report(urls[0].partition(":")[0], asdict(plan))
    lyon, tunis = Side("Lyon Refuge", "FR", urls[0], folder, plan), Side("Tunis Aid", "TN", urls[1], folder, plan)
    record = folder / "wire"
    try:
        async with _wires(lyon, tunis, record, plan, chance) as (to_lyon, to_tunis):
            for side in (lyon, tunis):
                await side.prepare()
            await lyon.meet(tunis, to_tunis)
            await tunis.meet(lyon, to_lyon)
            await lyon.start()
            await _storm(tunis, plan, chance, report)
            await _calm(lyon, tunis, plan, report)
            report.lines_cut = to_lyon.cut_lines + to_tunis.cut_lines
            await lyon.stop()
            await tunis.stop()
        await _judge(lyon, tunis, report)
    finally:
        for side in (lyon, tunis):
            await side.close()
    report.bytes_on_the_wire = record.stat().st_size
    _look_for_words(folder, report)
    report.seconds = round(time.monotonic() - started, 1)
    return report


@contextlib.asynccontextmanager
async def _wires(
    lyon: Side, tunis: Side, record: Path, plan: Plan, chance: random.Random
) -> AsyncIterator[tuple[Wire, Wire]]:
    to_lyon = Wire(lyon.port, record, cut=plan.cut_lines, chance=chance)
    to_tunis = Wire(tunis.port, record, cut=plan.cut_lines, chance=chance)
    async with to_lyon, to_tunis:
        yield to_lyon, to_tunis


async def _storm(side: Side, plan: Plan, chance: random.Random, report: Report) -> None:
    """One side dies again and again: at random moments and at named places in turn."""
    for number in range(plan.kills):
        point = FAILPOINTS[number // 2 % len(FAILPOINTS)] if number % 2 == 0 else ""
        await side.start(f"{point}:0.3" if point else "")
        if point and await side.ended(within=5):
            report.killed_at_failpoints[point] = report.killed_at_failpoints.get(point, 0) + 1
            continue
        if not point:
            await asyncio.sleep(chance.uniform(0.05, 0.8))
        await side.kill()
        report.killed_at_random += 1


async def _calm(lyon: Side, tunis: Side, plan: Plan, report: Report) -> None:
    """Leave both alone until nothing is left to do."""
    await tunis.start()
    deadline = time.monotonic() + plan.drain_seconds
    while left := await lyon.left(tunis) + await tunis.left(lyon):
        if time.monotonic() > deadline:
            report.wrong.append(f"not done in time: {left} steps left")
            return
        if not (lyon.lives and tunis.lives):
            report.wrong.append("a server died by itself")
            return
        await asyncio.sleep(0.2)


# --- the judgement ---


async def _judge(lyon: Side, tunis: Side, report: Report) -> None:
    for sender, receiver in ((lyon, tunis), (tunis, lyon)):
        wrote = await sender.database.read(lambda tx: list(tx.execute(sa.select(written.c.envelope_id)).scalars()))
        got = await receiver.database.read(lambda tx: tx.execute(sa.select(taken)).all())
        counted = Counter(row.envelope_id for row in got)
        report.written += len(wrote)
        report.lost += sum(1 for each in wrote if not counted[each])
        report.doubled += sum(count - 1 for count in counted.values())
        report.spoilt += sum(1 for row in got if not row.fits)
        report.wrong += [f"{receiver.name} took in a letter nobody wrote"] if counted.keys() - set(wrote) else []
        states = await sender.database.read(_states)
        report.wrong += [f"{sender.name}: letters are {states}"] if states.keys() != {"stored"} else []
        told = Counter(await sender.database.read(lambda tx: list(tx.execute(sa.select(news.c.envelope_id)).scalars())))
        report.wrong += [f"{sender.name} was told otherwise"] if told != Counter(wrote) else []
        gaps = await receiver.database.read(store.gaps)
        report.wrong += [f"{receiver.name} misses letters: {gaps}"] if gaps else []
        chain = await sender.database.read(partial(audit.verify, vault=sender.vault))
        report.wrong += [] if chain.ok else [f"{sender.name}: the audit chain is broken"]
        report.tries_in_vain += await sender.database.read(_tries)
        report.wrong += await _unequal(sender, receiver)
    for name in ("lost", "doubled", "spoilt"):
        if getattr(report, name):
            report.wrong.append(f"{name}: {getattr(report, name)}")


async def _unequal(sender: Side, receiver: Side) -> list[str]:
    """Both ledgers, number by number."""
    ours, theirs = store.exchange_letters, store.exchange_received
    sent = await sender.database.read(lambda tx: {tuple(row) for row in tx.execute(sa.select(ours.c.id, ours.c.seq))})
    came = await receiver.database.read(
        lambda tx: {tuple(row) for row in tx.execute(sa.select(theirs.c.envelope_id, theirs.c.seq))}
    )
    return [] if sent == came else [f"the ledgers differ in {len(sent ^ came)} places"]


def _states(tx: Connection) -> dict[str, int]:
    states = store.exchange_letters.c.state
    return {row[0]: row[1] for row in tx.execute(sa.select(states, sa.func.count()).group_by(states))}


def _tries(tx: Connection) -> int:
    """Attempts that failed: how often a letter went, or tried to, and was not confirmed at once."""
    return int(tx.execute(sa.select(sa.func.coalesce(sa.func.sum(store.exchange_letters.c.attempt), 0))).scalar_one())


def _look_for_words(folder: Path, report: Report) -> None:
    """In everything that was kept or passed: databases and their logs, what the servers said, the wire."""
    looked = [path for path in folder.rglob("*") if path.is_file()]
    for path in looked:
        if CANARY.encode() in path.read_bytes():
            report.wrong.append(f"the words stand in {path.name}")
    if report.database == "sqlite" and not any(path.suffix == ".db" for path in looked):
        report.wrong.append("no database was looked at")


# --- by hand ---


async def storm_over(kind: str, plan: Plan) -> Report:
    """A storm over fresh databases of a kind, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wm-post-") as name:
        folder = Path(name)
        if kind == "sqlite":
            return await run_storm(
                (f"sqlite:///{folder / 'lyon.db'}", f"sqlite:///{folder / 'tunis.db'}"), folder, plan
            )
        with running_postgres() as server:
            return await run_storm((server.new_database(), server.new_database()), folder, plan)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.exchange", description=__doc__)
    parser.add_argument("--letters", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--cut-lines", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    plan = Plan(given.letters, given.kills, given.cut_lines, given.seed, drain_seconds=1800)
    report = asyncio.run(storm_over(given.database, plan))
    print(json.dumps({"bench": "exchange storm", **asdict(report)}), flush=True)
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
