"""The one history of the schema: what it makes is what the code declares, on both databases."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.kernel import migrations
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, open_database
from bot.kernel.migrations import NewerDatabase, current, head, migrate
from tests.conftest import MASTER_KEY, NOON, all_metadata
from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
async def empty(empty_database_url: str) -> Any:
    database = open_database(empty_database_url)
    yield database
    await database.close()


def differences(tx: sa.Connection) -> list[Any]:
    """What Alembic would change to make the database what the code declares."""
    declared = sa.MetaData()
    for tables in all_metadata():
        for table in tables.sorted_tables:
            table.to_metadata(declared)
    context = MigrationContext.configure(
        tx, opts={"compare_type": True, "include_name": lambda name, _kind, _of: name != "alembic_version"}
    )
    return list(compare_metadata(context, declared))


def tables(tx: sa.Connection) -> set[str]:
    return set(sa.inspect(tx).get_table_names())


async def test_the_history_makes_exactly_what_the_code_declares(empty: Database):
    assert await migrate(empty)

    assert await empty.read(differences) == []
    assert await empty.read(current) == head()


async def test_indexes_and_checks_are_the_declared_ones_too(tmp_path: Path):
    """Alembic does not compare checks, nor the condition of a partial index: on SQLite they are read as text."""
    migrated = open_database(f"sqlite:///{tmp_path / 'migrated.db'}")
    await migrate(migrated)
    declared = open_database(f"sqlite:///{tmp_path / 'declared.db'}")

    def create(tx: sa.Connection) -> None:
        for each in all_metadata():
            each.create_all(tx)

    await declared.write(create)
    found = [await each.read(_definitions) for each in (migrated, declared)]
    for each in (migrated, declared):
        await each.close()

    assert found[0] == found[1]


def _definitions(tx: sa.Connection) -> dict[str, Any]:
    """Every partial index as it was written, and the checks, keys and defaults of every table."""
    inspector = sa.inspect(tx)
    indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'"
    found: dict[str, Any] = {
        row.name: " ".join(row.sql.replace('"', "").split()) for row in tx.exec_driver_sql(indexes)
    }
    for name in sorted(tables(tx) - {"alembic_version", "sqlite_sequence"}):
        checks = sorted((check["name"] or "", check["sqltext"]) for check in inspector.get_check_constraints(name))
        keys = sorted(str(key["constrained_columns"]) for key in inspector.get_foreign_keys(name))
        unique = sorted(sorted(each["column_names"]) for each in inspector.get_unique_constraints(name))
        found[f"table {name}"] = (checks, keys, unique)
    return found


async def test_a_second_start_has_nothing_to_migrate(empty: Database):
    await migrate(empty)

    assert not await migrate(empty)


async def test_down_and_up_again_leaves_a_database_that_works(empty: Database):
    vault = Vault(MASTER_KEY)
    await migrate(empty)
    await empty.write(lambda tx: vault.prepare(tx, NOON))

    await migrate(empty, to="base")
    gone = await empty.read(tables)
    await migrate(empty)
    await empty.write(lambda tx: Vault(MASTER_KEY).prepare(tx, NOON))

    assert gone <= {"alembic_version", "sqlite_sequence"}
    assert await empty.read(differences) == []


async def test_what_is_stored_survives_a_start(empty_database_url: str):
    first = open_database(empty_database_url)
    await migrate(first)
    vault = Vault(MASTER_KEY)
    await first.write(lambda tx: vault.prepare(tx, NOON))
    key_id = await first.write(lambda tx: vault.new_key(tx, NOON).id)
    sealed = await first.read(lambda tx: vault.key(tx, key_id).seal("words", table="t", row="r", field="f"))
    await first.close()

    second = open_database(empty_database_url)
    await migrate(second)
    later = Vault(MASTER_KEY)
    await second.write(lambda tx: later.prepare(tx, NOON))
    opened = await second.read(lambda tx: later.key(tx, key_id).open(sealed, table="t", row="r", field="f"))
    await second.close()

    assert opened == "words"


async def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was(
    empty: Database, monkeypatch: pytest.MonkeyPatch
):
    await migrate(empty)
    before = await empty.read(tables)

    def breaks(tx: sa.Connection, wanted: str, *, down: bool) -> None:
        tx.exec_driver_sql("CREATE TABLE half_done (id INTEGER)")
        tx.exec_driver_sql("DROP TABLE watch")
        raise RuntimeError("half way")

    monkeypatch.setattr(migrations, "_run", breaks)
    with pytest.raises(RuntimeError, match="half way"):
        await migrate(empty, to="base")

    assert await empty.read(tables) == before
    assert await empty.read(current) == head()


KILLED_HALF_WAY = """
import asyncio, os, sys
import sqlalchemy as sa
from bot.kernel.database import open_database
from bot.kernel.migrations import migrate

made = []

@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def count(connection, cursor, statement, parameters, context, many):
    if statement.strip().upper().startswith("CREATE TABLE"):
        made.append(statement)
        if len(made) == 10:
            os._exit(137)

asyncio.run(migrate(open_database(sys.argv[1])))
"""


async def test_a_process_killed_in_the_middle_of_a_migration_leaves_nothing_behind(empty_database_url: str):
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED_HALF_WAY, empty_database_url],
        cwd=ROOT,
        check=False,
        env=os.environ,
    )
    assert killed.returncode == 137

    database = open_database(empty_database_url)
    found = await database.read(tables)
    await migrate(database)
    after = await database.read(differences)
    await database.close()

    assert found == set()
    assert after == []


async def test_two_replicas_that_start_together_migrate_once(postgres: PostgresServer):
    url = postgres.new_database()
    both = [open_database(url) for _ in range(2)]

    await asyncio.gather(*(migrate(each) for each in both))
    found = await both[0].read(differences)
    for each in both:
        await each.close()

    assert found == []


async def test_a_database_of_a_newer_release_is_refused_and_not_touched(empty: Database):
    await migrate(empty)
    await empty.write(lambda tx: tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))

    with pytest.raises(NewerDatabase, match="install the newer release"):
        await migrate(empty)

    assert await empty.read(current) == "9999"


async def test_the_file_is_durable_and_overwrites_what_is_erased(tmp_path: Path):
    database = open_database(f"sqlite:///{tmp_path / 'waymark.db'}")
    await migrate(database)

    def pragmas(tx: sa.Connection) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        return {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}

    found = await database.write(pragmas)
    await database.close()

    assert found == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    assert sqlite3.connect(tmp_path / "waymark.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
