"""Who has it from whom, as values: what a notice may say, and the tree whatever was said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.exchange.requests.passing.model import BadNotice, Branch, Holder, read_passed_on, read_passings, tree
from bot.kernel.ids import new_id

PASSING = new_id()


@pytest.mark.parametrize(
    "lie",
    [
        {"passing": "no id"},
        {"parent": "x"},
        {"country": "Tunis"},
        {"country": None},
        {"holder": "a name with spaces"},
        {"holder": "x" * 65},
        {"items": ["Amina Trabelsi"]},
        {"items": ["names"] * 61},
        {"items": "names"},
        {"items": [1]},
    ],
)
def test_a_notice_says_ids_a_country_and_names_of_fields_and_nothing_else(lie: dict[str, Any]):
    with pytest.raises(BadNotice):
        read_passed_on({"passing": PASSING, **lie})


def test_what_a_notice_leaves_out_is_not_known():
    read = read_passed_on({"passing": PASSING, "request": new_id()})

    assert (read.passing, read.parent, read.is_named, read.items) == (PASSING, "", False, ())


@pytest.mark.parametrize("lie", [None, "x", [PASSING, "x"], [PASSING] * 201])
def test_a_list_of_passings_is_one_and_not_endless(lie: object):
    with pytest.raises(BadNotice):
        read_passings(lie)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 12)), max_size=10, unique_by=lambda each: each[0]))
def test_everybody_stands_in_the_tree_once_whatever_was_said_of_who_had_it_from_whom(said: list[tuple[int, int]]):
    holders = [Holder("r", str(one), parent="" if parent < 0 else str(parent)) for one, parent in said]

    def all_in(branches: tuple[Branch, ...]) -> list[str]:
        return [name for each in branches for name in (each.holder.passing, *all_in(each.below))]

    assert sorted(all_in(tree(holders))) == sorted(each.passing for each in holders)
