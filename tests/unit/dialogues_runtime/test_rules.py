from __future__ import annotations

from pathlib import Path

import pytest

from dialogues.runtime.custom_actions import ActionResult
from dialogues.runtime.files import ProjectWrong
from dialogues.runtime.model import UserMessage
from dialogues.runtime.project import load_project
from tests.unit.dialogues_runtime.project import Person, write_project

DOMAIN = """
    intents: [greet, ask, bye, yes]
    entities: [name, age]
    slots:
      known:
        type: bool
        mappings: [{type: custom}]
      mood:
        type: text
        mappings: [{type: custom}]
    responses:
      utter_hello: [{text: hello}]
      utter_first: [{text: first hello}]
      utter_known: [{text: hello again}]
      utter_answer: [{text: answer}]
      utter_more: [{text: more}]
      utter_named: [{text: named}]
      utter_default: [{text: 'what?'}]
    actions: [action_know, action_loop]
"""
RULES = """
    rules:
      - rule: a greeting is answered
        steps: [{intent: greet}, {action: utter_hello}]
      - rule: a known person is greeted as one
        condition: [{slot_was_set: [{known: true}]}]
        steps: [{intent: greet}, {action: utter_known}]
      - rule: a question has two answers
        steps: [{intent: ask}, {action: utter_answer}, {action: utter_more}]
      - rule: a named question is another one
        steps: [{intent: ask, entities: [name]}, {action: utter_named}]
      - rule: goodbye makes known
        steps: [{intent: bye}, {action: action_know}]
      - rule: round and round
        steps: [{intent: 'yes'}, {action: action_loop}]
"""
ACTIONS = {
    "action_know": lambda tracker: ActionResult([{"event": "slot", "name": "known", "value": True}]),
    "action_loop": lambda tracker: ActionResult([{"event": "followup", "name": "action_loop"}]),
}


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person.of(write_project(tmp_path, DOMAIN, RULES), ACTIONS)


async def test_a_rule_is_played_to_its_end(person):
    assert await person.says("?", "ask") == ["answer", "more"]


async def test_the_most_specific_rule_wins(person):
    await person.says("bye", "bye")

    assert await person.says("hi", "greet") == ["hello again"]


async def test_a_rule_that_names_entities_wants_exactly_these(person):
    assert await person.says("?", "ask", name="A") == ["named"]
    assert await person.says("?", "ask", name="A", age=3) == ["answer", "more"]


async def test_an_action_after_which_no_rule_continues_ends_the_turn_and_keeps_what_it_did(person):
    assert await person.says("bye", "bye") == []

    assert person.slot("known") is True


async def test_what_no_rule_knows_falls_back_and_is_forgotten(person):
    assert await person.says("asdf") == ["what?"]

    assert not any(event["event"] == "user" for event in person.state.events)
    assert await person.says("hi", "greet") == ["hello"]


async def test_an_intent_nobody_declared_falls_back(person):
    assert await person.sends(UserMessage("x", "no_such_intent")) == ["what?"]


async def test_a_turn_that_runs_in_a_circle_ends_and_the_conversation_lives_on(person):
    assert await person.says("yes", "yes") == ["what?"]

    assert await person.says("hi", "greet") == ["hello"]


async def test_a_rule_for_the_start_fits_only_the_first_message(tmp_path):
    rules = (
        RULES
        + """
      - rule: the first greeting is special
        conversation_start: true
        steps: [{intent: greet}, {action: utter_first}]
    """
    )
    person = Person.of(write_project(tmp_path, DOMAIN, rules), ACTIONS)

    assert await person.says("hi", "greet") == ["first hello"]
    for _ in range(8):  # far enough for the first events to be gone
        assert await person.says("hi", "greet") == ["hello"]


async def test_going_back_undoes_two_messages(person):
    await person.says("bye", "bye")
    await person.says("hi", "greet")
    assert person.slot("known") is True

    await person.taps("/back")
    await person.taps("/back")

    assert person.slot("known") is None


async def test_restarting_forgets_everything(person):
    await person.says("bye", "bye")

    await person.taps("/restart")

    assert person.slot("known") is None
    assert await person.says("hi", "greet") == ["hello"]


async def test_a_session_that_was_idle_too_long_begins_anew_and_carries_its_slots(tmp_path):
    domain = DOMAIN + "\n    session_config: {session_expiration_time: 60, carry_over_slots_to_new_session: true}\n"
    person = Person.of(write_project(tmp_path, domain, RULES), ACTIONS)
    await person.sends(UserMessage("bye", "bye"), at=1000.0)

    await person.sends(UserMessage("hi", "greet"), at=1000.0 + 3601)

    assert any(event["event"] == "session_started" for event in person.last.events)
    assert person.slot("known") is True


async def test_slots_survive_when_their_events_are_long_gone(person):
    await person.says("bye", "bye")
    for _ in range(30):
        await person.says("?", "ask")

    assert person.slot("known") is True
    assert len(person.state.events) < 40


async def test_a_slot_the_host_changes_is_known_before_the_message_is_heard(person):
    await person.says("hi", "greet")

    person.state = type(person.state)({**person.state.slots, "known": True}, {}, person.state.events)

    assert await person.says("hi", "greet") == ["hello again"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("      - rule: r\n        steps: [{intent: nosuch}, {action: utter_hello}]\n", "`nosuch`, which is no intent"),
        ("      - rule: r\n        steps: [{intent: greet}, {action: utter_nosuch}]\n", "not in the domain"),
        ("      - rule: r\n        steps: [{intent: greet}, {action: utter_answer}]\n", "says utter_answer where"),
        ("      - rule: r\n        steps: [{intent: greet}, {intent: bye}]\n", "may have one"),
        (
            "      - rule: r\n        condition: [{active_loop: f}]\n"
            "        steps: [{intent: bye}, {action: utter_more}]\n",
            "no form",
        ),
        (
            "      - rule: r\n        condition: [{slot_was_set: [{nosuch: 1}]}]\n"
            "        steps: [{intent: bye}, {action: utter_more}]\n",
            "no slot",
        ),
        ("      - rule: r\n        steps: [{intent: bye}, {bot: hello}]\n", "not played here"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_file_and_line(tmp_path, wrong, told):
    with pytest.raises(ProjectWrong) as caught:
        load_project(write_project(tmp_path, DOMAIN, RULES + wrong))

    assert any(
        told in problem.text and problem.file == "rules.yml" and problem.line > 10 for problem in caught.value.problems
    )


def test_every_problem_is_named_not_only_the_first(tmp_path):
    domain = """
        intents: [greet, greet]
        slots:
          a: {type: text, mappings: [{type: from_text}]}
          b: {type: colour, mappings: [{type: custom}]}
        forms:
          f: {required_slots: [c]}
        responses:
          hello: [{text: hi}]
          utter_x: [{text: hi, buttons: [{title: go, payload: /nosuch}]}]
    """

    with pytest.raises(ProjectWrong) as caught:
        load_project(write_project(tmp_path, domain))

    told = str(caught.value)
    for part in ("declared twice", "take every message", "needs a type", "no slot", "begin with utter_", "`nosuch`"):
        assert part in told
    assert all(problem.file == "domain.yml" and problem.line > 1 for problem in caught.value.problems)


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "- just\n- a list\n", "a: \x07b\n"])
def test_a_file_that_is_not_yaml_is_told_by_name(tmp_path, text):
    (tmp_path / "domain.yml").write_text(text)

    with pytest.raises(ProjectWrong, match=r"domain\.yml:\d+: "):
        load_project(tmp_path)


def test_words_and_numbers_are_those_of_yaml_1_2(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", "Calais")
    domain = """
intents: [a]
responses:
  utter_a:
  - text: caf\\u00e9 in ${PLACE}
    buttons: [{title: No, payload: /a}, {title: 12:30, payload: '${NOBODY}'}]
slots:
  n: {type: float, initial_value: 010, max_value: 1e3, mappings: [{type: custom}]}
"""
    project = load_project(write_project(tmp_path, domain))

    [said] = project.domain.responses["utter_a"]
    assert said.text == "caf\u00e9 in Calais"
    assert [(button.title, button.payload) for button in said.buttons] == [("No", "/a"), ("12:30", "${NOBODY}")]
    assert (project.domain.slots["n"].initial_value, project.domain.slots["n"].maximum) == (10, 1000)
