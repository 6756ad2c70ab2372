"""Which words ask for a way out of danger, and when they are taken for it."""

from __future__ import annotations

import pytest

from dialogues.context.hiding import as_hiding, asks_where_to_hide
from dialogues.runtime.model import DialogueState, Entity, UserMessage

KNIFE = {"safety_question": True, "danger_reason": "immediate_danger"}


def heard(text: str, intent: str = "out_of_scope", *, need: str | None = None, **slots: object) -> str:
    entities = (Entity("need", need),) if need else ()
    return as_hiding(UserMessage(text, intent, entities=entities), DialogueState(slots=slots or KNIFE)).intent


@pytest.mark.parametrize(
    "words",
    [
        *("where can I hide", "Where do we hide??", "I need to hide", "where to hide from him"),
        *("Où je peux me cacher ?", "où nous cacher", "¿dónde me escondo?", "¿Dónde puedo esconderme?"),
        *("أين أختبئ؟", "وين بقدر اختبي", "فين استخبى"),
    ],
)
def test_who_asks_where_to_hide_is_heard(words: str):
    assert asks_where_to_hide(words)
    assert heard(words) == "where_to_hide"


@pytest.mark.parametrize("words", ["he hid my passport", "I am hiding", "je me suis caché", "se esconde", "أنا مختبئ"])
def test_who_hides_or_tells_of_somebody_who_does_asks_nothing(words: str):
    assert not asks_where_to_hide(words)
    assert heard(words) == "out_of_scope"


@pytest.mark.parametrize("words", ["where should I go", "où aller ?", "¿adónde voy?", "إلى أين أذهب؟", "وين اروح"])
def test_where_to_go_is_a_way_out_only_of_danger_that_is_at_the_door(words: str):
    assert heard(words) == "where_to_hide"
    assert heard(words, safety_question=True, danger_reason="detention") == "out_of_scope"
    assert heard(words, safety_question=None, danger_reason="immediate_danger") == "out_of_scope"


def test_a_search_for_shelter_waits_for_no_town_and_other_needs_stay_what_they_are():
    assert heard("a safe place please", "search_service", need="shelter") == "where_to_hide"
    named = (Entity("need", "shelter"), Entity("place", "Ventimiglia"))
    slept = UserMessage("a bed in Ventimiglia", "search_service", entities=named)
    assert as_hiding(slept, DialogueState(slots=KNIFE)) is slept
    assert heard("I am hungry", "search_service", need="food") == "search_service"
    assert heard('/search_service{"need":"shelter"}', "search_service", need="shelter") == "search_service"


def test_danger_a_wish_for_a_person_and_an_answer_stay_what_they_are():
    for intent in ("in_danger", "ask_human", "affirm", "deny"):
        assert heard("where can I hide", intent) == intent
