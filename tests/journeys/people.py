"""Who takes part in a journey: somebody who writes, and an officer at the desk. Found by what they see."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from re import Pattern
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from bot.kernel.words import Words
from tests.chromium import DESKTOP, PHONE, console_of

WORDS = Words.load()


class Person:
    """Somebody with the web chat open on their phone, in their language."""

    def __init__(self, browser: Browser, url: str, *, language: str = "en", scripts: bool = True) -> None:
        self.language = language
        self.scripts = scripts
        self.url = url
        self.context = browser.new_context(
            viewport=PHONE,  # type: ignore[arg-type]
            locale=language,
            java_script_enabled=scripts,
            ignore_https_errors=True,  # where "Leave quickly" leads has a certificate of its own
        )
        self.page: Page = self.context.new_page()
        self.console = console_of(self.page)
        self.page.goto(f"{url}/chat")

    def word(self, sentence: str) -> str:
        """One of the page's own sentences, in this person's language."""
        return WORDS.text(self.language, sentence)

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")

    @property
    def field(self) -> Locator:
        return self.page.get_by_label(self.word("Write here"))

    def writes(self, words: str) -> None:
        self.field.fill(words)
        self.page.get_by_role("button", name=self.word("Send"), exact=True).click()

    def presses(self, button: str) -> None:
        """The newest button with these words on it."""
        self.page.get_by_role("button", name=button).last.click()

    def hears(self, *words: str | Pattern[str]) -> None:
        for each in words:
            self._looks_for(each)
            expect(self.log).to_contain_text(each)

    def _looks_for(self, words: str | Pattern[str]) -> None:
        """Without scripts nothing comes by itself: whoever waits asks for it, and the server answers when it can."""
        for _ in range(0 if self.scripts else 30):
            if self.log.filter(has_text=words).count():
                return
            self.page.get_by_role("link", name=self.word("Look for new answers")).click()


Comes = Callable[..., Person]


@contextlib.contextmanager
def people_at(browser: Browser, url: str) -> Iterator[Comes]:
    """Opens the chat as somebody new, as often as asked. In the end nothing may have been wrong on their pages."""
    people: list[Person] = []

    def come(**options: Any) -> Person:
        people.append(Person(browser, url, **options))
        return people[-1]

    yield come
    for each in people:
        each.context.close()
    assert [line for each in people for line in each.console] == []


class Officer:
    """An officer who has signed in by the printed link, with the queue open."""

    def __init__(self, browser: Browser, link: str) -> None:
        self.context = browser.new_context(viewport=DESKTOP, locale="en")  # type: ignore[arg-type]
        self.page = self.context.new_page()
        self.console = console_of(self.page)
        self.page.goto(link)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/desk/queue*")
        self.url = self.page.url.partition("/desk")[0]

    def opens_the_queue(self) -> None:
        """And marks the page, so that it shows whether it was loaded again."""
        self.page.goto(f"{self.url}/desk/queue")
        expect(self.page.get_by_text("New cases appear here by themselves.").or_(self.waiting.first)).to_be_visible()
        self.page.evaluate("window.neverReloaded = true")

    @property
    def never_reloaded(self) -> bool:
        return bool(self.page.evaluate("window.neverReloaded === true"))

    @property
    def waiting(self) -> Locator:
        return self.page.get_by_role("main").get_by_role("link").filter(has=self.page.get_by_text(re.compile("P[0-3]")))

    def case_with(self, words: str) -> Locator:
        return self.page.get_by_role("main").get_by_role("link").filter(has_text=words)

    def takes(self, words: str) -> None:
        """Open the case in which these words were written, and take it."""
        self.case_with(words).click()
        self.page.get_by_role("button", name="Take this case").click()
        expect(self.page.get_by_label("Your answer")).to_be_visible()
        self.page.evaluate("window.neverReloaded = true")

    @property
    def talk(self) -> Locator:
        return self.page.get_by_role("log")

    def answers(self, words: str) -> None:
        self.page.get_by_label("Your answer").fill(words)
        self.page.get_by_role("button", name="Send", exact=True).click()
        expect(self.talk).to_contain_text(words)

    def closes(self) -> None:
        self.page.locator("summary", has_text="Close…").click()
        self.page.get_by_label("The person got what they asked for").check()
        self.page.get_by_role("button", name="Close the case").click()
        expect(self.page.get_by_text("The case is closed. The bot answers again.")).to_be_visible()
