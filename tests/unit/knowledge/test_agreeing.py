"""A yes or a no in words to an offer is what its button would be; where it can mean anything else, it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dialogues.agreeing import as_agreeing
from dialogues.knowledge.model import LANGUAGES
from dialogues.runtime.catalogue import read_catalogues, translator
from dialogues.runtime.model import DialogueState, Event, UserMessage

TRANSLATE = translator(read_catalogues(Path(__file__).resolve().parents[3] / "locales"))
OFFER = {"yes": '/tell_answer{"procedure":"missing_child","why":"old"}', "no": "/tell_nothing"}
ASKED: Event = {"event": "user", "text": "girl from our centre gone since last night"}
OFFERED: Event = {"event": "slot", "name": "offered", "value": OFFER}
SAID: Event = {"event": "action", "name": "action_listen"}


def after(*events: Event, loop: str = "", **slots: Any) -> DialogueState:
    return DialogueState({"offered": OFFER, **slots}, {"name": loop} if loop else {}, events)


def heard(words: str, state: DialogueState, intent: str = "affirm") -> str | None:
    message = as_agreeing(UserMessage(words, intent, 0.8), state)
    if message.intent == "tell_answer":
        assert {entity.name: entity.value for entity in message.entities} == {
            "procedure": "missing_child",
            "why": "old",
        }
    return message.intent


@pytest.mark.parametrize(
    "words", ["yes", "Yes please!", "oui", "Oui, s'il vous plaît", "Sí", "si", "sí, por favor", "نعم", "نعم، من فضلك"]
)
def test_a_yes_in_words_is_the_button_that_was_just_offered(words: str) -> None:
    assert heard(words, after(ASKED, OFFERED, SAID)) == "tell_answer"


@pytest.mark.parametrize("words", ["no", "No, thanks", "non merci", "no, gracias", "لا", "لا شكرا"])
def test_a_no_in_words_is_the_other_button(words: str) -> None:
    assert heard(words, after(ASKED, OFFERED, SAID), "deny") == "tell_nothing"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("label", ["Yes, write to me", "Yes, show these words"])
def test_who_writes_what_the_button_says_is_answered_as_if_they_pressed_it(label: str, language: str) -> None:
    assert heard(TRANSLATE(language, label), after(ASKED, OFFERED, SAID)) == "tell_answer"


@pytest.mark.parametrize("words", ["ok", "yes he hits her", "yes and who do I call", "no he is in danger", "👍", ""])
def test_what_is_no_clear_answer_is_no_consent(words: str) -> None:
    assert heard(words, after(ASKED, OFFERED, SAID)) == "affirm"


@pytest.mark.parametrize(
    ("state", "intent"),
    [
        (after(ASKED, OFFERED, SAID, ASKED, SAID), "affirm"),
        (after(ASKED, SAID), "affirm"),
        (after(ASKED, OFFERED, SAID, safety_question=True), "affirm"),
        (after(ASKED, OFFERED, SAID, audience="child"), "affirm"),
        (after(ASKED, OFFERED, SAID, loop="report_form"), "affirm"),
        (after(ASKED, OFFERED, SAID), "in_danger"),
    ],
    ids=["something was said since", "nothing was offered", "safe?", "a child", "a form asks", "danger"],
)
def test_a_yes_to_anything_else_is_not_taken_for_consent(state: DialogueState, intent: str) -> None:
    assert heard("yes", state, intent) == intent
