"""Two or three deployments write to each other while everything goes wrong: what must be true when it is over.

    python -m tests.faults.exchange --deployments 3 --letters 350 --kills 40 --database sqlite

Each has a database and a server process of its own; before each stands a small proxy that records every byte that
passes, and sometimes swallows an answer. One of them is killed again and again, at random moments and at named places;
its clock is twenty minutes slow at first; it makes itself a new key in mid-traffic. With three, one is cut off for a
while, and one revokes another's key and verifies the next by hand. In the end all ledgers must say the same: nothing
lost, nothing twice, and the words of the letters neither on the wire nor on a disk. One JSON object says how it went.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy.engine import Connection

from bot.exchange.partners import keys
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import Identity, KeyCard
from bot.exchange.partners.model import Agreement, Partner, PartnerKind
from bot.exchange.post import store, trust
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
    serve,
    storm_tables,
    taken,
    written,
)
from tests.forked import FORKED, begin
from tests.postgres import running_postgres
from tests.program import free_port

FAILPOINTS = ("exchange.after_store", "exchange.after_send", "exchange.after_record", "exchange.after_hand_over")
START_SECONDS = 300  # a machine that is busy with other things


@dataclass
class Plan:
    """What a storm is made of."""

    letters: int = 40  # from each to each
    kills: int = 4
    deployments: int = 2
    rotates: bool = True
    slow_minutes: int = 20  # how slow the killed one's clock is until half of its deaths are over
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
    refused: int = 0  # stored under a key that was revoked before they were handed over; their senders know
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
        self.cut_off = False
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
        if self.cut_off:
            writer.close()
            return
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
                if self.cut_off or self._chance.random() < cut:
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
        self.admins: list[str] = []
        self._process: ForkServerProcess | None = None

    async def prepare(self) -> None:
        at = SystemClock().now() - timedelta(hours=1)  # a clock that is a little slow must know the keys already

        def make(tx: Connection) -> None:
            make_tables(tx)
            storm_tables.create_all(tx)

        def begin(tx: Connection) -> None:
            self.vault.prepare(tx, at)
            for name in ("amira", "bruno"):
                officer = add_officer(tx, self.vault, name=name, sign_in_name=name, roles=[Role.ADMIN], at=at)
                self.admins.append(officer.id)

        await self.database.write(make)
        await self.database.write(begin)

    async def meet(self, other: Side, wire: Wire, **terms: Any) -> str:
        """Trust the other one, reached through its wire. Returns its id here."""
        at = SystemClock().now() - timedelta(hours=1)
        own = await other.database.write(lambda tx: partner_service.current_own_key(tx, other.vault, at))
        endpoint = f"http://127.0.0.1:{wire.port}"
        card = keys.read_card(keys.write_card(own, Identity(other.name, other.country, endpoint)))
        agreement = Agreement(
            frozenset({PURPOSE}), CLASSES, 90, at - timedelta(days=1), at + timedelta(days=30), "storm"
        )
        partner = Partner(
            id=new_id(), name=other.name, country=other.country, kind=PartnerKind.DEPLOYMENT, reports_to=frozenset(),
            agreement=agreement, may_send=frozenset({REQUEST}), may_receive=frozenset({REQUEST}), endpoint=endpoint,
        )  # fmt: skip
        partner = structs.replace(partner, **terms)

        def work(tx: Connection) -> None:
            partner_service.add_partner(tx, self.vault, partner, by="system:storm", at=at)
            partner_service.add_key(tx, self.vault, partner.id, card, by="system:storm", at=at)
            self._sign(tx, partner.id, card)

        await self.database.write(work)
        return partner.id

    def _sign(self, tx: Connection, partner_id: str, card: KeyCard) -> None:
        for admin in self.admins:
            heard, at = " ".join(card.fingerprint), SystemClock().now()
            partner_service.sign_key(tx, self.vault, partner_id, heard=heard, officer_id=admin, at=at)

    async def rotate(self) -> None:
        """A new key, while letters are under way."""
        identity = Identity(self.name, self.country, "http://127.0.0.1:1")
        await self.database.write(
            lambda tx: trust.announce_key(tx, self.vault, identity, by="system:storm", at=SystemClock().now())
        )

    async def distrust(self, other: Side) -> None:
        """Revoke every key of the other one; it makes a new one, and two admins verify that by hand."""
        at = SystemClock().now()

        def named(tx: Connection) -> Partner:
            return next(each for each in partners.everyone(tx, self.vault) if each.name == other.name)

        await self.database.write(
            lambda tx: partner_service.revoke_keys(tx, self.vault, named(tx).id, None, by="system:storm", at=at)
        )
        await asyncio.sleep(2)
        await other.rotate()
        own = await other.database.read(lambda tx: partner_service.newest_own_key(tx, other.vault, SystemClock().now()))
        card = keys.read_card(keys.write_card(own, Identity(other.name, other.country, "http://127.0.0.1:1")))

        def trust(tx: Connection) -> None:
            partner_service.add_key(tx, self.vault, named(tx).id, card, by="system:storm", at=SystemClock().now())
            self._sign(tx, named(tx).id, card)

        await self.database.write(trust)

    async def start(self, failpoints: str = "", *, skew_minutes: int = 0) -> None:
        """Return when it serves, or when a failpoint has struck already. Raises AssertionError where neither is so."""
        orders = replace(self.orders, skew_minutes=skew_minutes)
        ours, theirs = FORKED.Pipe(duplex=False)
        self._process = begin(serve, orders, theirs, until=failpoints, log=self.log)
        theirs.close()
        serves = await asyncio.to_thread(ours.poll, START_SECONDS)  # or ends: then too there is something to read
        assert serves, "it neither serves nor ends"
        try:
            ours.recv()
        except EOFError:
            assert failpoints, f"it did not come back: {self.log.read_text(errors='replace')[-2000:]}"
        finally:
            ours.close()

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.is_alive()

    async def ended(self, within: float) -> bool:
        assert self._process is not None
        await asyncio.to_thread(self._process.join, within)
        return not self.lives

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.join)

    async def stop(self) -> None:
        if self.lives and self._process is not None:
            self._process.terminate()
            if not await self.ended(20):
                await self.kill()

    async def left(self, deployments: int) -> int:
        """How many letters are not written yet, or not confirmed, or not taken in."""
        wanted = self.orders.letters * (deployments - 1)
        wrote = await self.database.read(lambda tx: _count(tx, written))
        waiting = await self.database.read(
            lambda tx: _count(tx, store.exchange_letters, store.exchange_letters.c.state == store.WAITING)
        )
        got = await self.database.read(lambda tx: _count(tx, taken))
        return max(wanted - wrote, 0) + waiting + max(wanted - got, 0)

    async def close(self) -> None:
        await self.kill()
        await self.database.close()


def _count(tx: Connection, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


NAMES = (("Lyon Refuge", "FR"), ("Tunis Aid", "TN"), ("Rome Shelter", "IT"))


async def run_storm(urls: Sequence[str], folder: Path, plan: Plan) -> Report:
    """The whole storm over empty databases, one a deployment. `folder` keeps the logs and what passed on the wire."""
    started, chance = time.monotonic(), random.Random(plan.seed)
    report = Report(urls[0].partition(":")[0], asdict(plan))
    sides = [Side(name, country, url, folder, plan) for (name, country), url in zip(NAMES, urls, strict=False)]
    record = folder / "wire"
    try:
        async with AsyncExitStack() as stack:
            wires = [
                await stack.enter_async_context(Wire(side.port, record, cut=plan.cut_lines, chance=chance))
                for side in sides
            ]
            await _acquaint(sides, wires)
            first, killed, *others = sides
            for side in (first, *others):
                await side.start()
            await asyncio.gather(
                _storm(killed, plan, chance, report), *(_trouble(first, each, wires[2]) for each in others)
            )
            await _calm(sides, killed, plan, report)
            report.lines_cut = sum(wire.cut_lines for wire in wires)
            for side in sides:
                await side.stop()
        await _judge(sides, report)
    finally:
        for side in sides:
            await side.close()
    report.bytes_on_the_wire = record.stat().st_size
    report.wrong += words_found(folder, in_files=report.database == "sqlite")
    report.seconds = round(time.monotonic() - started, 1)
    return report


async def _acquaint(sides: Sequence[Side], wires: Sequence[Wire]) -> None:
    for side in sides:
        await side.prepare()
    for side in sides:
        for other, wire in zip(sides, wires, strict=True):
            if other is not side:
                await side.meet(other, wire)


async def _trouble(first: Side, third: Side, wire: Wire) -> None:
    """The third one is cut off for a while, and then takes its trust in the first one back."""
    await asyncio.sleep(2)
    wire.cut_off = True
    await asyncio.sleep(3)
    wire.cut_off = False
    await third.distrust(first)


async def _storm(side: Side, plan: Plan, chance: random.Random, report: Report) -> None:
    """One side dies again and again: at random moments and at named places in turn."""
    for number in range(plan.kills):
        early = number < plan.kills // 2
        point = FAILPOINTS[number // 2 % len(FAILPOINTS)] if number % 2 == 0 else ""
        await side.start(f"{point}:0.3" if point else "", skew_minutes=-plan.slow_minutes if early else 0)
        if plan.rotates and number == plan.kills // 2:
            await side.rotate()
        if point and await side.ended(within=5):
            report.killed_at_failpoints[point] = report.killed_at_failpoints.get(point, 0) + 1
            continue
        if not point:
            await asyncio.sleep(chance.uniform(0.05, 0.8))
        await side.kill()
        report.killed_at_random += 1


async def _calm(sides: Sequence[Side], killed: Side, plan: Plan, report: Report) -> None:
    """Leave them alone until nothing is left to do."""
    await killed.start()
    deadline = time.monotonic() + plan.drain_seconds
    while left := sum([await side.left(len(sides)) for side in sides]):
        if time.monotonic() > deadline:
            report.wrong.append(f"not done in time: {left} steps left")
            return
        if not all(side.lives for side in sides):
            report.wrong.append("a server died by itself")
            return
        await asyncio.sleep(0.2)


# --- the judgement ---


async def _judge(sides: Sequence[Side], report: Report) -> None:
    wrote = {side.name: await side.database.read(_written) for side in sides}
    got = [row for side in sides for row in await side.database.read(_taken)]
    counted = Counter(row.envelope_id for row in got)
    everything = {each for letters in wrote.values() for each in letters}
    report.written = len(everything)
    refused = {each for side in sides for each in await side.database.read(_refused)}
    report.refused = len(refused)
    report.lost = sum(1 for each in everything if not counted[each] and each not in refused)
    report.doubled = sum(count - 1 for count in counted.values())
    report.spoilt = sum(1 for row in got if not row.fits)
    report.wrong += ["a letter was taken in that nobody wrote"] if counted.keys() - everything else []
    for side in sides:
        states = await side.database.read(_states)
        report.wrong += [f"{side.name}: letters are {states}"] if states.keys() - {"stored", "refused"} else []
        told = Counter(await side.database.read(_told))
        report.wrong += [f"{side.name} was told otherwise"] if told != Counter(wrote[side.name]) else []
        gaps = await side.database.read(store.gaps)
        report.wrong += [f"{side.name} misses letters: {gaps}"] if gaps else []
        chain = await side.database.read(partial(audit.verify, vault=side.vault))
        report.wrong += [] if chain.ok else [f"{side.name}: the audit chain is broken"]
        report.tries_in_vain += await side.database.read(_tries)
    report.wrong += await _unequal(sides)
    for name in ("lost", "doubled", "spoilt"):
        if getattr(report, name):
            report.wrong.append(f"{name}: {getattr(report, name)}")


def _written(tx: Connection) -> list[str]:
    return list(tx.execute(sa.select(written.c.envelope_id)).scalars())


def _taken(tx: Connection) -> Sequence[sa.Row[Any]]:
    return tx.execute(sa.select(taken)).all()


async def _unequal(sides: Sequence[Side]) -> list[str]:
    """What was sent and what came, envelope by envelope with its number: the post's own letters too."""
    sent: set[tuple[Any, ...]] = set()
    came: set[tuple[Any, ...]] = set()
    for side in sides:
        sent |= await side.database.read(_sent)
        came |= await side.database.read(_came)
    return [] if sent == came else [f"the ledgers differ in {len(sent ^ came)} places"]


def _told(tx: Connection) -> list[str]:
    """What the room above was told is stored, as often as it was told."""
    return list(tx.execute(sa.select(news.c.envelope_id).where(news.c.state == "stored")).scalars())


def _refused(tx: Connection) -> list[str]:
    table = store.exchange_letters
    of_keys = sa.and_(table.c.state == "refused", table.c.code == "revoked_key")
    return list(tx.execute(sa.select(table.c.id).where(of_keys)).scalars())


def _sent(tx: Connection) -> set[tuple[Any, ...]]:
    table = store.exchange_letters
    return {tuple(row) for row in tx.execute(sa.select(table.c.id, table.c.seq))}


def _came(tx: Connection) -> set[tuple[Any, ...]]:
    table = store.exchange_received
    return {tuple(row) for row in tx.execute(sa.select(table.c.envelope_id, table.c.seq))}


def _states(tx: Connection) -> dict[str, int]:
    states = store.exchange_letters.c.state
    return {row[0]: row[1] for row in tx.execute(sa.select(states, sa.func.count()).group_by(states))}


def _tries(tx: Connection) -> int:
    """Attempts that failed: how often a letter went, or tried to, and was not confirmed at once."""
    return int(tx.execute(sa.select(sa.func.coalesce(sa.func.sum(store.exchange_letters.c.attempt), 0))).scalar_one())


def words_found(folder: Path, *, in_files: bool) -> list[str]:
    """Where the canary stands in what was kept or passed: databases and their logs, what the servers said, the wire.
    `in_files` says that the databases are among them."""
    looked = [path for path in folder.rglob("*") if path.is_file()]
    found = [f"the words stand in {path.name}" for path in looked if CANARY.encode() in path.read_bytes()]
    if in_files and not any(path.suffix == ".db" for path in looked):
        found.append("no database was looked at")
    return found


# --- by hand ---


async def storm_over(kind: str, plan: Plan) -> Report:
    """A storm over fresh databases of a kind, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wm-post-") as name:
        folder = Path(name)
        if kind == "sqlite":
            return await run_storm([f"sqlite:///{folder / str(n)}.db" for n in range(plan.deployments)], folder, plan)
        with running_postgres() as server:
            return await run_storm([server.new_database() for _ in range(plan.deployments)], folder, plan)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.exchange",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--letters", type=int, default=350)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--deployments", type=int, choices=[2, 3], default=3)
    parser.add_argument("--cut-lines", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    plan = Plan(given.letters, given.kills, given.deployments, cut_lines=given.cut_lines, seed=given.seed)
    plan.drain_seconds = 1800
    report = asyncio.run(storm_over(given.database, plan))
    print(json.dumps({"bench": "exchange storm", **asdict(report)}), flush=True)
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
