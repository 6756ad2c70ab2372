"""A yes or a no in words to an offer is what its button would be; where it can mean anything else, it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dialogues.context.agreeing import as_agreeing
from dialogues.context.flagging import as_flag
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


FLAGS = {
    "The child is silent or coached": '/red_flag{"flag":1}',
    "The adult does not know the child's birthday": '/red_flag{"flag":2}',
    "Somebody paid for the journey, or there is a debt": '/red_flag{"flag":3}',
}
SHOWN: Event = {"event": "slot", "name": "offered", "value": {**OFFER, "yes": "/red_flag", "lines": FLAGS}}


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        ("yes the child is silent", 1),
        ("Yes, silent", 1),
        ("the adult does not know the birthday", 2),
        ("somebody payed for the journey", 3),
        ("yes, the child", None),  # stands in two: one of them is true
    ],
)
def test_whoever_says_which_red_flag_is_true_has_reported_it(words: str, flag: int | None) -> None:
    said = as_flag(UserMessage(words, "affirm", 0.8), after(ASKED, SHOWN, SAID))

    assert (said.intent, [entity.value for entity in said.entities]) == ("red_flag", [flag] if flag else [])


@pytest.mark.parametrize(
    "words",
    ["is the child silent?", "the child is not silent", "yes and who do I call", "no", "what if silent"],
)
def test_a_question_or_a_no_reports_no_red_flag(words: str) -> None:
    assert as_flag(UserMessage(words, "affirm", 0.8), after(ASKED, SHOWN, SAID)).intent == "affirm"
