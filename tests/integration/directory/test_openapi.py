"""Our OpenAPI document and our answers agree: schemathesis asks, on a running server, whatever it can think of."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, settings

from directory import demonstration
from directory.__main__ import SystemClock, build_web
from directory.api import HsdsApi
from directory.asking import Directory
from directory.database import open_database
from directory.openapi import document
from directory.words import DirectoryWords


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A directory with the demonstration, served from a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    serving = asyncio.run_coroutine_threadsafe(serve(tmp_path_factory.mktemp("directory")), loop)
    runner, address = serving.result(60)
    yield address
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)


async def serve(folder: Path) -> tuple[web.AppRunner, str]:
    database = await open_database(f"sqlite:///{folder / 'directory.db'}")
    await Directory(database, SystemClock(), DirectoryWords.load()).prepare()
    await database.write(lambda tx: demonstration.seed(tx, at=datetime.now(UTC)))
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    # At the end some answers may not have been read: nobody waits a minute for who sent the question.
    api = build_web(HsdsApi(database, public_url=address))
    runner = web.AppRunner(api, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner, f"{address}/hsds"


DOCUMENT = document("http://127.0.0.1/hsds")
QUESTIONS = [f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_is_as_the_document_says(question: str, url: str):
    """Its questions are thought up as it runs: by schemathesis' own decorator, every worker of every run would think up
    all of them before its first test. Every worker of every run would import it, too."""
    import schemathesis
    from schemathesis.checks import load_all_checks
    from schemathesis.generation.feedback import FeedbackSources
    from schemathesis.pytest._test_builder import build_operation_test

    def agrees(case: schemathesis.Case) -> None:
        case.call_and_validate(base_url=url)

    schema = schemathesis.openapi.from_dict(DOCUMENT)
    load_all_checks()
    [operation] = [
        each
        for each in (found.ok() for found in schema.get_all_operations())
        if f"{each.method.upper()} {each.path}" == question
    ]
    few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    ask = build_operation_test(
        config=schema.config, operation=operation, test_func=agrees, given_kwargs={},
        feedback=FeedbackSources(), explicit_settings=few,
    )  # fmt: skip
    ask()
