"""Transactions as plain functions: what `write` and `read` promise, on both databases."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.kernel.database import (
    TRIES_ON_POSTGRES,
    Database,
    DatabaseUnavailable,
    Moment,
    SqliteDatabase,
    moment_from_int,
    moment_to_int,
    open_database,
    sqlite_engine,
    what_may_lose_commits,
)
from tests.postgres import PostgresServer

notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=True),
)


@pytest.fixture
async def db(empty_database_url: str) -> AsyncIterator[Database]:
    opened = open_database(empty_database_url)
    await opened.write(notes.metadata.create_all)
    yield opened
    await opened.close()


def put(number: int, text: str = "x") -> object:
    return lambda tx: tx.execute(notes.insert().values(id=number, text=text))


def numbers(tx: Connection) -> list[int]:
    return list(tx.execute(sa.select(notes.c.id).order_by(notes.c.id)).scalars())


async def test_a_value_comes_back_after_the_commit(db: Database, empty_database_url: str):
    given = await db.write(lambda tx: tx.execute(notes.insert().values(id=1, text="x")).rowcount)
    another = open_database(empty_database_url)

    assert given == 1
    assert await another.read(numbers) == [1]
    await another.close()


async def test_an_exception_undoes_its_own_work_and_nobody_elses(db: Database):
    def fail(tx: Connection) -> None:
        tx.execute(notes.insert().values(id=2, text="undone"))
        raise LookupError("ours")

    results = await asyncio.gather(
        db.write(put(1)), db.write(fail), db.write(put(3)), db.write(put(1)), db.write(put(5)), return_exceptions=True
    )

    assert isinstance(results[1], LookupError)
    assert [type(results[0]), type(results[3])].count(IntegrityError) == 1  # whichever came second
    assert await db.read(numbers) == [1, 3, 5]


async def test_many_writers_and_readers_never_see_a_lock(db: Database):
    await asyncio.gather(*(db.write(put(number)) for number in range(200)), *(db.read(numbers) for _ in range(100)))

    assert len(await db.read(numbers)) == 200


async def test_readers_cannot_write(db: Database):
    with pytest.raises((DatabaseUnavailable, DBAPIError)):
        await db.read(put(1))

    assert await db.read(numbers) == []
    await db.write(put(2))  # and the connection is good for the next one


async def test_a_reader_sees_one_moment(db: Database):
    started, written = threading.Event(), threading.Event()

    def look_twice(tx: Connection) -> tuple[int, int]:
        first = len(numbers(tx))
        started.set()
        if db.dialect == "sqlite":  # readers have threads of their own there
            assert written.wait(20)
        return first, len(numbers(tx))

    looking = asyncio.create_task(db.read(look_twice))
    await asyncio.to_thread(started.wait, 20)
    await db.write(put(1))
    written.set()

    assert await looking == (0, 0)


async def test_work_given_to_a_closed_database_is_refused(empty_database_url: str):
    opened = open_database(empty_database_url)
    await opened.write(notes.metadata.create_all)
    await asyncio.gather(opened.close(), opened.close())
    if opened.dialect == "sqlite":
        with pytest.raises(DatabaseUnavailable):
            await opened.write(put(1))


async def test_closing_finishes_what_was_begun(sqlite_file: Path):
    opened = open_database(f"sqlite:///{sqlite_file}")
    await opened.write(notes.metadata.create_all)
    writing = [asyncio.create_task(opened.write(put(number))) for number in range(100)]
    await asyncio.sleep(0)  # let them reach the queue
    await opened.close()

    await asyncio.gather(*writing)
    with sqlite3.connect(sqlite_file) as file:
        assert file.execute("SELECT count(*) FROM notes").fetchone() == (100,)


async def test_moments_are_the_same_on_both_databases(db: Database):
    moment = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    await db.write(lambda tx: tx.execute(notes.insert().values(id=1, text="", at=moment)))
    await db.write(lambda tx: tx.execute(notes.insert().values(id=2, text="", at=None)))

    stored = await db.read(lambda tx: list(tx.execute(sa.select(notes.c.at).order_by(notes.c.id)).scalars()))

    assert stored == [moment, None]
    assert stored[0].tzinfo is UTC


@pytest.mark.parametrize("year", [1901, 1969, 1970, 2026, 2038, 2200])
def test_moments_before_1970_and_after_2038(year: int):
    moment = datetime(year, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)

    assert moment_from_int(moment_to_int(moment)) == moment


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        moment_to_int(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/name"])
def test_addresses_we_cannot_keep_words_in_are_refused(url: str):
    with pytest.raises(ValueError, match="WAYMARK_DATABASE_URL"):
        open_database(url)


# SQLite: what makes a commit durable and cheap


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    return tmp_path / "waymark.db"


@pytest.fixture
async def sqlite(sqlite_file: Path) -> AsyncIterator[SqliteDatabase]:
    opened = SqliteDatabase(sqlite_file)
    await opened.write(notes.metadata.create_all)
    yield opened
    await opened.close()


async def in_one_group(db: SqliteDatabase, *works: object) -> list[object]:
    """Give the writer all of this while it is busy, so that it takes it as one group."""
    busy, go_on = threading.Event(), threading.Event()

    def hold(_tx: Connection) -> None:
        busy.set()
        assert go_on.wait(20)

    holding = asyncio.create_task(db.write(hold))
    await asyncio.to_thread(busy.wait, 20)
    waiting = [asyncio.create_task(db.write(work)) for work in works]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    go_on.set()
    await holding
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_what_waits_is_committed_together(sqlite: SqliteDatabase):
    commits = 0

    @sa.event.listens_for(sqlite._writing, "commit")
    def count(_connection: Connection) -> None:
        nonlocal commits
        commits += 1

    await in_one_group(sqlite, *(put(number) for number in range(50)))

    assert commits == 2  # the one that kept the writer busy, and the fifty
    assert len(await sqlite.read(numbers)) == 50


async def test_one_failing_use_case_does_not_hurt_its_neighbours_in_a_group(sqlite: SqliteDatabase):
    def half(tx: Connection) -> None:
        tx.execute(notes.insert().values(id=2, text="half"))
        tx.execute(notes.insert().values(id=1, text="taken"))

    def odd(tx: Connection) -> None:
        tx.execute(notes.insert().values(id=4, text="undone"))
        raise KeyError("ours")

    results = await in_one_group(sqlite, put(1), half, put(3), odd, put(5))

    assert [type(result).__name__ for result in results[1::2]] == ["IntegrityError", "KeyError"]
    assert await sqlite.read(numbers) == [1, 3, 5]


async def test_the_file_is_set_up_to_survive_a_power_cut_and_to_forget(sqlite: SqliteDatabase):
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1, "trusted_schema": 0}

    def pragmas(tx: Connection) -> dict[str, object]:
        return {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in wanted}

    assert await sqlite.write(pragmas) == wanted
    assert await sqlite.read(pragmas) == wanted


async def test_no_other_account_of_the_machine_reads_who_was_in_danger_when(sqlite_file: Path):
    def rights() -> set[int]:
        return {path.stat().st_mode & 0o777 for path in sqlite_file.parent.glob(f"{sqlite_file.name}*")}

    first = open_database(f"sqlite:///{sqlite_file}")
    await first.write(notes.metadata.create_all)
    assert rights() == {0o600}
    for path in sqlite_file.parent.glob(f"{sqlite_file.name}*"):
        path.chmod(0o664)  # as an older release made them, in a group that may

    again = open_database(f"sqlite:///{sqlite_file}")
    await again.read(numbers)

    assert rights() == {0o660}
    await first.close()
    await again.close()


async def test_a_full_disk_is_said_and_loses_nothing(sqlite: SqliteDatabase, sqlite_file: Path):
    await sqlite.write(lambda tx: tx.execute(notes.insert().values(id=0, text="kept")))

    def limit(tx: Connection, more: int) -> None:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages + more}")

    await sqlite.write(lambda tx: limit(tx, 20))
    large = "x" * 10_000
    results = await in_one_group(sqlite, *(put(number, large) for number in range(1, 31)))

    # Whoever was told of a failure is not in the file, and whoever was not, is.
    told = {number for number, result in enumerate(results, 1) if isinstance(result, DatabaseUnavailable)}
    kept = set(await sqlite.read(numbers))
    assert told
    assert kept == {0, *range(1, 31)} - told

    one_by_one = [await asyncio.gather(sqlite.write(put(100 + n, large)), return_exceptions=True) for n in range(30)]
    refused = {100 + n for n, [result] in enumerate(one_by_one) if isinstance(result, DatabaseUnavailable)}
    assert refused
    assert set(await sqlite.read(numbers)) == kept | set(range(100, 130)) - refused

    await sqlite.write(lambda tx: limit(tx, 10_000))  # somebody made room
    await sqlite.write(put(1000, large))
    assert 1000 in await sqlite.read(numbers)
    with sqlite3.connect(sqlite_file) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_another_program_on_the_file_makes_us_wait_and_not_fail(sqlite: SqliteDatabase, sqlite_file: Path):
    other = sqlite3.connect(sqlite_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO notes VALUES (1, 'theirs', NULL)")
    writing = asyncio.create_task(sqlite.write(put(2)))
    assert await sqlite.read(numbers) == []  # readers do not wait
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    await writing

    assert await sqlite.read(numbers) == [1, 2]


async def test_erased_text_leaves_the_file(sqlite: SqliteDatabase, sqlite_file: Path):
    marks = [f"canary-{number:04}" for number in range(300)]
    for number, mark in enumerate(marks):
        await sqlite.write(put(number, mark))
    await sqlite.write(lambda tx: tx.execute(notes.delete()))
    await sqlite.close()  # the last connection writes the log back into the file

    held = b"".join(path.read_bytes() for path in sqlite_file.parent.iterdir())
    assert [mark for mark in marks if mark.encode() in held] == []


async def test_a_loop_that_is_gone_does_not_stop_the_writer(sqlite_file: Path):
    engine = sqlite_engine(sqlite_file)
    with engine.begin() as tx:
        notes.metadata.create_all(tx)
    engine.dispose()
    opened = SqliteDatabase(sqlite_file)
    busy, go_on = threading.Event(), threading.Event()

    def hold(tx: Connection) -> None:
        busy.set()
        assert go_on.wait(20)
        tx.execute(notes.insert().values(id=1, text="x"))

    def short_life() -> None:
        async def begin() -> None:
            task = asyncio.create_task(opened.write(hold))
            await asyncio.to_thread(busy.wait, 20)
            task.cancel()

        asyncio.run(begin())

    await asyncio.to_thread(short_life)
    go_on.set()
    await opened.write(put(2))

    assert await opened.read(numbers) == [1, 2]
    await opened.close()


# PostgreSQL: what comes from many at once


async def test_a_commit_is_on_the_disk_before_it_is_told_whatever_the_server_has_as_its_default(postgres):
    url = postgres.new_database()
    opened = open_database(url)
    name = opened.url.database
    await opened.write(lambda tx: tx.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    await opened.close()
    opened = open_database(url)

    async def synchronous(work: object) -> str:
        return await work(lambda tx: tx.exec_driver_sql("SHOW synchronous_commit").scalar_one())

    assert [await synchronous(opened.write), await synchronous(opened.read)] == ["on", "on"]
    with pytest.raises(ZeroDivisionError):
        await opened.write(lambda tx: 1 / 0)
    assert await synchronous(opened.write) == "on"  # what is undone does not undo it
    # The server of the tests keeps nothing safely, and the doctor says both.
    assert await opened.read(what_may_lose_commits) == ["fsync", "synchronous_commit"]
    await opened.close()


async def test_a_deadlock_is_tried_again(postgres):
    opened = open_database(postgres.new_database())
    await opened.write(notes.metadata.create_all)
    await opened.write(lambda tx: tx.execute(notes.insert(), [{"id": 1, "text": ""}, {"id": 2, "text": ""}]))
    reached: list[int] = []

    def both(first: int, second: int):
        def work(tx: Connection) -> None:
            tx.execute(notes.update().where(notes.c.id == first).values(text=notes.c.text + "x"))
            reached.append(first)
            while len(set(reached)) < 2:  # until each holds what the other wants next
                tx.execute(sa.text("SELECT 1"))
            tx.execute(notes.update().where(notes.c.id == second).values(text=notes.c.text + "x"))

        return work

    await asyncio.gather(opened.write(both(1, 2)), opened.write(both(2, 1)))

    texts = await opened.read(lambda tx: list(tx.execute(sa.select(notes.c.text)).scalars()))
    assert texts == ["xx", "xx"]
    assert len(reached) > 2  # one of the two was undone and ran again
    await opened.close()


async def test_whoever_meets_others_at_every_try_is_told_to_come_later(postgres):
    """As for any database that cannot be used just now: the answer is 503, and whoever sends keeps what they sent."""
    opened = open_database(postgres.new_database())
    tries: list[int] = []

    def meet(tx: Connection) -> None:
        tries.append(1)
        tx.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))

    with pytest.raises(DatabaseUnavailable):
        await opened.write(meet)
    assert len(tries) == TRIES_ON_POSTGRES
    await opened.close()


async def test_a_server_that_is_away_is_said():
    opened = open_database("postgresql://nobody@127.0.0.1:1/none")

    for use in (opened.read(numbers), opened.write(put(1))):
        with pytest.raises(DatabaseUnavailable):
            await use
    await opened.close()


async def test_a_lost_connection_is_said_and_the_next_one_works(postgres):
    opened = open_database(postgres.new_database())
    await opened.write(notes.metadata.create_all)

    def lose(tx: Connection) -> None:
        tx.execute(notes.insert().values(id=1, text="lost"))
        tx.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(DatabaseUnavailable):
        await opened.write(lose)
    await opened.write(put(2))

    assert await opened.read(numbers) == [2]
    await opened.close()


@pytest.mark.parametrize("code", ["53100", "53300", "57P01", "57P03", "58030", "25006"])
async def test_a_server_that_cannot_keep_anything_is_unavailable(postgres, code: str):
    opened = open_database(postgres.new_database())

    def refuse(tx: Connection) -> None:
        tx.execute(sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$"))

    with pytest.raises(DatabaseUnavailable):
        await opened.write(refuse)
    await opened.close()


# One server at a time


class Duty:
    """Work that lasts until it is stopped, and what is known of it."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.over = asyncio.Event()

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.over.set()


async def test_what_one_server_may_do_alone_is_done_by_one_and_taken_over_when_it_ends(postgres: PostgresServer):
    url = postgres.new_database()
    first, second = open_database(url), open_database(url)
    one, other = Duty(), Duty()
    working = asyncio.create_task(first.alone("listen", one, look_every=0.05))
    await one.begun.wait()
    waiting = asyncio.create_task(second.alone("listen", other, look_every=0.05))
    unlike = Duty()
    beside = asyncio.create_task(second.alone("something else", unlike, look_every=0.05))
    await unlike.begun.wait()
    assert not other.begun.is_set()

    working.cancel()
    await other.begun.wait()

    assert one.over.is_set()
    for task in (working, waiting, beside):
        task.cancel()
    await asyncio.gather(working, waiting, beside, return_exceptions=True)
    await first.close()
    await second.close()


async def test_a_server_whose_connection_breaks_stops_and_takes_its_turn_again(postgres: PostgresServer):
    database = open_database(postgres.new_database())
    duties = [Duty(), Duty()]
    left = iter(duties)
    working = asyncio.create_task(database.alone("listen", lambda: next(left)(), look_every=0.05))
    await duties[0].begun.wait()

    holders = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    await database.write(lambda tx: tx.execute(sa.text(holders)))

    await duties[0].over.wait()
    await duties[1].begun.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await database.close()


async def test_an_embedded_database_has_one_server_anyway(sqlite_database: Database):
    done = []

    async def work() -> None:
        done.append("work")

    await sqlite_database.alone("listen", work)

    assert done == ["work"]
