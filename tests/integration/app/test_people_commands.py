"""Who may enter the desk, by command; and a demonstration that is taken away."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest

from bot.app import opened
from bot.conversations import service as conversations
from bot.foreground import CannotDo
from bot.kernel.access import Role
from bot.upkeep import erasing, people
from directory import store as directory
from tests.integration.app.installed import Installation, installation, is_a_sentence, untouched
from tests.integration.app.program import OURS, Helpline, Person, serving, settings_for

__all__ = ["installation", "untouched"]  # fixtures


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
    assert "Add somebody with: ./waymark user add" in installation.run("user", "list").out
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
