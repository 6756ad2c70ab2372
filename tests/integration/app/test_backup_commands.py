"""A backup, bringing it back, and the doctor, by command."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot import retention
from bot.kernel.access import Role
from bot.upkeep import backups, doctor, erasing
from tests.integration.app.installed import KEYS, Installation, installation, is_a_sentence, untouched
from tests.integration.app.program import OURS, Helpline, Person, serving, settings_for

__all__ = ["installation", "untouched"]  # fixtures


async def test_a_backup_taken_while_people_write_is_whole_and_holds_no_words(helpline: Helpline, tmp_path: Path):
    copy = tmp_path / "copies" / "monday.db"

    async def write(number: int) -> None:
        async with Person(helpline) as person:
            for turn in range(3):
                assert await person.send(text=f"kestrel-canary {number} {turn}") == 303

    _, said = await asyncio.gather(
        asyncio.gather(*(write(number) for number in range(8))), backups.back_up(helpline.settings, copy)
    )
    await helpline.settled()

    assert "useless without the master key" in said
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert b"kestrel-canary" not in copy.read_bytes()
    assert not list(copy.parent.glob("monday.db?*")), "one file, with nothing beside it"
    assert len(await helpline.said_by_people()) == 24


async def test_what_retention_erased_after_a_backup_stays_erased_when_it_is_restored(tmp_path: Path):
    settings = settings_for(tmp_path, demo="off")
    copy = tmp_path / "copy.db"
    async with serving(settings) as helpline:
        async with Person(helpline) as one:
            await one.write("where can I eat")
        await backups.back_up(settings, copy)
        assert "Nothing is due." in await erasing.show_retention(settings)
        later = helpline.waymark.clock.now() + timedelta(days=91)
        assert await erasing.keep_to_retention(helpline.database, helpline.vault, retention.load(), later) == 1
        assert await helpline.said_by_people() == []

    said = await backups.restore(settings, copy, replace=True)

    assert "Erased again: 1" in said


async def test_what_was_erased_after_a_backup_stays_erased_when_it_is_restored(tmp_path: Path):
    settings = settings_for(tmp_path, demo="off")
    copy = tmp_path / "copy.db"
    async with serving(settings) as helpline:
        async with Person(helpline) as one, Person(helpline) as other:
            await one.write("he has a knife, he is outside")
            await other.write("thank you")
            cookies = {cookie.key: cookie.value for cookie in one.cookies}
        [erased, kept] = await helpline.conversation_ids()
        await backups.back_up(settings, copy)
        await erasing.erase(settings, erased, sure=True)

    said = await backups.restore(settings, copy, replace=True)

    assert "Erased again: 2" in said  # the conversation and its case
    async with serving(settings_for(tmp_path, demo="off")) as helpline:
        assert await helpline.said_by_people() == ["thank you"]
        assert await helpline.lines(erased) == []
        assert await helpline.lines(kept) != []
        async with aiohttp.ClientSession(
            helpline.url, cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as client, client.post("/chat", data={"text": "it is me again"}, headers=OURS) as answer:  # fmt: skip
            assert answer.status == 200
        await helpline.settled()
        assert "it is me again" in await helpline.said_by_people()
        assert len(await helpline.conversation_ids()) == 3
    before = tmp_path / "data" / "waymark.db.before-restore"
    assert before.exists()


def test_a_restore_that_cannot_be_leaves_everything_as_it_was(installation: Installation, tmp_path: Path):
    installation.run("user", "add", "Amira", "--as", "amira")
    copy = tmp_path / "copy.db"
    installation.run("backup", str(copy))
    before = installation.database.read_bytes()
    broken, notes, other = tmp_path / "broken.db", tmp_path / "notes.db", Installation(tmp_path / "other")
    broken.write_bytes(copy.read_bytes()[: len(copy.read_bytes()) // 2])
    notes.write_bytes(b"these are somebody's notes " * 500)
    other.run("user", "add", "Other", "--as", "other")
    foreign = tmp_path / "foreign.db"
    other.run("backup", str(foreign))
    changed = tmp_path / "changed.db"
    changed.write_bytes(copy.read_bytes())
    with closing(sqlite3.connect(changed)) as connection:
        connection.execute("UPDATE audit_log SET actor = 'nobody'")
        connection.commit()
    newer = tmp_path / "newer.db"
    newer.write_bytes(copy.read_bytes())
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    for source, why in {
        tmp_path / "nothing.db": "is not there",
        broken: "could not be copied|is not a whole database|cannot be used",
        notes: "could not be copied|is not a whole database",
        foreign: "does not fit this database",
        changed: "not whole from act 1 on",
        newer: "install the newer release",
    }.items():
        said = installation.run("restore", str(source), "--replace")
        assert is_a_sentence(said), source
        assert re.search(why, said.err), (source, said.err)
        assert installation.database.read_bytes() == before
    assert "to put the backup in its place add --replace" in installation.run("restore", str(copy)).err
    assert not list(installation.data.glob("*.restoring*"))
    assert installation.run("restore", str(copy), "--replace").code == 0
    assert "amira" in installation.run("user", "list").out


def test_a_backup_into_an_empty_folder_and_back_is_the_same_installation(installation: Installation, tmp_path: Path):
    installation.run("user", "add", "Amira", "--as", "amira")
    copy, elsewhere = tmp_path / "copy.db", Installation(tmp_path / "elsewhere")
    assert installation.run("backup", str(copy)).code == 0
    without_key = elsewhere.run("restore", str(copy))
    key = (installation.data / "master.key").read_text()

    said = elsewhere.run("restore", str(copy), WAYMARK_MASTER_KEY=key)

    assert is_a_sentence(without_key)
    assert said.code == 0
    assert "amira" in elsewhere.run("user", "list", WAYMARK_MASTER_KEY=key).out


@pytest.mark.parametrize(
    ("to", "says"),
    [("there.db", "a backup never overwrites"), ("file/x.db", "File exists|Not a directory"), ("", "there already")],
)
def test_a_backup_that_cannot_be_written_is_said(installation: Installation, tmp_path: Path, to: str, says: str):
    installation.run("user", "list")
    (tmp_path / "there.db").write_text("mine")
    (tmp_path / "file").write_text("")

    said = installation.run("backup", str(tmp_path / to))

    assert is_a_sentence(said)
    assert re.search(says, said.err)
    assert (tmp_path / "there.db").read_text() == "mine"


def test_there_is_no_backup_of_what_never_was(untouched: Installation, tmp_path: Path):
    said = untouched.run("backup", str(tmp_path / "copy.db"))

    assert is_a_sentence(said)
    assert not (tmp_path / "copy.db").exists()


def test_the_doctor_of_an_empty_folder_makes_nothing(untouched: Installation):
    said = untouched.run("doctor")

    assert said.code == 0
    assert "not there yet; ./waymark up will make it" in said.out
    assert not untouched.database.exists()
    assert not (untouched.data / "master.key").exists()


async def test_the_doctor_finds_a_running_server_well(helpline: Helpline):
    await helpline.officer(Role.OFFICER)
    await helpline.waymark.auditor.look()

    findings = await doctor.examine(helpline.settings)

    assert [finding.says for finding in findings if not finding.well] == []
    assert len(findings) >= 8


def test_the_doctor_names_what_is_broken(installation: Installation, tmp_path: Path):
    installation.run("user", "add", "Amira", "--as", "amira")
    stopped = installation.run("doctor")
    assert stopped.code == 1
    assert "WRONG alarms: nobody watches; is a server up?" in stopped.out

    key = installation.data / "master.key"
    key.chmod(0o644)
    assert "WRONG master key: in" in installation.run("doctor").out
    key.chmod(0o600)
    wrong = installation.run("doctor", WAYMARK_MASTER_KEY=KEYS[0])
    assert "WRONG master key: the master key does not fit" in wrong.out
    key.rename(tmp_path / "lost")
    missing = installation.run("doctor")
    assert "Put that file back" in missing.out
    assert not key.exists()
    (tmp_path / "lost").rename(key)
    installation.tamper("UPDATE audit_log SET actor = 'nobody' WHERE seq = 1")
    assert "WRONG record of acts: 1 rows, changed at act 1" in installation.run("doctor").out
    installation.tamper("UPDATE alembic_version SET version_num = '9999'")
    newer = installation.run("doctor")
    assert newer.code == 1
    assert "install the newer release" in newer.out
    size = installation.database.stat().st_size
    with installation.database.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(8192))
    assert "WRONG database" in installation.run("doctor").out
