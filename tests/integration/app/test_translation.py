"""A machine translates when an officer asks it to, is always called a machine, and hears nothing of a watched phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.kernel.access import Role
from bot.kernel.settings import SettingsWrong, load_settings
from tests.integration.app.program import Desk, Helpline, Person, serving, settings_for
from tests.integration.app.test_attachments import acts, case_with
from tests.peers.translation import FakeTranslation, running_translation

WORDS = "il a un couteau, il est dehors"


@pytest.fixture
async def machine() -> AsyncIterator[FakeTranslation]:
    async with running_translation() as running:
        yield running


@pytest.fixture
async def translating(tmp_path: Path, machine: FakeTranslation) -> AsyncIterator[Helpline]:
    machine.key = "a-key"
    settings = settings_for(tmp_path, demo="off", translate_url=machine.url, translate_key="a-key")
    async with serving(settings) as program:
        yield program


async def a_case(helpline: Helpline) -> tuple[Desk, str]:
    desk = await helpline.at_desk(await helpline.officer(Role.OFFICER))
    async with Person(helpline) as person:
        await person.write(WORDS)
    return desk, await case_with(helpline, desk)


async def test_the_words_leave_on_a_click_and_come_back_beside_the_original(
    translating: Helpline, machine: FakeTranslation
):
    desk, case_id = await a_case(translating)
    _, talk = await desk.get(f"/desk/cases/{case_id}?lang=en")
    before = list(machine.asked)

    status, page = await desk.post(f"/desk/cases/{case_id}/translate?lang=en")

    assert f'action="/desk/cases/{case_id}/translate"' in talk
    assert before == []
    assert status == 200
    assert WORDS in page
    assert f"[fr to en] {WORDS}" in page
    assert "A machine made this, and it can be wrong" in page
    assert "127.0.0.1" in page
    assert [(asked["q"], asked["source"], asked["target"]) for asked in machine.asked] == [([WORDS], "fr", "en")]
    assert await acts(translating, "case.translate") == [{"into": "en", "lines": 1}]


async def test_nothing_of_a_watched_talk_is_sent(translating: Helpline, machine: FakeTranslation):
    desk = await translating.at_desk(await translating.officer(Role.OFFICER))
    async with Person(translating) as person:
        await person.write(WORDS)
        case_id = await case_with(translating, desk)
        await desk.post(f"/desk/cases/{case_id}/duress-word", word="parapluie violet")
        await person.write("parapluie violet")

    _, talk = await desk.get(f"/desk/cases/{case_id}?lang=en")
    status, page = await desk.post(f"/desk/cases/{case_id}/translate?lang=en")

    assert "/translate" not in talk
    assert status == 409
    assert "Nothing was sent to be translated" in page
    assert machine.asked == []


async def test_who_does_not_hold_the_case_has_nothing_translated(translating: Helpline, machine: FakeTranslation):
    _, case_id = await a_case(translating)
    other = await translating.at_desk(await translating.officer(Role.OFFICER, name="Other"))
    coordinator = await translating.at_desk(await translating.officer(Role.COORDINATOR, name="Co"))

    assert (await other.post(f"/desk/cases/{case_id}/translate"))[0] == 404
    assert (await coordinator.post(f"/desk/cases/{case_id}/translate"))[0] == 409
    assert machine.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"text": "<html>"},
        {"text": '{"translatedText": "one"}'},
        {"text": '{"translatedText": ["one", "two"]}'},
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        {"body": b"\xff" * 700_000},
    ],
)
async def test_a_server_that_is_ill_is_said_to_be_and_nothing_breaks(
    translating: Helpline, machine: FakeTranslation, answer: dict[str, object]
):
    desk, case_id = await a_case(translating)
    machine.ill = web.Response(**answer)  # type: ignore[arg-type]

    status, page = await desk.post(f"/desk/cases/{case_id}/translate?lang=en")

    assert status == 502
    assert "The translation server did not answer" in page
    assert WORDS in page


async def test_it_is_off_unless_somebody_switched_it_on(helpline: Helpline):
    desk, case_id = await a_case(helpline)

    _, talk = await desk.get(f"/desk/cases/{case_id}?lang=en")

    assert "/translate" not in talk
    assert (await desk.post(f"/desk/cases/{case_id}/translate"))[0] == 404


@pytest.mark.parametrize(
    "url", ["http://translate.example.org", "ftp://x", "https://user:word@example.org", "translate"]
)
def test_words_of_children_cross_no_open_network_in_clear(url: str, tmp_path: Path):
    with pytest.raises(SettingsWrong, match="WAYMARK_TRANSLATE_URL"):
        load_settings({"WAYMARK_DATA_DIR": str(tmp_path), "WAYMARK_TRANSLATE_URL": url})
