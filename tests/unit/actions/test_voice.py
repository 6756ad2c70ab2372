from __future__ import annotations

import pytest

from dialogues.actions.voice import says_to_be_a_child, speaks_as_a_child
from dialogues.knowledge.evaluation import read_questions


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "i turn 18 next month what happens"),
        ("en", "lost my mother in libya how find her"),
        ("en", "they want to send me back, can I say no?"),
        ("en", "nobody believes I am 15"),
        ("fr", "je vais avoir 18 ans je dors où"),
        ("fr", "j’ai plus de nouvelles de mon petit frère"),
        ("fr", "ils m'ont mis avec des adultes"),
        ("es", "cumplo 18 y me sacan del centro"),
        ("es", "perdí a mi hermano en el camino cómo lo busco"),
        ("es", "nadie me cree que tengo 15"),
        ("ar", "راح أصير ١٨ وين أنام"),
        ("ar", "ضيعت أمي بالطريق كيف ألاقيها"),
        ("ar", "بدهم يرجعوني لصربيا"),
    ],
)
def test_a_child_is_known_by_speaking_of_themselves(language: str, words: str) -> None:
    assert speaks_as_a_child(words, language) or says_to_be_a_child(words)


@pytest.mark.parametrize(
    "words",
    [
        "I'm 16 they say I am an adult",
        "im 15 m from eritrea",
        "i am fifteen what do i do",
        "g 15 ans on me croit pas",
        "j’ai quinze ans et demi",
        "tengo 16 y dicen que soy adulto",
        "عندي ١٥ سنة وحدي",
    ],
)
def test_an_age_that_is_said_in_any_usual_way_is_heard(words: str) -> None:
    assert says_to_be_a_child(words)


@pytest.mark.parametrize(
    "words",
    [
        "I'm 15 km from the border post",
        "i am ten minutes away",
        "I'm 16th in line for the judge",
        "I am 12 kids short of beds",
        "boy says i am 16 but looks 25",
        "tengo 16 y 17 en la misma sala",
        "عندي 15 طفل",
        "I am 40",
    ],
)
def test_a_number_that_is_no_age_of_the_writer_makes_nobody_a_child(words: str) -> None:
    assert not says_to_be_a_child(words)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "what qs am i allowed to ask a minor"),
        ("en", "my son needs a school, how do I enrol him"),
        ("en", "he told me a secret in confidence, when may I break it"),
        ("en", "my interpreter is late, what now"),
        ("en", "I am 15 minutes away from the boy"),
        ("fr", "mon chef dit de refouler le mineur à la barrière"),
        ("fr", "elle me raconte une agression, que dire"),
        ("fr", "j'ai 15 jeunes au foyer et plus un lit"),
        ("es", "me contó un abuso, qué hago"),
        ("es", "me piden el informe del menor"),
        ("ar", "ابني بدون أوراق كيف أسجله"),
        ("ar", "كيف أحكي مع طفل خايف"),
    ],
)
def test_who_speaks_of_somebody_else_is_not_taken_for_a_child(language: str, words: str) -> None:
    assert not speaks_as_a_child(words, language)
    assert not says_to_be_a_child(words)


def test_no_worker_of_the_evaluation_is_taken_for_a_child() -> None:
    assert [one.words for one in read_questions() if speaks_as_a_child(one.words, one.language)] == []


def test_in_a_language_without_forms_nothing_is_guessed() -> None:
    assert not speaks_as_a_child("mi mamá", "so")
