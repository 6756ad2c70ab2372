"""Languages that the embedder knows little of are read word for word in English, too."""

from collections import Counter

import pytest

from dialogues.understanding.decision import decide
from dialogues.understanding.glossary import WORDS, Glossary, in_one_spelling
from dialogues.understanding.reading import Understanding

FEW = Glossary.of(
    [
        "# a remark",
        "xx\tchild\tchilo*, bebo",
        "xx\tneed\t*hitaj",
        "xx\tpolice station\tdom polis*",
        "xx\tpolice\tpolis*",
        "ti\thouse\tገዛ",
        "yy\tbread\tchilo, polis, bebo, mana",
    ]
)


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("Chilonka ninahitaji polis!", "child need police"),
        ("chilo bébo de dom polisku", "child child police station"),  # accents, and an expression before its words
        ("chilo polis mana bebo", "bread bread bread bread"),  # of two languages the one with more words
        ("ናብ ገዛ ንገዛ", "house house"),  # "to" is written onto the word
    ],
)
def test_a_message_is_told_word_for_word(text: str, english: str):
    assert FEW.english(text) == english


@pytest.mark.parametrize("text", ["", "chilo", "chilo polis went to the market again", "the house is far away"])
def test_what_is_in_none_of_these_languages_is_left_as_it_is(text: str):
    assert FEW.english(text) is None


def test_each_word_of_a_language_has_one_meaning():
    """A reviewer who corrects the second would wonder why nothing changes."""
    lines = [line.split("\t") for line in WORDS.read_text("utf-8").splitlines() if line[0] != "#"]
    words = Counter(
        (language, *in_one_spelling(word), word[0] == "*", word[-1] == "*")
        for language, _, written in lines
        for word in written.split(", ")
    )

    assert [word for word, count in words.items() if count > 1] == []


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("Ilkahaa i xanuunaya, xaggee lagu daweeyaa?", "health"),  # Somali: my teeth hurt
        ("Cilên min şil bûn, çakêt hene?", "nfi"),  # Kurmanji: my clothes are wet
        ("Ina zan samu sabulu da tufafi?", "nfi"),  # Hausa: soap and clothes
        ("جامې مې لمدې شوې، جاکټ لرئ؟", "nfi"),  # Pashto: my clothes are wet
        ("ዓራት ኣበይ ክረክብ እኽእል?", "shelter"),  # Tigrinya: a bed
        ("Rad mwen mouye, èske nou gen manto?", "nfi"),  # Haitian: my clothes are wet
        ("Jino linaniuma, wanatibu wapi?", "health"),  # Swahili: my tooth hurts
    ],
)
def test_a_need_is_heard_in_languages_that_the_embedder_knows_little_of(
    understanding: Understanding, text: str, need: str
):
    assert decide(understanding.read(text))["need"] == need
