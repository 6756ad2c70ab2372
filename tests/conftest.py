"""What every test may ask for: both databases, a vault, a clock that stands still."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, metadata, open_database
from bot.kernel.live import Signals
from tests.postgres import PostgresServer, running_postgres

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MASTER_KEY = bytes(range(32))

#: Importing a store is what declares its tables.
STORES = (
    "bot.kernel.audit",
    "bot.kernel.crypto",
    "bot.kernel.health",
    "bot.kernel.officers",
    "bot.kernel.sessions",
    "bot.conversations.store",
    "bot.cases.store",
)


def all_metadata() -> list[sa.MetaData]:
    """Every table of Waymark. Importing the stores is what declares them."""
    found = [metadata]
    for store in STORES:
        with contextlib.suppress(ModuleNotFoundError):
            import_module(store)
    with contextlib.suppress(ModuleNotFoundError):
        found.append(import_module("directory.store").metadata)
    return found


def make_tables(tx: Connection) -> None:
    for tables in all_metadata():
        tables.create_all(tx)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind; a test that uses it runs twice."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'waymark.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with every table, of each kind."""
    opened = open_database(database_url)
    await opened.write(make_tables)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_database(tmp_path: Path) -> AsyncIterator[Database]:
    """For tests about something else than the database, where once is enough."""
    opened = open_database(f"sqlite:///{tmp_path / 'waymark.db'}")
    await opened.write(make_tables)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def signals() -> Signals:
    return Signals()


@pytest.fixture
async def vault(database: Database) -> Vault:
    opened = Vault(MASTER_KEY)
    await database.write(lambda tx: opened.prepare(tx, NOON))
    return opened
