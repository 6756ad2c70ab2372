from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dialogues.context.asking_on import as_follow_up
from dialogues.context.introducing import as_introduction
from dialogues.context.journeying import as_journey
from dialogues.knowledge.model import LANGUAGES
from dialogues.runtime.catalogue import read_catalogues, translator
from dialogues.runtime.model import DialogueState, Entity, UserMessage

TRANSLATE = translator(read_catalogues(Path(__file__).resolve().parents[3] / "locales"))
STEP: dict[str, Any] = {"step_shown": {"procedure": "adult_with_child", "step": 2}}


def after(action: str = "action_answer_procedure", loop: str = "", **slots: Any) -> DialogueState:
    """A conversation in which `action` was the last thing that was done."""
    events = tuple({"event": "action", "name": name} for name in (action, "action_listen"))
    return DialogueState({"last_procedure": "adult_with_child", **slots}, {"name": loop} if loop else {}, events)


IN_SIGHT = "action_procedure_step"


def heard(words: str, state: DialogueState, intent: str = "nlu_fallback") -> tuple[str | None, dict[str, Any]]:
    message = as_follow_up(UserMessage(words, intent, 0.4), state)
    told = {entity.name: entity.value for entity in message.entities}
    assert told.pop("procedure", "adult_with_child") == "adult_with_child"
    return message.intent, told


LABELS = {
    "Step by step": ("procedure_step", {"skip": 2}),
    "Done": ("procedure_step", {"done": 2}),
    "Later": ("procedure_step", {"skip": 2}),
    "Steps": ("procedure_steps", {}),
    "Red flags": ("procedure_flags", {}),
    "Why and source": ("procedure_why", {}),
    "Numbers": ("procedure_contacts", {}),
    "In a child's words": ("procedure", {"audience": "child"}),
    "My country": ("procedure_where", {}),
    "More like this": ("procedure_like", {}),
    "Tell me if it changes": ("tell_change", {}),
    "Time limits": ("procedure_why", {"part": "time_limits"}),
    "Papers": ("procedure_why", {"part": "documents"}),
    "Sources": ("procedure_why", {"part": "sources"}),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("label", LABELS)
def test_who_writes_what_a_button_says_is_answered_as_if_they_pressed_it(label: str, language: str) -> None:
    assert heard(TRANSLATE(language, label).upper(), after(IN_SIGHT, **STEP)) == LABELS[label]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("Why?", ("procedure_why", {})),
        ("but why", ("procedure_why", {})),
        ("who do I call?", ("procedure_contacts", {})),
        ("What are the time limits?", ("procedure_why", {"part": "time_limits"})),
        ("what documents do I need", ("procedure_why", {"part": "documents"})),
        ("what is the law behind it?", ("procedure_why", {"part": "sources"})),
        ("next step please", ("procedure_step", {})),
        ("what about 4?", ("procedure_step", {"skip": 3})),
        ("Step 1", ("procedure_step", {"skip": 0})),
        ("et l'étape 4 ?", ("procedure_step", {"skip": 3})),
        ("¿y el paso 4?", ("procedure_step", {"skip": 3})),
        ("والخطوة 4؟", ("procedure_step", {"skip": 3})),
        ("step 2 done", ("procedure_step", {"done": 2})),
        ("mark 2 done", ("procedure_step", {"done": 2})),
        ("القائمة", ("procedure_step", {})),
        ("étape 2 faite", ("procedure_step", {"done": 2})),
        ("paso 2 hecho", ("procedure_step", {"done": 2})),
        ("تمت الخطوة 2", ("procedure_step", {"done": 2})),
        ("first step", ("procedure_step", {"skip": 0})),
        ("start over", ("procedure_step", {"done": 0})),
        ("ok, what next", ("procedure_step", {})),
        ("start the checklist", ("procedure_step", {})),
        ("je commence", ("procedure_step", {})),
        ("ابدأ", ("procedure_step", {})),
        ("tell me more", ("procedure_why", {})),
        ("plus d'infos", ("procedure_why", {})),
        ("más información", ("procedure_why", {})),
        ("المزيد", ("procedure_why", {})),
        ("is there a form?", ("procedure_why", {"part": "documents"})),
        ("report this case", ("report_case", {})),
        ("signaler", ("report_case", {})),
        ("go back", ("procedure_steps", {})),
        ("red flag", ("procedure_flags", {})),
        ("señal de alerta", ("procedure_flags", {})),
        ("Qui dois-je appeler ?", ("procedure_contacts", {})),
        ("quels sont les délais ?", ("procedure_why", {"part": "time_limits"})),
        ("¿Por qué?", ("procedure_why", {})),
        ("¿a quién llamo?", ("procedure_contacts", {})),
        ("¿cuáles son los plazos?", ("procedure_why", {"part": "time_limits"})),
        ("لماذا؟", ("procedure_why", {})),
        ("بمن أتصل؟", ("procedure_contacts", {})),
        ("ما هي المهل؟", ("procedure_why", {"part": "time_limits"})),
        ("ما الوثائق المطلوبة", ("procedure_why", {"part": "documents"})),
        ("what do I do?", ("procedure_steps", {})),
        ("شو بعمل", ("procedure_steps", {})),
        ("qué pasos sigo", ("procedure_steps", {})),
        ("مين بتصل", ("procedure_contacts", {})),
    ],
)
def test_a_few_plain_words_ask_on_about_the_text_just_given(words: str, meant: tuple[str, dict[str, Any]]) -> None:
    assert heard(words, after()) == meant


def test_what_to_do_is_asked_about_danger_where_danger_was_told_and_nobody_is_looked_for_with_who() -> None:
    assert heard("what do I do?", after(danger_reason="sexual_abuse"))[0] == "nlu_fallback"
    assert heard("who appoints them", after(), "search_service")[0] == "nlu_fallback"


@pytest.mark.parametrize(
    "words",
    [
        "and in France?",
        "And what about Italy",
        "France",
        "in Mexico",
        "et en Italie ?",
        "y en México",
        "وفي إيطاليا؟",
        "is this the law in Italy?",
        "no wait, is this different in France?",
        "what's the rule in Germany",
        "c'est pareil en Belgique ?",
        "¿es igual en México?",
        "هل نفس الشيء في فرنسا؟",
    ],
)
def test_the_name_of_a_country_asks_what_holds_there(words: str) -> None:
    assert heard(words, after()) == ("procedure", {"part": "there"})


@pytest.mark.parametrize(("words", "town"), [("and in Calais?", "Calais"), ("et à Vintimille ?", "Vintimille")])
def test_the_name_of_a_town_does_so_after_an_and(words: str, town: str) -> None:
    place = (Entity("place", town),)
    asked = as_follow_up(UserMessage(words, "search_service", 0.9, entities=place), after())

    assert (asked.intent, asked.entities[1:]) == ("procedure", (Entity("part", "there"), *place))
    numbers = as_follow_up(UserMessage(town, "search_service", 0.9, entities=place), after("action_procedure_contacts"))
    assert (numbers.intent, numbers.entities[1:]) == ("procedure_contacts", place)
    assert as_follow_up(UserMessage(town, "search_service", 0.9, entities=place), after()).intent == "search_service"


@pytest.mark.parametrize(
    "words",
    ["who do i call, im in Calais", "qui j'appelle à Calais ?", "¿a quién llamo en Calais?", "بمن اتصل انا في Calais"],
)
def test_whom_to_call_and_where_is_asked_in_one_message(words: str) -> None:
    asked = as_follow_up(UserMessage(words, "inform", 0.9, entities=(Entity("place", "Calais"),)), after())

    assert asked.intent == "procedure_contacts"


@pytest.mark.parametrize(
    "words", ["and in the EU?", "et dans l'UE ?", "¿y en la Unión Europea?", "وفي الاتحاد الأوروبي؟"]
)
def test_so_does_the_name_of_the_union(words: str) -> None:
    assert heard(words, after()) == ("procedure", {"country": "EU", "part": "there"})


@pytest.mark.parametrize(
    "words",
    [
        "why does he hit me",
        "done with life",
        "I want to go to France",
        "my uncle in Italy",
        "the papers were taken from me",
        "what next, he is at the door",
        "/procedure_why",
        "4",
        "4 children",
        "",
        "no",
    ],
)
def test_words_that_say_more_are_read_as_ever(words: str) -> None:
    assert heard(words, after(**STEP)) == ("nlu_fallback", {})


def test_danger_is_heard_before_and_a_question_of_ours_is_answered_first() -> None:
    assert heard("why?", after(), "in_danger")[0] == "in_danger"
    assert heard("done", after(safety_question=True, **STEP))[0] == "nlu_fallback"
    assert heard("later", after(loop="report_form", **STEP))[0] == "nlu_fallback"


def test_beside_a_search_the_text_just_given_is_asked_on_about_and_an_answer_to_the_search_stays_one() -> None:
    searched = after("service_form", loop="service_form", **STEP)
    read = after(loop="service_form", **STEP)
    place = UserMessage("numbers", "inform", 0.9, entities=(Entity("place", "Numbers"),))

    assert heard("by when?", read) == ("procedure_why", {"part": "time_limits"})
    assert (
        heard("later", read)[0] == heard("and in France", read)[0] == heard("by when?", searched)[0] == "nlu_fallback"
    )
    assert as_follow_up(place, read) is place


def test_a_worker_reads_on_in_the_text_about_the_danger_they_told_of() -> None:
    told = after("action_procedure_now", safety_question=True, speaks_for_child=True, **STEP)

    assert heard("which documents", told) == ("procedure_why", {"part": "documents"})
    assert heard("and in Mexico?", told) == ("procedure", {"part": "there"})
    assert [heard(words, told)[0] for words in ("done", "later", "in Mexico")] == ["nlu_fallback"] * 3
    assert heard("which documents", after("action_procedure_now", safety_question=True))[0] == "nlu_fallback"


def test_the_text_about_a_danger_is_asked_on_about_before_it_was_read() -> None:
    danger = {"danger_reason": "suicide_self_harm", "safety_question": True, "last_procedure": "turning_18"}
    told = as_follow_up(UserMessage("who do I call?", "who_are_you", 0.9), after("action_call_officer", **danger))
    assert told.intent == "who_are_you"  # by who may be in danger themselves
    of_a_child = after("action_call_officer", speaks_for_child=True, **danger)
    told = as_follow_up(UserMessage("who do I call?", "who_are_you", 0.9), of_a_child)
    assert (told.intent, told.entities) == ("procedure_contacts", (Entity("procedure", "self_harm"),))


def test_report_is_pressed_whatever_was_read_since_its_button_was_shown() -> None:
    assert heard("report", after("action_find_service"))[0] == "report_case"
    assert heard("report", after("action_find_service", audience="child"))[0] == "nlu_fallback"


def test_small_talk_that_is_hardly_heard_is_none_in_the_midst_of_a_text() -> None:
    assert heard("and the mother?", after(), "who_are_you")[0] == "nlu_fallback"
    assert heard("and the mother?", after("action_find_service"), "who_are_you")[0] == "who_are_you"
    assert heard("do I have to say yes?", after(), "affirm")[0] == "nlu_fallback"
    assert heard("yes", after(), "affirm")[0] == "affirm"
    assert heard("no?", after(safety_question=True, speaks_for_child=True), "deny")[0] == "deny"
    assert heard("why?", after("utter_who_am_i"))[0] == "nlu_fallback"
    asked = DialogueState(after().slots, {}, (*after().events, *after("utter_who_am_i").events))
    assert heard("why?", asked)[0] == "procedure_why"


def test_only_what_was_spoken_of_last_is_asked_on_about() -> None:
    assert heard("why?", after("action_search_services"))[0] == "nlu_fallback"
    assert heard("why?", after("action_not_understood"))[0] == "nlu_fallback"
    spoken_of = after()
    still = DialogueState(spoken_of.slots, {}, (*spoken_of.events, *after("action_not_understood").events))
    assert heard("why?", still)[0] == "procedure_why"


def test_next_leads_back_to_the_step_from_which_something_else_was_read() -> None:
    assert heard("next", after(IN_SIGHT, **STEP)) == ("procedure_step", {"skip": 2})
    assert heard("next", after("action_procedure_flags", **STEP)) == ("procedure_step", {"skip": 1})
    for words in ("where was I?", "où j'en suis", "¿por dónde iba?", "وين وصلت"):
        assert heard(words, after("action_procedure_flags", **STEP)) == ("procedure_step", {"skip": 1})
        assert heard(words, after())[0] == "nlu_fallback"  # where no step waits


def test_a_child_whose_text_asks_whether_they_are_safe_reads_on_and_is_not_taken_to_have_answered() -> None:
    asked = after(IN_SIGHT, audience="child", safety_question=True, asked_by_text=True, **STEP)

    assert heard("Why?", asked)[0] == "procedure_why"
    assert [heard(words, asked)[0] for words in ("done", "later", "no", "yes")] == ["nlu_fallback"] * 4


def test_done_and_later_mean_a_step_only_where_one_waits() -> None:
    assert heard("done", after())[0] == "nlu_fallback"
    assert heard("done", after(step_shown={"procedure": "missing_child", "step": 3}))[0] == "nlu_fallback"


def test_a_child_who_asks_whom_to_call_is_not_kept_from_a_person() -> None:
    assert heard("who do I call?", after(audience="child"), "ask_human")[0] == "ask_human"
    assert heard("France", after(audience="child"))[0] == "nlu_fallback"
    assert heard("why?", after(audience="child"))[0] == "procedure_why"


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ("Chica de 16, pasó de Italia a Francia", True),
        ("Boy 12, Libya to Italy to France", True),
        ("فتاة، 16، انتقلت من إيطاليا إلى فرنسا", True),
        ("I came from Syria through Turkey to Greece", False),
        ("we moved from Italy to France", False),
        ("Girl, 16, in Italy", False),
    ],
)
def test_a_child_and_the_countries_of_its_way_ask_what_changes_on_it(words: str, asks: bool) -> None:
    assert (as_journey(UserMessage(words, "inform", 0.9), DialogueState()).intent == "procedure") is asks
    assert as_journey(UserMessage(words, "in_danger", 0.9), DialogueState()).intent == "in_danger"


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_writes_that_they_work_with_children_has_pressed_its_button(language: str) -> None:
    said = as_introduction(UserMessage(TRANSLATE(language, "I work with children"), "inform", 0.9), DialogueState())

    assert (said.intent, [(e.name, e.value) for e in said.entities]) == ("procedure", [("audience", "worker")])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("Hello, I'm a police officer at the port of Calais", True),
        ("je suis assistante sociale", True),
        ("soy policía en Tapachula", True),
        ("أنا حرس حدود", True),
        ("I work in a shelter in Calais", True),
        ("أنا موظف بالمركز", True),
        ("nurse here", True),
        ("infirmière ici", True),
        ("doctor here?", False),  # asked for
        ("police here", False),  # why somebody hides
        ("a volunteer here touches girls", False),
        ("I am a soldier", False),  # a child may be made one
        ("I'm a teacher's son", False),
        ("I'm a nurse and I am scared", False),
    ],
)
def test_only_an_introduction_is_read_as_one(words: str, says: bool) -> None:
    assert (as_introduction(UserMessage(words, "inform", 0.9), DialogueState()).intent == "procedure") is says
