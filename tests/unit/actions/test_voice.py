from __future__ import annotations

import pytest

from dialogues.actions.voice import says_to_be_a_child, speaks_as_a_child, writes_for_a_child
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
        "I am a 15 year old boy from Guinea",
        "i'm a sixteen-year-old girl",
        "as a 17 yo what can I do",
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
        "can I detain a 15 year old at the airport",
        "I am a 15 year old's teacher",
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


@pytest.mark.parametrize(
    "words",
    [
        "can I detain a 15 year old at the airport",
        "can I arrest a 16-year-old",
        "I have a 15 year old here without parents",
        "I'm with a 12yo who will not speak",
        "what do I do with this fourteen year old",
        "puis-je retenir un jeune de 15 ans",
        "on a un gamin de 13 ans ici",
        "tengo aquí a un chaval de 15 años",
        "puedo retener a un muchacho de 16 años",
        "هل يمكنني احتجاز قاصر عمره 15 سنة",
        "عندي هنا بنت عمرها 14 سنة",
        "puis-je donner son dossier à la préfecture",  # nor is who decides about a child's file
        "can I give her file to the police",
        "¿doy su expediente a la policía?",
        "هل أعطي ملفه للشرطة",
    ],
)
def test_whoever_tells_the_age_of_a_child_before_them_is_no_child(words: str) -> None:
    """A guard who was taken for one read a child's words, and was answered as a child from then on."""
    assert writes_for_a_child(words)
    assert not says_to_be_a_child(words)


@pytest.mark.parametrize(
    "words", ["I am a 15 year old boy and alone", "as a 16 year old can I say no", "je suis un gamin de 15 ans"]
)
def test_whoever_tells_their_own_age_so_writes_for_nobody_else(words: str) -> None:
    assert not writes_for_a_child(words)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "I am a kid alone"),
        ("en", "I'm only a child, can I say no"),
        ("en", "i am a 15 year old girl from Mali"),
        ("fr", "je suis une mineure, je peux refuser"),
        ("fr", "je suis un enfant"),
        ("es", "soy un niño de Honduras"),
        ("es", "soy una chica sola"),
        ("ar", "أنا طفل من سوريا"),
    ],
)
def test_whoever_says_to_be_a_child_is_believed(language: str, words: str) -> None:
    """They were taken for somebody who writes of a child, and read law."""
    assert speaks_as_a_child(words, language)
    assert not writes_for_a_child(words)


@pytest.mark.parametrize(
    "words",
    [
        "I am a child protection officer, who is the guardian",
        "as a child psychologist what may I ask",
        "I am a girl's guardian, the girl is ill",
        "je suis éducatrice et une fille est malade",
    ],
)
def test_whoever_works_with_children_is_none(words: str) -> None:
    assert not any(speaks_as_a_child(words, language) for language in ("en", "fr", "es", "ar"))
