"""Two countries: what is owed by law, and how their answers are counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.exchange.requests.model import Side, Status
from bot.exchange.requests.pairs.model import Outcome, dues, laws, pairs, tally
from bot.exchange.requests.types import REQUEST_TYPES, Basis
from tests.conftest import NOON


def an_outcome(days: float | None = None, **changed: object) -> Outcome:
    given: dict[str, object] = {
        "country": "TN",
        "side": Side.OURS,
        "type_key": "info_child",
        "status": Status.SENT if days is None else Status.ANSWERED,
        "sent_at": NOON,
        "due_at": NOON + timedelta(days=30),
        "answered_at": None if days is None else NOON + timedelta(days=days),
        "expired": False,
    }
    return Outcome(**{**given, **changed})  # type: ignore[arg-type]


def test_the_middle_of_the_days_is_counted_over_answers_alone():
    counted = tally([an_outcome(1), an_outcome(2.5), an_outcome(40), an_outcome()], NOON + timedelta(days=3))

    assert (counted.median_days, counted.answered, counted.sent, counted.open) == (2.5, 3, 4, 1)


def test_nobody_has_answered_is_no_zero():
    assert tally([an_outcome()], NOON).median_days is None


def test_what_ran_out_without_a_word_is_a_silent_refusal_and_a_refusal_is_none():
    late = NOON + timedelta(days=61)
    ran_out = an_outcome(status=Status.CLOSED, expired=True)
    answered_late = an_outcome(45, status=Status.CLOSED, expired=True)
    refused = an_outcome(status=Status.REFUSED)
    theirs = an_outcome(side=Side.THEIRS, status=Status.ACCEPTED)

    assert tally([ran_out, answered_late, refused], late).silent == 1
    assert tally([theirs], late).silent == 1  # ours to answer, and we said nothing for a month after its day
    assert tally([theirs], late - timedelta(days=20)).silent == 0


def test_overdue_is_owed_and_past_its_day():
    at = NOON + timedelta(days=30)
    assert tally([an_outcome(), an_outcome(2), an_outcome(status=Status.WITHDRAWN)], at).overdue == 1


def test_both_sides_of_a_pair_are_counted_apart_and_a_country_nobody_asked_is_there():
    found = pairs([an_outcome(3), an_outcome(9, side=Side.THEIRS)], ["TN", "ML"], NOON)

    assert [pair.country for pair in found] == ["TN", "ML"]
    assert (found[0].we_ask.median_days, found[0].we_are_asked.median_days) == (3, 9)
    assert found[1].we_ask.sent == 0


def test_between_two_states_of_the_union_family_is_taken_charge_of_by_law():
    due = {each.type.key: each for each in dues("IT", "DE")}

    assert due["take_charge"].confirmed
    assert due["take_charge"].law is not None
    assert [key for key, each in due.items() if each.law] == ["take_charge"]


@pytest.mark.parametrize(("here", "there"), [("IT", "TN"), ("", "DE"), ("TN", "ML")])
def test_where_no_law_binds_both_none_is_claimed(here: str, there: str):
    assert all(each.law is None and not each.confirmed for each in dues(here, there))


@pytest.mark.parametrize("there", ["CH", "NO", "DK"])
def test_states_that_take_part_by_other_agreements_are_said_to_be_unconfirmed(there: str):
    due = next(each for each in dues("IT", there) if each.type.key == "take_charge")

    assert due.law is not None
    assert not due.confirmed


def test_every_law_of_the_file_has_a_source_and_types_whose_times_are_set_by_law():
    for law in laws():
        assert law.source
        assert law.title
        assert law.states
        assert not law.states & law.unsure
        for key in law.types:
            assert any(limit.basis is Basis.LAW for limit in REQUEST_TYPES[key].limits)


def test_every_limit_called_law_is_named_by_a_law_of_the_file():
    by_law = {key for key, each in REQUEST_TYPES.items() if any(limit.basis is Basis.LAW for limit in each.limits)}

    assert by_law == {key for law in laws() for key in law.types}
