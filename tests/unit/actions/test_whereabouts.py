from __future__ import annotations

import pytest

from dialogues.actions.whereabouts import names_only_a_place, says_where_they_are
from dialogues.knowledge.countries import country_of_stay


@pytest.mark.parametrize(
    "words",
    [
        "I am in Calais with two boys",
        "we're here at Tapachula, girl alone",
        "i work in Italy",
        "je suis à Vintimille",
        "on est en Italie",
        "estoy en Tapachula con un niño",
        "trabajo en México",
        "أنا في كاليه",
        "نحن بفينتيميليا",
    ],
)
def test_somebody_says_where_they_are(words: str) -> None:
    assert says_where_they_are(words)


@pytest.mark.parametrize(
    "words",
    [
        "the mother lives in Tripoli",
        "a girl in Ventimiglia",
        "il est en Libye",
        "su mamá vive en Honduras",
        "أمه تعيش في طرابلس",
    ],
)
def test_where_somebody_else_is_says_nothing_of_who_writes(words: str) -> None:
    assert not says_where_they_are(words)


@pytest.mark.parametrize(
    ("words", "country"),
    [
        ("age assessment in France", "FR"),
        ("boy from Mali alone in Italy", "IT"),
        ("boy from Mali", None),
        ("from Honduras through Mexico to the US", "US"),
        ("brother in Germany, she is in Italy", None),
        ("طفل وحده في إيطاليا", "IT"),
        ("qui prévenir", None),
        ("صار عمري ال١٨ وبعدني في إيطاليا", "IT"),  # the 18: nothing is left of the word behind its article
    ],
)
def test_the_country_a_question_is_about_is_the_one_that_is_left(words: str, country: str | None) -> None:
    assert country_of_stay(words) == country


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Tijuana", "Tijuana"),
        ("In Chicago!", "Chicago"),
        ("à Paris.", "Paris"),
        ("cerca de Tijuana", "Tijuana"),
        ("في شيكاغو", "شيكاغو"),
        ("بشيكاغو", "شيكاغو"),
    ],
)
def test_a_name_alone_answers_where(words: str, name: str) -> None:
    assert names_only_a_place(words, name)


@pytest.mark.parametrize("words", ["my uncle in Chicago", "not Chicago", "from Chicago", "Chicago is far", "yes"])
def test_a_name_beside_other_words_does_not(words: str) -> None:
    assert not names_only_a_place(words, "Chicago")
