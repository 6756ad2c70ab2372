"""A code is no word of any language: it neither alarms, nor hides what is said beside it."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialogues.understanding.codes import Codes
from dialogues.understanding.model import Ask
from dialogues.understanding.reading import Understanding

CAPITALS, ALL = string.ascii_uppercase + string.digits, string.ascii_letters + string.digits + "-_"
#: Of the kinds that people copy from a screen or a paper. Each holds so many digits that no word is written so.
CODE = st.one_of(
    st.text(ALL, min_size=24, max_size=24).filter(lambda code: sum(letter.isdigit() for letter in code) > 3),
    st.from_regex(
        r"[A-Z]{2}[0-9]{4}|[A-Z][0-9]{7}|[A-Z]{2}-[0-9]{3}-[A-Z]{2}|[0-9][A-Z]{2}[0-9]{3}[A-Z]{2}", fullmatch=True
    ),
    st.from_regex(r"https://[a-z]{3,9}\.org/[a-zA-Z0-9]{6,12}|[a-z]{5,9}[0-9]{2}@[a-z]{5,8}\.com", fullmatch=True),
    st.from_regex(r"\+[1-9][0-9]{10}|[0-9]{9}", fullmatch=True),
)
PLAIN = (
    "my booking is {}",
    "the wifi password is {}",
    "mon numéro de dossier est {}",
    "mi código es {}",
    "رقم الحجز {}",
)


@settings(max_examples=20)
@example("00000000000000000000000-", "my booking is {}")
@example("00000000000000000000-000", "my booking is {}")
@example("0000000000000000000-E000", "my booking is {}")
@example("0000-000", "my booking is {}")
@given(CODE, st.sampled_from(PLAIN))
def test_a_code_neither_alarms_nor_hides_what_is_said_beside_it(understanding: Understanding, code: str, said: str):
    alone, told, plain = understanding.read_all([Ask(code), Ask(said.format(code)), Ask(said.format("").strip())])

    assert (alone.risk, told.risk) == (None, None)
    assert told.intent == plain.intent
    assert understanding.read(f"help {code} he has a knife").risk == understanding.read("help he has a knife").risk


WORDS = (
    "7abibi 3ammi m3a sa3adouni 2a5af Sa3adouni l7ou9ou9 k1ll h3lp h3lpme b4 2nite gr8 14yo 3am P0 15ans 600km 20h50 "
    "covid19 UPE2A 16-year-old under-18s iPhone WhatsApp NGO-run 2009 116000 9 asdfghjkl"
)


def test_what_people_write_with_digits_for_letters_is_a_word():
    assert Codes(["upe2a", "covid19"]).without(WORDS) == WORDS


def test_a_word_behind_a_number_is_heard():
    codes = Codes(["mum", "for", "the", "year"])

    assert codes.without("0155123456-mum") == "mum"
    assert codes.without("0155123456-AKQ mum") == "mum"
    assert codes.without("for the year 2026-2027") == "for the year 2026-2027"


def test_a_shouted_word_is_no_code():
    assert Codes(["the"]).without("HE SAID 2A5AF") == "HE SAID 2A5AF"


def test_a_payload_typed_by_hand_is_heard_without_its_signs(understanding: Understanding):
    assert understanding.read('/inform{"age": 3}').risk is None
    assert understanding.read('/inform{"note": "he has a knife"}').risk is not None


@pytest.mark.parametrize("pin", ["41.00821, 28.97841", "-12.0464 -77.0428", "(36.8065, 10.1815)"])
def test_a_spot_on_the_map_and_no_word_calls_a_person(understanding: Understanding, pin: str):
    assert understanding.read(pin).risk is not None


NUMBERS = ("41", "127", "0:40", "7:40", "+39 347 220 2577", "٧:٤٠", "٠٩٤٧ ٠٧٨٦ ٧٨٨٨ ٦٢٧٤", "\u20669565\u2069")


@pytest.mark.parametrize("number", [*NUMBERS, "my code is 1234 5678 9012 3456"])
def test_a_number_alone_is_no_danger_whatever_was_learnt_from_words(understanding: Understanding, number: str):
    assert understanding.read(number).risk is None


def test_beside_a_number_anything_may_stand(understanding: Understanding):
    assert understanding.read("112").risk is not None
    assert understanding.read("2 🔪").risk is not None
