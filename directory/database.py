"""A database for when the directory runs without a host. A host brings its own `Transactions`."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url

from directory.schema import metadata
from directory.store.tables import found_by

T = TypeVar("T")


class WrongDatabase(ValueError):
    """The address does not name a database that the directory can use."""


def _engine(path: Path, *, begin: str) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def say_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


class SqliteFile:
    """One file, one writer at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._reading = _engine(path, begin="BEGIN")
        self._writing = _engine(path, begin="BEGIN IMMEDIATE")

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(_run, self._reading, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(_run, self._writing, work)

    async def close(self) -> None:
        self._reading.dispose()
        self._writing.dispose()


def _run(engine: sa.Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)


class PostgresServer:
    """A pool of connections over asyncpg."""

    def __init__(self, url: sa.URL) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine

        self._engine = create_async_engine(url.set(drivername="postgresql+asyncpg"), pool_pre_ping=True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self.write(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        await self._engine.dispose()


OpenDatabase = SqliteFile | PostgresServer


async def open_database(url: str) -> OpenDatabase:
    """`sqlite:///file` or `postgresql://…`, with the directory's tables made where they are missing. Raises
    WrongDatabase, also for one that cannot be opened; the address is not told, for a password may be in it."""
    try:
        database = _named(make_url(url))
        await database.write(_make_tables)
    except sa.exc.ArgumentError:
        raise WrongDatabase(NO_ADDRESS) from None
    except (OSError, sa.exc.DBAPIError) as error:
        why = getattr(error, "orig", None) or error
        raise WrongDatabase(f"the database cannot be opened: {why}") from error
    return database


NO_ADDRESS = "the database must be sqlite:///path/to/file.db or postgresql://…"


def _named(parsed: sa.URL) -> OpenDatabase:
    if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
        return SqliteFile(Path(parsed.database))
    if parsed.get_backend_name() == "postgresql":
        return PostgresServer(parsed)
    raise WrongDatabase(NO_ADDRESS)


def _make_tables(tx: Connection) -> None:
    """The tables that are missing. What searches read goes, if it is of an older make: it is written anew."""
    looked = sa.inspect(tx)
    if looked.has_table(found_by.name):
        columns = {each["name"] for each in looked.get_columns(found_by.name)}
        if columns != set(found_by.c.keys()):
            found_by.drop(tx)
    if not looked.has_table("alembic_version"):  # a host's database has a history of its own
        _add_columns(tx)
    metadata.create_all(tx)


def _add_columns(tx: Connection) -> None:
    """The columns that a directory of before has not: they are all such as may be empty."""
    looked = sa.inspect(tx)
    for table in metadata.sorted_tables:
        if looked.has_table(table.name):
            there = {each["name"] for each in looked.get_columns(table.name)}
            for column in (each for each in table.columns if each.name not in there):
                written = sa.schema.CreateColumn(column).compile(dialect=tx.dialect)
                tx.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {written}")
