"""A request between countries as a value: its types, its states, its clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.exchange.requests.model import (
    ENDED,
    OWED,
    STATUS_TITLES,
    TAKES_ANSWERS,
    TRANSITIONS,
    Act,
    NotNow,
    Request,
    Returned,
    Side,
    Status,
    judge,
    reminder_due,
)
from bot.exchange.requests.types import FIELDS, QUESTIONS, REQUEST_TYPES, Basis, Span
from bot.kernel.words import Words

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_request(status: Status = Status.DRAFTED, **more) -> Request:
    given_ = {
        "id": "r1",
        "number": "XAAA-BBB",
        "side": Side.OURS,
        "partner_id": "p1",
        "type_key": "info_child",
        "status": status,
        "case_id": "c1",
        "key_id": "k1",
        "asks": ("who_cared", "harm"),
        "limit": "usual",
        "language": "en",
        "drafted_by": "amira",
        "handler_id": None,
        "drafted_at": NOON,
    }
    return Request(**{**given_, **more})


def test_there_are_fifteen_types_and_each_says_what_it_needs():
    assert len(REQUEST_TYPES) == 15
    for each in REQUEST_TYPES.values():
        told = (*each.tells, *each.may_tell)
        assert set(told) <= set(FIELDS)
        assert len(told) == len(set(told))
        assert set(each.askable) <= set(QUESTIONS)
        assert each.asks
        assert each.law
        assert each.answered_by
        assert each.safeguard
        assert each.data
        for limit in each.limits:
            assert limit.source
            assert limit.confirmed == (limit.basis is Basis.LAW)


def test_every_field_and_every_question_is_used_by_a_type():
    told = {key for each in REQUEST_TYPES.values() for key in (*each.tells, *each.may_tell)}
    asked = {key for each in REQUEST_TYPES.values() for key in each.askable}

    assert told == set(FIELDS)
    assert asked == set(QUESTIONS)


def test_a_month_of_law_is_a_month_of_the_calendar():
    assert Span(months=1).after(datetime(2027, 1, 31, 9, tzinfo=UTC)) == datetime(2027, 2, 28, 9, tzinfo=UTC)
    assert Span(months=1).after(datetime(2026, 12, 5, tzinfo=UTC)) == datetime(2027, 1, 5, tzinfo=UTC)
    assert Span(hours=72).after(NOON) == NOON + timedelta(days=3)


def test_every_state_has_a_name_and_can_be_reached():
    assert set(STATUS_TITLES) == set(Status)
    assert set(TRANSITIONS.values()) | {Status.DRAFTED} == set(Status)


class Life(RuleBasedStateMachine):
    """Anything may happen to a request in any order: the partner's news overtake each other, people press twice."""

    def __init__(self) -> None:
        super().__init__()
        self.request = a_request()
        self.seen: list[Status] = [Status.DRAFTED]
        self.was_approved = self.was_sent = False

    @rule(act=st.sampled_from(Act))
    def happens(self, act: Act) -> None:
        before = self.request
        try:
            self.request = before.after(act, at=NOON)
        except NotNow:
            assert (before.status, act) not in TRANSITIONS
            return
        self.seen.append(self.request.status)
        self.was_approved |= act is Act.APPROVE
        self.was_sent |= act is Act.SEND

    @precondition(lambda self: self.request.status in {Status.CLOSED})
    @rule(act=st.sampled_from(Act))
    def closed_stays_closed(self, act: Act) -> None:
        assert not self.request.allows(act)

    @invariant()
    def nothing_is_sent_before_it_was_approved(self) -> None:
        assert self.was_approved or not self.was_sent

    @invariant()
    def nothing_is_answered_before_it_was_accepted(self) -> None:
        for n, status in enumerate(self.seen):
            if status in {Status.PARTLY_ANSWERED, Status.ANSWERED}:
                assert Status.ACCEPTED in self.seen[:n] or Status.EXPIRED in self.seen[:n]

    @invariant()
    def what_was_withdrawn_is_never_answered(self) -> None:
        if Status.WITHDRAWN in self.seen:
            assert set(self.seen[self.seen.index(Status.WITHDRAWN) :]) <= {Status.WITHDRAWN, Status.CLOSED}

    @invariant()
    def whoever_waits_for_nothing_has_an_end(self) -> None:
        assert (self.request.ended_at is not None) == (self.request.status in ENDED)


TestLife = Life.TestCase


@given(st.sampled_from(Status), st.sampled_from(["who_cared", "harm", "identity"]), st.sets(st.just("harm")))
def test_an_answer_counts_once_for_what_was_asked_while_somebody_waits(status, key, answered):
    why = judge(a_request(status), key, answered=answered)

    if why is None:
        assert status in TAKES_ANSWERS
        assert key in {"who_cared", "harm"} - answered
    if status is Status.WITHDRAWN:
        assert why is Returned.WITHDRAWN


@given(st.integers(0, 40), st.integers(0, 20))
def test_each_reminder_happens_once_and_only_while_an_answer_is_owed(days, reminded):
    request = a_request(Status.SEEN, sent_at=NOON, due_at=NOON + timedelta(days=20), reminded=reminded)
    at = NOON + timedelta(days=days)

    due = reminder_due(request, at)

    if due is not None:
        assert due.number > reminded
        assert due.escalates == (days >= 20)
    for status in set(Status) - OWED:
        assert reminder_due(a_request(status, sent_at=NOON, due_at=NOON), at) is None


@pytest.mark.parametrize(("share", "number", "escalates"), [(0.4, None, None), (0.5, 1, False), (0.9, 2, False)])
def test_a_partner_is_reminded_at_half_and_at_nine_tenths_of_the_time(share, number, escalates):
    request = a_request(Status.ACCEPTED, sent_at=NOON, due_at=NOON + timedelta(days=10))

    due = reminder_due(request, NOON + timedelta(days=10) * share)

    assert (due and (due.number, due.escalates)) == (None if number is None else (number, escalates))


def test_a_limit_of_practice_is_said_in_the_language_of_whoever_reads_it():
    words = Words.load()
    said = {limit.source for each in REQUEST_TYPES.values() for limit in each.limits if limit.basis is Basis.PRACTICE}

    assert [(source, language) for source in said for language in ("fr", "es", "ar")
            if words.text(language, source) == source] == []  # fmt: skip
