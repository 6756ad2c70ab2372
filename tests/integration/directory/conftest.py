from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
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
from directory.asking import Directory
from directory.words import DirectoryWords
from tests.conftest import MASTER_KEY, NOON, make_postgres_template, make_sqlite_template, only_tables
from tests.postgres import PostgresServer

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
def demo(directory: Directory, vault: Vault) -> Directory:
    """A directory with the demonstration in it: see `database_url`."""
    return directory


async def with_the_demonstration(database: Database) -> None:
    await only_tables(database)
    vault = Vault(MASTER_KEY)
    await database.write(lambda tx: vault.prepare(tx, NOON))
    await Directory(database, SetClock(NOON), DirectoryWords.load()).prepare()
    await database.write(lambda tx: demonstration.seed(tx, at=NOON, keys=vault, audit=Audited()))


async def with_the_helplines(database: Database) -> None:
    await only_tables(database)
    await Directory(database, SetClock(NOON), DirectoryWords.load()).prepare()


@pytest.fixture(scope="session")
def sqlite_helplines_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sqlite_template(tmp_path_factory.mktemp("helplines"), with_the_helplines)


@pytest.fixture(scope="session")
def sqlite_demo_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sqlite_template(tmp_path_factory.mktemp("demo"), with_the_demonstration)


@pytest.fixture(scope="session")
def postgres_demo_template(postgres: PostgresServer) -> str:
    return make_postgres_template(postgres, with_the_demonstration)


@pytest.fixture
def database_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind with every table; for a test of the directory or of the demonstration, a copy of one that
    has it: making it anew took longer than most of those tests. (PostgreSQL is lent an empty one sooner than a copy.)
    """
    demo, directory = "demo" in request.fixturenames, "directory" in request.fixturenames
    if kind == "sqlite":
        name = "sqlite_demo_template" if demo else "sqlite_helplines_template" if directory else "sqlite_template"
        shutil.copy(request.getfixturevalue(name), tmp_path / "waymark.db")
        yield f"sqlite:///{tmp_path / 'waymark.db'}"
    elif demo:
        server: PostgresServer = request.getfixturevalue("postgres")
        yield server.new_database(template=request.getfixturevalue("postgres_demo_template"))
    else:
        with request.getfixturevalue("postgres_with_tables")() as url:
            yield url


@pytest.fixture
async def hsds(demo: Directory) -> AsyncIterator[Hsds]:
    """The HSDS API of the demonstration, over HTTP."""
    api = HsdsApi(demo.database, public_url="http://directory.test", publisher="Test")
    async with TestClient(TestServer(build_web(api))) as client:
        yield client
