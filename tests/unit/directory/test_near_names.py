"""The names that come near a word are found without reading the others, and none of them is missed."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from directory.near_names import Names, NearNames, Spellings

WORDS = st.text("abcdeéبت ", min_size=1, max_size=9)


@given(names=st.lists(WORDS, max_size=30), word=WORDS, enough=st.sampled_from((0.7, 0.8, 0.83, 0.9)))
def test_the_most_alike_is_found_where_it_is_like_enough(names: list[str], word: str, enough: float):
    most = max((OSA.normalized_similarity(word, name) for name in names), default=0.0)

    assert NearNames(names).likeness(word, enough) == (most if most >= enough else 0.0)


@given(names=st.lists(WORDS, max_size=30))
def test_names_are_kept_as_they_were_given(names: list[str]):
    assert list(Names(names)) == names


@given(names=st.lists(WORDS, max_size=30), word=WORDS, enough=st.sampled_from((60.0, 74.0)))
def test_those_that_share_most_letters_are_found_as_if_all_were_read(names: list[str], word: str, enough: float):
    every = process.extract(word, names, scorer=fuzz.ratio, score_cutoff=enough, limit=4)

    assert Spellings(names).most_alike(word, enough, 4) == every
