"""The whole program as a process: how soon after its start a message is answered, and how much memory it takes.

The comparison in the same run is a process that only starts Python and serves one bare aiohttp page.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from bot.channels.terminal.key import make_key
from bot.kernel.settings import Settings

ROUNDS = 3
MESSAGES = (
    "how do I check a man who says he is the child's uncle",
    "a place to sleep in Ventimiglia",
    "on n'a rien mangé depuis hier",
    "¿dónde puedo ver a un médico?",
    "أحتاج إلى محامٍ",
)
MANY = 200
LONGEST_WAIT_SECONDS = 120.0
BARE = """
import sys
from aiohttp import web
app = web.Application()
async def page(request): return web.Response(text="ok")
app.router.add_get("/", page)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


async def run(settings: Settings) -> None:
    """Print one JSON object a round, then the medians."""
    first_answers, bare_starts, memory = [], [], []
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as name:
        for number in range(ROUNDS + 1):  # the first round makes the database and warms the disk's cache
            bare = await _bare_start()
            answer, megabytes = await _program(Path(name), settings)
            if number:
                first_answers.append(answer)
                bare_starts.append(bare)
                memory.append(megabytes)
                _print(round=number, first_answer_s=answer, bare_aiohttp_s=bare, rss_mb=megabytes)
    _print(
        median_first_answer_s=statistics.median(first_answers),
        median_bare_aiohttp_s=statistics.median(bare_starts),
        largest_rss_mb=max(memory),
        messages_before_rss=MANY,
    )


def _print(**figures: float) -> None:
    print(json.dumps({"bench": "program", **{key: round(value, 2) for key, value in figures.items()}}), flush=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _bare_start() -> float:
    """Seconds until a bare server answers."""
    port, started = _free_port(), time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", BARE, str(port))
    try:
        async with aiohttp.ClientSession() as session:
            await _until_answered(session, f"http://127.0.0.1:{port}/")
        return time.perf_counter() - started
    finally:
        process.kill()
        await process.wait()


async def _until_answered(session: aiohttp.ClientSession, url: str) -> None:
    deadline = time.perf_counter() + LONGEST_WAIT_SECONDS
    while time.perf_counter() < deadline:
        try:
            async with session.get(url) as answer:
                await answer.read()
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.01)
    raise TimeoutError(url)


async def _program(folder: Path, settings: Settings) -> tuple[float, float]:
    """Seconds from start to the first answer, and megabytes resident after many messages."""
    port, key = _free_port(), make_key(folder)
    environment = {
        **os.environ,
        "WAYMARK_DATA_DIR": str(folder),
        "WAYMARK_DATABASE_URL": f"sqlite:///{folder / 'waymark.db'}",
        "WAYMARK_PORT": str(port),
        "WAYMARK_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WAYMARK_LOG_LEVEL": "ERROR",
    }
    url, started = f"http://127.0.0.1:{port}", time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "up", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {key}"}) as session:
            await _until_answered(session, f"{url}/healthz")
            await _ask(session, "first", 0)
            first = time.perf_counter() - started
            for number in range(MANY):
                await _ask(session, f"many-{number % 20}", number)
        return first, _resident_mb(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def _ask(session: aiohttp.ClientSession, address: str, number: int) -> None:
    """Send one message and wait for an answer to it."""
    params: dict[str, str | int] = {"address": address, "after": 0, "wait": 20}
    async with session.get("/terminal/lines", params={**params, "wait": 0}) as answer:
        seen = max((line["seq"] for line in (await answer.json())["lines"]), default=0)
    body = {
        "id": os.urandom(16).hex(),
        "address": address,
        "text": f"{MESSAGES[number % len(MESSAGES)]} {number or ''}",
    }
    async with session.post("/terminal/messages", json=body) as kept:
        kept.raise_for_status()
    while True:
        async with session.get("/terminal/lines", params={**params, "after": seen}) as answer:
            lines = (await answer.json())["lines"]
        if any(line["author"] != "person" for line in lines):
            return
        seen = max((line["seq"] for line in lines), default=seen)


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024
