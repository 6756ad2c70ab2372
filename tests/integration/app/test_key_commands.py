"""Whether the record of acts is whole, by command; and a new master key."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from bot.app import opened
from bot.kernel.settings import load_settings
from bot.upkeep import doctor, keys
from tests.integration.app.installed import KEYS, Installation, Said, installation, is_a_sentence, untouched
from tests.integration.app.program import OURS, Helpline, Person, serving, settings_for

__all__ = ["installation", "untouched"]  # fixtures


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
