"""The four journeys over Telegram, fetched and delivered: real processes, and a Telegram of our own."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.people import Officer
from tests.journeys.telegram import Chat, Telegram, running, titles
from tests.peers.telegram import TOKEN
from tests.program import Program

pytestmark = pytest.mark.browser

NEW_CHATS = count(9001)


@pytest.fixture(scope="module")
def telegram(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telegram]:
    with running(tmp_path_factory.mktemp("peer") / "ledger.db") as peer:
        yield peer


@pytest.fixture(scope="module")
def tried_out(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """An installation that somebody tried out before they connected a bot: it has the demonstration."""
    program = Program(tmp_path_factory.mktemp("telegram"))
    with program:
        return program


@pytest.fixture(scope="module", params=["polling", "webhook"])
def program(request: pytest.FixtureRequest, tried_out: Program, telegram: Telegram) -> Iterator[Program]:
    tried_out.settings.update(
        WAYMARK_TELEGRAM_TOKEN=TOKEN, WAYMARK_TELEGRAM_API_URL=telegram.url, WAYMARK_TELEGRAM_MODE=request.param
    )
    with tried_out as program:
        yield program.ready()


@pytest.fixture(scope="module")
def officer(program: Program, chromium: Browser) -> Iterator[Officer]:
    signed_in = Officer(chromium, program.sign_in_link("the officer"))
    yield signed_in
    signed_in.context.close()
    assert signed_in.console == []


@pytest.fixture
def person(program: Program, telegram: Telegram) -> Chat:
    return Chat(telegram, next(NEW_CHATS))


def test_a_question_is_answered_with_steps_and_their_source(person):
    person.says("how do I check a man who says he is the child's uncle")

    person.hears("Source: Convention on the Rights of the Child", "1. Talk to adult and child apart")


def test_a_place_to_sleep_is_a_checked_service_with_a_number_and_a_way(person):
    person.says("a place to sleep in Ventimiglia")

    shelter = person.hears("Lantern night shelter")
    assert "Checked 3 days ago." in shelter["text"]
    assert "+33 1 99 00 10 01" in shelter["text"]
    assert "Show the way" in titles(shelter)


def test_a_shared_location_is_a_place_too(person):
    person.says("I need a place to sleep")
    person.hears("?")

    person.says(location={"latitude": 43.79, "longitude": 7.60})

    person.hears("Lantern night shelter")


def test_every_message_of_a_demonstration_says_so(person):
    person.says("a place to sleep in Ventimiglia")
    person.hears("Call first, if you can")

    assert all("Demonstration: not a real service." in text for text in person.heard)


def test_in_danger_the_number_comes_at_once_and_a_person_answers_until_the_case_is_closed(person, officer):
    officer.opens_the_queue()
    words = f"he has a knife, he is outside house {person.chat_id}"

    person.says(words)
    asked = person.hears("Call 112 now")
    assert "Yes, I am safe" in titles(asked)
    expect(officer.case_with(words)).to_be_visible()
    assert officer.never_reloaded
    person.presses("No")

    officer.takes(words)
    officer.answers("I am Amira. I am here with you.")
    person.hears("I am Amira. I am here with you.")
    said = person.says("he went away I am in the kichen")
    expect(officer.talk.get_by_text("he went away I am in the kichen")).to_be_visible()
    person.says("he went away I am in the kitchen", edit=said)
    expect(officer.talk.get_by_text("corrects an earlier message")).to_be_visible()
    assert officer.never_reloaded

    officer.closes()
    person.hears("This talk is closed now.")
    person.says("a place to sleep in Ventimiglia")
    person.hears("Lantern night shelter")


def test_the_same_in_arabic(program, telegram, officer):
    girl = Chat(telegram, next(NEW_CHATS), language="ar")
    officer.opens_the_queue()

    girl.says("كيف أتحقق من رجل يقول إنه عم الطفل")
    girl.hears("التحقق من البالغ الذي يقول إنه يرعى الطفل")
    girl.says("مكان للنوم في فينتيميليا")
    girl.hears("مأوى الفانوس الليلي")
    words = f"معه سكين وهو في الخارج {girl.chat_id}"
    girl.says(words)
    girl.hears("112")
    officer.takes(words)
    officer.answers("أنا أميرة. أنا معك.")
    girl.hears("أنا أميرة. أنا معك.")
    girl.says("ذهب الرجل")
    expect(officer.talk.get_by_text("ذهب الرجل")).to_be_visible()
    officer.closes()


def test_a_button_that_is_pressed_is_acknowledged_and_answered(person):
    person.says("a place to sleep in Ventimiglia")
    person.hears("Call first, if you can")

    person.presses("Another town")

    person.hears("?")


def test_a_message_put_right_is_read_again(person):
    said = person.says("a place to sleep in Ventimilia please")
    person.hears("Lantern night shelter")

    person.says("a place to sleep in Calais please", edit=said)

    person.hears("Calais")


def test_a_group_is_told_kindly_once_and_left(program, telegram):
    group = Chat(telegram, -next(NEW_CHATS))

    group.says("where can we sleep tonight in Ventimiglia")

    group.hears("I do not answer in groups, to keep people safe. Please write to me alone.")
    assert len(group.heard) == 1


def test_an_officer_is_paged_on_their_own_phone_without_a_word_about_the_person(program, telegram, officer, person):
    phone = Chat(telegram, next(NEW_CHATS))
    officer.page.goto(f"{officer.url}/desk/account")
    if (disconnect := officer.page.get_by_role("button", name="Disconnect")).is_visible():
        disconnect.click()
    officer.page.get_by_role("button", name="Connect Telegram").click()
    link = officer.page.get_by_role("link", name="t.me/waymark_test_bot?start=")
    code = (link.get_attribute("href") or "").partition("start=")[2]

    phone.says(f"/start {code}")
    phone.hears("This chat will now bring you alarms.")
    words = f"he has a knife, he is outside the bakery {person.chat_id}"
    person.says(words, name="Zeynep")

    page = phone.hears("A P0 case waits:")["text"]
    assert f"{program.url}/desk/queue" in page
    for personal in ("knife", "bakery", "Zeynep", str(person.chat_id)):
        assert personal not in page

    phone.presses("I take it")
    phone.hears("Answer on the desk:")
    person.hears("A person is reading your words now.")


def test_whoever_does_not_know_the_secret_of_the_webhook_is_turned_away(program):
    forged = urllib.request.Request(f"{program.url}/telegram/webhook", b'{"update_id": 1}')

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(forged, timeout=10)

    assert refused.value.code in {403, 404}  # 404 where updates are fetched: there is no webhook
