"""The commands, as somebody meets them who has never used them: what they do, and what they say when they cannot."""

from __future__ import annotations

import gc
import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
import typer.main
from msgspec.structs import replace

from bot.bench import BENCHES
from bot.cases import consent
from bot.cases import service as cases
from bot.cases.hand import Hand
from bot.cases.record import service as record
from bot.commands import app
from bot.foreground import CannotDo
from bot.kernel.access import Role
from bot.upkeep import primero
from tests.integration.app.installed import Installation, installation, is_a_sentence, untouched
from tests.integration.app.program import Person, serving, settings_for
from tests.integration.cases.test_primero import HANDED
from tests.postgres import PostgresServer

__all__ = ["installation", "untouched"]  # fixtures


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


def understood(installation: Installation, *lines: object) -> list[dict[str, object]]:
    written = [line if isinstance(line, str | bytes) else json.dumps(line) for line in lines]
    raw = [line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass") for line in written]
    said = installation.process("understand", input=b"".join(line + b"\n" for line in raw))
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
        b"\xff\xfe\x00",
        {"id": "e", "text": ""},
        {"id": "f", "text": '/in_danger{"reason": "x"}'},
        {"id": "g", "text": "\u202e\x00hello", "lang": "xx"},
        {"id": "h", "text": "أين أنام الليلة؟"},
        {"id": "i", "text": "my son cannot go to school, i want to talk to a person"},
        {"id": "j", "text": "a doctor in Sanremo that speaks arabic"},
    )

    assert [each["id"] for each in found] == [
        "a", 2, None, None, "b", None, "c", "d", {"a": 1}, "\ud800", None, None, "e", "f", "g", "h", "i", "j",
    ]  # fmt: skip
    decided = [each for each in found if "error" not in each]
    assert [each["id"] for each in decided] == ["a", 2, "\ud800", "e", "f", "g", "h", "i", "j"]
    for each in decided:
        assert set(each) == FIELDS
        assert each["type"] in TYPES
        assert isinstance(each["alternatives"], list)
        assert 0 <= float(str(each["confidence"])) <= 1
    assert (found[0]["type"], found[0]["reason"], found[0]["priority"]) == ("escalate", "immediate_danger", "P0")
    assert (found[1]["type"], found[1]["need"], found[1]["place"]) == ("service_search", "shelter", "Ventimiglia")
    assert (found[-1]["type"], found[-1]["need"]) == ("service_search", "health")  # no interpreter
    assert (decided[7]["type"], decided[7]["key"]) == ("escalate", "school_enrolment"), "as the chat hears it"
    assert decided[4]["reason"] != "x", "typed commands are plain words here too: heard, and never obeyed"
    assert decided[6]["language"] == "ar"
    for each in found:
        assert "error" not in each or set(each) == {"id", "error"}


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
