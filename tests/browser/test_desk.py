"""The desk in a real browser: live, by keyboard, without scripts, in both directions of writing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from bot.cases import service as cases
from bot.cases import store
from bot.conversations import service as conversations
from bot.conversations.model import Author
from bot.kernel.access import Role
from bot.kernel.officers import Officer, disable_officer
from dialogues.understanding.model import Priority
from tests.browser.desk_server import DeskServer
from tests.chromium import DESKTOP, PHONE, picture

SMALL_LAPTOP = {"width": 1280, "height": 720}

pytestmark = pytest.mark.browser

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

    def enter(officer: Officer, *, language: str = "en", scripts: bool = True, **options: object) -> Page:
        settings = {"viewport": DESKTOP, "locale": language, "java_script_enabled": scripts, **options}
        context = chromium.new_context(**settings)  # type: ignore[arg-type]
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
    assert [line for line in said if not re.search("ERR_INTERNET_DISCONNECTED|401|404|409", line)] == []


def answers_of(desk: DeskServer, person: str) -> list[str]:
    lines = desk.run(desk.database.read(lambda tx: conversations.transcript(tx, desk.vault, person)))
    return [line.text for line in lines if line.author is Author.OFFICER]


def test_danger_appears_in_the_open_queue_by_itself_and_rings(desk, sign_in):
    page = sign_in(desk.run(desk.officer("Amira")))
    expect(page.get_by_text("New cases appear here by themselves.")).to_be_visible()

    desk.run(desk.danger(desk.run(desk.person()), "he has a knife he is outside"))

    queue = page.get_by_role("main").get_by_role("link", name="In danger now")
    expect(queue).to_contain_text("he has a knife he is outside")
    expect(page.get_by_text("Open").first).to_be_visible()
    expect(page).to_have_title(re.compile(r"\(1\) Queue"))


def test_an_officer_and_a_person_talk_without_reloading(desk, sign_in):
    page = sign_in(desk.run(desk.officer("Amira")))
    person = desk.run(desk.person(language="ar"))
    desk.run(desk.writes(person, "الرجل يقول إنه عمي", language="ar"))
    desk.run(desk.danger(person, "الرجل يقول إنه عمي", language="ar"))
    page.get_by_role("button", name="Give me the next one").click()
    page.evaluate("window.stillTheSamePage = true")

    page.get_by_label("Your answer").fill("أنا هنا")
    page.get_by_label("Your answer").press("Control+Enter")
    expect(page.get_by_role("log")).to_contain_text("أنا هنا")
    expect(page.get_by_label("Your answer")).to_have_value("")
    desk.run(desk.writes(person, "راجع بعد شوي", language="ar"))

    line = page.get_by_role("log").get_by_text("راجع بعد شوي")
    expect(line).to_be_visible()
    expect(line).to_have_attribute("lang", "ar")
    expect(line).to_have_attribute("dir", "auto")
    assert page.evaluate("window.stillTheSamePage")
    assert answers_of(desk, person) == ["أنا هنا"]


def test_words_survive_a_lost_line_and_arrive_once(desk, sign_in):
    page = sign_in(desk.run(desk.officer("Amira")))
    person = desk.run(desk.person())
    desk.run(desk.danger(person, "help"))
    page.get_by_role("button", name="Give me the next one").click()
    field = page.get_by_label("Your answer")

    page.context.set_offline(True)
    field.fill("I am with you.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Not sent. Your words are still here: try again.")).to_be_visible()
    expect(field).to_have_value("I am with you.")
    page.context.set_offline(False)
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("log")).to_contain_text("I am with you.")
    assert answers_of(desk, person) == ["I am with you."]


def test_a_draft_survives_a_reload(desk, sign_in):
    page = sign_in(desk.run(desk.officer("Amira")))
    desk.run(desk.danger(desk.run(desk.person()), "help"))
    page.get_by_role("button", name="Give me the next one").click()
    page.get_by_label("Your answer").press_sequentially("half a sen")

    page.reload()

    expect(page.get_by_label("Your answer")).to_have_value("half a sen")


def test_no_keystroke_is_lost_to_a_reload_a_lost_line_an_ended_session_or_a_refusal(desk, sign_in):
    amira, omar = desk.run(desk.officer("Amira")), desk.run(desk.officer("Omar"))
    page, elsewhere = sign_in(amira), sign_in(amira)
    case_id = desk.run(desk.danger(desk.run(desk.person()), "help"))
    desk.run(desk.database.write(lambda tx: cases.claim_case(tx, desk.hand(amira), case_id)))
    file, talk = (desk.url(f"/desk/cases/{case_id}{part}") for part in ("/file", ""))
    where = page.locator("#safety").get_by_label("Where they are")
    note = page.get_by_label("A note for colleagues")
    drafts = "Object.keys(sessionStorage).filter((key) => key.startsWith('draft:')).length"

    # A field of the record, over a reload and over a line that is lost just when it is saved.
    page.goto(file)
    where.press_sequentially("Bari, behind the station")
    page.reload()
    expect(where).to_have_value("Bari, behind the station")
    page.context.set_offline(True)
    page.locator("#safety").get_by_role("button", name="Save").click()
    page.wait_for_url("chrome-error://**")
    page.context.set_offline(False)
    page.goto(file)
    expect(where).to_have_value("Bari, behind the station")
    page.locator("#safety").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert page.evaluate(drafts) == 0  # kept now, and by the server alone

    # A note, over a session that ended.
    page.goto(talk)
    note.press_sequentially("he is not her uncle")
    elsewhere.goto(desk.url("/desk/account"))
    elsewhere.get_by_role("button", name="End all others").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_role("button", name="Keep the note").click()
    page.goto(desk.run(desk.link(amira)))
    page.locator("main button").click()
    page.wait_for_url("**/desk/queue*")
    page.goto(talk)
    expect(note).to_have_value("he is not her uncle")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(note).to_have_value("")

    # What is written to a colleague who cannot take the case.
    page.locator("summary", has_text="Hand over…").click()
    offer = page.locator("form[action$='/offer']")
    offer.get_by_label("To").select_option(omar.id)
    offer.get_by_label("What they should know").fill("she waits at the gate")
    desk.run(desk.database.write(lambda tx: disable_officer(tx, omar.id, desk.clock.now())))
    offer.get_by_role("button", name="Offer the case").click()
    expect(page.get_by_text("That colleague cannot take a case now.")).to_be_focused()  # so it is seen, and heard
    expect(offer.get_by_label("What they should know")).to_have_value("she waits at the gate")
    expect(offer).to_be_visible()

    # Nobody finds any of it who sits down here next.
    assert page.evaluate(drafts) == 1
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/desk/sign-in*")
    assert page.evaluate(drafts) == 0


def test_of_two_officers_who_take_the_same_case_one_reads_that_it_is_gone(desk, sign_in):
    first, second = (sign_in(desk.run(desk.officer(name))) for name in ("Amira", "Omar"))
    case_id = desk.run(desk.danger(desk.run(desk.person()), "help"))
    for page in (first, second):
        page.goto(desk.url(f"/desk/cases/{case_id}"))

    first.set_viewport_size(PHONE)
    expect(first.get_by_role("button", name="Take this case")).to_be_in_viewport(ratio=1)  # one, under the thumb
    first.set_viewport_size(DESKTOP)
    first.get_by_role("button", name="Take this case").click()

    expect(first.get_by_label("Your answer")).to_be_visible()
    expect(second.get_by_text("This case is with a colleague now.")).to_be_visible()
    second.get_by_role("button", name="Take this case").click()
    expect(second.get_by_text("A colleague may have been quicker")).to_be_visible()


def test_from_the_queue_to_a_closed_case_with_the_keyboard_alone(desk, sign_in):
    page = sign_in(desk.run(desk.officer("Amira")))
    person = desk.run(desk.person())
    desk.run(desk.danger(person, "he is outside"))
    expect(page.get_by_role("main").get_by_text("he is outside")).to_be_visible()

    press_until(page, page.get_by_role("main").get_by_role("link", name="In danger now"))
    page.keyboard.press("Enter")
    press_until(page, page.get_by_role("button", name="Take this case"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your answer")).to_be_focused()
    page.keyboard.type("I am here.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("log")).to_contain_text("I am here.")
    page.evaluate("document.activeElement.blur()")
    press_until(page, page.locator("summary", has_text="Close…"))
    page.keyboard.press("Enter")
    press_until(page, page.get_by_label("The person got what they asked for"))
    page.keyboard.press("Space")
    press_until(page, page.get_by_role("button", name="Close the case"))
    page.keyboard.press("Enter")

    expect(page.get_by_text("The case is closed. The bot answers again.")).to_be_visible()
    assert answers_of(desk, person) == ["I am here."]


def press_until(page: Page, wanted) -> None:
    """Tab on until `wanted` has the focus, and see that the focus shows."""
    expect(wanted.first).to_be_attached()
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.first.evaluate("it => it === document.activeElement"):
            outline = wanted.first.evaluate("it => getComputedStyle(it).outlineStyle")
            assert outline != "none"
            return
    raise AssertionError("the keyboard does not get there")


def test_everything_works_without_scripts(desk, sign_in):
    page = sign_in(desk.run(desk.officer("Amira")), scripts=False)
    person = desk.run(desk.person())
    desk.run(desk.danger(person, "he is outside"))

    page.goto(desk.url("/desk/queue"))
    page.get_by_role("main").get_by_role("link", name="In danger now").click()
    page.get_by_role("button", name="Take this case").click()
    page.get_by_label("Your answer").fill("I am here.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("log")).to_contain_text("I am here.")
    page.locator("summary", has_text="Close…").click()
    page.get_by_label("The person stopped writing").check()
    page.get_by_role("button", name="Close the case").click()

    expect(page.get_by_text("Nobody is waiting.")).to_be_visible()
    assert answers_of(desk, person) == ["I am here."]


def test_new_danger_in_a_held_case_asks_for_its_officer_until_they_say_they_saw_it(desk, sign_in):
    page = sign_in(desk.run(desk.officer("Amira")))
    person = desk.run(desk.person())
    desk.run(desk.danger(person, "no bed", reason="homeless_tonight", priority=Priority.P1))
    page.get_by_role("button", name="Give me the next one").click()
    expect(page.get_by_label("Your answer")).to_be_visible()
    for number in range(1, 21):
        desk.run(desk.writes(person, f"Word {number}"))
    expect(page.get_by_text("Word 20", exact=True)).to_be_in_viewport()

    desk.run(desk.danger(person, "he is outside"))
    expect(page.get_by_text("needs you now")).to_be_visible()
    for _ in range(4):
        desk.run(desk.danger(desk.run(desk.person()), "help", reason="suicide_self_harm"))
    expect(page.locator(".band-ring")).to_have_count(5)
    desk.run(desk.writes(person, "he has a knife"))
    # Five bands over the talk, and what rings is read all the same, and can be answered.
    expect(page.get_by_role("log").get_by_text("he has a knife")).to_be_in_viewport(ratio=1)
    for viewport in (DESKTOP, SMALL_LAPTOP):
        page.set_viewport_size(viewport)
        expect(page.get_by_label("Your answer")).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1)
        assert not covers(page.get_by_role("button", name="Send", exact=True), page.get_by_label("Your answer"))
    page.set_viewport_size(PHONE)
    page.get_by_role("log").get_by_text("he has a knife").scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="I have seen it")).to_be_in_viewport(ratio=1)
    expect(page.locator(".band-ring a").first).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="I have seen it").click()
    expect(page.get_by_text("needs you now")).to_be_hidden()
    expect(page.locator(".band-ring a").first).to_be_in_viewport(ratio=1)  # whatever it rings for: the way is in sight

    page.get_by_text("Close…").click()
    expect(page.get_by_text("The person got what they asked for")).to_be_in_viewport(ratio=1)


def covers(one: Locator, other: Locator) -> bool:
    """Whether one element lies over another on the page."""
    a, b = one.bounding_box(), other.bounding_box()
    assert a is not None
    assert b is not None
    across = a["x"] < b["x"] + b["width"] and b["x"] < a["x"] + a["width"]
    return across and a["y"] < b["y"] + b["height"] and b["y"] < a["y"] + a["height"]


def test_a_desk_whose_session_ended_says_that_it_is_silent(desk, sign_in):
    amira = desk.run(desk.officer("Amira"))
    page, elsewhere = sign_in(amira), sign_in(amira)
    elsewhere.goto(desk.url("/desk/account"))

    elsewhere.get_by_role("button", name="End all others").click()

    expect(page.get_by_text("You are signed out. This desk is silent now.")).to_be_visible()


def test_when_nobody_watches_the_open_desk_turns_red(desk, sign_in):
    page = sign_in(desk.run(desk.officer("Amira")))
    banner = page.get_by_text("Nobody watches over the alarms.")
    expect(banner).to_be_hidden()

    desk.run(desk.database.write(lambda tx: tx.execute(store.watch.delete())))
    desk.wake("watch")

    expect(banner).to_be_visible()


@pytest.mark.parametrize(("language", "scheme", "viewport"), [("en", "light", DESKTOP), ("ar", "dark", PHONE)])
def test_an_approver_changes_a_text_in_the_browser_and_it_is_the_text_people_get(
    desk, sign_in, language, scheme, viewport
):
    person = desk.run(desk.officer("Ines", Role.OFFICER, Role.APPROVER, language=language))
    page = sign_in(person, language=language, color_scheme=scheme, viewport=viewport)
    page.goto(desk.url("/desk/texts/missing_child/en"))
    editor = page.locator("textarea")
    editor.fill(editor.input_value().replace("## First answer\n", "## First answer\nRing the night desk first.\n"))
    page.locator("form:has(textarea) button.button-main").click()
    expect(page.locator("ins")).to_contain_text("Ring the night desk first.")
    picture(page, f"text-{language}")

    expect(page.locator("#waiting button.button-main")).to_have_count(0)  # not by whoever wrote it

    other = desk.run(desk.officer("Yusuf", Role.OFFICER, Role.APPROVER, language=language))
    page = sign_in(other, language=language, color_scheme=scheme, viewport=viewport)
    page.goto(desk.url("/desk/texts/missing_child/en"))
    page.locator("#waiting button.button-main").click()

    expect(page.locator("#waiting")).to_have_count(0)
    expect(page.locator(".text-column").first).to_contain_text("Ring the night desk first.")
    text = desk.procedures.get("missing_child", "en", desk.clock.now().date())
    assert text.first_answer.startswith("Ring the night desk first.")
    page.goto(desk.url("/desk/texts?language=fr"))
    expect(page.locator("tr", has_text="missing_child/fr").first.locator(".chip-p1")).to_be_visible()
    picture(page, f"texts-{language}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
