"""The commands, as somebody meets them who has never used them: what they do, and what they say when they cannot."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
import typer.main
from msgspec.structs import replace
from typer.testing import CliRunner

from bot import retention
from bot.app import opened
from bot.bench import BENCHES
from bot.cases import consent
from bot.cases import service as cases
from bot.cases.hand import Hand
from bot.cases.record import service as record
from bot.commands import app
from bot.conversations import service as conversations
from bot.foreground import CannotDo
from bot.kernel.access import Role
from bot.kernel.settings import Settings, load_settings
from bot.upkeep import backups, doctor, erasing, keys, people, primero
from directory import store as directory
from tests.integration.app.program import OURS, Helpline, Person, lay_database, serving, settings_for
from tests.integration.cases.test_primero import HANDED
from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


class Installation:
    """A folder, and commands over it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.database = self.data / "waymark.db"
        self.environment = {"WAYMARK_DATA_DIR": str(self.data), "WAYMARK_DEMO": "off"}

    @property
    def settings(self) -> Settings:
        return load_settings(self.environment)

    def run(self, *words: str, input: str = "", **environment: str) -> Said:
        """Run a command inside this process. One that ends in a traceback fails the test."""
        done = CliRunner().invoke(
            app, list(words), input=input, env={**_no_settings(), **self.environment, **environment}
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        assert "Traceback" not in done.output
        return Said(done.exit_code, done.stdout, done.stderr)

    def process(self, *words: str, input: bytes = b"", **environment: str) -> Said:
        """The same as a process of its own."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            input=input,
            cwd=ROOT,
            env={**own, **self.environment, **environment},
            capture_output=True,
            check=False,
            timeout=120,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def copy_of_rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def tamper(self, statement: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute(statement)
            connection.commit()


def _no_settings() -> dict[str, str | None]:
    return {name: None for name in os.environ if name.startswith("WAYMARK_")}


@pytest.fixture
def untouched(tmp_path: Path) -> Installation:
    """Before its first start."""
    return Installation(tmp_path)


@pytest.fixture
def installation(untouched: Installation) -> Installation:
    """Migrated, and empty."""
    lay_database(untouched.data)
    return untouched


def is_a_sentence(said: Said) -> bool:
    """One plain sentence or two on stderr, and an exit code that says it did not work."""
    return said.code in {1, 2} and said.out == "" and 0 < len(said.err.strip()) < 600 and "Error" not in said.err


# --- help ---


def every_command() -> list[str]:
    root = typer.main.get_command(app)
    names = [""]
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        names += [name, *(f"{name} {inner}" for inner in getattr(command, "commands", {}))]
    return names


@pytest.mark.parametrize("command", every_command())
def test_every_command_explains_itself(untouched: Installation, command: str):
    said = untouched.run(*command.split(), "--help")

    assert said.code == 0
    assert "Usage:" in said.out
    assert not untouched.data.exists(), "asking for help makes nothing"


def test_a_command_that_is_none_is_said(installation: Installation):
    said = installation.process("serv")

    assert said.code == 2
    assert "./waymark" in said.err
    assert "No such command 'serv'" in said.err


# --- settings ---


def test_every_wrong_setting_is_named_at_once(installation: Installation):
    said = installation.run(
        "user", "list", WAYMARK_PORT="eighty", WAYMARK_DATABSE_URL="sqlite:///x", WAYMARK_MASTER_KEY="short"
    )

    assert said.code == 2
    for part in ("WAYMARK_PORT", "Did you mean WAYMARK_DATABASE_URL?", "openssl rand -base64 32"):
        assert part in said.err
    assert "short" not in said.err


def test_a_folder_that_cannot_be_made_is_said(installation: Installation, tmp_path: Path):
    (tmp_path / "a file").write_text("")
    for command in ("user list", "up", "doctor", "audit verify", "demo remove"):
        said = installation.run(*command.split(), WAYMARK_DATA_DIR=str(tmp_path / "a file" / "data"))
        assert said.code in {1, 2}, command
        assert re.search("Not a directory|is not a folder", said.err + said.out), command


def test_a_start_that_fails_leaves_the_process_as_it_was(installation: Installation, tmp_path: Path):
    (tmp_path / "a file").write_text("")

    assert installation.run("up", WAYMARK_DATA_DIR=str(tmp_path / "a file" / "data")).code == 2
    assert gc.isenabled()


def test_a_database_that_is_none_is_said(untouched: Installation):
    untouched.data.mkdir()
    untouched.database.write_bytes(b"these are somebody's notes " * 500)

    for command in ("user list", "up", "audit verify", "demo remove"):
        assert is_a_sentence(untouched.run(*command.split())), command
    said = untouched.run("doctor")
    assert said.code == 1
    assert "WRONG database: cannot be used (file is not a database)" in said.out
    assert untouched.database.read_bytes().startswith(b"these are somebody's notes ")


def test_a_postgresql_that_is_away_or_has_no_such_database_is_said(
    installation: Installation, postgres: PostgresServer
):
    away = "postgresql://waymark@localhost:1/waymark"
    none = postgres.url("no_such_database")
    for url in (away, none):
        for command in ("user list", "up", "audit verify"):
            assert is_a_sentence(installation.run(*command.split(), WAYMARK_DATABASE_URL=url)), (url, command)
    assert is_a_sentence(installation.run("backup", "copy.db", WAYMARK_DATABASE_URL=none))


# --- people ---


async def test_somebody_new_is_let_in_by_the_link_that_was_printed(helpline: Helpline):
    said = await people.add_user(helpline.settings, "Amira K.", "Amira", ["officer"], ["en", "ar"])
    link = re.findall(r"http\S+", said)[0]

    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.get(link) as answer:
            assert answer.status == 200
        path, token = link.split("?token=")
        async with client.post(path, data={"token": token}, headers=OURS) as answer:
            assert answer.status == 200
            assert answer.url.path == "/desk/queue"
            assert "Amira K." in await answer.text()
        async with client.post(path, data={"token": token}, headers=OURS) as answer:
            assert answer.status == 404  # once

    again = await people.make_sign_in_link(helpline.settings, "amira")
    assert re.findall(r"http\S+", again)[0] != link


async def test_whoever_is_disabled_is_out_at_once(helpline: Helpline):
    amira = await helpline.officer(Role.OFFICER)
    desk = await helpline.at_desk(amira)
    assert (await desk.post("/desk/queue/next"))[0] == 200

    said = await people.disable_user(helpline.settings, amira.sign_in_name)

    assert "can no longer sign in" in said
    assert (await desk.post("/desk/queue/next"))[0] == 401


def test_people_are_listed_with_what_they_may_do(installation: Installation):
    added = installation.run("user", "add", "Amira K.", "--as", "amira", "--role", "officer", "--role", "coordinator")
    installation.run("user", "add", "Noa", "--as", "noa", "--role", "admin")
    installation.run("user", "disable", "noa")

    listed = installation.run("user", "list").out.splitlines()

    assert added.code == 0
    assert "/desk/sign-in/link?token=" in added.out
    assert [line.split() for line in listed] == [
        ["amira", "coordinator,", "officer"],
        ["noa", "disabled", "admin"],
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["add", "A", "--as", "taken"], "signs in as taken already"),
        (["add", "A", "--as", " TAKEN "], "already; choose another name with --as"),
        (["add", "A", "--as", "a", "--role", "king"], "there is no role king. There are: officer, coordinator, admin"),
        (["add", " ", "--as", "a"], "the name needs 1 to 120 letters"),
        (["add", "A" * 500, "--as", "a"], "the name needs 1 to 120 letters"),
        (["add", "A\nB", "--as", "a"], "on one line"),
        (["add", "A", "--as", ""], "the name to sign in with needs"),
        (["add", "A", "--as", "a", "--language", "Klingon"], "'Klingon' is not the code of a language"),
        (["link", "nobody"], "nobody signs in as nobody; see: ./waymark user list"),
        (["disable", "nobody"], "nobody signs in as nobody"),
        (["link", "gone"], "gone is disabled"),
    ],
)
def test_what_cannot_be_done_with_people_is_said_in_a_sentence(installation: Installation, words: list[str], says: str):
    installation.run("user", "add", "Taken", "--as", "taken")
    installation.run("user", "add", "Gone", "--as", "gone")
    installation.run("user", "disable", "gone")

    said = installation.run("user", *words)

    assert is_a_sentence(said)
    assert says in said.err
    assert len(installation.run("user", "list").out.splitlines()) == 2


# --- the demonstration ---


async def test_of_a_demonstration_that_is_removed_nothing_is_left(tmp_path: Path):
    settings = settings_for(tmp_path)
    async with serving(settings) as helpline:
        assert helpline.waymark.demo
        async with Person(helpline) as person:
            await person.write("he has a knife, he is outside, kestrel-canary")
            assert "kestrel-canary" in await person.page()
            said = await erasing.remove_demonstration(settings)
            assert "kestrel-canary" not in await person.page()
        at_desk = await helpline.at_desk(await helpline.officer(*Role))
        assert await at_desk.waiting_cases() == []
        _, services = await at_desk.get("/desk/services")
        _, api = await at_desk.get("/hsds/services?per_page=100")
        left = await helpline.database.read(directory.demo_ids)
        talks = await helpline.database.read(conversations.demonstration_ids)
        rows = await helpline.database.read(
            lambda tx: [
                tx.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
                for table in ("directory_safe_places", "directory_locations", "directory_organizations")
            ]
        )
        unquiet = await helpline.database.read(
            lambda tx: tx.exec_driver_sql("SELECT count(*) FROM alarms WHERE next_step_at IS NOT NULL").scalar_one()
        )
        files = b"".join(path.read_bytes() for path in settings.data_dir.glob("waymark.db*"))

    assert said.startswith("Removed 2 people, the invented services, and the words of 1 conversations.")
    assert "Restart the server" in said
    assert left == ([], [])
    assert talks == []
    assert rows[:2] == [0, 0]
    assert unquiet == 0
    assert "Example only" not in services + api
    for word in (b"kestrel-canary", b"Vicolo della Fantasia", b"Willow health post", b"Quartier Imaginaire"):
        assert word not in files
    async with opened(settings) as waymark:
        assert not waymark.demo  # and it does not come back


async def test_after_it_nobody_of_the_demonstration_can_enter(tmp_path: Path):
    settings = settings_for(tmp_path)
    async with opened(settings):
        pass
    await erasing.remove_demonstration(settings)

    assert [line.split()[1] for line in await people.list_users(settings)] == ["disabled", "disabled"]
    with pytest.raises(CannotDo, match="demo-officer is disabled"):
        await people.make_sign_in_link(settings, "demo-officer")
    assert await erasing.remove_demonstration(settings) == "There is no demonstration here; nothing was changed."


async def test_invented_services_are_marked_even_when_its_people_are_switched_off(tmp_path: Path):
    settings = settings_for(tmp_path)
    async with opened(settings):
        pass
    for name in ("demo-officer", "demo-admin"):
        await people.disable_user(settings, name)

    async with opened(settings) as waymark:
        assert waymark.demo


def test_removing_what_is_not_there_changes_nothing(installation: Installation):
    said = installation.run("demo", "remove")

    assert (said.code, said.out) == (0, "There is no demonstration here; nothing was changed.\n")


# --- the record of acts ---


def test_a_changed_record_is_found_and_the_row_is_named(installation: Installation):
    for name in ("a", "b", "c"):
        installation.run("user", "add", name, "--as", name)
    whole = installation.run("audit", "verify")
    head = whole.out.split()[-1]
    assert whole.code == 0
    assert "3 acts" in whole.out
    assert installation.run("audit", "verify", "--head", head).code == 0

    installation.tamper("UPDATE audit_log SET act = 'officer.adder' WHERE seq = 2")
    changed = installation.run("audit", "verify")
    installation.tamper("UPDATE audit_log SET act = 'officer.added' WHERE seq = 2")
    mended = installation.run("audit", "verify")
    installation.tamper("DELETE FROM audit_log WHERE seq = 3")
    cut = installation.run("audit", "verify", "--head", head)
    unseen = installation.run("audit", "verify")

    assert changed == Said(1, "The record was changed: act 2 does not fit what comes before it.\n", "")
    assert mended.code == 0
    assert cut == Said(1, "The record was cut: the head you gave is no longer in it.\n", "")
    assert unseen.code == 0  # why a head is to be kept elsewhere


@pytest.mark.parametrize("column", ["at", "actor", "act", "object", "facts", "previous", "mac"])
def test_no_column_of_the_record_can_be_changed_unseen(installation: Installation, column: str):
    installation.run("user", "add", "a", "--as", "a")
    value = "at + 1" if column == "at" else f"'x' || substr({column}, 2)"
    installation.tamper(f"UPDATE audit_log SET {column} = {value} WHERE seq = 1")

    said = installation.run("audit", "verify")

    assert said.code == 1
    assert "act 1" in said.out


# --- a new master key ---

KEYS = [base64.b64encode(bytes(range(start, start + 32))).decode() for start in (1, 101, 151)]


async def test_after_a_rotation_the_old_key_opens_nothing_and_everything_can_be_read(tmp_path: Path):
    old = settings_for(tmp_path, demo="off", master_key=KEYS[0])
    async with serving(old) as helpline, Person(helpline) as person:
        await person.write("the words from before")
        cookies = {cookie.key: cookie.value for cookie in person.cookies}
    new = settings_for(tmp_path, demo="off", master_key=KEYS[1], old_master_key=KEYS[0])

    said = await keys.rotate_master_key(new)

    assert re.match(r"\d+ keys are wrapped under the new master key", said)
    with pytest.raises(Exception, match="does not fit this database"):
        async with opened(old):
            pass
    async with serving(settings_for(tmp_path, demo="off", master_key=KEYS[1])) as helpline:
        assert await helpline.said_by_people() == ["the words from before"]
        async with aiohttp.ClientSession(
            helpline.url, cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as client, client.post("/chat", data={"text": "and after"}, headers=OURS) as answer:  # fmt: skip
            assert answer.status == 200
        await helpline.settled()
        assert len(await helpline.conversation_ids()) == 1, "the address is still known by its fingerprint"
        assert await helpline.said_by_people() == ["the words from before", "and after"]
    assert (await doctor.verify_audit(settings_for(tmp_path, master_key=KEYS[1]), None)).well


async def test_no_key_is_rotated_under_a_server_that_runs(helpline: Helpline):
    settings = replace(
        helpline.settings,
        master_key=load_settings({"WAYMARK_MASTER_KEY": KEYS[1]}).master_key,
        old_master_key=load_settings({"WAYMARK_MASTER_KEY": KEYS[0]}).master_key,
    )

    with pytest.raises(Exception, match="another Waymark is already serving"):
        await keys.rotate_master_key(settings)


def test_what_a_rotation_needs_is_said(installation: Installation, tmp_path: Path):
    first = installation.run("keys", "rotate")
    installation.run("user", "list")  # makes the database and its key file
    second = installation.run("keys", "rotate")
    key = str(installation.data / "master.key")
    same = installation.run("keys", "rotate", WAYMARK_OLD_MASTER_KEY_FILE=key, WAYMARK_MASTER_KEY_FILE=key)
    wrong = installation.run("keys", "rotate", WAYMARK_OLD_MASTER_KEY=KEYS[0], WAYMARK_MASTER_KEY=KEYS[1])
    (tmp_path / "new.key").write_text(KEYS[2])
    done = installation.run(
        "keys", "rotate", WAYMARK_OLD_MASTER_KEY_FILE=key, WAYMARK_MASTER_KEY_FILE=str(tmp_path / "new.key")
    )

    assert is_a_sentence(first)
    assert "openssl rand -base64 32" in first.err
    assert f"WAYMARK_OLD_MASTER_KEY_FILE={key}" in second.err
    assert "are the same" in same.err
    assert "does not fit this database" in wrong.err
    assert done.code == 0
    assert f"Put it into {key}" in done.out
    assert installation.run("user", "list").code == 2  # the file still holds the old key
    Path(key).write_text(KEYS[2])
    assert installation.run("user", "list").code == 0
    assert installation.run("audit", "verify").code == 0


# --- backups ---


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


# --- the doctor ---


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


# --- understanding ---


def understood(installation: Installation, *lines: object) -> list[dict[str, object]]:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    said = installation.process("understand", input=text.encode("utf-8", "surrogatepass"))
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


FIELDS = {"id", "type", "key", "need", "place", "reason", "priority", "language", "alternatives", "confidence"}
TYPES = {"procedure", "service_search", "escalate", "smalltalk", "out_of_scope"}


def test_understanding_answers_each_line_and_survives_every_broken_one(installation: Installation):
    found = understood(
        installation,
        {"id": "a", "text": "he has a knife, he is outside"},
        {"id": 2, "text": "a place to sleep in Ventimiglia", "lang": "en", "audience": "child", "country": "it"},
        "",
        "not json",
        "[1]",
        '{"id": "b"}',
        '{"text": "no id"}',
        '{"id": "c", "text": 7}',
        '{"id": "d", "text": "hello", "lang": 7}',
        '{"id": {"a": 1}, "text": "hello"}',
        '{"id": "' + "\\ud800" + '", "text": "hello \\ud800"}',
        "[" * 100_000,
        {"id": "e", "text": ""},
        {"id": "f", "text": '/in_danger{"reason": "x"}'},
        {"id": "g", "text": "\u202e\x00hello", "lang": "xx"},
        {"id": "h", "text": "أين أنام الليلة؟"},
    )

    assert [each["id"] for each in found] == [
        "a", 2, None, None, "b", None, "c", "d", {"a": 1}, "\ud800", None, "e", "f", "g", "h",
    ]  # fmt: skip
    decided = [each for each in found if "error" not in each]
    assert [each["id"] for each in decided] == ["a", 2, "\ud800", "e", "f", "g", "h"]
    for each in decided:
        assert set(each) == FIELDS
        assert each["type"] in TYPES
        assert isinstance(each["alternatives"], list)
        assert 0 <= float(str(each["confidence"])) <= 1
    assert (found[0]["type"], found[0]["reason"], found[0]["priority"]) == ("escalate", "immediate_danger", "P0")
    assert (found[1]["type"], found[1]["need"], found[1]["place"]) == ("service_search", "shelter", "Ventimiglia")
    assert decided[4]["reason"] != "x", "typed commands are plain words here too: heard, and never obeyed"
    assert decided[6]["language"] == "ar"
    for each in found:
        assert "error" not in each or set(each) == {"id", "error"}


def test_bytes_that_are_no_text_are_a_broken_line_and_not_the_end(installation: Installation):
    said = installation.process("understand", input=b'\xff\xfe\x00\n{"id": 1, "text": "hello"}\n')

    answers = [json.loads(line) for line in said.out.splitlines()]
    assert [answer["id"] for answer in answers] == [None, 1]
    assert said.code == 0


# --- the rest ---


def test_the_procedures_are_in_order_and_notes_do_not_make_them_wrong(installation: Installation):
    said = installation.run("procedures", "check")
    with_notes = installation.run("procedures", "check", "--notes")

    assert said.code == 0, said.out
    assert said.out.startswith("No problems, ")
    assert with_notes.code == 0
    assert len(with_notes.out.splitlines()) >= len(said.out.splitlines())


def test_the_directory_says_what_somebody_should_check_again(installation: Installation):
    said = installation.run("directory", "verify")

    assert said.code == 0
    assert said.out == "0 services wait to be checked again.\n"


def test_a_benchmark_that_is_none_is_said(installation: Installation):
    said = installation.run("bench", "everything")

    assert is_a_sentence(said)
    assert f"There are: {', '.join(BENCHES)}." in said.err


def test_talking_to_a_server_that_is_not_there_is_said(installation: Installation):
    said = installation.process("talk")

    assert said.code == 1
    assert "./waymark up" in said.out + said.err
    assert "Traceback" not in said.err


def test_up_says_in_a_sentence_why_it_cannot(installation: Installation, tmp_path: Path):
    installation.run("user", "list")
    (installation.data / "master.key").rename(tmp_path / "lost")

    said = installation.process("up")

    assert said.code == 2
    assert "Put that file back" in said.err
    assert "Traceback" not in said.err
    assert len(said.err.splitlines()) == 1


async def test_a_case_is_written_for_primero_and_taken_in_elsewhere(tmp_path: Path):
    settings = settings_for(tmp_path, demo="off", country="IT")
    file = tmp_path / "case.json"
    async with serving(settings) as helpline:
        amira = await helpline.officer(Role.OFFICER)
        hand = Hand(amira, helpline.vault, helpline.waymark.words, helpline.waymark.clock.now())
        async with Person(helpline) as one:
            await one.write("he has a knife, he is outside")
        [case_id] = await (await helpline.at_desk(amira)).waiting_cases()

        def agree(tx: sa.Connection) -> str:
            claimed = cases.claim_case(tx, hand, case_id)
            facts = {"name": ("Ali",), "location": ("the blue house",)}
            record.write_fields(tx, hand, case_id, facts, seen={})
            consent.record(tx, hand, case_id, replace(HANDED, items=("name", "location")))
            return claimed.number

        with pytest.raises(CannotDo, match="does not hold a case"):
            await primero.write_file(settings, case_id, file, amira.sign_in_name)
        assert not file.exists()
        number = await helpline.database.write(agree)
        said = await primero.write_file(settings, number, file, amira.sign_in_name)
        assert said == f"{file}: name. Not sent: location."
        assert file.stat().st_mode & 0o777 == 0o600
        assert "blue house" not in file.read_text()
        with pytest.raises(CannotDo, match="cannot be written"):
            await primero.write_file(settings, number, file, amira.sign_in_name)

        taken = await primero.take_in(settings, file, amira.sign_in_name, another_person=True)
        assert taken.startswith("In the queue: ")
        with pytest.raises(CannotDo, match="nobody signs in as nobody"):
            await primero.take_in(settings, file, "nobody", another_person=False)
        file.write_text("not a file")
        with pytest.raises(CannotDo, match="it is no JSON"):
            await primero.take_in(settings, file, amira.sign_in_name, another_person=False)
