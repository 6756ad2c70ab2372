"""One mechanism for tables of spellings."""

from __future__ import annotations

import pytest

from directory.spelling import Respelling


def test_the_spelling_that_stands_first_in_the_table_counts_and_what_is_in_none_stays():
    heard = Respelling({"tch|ch": "c", "c(?=[ei])": "s", "[ch]": "k", "y$": ""})

    assert [heard(word) for word in ("match", "celina", "cache", "hay", "")] == ["mac", "selina", "kace", "ka", ""]


def test_a_table_whose_patterns_have_groups_is_refused_for_it_would_write_the_wrong_letters():
    with pytest.raises(AssertionError, match="has a group"):
        Respelling({"(c)h": "s", "k": "c"})
