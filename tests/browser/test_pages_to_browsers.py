"""A browser pages its officer while the desk is closed: connected by a click, under our own strict content policy.

What a push service gives out needs the network of the browser's maker, so a service of our own stands in for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.kernel.access import Role
from bot.kernel.officers import Officer
from tests.browser.test_accessibility import at_desk_of
from tests.browser.whole_server import WholeServer
from tests.chromium import DESKTOP, console_of

pytestmark = pytest.mark.browser

NUMBERS = count(1)
#: A browser that gets what `said` holds from its push service.
SUBSCRIBES = (
    "PushManager.prototype.subscribe = async () => ({{ toJSON: () => ({said}), unsubscribe: async () => true }})"
)
SHOWN = """async () => {
  const worker = await navigator.serviceWorker.getRegistration("/desk/worker/");
  return (await worker.getNotifications()).map(({ title, body }) => ({ title, body }));
}"""

WORKS = """async () => {
  const worker = await navigator.serviceWorker.getRegistration("/desk/worker/");
  return Boolean(worker?.active);
}"""


@pytest.fixture(scope="module")
def server() -> Iterator[WholeServer]:
    with WholeServer() as running:
        yield running


@pytest.fixture
def officer(server: WholeServer) -> Officer:
    return server.run(server.officer(f"Inès {next(NUMBERS)}", Role.OFFICER))


@pytest.fixture
def page(server: WholeServer, officer: Officer, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESKTOP, permissions=["notifications"])
    yield at_desk_of(server, officer, context).new_page()
    context.close()


def until(page: Page, holds: Callable[[], bool]) -> None:
    """For questions that a browser answers by a promise: `wait_for_function` takes the promise itself for a yes."""
    for _ in range(400):
        if holds():
            return
        page.wait_for_timeout(50)


def connect(server: WholeServer, page: Page) -> None:
    page.goto(server.url("/desk/account/pages"))
    key = page.locator("[data-connect]").get_attribute("data-key")
    assert key is not None
    page.evaluate(SUBSCRIBES.format(said=server.push.subscribe(key).to_text()))
    page.get_by_role("button", name="Page me in this browser").click()
    expect(page.locator("#browser li")).to_contain_text("This browser")


def test_a_click_connects_this_browser_and_what_arrives_is_shown(server: WholeServer, page: Page):
    said = console_of(page)
    connect(server, page)
    client = page.context.new_cdp_session(page)
    found: list[str] = []
    client.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(each["registrationId"] for each in event["registrations"]),
    )
    client.send("ServiceWorker.enable")
    until(page, lambda: page.evaluate(WORKS))
    server.run(server.danger(server.run(server.person()), "he has a knife"))
    server.wake("pages")
    until(page, lambda: bool(server.push.ledger and found))

    [shown] = server.push.ledger
    message = {"origin": server.url(""), "registrationId": found[0], "data": json.dumps(shown.said)}
    client.send("ServiceWorker.deliverPushMessage", message)

    until(page, lambda: bool(page.evaluate(SHOWN)))
    assert page.evaluate(SHOWN) == [{"title": "A P0 case waits", "body": "Open the desk."}]
    assert said == []


def test_the_worker_keeps_no_page_of_the_desk(server: WholeServer, page: Page):
    connect(server, page)
    page.goto(server.url("/desk/queue"))

    assert page.evaluate("caches.keys()") == []
    assert page.evaluate("navigator.serviceWorker.controller") is None


def test_signing_out_takes_the_worker_away(server: WholeServer, page: Page):
    connect(server, page)

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/desk/sign-in*")

    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


def test_a_browser_that_was_told_no_says_how_to_change_it(server: WholeServer, officer: Officer, chromium: Browser):
    context = chromium.new_context(viewport=DESKTOP)
    page = at_desk_of(server, officer, context).new_page()
    page.goto(server.url("/desk/account/pages"))
    page.evaluate("Notification.requestPermission = async () => 'denied'")

    page.get_by_role("button", name="Page me in this browser").click()

    expect(page.get_by_text("The browser was told not to show messages")).to_be_visible()
    context.close()
