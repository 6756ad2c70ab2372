"""The texts at the desk in a real browser: by keyboard, without scripts, in both directions of writing, on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bot.kernel.access import Role
from bot.kernel.officers import Officer
from tests.browser.desk_server import DeskServer

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1360, "height": 820}
PHONE = {"width": 390, "height": 844}
#: Milliseconds: a change is read with all other texts, and this machine may be busy.
PATIENCE = 30_000
PAGE = "/desk/texts/missing_child/en"

SignIn = Callable[..., Page]


@pytest.fixture
def desk() -> Iterator[DeskServer]:
    with DeskServer() as server:
        yield server


@pytest.fixture
def sign_in(desk: DeskServer, chromium: Browser) -> Iterator[SignIn]:
    """A page of the texts, in a browser of its own."""
    contexts: list[BrowserContext] = []

    def enter(officer: Officer, **options: object) -> Page:
        context = chromium.new_context(**{"viewport": DESKTOP, "locale": "en", **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.goto(desk.run(desk.link(officer)))
        page.locator("main button").click()
        page.wait_for_url("**/desk/**")
        page.goto(desk.url("/desk/texts"))
        return page

    yield enter
    for context in contexts:
        context.close()


def test_an_approver_changes_a_text_by_keyboard_alone_and_another_lets_it_out(desk, sign_in):
    author = sign_in(desk.run(desk.officer("Leo", Role.APPROVER)), java_script_enabled=False)
    approver = sign_in(desk.run(desk.officer("Ines", Role.APPROVER)), java_script_enabled=False)

    author.goto(desk.url(PAGE))
    editor = author.get_by_label("The whole file")
    editor.focus()
    written = editor.input_value().replace("## First answer\n", "## First answer\nRing the night desk first.\n")
    editor.fill(written)
    author.keyboard.press("Tab")
    author.keyboard.press("Enter")
    expect(author.get_by_text("The edit is checked and waits for an approver.")).to_be_visible(timeout=PATIENCE)
    expect(author.get_by_role("button", name="Approve: people get this from now on")).to_have_count(0)

    approver.goto(desk.url(PAGE))
    expect(approver.locator("ins")).to_contain_text("Ring the night desk first.")
    approver.get_by_role("button", name="Approve: people get this from now on").focus()
    approver.keyboard.press("Enter")
    expect(approver.get_by_text("The next question gets this text.")).to_be_visible(timeout=PATIENCE)

    text = desk.procedures.get("missing_child", "en", desk.clock.now().date())
    assert text is not None
    assert text.first_answer.startswith("Ring the night desk first.")


def test_the_two_channels_stand_side_by_side_and_one_below_the_other_on_a_phone(desk, sign_in):
    leo = desk.run(desk.officer("Leo", Role.AUTHOR))
    path = desk.url("/desk/texts/identify_uasc/ar?view=seen&in=MX")

    wide = sign_in(leo)
    wide.goto(path)
    telegram, chat = (wide.get_by_role("region", name=name).bounding_box() for name in ("Telegram", "Web chat"))
    assert telegram is not None
    assert chat is not None
    assert telegram["y"] == chat["y"]
    expect(wide.get_by_role("region", name="Telegram").locator("[lang=ar]").first).to_have_attribute("dir", "auto")

    phone = sign_in(leo, viewport=PHONE, color_scheme="dark")
    phone.goto(path)
    telegram, chat = (phone.get_by_role("region", name=name).bounding_box() for name in ("Telegram", "Web chat"))
    assert telegram is not None
    assert chat is not None
    assert chat["y"] > telegram["y"] + telegram["height"] - 1
