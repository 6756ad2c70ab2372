"""Our OpenAPI document and our answers agree: schemathesis asks, on a running server, whatever it can think of."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, settings

from directory import demonstration
from directory.__main__ import SystemClock, build_web
from directory.api import HsdsApi
from directory.database import open_database
from directory.openapi import document
from directory.service import Directory
from directory.words import DirectoryWords


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A directory with the demonstration, served from a thread of its own."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    started = threading.Event()
    stopping: list[web.AppRunner] = []
    loop_of: list[object] = []
    thread = threading.Thread(
        target=_serve, args=(tmp_path_factory.mktemp("directory"), port, started, stopping, loop_of), daemon=True
    )
    thread.start()
    assert started.wait(60)
    yield f"http://127.0.0.1:{port}/hsds"
    import asyncio

    loop = loop_of[0]
    assert isinstance(loop, asyncio.AbstractEventLoop)
    asyncio.run_coroutine_threadsafe(stopping[0].cleanup(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)


def _serve(
    folder: Path, port: int, started: threading.Event, stopping: list[web.AppRunner], loop_of: list[object]
) -> None:
    import asyncio

    loop = asyncio.new_event_loop()
    loop_of.append(loop)

    async def start() -> None:
        database = await open_database(f"sqlite:///{folder / 'directory.db'}")
        await Directory(database, SystemClock(), DirectoryWords.load()).prepare()
        await database.write(lambda tx: demonstration.seed(tx, at=datetime.now(UTC)))
        runner = web.AppRunner(build_web(HsdsApi(database, public_url=f"http://127.0.0.1:{port}")), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        stopping.append(runner)
        started.set()

    loop.run_until_complete(start())
    loop.run_forever()


SCHEMA = schemathesis.openapi.from_dict(document("http://127.0.0.1/hsds"))


@SCHEMA.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_the_document_says(case: schemathesis.Case, url: str):
    case.call_and_validate(base_url=url)
