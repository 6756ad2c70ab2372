"""What an answer to a question of a report comes to."""

from __future__ import annotations

import pytest

from dialogues.actions.report import SKIPPED, age_band, answer_of, as_told, how_many


@pytest.mark.parametrize(
    ("said", "band"),
    [("about 12", "10-14"), ("4", "0-4"), ("١٥ سنة", "15-17"), ("10-14", "10-14"), ("a baby", "a baby"), ("25", "25")],
)
def test_an_age_in_words_is_a_band_where_it_is_certain(said: str, band: str):
    assert age_band(said) == band


def test_a_number_of_children_is_read_from_words():
    assert [how_many(said) for said in ("there are 3 of them", "4+", "many")] == ["3", "4+", "many"]


@pytest.mark.parametrize("said", ["skip", " Passer ", "Saltar", "تخطي", "", None])
def test_whoever_writes_skip_skips(said: str | None):
    assert answer_of(said) == SKIPPED


def test_words_that_only_begin_like_it_are_ananswer_of():
    assert answer_of("skip is her name") == "skip is her name"


def test_the_host_hears_yes_and_no_and_no_endless_story():
    assert (as_told(True), as_told(False), len(as_told("x" * 5000))) == ("yes", "no", 1000)
