from __future__ import annotations

import re
from pathlib import Path

import pytest

from dialogues.knowledge.evaluation import Heard, Question, figures, read_questions
from dialogues.understanding.corpus import read_corpus

ROOT = Path(__file__).parents[3]


def plain(words: str) -> str:
    """Letters alone, and without the marks of entities."""
    return re.sub(r"[\W_]+", " ", re.sub(r"\[([^\]]*)\][({][^)}]*[)}]", r"\1", words.casefold())).strip()


def test_no_question_was_learnt_from() -> None:
    learnt = {plain(example.text) for example in read_corpus(ROOT / "dialogues").examples}

    assert [question.words for question in read_questions() if plain(question.words) in learnt] == []


def test_every_procedure_is_asked_for_in_every_language() -> None:
    keys = {path.parent.name for path in (ROOT / "dialogues" / "procedures").glob("*/en.md")}

    asked = {(question.key, question.language) for question in read_questions()}

    assert asked >= {(key, language) for key in keys for language in ("en", "fr", "es", "ar")}


def test_a_question_counts_as_found_first_or_among_three() -> None:
    question = Question("a", "en", "?")

    all_of_them = figures(
        [Heard(question, ("a",), False), Heard(question, ("b", "c", "a"), True), Heard(question, (), False)]
    )[0]

    expected = "all top-1 0.333 (1/3) top-3 0.667 (2/3) officer called 1 asked about 0"
    assert " ".join(all_of_them.split()) == expected


def test_each_procedure_has_its_figures_in_each_language() -> None:
    english, french = Question("a", "en", "?"), Question("a", "fr", "?")

    grid = figures([Heard(english, ("a",), False), Heard(french, ("b", "a"), False), Heard(french, (), False)])[-2:]

    assert [line.split() for line in grid] == [
        ["right", "first,", "among", "three,", "asked", "en", "fr"],
        ["a", "1", "1", "1", "0", "1", "2"],
    ]


def test_a_line_that_is_no_question_is_named(tmp_path: Path) -> None:
    path = tmp_path / "questions.tsv"
    path.write_text("# a comment\nmissing_child\ten\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"questions.tsv:2: a question has a key"):
        read_questions(path)
