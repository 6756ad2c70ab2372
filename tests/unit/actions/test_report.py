"""What an answer to a question of a report comes to."""

from __future__ import annotations

import pytest

from dialogues.actions.report import SKIPPED, age_band, answer_of, as_told, how_many


@pytest.mark.parametrize(
    ("said", "band"),
    [
        ("about 12", "10-14"),
        ("4", "0-4"),
        ("~ 9 years old.", "5-9"),
        ("Il a environ 7 ans", "5-9"),
        ("tiene unos 16 años", "15-17"),
        ("١٥ سنة", "15-17"),
        ("10-14", "10-14"),
    ],
)
def test_an_age_in_words_is_a_band_where_it_is_certain(said: str, band: str):
    assert age_band(said) == band


@pytest.mark.parametrize(
    "said",
    [
        "a baby",
        "25",
        "8 months",
        "un bébé de 8 mois",
        "8 meses",
        "عمره 8 اشهر",
        "4 and 12",
        "8 1/2",
        "8½",
        "<5",
        "under 5",
        "3 weeks",
        "9" * 4000,
    ],
)
def test_an_age_that_may_be_months_or_of_several_stays_in_words(said: str):
    assert age_band(said) == said


@pytest.mark.parametrize(
    ("said", "number"),
    [("there are 3 of them", "3"), ("il y a 2 enfants", "2"), ("hay 4 niños", "4"), ("٥ أطفال", "5")],
)
def test_a_number_of_children_is_read_from_words(said: str, number: str):
    assert how_many(said) == number


@pytest.mark.parametrize(
    "said", ["4+", "many", "2 girls and 1 boy", "2 filles", "more than 3", "3, one is 8 years old"]
)
def test_a_number_that_is_not_all_of_them_stays_in_words(said: str):
    assert how_many(said) == said


@pytest.mark.parametrize("said", ["skip", " Passer ", "Saltar", "تخطي", "", None])
def test_whoever_writes_skip_skips(said: str | None):
    assert answer_of(said) == SKIPPED


def test_words_that_only_begin_like_it_are_ananswer_of():
    assert answer_of("skip is her name") == "skip is her name"


def test_the_host_hears_yes_and_no_and_no_endless_story():
    assert (as_told(True), as_told(False), len(as_told("x" * 5000))) == ("yes", "no", 1000)
