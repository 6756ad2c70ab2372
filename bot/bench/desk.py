"""The desk: how soon a cry for help is a row on an open desk, and what the queue page costs when very many wait.

- `crisis`: from the moment a message is accepted to the moment its row has reached the event stream of an open desk,
  through the whole program, while other people write so many messages a second. The comparison in the same run is the
  idle program. Load generator and program share one process and its cores, so the figures are on the safe side.
  `accepted` is how much of it passed before the message was in the inbox.
- `signal`: with 200 desks open, how long until the row of a new case has reached every one of them, and how much
  processor time (of program and desks together, they share a process) that takes. The comparison is one open desk.
- `queue`: `/desk/queue` over HTTP with 100,000 cases in the database, most of them closed, and 200 officers with an
  open desk. The comparison is the same page with 100 cases, and the officer's account page, which reads no case.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import aiohttp
from aiohttp import web
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.app import Waymark, opened, settle
from bot.cases import store
from bot.cases.model import ACKNOWLEDGE_WITHIN, Case, CaseStatus
from bot.cases.service import CaseEscalations
from bot.channels.model import RawMessage
from bot.channels.webchat import payload as webchat
from bot.conversations import service as conversations
from bot.conversations.model import ConversationKind
from bot.conversations.ports import Escalation
from bot.kernel import sessions
from bot.kernel.access import Role
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer, add_officer
from bot.kernel.setting_texts import Secret
from bot.kernel.settings import Settings
from bot.kernel.web import cookie_name, web_runner
from dialogues.understanding.model import Priority

RATES = (0, 50, 500)
CRISES = 20
SECONDS_BETWEEN = 0.5
LONGEST_WAIT_SECONDS = 60.0
FEW, MANY = 100, 100_000
WAITING_SHARE = 0.02
OPEN_DESKS = 200
PAGES = 100
SIGNALLED = 20
AT_ONCE = 4
AT_A_TIME = 2000
READY_SECONDS = 120.0


async def run(settings: Settings) -> None:
    """Print one JSON object a line."""
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as name:
        folder = Path(name)
        update = {"data_dir": folder, "database_url": f"sqlite:///{folder / 'desk.db'}", "demo": "off"}
        own = replace(settings, **update, telegram_token=Secret(""))
        async with opened(own) as waymark:
            runner = web_runner(waymark.web())
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port: int = runner.addresses[0][1]
            try:
                settle()
                # Before the workers: cases that were never rung would keep the pager busy with what is not measured.
                await _measure_queue(waymark, port)
                await _measure_signals(waymark, port)
                await _close_all(waymark)
                await waymark.start()
                await _ready(waymark)
                await _measure_crises(waymark, port)
            finally:
                await runner.cleanup()


async def _ready(waymark: Waymark) -> None:
    async with asyncio.timeout(READY_SECONDS):
        await waymark.reading.loaded()
    settle()  # as the program does once it serves


class Desk:
    """An officer's browser: a session, and the event stream of an open page."""

    def __init__(self, waymark: Waymark, port: int) -> None:
        self._waymark = waymark
        self._base = f"http://127.0.0.1:{port}"

    async def __aenter__(self) -> Desk:
        def sign_in(tx: Connection) -> str:
            at = self._waymark.clock.now()
            officer = _officer(tx, self._waymark)
            return sessions.start(tx, officer.id, at)

        token = await self._waymark.database.write(sign_in)
        cookie = f"{cookie_name(self._waymark.settings)}={token}"
        limit = aiohttp.ClientTimeout(total=None, sock_read=LONGEST_WAIT_SECONDS)
        connector = aiohttp.TCPConnector(limit=0)
        self._client = aiohttp.ClientSession(
            self._base, headers={"Cookie": cookie}, timeout=limit, connector=connector, read_bufsize=2**20
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.close()

    async def seconds(self, path: str) -> float:
        """How long one page takes."""
        started = time.perf_counter()
        async with self._client.get(path, allow_redirects=False) as answer:
            await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}")
        return time.perf_counter() - started

    async def watch(self, seen: dict[str, float], wanted: Sequence[str]) -> None:
        """Note when each of `wanted` first stands in what the stream sends. Ends when all of them did."""
        missing = {word.encode() for word in wanted}
        tail = b""
        async with self._client.get("/desk/live") as stream:
            async for piece in stream.content.iter_any():
                text = tail + piece
                for word in [word for word in missing if word in text]:
                    seen[word.decode()] = time.perf_counter()
                    missing.discard(word)
                tail = text[-64:]
                if not missing:
                    return

    async def stay(self) -> None:
        """Keep a page open, reading whatever comes. Runs until cancelled."""
        async with self._client.get("/desk/live") as stream:
            async for _ in stream.content.iter_any():
                pass


def _officer(tx: Connection, waymark: Waymark) -> Officer:
    at, name = waymark.clock.now(), new_id()
    return add_officer(tx, waymark.vault, name=name, sign_in_name=name, roles=(Role.OFFICER,), at=at)


# Crisis -----------------------------------------------------------------------------------------------------------


async def _measure_crises(waymark: Waymark, port: int) -> None:
    idle = 0.0
    for rate in RATES:
        words = [f"crisis{rate}x{number:03d}" for number in range(CRISES)]
        seen: dict[str, float] = {}
        async with Desk(waymark, port) as desk:
            watching = asyncio.create_task(desk.watch(seen, words))
            load = asyncio.create_task(_others_write(waymark, rate))
            await asyncio.sleep(1)
            written: dict[str, float] = {}
            accepted = []
            for word in words:
                written[word] = time.perf_counter()
                await _write(waymark, f"person-{word}", f"he has a knife he is outside {word}")
                accepted.append(1000 * (time.perf_counter() - written[word]))
                await asyncio.sleep(SECONDS_BETWEEN)
            load.cancel()
            await asyncio.wait({watching}, timeout=LONGEST_WAIT_SECONDS)
            watching.cancel()
            await asyncio.gather(load, watching, return_exceptions=True)
        took = sorted(seen[word] - written[word] for word in words if word in seen)
        p99 = took[-1] * 1000 if took else float("nan")
        idle = idle or p99
        _print(
            "crisis",
            messages_per_second=rate,
            wanted=len(words),
            seen=len(took),
            p50_ms=1000 * statistics.median(took) if took else float("nan"),
            worst_of_20_ms=p99,
            accepted_p50_ms=statistics.median(accepted),
            beside_idle=p99 / idle,
        )
        await _close_all(waymark)


async def _others_write(waymark: Waymark, rate: int) -> None:
    """Other people press a button, so many a second. Runs until cancelled."""
    written, started = 0, time.perf_counter()
    running: set[asyncio.Task[None]] = set()
    while rate:
        due = int((time.perf_counter() - started) * rate)
        while written < due:
            task = asyncio.create_task(_write(waymark, f"other-{rate}-{written % 5000}", tap="/greet"))
            running.add(task)
            task.add_done_callback(running.discard)
            written += 1
        await asyncio.sleep(0.01)


async def _write(waymark: Waymark, person: str, text: str = "", *, tap: str = "") -> None:
    content = webchat.write_payload(text=text, tap=tap, language="en")
    await waymark.inbox.accept(RawMessage(webchat.NAME, webchat.ACCOUNT, new_id(), person, content))


async def _close_all(waymark: Waymark) -> None:
    """Between two rounds: nothing of the one before waits, climbs or is still to be worked on."""
    at = waymark.clock.now()

    def close(tx: Connection) -> None:
        tx.execute(store.alarms.update().values(next_step_at=None, acknowledged_at=at, acknowledged_by="bench"))
        tx.execute(store.cases.update().values(status=CaseStatus.CLOSED.value, closed_at=at, closing="other"))

    await waymark.database.write(close)


# Two hundred open desks ---------------------------------------------------------------------------------------------


async def _measure_signals(waymark: Waymark, port: int) -> None:
    alone = 0.0
    for count in (1, OPEN_DESKS):
        words = [f"signal{count}x{number:03d}" for number in range(SIGNALLED)]
        async with AsyncExitStack() as stack:
            desks = [await stack.enter_async_context(Desk(waymark, port)) for _ in range(count)]
            seen: list[dict[str, float]] = [{} for _ in desks]
            watching = [asyncio.create_task(desk.watch(of, words)) for desk, of in zip(desks, seen, strict=True)]
            await asyncio.sleep(3)
            took, spent = [], []
            for word in words:
                started, busy = time.perf_counter(), time.process_time()
                await waymark.database.write(lambda tx, word=word: _add_one(tx, waymark, word))  # type: ignore[misc]
                waymark.signals.wake("queue")
                async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                    while not all(word in of for of in seen):  # noqa: ASYNC110  many streams, and no event of ours
                        await asyncio.sleep(0.005)
                took.append(1000 * (max(of[word] for of in seen) - started))
                spent.append(1000 * (time.process_time() - busy))
            await asyncio.gather(*watching)
        alone = alone or statistics.median(spent)
        _print(
            "signal",
            open_desks=count,
            last_desk_p50_ms=statistics.median(took),
            last_desk_worst_ms=max(took),
            cpu_p50_ms=statistics.median(spent),
            cpu_beside_one_desk=statistics.median(spent) / alone,
        )


def _add_one(tx: Connection, waymark: Waymark, word: str) -> None:
    person = conversations.open_conversation(
        tx,
        waymark.vault,
        kind=ConversationKind.PERSON,
        channel=webchat.NAME,
        account=webchat.ACCOUNT,
        address=word,
        language="en",
        at=waymark.clock.now(),
    )
    escalation = Escalation(
        conversation_id=person,
        reason="immediate_danger",
        priority=Priority.P0,
        words=word,
        language="en",
        country="IT",
        place=None,
        source="words",
        reporter=False,
        key=word,
    )
    longest_due = waymark.clock.now() - timedelta(days=800)  # so that it stands above all that wait
    CaseEscalations(waymark.vault).escalate(tx, escalation, at=longest_due)


# The queue page ---------------------------------------------------------------------------------------------------


async def _measure_queue(waymark: Waymark, port: int) -> None:
    floor = 0.0
    for count in (FEW, MANY):
        await _fill(waymark, count)
        async with Desk(waymark, port) as desk:
            others = [Desk(waymark, port) for _ in range(OPEN_DESKS)]
            for other in others:
                await other.__aenter__()
            staying = [asyncio.create_task(other.stay()) for other in others]
            await asyncio.sleep(3)
            account = await _pages(desk, "/desk/account")
            queue = await _pages(desk, "/desk/queue")
            for task in staying:
                task.cancel()
            await asyncio.gather(*staying, return_exceptions=True)
            for other in others:
                await other.__aexit__()
        p95 = _percentile(queue, 0.95)
        floor = floor or p95
        _print(
            "queue",
            cases=count,
            open_desks=OPEN_DESKS,
            p50_ms=_percentile(queue, 0.5),
            p95_ms=p95,
            account_page_p95_ms=_percentile(account, 0.95),
            beside_100_cases=p95 / floor,
        )


async def _pages(desk: Desk, path: str) -> list[float]:
    left, took = iter(range(PAGES)), []

    async def browse() -> None:
        for _ in left:
            took.append(1000 * await desk.seconds(path))

    await asyncio.gather(*(browse() for _ in range(AT_ONCE)))
    return sorted(took)


def _percentile(values: Sequence[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)]


async def _fill(waymark: Waymark, count: int) -> None:
    """Bring the database to so many cases, as the program would have made them; one in fifty waits."""
    have = await waymark.database.read(lambda tx: _count(tx))
    while have < count:
        more = min(AT_A_TIME, count - have)
        await waymark.database.write(lambda tx, more=more: _add(tx, waymark, more))  # type: ignore[misc]
        have += more


def _count(tx: Connection) -> int:
    return int(tx.exec_driver_sql("SELECT count(*) FROM cases").scalar_one())


def _add(tx: Connection, waymark: Waymark, count: int) -> None:
    now = waymark.clock.now()
    for _ in range(count):
        priority = random.choice(list(Priority))
        waits = random.random() < WAITING_SHARE
        opened_at = now - timedelta(minutes=random.randrange(60 * 24 * 365))
        key = waymark.vault.new_key(tx, opened_at)
        case = Case(
            id=new_id(),
            number=new_id()[-12:],
            conversation_id=new_id(),
            key_id=key.id,
            reason="homeless_tonight",
            priority=priority,
            status=CaseStatus.NEW if waits else CaseStatus.CLOSED,
            owner_id=None if waits else "somebody",
            language=random.choice(("ar", "en", "es", "fr")),
            country="IT",
            source="words",
            reporter=False,
            opened_at=opened_at,
            due_at=opened_at + ACKNOWLEDGE_WITHIN[priority],
            closed_at=None if waits else now,
            closing=None if waits else "helped",
        )
        words = key.seal("no bed for tonight " + os.urandom(8).hex(), table="cases", row=case.id, field="words")
        store.add_case(tx, case, words_sealed=words, place_sealed=None)


def _print(what: str, **figures: float) -> None:
    rounded = {key: value if isinstance(value, int) else round(value, 2) for key, value in figures.items()}
    print(json.dumps({"bench": "desk", "what": what, **rounded}), flush=True)
