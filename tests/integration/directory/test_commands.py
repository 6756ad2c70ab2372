"""`python -m directory`, as a process of its own."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import aiohttp
import pytest

ROOT = Path(__file__).resolve().parents[3]


async def run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "directory",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


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


async def test_a_check_is_written_down_and_the_list_gets_shorter(database: str):
    assert (await run("demo", "--database", database))[0] == 0
    code, due = await run("verify", "--database", database)
    [line] = due.splitlines()
    assert code == 0
    assert "Old harbour dormitory" in line
    service_id = line.split()[0]

    code, said = await run("verify", service_id, "--database", database)
    assert (code, "--by" in said) == (1, True)
    code, said = await run("verify", service_id, "--database", database, "--by", "Ana", "--source", "night worker")
    assert (code, said.strip()) == (0, "Checked.")
    assert (await run("verify", "--database", database))[1] == ""
    assert (await run("verify", "none", "--database", database, "--by", "A", "--source", "B"))[0] == 1


#: Numbers that were set apart for stories are French; the kitchen is in Italy.
NOTED = "line 1: the phone +33 1 99 00 10 05 is of another country (FR)\n"


async def test_out_and_in_again(database: str, tmp_path: Path):
    await run("demo", "--database", database)
    code, lines = await run("export", "--database", database)
    assert code == 0
    kitchen = next(json.loads(line) for line in lines.splitlines() if "Lantern kitchen" in line)
    file = tmp_path / "one.ndjson"
    file.write_text(json.dumps(kitchen))
    await run("demo", "--remove", "--database", database)

    assert await run("import", str(file), "--rehearse", "--database", database) == (
        0,
        f"{NOTED}nothing kept: 1 new, 0 changed, 0 the same, 0 rejected\n",
    )
    code, said = await run("import", str(file), "--database", database)
    assert (code, said) == (0, f"{NOTED}1 new, 0 changed, 0 the same, 0 rejected\n")
    file.write_text("{}")
    code, said = await run("import", str(file), "--database", database)
    assert code == 1
    assert "line 1: " in said
    assert "nothing kept" in said


async def test_the_search_table_is_written_anew(database: str):
    await run("demo", "--database", database)

    code, said = await run("rebuild-search", "--database", database)

    assert code == 0
    assert re.fullmatch(r"[1-9][0-9]* services in force can be found\.\n", said)
