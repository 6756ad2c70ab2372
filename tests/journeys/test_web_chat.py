"""The four journeys in the web chat and on the desk: real processes, a real browser, nothing pretended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.cut_line import Line, talk_over
from tests.journeys.people import Comes, Officer, people_at
from tests.program import Program

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("web"), rate_burst="1000", rate_per_minute="1000") as running:
        yield running.ready()


@pytest.fixture
def person(program: Program, chromium: Browser) -> Iterator[Comes]:
    with people_at(chromium, program.url) as come:
        yield come


@pytest.fixture(scope="module")
def officer(program: Program, chromium: Browser) -> Iterator[Officer]:
    signed_in = Officer(chromium, program.sign_in_link("the officer"))
    yield signed_in
    signed_in.context.close()
    assert signed_in.console == []


def test_a_question_is_answered_with_steps_and_their_source(person):
    guard = person()

    guard.writes("how do I check a man who says he is the child's uncle")

    guard.hears("Talk to the adult and to the child apart")
    steps = guard.log.locator("ol > li")
    expect(steps.first).to_contain_text("Talk to adult and child apart")
    assert steps.count() > 5
    guard.hears("Source: Convention on the Rights of the Child")


def test_a_place_to_sleep_is_a_service_that_somebody_has_checked_and_that_can_be_called(person):
    boy = person()

    boy.writes("a place to sleep in Ventimiglia")

    expect(boy.log.get_by_role("heading", name="Lantern night shelter")).to_be_visible()
    boy.hears("Checked 3 days ago.", "Open today 18:00–08:30.")
    call = boy.log.get_by_role("link", name="Call").first
    expect(call).to_have_attribute("href", "tel:+33199001001")
    expect(boy.log.get_by_role("button", name="Show the way").first).to_be_visible()


def test_in_danger_the_number_comes_at_once_and_a_person_answers_until_the_case_is_closed(person, officer):
    girl = person()
    officer.opens_the_queue()

    girl.writes("he has a knife, he is outside")
    girl.hears("Call 112 now", "Are you safe right now?")
    expect(officer.case_with("he has a knife, he is outside")).to_be_visible()
    assert officer.never_reloaded

    officer.takes("he has a knife, he is outside")
    expect(officer.talk).to_contain_text("Call 112 now")
    officer.answers("I am Amira. I am here with you.")
    expect(girl.log.get_by_text("I am Amira. I am here with you.")).to_be_visible()
    girl.hears("A person writes")

    girl.writes("he went away I am in the kitchen")
    expect(officer.talk.get_by_text("he went away I am in the kitchen")).to_be_visible()
    assert officer.never_reloaded
    expect(girl.log).not_to_contain_text("I did not understand")

    officer.closes()
    girl.writes("a place to sleep in Ventimiglia")
    expect(girl.log.get_by_role("heading", name="Lantern night shelter")).to_be_visible()


def test_each_sees_that_the_other_writes_and_what_was_seen_until_the_person_hides_it(person, officer):
    girl = person()
    girl.writes("I want to talk to a person")
    girl.hears("person")
    says = girl.page.get_by_text("A person is writing…")
    officer.opens_the_queue()
    officer.takes("I want to talk to a person")
    hears, seen = officer.page.get_by_text("The person is writing…"), officer.talk.get_by_text("seen", exact=True)

    officer.page.get_by_label("Your answer").press_sequentially("I am Am")
    expect(says).to_be_visible()
    officer.answers("I am Amira.")
    expect(says).to_be_hidden()
    girl.log.get_by_text("I am Amira.").scroll_into_view_if_needed()  # what lies below the screen was not seen
    expect(seen).to_have_count(1)
    girl.field.press_sequentially("th")
    expect(hears).to_be_visible()

    girl.page.locator("summary", has_text="What the person who helps you sees").click()
    girl.page.get_by_role("button", name="Do not show it").click()
    expect(officer.page.get_by_text("The person does not show when they write")).to_be_visible()
    expect(seen).to_have_count(0)
    expect(hears).to_be_hidden()
    girl.field.press_sequentially("thank you")
    girl.writes("thank you")
    expect(officer.talk.get_by_text("thank you")).to_be_visible()
    expect(hears).to_be_hidden()
    officer.closes()
    expect(girl.page.locator("#marks")).to_be_hidden()


def test_the_same_in_arabic_from_right_to_left(person, officer):
    girl = person(language="ar")
    expect(girl.page.locator("html")).to_have_attribute("dir", "rtl")

    girl.writes("كيف أتحقق من رجل يقول إنه عم الطفل")
    expect(girl.log.get_by_role("heading", name="التحقق من البالغ الذي يقول إنه يرعى الطفل")).to_be_visible()
    expect(girl.log.get_by_role("heading", name="الخطوات")).to_be_visible()
    girl.writes("مكان للنوم في فينتيميليا")
    expect(girl.log.get_by_role("heading", name="مأوى الفانوس الليلي")).to_be_visible()
    expect(girl.log.locator("bdi[dir=ltr]").filter(has_text="+33 1 99 00 10 01")).to_be_visible()

    officer.opens_the_queue()
    girl.writes("معه سكين وهو في الخارج")
    girl.hears("رقم الطوارئ: 112", "هل أنت بأمان الآن؟")
    officer.takes("معه سكين وهو في الخارج")
    officer.answers("أنا أميرة. أنا معك.")
    expect(girl.log.get_by_text("أنا أميرة. أنا معك.")).to_be_visible()
    girl.writes("ذهب الرجل")
    expect(officer.talk.get_by_text("ذهب الرجل")).to_be_visible()
    officer.closes()
    girl.writes("مكان للنوم في فينتيميليا")
    expect(girl.log.get_by_role("heading", name="مأوى الفانوس الليلي")).to_have_count(2)


@pytest.mark.parametrize(
    ("language", "question", "heading", "place", "shelter", "danger", "number"),
    [
        (
            "fr",
            "comment vérifier un homme qui dit être l'oncle de l'enfant",
            "Vérifier l'adulte qui dit s'occuper de l'enfant",
            "un endroit pour dormir à Vintimille",
            "Abri de nuit La Lanterne",
            "il a un couteau, il est dehors",
            "Appelle le 112 maintenant",
        ),
        (
            "es",
            "cómo compruebo a un hombre que dice que es el tío del niño",
            "Comprobar al adulto que dice cuidar a la niña o al niño",
            "un lugar para dormir en Ventimiglia",
            "Albergue nocturno El Farol",
            "tiene un cuchillo, está afuera",
            "Llama al 112 ahora",
        ),
    ],
    ids=["fr", "es"],
)
def test_the_first_answers_in(person, language, question, heading, place, shelter, danger, number):
    somebody = person(language=language)

    somebody.writes(question)
    expect(somebody.log.get_by_role("heading", name=heading)).to_be_visible()
    somebody.writes(place)
    expect(somebody.log.get_by_role("heading", name=shelter)).to_be_visible()
    somebody.writes(danger)
    somebody.hears(number)


def test_the_same_without_scripts_by_plain_forms(person, officer):
    girl = person(scripts=False)

    girl.writes("un endroit pour dormir à Vintimille")  # on an English page: what they are told is theirs to the end
    girl.hears("Démonstration : ce n’est pas un vrai service.")
    girl.writes("how do I check a man who says he is the child's uncle")
    girl.hears("Talk to adult and child apart", "Source: Convention on the Rights of the Child")
    girl.writes("a place to sleep in Ventimiglia")
    girl.hears("Lantern night shelter")
    officer.opens_the_queue()
    girl.writes("he has a knife, he is by the old mill")
    girl.hears("Call 112 now")
    girl.presses("No")
    officer.takes("he has a knife, he is by the old mill")
    officer.answers("I am on my way to you with words.")

    assert "http-equiv" not in girl.page.content()  # a page that reloads by itself wipes what is being written
    girl.hears("A person writes", "I am on my way to you with words.")
    girl.writes("thank you")
    expect(officer.talk.get_by_text("thank you")).to_be_visible()
    officer.closes()
    girl.writes("a place to sleep in Ventimiglia")
    expect(girl.log.get_by_role("heading", name="Lantern night shelter")).to_have_count(2)


def test_over_a_line_that_is_cut_again_and_again_both_sides_have_the_same_words(program, chromium, officer):
    """In short: `python -m tests.journeys.cut_line` cuts it two hundred times."""
    with Line(program.port) as line, people_at(chromium, line.url) as come:
        girl = come()
        girl.writes("there is a knife, he shouts at my brother")
        officer.page.goto(f"{line.url}/desk/queue")
        officer.takes("there is a knife, he shouts at my brother")

        report = talk_over(line, girl, officer, cuts=15)

        assert report.wrong == []
        assert report.connections_ended > 15
        officer.closes()
        officer.page.goto(f"{program.url}/desk/queue")
        girl.console.clear()  # the browsers themselves said that they were cut off
        officer.console.clear()
