"""Webhook to durable inbox, beside the floor: a bare handler and a bare group-commit writer of the same machine.

Three servers take the same updates from the same load generator, one after the other, in many short rounds: what else
the machine does then falls upon all three alike.

- `floor`: an aiohttp handler that parses JSON and waits for a thread that groups raw `sqlite3` inserts into commits;
- `inbox`: the same bare handler in front of our `Inbox`: what sealing, conversations and allowance cost;
- `webhook`: the route people's messages really take: guarded router, secret, headers, log, Telegram's parser, inbox.

Each is a process of its own, and none returns 200 before the commit (WAL, `synchronous=FULL`). Before each round what
lies in our inbox is marked as read, as our turns would, outside the time that is measured: otherwise a later round
would measure a queue of tens of thousands that nobody reads.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import queue
import resource
import sqlite3
import statistics
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

from bot.bench.load import LoadResult, post_all, request, telegram_update

SECRET = "bench-secret"  # noqa: S105
PATH = "/telegram/webhook"
CHATS = 200
LARGEST_GROUP = 64
#: What a server is asked before a round.
READ = "read\n"

# --- the floor ---------------------------------------------------------------------------------------------------


class BareWriter:
    """The least that is durable: one thread, one statement a message, one commit a group."""

    def __init__(self, path: Path) -> None:
        self._queue: queue.SimpleQueue[tuple[int, bytes, asyncio.Future[None]] | None] = queue.SimpleQueue()
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    async def keep(self, update_id: int, payload: bytes) -> None:
        kept: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((update_id, payload, kept))
        await kept

    def _write(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE inbox (seq INTEGER PRIMARY KEY, update_id INTEGER UNIQUE, payload BLOB)")
        while (first := self._queue.get()) is not None:
            group = [first]
            while len(group) < LARGEST_GROUP and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    return
                group.append(more)
            connection.execute("BEGIN IMMEDIATE")
            for update_id, payload, _ in group:
                connection.execute(
                    "INSERT INTO inbox (update_id, payload) VALUES (?, ?) ON CONFLICT DO NOTHING", (update_id, payload)
                )
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(self._tell, [kept for _, _, kept in group])

    @staticmethod
    def _tell(kept: list[asyncio.Future[None]]) -> None:
        for future in kept:
            future.set_result(None)


class _App(NamedTuple):
    """A server to measure."""

    runner: web.AppRunner
    read_all: Callable[[], Awaitable[None]]


async def _nobody_reads() -> None:
    """The floor has no queue that anybody could read."""


async def floor_app(folder: Path) -> _App:
    writer = BareWriter(folder / "floor.db")

    async def receive(incoming: web.Request) -> web.Response:
        payload = await incoming.read()
        await writer.keep(json.loads(payload)["update_id"], payload)
        return web.Response()

    app = web.Application()
    app.router.add_post(PATH, receive)
    return _App(web.AppRunner(app, access_log=None), _nobody_reads)


# --- ours --------------------------------------------------------------------------------------------------------


async def open_inbox(folder: Path) -> tuple[Any, Any, Any, Any, Any]:
    from bot.channels.telegram.channel import TelegramChannel
    from bot.conversations.inbox import Inbox
    from bot.conversations.model import Allowance
    from bot.kernel.clock import SystemClock
    from bot.kernel.crypto import Vault
    from bot.kernel.database import metadata, open_database
    from bot.kernel.live import Signals

    database, vault, clock, signals = (
        open_database(f"sqlite:///{folder / 'ours.db'}"),
        Vault(bytes(32)),
        SystemClock(),
        Signals(),
    )
    await database.write(metadata.create_all)
    await database.write(lambda tx: vault.prepare(tx, clock.now()))
    channel = TelegramChannel("1:bench")
    # The allowance is counted as always, and set so high that no chat of the bench has to wait.
    inbox = Inbox(
        database,
        vault,
        clock,
        signals,
        channels={channel.name: channel},
        screen=lambda text: None,
        allowance=Allowance(burst=10_000_000, per_minute=10_000_000),
    )
    return database, vault, clock, signals, inbox


def _reader(database: Any) -> Callable[[], Awaitable[None]]:
    """Ends the wait of every message, as turns do."""
    from bot.conversations.model import InboxState
    from bot.conversations.store.tables import inbox

    waiting = inbox.c.state == InboxState.WAITING.value
    done = inbox.update().where(waiting).values(state=InboxState.DONE.value, payload_sealed=None)

    async def read_all() -> None:
        await database.write(lambda tx: tx.execute(done))

    return read_all


async def inbox_app(folder: Path) -> _App:
    from bot.channels.model import RawMessage

    database, *_, inbox = await open_inbox(folder)

    async def receive(incoming: web.Request) -> web.Response:
        payload = await incoming.read()
        update = json.loads(payload)
        chat_id = str(update["message"]["chat"]["id"])
        await inbox.accept(RawMessage("telegram", "1", str(update["update_id"]), chat_id, payload))
        return web.Response()

    app = web.Application()
    app.router.add_post(PATH, receive)
    return _App(web.AppRunner(app, access_log=None), _reader(database))


async def webhook_app(folder: Path) -> _App:
    from bot.kernel.logs import configure_logs

    configure_logs("INFO", "json")

    from bot.channels.telegram.routes import webhook_routes
    from bot.kernel.settings import load_settings
    from bot.kernel.web import WebParts, build_web, web_runner
    from bot.kernel.words import Words

    database, vault, clock, signals, inbox = await open_inbox(folder)
    settings = load_settings({"WAYMARK_DATA_DIR": str(folder)})
    parts = WebParts(
        settings=settings, database=database, vault=vault, clock=clock, signals=signals, words=Words.load()
    )
    return _App(web_runner(build_web(parts, webhook_routes("1", SECRET, inbox))), _reader(database))


APPS = {"floor": floor_app, "inbox": inbox_app, "webhook": webhook_app}


async def serve(name: str, folder: Path) -> None:
    """Serve until stdin closes; say on stdout which port, and whenever asked by a line how much CPU it took so far.

    Asked to `read`, it first ends the wait of what it received.
    """
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    runner, read_all = await APPS[name](folder)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    gc.freeze()  # as the program does once it serves
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    loop = asyncio.get_running_loop()
    while asked := await loop.run_in_executor(None, sys.stdin.readline):
        if asked == READ:
            await read_all()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"cpu_seconds": usage.ru_utime + usage.ru_stime}), flush=True)
    os._exit(0)


# --- measuring ---------------------------------------------------------------------------------------------------


class _Server:
    """One of the three, in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def cpu_seconds(self, asked: str = "\n") -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(asked.encode())
        return float((await self._line())["cpu_seconds"])

    async def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return line


@asynccontextmanager
async def running(name: str, folder: Path) -> AsyncIterator[_Server]:
    await asyncio.to_thread(folder.mkdir)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.bench.ingest", "--serve", name, "--folder", str(folder),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        first = await process.stdout.readline()
        if not first:
            raise RuntimeError(f"the server {name} did not start")
        yield _Server(process, json.loads(first)["port"])
    finally:
        process.terminate()
        await process.wait()


def updates(first: int, count: int) -> list[bytes]:
    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET}
    text = "I need a place to sleep tonight, I am in Ventimiglia near the station"
    return [
        request(PATH, telegram_update(number, 1_000_000 + number % CHATS, text), headers)
        for number in range(first, first + count)
    ]


async def run(messages: int = 1000, rounds: int = 21, connections: int = 64, floor_share: float = 0.6) -> bool:
    """Print one JSON object a round and server, then the comparison. True when ours reaches its share of the floor."""
    rates: dict[str, list[float]] = {name: [] for name in APPS}
    cpu: dict[str, list[float]] = {name: [] for name in APPS}
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as folder:
        async with (
            running("floor", Path(folder) / "floor") as floor,
            running("inbox", Path(folder) / "inbox") as inbox,
            running("webhook", Path(folder) / "webhook") as webhook,
        ):
            servers = {"floor": floor, "inbox": inbox, "webhook": webhook}
            for server in servers.values():  # first requests warm caches and open the conversations
                await post_all("127.0.0.1", server.port, updates(1, 2 * CHATS), connections=connections)
            for number in range(rounds):
                requests = updates(1_000_000 * (number + 1), messages)
                for name, server in servers.items():
                    before = await server.cpu_seconds(READ)
                    result = await post_all("127.0.0.1", server.port, requests, connections=connections)
                    used = await server.cpu_seconds() - before
                    rates[name].append(result.rate)
                    cpu[name].append(used / messages)
                    _print_round(name, number, connections, result, used / messages)
    return _compare(rates, cpu, connections, floor_share)


def _print_round(name: str, number: int, connections: int, result: LoadResult, cpu: float) -> None:
    line = {
        "bench": "ingest",
        "server": name,
        "round": number + 1,
        "in_flight": connections,
        "messages": result.requests,
        "per_second": round(result.rate),
        "p50_ms": round(result.percentile(0.5), 2),
        "p99_ms": round(result.percentile(0.99), 2),
        "cpu_us_per_message": round(cpu * 1e6),
    }
    print(json.dumps(line), flush=True)


def _compare(rates: dict[str, list[float]], cpu: dict[str, list[float]], connections: int, floor_share: float) -> bool:
    floor = statistics.median(rates["floor"])
    shares: dict[str, float] = {}
    for name in ("inbox", "webhook"):
        # The machine may be shared: rounds stand side by side, so each is compared with the floor of its moment.
        shares[name] = statistics.median(ours / bare for ours, bare in zip(rates[name], rates["floor"], strict=True))
    reached = shares["webhook"] >= floor_share
    line = {
        "bench": "ingest",
        "in_flight": connections,
        "floor_per_second": round(floor),
        "inbox_per_second": round(statistics.median(rates["inbox"])),
        "webhook_per_second": round(statistics.median(rates["webhook"])),
        "inbox_share": round(shares["inbox"], 2),
        "webhook_share": round(shares["webhook"], 2),
        "cpu_us_per_message": {name: round(statistics.median(used) * 1e6) for name, used in cpu.items()},
        "wanted_share": floor_share,
        "reached": reached,
    }
    print(json.dumps(line), flush=True)
    return reached


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.bench.ingest")
    parser.add_argument("--serve", choices=sorted(APPS))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.serve, arguments.folder))
    else:
        reached = asyncio.run(run(arguments.messages, arguments.rounds, arguments.connections))
        sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
