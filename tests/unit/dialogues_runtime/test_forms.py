from __future__ import annotations

from pathlib import Path

import pytest

from dialogues.runtime.custom_actions import ActionFailed, ActionResult
from tests.unit.dialogues_runtime.project import Person, write_project

DOMAIN = """
    intents: [book, inform, faq, stop, danger, greet, yes, 'no']
    entities: [town, number]
    slots:
      town:
        type: text
        influence_conversation: false
        mappings:
          - {type: from_entity, entity: town, conditions: [{active_loop: book_form}]}
          - type: from_text
            not_intent: greet
            conditions: [{active_loop: book_form, requested_slot: town}]
      people:
        type: any
        mappings:
          - {type: from_entity, entity: number, conditions: [{active_loop: book_form}]}
      quiet:
        type: bool
        mappings:
          - type: from_intent
            intent: 'yes'
            value: true
            conditions: [{active_loop: book_form, requested_slot: quiet}]
          - type: from_intent
            intent: 'no'
            value: false
            conditions: [{active_loop: book_form, requested_slot: quiet}]
      how:
        type: text
        mappings:
          - {type: from_trigger_intent, intent: book, value: asked, conditions: [{active_loop: book_form}]}
    forms:
      book_form:
        required_slots: [town, people, quiet]
        ignored_intents: [danger, stop, faq]
    responses:
      utter_ask_town: [{text: 'where?'}]
      utter_ask_book_form_people: [{text: 'how many?'}]
      utter_ask_people: [{text: never asked so}]
      utter_ask_quiet: [{text: 'quiet?'}]
      utter_done: [{text: 'booked {town} for {people}'}]
      utter_faq: [{text: we are open}]
      utter_hello: [{text: hello}]
      utter_stopped: [{text: stopped}]
      utter_help: [{text: help comes}]
      utter_default: [{text: 'what?'}]
"""
RULES = """
    rules:
      - rule: booking asks
        steps: [{intent: book}, {action: book_form}, {active_loop: book_form}]
      - rule: all known, it is booked
        condition: [{active_loop: book_form}]
        steps:
          - action: book_form
          - active_loop: null
          - slot_was_set: [{requested_slot: null}]
          - action: utter_done
      - rule: questions are answered
        steps: [{intent: faq}, {action: utter_faq}]
      - rule: greetings are answered
        steps: [{intent: greet}, {action: utter_hello}]
      - rule: stopping stops
        condition: [{active_loop: book_form}]
        steps: [{intent: stop}, {action: action_deactivate_loop}, {active_loop: null}, {action: utter_stopped}]
      - rule: danger comes first
        condition: [{active_loop: book_form}]
        steps: [{intent: danger}, {action: action_deactivate_loop}, {active_loop: null}, {action: utter_help}]
"""


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person.of(write_project(tmp_path, DOMAIN, RULES))


async def test_a_form_asks_until_it_knows_everything_and_then_the_rule_goes_on(person):
    assert await person.says("book", "book") == ["where?"]
    assert await person.says("Calais") == ["how many?"]
    assert await person.says("two", "inform", number=2) == ["quiet?"]
    assert await person.says("no", "no") == ["booked Calais for 2"]
    assert person.loop is None
    assert person.slot("quiet") is False


async def test_what_the_first_message_says_is_not_asked_again(person):
    assert await person.says("two in Calais", "book", town="Calais", number=2) == ["quiet?"]
    assert person.slot("how") == "asked"


async def test_one_answer_may_fill_several_slots(person):
    await person.says("book", "book")

    assert await person.says("Calais, for two", "inform", town="Calais", number=2) == ["quiet?"]


async def test_a_question_in_between_is_answered_and_the_form_asks_again(person):
    await person.says("book", "book")

    assert await person.says("are you open?", "faq") == ["we are open", "where?"]
    assert await person.says("hello", "greet") == ["hello", "where?"]
    assert await person.says("Calais") == ["how many?"]


async def test_an_ignored_intent_never_fills_a_slot(person):
    await person.says("book", "book")

    assert await person.says("I am afraid", "danger", town="Calais") == ["help comes"]
    assert person.loop is None
    assert person.slot("town") is None
    assert person.slot("requested_slot") is None


async def test_stopping_leaves_the_form_and_keeps_what_was_said(person):
    await person.says("book", "book")
    await person.says("Calais")

    assert await person.says("stop", "stop") == ["stopped"]
    assert person.slot("town") == "Calais"
    assert await person.says("book", "book") == ["how many?"]


async def test_what_the_form_does_not_understand_falls_back_and_the_question_stays(person):
    await person.says("in Calais", "book", town="Calais")

    assert await person.says("asdf") == ["what?"]
    assert person.loop == "book_form"
    assert await person.says("two", "inform", number=2) == ["quiet?"]


async def test_the_last_entity_wins_and_a_list_slot_takes_all(tmp_path):
    domain = """
        intents: [say]
        entities: [town]
        slots:
          one: {type: text, mappings: [{type: from_entity, entity: town}]}
          all: {type: list, mappings: [{type: from_entity, entity: town}]}
        responses: {utter_default: [{text: 'what?'}], utter_ok: [{text: ok}]}
    """
    person = Person.of(
        write_project(tmp_path, domain, "rules: [{rule: r, steps: [{intent: say}, {action: utter_ok}]}]")
    )

    await person.taps('/say{"town": ["Calais", "Irun"]}')

    assert person.slot("one") == "Irun"
    assert person.slot("all") == ["Calais", "Irun"]


async def test_an_entity_several_slots_read_goes_to_the_one_being_asked_for(tmp_path):
    domain = """
        intents: [go]
        entities: [town]
        slots:
          start: {type: text, mappings: [{type: from_entity, entity: town, conditions: [{active_loop: f}]}]}
          end: {type: text, mappings: [{type: from_entity, entity: town, conditions: [{active_loop: f}]}]}
        forms: {f: {required_slots: [start, end]}}
        responses:
          utter_ask_start: [{text: 'from?'}]
          utter_ask_end: [{text: 'to?'}]
          utter_go: [{text: go}]
    """
    rules = """
        rules:
          - {rule: a, steps: [{intent: go}, {action: f}, {active_loop: f}]}
          - rule: b
            condition: [{active_loop: f}]
            steps: [{action: f}, {active_loop: null}, {slot_was_set: [{requested_slot: null}]}, {action: utter_go}]
    """
    person = Person.of(write_project(tmp_path, domain, rules))

    await person.says("go", "go")

    assert await person.says("Calais", town="Calais") == ["to?"]
    assert person.slot("start") == "Calais"
    assert await person.says("Irun", town="Irun") == ["go"]


def validator(**said: object):
    """A validator as rasa-sdk would answer: the slots it believes."""

    def run(tracker: dict) -> ActionResult:
        candidates = {}
        for event in reversed(tracker["events"]):
            if event["event"] != "slot":
                break
            candidates.setdefault(event["name"], event["value"])
        if not candidates:  # asked when the form starts, too
            return ActionResult()
        events = [{"event": "slot", "name": name, "value": said.get(name, value)} for name, value in candidates.items()]
        events += [{"event": "slot", "name": n, "value": v} for n, v in said.items() if n not in candidates]
        return ActionResult(events)

    return run


def with_validator(folder: Path) -> Path:
    return write_project(folder, DOMAIN + "\n    actions: [validate_book_form]\n", RULES)


async def test_a_value_the_validator_refuses_is_asked_for_again(tmp_path):
    person = Person.of(with_validator(tmp_path), {"validate_book_form": validator(town=None)})
    await person.says("book", "book")

    assert await person.says("nowhere") == ["where?"]
    assert person.slot("town") is None


async def test_a_validator_sees_this_message_s_slots_as_candidates_and_nothing_else(tmp_path):
    seen = []

    def look(tracker: dict) -> ActionResult:
        trailing = []
        for event in reversed(tracker["events"]):
            if event["event"] != "slot":
                break
            trailing.append(event["name"])
        seen.append(trailing)
        return validator()(tracker)

    person = Person.of(with_validator(tmp_path), {"validate_book_form": look})
    await person.says("book", "book")
    await person.says("Calais")
    await person.says("two", "inform", number=2)

    assert seen[-2:] == [["town"], ["people"]]


async def test_a_validator_may_end_the_form_early(tmp_path):
    person = Person.of(with_validator(tmp_path), {"validate_book_form": validator(requested_slot=None)})
    await person.says("book", "book")

    assert await person.says("Calais") == ["booked Calais for"]
    assert person.loop is None


async def test_a_validator_may_choose_the_next_question(tmp_path):
    person = Person.of(with_validator(tmp_path), {"validate_book_form": validator(requested_slot="quiet")})
    await person.says("book", "book")

    assert await person.says("Calais") == ["quiet?"]


async def test_an_action_that_breaks_is_told_to_the_host_and_changes_nothing(tmp_path):
    def broken(tracker: dict) -> ActionResult:
        raise ActionFailed("validate_book_form")

    person = Person.of(with_validator(tmp_path), {"validate_book_form": broken})
    before = person.state

    with pytest.raises(ActionFailed):
        await person.says("book", "book")

    assert person.state is before


async def test_a_custom_question_comes_before_a_response(tmp_path):
    def ask(tracker: dict) -> ActionResult:
        return ActionResult([], [{"text": "tell me your town"}])

    folder = write_project(tmp_path, DOMAIN + "\n    actions: [action_ask_book_form_town]\n", RULES)
    person = Person.of(folder, {"action_ask_book_form_town": ask})

    assert await person.says("book", "book") == ["tell me your town"]


def test_a_list_that_a_slot_begins_with_is_each_conversation_its_own(tmp_path: Path):
    domain = "slots: {towns: {type: list, initial_value: [Calais], mappings: [{type: custom}]}}"
    engine = Person.of(write_project(tmp_path, domain)).engine

    engine.tracker().slots["towns"].append("Oulx")

    assert engine.tracker().slots["towns"] == ["Calais"]
