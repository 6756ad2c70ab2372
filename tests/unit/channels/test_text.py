"""Text that comes in is harmless; text that goes out is cut where a reader would pause."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.model import LONGEST_TEXT
from bot.channels.text import clean, sendable, split, units

FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


@given(st.text(st.characters(exclude_categories=[]), max_size=500))
def test_cleaned_text_holds_nothing_that_hides_or_reorders(text: str) -> None:
    cleaned = clean(text)

    assert FORBIDDEN.search(cleaned) is None
    assert clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("two\r\nlines\tand a tab", "two\nlines and a tab"),
        ("pay \u202etxt.exe\u202c now", "pay txt.exe now"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("kn\u200bife", "knife"),
        ("\ud83d half", "half"),
        ("a\x00b", "ab"),
        ("  \u2066  ", ""),
    ],
)
def test_words_stay_as_they_were_written(text: str, kept: str) -> None:
    assert clean(text) == kept


def test_a_hundred_thousand_characters_are_cut_to_the_longest_text() -> None:
    assert len(clean("a" * 100_000)) == LONGEST_TEXT


def test_length_is_counted_as_phones_count_it() -> None:
    assert units("a😀é") == 4


@given(st.text(max_size=400), st.integers(min_value=20, max_value=100))
def test_the_parts_fit_and_lose_nothing_but_white_space(text: str, longest: int) -> None:
    parts = split(text, longest)

    assert all(units(part) <= longest for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(parts)


def test_a_cut_falls_between_paragraphs_then_lines_then_sentences_then_words() -> None:
    assert split("One two.\n\nThree four five.", 20) == ["One two.", "Three four five."]
    assert split("One two three\nfour five six", 20) == ["One two three", "four five six"]
    assert split("One two three. Four five six.", 20) == ["One two three.", "Four five six."]
    assert split("One two three four five six", 20) == ["One two three four", "five six"]


def test_a_letter_is_not_torn_from_its_marks() -> None:
    parts = split("e\u0301" * 30, 21)

    assert all(not part.startswith("\u0301") for part in parts)


def test_short_text_is_one_part_and_no_text_is_none() -> None:
    assert split("hello", 4096) == ["hello"]
    assert split("  ", 4096) == []


def test_numbers_are_kept_in_order_in_texts_written_from_the_right() -> None:
    assert sendable("+216 71 123 456", rtl=True) == "\u2066+216 71 123 456\u2069"
    assert sendable("+216 71 123 456", rtl=False) == "+216 71 123 456"
    assert sendable("112", rtl=True) == "112"
