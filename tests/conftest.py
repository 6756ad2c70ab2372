"""What every test may ask for: both databases, a vault, a clock that stands still."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import hypothesis
import pytest
import sqlalchemy as sa
from aiohttp import web_app
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.util import LRUCache

from bot.kernel import officers
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, metadata, open_database
from bot.kernel.live import Signals
from tests import program
from tests.asked import Asked
from tests.postgres import PostgresServer, running_postgres

if TYPE_CHECKING:
    import argon2

#: A busy machine is no mistake of the program: nothing here is judged by how long it takes.
#: Each run tries other examples, so half as many find the same in twice as many runs.
hypothesis.settings.register_profile(
    "waymark",
    deadline=None,
    max_examples=int(os.environ.get("WAYMARK_TEST_EXAMPLES", "50")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("waymark")


class _SharedStatements:
    """One engine's compiled statements serve every engine of the same dialect: hundreds of engines live for one test
    each, and compiling the same statements again for each of them took a sixth of the whole run."""

    compiled = LRUCache(4000)  # twice of what all rooms together say

    @staticmethod
    def begin() -> None:
        for dialect in (SQLiteDialect_pysqlite, PGDialect_asyncpg):
            dialect.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign]
            dialect.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]

        @sa.event.listens_for(sa.Engine, "engine_connect")
        def share(connection: Connection) -> None:
            connection.engine._compiled_cache = _SharedStatements.compiled


_SharedStatements.begin()


@functools.cache
def _quick_hasher() -> argon2.PasswordHasher:
    import argon2

    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


#: Passwords are slow on purpose: a tenth of a second and 64 MB each, for every officer of every test. What the program
#: really does is asked once, in `test_officers.py`.
AS_IT_IS_MEANT = officers._hasher
officers._hasher = _quick_hasher

#: Rooms whose tests run on one database each. Where one of them asks what hangs on the database, as who waits for whom,
#: it is marked `on_both`. What the others ask SQLite, PostgreSQL is asked to plan: see `tests/asked.py`.
ON_ONE_BY_TURNS = tuple(f"tests/integration/{room}/" for room in ("cases", "desk", "directory", "exchange"))


#: There a test takes half as long again, and twice as long on a busy machine.
ONE_OF_SO_MANY_ON_POSTGRES = 6


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test of those rooms is asked on one database: five of six on SQLite, always the same ones.

    `WAYMARK_TEST_DATABASES=both` asks each on both, and so does `-k`.
    """
    if os.environ.get("WAYMARK_TEST_DATABASES") == "both" or config.option.keyword:
        return
    left_out = {item for item in items if item.nodeid.startswith(ON_ONE_BY_TURNS) and not _has_its_turn(item)}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def _has_its_turn(item: pytest.Item) -> bool:
    if item.get_closest_marker("on_both") or not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return True
    kind = item.callspec.params.get("kind")
    if kind is None:
        return True
    on_postgres = crc32(item.nodeid.replace(kind, "").encode()) % ONE_OF_SO_MANY_ON_POSTGRES == 1
    return bool(kind == ("postgresql" if on_postgres else "sqlite"))


def pytest_runtest_setup() -> None:
    program.HEARD[:] = [each for each in program.HEARD if each.runs]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the programs of a failed test logged stands beside it: a run elsewhere leaves nothing else to look at."""
    report = yield
    if report.failed:
        report.sections += [(f"The end of {each.log}", each.log_tail()) for each in program.HEARD]
    return report


def pytest_collection_finish() -> None:
    """What is imported is no garbage: looking for some in it took a twentieth of the whole run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MASTER_KEY = bytes(range(32))

KINDS = ("sqlite", "postgresql")

#: Importing a store is what declares its tables.
STORES = (
    "bot.kernel.audit",
    "bot.kernel.crypto",
    "bot.kernel.health",
    "bot.kernel.officers",
    "bot.kernel.sessions",
    "bot.conversations.store",
    "bot.conversations.attachments.store",
    "bot.cases.store",
    "bot.cases.whereabouts_store",
    "bot.cases.consent_store",
    "bot.cases.consult_store",
    "bot.cases.erasure_store",
    "bot.cases.guests.store",
    "bot.cases.handover_store",
    "bot.cases.household_store",
    "bot.cases.page_ways_store",
    "bot.cases.panel_store",
    "bot.cases.receipt_store",
    "bot.cases.supervision_store",
    "bot.cases.telling_store",
    "bot.cases.waiting_store",
    "bot.cases.rota.store",
    "bot.cases.wall.store",
    "bot.cases.record.store",
    "bot.cases.record.unlock_store",
    "bot.cases.referrals.store",
    "bot.exchange.partners.store",
    "bot.exchange.post.store",
    "bot.exchange.requests.store",
    "bot.exchange.requests.gate_store",
    "bot.exchange.requests.history_store",
    "bot.exchange.requests.letters_store",
    "bot.exchange.requests.thread_store",
    "bot.exchange.requests.naming.store",
    "bot.exchange.requests.passing.store",
    "bot.exchange.requests.attachments.store",
    "bot.exchange.requests.transfer.store",
    "bot.exchange.holds.store",
    "bot.exchange.outside.store",
    "bot.exchange.records.store",
    "bot.texts.store",
)


def all_metadata() -> list[sa.MetaData]:
    """Every table of Waymark. Importing the stores is what declares them."""
    for store in STORES:
        import_module(store)
    return [metadata, import_module("directory.store.tables").metadata]


def make_tables(tx: Connection) -> None:
    for tables in all_metadata():
        tables.create_all(tx)


@pytest.fixture(autouse=True)
def programs_end_with_their_test() -> Iterator[None]:
    """aiohttp remembers the handlers of the last thousand applications, and each holds a whole program: gigabytes."""
    yield
    web_app._cached_build_middleware.cache_clear()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each kind of database; a test that asks for one runs twice, and in some rooms once."""
    if request.param == "sqlite" and request.node.nodeid.startswith(ON_ONE_BY_TURNS):
        with request.getfixturevalue("asked_of_sqlite").listening():
            yield "sqlite"
    else:
        yield str(request.param)


@pytest.fixture(scope="session")
def asked_of_sqlite(postgres: PostgresServer, postgres_template: str) -> Iterator[Asked]:
    """What is asked of SQLite, and at the end of PostgreSQL."""
    listener = Asked()
    yield listener
    wrong = asyncio.run(listener.not_understood(postgres.url(postgres_template)))
    assert not wrong, "PostgreSQL does not understand what the tests asked SQLite:\n" + "\n".join(wrong)


@pytest.fixture
def empty_database_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind without a table in it."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'waymark.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


Filling = Callable[[Database], Awaitable[None]]


async def only_tables(database: Database) -> None:
    """What every template begins with."""
    await database.write(make_tables)


def _filled(url: str, fill: Filling) -> str:
    """In a thread of its own: the fixture that asks may be inside an event loop."""

    async def make() -> None:
        opened = open_database(url)
        await fill(opened)
        await opened.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make()).result()
    return url


def make_sqlite_template(folder: Path, fill: Filling = only_tables) -> Path:
    """A file to be copied: filling one anew takes most of a short test's time."""
    path = folder / "waymark.db"
    _filled(f"sqlite:///{path}", fill)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def make_postgres_template(server: PostgresServer, fill: Filling = only_tables) -> str:
    """The name of a database to be cloned."""
    name = make_url(_filled(server.new_database(), fill)).database
    assert name is not None
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with every table."""
    return make_sqlite_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """The name of a database with every table."""
    return make_postgres_template(postgres)


@pytest.fixture(scope="session")
def postgres_with_tables(postgres: PostgresServer, postgres_template: str) -> Callable[[], AbstractContextManager[str]]:
    """Lends a database with every table and no row. What comes back is emptied and lent again."""
    free: list[str] = []

    @contextmanager
    def lent() -> Iterator[str]:
        url = free.pop() if free else postgres.new_database(template=postgres_template)
        yield url
        name = make_url(url).database
        assert name is not None
        postgres.empty(name)
        free.append(url)

    return lent


@pytest.fixture
def database_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind with every table: the one that `database` opens, for processes beside the test."""
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "waymark.db")
        yield f"sqlite:///{tmp_path / 'waymark.db'}"
        return
    with request.getfixturevalue("postgres_with_tables")() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with every table, of each kind."""
    opened = open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_database(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Database]:
    """For tests about something else than the database, where once is enough."""
    shutil.copy(sqlite_template, tmp_path / "waymark.db")
    opened = open_database(f"sqlite:///{tmp_path / 'waymark.db'}")
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
