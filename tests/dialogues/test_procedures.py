"""Three talks about every procedure in every language, with the texts as they are shipped."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dialogues.actions import build_actions
from dialogues.actions.answer import answer, sentences
from dialogues.context import in_context
from dialogues.knowledge import Audience, Procedure, Procedures
from dialogues.knowledge.countries import country_name
from dialogues.knowledge.evaluation import read_questions
from dialogues.knowledge.model import COLON, LANGUAGES
from dialogues.runtime.catalogue import read_catalogues, translator
from dialogues.runtime.engine import Engine
from dialogues.runtime.model import DialogueState, Entity, Turn, UserMessage
from dialogues.runtime.payload import read_payload
from dialogues.talks import message_of, read_world
from dialogues.understanding import learnt_folder
from dialogues.understanding.reading import Understanding
from dialogues.vocabulary import mark_of_words

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TODAY = date(2026, 11, 23)
PROCEDURES = Procedures.load_shipped()
TRANSLATE = translator(read_catalogues(ROOT / "locales"))
SAFE_AFTER_A_TEXT = "Good. Stay where you are safe.\nIf that changes, call {emergency_number} and write here."
ASKED_AGAIN = (
    "Danger now? Call {emergency_number}.\nYou can write 1 for yes, 2 for no, or any words.\nAre you safe right now?"
)
A_BOY_ALONE = {"en": "a boy, alone", "fr": "un garçon, seul", "es": "un niño, sin nadie", "ar": "ولد وحده"}
YES = {"en": "Yes", "fr": "oui", "es": "Sí", "ar": "نعم"}
EVERY_ONE = [(key, language) for key in PROCEDURES.keys for language in LANGUAGES]
OF_CHILDREN = sorted(
    {(text.key, text.language) for text in PROCEDURES.texts() if text.audience is Audience.CHILD}, key=str
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    actions = build_actions(read_world(HERE / "world.yml"), PROCEDURES, TRANSLATE, today=lambda: TODAY)
    return Engine.load(ROOT / "dialogues", actions=actions, translate=TRANSLATE)


def text_of(key: str, language: str, audience: Audience = Audience.WORKER) -> Procedure:
    text = PROCEDURES.get(key, language, TODAY, audience=audience)
    assert text is not None
    return text.filled({"emergency_number": "112"})


def one_a_line(text: Procedure) -> str:
    return "\n".join(sentences(text.first_answer))


async def ask(engine: Engine, key: str, language: str, **slots: Any) -> Turn:
    question = UserMessage("?", "procedure", entities=(Entity("procedure", key),))
    return await engine.turn(DialogueState(slots={"language": language, **slots}), question)


async def tap(engine: Engine, turn: Turn, title: str) -> Turn:
    """Press a button of the last message that has one of that name."""
    choices = [choice for reply in turn.replies for choice in reply.choices if choice.title == title]
    message = read_payload(choices[-1].payload)
    assert message is not None
    return await engine.turn(turn.state, message)


def officers_called(turn: Turn) -> list[str]:
    return [reply.custom["priority"] for reply in turn.replies if reply.custom.get("waymark") == "call_officer"]


@pytest.mark.parametrize(("key", "language"), EVERY_ONE)
async def test_a_worker_asks_what_to_do_and_why(engine: Engine, key: str, language: str) -> None:
    text = text_of(key, language)

    turn = await ask(engine, key, language)
    why = await tap(engine, turn, TRANSLATE(language, "Why and source"))

    first, steps = turn.replies
    assert "\n".join(f"• {sentence}" for sentence in sentences(text.first_answer)) in first.text
    assert text.never in first.text
    assert all(limit in steps.text for limit in text.time_limits)
    assert all(contact in steps.text for contact in text.contacts)
    assert text.why in why.replies[0].text
    assert all(source.citation() in why.replies[0].text for source in text.shown_sources())
    assert all(about in why.replies[0].text for source in text.shown_sources() for about in source.about)
    assert "{" not in "".join(reply.text for reply in (*turn.replies, *why.replies))
    assert officers_called(turn) == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_law_of_the_eu_is_given_to_nobody_elsewhere_as_if_it_held_there(
    engine: Engine, language: str
) -> None:
    for key in PROCEDURES.keys:
        text = PROCEDURES.get(key, language, TODAY, "CO")
        assert text is not None
        assert {source.holds_in for source in text.sources} <= {"", "CO"}, key
    in_colombia = await ask(engine, "family_transfer", language, country="CO")
    in_italy = await ask(engine, "family_transfer", language, country="IT")
    unknown = await ask(engine, "family_transfer", language)
    why = await tap(engine, unknown, TRANSLATE(language, "Why and source"))
    where = await tap(engine, unknown, TRANSLATE(language, "My country"))
    asked = await tap(engine, where, country_name("EU", language))

    limit = next(
        rule.words for rule in PROCEDURES.overlays.rules("family_transfer", language, "EU", TODAY) if rule.replaces
    )
    assert all("Eurodac" not in reply.text for reply in (*in_colombia.replies, *unknown.replies))
    assert all(limit in turn.replies[0].text and limit in turn.replies[1].text for turn in (in_italy, asked))
    only = TRANSLATE(language, "only in: {country}").format(country=country_name("EU", language))
    assert f"{country_name('EU', language)}{COLON[language]}{limit}" in why.replies[0].text
    assert only in why.replies[0].text
    assert asked.state.slots.get("country") is None


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_an_answer_comes_from_is_one_line(engine: Engine, language: str) -> None:
    turn = await ask(engine, "identify_uasc", language, country="IT")
    why = await tap(engine, turn, TRANSLATE(language, "Why and source"))

    *_, line = turn.replies[0].text.split("\n")
    laid = f"{TRANSLATE(language, 'international standard')} + {country_name('EU', language)}"
    assert all(part in line for part in ("+", laid, "2026"))
    assert line.endswith(TRANSLATE(language, "draft, approved by no local expert yet"))
    said = why.replies[0].text
    assert (
        TRANSLATE(language, "Draft: no local expert has approved this text yet. Check before you rely on it.") in said
    )
    with_local = TRANSLATE(
        language,
        "International standard, with what is confirmed for: {country}. Text of {since}, next review {review}.",
    )
    assert with_local.partition("{")[0] + country_name("EU", language) in said
    assert (", " in line) is (language != "ar")


@pytest.mark.parametrize(("key", "language"), EVERY_ONE)
async def test_a_worker_goes_through_the_checklist_to_its_end(engine: Engine, key: str, language: str) -> None:
    text = text_of(key, language)
    done, later = TRANSLATE(language, "Done"), TRANSLATE(language, "Later")

    turn = await tap(engine, await ask(engine, key, language), TRANSLATE(language, "Step by step"))
    turn = await tap(engine, turn, later)  # the first step is put off, so that it comes last
    for number in range(2, len(text.steps) + 1):
        assert f"{number}. {text.steps[number - 1]}" in turn.replies[0].text
        turn = await tap(engine, turn, done)
    assert f"1. {text.steps[0]}" in turn.replies[0].text
    turn = await tap(engine, turn, done)

    assert TRANSLATE(language, "All {total} steps are done.").format(total=len(text.steps)) in turn.replies[0].text


@pytest.mark.parametrize(("key", "language"), EVERY_ONE)
async def test_a_worker_meets_a_red_flag_and_a_case_is_made_before_anything_is_asked(
    engine: Engine, key: str, language: str
) -> None:
    text = text_of(key, language)

    turn = await tap(engine, await ask(engine, key, language), TRANSLATE(language, "Red flags"))
    assert all(flag in turn.replies[0].text for flag in text.red_flags)
    for number, flag in enumerate(text.red_flags, 1):  # in words as by its button
        said = in_context(UserMessage(flag, "nlu_fallback"), turn.state)
        assert {e.name: e.value for e in said.entities} == {"procedure": key, "flag": number}
    assert in_context(UserMessage(YES[language], "affirm"), turn.state).intent == "red_flag"
    title = TRANSLATE(language, "Report this case now: {flag}").format(flag=text.red_flags[-1])
    turn = await tap(engine, turn, title)

    assert officers_called(turn) in (["P0"], ["P1"])
    assert text.red_flags[-1] in turn.replies[0].text
    assert turn.state.active_loop.get("name") == "report_form"
    turn = await engine.turn(turn.state, UserMessage("", "affirm"))
    turn = await engine.turn(turn.state, UserMessage("Calais", "nlu_fallback"))
    turn = await engine.turn(turn.state, UserMessage(A_BOY_ALONE[language], "nlu_fallback"))
    assert turn.replies[-1].response == "utter_ask_report_children"
    assert officers_called(turn) == ["P1"]


async def test_a_question_in_its_own_words_leads_to_its_steps(engine: Engine, tmp_path: Path) -> None:
    """One question of each procedure that nobody trained on, in one language after the other, read as a live message
    is. Of those that are not answered at once nearly all are offered, or a person is called."""
    understanding = Understanding.load(ROOT / "dialogues", learnt_folder(tmp_path))
    asked = {(question.key, question.language): question.words for question in reversed(read_questions())}
    answered, astray = list[str](), list[str]()
    for at, key in enumerate(PROCEDURES.keys):
        language = LANGUAGES[at % len(LANGUAGES)]
        heard = message_of(understanding.read(asked[key, language], language=language), {})
        turn = await engine.turn(DialogueState(slots={"language": language}), heard)

        if turn.state.slots.get("last_procedure") == key:
            step = await tap(engine, turn, TRANSLATE(language, "Step by step"))
            shown = [
                text_of(key, language, audience) for audience in Audience if PROCEDURES.has(key, language, audience)
            ]
            assert any(text.steps[0] in step.replies[0].text for text in shown), key
            answered.append(key)
        else:
            offered = any(f'"{key}"' in choice.payload for reply in turn.replies for choice in reply.choices)
            astray += [] if offered or officers_called(turn) else [key]

    assert len(answered) >= 35, set(PROCEDURES.keys) - set(answered)
    assert len(astray) <= 2, astray


@pytest.mark.parametrize(("key", "language"), OF_CHILDREN)
async def test_a_child_gets_the_childs_version_and_no_law(engine: Engine, key: str, language: str) -> None:
    text = text_of(key, language, Audience.CHILD)

    turn = await ask(engine, key, language, audience="child")
    step = await tap(engine, turn, TRANSLATE(language, "Step by step"))

    assert turn.replies[0].text == f"{one_a_line(text)}\n\n✋ {text.never}"
    assert f"1. {text.steps[0]}" in step.replies[0].text
    assert text_of(key, language).title not in step.replies[0].text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_child_who_was_answered_as_a_worker_says_so_by_a_tap(engine: Engine, language: str) -> None:
    childs = text_of("guardian_appointment", language, Audience.CHILD)

    turn = await tap(engine, await ask(engine, childs.key, language), TRANSLATE(language, "I am under 18"))
    assert turn.replies[0].text.startswith(one_a_line(childs))
    asked = UserMessage("?", "procedure", entities=(Entity("procedure", "turning_18"),))
    later = await engine.turn(turn.state, asked)
    assert later.replies[0].text.startswith(one_a_line(text_of("turning_18", language, Audience.CHILD)))

    mistaken = await tap(engine, turn, TRANSLATE(language, "I work with children"))
    assert sentences(text_of(childs.key, language).first_answer)[-1] in mistaken.replies[0].text
    titles = [choice.title for choice in mistaken.replies[-1].choices]
    assert TRANSLATE(language, "In a child's words") in titles
    assert TRANSLATE(language, "I am under 18") not in titles


async def test_a_step_that_an_editor_changed_is_open_again(engine: Engine) -> None:
    turn = await tap(engine, await ask(engine, "missing_child", "en"), "Step by step")
    turn = await tap(engine, turn, "Done")
    marks = turn.state.slots["steps_done"]["missing_child"]
    assert len(marks) == 1

    changed = DialogueState(slots={**turn.state.slots, "steps_done": {"missing_child": ["0badc0de"]}})
    turn = await engine.turn(changed, UserMessage("", "procedure_step"))

    assert "Step 1 of" in turn.replies[0].text
    assert "Done so far: 0" in turn.replies[0].text


@pytest.mark.parametrize("strange", [-1, 0.5, 99, True, "2", None, [1]])
async def test_a_button_nobody_made_ticks_no_step(engine: Engine, strange: object) -> None:
    turn = await ask(engine, "missing_child", "en")

    tapped = UserMessage("", "procedure_step", entities=(Entity("done", strange), Entity("skip", strange)))
    turn = await engine.turn(turn.state, tapped)

    assert "Step 1 of" in turn.replies[0].text


@pytest.mark.parametrize("strange", [-1, 0, 99, "2", None])
async def test_a_red_flag_that_is_gone_makes_a_case_all_the_same(engine: Engine, strange: object) -> None:
    turn = await ask(engine, "missing_child", "en")

    turn = await engine.turn(turn.state, UserMessage("", "red_flag", entities=(Entity("flag", strange),)))

    assert officers_called(turn) == ["P0"]


async def test_an_answer_that_is_not_certain_offers_what_else_was_meant(engine: Engine) -> None:
    ranking = (("procedure/emergency_care", 0.43), ("procedure/best_interests", 0.2), ("search_service/shelter", 0.1))
    meant = (Entity("procedure", "emergency_care"),)
    start = DialogueState(slots={"language": "en"})

    unsure = await engine.turn(start, UserMessage("siblings", "procedure", 0.43, ranking, meant))
    certain = await engine.turn(start, UserMessage("siblings", "procedure", 0.9, ranking, meant))

    other = text_of("best_interests", "en").title
    assert other in [choice.title for choice in unsure.replies[-1].choices]
    assert other not in [choice.title for choice in certain.replies[-1].choices]


async def test_a_misspelt_subject_that_nobody_understood_is_asked_about(engine: Engine) -> None:
    turn = await engine.turn(DialogueState(slots={"language": "ar"}), UserMessage("الوصى القانونى", "nlu_fallback"))

    assert text_of("guardian_appointment", "ar").title in [choice.title for choice in turn.replies[0].choices]


def gaps_noted(turn: Turn) -> list[tuple[str, str]]:
    found = [reply.custom for reply in turn.replies if reply.custom.get("waymark") == "gap"]
    return [(gap["why"], gap["procedure"]) for gap in found]


@pytest.mark.parametrize(
    ("words", "intent", "ranking", "key"),
    [
        ("what is the speed limit on the motorway", "out_of_scope", (("procedure/identity_documents", 0.3),), ""),
        ("he wants to vote", "nlu_fallback", (("procedure/best_interests", 0.12),), ""),
        ("a brother, another country", "nlu_fallback", (("procedure/family_transfer", 0.27),), "family_transfer"),
        ("الوصى القانونى", "nlu_fallback", (), "guardian_appointment"),
    ],
)
async def test_what_was_asked_in_vain_is_noted_the_first_time_and_named_only_where_it_was_near_a_text(
    engine: Engine, words: str, intent: str, ranking: tuple[tuple[str, float], ...], key: str
) -> None:
    language = "ar" if words[0] > "z" else "en"

    turn = await engine.turn(DialogueState(slots={"language": language}), UserMessage(words, intent, 0.2, ranking))
    again = await engine.turn(turn.state, UserMessage(words, intent, 0.2, ranking))

    assert gaps_noted(turn) == [("not_understood", key)]
    assert gaps_noted(again) == []


def shown_to_authors(turn: Turn) -> list[str]:
    return [str(reply.custom["words"]) for reply in turn.replies if reply.custom.get("waymark") == "question"]


async def test_common_words_of_a_question_nobody_understood_are_shown_to_authors_where_its_writer_agrees(
    engine: Engine,
) -> None:
    asked = UserMessage("Ahmed from Calais asks, how do I pay for a card for my 2 kids", "out_of_scope", 0.9)

    once = await engine.turn(DialogueState(), asked)
    twice = await engine.turn(once.state, asked)
    agreed = await tap(engine, twice, "Yes, show these words")
    again = await tap(engine, replace(twice, state=agreed.state), "Yes, show these words")

    told = await tap(engine, agreed, "Yes, write to me")

    words = "… from … asks how do I pay for a card for my … kids"
    (wish,) = [reply.custom for reply in told.replies if reply.custom.get("waymark") == "tell"]
    assert wish == {"waymark": "tell", "about": "shown", "given": mark_of_words(words), "language": "en"}
    assert not any(reply.response == "utter_offer_to_show" for reply in once.replies)
    assert words in twice.replies[-1].text
    assert shown_to_authors(twice) == []
    assert shown_to_authors(agreed) == [words]
    assert shown_to_authors(again) == []


async def test_words_that_were_not_read_are_not_shown_by_an_older_button(engine: Engine) -> None:
    state = DialogueState(slots={"asked_in_vain": "how do I pay for my kids"})
    offered = await engine.turn(state, UserMessage("/none_of_these", "none_of_these"))

    later = DialogueState(slots={"asked_in_vain": "how do I go away from my husband"})
    tapped = await tap(engine, replace(offered, state=later), "Yes, show these words")
    refused = await tap(engine, offered, "No")

    assert shown_to_authors(tapped) == shown_to_authors(refused) == []
    assert not refused.state.slots.get("asked_in_vain")


async def test_a_child_and_whoever_told_of_danger_are_not_asked_for_their_words(engine: Engine) -> None:
    asked = UserMessage("how do I pay for a card for my kids", "out_of_scope", 0.9)

    for slots in ({"audience": "child"}, {"danger_reason": "physical_abuse"}):
        once = await engine.turn(DialogueState(slots=slots), asked)
        twice = await engine.turn(once.state, asked)
        assert not any(reply.response == "utter_offer_to_show" for reply in twice.replies)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_whoever_meant_none_of_what_was_offered_says_so_by_a_tap_and_it_is_noted(
    engine: Engine, language: str
) -> None:
    ranking = (("procedure/identity_documents", 0.27),)
    asked = UserMessage("?", "nlu_fallback", 0.2, ranking)

    turn = await engine.turn(DialogueState(slots={"language": language}), asked)
    none = await tap(engine, turn, TRANSLATE(language, "None of these"))

    assert gaps_noted(none) == [("not_understood", "")]
    assert none.replies[0].response == "utter_none_of_these"
    assert "112" in none.replies[0].text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_child_who_reported_stays_a_child(engine: Engine, language: str) -> None:
    key = "turning_18"
    start = DialogueState(slots={"language": language, "audience": "child"})

    turn = await engine.turn(start, UserMessage("", "report_case"))
    for message in (UserMessage("", "deny"), *(UserMessage("Calais", "nlu_fallback") for _ in range(2))):
        turn = await engine.turn(turn.state, message)
    turn = await engine.turn(turn.state, UserMessage("?", "procedure", entities=(Entity("procedure", key),)))

    assert turn.replies[0].text.startswith(one_a_line(text_of(key, language, Audience.CHILD)))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_answer_says_that_no_expert_has_approved_it(engine: Engine, language: str) -> None:
    draft = TRANSLATE(language, "draft, approved by no local expert yet")
    text = text_of("missing_child", language)

    turn = await ask(engine, "missing_child", language)

    assert text.is_draft
    assert draft in turn.replies[0].text
    assert draft not in (await ask(engine, "missing_child", language, audience="child")).replies[0].text
    for released in (replace(text, reviewer="A. Expert"), replace(text, approved=True)):
        assert draft not in answer(released, language, TRANSLATE)[0].text


def test_every_article_of_the_convention_that_is_cited_says_what_it_is_about() -> None:
    cited = [source for text in PROCEDURES.texts() for source in text.sources if source.code == "CRC"]

    assert cited
    for source in cited:
        numbers = re.findall(r"\d+", source.article)
        assert len(source.about) >= len(numbers), (source.article, source.about)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_child_who_is_asked_what_they_meant_gets_the_childs_version_by_a_tap(
    engine: Engine, language: str
) -> None:
    words = {"en": "my papers", "fr": "mes papiers", "es": "mis papeles", "ar": "أوراقي"}[language]
    ranking = (("procedure/identity_documents", 0.2),)
    childs = text_of("identity_documents", language, Audience.CHILD)

    turn = await engine.turn(
        DialogueState(slots={"language": language}), UserMessage(words, "nlu_fallback", 0.2, ranking)
    )
    turn = await tap(engine, turn, childs.title)
    step = await tap(engine, turn, TRANSLATE(language, "Step by step"))

    assert turn.replies[0].text.startswith(one_a_line(childs))
    assert childs.steps[0] in step.replies[0].text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_child_who_asks_why_reads_no_article(engine: Engine, language: str) -> None:
    text = text_of("asylum_access", language, Audience.CHILD)

    why = await tap(
        engine, await ask(engine, text.key, language, audience="child"), TRANSLATE(language, "Why and source")
    )

    assert text.why in why.replies[0].text
    assert not any(source.article in why.replies[0].text for source in text.shown_sources() if source.article)
    assert TRANSLATE(language, "Tell me if it changes") not in [choice.title for choice in why.replies[0].choices]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_child_who_was_asked_by_a_text_and_is_not_safe_gets_a_person_at_once(
    engine: Engine, language: str
) -> None:
    asking = [key for key, of in OF_CHILDREN if of == language and text_of(key, of, Audience.CHILD).asks_safety]
    no, yes = TRANSLATE(language, "No"), TRANSLATE(language, "Yes, I am safe")
    assert len(asking) == 15

    for key in asking:
        turn = await ask(engine, key, language, audience="child")
        assert [choice.title for choice in turn.replies[-1].choices][:2] == [yes, no], key
        for answered in (await tap(engine, turn, no), await engine.turn(turn.state, UserMessage("2", "inform"))):
            assert answered.replies[0].response == "utter_unsafe", key
            assert officers_called(answered) == ["P0"], key


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_child_who_was_asked_by_a_text_and_is_safe_is_promised_no_person(engine: Engine, language: str) -> None:
    turn = await ask(engine, "family_transfer", language, audience="child")

    for said in (UserMessage("", "affirm"), UserMessage("1", "inform"), UserMessage("١.", "nlu_fallback")):
        answered = await engine.turn(turn.state, said)
        after = await engine.turn(answered.state, UserMessage("", "deny"))

        assert answered.replies[0].response == "utter_safe_asked_by_text"
        assert TRANSLATE(language, SAFE_AFTER_A_TEXT).format(emergency_number="112") == answered.replies[0].text
        assert officers_called(answered) == []
        assert after.replies[0].response == "utter_what_next"  # the question was answered


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_nobody_understands_after_the_question_of_a_text_brings_a_person_the_second_time(
    engine: Engine, language: str
) -> None:
    turn = await ask(engine, "family_transfer", language, audience="child")

    again = await engine.turn(turn.state, UserMessage("hm", "nlu_fallback"))
    called = await engine.turn(again.state, UserMessage("hmm", "nlu_fallback"))
    unsafe = await engine.turn(called.state, UserMessage("2", "inform"))

    assert officers_called(again) == []
    assert TRANSLATE(language, ASKED_AGAIN).format(emergency_number="112") == again.replies[0].text
    assert officers_called(called) == ["P2"]
    assert officers_called(unsafe) == ["P0"]


async def test_a_step_that_asks_whether_a_child_is_safe_hears_the_answer_too(engine: Engine) -> None:
    turn = await ask(engine, "trafficking_indicators", "en", audience="child")
    turn = await tap(engine, turn, "Yes, I am safe")
    turn = await engine.turn(turn.state, UserMessage("", "procedure_step"))
    turn = await tap(engine, turn, "Later")
    assert "2 for no" in turn.replies[0].text

    answered = await engine.turn(turn.state, UserMessage("2", "inform"))

    assert officers_called(answered) == ["P0"]


async def test_a_worker_who_waits_for_an_officer_and_reads_a_childs_text_still_waits_for_one(engine: Engine) -> None:
    waits = {"safety_question": True, "speaks_for_child": True}

    turn = await ask(engine, "family_transfer", "en", audience="child", **waits)
    safe = await engine.turn(turn.state, UserMessage("", "affirm"))

    assert safe.replies[0].text.startswith("Good. Please stay reachable.\nA duty officer will answer you here.")
