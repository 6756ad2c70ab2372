"""Lyon and Tunis, each with a database of the kind under test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.kernel.clock import SetClock
from bot.kernel.database import Database, open_database
from tests.conftest import NOON
from tests.integration.exchange.world import Deployment
from tests.postgres import PostgresServer


@pytest.fixture
async def second_database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Another database of the same kind."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "second.db")
        opened = open_database(f"sqlite:///{tmp_path / 'second.db'}")
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        opened = open_database(server.new_database(template=request.getfixturevalue("postgres_template")))
    yield opened
    await opened.close()


@pytest.fixture
async def two(
    database: Database, second_database: Database, tmp_path: Path
) -> AsyncIterator[tuple[Deployment, Deployment]]:
    """Two deployments that serve and do not know each other yet. Both live at noon."""
    lyon = Deployment("Lyon Refuge", "FR", database, SetClock(NOON))
    tunis = Deployment("Tunis Child Protection", "TN", second_database, SetClock(NOON))
    async with AsyncExitStack() as stack:
        for each in (lyon, tunis):
            await each.prepare()
            await stack.enter_async_context(each.serving(tmp_path))
        yield lyon, tunis
