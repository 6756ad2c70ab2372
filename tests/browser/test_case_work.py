"""Hand-over, file and rota in a real browser: live, by keyboard, on a phone, in both directions of writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy.engine import Connection

from bot.cases import receipts, store
from bot.cases import service as cases
from bot.cases.model import Case
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.conversations.safe_contact import SafeContact
from bot.kernel.officers import Officer
from dialogues.understanding.model import Priority
from tests.browser.desk_server import DeskServer
from tests.chromium import picture

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1360, "height": 820}
SMALL_LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}

SignIn = Callable[..., Page]


@pytest.fixture
def desk() -> Iterator[DeskServer]:
    with DeskServer() as server:
        yield server


@pytest.fixture
def sign_in(desk: DeskServer, chromium: Browser) -> Iterator[SignIn]:
    """A page at the queue, in a browser of its own. Its console must stay empty: a broken policy would speak there."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def enter(officer: Officer, **options: object) -> Page:
        context = chromium.new_context(**{"viewport": DESKTOP, **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(desk.run(desk.link(officer)))
        page.locator("main button").click()
        page.wait_for_url("**/desk/queue*")
        return page

    yield enter
    for context in contexts:
        context.close()
    assert [line for line in said if "404" not in line and "409" not in line] == []


@pytest.fixture
def held(desk: DeskServer) -> tuple[Officer, str]:
    """Amira holds a case."""
    amira = desk.run(desk.officer("Amira"))
    case_id = desk.run(desk.danger(desk.run(desk.person()), "no bed tonight", priority=Priority.P2))
    desk.run(desk.database.write(lambda tx: cases.claim_case(tx, desk.hand(amira), case_id)))
    return amira, case_id


def case_of(desk: DeskServer, case_id: str) -> Case:
    found = desk.run(desk.database.read(lambda tx: store.get_case(tx, case_id)))
    assert found is not None
    return found.case


def owner_of(desk: DeskServer, case_id: str) -> str | None:
    return case_of(desk, case_id).owner_id


def test_an_offer_appears_on_the_colleagues_open_desk_and_is_accepted_by_keyboard(desk, sign_in, held):
    amira, case_id = held
    omar = desk.run(desk.officer("Omar"))
    hers, his = sign_in(amira), sign_in(omar)
    expect(his.get_by_text("New cases appear here by themselves.")).to_be_visible()

    hers.goto(desk.url(f"/desk/cases/{case_id}"))
    hers.get_by_text("Hand over…").focus()
    hers.keyboard.press("Enter")
    hers.get_by_role("combobox", name="To").select_option(omar.id)
    hers.get_by_label("What they should know").fill("She only writes at night.")
    hers.get_by_role("button", name="Offer the case").press("Enter")
    expect(hers.get_by_text("Your colleague is asked.")).to_be_visible()

    expect(his.get_by_text("A colleague offers you a case.")).to_be_visible()
    his.get_by_role("link", name="Open").first.press("Enter")
    expect(his.get_by_text("She only writes at night.")).to_be_visible()
    his.get_by_role("button", name="Accept the case").press("Enter")

    expect(his.get_by_label("Your answer")).to_be_visible()
    assert owner_of(desk, case_id) == omar.id
    expect(hers.get_by_text("This case is with a colleague now.")).to_be_visible()


def test_two_tabs_with_the_same_record_lose_no_word(desk, sign_in, held):
    amira, case_id = held
    page = sign_in(amira)
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(desk.url(f"/desk/cases/{case_id}/file"))
    where = page.locator("#safety").get_by_label("Where they are")
    where.fill("Bari, behind the station")
    page.locator("#safety").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()

    other.locator("#safety").get_by_label("Where they are").fill("Rome")
    other.reload()  # it has the newer version now: what was typed still changes the older one
    other.locator("#safety").get_by_role("button", name="Save").click()

    expect(other.get_by_text("Both are shown")).to_be_visible()
    expect(other.locator("#safety").get_by_label("Where they are")).to_have_value("Rome")
    expect(other.locator("#safety")).to_contain_text("Bari, behind the station")


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
def test_an_officer_decides_whether_it_is_the_same_person(
    desk: DeskServer, sign_in: SignIn, held: tuple[Officer, str], language: str, scheme: str
):
    """On a wide screen and a narrow one; afterwards the first case goes on, with the earlier talk in it."""
    amira, case_id = held
    newcomer = desk.run(desk.person())
    new_id = desk.run(desk.danger(newcomer, "it is me again", priority=Priority.P2))

    def come_back(tx: Connection) -> None:
        known = store.get_case(tx, case_id)
        assert known is not None
        receipts.note_return(tx, desk.vault, known.case, new_id, newcomer, at=desk.clock.now())

    desk.run(desk.database.write(come_back))
    page = sign_in(amira, color_scheme=scheme, viewport=PHONE if language == "ar" else DESKTOP)
    page.goto(desk.url(f"/desk/cases/{new_id}?lang={language}"))
    agree = page.locator("button[value=agree]")
    expect(agree).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(page, f"came-back-{language}")
    agree.click()

    page.wait_for_url(f"**/desk/cases/{case_id}*")
    expect(page.locator("main > details.card")).to_have_count(1)


def test_words_for_a_watched_phone_are_sent_only_when_the_officer_says_so(
    desk: DeskServer, sign_in: SignIn, held: tuple[Officer, str]
):
    amira, case_id = held

    def watched(tx: Connection) -> str:
        found = store.get_case(tx, case_id)
        assert found is not None
        conversation_store.begin_watch(tx, found.case.conversation_id, shown_from=1, at=desk.clock.now())
        return found.case.conversation_id

    conversation_id = desk.run(desk.database.write(watched))
    page = sign_in(amira)
    page.goto(desk.url(f"/desk/cases/{case_id}"))
    expect(page.get_by_text("Somebody else may hold the phone.")).to_be_visible()
    picture(page, "watched")

    heights = {each: page.locator(each).bounding_box()["height"] for each in (".talk", ".log")}  # type: ignore[index]
    assert heights[".log"] + 1 >= 0.4 * heights[".talk"], heights  # the talk stays in sight, whatever is said around it
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1)

    for person in (desk.run(desk.person()), conversation_id):
        desk.run(desk.danger(person, "help"))
    expect(page.get_by_role("button", name="I have seen it")).to_be_visible()
    page.set_viewport_size(SMALL_LAPTOP)
    field = page.locator("form[data-answer] textarea")
    field.click(timeout=5000)  # with alarms and warnings above it nothing lies over it
    expect(field).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 320, "height": 640})  # a page at four times its size
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    field.fill("Hello")
    page.locator("form[data-answer]").get_by_label("Whoever holds the phone may read this").check()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("log").get_by_text("Hello")).to_be_visible()
    page.get_by_role("button", name="They have it to themselves again").click()

    expect(page.get_by_text("Somebody else may hold the phone.")).to_be_hidden()
    assert not desk.run(desk.database.read(lambda tx: conversations.is_watched(tx, conversation_id)))


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
def test_an_answer_waits_for_the_time_that_the_person_called_safe(
    desk: DeskServer, sign_in: SignIn, held: tuple[Officer, str], language: str, scheme: str
):
    """It appears on the open page when the person says it, and the page asks before anything is sent."""
    amira, case_id = held
    page = sign_in(amira, color_scheme=scheme, viewport=PHONE if language == "ar" else DESKTOP)
    page.goto(desk.url(f"/desk/cases/{case_id}?lang={language}"))
    field = page.locator("form[data-answer] textarea")
    field.fill("half a sentence")
    conversation_id = case_of(desk, case_id).conversation_id
    minute = desk.clock.now().hour * 60
    said = SafeContact((minute + 180) % 1440, (minute + 300) % 1440, "+0", "هاتف أختي فقط")
    desk.run(desk.database.write(lambda tx: conversations.keep_safe_contact(tx, desk.vault, conversation_id, said)))
    desk.wake(f"case:{case_id}")

    when = page.locator("select[name=when][form=answer]")
    expect(when).to_have_value("safe")
    expect(field).to_have_value("half a sentence")
    picture(page, f"safe-choice-{language}")
    field.press("Control+Enter")

    expect(page.locator("form[action$='/waiting'] button")).to_be_visible()
    expect(field).to_have_value("")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(page, f"safe-waits-{language}")
    page.locator("form[action$='/waiting'] button").click()
    expect(field).to_have_value("half a sentence")

    when.select_option("danger")
    field.press("Control+Enter")
    expect(page.get_by_role("log")).to_contain_text("half a sentence")
