"""Why a record or a file cannot be taken: made once, kept, and said in whatever language."""

from __future__ import annotations

import json

import pytest

from directory.files.hsds_json import parse_record
from directory.model import WrongRecord
from directory.words import DirectoryWords, because, keep_reason, reason_of, say_reason

WORDS = DirectoryWords.load()


def test_a_reason_is_a_sentence_in_english():
    assert because("{field} is missing", field="name") == "name is missing"


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "name is missing"), ("fr", "name manque"), ("es", "falta name"), ("ar", "name ناقص")],
)
def test_a_reason_that_was_kept_is_said_in_another_language(language: str, said: str):
    kept = json.loads(json.dumps(keep_reason(because("{field} is missing", field="name"))))

    assert say_reason(WORDS, language, kept) == said


def test_what_an_older_release_kept_as_text_is_said_as_it_is():
    assert say_reason(WORDS, "fr", "row 3 is wrong") == "row 3 is wrong"


def test_what_a_stranger_wrote_stays_on_its_line_and_turns_no_direction():
    reason = because("'{value}' is wrong", value="a\nb\u202ec {field} اسم")

    assert reason == "'a\\nb\\u202ec {field} اسم' is wrong"
    assert say_reason(WORDS, "en", keep_reason(reason)) == reason


def test_an_error_hands_on_the_reason_it_was_given():
    reason = because("{field} is missing", field="name")

    assert keep_reason(reason_of(ValueError(reason))) == keep_reason(reason)
    assert reason_of(ValueError("plain")) == "plain"
    assert reason_of(ValueError()) == ""


def test_every_reason_of_a_record_can_be_said_in_another_language():
    wrong = {"id": "x", "name": 3, "status": "asleep", "minimum_age": "old", "service_at_locations": [{}], "phones": 1}

    with pytest.raises(WrongRecord) as error:
        parse_record(wrong)

    assert len(error.value.problems) > 5
    for problem in error.value.problems:
        assert say_reason(WORDS, "ar", problem) != problem
