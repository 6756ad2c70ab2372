"""One mechanism for tables of spellings."""

from __future__ import annotations

import pytest

from directory.places import load_supplement
from directory.spelling import Respelling, consonants, consonants_of_all, fold, likeness


def test_the_spelling_that_stands_first_in_the_table_counts_and_what_is_in_none_stays():
    heard = Respelling({"tch|ch": "c", "c(?=[ei])": "s", "[ch]": "k", "y$": ""})

    assert [heard(word) for word in ("match", "celina", "cache", "hay", "")] == ["mac", "selina", "kace", "ka", ""]


def test_a_table_whose_patterns_have_groups_is_refused_for_it_would_write_the_wrong_letters():
    with pytest.raises(AssertionError, match="has a group"):
        Respelling({"(c)h": "s", "k": "c"})


def test_a_letter_twice_changed_about_or_left_out_is_a_likelier_slip_than_another_letter():
    typed = ("tapachula", "tappachula", "tapahcula", "tapchula", "tapacoula", "tapacoola")

    found = [likeness(word, "tapachula") for word in typed]

    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found)


def test_of_thousands_of_names_the_consonants_are_those_of_each():
    names = [spelling for place in load_supplement() for spelling in map(fold, place.spellings())]

    assert consonants_of_all(names) == list(map(consonants, names))
    assert consonants_of_all([]) == []
