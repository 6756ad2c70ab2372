from __future__ import annotations

from pathlib import Path

import pytest

from dialogues.runtime.custom_actions import ActionFailed, ActionResult
from dialogues.runtime.model import Choice, UserMessage
from dialogues.runtime.payload import payload, read_payload
from dialogues.runtime.responses import fill
from tests.unit.dialogues_runtime.project import Person, write_project

DOMAIN = """
    intents: [a, b, c]
    slots:
      language: {type: text, influence_conversation: false, mappings: [{type: custom}]}
      mood: {type: text, mappings: [{type: custom}]}
    responses:
      utter_a:
        - text: default words
        - text: sad words
          condition: [{type: slot, name: mood, value: Sad}]
        - text: phone words
          channel: phone
      utter_b:
        - text: 'Good day, {mood}.'
          buttons:
            - {title: Go on, payload: '/a{"x": 1}'}
            - {title: Call, url: 'tel:112'}
          custom: {kind: '{mood}'}
    actions: [action_c]
"""
RULES = """
    rules:
      - {rule: a, steps: [{intent: a}, {action: utter_a}]}
      - {rule: b, steps: [{intent: b}, {action: utter_b}]}
      - {rule: c, steps: [{intent: c}, {action: action_c}]}
"""
FRENCH = {"Good day, {mood}.": "Bonjour, {mood}.", "Go on": "Continuer", "Call": "Appeler"}


def translate(language: str, text: str) -> str:
    return FRENCH.get(text, text) if language == "fr" else text


def speaking(folder: Path, does=lambda tracker: ActionResult()) -> Person:
    return Person.of(write_project(folder, DOMAIN, RULES), {"action_c": does}, translate=translate)


async def test_a_condition_beats_the_default_and_its_words_are_compared_without_case(tmp_path):
    person = speaking(tmp_path)
    assert await person.says("a", "a") == ["default words"]

    person.state = type(person.state)({"mood": "sad"}, {}, person.state.events)

    assert await person.says("a", "a") == ["sad words"]


async def test_the_channel_s_default_beats_a_condition_without_channel(tmp_path):
    person = speaking(tmp_path)
    person.state = type(person.state)({"mood": "sad"})

    assert await person.sends(UserMessage("a", "a", channel="phone")) == ["phone words"]


async def test_text_and_buttons_are_said_in_the_language_of_the_conversation(tmp_path):
    person = speaking(tmp_path)
    person.state = type(person.state)({"language": "fr", "mood": "Ada"})

    await person.says("b", "b")

    reply = person.last.replies[0]
    assert reply.text == "Bonjour, Ada."
    assert reply.choices == (Choice("Continuer", '/a{"x": 1}'), Choice("Appeler", "", "tel:112"))
    assert reply.custom == {"kind": "Ada"}
    assert reply.response == "utter_b"


async def test_an_action_that_changes_the_language_speaks_the_new_one(tmp_path):
    def to_french(tracker: dict) -> ActionResult:
        slot = {"event": "slot", "name": "language", "value": "fr"}
        return ActionResult(
            [slot], [{"response": "utter_b", "mood": "Ada", "buttons": [{"title": "x", "payload": "/a"}]}]
        )

    person = speaking(tmp_path, to_french)

    assert await person.says("c", "c") == ["Bonjour, Ada."]
    assert [choice.title for choice in person.last.replies[0].choices] == ["Continuer", "Appeler", "x"]


async def test_an_action_that_says_a_response_nobody_wrote_has_failed(tmp_path):
    person = speaking(tmp_path, lambda tracker: ActionResult([], [{"response": "utter_nosuch"}]))

    with pytest.raises(ActionFailed):
        await person.says("c", "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hi {name}, {missing}!", "Hi Ada, !"),
        ("{empty}{name}", "Ada"),
        ("{{name}} and {name}", "{name} and Ada"),
        ("no braces", "no braces"),
        ("a { b } c", "a { b } c"),
    ],
)
def test_a_place_without_a_value_is_left_empty(text, said):
    assert fill(text, {"name": "Ada", "empty": None}) == said


def test_what_a_value_contains_is_not_filled_again():
    assert fill("{name}", {"name": "{secret}", "secret": "x"}) == "{secret}"


def test_a_payload_is_read_back_as_it_was_made():
    message = read_payload(payload("procedure", procedure="missing_child"))

    assert message.intent == "procedure"
    assert [(e.name, e.value) for e in message.entities] == [("procedure", "missing_child")]


@pytest.mark.parametrize("text", ["hello", "/", "/ a", '/a{"x": }', "/a{not json}", "/a{} b", "a/b"])
def test_what_is_no_payload_is_not_read_as_one(text):
    assert read_payload(text) is None


def test_a_list_in_a_payload_is_several_entities():
    message = read_payload('/say@0.5{"town": ["a", "b"]}')

    assert message.confidence == 0.5
    assert [e.value for e in message.entities] == ["a", "b"]
