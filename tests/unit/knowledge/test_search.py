from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dialogues.actions.look_up import BY_WORDS_WHEN_FAR
from dialogues.knowledge import Audience, Procedures
from dialogues.knowledge.search import merged, words_of

PROCEDURES = Path(__file__).parents[3] / "dialogues" / "procedures"
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def procedures() -> Procedures:
    return Procedures.load_shipped()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("إعطاء", "اعطاء"),
        ("مدرسة", "مدرسه"),
        ("على", "علي"),
        ("مَدْرَسَة", "مدرسة"),
        ("مـدرسة", "مدرسة"),
        ("Évaluation", "evaluation"),
        ("niño", "nino"),
        ("b\u200bone", "bone"),
        ("لاجيء", "لاجئ"),
        ("لجؤ", "لجوء"),
    ],
)
def test_words_typed_differently_are_the_same_word(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


def test_the_arabic_article_and_conjunction_do_not_hide_a_word() -> None:
    assert words_of("والمدرسة المدرسة بالمدرسة") == ["مدرسه", "مدرسه", "مدرسه"]


@pytest.mark.parametrize(
    ("question", "language", "key"),
    [
        ("man says he is the father and has no papers", "en", "adult_with_child"),
        ("girl has dissapeared from the shelter", "en", "missing_child"),
        ("wrist xray for age", "en", "age_assessment"),
        ("plus de place pour ce mineur cette nuit", "fr", "emergency_care"),
        ("evaluation de l age test osseu", "fr", "age_assessment"),
        ("senales de trata", "es", "trafficking_indicators"),
        ("se corta los brasos", "es", "self_harm"),
        ("واحد يقول انا عمه كيف نتاكد", "ar", "adult_with_child"),
        ("طفل مفقود", "ar", "missing_child"),
    ],
)
def test_a_question_finds_its_procedure_in_spite_of_accents_and_typos(
    procedures: Procedures, question: str, language: str, key: str
) -> None:
    found = procedures.search(question, language, on=TODAY)

    assert found[0].key == key
    assert found[0].language == language


@pytest.mark.parametrize(
    ("word", "language", "key"),
    [
        ("guardain", "en", "guardian_appointment"),
        ("interpreter", "en", "interpreter_use"),
        ("vaccination", "en", "health_records"),
        ("tuteur", "fr", "guardian_appointment"),
        ("intérprete", "es", "interpreter_use"),
        ("الوصى", "ar", "guardian_appointment"),
        ("المترجم", "ar", "interpreter_use"),
        ("school", "en", "school_enrolment"),  # two more are called by it
        ("المدرسه", "ar", "school_enrolment"),
    ],
)
def test_one_word_finds_the_text_that_is_called_by_it_and_not_one_that_mentions_it(
    procedures: Procedures, word: str, language: str, key: str
) -> None:
    assert procedures.search(word, language, on=TODAY)[0].key == key


def test_a_word_of_many_texts_finds_them_however_rare_the_words_are_that_it_resembles(procedures: Procedures) -> None:
    assert procedures.search("مدرسة", "ar", on=TODAY, least=BY_WORDS_WHEN_FAR)


@pytest.mark.parametrize("words", ["", "   ", "zzz qqq", "🙂", "a", "123456789", "hello how are you", "مرحبا"])
def test_words_that_mean_no_procedure_find_none(procedures: Procedures, words: str) -> None:
    assert procedures.search(words, "en", on=TODAY) == []


def test_a_language_without_texts_finds_nothing(procedures: Procedures) -> None:
    assert procedures.search("papers", "ti", on=TODAY) == []


def test_a_child_who_asks_finds_the_version_for_children(procedures: Procedures) -> None:
    found = procedures.search("where can I sleep tonight", "en", on=TODAY, audience=Audience.CHILD)

    assert found[0].key == "emergency_care"
    assert all(text.audience is Audience.CHILD for text in found)


def test_a_very_long_message_is_searched_by_its_first_words(procedures: Procedures) -> None:
    found = procedures.search("missing child " + "lorem " * 20_000, "en", on=TODAY)

    assert found == [] or found[0].key == "missing_child"


def test_an_embedder_finds_what_shares_no_word_with_the_text() -> None:
    def embed(texts: list[str]) -> npt.NDArray[np.float32]:
        means_age = np.array(
            [[1.0, 0.0] if "age" in text.split() or "puberty" in text else [0.0, 1.0] for text in texts]
        )
        return means_age.astype(np.float32)

    by_meaning = Procedures.load(PROCEDURES, embed=embed)
    by_words = Procedures.load_shipped()

    assert by_words.search("puberty", "en", on=TODAY) == []
    assert by_meaning.search("puberty", "en", on=TODAY)[0].key == "age_assessment"


def test_what_stands_high_in_two_rankings_comes_before_what_stands_high_in_one() -> None:
    assert merged(["a", "b"], ["c", "a"]) == ["a", "c", "b"]
    assert merged([], ["c"]) == ["c"]
