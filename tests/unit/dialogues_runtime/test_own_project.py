"""What must hold for the words and rules of Waymark's own dialogues."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialogues.actions import ACTION_NAMES, build_actions
from dialogues.actions.answering import MEANWHILE, PROMISES
from dialogues.actions.given import GivenServices
from dialogues.actions.ports import NO_WISHES, FoundPlace, FoundService, Wishes
from dialogues.actions.results import WRONG
from dialogues.actions.services import FOR
from dialogues.actions.wishes import WISHES
from dialogues.knowledge import Procedures
from dialogues.runtime.catalogue import read_catalogues, sentences, translator
from dialogues.runtime.check import warnings
from dialogues.runtime.domain import DEFAULT_INTENTS
from dialogues.runtime.engine import Engine
from dialogues.runtime.forms import ask_names
from dialogues.runtime.model import DialogueState, Entity, UserMessage
from dialogues.runtime.project import load_project
from dialogues.runtime.responses import fill, placeholders
from dialogues.runtime.rules import unheard_intents
from dialogues.server.training_data import read_training_data
from dialogues.talks import read_world
from dialogues.understanding.model import LANGUAGES

ROOT = Path(__file__).resolve().parents[3]
OTHERS = tuple(language for language in LANGUAGES if language != "en")
CODES = (
    "immediate_danger", "medical_emergency", "suicide_self_harm", "sexual_abuse", "physical_abuse", "trafficking",
    "labour_exploitation", "missing_child", "non_parent_adult", "removal_imminent", "detention", "threats",
    "kidnap_ransom", "child_marriage", "fgm_harmful", "online_sexual", "armed_recruitment", "baby_abandoned",
    "staff_misconduct", "hate_violence", "homeless_tonight",
)  # fmt: skip

PROJECT = load_project(ROOT / "dialogues")
CATALOGUES = read_catalogues(ROOT / "locales")
TRANSLATE = translator(CATALOGUES)
PROCEDURES = Procedures.load_shipped()


def engine_with(services: Any) -> Engine:
    actions = build_actions(services, PROCEDURES, TRANSLATE, today=lambda: date(2026, 11, 23))
    return Engine(PROJECT, actions=actions, translate=TRANSLATE)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engine_with(read_world(ROOT / "tests" / "dialogues" / "world.yml"))


def marked_in_actions() -> set[str]:
    """The sentences handed to `translate(language, …)` in the actions, and those kept there in tables."""
    found = set()
    promised = {*PROMISES.values(), *MEANWHILE.values()}
    for path in (ROOT / "dialogues" / "actions").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in {"translate", "_translate"}:
                    found.add(str(node.args[1].value))
    wished = {words for both in WISHES.values() for words in both}
    return found | promised | wished | set(WRONG.values()) | set(FOR.values())


def all_sentences() -> set[str]:
    return {words for words, _ in sentences(PROJECT.domain)} | marked_in_actions()


def danger_texts(language: str, begins: str = "utter_danger_") -> list[tuple[str, str]]:
    """Every first reply to danger as it is read while somebody can answer, with the response it is in."""
    promised = {place: TRANSLATE(language, sentence) for place, sentence in PROMISES.items()}
    return [
        (name, fill(TRANSLATE(language, variation.text), {"emergency_number": "112", **promised}))
        for name, variations in PROJECT.domain.responses.items()
        if name.startswith(begins)
        for variation in variations
    ]


def test_nothing_in_the_project_is_seldom_meant() -> None:
    assert warnings(PROJECT) == []


def test_the_domain_lists_exactly_the_actions_there_are() -> None:
    assert set(PROJECT.domain.actions) == set(ACTION_NAMES)


@cache
def words_in_code() -> set[str]:
    """The names that stand as text in our code, as themselves or as the payload of a button."""
    return {
        node.value.removeprefix("/").partition("{")[0]
        for room in ("dialogues", "bot")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_response_is_said_by_a_rule_a_form_or_an_action() -> None:
    said = {event.get("name") for rule in PROJECT.rules.rules for way in rule.events for event in way}
    asked = {
        name
        for form in PROJECT.domain.forms.values()
        for slot in form.required_slots
        for name in ask_names(form.name, slot)
    }
    by_code = {f"utter_{danger}_{code}" for code in CODES for danger in ("danger", "report_danger")}
    for_rasa_only = {"utter_procedure", "utter_search_service"}  # it wants words for each retrieval intent

    assert PROJECT.domain.responses.keys() - said - asked - by_code - for_rasa_only <= words_in_code()


def test_an_intent_without_examples_is_sent_by_a_button_or_by_the_host() -> None:
    shown = {example.intent for example in read_training_data(PROJECT.root).examples}
    tapped = {
        button.payload.removeprefix("/").partition("{")[0]
        for variations in PROJECT.domain.responses.values()
        for variation in variations
        for button in variation.buttons
    }

    assert PROJECT.domain.intents.keys() - set(DEFAULT_INTENTS) - shown <= tapped | words_in_code()


def test_every_intent_that_is_taught_is_one_that_is_answered() -> None:
    taught = {example.intent for example in read_training_data(PROJECT.root).examples}
    unheard = {*unheard_intents(PROJECT.domain, PROJECT.rules), *taught - PROJECT.domain.intents.keys()}

    assert taught & unheard == set()


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated_and_none_is_left_over(language: str) -> None:
    assert set(CATALOGUES[language]) == all_sentences()


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_keeps_the_placeholders_and_the_lines(language: str) -> None:
    for english, translated in CATALOGUES[language].items():
        assert placeholders(english) == placeholders(translated), english
        assert english.count("\n") == translated.count("\n"), english


@pytest.mark.parametrize("code", CODES)
def test_each_crisis_code_has_words_for_the_child_and_for_whoever_reports(code: str) -> None:
    variations = PROJECT.domain.responses[f"utter_danger_{code}"]

    assert [variation.conditions for variation in variations] == [(("speaks_for_child", True),), ()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_reply_to_danger_is_short_gives_the_number_first_and_asks_one_question(language: str) -> None:
    for name, text in danger_texts(language):
        assert len(text.split()) <= 60, (name, len(text.split()), text)
        assert "112" in text.split("\n")[0], (name, text)
        asked = text.rstrip()[-1]
        assert asked in "?؟", (name, text)
        assert sum(text.split("\n", 1)[1].count(mark) for mark in "?؟") == 1, (name, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_danger_in_a_report_is_answered_as_elsewhere_and_asks_nothing_beside_the_report(language: str) -> None:
    of_reporters: dict[str, list[str]] = {}
    for name, text in danger_texts(language):  # to whoever reports comes first
        of_reporters.setdefault(name.replace("utter_", "utter_report_"), text.split("\n"))
    found = dict(danger_texts(language, "utter_report_danger_"))

    assert found.keys() == of_reporters.keys()
    for name, text in found.items():
        said, elsewhere = text.split("\n"), of_reporters[name]
        assert len(text.split()) <= 60, (name, len(text.split()), text)
        assert "112" in said[0], (name, text)
        assert not {"?", "؟"} & set("".join(said[1:])), (name, text)
        assert said[1] == elsewhere[1], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_to_a_child_in_danger_are_short(language: str) -> None:
    for name, variations in PROJECT.domain.responses.items():
        if not name.startswith("utter_danger_"):
            continue
        text = TRANSLATE(language, variations[-1].text)
        for sentence in text.replace("\n", " ").replace("؟", ".").replace("?", ".").split("."):
            words = [word for word in sentence.split() if any(sign.isalpha() for sign in word)]
            assert len(words) <= 16, (name, sentence)


def test_a_text_promises_a_person_only_where_the_host_says_that_one_is_there() -> None:
    written = {words for words, _ in sentences(PROJECT.domain)}
    places = {f"{{{place}}}" for place in PROMISES}

    assert not [words for words in written if re.search(r"answer you here|told (a|the) (person|duty)", words)]
    assert places <= {line for words in written for line in words.splitlines()}
    for words in written:  # and without the promise it is whole: no line is empty, and none is half of it
        alone = fill(words, dict.fromkeys(placeholders(words) - PROMISES.keys(), "112"))
        assert "" not in alone.splitlines(), words
        assert all(line in places for line in words.splitlines() for place in places if place in line), words


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_words_promise_what_cannot_be_kept(language: str) -> None:
    promises = {
        "en": ("promise", "secret", "guarantee", "nobody will know", "safe with", "we will save", "illegal"),
        "fr": ("promet", "secret", "garanti", "personne ne saura", "illégal"),
        "es": ("promet", "secreto", "garantiz", "nadie sabrá", "ilegal"),
        "ar": ("أعدك", "نعدك", "سرّ", "نضمن", "غير قانوني"),
    }
    for words in all_sentences():
        said = TRANSLATE(language, words).casefold()
        assert not [promise for promise in promises[language] if promise in said], said


def test_no_button_is_longer_than_a_channel_can_carry() -> None:
    payloads = {b.payload for vs in PROJECT.domain.responses.values() for v in vs for b in v.buttons}
    intents = ("procedure_steps", "procedure_step", "procedure_flags", "procedure_contacts", "procedure_why")
    payloads |= {f'/{intent}{{"procedure":"{key}"}}' for intent in intents for key in PROCEDURES.keys}
    payloads |= {f'/procedure_step{{"procedure":"{key}","done":12}}' for key in PROCEDURES.keys}
    payloads |= {f'/red_flag{{"procedure":"{key}","flag":9}}' for key in PROCEDURES.keys}

    assert max(len(payload.encode()) for payload in payloads) <= 64


def test_every_form_can_be_left_for_danger_a_person_or_nothing() -> None:
    for form in PROJECT.domain.forms.values():
        for intent in ("in_danger", "ask_human", "cancel", "start"):
            assert intent in form.ignored_intents
            assert any(
                step.action == "action_deactivate_loop"
                and step.moments[-1].intent == intent
                and step.moments[-1].loop == form.name
                for rule in PROJECT.rules.rules
                for step in rule.steps
            )


INTENTS = st.sampled_from(sorted(set(PROJECT.domain.intents) - {"in_danger", "session_start"}))
VALUES = st.sampled_from(["shelter", "food", "Calais", "Tripoli", "#1", "#9", "Xyzzy", "fr", "nonsense", 7, 43.5])
ENTITIES = st.dictionaries(st.sampled_from(sorted(PROJECT.domain.entities)), VALUES, max_size=3)
TEXTS = st.sampled_from(["hello", "Calais", "/inform{}", "", "{place}", "1", "no", "a" * 5000])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(st.tuples(TEXTS, INTENTS, ENTITIES), max_size=8), language=st.sampled_from(LANGUAGES))
def test_whatever_was_said_before_danger_is_answered_and_reaches_an_officer(
    engine: Engine, messages: list[tuple[str, str, Mapping[str, Any]]], language: str
) -> None:
    async def talk() -> None:
        state = DialogueState(slots={"language": language})
        for text, intent, found in messages:
            entities = tuple(Entity(name, value) for name, value in found.items())
            turn = await engine.turn(state, UserMessage(text, intent, entities=entities))
            assert turn.replies, f"silence after {intent} {found}"
            assert len(turn.state.events) < 150
            state = DialogueState.from_json(json.loads(json.dumps(turn.state.to_json())))
        danger = (Entity("reason", "threats"), Entity("priority", "P0"), Entity("place", "Calais"))
        turn = await engine.turn(state, UserMessage("they are here", "in_danger", entities=danger))
        assert any(sign.isdigit() for sign in turn.replies[0].text.split("\n")[0])
        call = {"waymark": "call_officer", "reason": "threats", "priority": "P0"}
        assert turn.replies[1].custom.items() >= call.items()  # and what a report has asked so far
        goes_on = turn.state.slots.get("report_goes_on") is True
        assert goes_on <= (turn.state.slots.get("audience") == "worker")
        assert turn.state.active_loop.get("name") == ("report_form" if goes_on else None)
        assert len(turn.replies) == (3 if goes_on else 2)

    asyncio.run(talk())


class SilentDirectory(GivenServices):
    """A directory whose database is away."""

    async def resolve_place(self, words: str, *, country: str | None, language: str) -> list[FoundPlace]:
        raise OSError

    async def near(
        self, need: str, place: FoundPlace, *, language: str, limit: int = 3, wishes: Wishes = NO_WISHES
    ) -> list[FoundService]:
        raise OSError

    async def helplines(self, country: str | None, *, language: str, limit: int = 3) -> list[FoundService]:
        raise OSError

    async def emergency_number(self, country: str | None) -> str:
        raise OSError


async def test_a_directory_that_fails_costs_nobody_the_number_or_a_person(caplog: pytest.LogCaptureFixture) -> None:
    engine = engine_with(SilentDirectory({}, {}))
    state = DialogueState(slots={"place": "Calais", "place_resolved": "Calais", "place_lat": 50.9, "place_lon": 1.8})
    bed = UserMessage("a bed", "search_service", entities=(Entity("need", "shelter"),))

    turn = await engine.turn(state, bed)

    assert [reply.response for reply in turn.replies] == ["utter_directory_silent", None]
    assert "112" in turn.replies[0].text
    assert turn.replies[1].custom["waymark"] == "call_officer"
    assert "the directory could not be asked" in caplog.text  # or nobody would know why everyone reaches a person
    knife = UserMessage("knife", "in_danger", entities=(Entity("reason", "immediate_danger"),))
    assert "112" in (await engine.turn(turn.state, knife)).replies[0].text


async def test_a_child_whose_question_has_no_answer_is_told_so_as_a_child_and_stays_one() -> None:
    """They were told of a duty officer and, once there was an answer, its title on a phone that others may read."""
    actions = build_actions(GivenServices.nothing(), PROCEDURES, TRANSLATE, today=lambda: date(2001, 1, 1))
    engine = Engine(PROJECT, actions=actions, translate=TRANSLATE)
    words = "I am 17, what happens when I turn 18"

    asked = UserMessage(words, "procedure", entities=(Entity("procedure", "turning_18"),))
    turn = await engine.turn(DialogueState(), asked)
    agreed = await engine.turn(turn.state, UserMessage("/tell_answer", "tell_answer", entities=asked.entities))

    assert turn.replies[0].response == "utter_no_answer_for_a_child"
    assert "officer" not in turn.replies[0].text
    assert [reply.custom["audience"] for reply in agreed.replies if reply.custom.get("waymark") == "tell"] == ["child"]


async def test_a_procedure_out_of_force_is_not_shown() -> None:
    actions = build_actions(GivenServices.nothing(), PROCEDURES, TRANSLATE, today=lambda: date(2001, 1, 1))
    engine = Engine(PROJECT, actions=actions, translate=TRANSLATE)
    question = UserMessage("?", "procedure", entities=(Entity("procedure", "missing_child"),))

    turn = await engine.turn(DialogueState(), question)

    said = [reply.response for reply in turn.replies]
    assert said == ["utter_procedure_out_of_date", None, None, "utter_offer_to_tell"]
    assert turn.replies[1].custom["reason"] == "no_answer"
    assert turn.replies[2].custom == {
        "waymark": "gap",
        "procedure": "missing_child",
        "why": "out_of_date",
        "language": "en",
        "country": "",
        "audience": "worker",
    }


async def test_every_procedure_shows_its_source_its_law_and_its_date_at_once(engine: Engine) -> None:
    for language in LANGUAGES:
        texts = [PROCEDURES.get(key, language, date(2026, 11, 23)) for key in PROCEDURES.keys]
        shown = [text for text in texts if text is not None]
        assert len(shown) >= 10, language
        for text in (text.filled({"emergency_number": "112"}) for text in shown):
            question = UserMessage("?", "procedure", entities=(Entity("procedure", text.key),))
            turn = await engine.turn(DialogueState(slots={"language": language}), question)
            first, steps = turn.replies
            assert text.shown_sources()[0].document in first.text
            assert "2026" in first.text
            assert f"✋ {text.never}" in first.text.split("\n")
            assert all(f"{number}. {step}" in steps.text for number, step in enumerate(text.steps, 1))
            assert [choice.title for choice in steps.choices][-1] == TRANSLATE(language, "Talk to a person")


def test_the_names_of_the_sdk_are_the_package_s_own_and_no_web_server_is_loaded() -> None:
    look = (
        "import sys, bot.app, bot.offices; assert 'rasa_sdk' not in sys.modules;"  # the first decides how it loads
        "from dialogues.runtime.custom_actions import load_sdk, _SDK_NAMES; load_sdk();"
        "import rasa_sdk, rasa_sdk.executor; assert 'sanic' not in sys.modules;"
        "from rasa_sdk import Action, Tracker, FormValidationAction, ValidationAction, ActionExecutionRejection;"
        "source = open(rasa_sdk.__file__).read();"
        "assert all(name in source for name in _SDK_NAMES); assert rasa_sdk.__version__"
    )

    subprocess.run([sys.executable, "-c", look], check=True, cwd=ROOT, timeout=60)


def test_the_engine_loads_without_rasa_sdk() -> None:
    look = (
        "import sys; sys.modules['rasa_sdk'] = None\n"
        "from pathlib import Path; from dialogues.runtime.engine import Engine\n"
        "from dialogues.actions import build_actions\n"
        "from dialogues.actions.given import GivenServices\n"
        "actions = build_actions(GivenServices.nothing(), None, lambda language, text: text)\n"
        "Engine.load(Path('dialogues'), actions=actions)"
    )

    subprocess.run([sys.executable, "-c", look], check=True, cwd=ROOT, timeout=60)
