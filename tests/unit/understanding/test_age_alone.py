import pytest

from dialogues.understanding.age_alone import (
    describes_a_child,
    introduces_oneself,
    tells_only_an_age,
    tells_only_of_a_wrong_age,
    tells_only_of_looks,
)
from dialogues.understanding.fold import fold


@pytest.mark.parametrize(
    "text", ["a boy of 14", "Girl, 14 years old", "I'm 16", "j'ai 15 ans", "una niña de 9", "ولد عمره ١٤"]
)
def test_an_age_and_whose_it_is_is_all_that_is_said(text: str):
    assert tells_only_an_age(fold(text))


@pytest.mark.parametrize(
    "text",
    [
        "14",
        "a boy",
        "boy 9 alone",
        "she is 13 and pregnant",
        "my girl of 12 is gone",
        "she is 14, he is 40",
        "a man of 80",
    ],
)
def test_a_number_alone_and_any_other_word_are_left_to_the_heads(text: str):
    assert not tells_only_an_age(fold(text))


@pytest.mark.parametrize(
    "text",
    [
        "I am 15 and they say I am an adult", "the police say I am 18 but I am 16", "he is 15 and they wrote 19",
        "J'ai 15 ans et ils disent que je suis majeur", "tengo 15 y dicen que soy adulto", "عمري ١٥ ويقولون اني بالغ",
    ],
)  # fmt: skip
def test_an_age_that_is_not_believed_is_all_that_is_said(text: str):
    assert tells_only_of_a_wrong_age(fold(text))


@pytest.mark.parametrize(
    "text",
    [
        "they say I am an adult, I am 15 and locked up with men", "I am 15 and they say I am a woman",
        "he says I am 18 but I am 14", "I am 15 and they say I go tomorrow", "they say I am an adult",
        "tengo 15 y dicen que me van a casar", "j'ai 15 ans et ils me frappent",
    ],
)  # fmt: skip
def test_whatever_else_is_said_is_left_to_the_heads(text: str):
    assert not tells_only_of_a_wrong_age(fold(text))


@pytest.mark.parametrize(
    ("text", "introduced"),
    [
        ("je m'appelle Awa, j'ai 14 ans", True), ("My name is Joy", True), ("me llamo Luis y tengo 16", True),
        ("اسمي سارة عمري 14", True), ("I am in the sea", False), ("a boy of ten", False),
        ("my name is Joy " + "and he hits me " * 5, False),
    ],
)  # fmt: skip
def test_a_name_in_few_words_is_an_introduction(text: str, introduced: bool):
    assert introduces_oneself(fold(text)) is introduced


@pytest.mark.parametrize(
    ("text", "described"),
    [("a boy of ten, red jacket", True), ("she is 13 and pregnant", False), ("un garçon de 10 ans a faim", False)],
)
def test_what_a_child_suffers_is_no_look(text: str, described: bool):
    assert describes_a_child(fold(text)) is described


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("a boy of about ten, red jacket", True), ("une fille de 15 ans, veste bleue", True),
        ("un niño como de 8, camisa roja", True), ("ولد عمره تقريبا ١٠ سنين جاكيت ازرق", True),
        ("a boy of ten, red eyes", False), ("a girl of 14 with a man", False), ("a red jacket", False),
        ("I am 15, black jacket, follow me", False), ("a man of 40 in a red jacket", False),
    ],
)  # fmt: skip
def test_a_child_its_age_and_what_it_wears_is_no_danger_and_a_word_more_may_be(text: str, looks: bool):
    assert tells_only_of_looks(fold(text)) is looks
