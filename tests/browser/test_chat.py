"""The page of the web chat: light, forgetful, for every hand and in both directions of writing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from bot.kernel.words import Words
from tests.chromium import DESKTOP, PHONE
from tests.journeys.people import Comes, Person, people_at
from tests.peers.elsewhere import somewhere_else
from tests.program import Program

pytestmark = pytest.mark.browser

LIGHTEST_PHONE = {"width": 320, "height": 568}
SECRET = "the blue door behind the bakery"


@pytest.fixture(scope="module")
def exit_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with somewhere_else(tmp_path_factory.mktemp("elsewhere")) as url:
        yield url


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, exit_url: str) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("chat"), exit_url=exit_url) as running:
        yield running.ready()


@pytest.fixture
def person(program: Program, chromium: Browser) -> Iterator[Comes]:
    with people_at(chromium, program.url) as come:
        yield come


def writes_a_secret(person: Comes, **options: object) -> Person:
    girl = person(**options)
    girl.writes(SECRET)
    expect(girl.log.get_by_text(SECRET)).to_be_visible()
    expect(girl.log.locator("[data-seq]").nth(1)).to_be_visible()  # and was answered
    return girl


def assert_nothing_is_left(girl: Person) -> None:
    expect(girl.page.get_by_role("heading", name="Sunny")).to_be_visible()
    assert girl.context.cookies() == []
    girl.page.go_back()
    expect(girl.page.get_by_text(SECRET)).to_have_count(0)


def test_everything_the_page_needs_weighs_less_than_fifty_kilobytes_uncompressed(person):
    girl = person()
    weights: dict[str, int] = {}
    girl.page.on("response", lambda answer: weights.update({answer.url: len(answer.body())}))

    girl.page.reload(wait_until="networkidle")
    icon = girl.page.request.get(f"{girl.url}{girl.page.locator('link[rel=icon]').get_attribute('href')}")

    weights[icon.url] = len(icon.body())
    assert len(weights) == 4, weights  # the page, the style, the script, the icon: nothing from elsewhere
    assert sum(weights.values()) < 50_000, weights


def test_before_the_first_word_nothing_is_set_and_afterwards_one_cookie_that_scripts_cannot_read(person):
    girl = person()
    assert girl.context.cookies() == []

    girl.writes(SECRET)
    expect(girl.log.locator("[data-seq]").first).to_be_visible()

    (cookie,) = girl.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert cookie["expires"] == -1  # it goes with the window


def test_the_browser_keeps_no_word_of_it(person):
    girl = writes_a_secret(person)

    kept = girl.page.evaluate(
        """async () => [localStorage.length, sessionStorage.length, (await caches.keys()).length,
            (await indexedDB.databases()).length, (await navigator.serviceWorker?.getRegistrations() ?? []).length]"""
    )

    assert kept == [0, 0, 0, 0, 0]
    assert girl.page.request.get(f"{girl.url}/chat").headers["cache-control"] == "no-store"


def test_neither_the_tab_nor_the_address_says_what_the_page_is(person):
    girl = writes_a_secret(person)

    expect(girl.page).to_have_title("Weather")
    assert girl.page.url == f"{girl.url}/chat"


def test_leaving_by_the_button_leaves_nothing_behind(person):
    girl = writes_a_secret(person)

    girl.page.get_by_role("link", name="Leave quickly").click()

    assert_nothing_is_left(girl)


def test_leaving_while_a_message_is_on_its_way_leaves_nothing_behind(person):
    girl = person()
    girl.writes(SECRET)

    girl.page.get_by_role("link", name="Leave quickly").click()

    assert_nothing_is_left(girl)


def test_leaving_by_pressing_escape_three_times_leaves_nothing_behind(person):
    girl = writes_a_secret(person)

    for _ in range(3):
        girl.page.keyboard.press("Escape")

    assert_nothing_is_left(girl)


def test_after_the_word_for_danger_the_open_page_forgets_what_was_said_before(person):
    girl = person()
    girl.writes("my uncle hits me")
    expect(girl.log.locator(".bot").first).to_be_visible()
    girl.writes("my secret word is purple giraffe")
    girl.hears("Thank you. I will remember it.")
    girl.page.evaluate("window.neverReloaded = true")

    girl.writes("I saw a purple giraffe today")

    expect(girl.log).not_to_contain_text("uncle")
    expect(girl.log.locator(".bot")).to_have_count(1)  # and it speaks of services
    assert girl.page.evaluate("window.neverReloaded === true")
    for told in ("secret", "word", "remember"):
        assert told not in girl.log.inner_text().lower()


def test_leaving_works_without_scripts_too(person):
    girl = writes_a_secret(person, scripts=False)

    girl.page.get_by_role("link", name="Leave quickly").click()

    assert_nothing_is_left(girl)


def test_a_message_written_without_network_arrives_once_when_it_is_back(person):
    girl = writes_a_secret(person)

    girl.context.set_offline(True)
    girl.writes("I am at the station")
    expect(girl.log.get_by_text("I am at the station")).to_be_visible()
    girl.context.set_offline(False)

    expect(girl.log.locator("[data-seq]").get_by_text("I am at the station")).to_be_visible()
    girl.page.reload()
    expect(girl.log.get_by_text("I am at the station")).to_have_count(1)
    girl.console.clear()  # the browser itself said that it was offline


def test_a_button_that_is_pressed_says_its_words_and_is_answered(person):
    girl = person()

    girl.presses("I need a place to sleep")

    expect(girl.log.locator("[data-seq]").first).to_have_text("I need a place to sleep")
    expect(girl.log.locator("[data-seq]").nth(1)).to_be_visible()
    expect(girl.page.get_by_role("button", name="I am in danger now")).to_have_count(0)


def test_another_language_is_chosen_for_the_page_and_for_the_answers(person):
    girl = writes_a_secret(person)

    girl.page.get_by_text("English", exact=True).first.click()
    girl.page.get_by_role("button", name="العربية").click()
    expect(girl.page.locator("html")).to_have_attribute("dir", "rtl")
    girl.language = "ar"
    girl.writes("he has a knife, he is outside")

    girl.hears("رقم الطوارئ: 112")


def test_the_whole_chat_by_keyboard_alone(person):
    girl = person()
    expect(girl.field).to_be_focused()

    girl.page.keyboard.type("he has a knife, he is outside")
    girl.page.keyboard.press("Enter")
    girl.hears("Are you safe right now?")
    press_until_focused(girl, girl.page.get_by_role("button", name="No", exact=True))
    girl.page.keyboard.press("Enter")
    expect(girl.log.locator(".person[data-seq]").get_by_text("No", exact=True)).to_have_count(1)
    press_until_focused(girl, girl.page.get_by_role("link", name="Leave quickly"))
    girl.page.keyboard.press("Enter")

    expect(girl.page.get_by_role("heading", name="Sunny")).to_be_visible()


def press_until_focused(girl: Person, wanted) -> None:
    """Go back with the Tab key until `wanted` has the focus, and see that the focus shows."""
    expect(wanted.last).to_be_visible()
    for _ in range(30):
        if wanted.last.evaluate("it => it === document.activeElement"):
            assert wanted.last.evaluate("it => getComputedStyle(it).outlineStyle") != "none"
            return
        girl.page.keyboard.press("Shift+Tab")
    raise AssertionError("the keyboard does not get there")


def test_words_of_others_are_never_taken_for_the_page(person):
    girl = person()

    girl.writes('<img src=x onerror="document.title=\'taken\'"> /in_danger{"priority": "P0"} \u202etxt')

    expect(girl.log.locator("[data-seq]").first).to_contain_text("<img src=x")
    expect(girl.page).to_have_title("Weather")
    expect(girl.log.locator("img")).to_have_count(0)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE, LIGHTEST_PHONE], ids=["desktop", "phone", "small"])
@pytest.mark.parametrize("language", Words.load().languages)
def test_nothing_is_cut_off_or_too_small_to_press(person, language, viewport):
    somebody = person(language=language)
    somebody.page.set_viewport_size(viewport)

    somebody.page.get_by_role("button", name=somebody.word("I need a place to sleep")).click()
    expect(somebody.log.locator("[data-seq]").nth(1)).to_be_visible()

    wide = somebody.page.evaluate("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth")
    small = somebody.page.evaluate(
        """() => [...document.querySelectorAll("button, .button, summary, input:not([type=hidden])")]
            .filter((it) => it.offsetParent && it.getBoundingClientRect().height < 36).map((it) => it.outerHTML)"""
    )
    assert (wide, small) == (0, [])
