from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from directory import demonstration
from directory.__main__ import build_web
from directory.api import HsdsApi
from directory.service import Directory
from directory.words import DirectoryWords

Hsds = TestClient[web.Request, web.Application]


class Audited:
    """What a host's audit log would hold."""

    def __init__(self) -> None:
        self.acts: list[dict[str, Any]] = []

    def __call__(self, tx: Connection, **act: Any) -> None:
        self.acts.append(act)


@pytest.fixture
def audit() -> Audited:
    return Audited()


@pytest.fixture
async def directory(database: Database, clock: SetClock) -> Directory:
    """A directory with the shipped helplines and nothing else."""
    made = Directory(database, clock, DirectoryWords.load())
    await made.prepare()
    return made


@pytest.fixture
async def demo(directory: Directory, database: Database, clock: SetClock, vault: Vault, audit: Audited) -> Directory:
    """A directory with the demonstration in it."""
    at = clock.now()
    await database.write(lambda tx: demonstration.seed(tx, at=at, keys=vault, audit=audit))
    await directory.refresh_places()
    return directory


@pytest.fixture
async def hsds(demo: Directory) -> AsyncIterator[Hsds]:
    """The HSDS API of the demonstration, over HTTP."""
    api = HsdsApi(demo.database, public_url="http://directory.test", publisher="Test")
    async with TestClient(TestServer(build_web(api))) as client:
        yield client
