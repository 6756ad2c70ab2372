"""`python -m directory`: what it says, and once as a process of its own."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner

from directory.__main__ import app
from directory.database import WrongDatabase, open_database

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str) -> tuple[int, str]:
    """A command inside this process: each of its own takes half a second to begin."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done.exit_code, done.output


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'directory.db'}"


async def test_an_empty_directory_serves_helplines_and_an_openapi_document(database: str):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "directory", "serve", "--database", database, "--port", "0",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        found = re.search(r"http://\S+/hsds/", line)
        assert found, line
        async with aiohttp.ClientSession() as session, session.get(found[0] + "services") as response:
            page = await response.json()
        assert page["total_items"] >= 10
    finally:
        process.terminate()
        await process.wait()


def test_a_directory_of_before_gets_its_columns_and_what_cannot_be_opened_is_told_without_its_address(
    database: str,
):
    assert run("demo", "--database", database)[0] == 0
    path = database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as file:
        file.execute("ALTER TABLE directory_phones DROP COLUMN location_id")
        file.execute("ALTER TABLE directory_organizations DROP COLUMN descriptions")
        file.commit()

    assert run("verify", "--database", database)[0] == 0

    for address in ("nonsense", "postgresql://ana:secret@127.0.0.1:1/x", "sqlite:////dev/null/a.db", "mysql://a/b"):
        with pytest.raises(WrongDatabase) as told:
            asyncio.run(open_database(address))
        assert "secret" not in str(told.value)


def test_a_check_is_written_down_and_the_list_gets_shorter(database: str):
    assert run("demo", "--database", database)[0] == 0
    code, due = run("verify", "--database", database)
    [line] = due.splitlines()
    assert code == 0
    assert "Old harbour dormitory" in line
    service_id = line.split()[0]

    code, said = run("verify", service_id, "--database", database)
    assert (code, "--by" in said) == (1, True)
    code, said = run("verify", service_id, "--database", database, "--by", "Ana", "--source", "night worker")
    assert (code, said.strip()) == (0, "Checked.")
    assert run("verify", "--database", database)[1] == ""
    assert run("verify", "none", "--database", database, "--by", "A", "--source", "B")[0] == 1


#: Numbers that were set apart for stories are French; the kitchen is in Italy.
NOTED = "line 1: the phone +33 1 99 00 10 05 is of another country (FR)\n"


def test_out_and_in_again(database: str, tmp_path: Path):
    run("demo", "--database", database)
    code, lines = run("export", "--database", database)
    assert code == 0
    kitchen = next(json.loads(line) for line in lines.splitlines() if "Lantern kitchen" in line)
    file = tmp_path / "one.ndjson"
    file.write_text(json.dumps(kitchen))
    run("demo", "--remove", "--database", database)

    assert run("import", str(file), "--rehearse", "--database", database) == (
        0,
        f"{NOTED}nothing kept: 1 new, 0 changed, 0 the same, 0 rejected\n",
    )
    code, said = run("import", str(file), "--database", database)
    assert (code, said) == (0, f"{NOTED}1 new, 0 changed, 0 the same, 0 rejected\n")
    file.write_text("{}")
    code, said = run("import", str(file), "--database", database)
    assert code == 1
    assert "line 1: " in said
    assert "nothing kept" in said


def test_the_search_table_is_written_anew(database: str):
    run("demo", "--database", database)

    code, said = run("rebuild-search", "--database", database)

    assert code == 0
    assert re.fullmatch(r"[1-9][0-9]* services in force can be found\.\n", said)
