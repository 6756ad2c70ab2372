"""The database: transactions as plain functions.

A use case that touches the database is an ordinary function of a connection. It cannot await, so nothing
is ever locked while a network is slow, and the same function runs on both databases:

- on SQLite one writer thread runs what waits as one group: BEGIN IMMEDIATE, a savepoint a use case, one
  COMMIT, one fsync. Durability (`synchronous=FULL`) is then cheap, and "database is locked" cannot happen;
- on PostgreSQL each use case is a transaction of its own over asyncpg.

Either way `await database.write(work)` returns only after the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import random
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
Work = Callable[[Connection], T]

#: Every table of the bot. The directory has a MetaData of its own; `deploy/migrations` knows both.
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: At most so many use cases share one commit; more would make the first of them wait for the last.
LARGEST_GROUP = 64
READERS = 4
POSTGRES_CONNECTIONS = 12
TRIES_ON_POSTGRES = 5
#: Who met in a deadlock meets again at once: each waits up to so long, then up to twice as long, and so on.
FIRST_PAUSE_SECONDS = 0.01

#: How PostgreSQL's SQLSTATE begins when nothing can be kept just now: no connection, no disk, memory or connections
#: left, shutting down, a failing disk, a replica that may only be read, or others in the way at every try.
NOT_NOW = ("08", "53", "57", "58", "25006", "40001", "40P01")


def insert_on_conflict(tx: Connection, table: sa.Table) -> Any:
    """An INSERT that can say what happens to a row that is there already (`on_conflict_do_nothing`, `…_update`)."""
    return (postgresql if tx.dialect.name == "postgresql" else sqlite).insert(table)


def insert_or_nothing(tx: Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same unique value is there. True if it was inserted."""
    return tx.execute(insert_on_conflict(tx, table).values(**values).on_conflict_do_nothing()).rowcount == 1


class DatabaseUnavailable(Exception):
    """The work was not committed: the disk is full, or the server is away. Keep the input and try again."""


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since 1970: the same integer on both databases.

    Integers compare alike everywhere, index well and cost a tenth of parsing ISO text.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else moment_to_int(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else moment_from_int(value)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_to_int(value: datetime) -> int:
    """Microseconds since 1970-01-01 UTC. Naive values are refused: they would shift with the machine's zone."""
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    delta = value - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def moment_from_int(value: int) -> datetime:
    return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)


class Database(Protocol):
    """What the program needs of a database. `close` ends it; work under way is finished first."""

    dialect: str

    async def read(self, work: Work[T]) -> T:
        """Run `work` over one consistent snapshot. Writing there is an error."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its value after the commit.

        An exception out of `work` undoes it, alone, and is raised here. DatabaseUnavailable means nothing was
        kept. `work` may run more than once (PostgreSQL, after a deadlock), so it must touch nothing but `tx`.
        """
        ...

    async def alone(self, name: str, work: Callable[[], Awaitable[None]], *, look_every: float = 5.0) -> None:
        """Run `work` while no other server of this database runs what it calls `name`; wait until then.

        A server that dies hands on at once. One whose connection breaks stops its `work` within `look_every` seconds,
        waits for its turn and begins again. Ends when `work` ends, or with what it raises.
        """
        ...

    async def clear_log(self) -> None:
        """After an erasure: leave no older copy of a page in the write-ahead log. Does nothing on PostgreSQL."""
        ...

    async def close(self) -> None: ...


def open_database(url: str) -> Database:
    """`sqlite:///path` or `postgresql://…`. Opens nothing else and migrates nothing."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError("WAYMARK_DATABASE_URL must name a file: sqlite:///path/to/waymark.db")
        return SqliteDatabase(Path(parsed.database))
    if parsed.get_backend_name() == "postgresql":
        return PostgresDatabase(url)
    raise ValueError("WAYMARK_DATABASE_URL must begin with sqlite:/// or postgresql://")


def sqlite_engine(path: Path, *, query_only: bool = False) -> sa.Engine:
    """An engine over one file, set up the way every connection of Waymark must be."""
    engine = sa.create_engine(
        f"sqlite:///{path}",
        poolclass=sa.pool.QueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_reset_on_return=None,  # every use here is a transaction of its own, ended by itself
        connect_args={"timeout": 30, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; the driver's guesses begin deferred
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a commit survives a power cut, not only a crash
            "secure_delete=ON",  # what is erased is overwritten
            "foreign_keys=ON",
            "trusted_schema=OFF",
            "busy_timeout=30000",
            "temp_store=MEMORY",  # no words of people in temporary files
            f"query_only={'ON' if query_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # To the driver itself: SQLAlchemy's way costs as much as a whole insert, in every transaction.
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN" if query_only else "BEGIN IMMEDIATE")

    return engine


class _Request:
    """One use case on its way through the writer thread."""

    __slots__ = ("error", "future", "loop", "value", "work")

    def __init__(self, work: Work[Any], loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any]) -> None:
        self.work = work
        self.loop = loop
        self.future = future
        self.value: Any = None
        self.error: BaseException | None = None


def _close_to_others(path: Path) -> None:
    """Words in the file are sealed; who asked for help when, where and for which danger is not. A new file is for this
    account alone, and an older one for no stranger. SQLite gives its log the rights of the file.

    What cannot be closed or made is left to whoever opens it: they say what is wrong.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for each in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))):
        with contextlib.suppress(OSError):
            if (rights := each.stat().st_mode) & 0o007:
                each.chmod(rights & 0o770)


class SqliteDatabase:
    """A file, one writer thread and a few readers. See the module's text for why."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        _close_to_others(path)
        self._reading = sqlite_engine(path, query_only=True)
        self._writing = sqlite_engine(path)
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._writer = threading.Thread(target=self._write_for_ever, name="sqlite-writer", daemon=True)
        self._closed = False
        self._writer.start()

    async def read(self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self._reading.begin() as connection:
                return work(connection)
        except (DBAPIError, sqlite3.OperationalError) as error:
            raise _as_unavailable(error) from error

    async def alone(self, name: str, work: Callable[[], Awaitable[None]], *, look_every: float = 5.0) -> None:
        """An embedded database has one server: the composition root sees to that."""
        await work()

    async def clear_log(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._readers, self._truncate_log)

    def _truncate_log(self) -> None:
        with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def write(self, work: Work[T]) -> T:
        if self._closed:
            raise DatabaseUnavailable("the database is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Request(work, loop, future))
        return await future

    def _write_for_ever(self) -> None:
        connection: Connection | None = None
        stop = False
        while not stop and (first := self._queue.get()) is not None:
            group, stop = self._gather(first)
            try:
                connection = connection or self._writing.connect()
            except Exception as error:  # no such folder, no right to it: the next group tries again
                _refuse(group, error)
            else:
                self._commit_together(connection, group)
            _answer(group)
        if connection is not None:
            connection.close()

    def _gather(self, first: _Request) -> tuple[list[_Request], bool]:
        group = [first]
        while len(group) < LARGEST_GROUP:
            try:
                request = self._queue.get_nowait()
            except queue.Empty:
                break
            if request is None:
                return group, True
            group.append(request)
        return group, False

    def _commit_together(self, connection: Connection, group: list[_Request]) -> None:
        try:
            with connection.begin():
                for request in group:
                    self._run(connection, request, alone=len(group) == 1)
        except Exception as error:
            _refuse(group, error)

    @staticmethod
    def _run(connection: Connection, request: _Request, *, alone: bool) -> None:
        if alone:
            try:
                request.value = request.work(connection)
            except Exception as error:
                request.error = _as_unavailable(error)
                raise
            return
        # Said by hand: SQLAlchemy's `begin_nested` compiles a statement of a new name each time, for a fifth of a turn.
        connection.exec_driver_sql("SAVEPOINT use_case")
        try:
            request.value = request.work(connection)
        except Exception as error:
            request.error = _as_unavailable(error)
            if isinstance(request.error, DatabaseUnavailable):
                raise  # SQLite has already undone the whole transaction
            connection.exec_driver_sql("ROLLBACK TO use_case")
        connection.exec_driver_sql("RELEASE use_case")

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._reading.dispose()
        self._writing.dispose()


def _refuse(group: list[_Request], error: Exception) -> None:
    for request in group:
        if request.error is None:
            request.error = _as_unavailable(error)


def _answer(group: list[_Request]) -> None:
    """Hand every result back to the event loop that asked for it."""
    for loop in {request.loop for request in group}:
        settled = [request for request in group if request.loop is loop]
        try:
            loop.call_soon_threadsafe(_settle, settled)
        except RuntimeError:  # that loop is gone; the work is committed all the same
            continue


def _settle(requests: list[_Request]) -> None:
    for request in requests:
        if request.future.done():
            continue
        if request.error is not None:
            request.future.set_exception(request.error)
        else:
            request.future.set_result(request.value)


def _as_unavailable(error: BaseException) -> BaseException:
    """Failures of the disk or the server under one name; a broken rule of ours stays what it is."""
    if isinstance(error, DBAPIError) and (
        isinstance(error, OperationalError) or error.connection_invalidated or _sqlstate(error).startswith(NOT_NOW)
    ):
        unavailable = DatabaseUnavailable(str(error.orig))
        unavailable.__cause__ = error
        return unavailable
    if isinstance(error, (OSError, sqlite3.OperationalError)):
        unavailable = DatabaseUnavailable(str(error))
        unavailable.__cause__ = error
        return unavailable
    return error


class PostgresDatabase:
    """A pool of asyncpg connections; each use case is one transaction, tried again after a deadlock."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine

        self.url = make_url(url).set(drivername="postgresql+asyncpg")
        self._engine = create_async_engine(
            self.url, pool_size=POSTGRES_CONNECTIONS, max_overflow=0, pool_pre_ping=True, pool_timeout=30
        )

        @sa.event.listens_for(self._engine.sync_engine, "connect")
        def commits_are_kept(connection: Any, _record: object) -> None:
            connection.run_async(lambda driver: driver.execute(COMMITS_ARE_KEPT))

    async def read(self, work: Work[T]) -> T:
        try:
            async with self._engine.connect() as connection:
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                async with connection.begin():
                    return await connection.run_sync(work)
        except Exception as error:
            raise _as_unavailable(error) from error

    async def write(self, work: Work[T]) -> T:
        for attempt in range(1, TRIES_ON_POSTGRES + 1):
            try:
                async with self._engine.begin() as connection:
                    return await connection.run_sync(work)
            except DBAPIError as error:
                if not _may_try_again(error) or attempt == TRIES_ON_POSTGRES:
                    raise _as_unavailable(error) from error
                await asyncio.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)))
            except OSError as error:
                raise DatabaseUnavailable(str(error)) from error
        raise AssertionError("unreachable")

    async def alone(self, name: str, work: Callable[[], Awaitable[None]], *, look_every: float = 5.0) -> None:
        while True:
            with contextlib.suppress(DBAPIError, OSError, TimeoutError):  # the database is away: wait until it is back
                async with self._engine.connect() as connection:
                    await connection.execution_options(isolation_level="AUTOCOMMIT")
                    try:
                        if await connection.scalar(TAKE_TURN, {"name": name}):
                            await _work_while_connected(connection, work, look_every)
                            return
                    finally:
                        await connection.invalidate()  # its session holds the right, so it must not live on in the pool
            await asyncio.sleep(look_every)

    async def clear_log(self) -> None:
        """PostgreSQL recycles its log by itself; what was erased there is unreadable without the destroyed key."""

    async def close(self) -> None:
        await self._engine.dispose()


#: A commit is on the disk before it is told, whatever the server, the database or the role has as its default. Said
#: after connecting, because poolers refuse it among the parameters of a connection. All values but "off" keep it.
COMMITS_ARE_KEPT = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)


def what_may_lose_commits(tx: Connection) -> list[str]:
    """The settings of a PostgreSQL server by which it loses commits that it has told: `fsync` in a power cut, and
    `synchronous_commit` where a pooler hands a transaction to a connection on which we could not set it ourselves."""
    if tx.dialect.name != "postgresql":
        return []
    settings = sa.text(
        "SELECT name FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') AND reset_val = 'off' ORDER BY name"
    )
    return list(tx.execute(settings).scalars())


TAKE_TURN = sa.text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")


async def _work_while_connected(
    connection: AsyncConnection, work: Callable[[], Awaitable[None]], look_every: float
) -> None:
    """Raises DBAPIError, after `work` has been stopped, when the connection that holds the right is no more."""
    working = asyncio.ensure_future(work())
    try:
        while not (await asyncio.wait({working}, timeout=look_every))[0]:
            async with asyncio.timeout(look_every):
                await connection.scalar(sa.text("SELECT 1"))
    finally:
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
    working.result()


def _may_try_again(error: DBAPIError) -> bool:
    """Serialisation failure or deadlock: PostgreSQL undid everything, so the work may simply run again."""
    return _sqlstate(error) in {"40001", "40P01"}


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""
