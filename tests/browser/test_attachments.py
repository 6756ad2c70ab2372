"""Pictures and voice notes in a real browser: nothing is seen before it is wanted, the copy opens, the form works."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.cases import service as cases
from bot.kernel.access import Role
from tests.browser.whole_server import WholeServer
from tests.chromium import DESKTOP, PHONE
from tests.unit.conversations.test_attachment_copies import FILES, with_hidden

pytestmark = pytest.mark.browser

PHOTO = with_hidden((FILES / "photo.jpg").read_bytes(), orientation=6)


@pytest.fixture(scope="module")
def server() -> Iterator[WholeServer]:
    with WholeServer() as running:
        yield running


@pytest.fixture
def desk(server: WholeServer, chromium: Browser) -> Iterator[Page]:
    """At the case of somebody who sent a picture and a voice note."""
    person = server.run(server.person())
    case_id = server.run(server.danger(person, "he is outside"))
    officer = server.run(server.officer(f"Amira {secrets.token_hex(3)}", Role.OFFICER))
    server.run(server.sends_file(person, PHOTO))
    server.run(server.sends_file(person, (FILES / "voice.ogg").read_bytes(), kind="voice"))
    hand = server.hand(officer)
    server.run(server.database.write(lambda tx: cases.claim_case(tx, hand, case_id)))
    context = chromium.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.goto(server.run(server.link(officer)))
    page.locator("main button").first.click()
    page.wait_for_url("**/desk/queue*")
    page.goto(server.url(f"/desk/cases/{case_id}"))
    yield page
    context.close()


def test_a_picture_is_seen_after_a_click_and_the_right_way_up(desk: Page):
    asked: list[str] = []
    desk.on("request", lambda request: asked.append(request.url))
    desk.reload()
    expect(desk.get_by_role("link", name="It may be distressing")).to_be_visible()
    assert not [url for url in asked if url.endswith("/copy")]

    desk.get_by_role("link", name="It may be distressing").click()

    picture = desk.get_by_role("img", name="The picture that was sent")
    expect(picture).to_be_visible()
    size = picture.evaluate("async (each) => { await each.decode(); return [each.naturalWidth, each.naturalHeight] }")
    assert size == [32, 48]  # it lies in the file 48 wide and 32 high


def test_a_voice_note_plays_in_the_talk(desk: Page):
    player = desk.locator("audio").first

    seconds = player.evaluate(
        "(each) => new Promise((done, fail) => { each.onloadedmetadata = () => done(each.duration);"
        " each.onerror = () => fail(each.error.message); each.preload = 'metadata'; each.load() })"
    )

    assert 0.3 < seconds < 1


def test_the_original_is_saved_for_a_reason(desk: Page):
    desk.get_by_role("link", name="It may be distressing").click()
    desk.get_by_label("Why you need the original").select_option("authority")

    with desk.expect_download() as saved:
        desk.get_by_role("button", name="Save the original").click()

    assert Path(saved.value.path()).read_bytes() == PHOTO


def test_an_officer_sends_a_picture(desk: Page):
    desk.get_by_text("Send a picture or a file").click()
    desk.get_by_label("A picture or a PDF").set_input_files(FILES / "picture.png")
    desk.get_by_label("Words with it").fill("The blue door")

    desk.get_by_role("button", name="Send it").click()

    mine = desk.locator(".m-officer").filter(has_text="The blue door")
    expect(mine.get_by_role("link", name="Photo")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_child_sends_a_picture_from_a_phone(server: WholeServer, chromium: Browser, scripts: bool):
    context = chromium.new_context(viewport=PHONE, java_script_enabled=scripts)
    page = context.new_page()
    page.goto(server.url("/chat"))
    page.get_by_text("Send a picture, your voice or a file").click()
    page.locator("input[type=file]").set_input_files(FILES / "photo.jpg")

    page.get_by_role("button", name="Send it").click()

    expect(page.locator(".m.person")).to_have_text("File sent")
    context.close()
