"""Return codes: the digit that checks them, and what counts as one in a message."""

from __future__ import annotations

import pytest

from bot.cases.receipts import grouped, is_whole, new_code
from dialogues.understanding.own_case import (
    agreed_word,
    asks_for_code,
    asks_to_erase,
    asks_who_has,
    return_code,
)

CODE = "0123456789012345"


def test_every_wrong_digit_and_every_swap_of_neighbours_is_caught():
    for _ in range(20):
        code = new_code()
        assert is_whole(code)
        wrong = [code[:n] + d + code[n + 1 :] for n in range(16) for d in "0123456789" if d != code[n]]
        swapped = [code[:n] + code[n + 1] + code[n] + code[n + 2 :] for n in range(15) if code[n] != code[n + 1]]
        assert not any(is_whole(each) for each in [*wrong, *swapped])


def test_a_code_is_sixteen_digits_by_four_in_one_order_in_any_direction_of_writing():
    assert grouped(CODE) == "\u20660123 4567 8901 2345\u2069"


@pytest.mark.parametrize(
    "text",
    [
        CODE,
        "0123 4567 8901 2345",
        "0123-4567-8901-2345.",
        "My return code is 0123 4567 8901 2345",
        "mon code est 0123456789012345",
        "Mi código es 0123 4567 8901 2345",
        "رمزي هو ٠١٢٣ ٤٥٦٧ ٨٩٠١ ٢٣٤٥",
        grouped(CODE),
    ],
)
def test_a_code_is_read_however_it_is_typed(text):
    assert return_code(text) == CODE


@pytest.mark.parametrize(
    "text",
    [
        "he wants the money on 0123456789012345",
        "012345678901234",
        "01234567890123456",
        "call 0123 4567 8901 2345 now",
        "",
    ],
)
def test_other_digits_are_no_code(text):
    assert return_code(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Who has my file?",
        "who received my data",
        "Tell me who has seen my papers",
        "Qui a mon dossier ?",
        "qui a reçu mes données",
        "¿Quién tiene mi expediente?",
        "Quiénes han visto mis datos",
        "من لديه ملفي؟",
        "مين شاف معلوماتي",
    ],
)
def test_who_has_my_file_is_understood_in_four_languages(text):
    assert asks_who_has(text)


@pytest.mark.parametrize(
    "text",
    [
        "Erase everything about me",
        "please delete my data",
        "Efface tout ce que vous savez sur moi",
        "Je veux effacer mes données",
        "Borra todo sobre mí",
        "Quiero borrar mis datos",
        "امسحوا بياناتي",
        "احذف كل شيء عني",
    ],
)
def test_erasing_is_asked_for_in_four_languages(text):
    assert asks_to_erase(text)


@pytest.mark.parametrize("text", ["I lost my code", "j'ai perdu mon code", "perdí mi código", "فقدت رمزي"])
def test_a_new_code_is_asked_for_in_four_languages(text):
    assert asks_for_code(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("My secret word is blue umbrella", "blue umbrella"),
        ("mon mot secret est cerf-volant", "cerf volant"),
        ("Mi palabra secreta es mariposa azul", "mariposa azul"),
        ("كلمتي السرية هي مظلة زرقاء", "مظله زرقا"),
    ],
)
def test_a_word_is_set_in_four_languages(text, word):
    assert agreed_word(text) == word


@pytest.mark.parametrize(
    "text", ["who has a knife", "he has my papers", "delete my number", "who can help me", "erase the video of me"]
)
def test_what_only_sounds_alike_goes_its_usual_way(text):
    assert not (asks_who_has(text))
    assert not (asks_to_erase(text))
    assert not (asks_for_code(text))
    assert not (agreed_word(text))
