"""The four journeys in the web chat and on the desk: real processes, a real browser, nothing pretended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.people import EXIT_URL, Officer, Person
from tests.program import Program

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("web")
    with Program(folder, exit_url=EXIT_URL) as running:
        yield running.ready()


@pytest.fixture
def person(program: Program, chromium: Browser) -> Iterator[Callable[..., Person]]:
    """Opens the chat as somebody new. When the test is over nothing may have been wrong on their page."""
    people: list[Person] = []

    def come(**options: object) -> Person:
        people.append(Person(chromium, program.url, **options))  # type: ignore[arg-type]
        return people[-1]

    yield come
    for each in people:
        each.context.close()
    assert [line for each in people for line in each.console] == []


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
    steps = guard.log.get_by_role("listitem")
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
    way = boy.log.get_by_role("link", name="Show the way").first
    expect(way).to_have_attribute("href", re.compile("^(geo|https):"))


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
