"""Whoever fears somebody and writes that they are here is in danger now; the same words elsewhere say nothing."""

from __future__ import annotations

import pytest

from dialogues.context.arriving import as_arriving, says_somebody_is_here
from dialogues.runtime.model import DialogueState, UserMessage

TOLD = {"danger_reason": "physical_abuse", "safety_question": True}
SAY_IT = (
    *("he is here", "He's here!", "she's back", "my uncle is here now", "help he's at the door", "they are outside"),
    *("il est là", "Il est là !", "mon oncle est là", "il est revenu", "elle arrive", "il est devant la porte"),
    *("está aquí", "ya está aquí", "ya llegó", "él está afuera", "está en la puerta"),
    *("هو هنا", "هو هون هلق", "إنه هنا", "رجع", "عالباب", "لا، هو هون"),
    *("he is with me now", "il est avec moi", "está conmigo", "هو معي هلق"),
    *("no wait he is back", "no, he's here", "non attends il est revenu", "espera ya llegó"),
)
SAY_IT_NOT = (
    *("is he here?", "he is here?", "he is not here", "I am here", "my brother is here", "he is 12", "he was here"),
    *("il n'est pas là", "je suis là", "no está aquí", "estoy aquí", "مو هنا", "أنا هنا"),
)


def test_that_somebody_has_come_is_read_in_four_languages_and_from_nothing_else() -> None:
    assert [words for words in SAY_IT if not says_somebody_is_here(words)] == []
    assert [words for words in SAY_IT_NOT if says_somebody_is_here(words)] == []


@pytest.mark.parametrize(
    ("slots", "words", "heard"),
    [
        (TOLD, "he is here", "not_safe"),
        ({**TOLD, "danger_reason": "homeless_tonight"}, "he is here", "inform"),
        ({**TOLD, "speaks_for_child": True}, "he is here", "inform"),
        ({**TOLD, "speaks_for_child": True}, "the uncle is here", "not_safe"),
        ({**TOLD, "audience": "worker"}, "son oncle est là", "not_safe"),
        ({**TOLD, "audience": "worker"}, "عمها هنا", "not_safe"),
        ({**TOLD, "safety_question": None}, "no wait he is back", "not_safe"),
        ({}, "he is here", "in_danger"),
        ({}, "ils sont là", "in_danger"),
        ({}, "she is here with me", "inform"),
        ({"audience": "worker"}, "he is here", "inform"),
    ],
    ids=[
        "of whom they fear",
        "nobody is feared",
        "a worker has the child there",
        "a worker, of whom they fear",
        "in French",
        "in Arabic",
        "they had said that they are safe",
        "the first thing that is said",
        "the first thing that is said, in French",
        "of a woman beside them",
        "a worker, of nobody who is feared",
    ],
)
def test_it_is_danger_only_where_whoever_writes_fears_somebody(
    slots: dict[str, object], words: str, heard: str
) -> None:
    assert as_arriving(UserMessage(words, "inform", 0.99), DialogueState(slots)).intent == heard


def test_a_child_who_reads_of_an_adult_who_scares_them_is_heard_too() -> None:
    read = ({"event": "action", "name": "action_answer_procedure"},)
    child = {"audience": "child", "last_procedure": "adult_with_child"}

    assert as_arriving(UserMessage("il est là", "inform"), DialogueState(child, {}, read)).intent == "not_safe"
    assert as_arriving(UserMessage("il est là", "inform"), DialogueState(child)).intent == "inform"
