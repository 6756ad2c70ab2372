"""The adult who claims a child: what two red marks mean, and who may end a hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.exchange.holds.model import (
    CHECKLIST,
    INDEPENDENT,
    LACKS,
    SOURCES,
    WEIGHTS,
    Agreed,
    Evidence,
    Favour,
    Mark,
    Source,
    ends_the_hold,
    lacks_for_support,
    red_marks,
)

evidence = st.builds(Evidence, st.sampled_from(Source), st.sampled_from(Favour))
marks = st.dictionaries(st.sampled_from(sorted(CHECKLIST)), st.sampled_from(Mark))
agreed = st.builds(Agreed, st.sampled_from(["amira", "omar", "ines"]), st.sampled_from(["own", "police", "partner:p1"]))


@given(st.lists(agreed, max_size=5))
def test_a_hold_ends_only_by_two_people_of_two_bodies(said):
    if ends_the_hold(said):
        assert len({each.person for each in said}) >= 2
        assert len({each.body for each in said}) >= 2


def test_one_person_of_two_bodies_and_two_people_of_one_body_do_not_end_it():
    assert not ends_the_hold([Agreed("amira", "own"), Agreed("amira", "police")])
    assert not ends_the_hold([Agreed("amira", "own"), Agreed("omar", "own")])
    assert ends_the_hold([Agreed("amira", "own"), Agreed("omar", "police")])


@given(marks, st.lists(evidence, max_size=6))
def test_a_tie_is_supported_only_by_two_sources_one_of_them_independent_and_a_child_who_wants_it(found, pieces):
    if not lacks_for_support(found, pieces):
        supports = {piece.source for piece in pieces if piece.favour is Favour.SUPPORTS}
        assert len(supports) >= 2
        assert supports & INDEPENDENT
        assert found["heard_apart"] is found["child_wish"] is Mark.GREEN
        assert sum(piece.weight for piece in pieces) > 0


@given(marks, st.lists(evidence, max_size=6), evidence)
def test_more_evidence_never_takes_a_red_mark_away(found, pieces, one_more):
    assert red_marks(found, pieces) <= red_marks(found, [*pieces, one_more])


def test_the_checklist_has_the_sixteen_lines_and_every_source_a_weight():
    assert len(CHECKLIST) == 16
    assert set(SOURCES) == set(WEIGHTS) == set(Source)
    assert {"heard_apart", "child_wish", "hold_stands"} <= set(LACKS)
