"""What a case allows, whoever asks in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.cases.model import (
    ACKNOWLEDGE_WITHIN,
    TRANSITIONS,
    Act,
    AlreadyClaimed,
    Case,
    CaseStatus,
    NotAllowedNow,
)
from dialogues.understanding.model import Priority

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_case(priority: Priority = Priority.P2, status: CaseStatus = CaseStatus.NEW, owner: str | None = None) -> Case:
    return Case(
        id="case",
        number="K7M-4QT",
        conversation_id="conversation",
        key_id="key",
        reason="homeless_tonight",
        priority=priority,
        status=status,
        owner_id=owner,
        language="en",
        country="IT",
        source="words",
        reporter=False,
        opened_at=NOON,
        due_at=NOON + ACKNOWLEDGE_WITHIN[priority],
    )


def test_a_case_that_is_held_cannot_be_claimed():
    held = a_case().after(Act.CLAIM, officer_id="amira", at=NOON)

    with pytest.raises(AlreadyClaimed):
        held.after(Act.CLAIM, officer_id="ines", at=NOON)

    assert held.owner_id == "amira"


def test_a_case_nobody_holds_cannot_be_closed():
    with pytest.raises(NotAllowedNow):
        a_case().after(Act.CLOSE, officer_id="amira", at=NOON)


def test_a_released_case_waits_again_with_a_whole_new_time_limit():
    held = a_case(Priority.P0).after(Act.CLAIM, officer_id="amira", at=NOON)

    later = NOON + timedelta(hours=1)
    released = held.after(Act.RELEASE, officer_id="amira", at=later)

    assert (released.status, released.owner_id) == (CaseStatus.NEW, None)
    assert released.due_at == later + timedelta(minutes=2)


def test_danger_only_makes_a_case_more_urgent():
    case = a_case(Priority.P2)

    worse = case.raised("immediate_danger", Priority.P0, at=NOON + timedelta(minutes=1))
    still = worse.raised("homeless_tonight", Priority.P1, at=NOON + timedelta(minutes=2))

    assert (worse.priority, worse.reason) == (Priority.P0, "immediate_danger")
    assert worse.due_at == NOON + timedelta(minutes=3)
    assert still is worse


def test_a_case_that_becomes_more_urgent_is_never_due_later_than_it_was():
    case = a_case(Priority.P1)

    raised = case.raised("immediate_danger", Priority.P0, at=NOON + timedelta(minutes=14))

    assert raised.due_at == case.due_at


class CaseMachine(RuleBasedStateMachine):
    """Any officer tries anything at any time: the case stays something one can explain."""

    def __init__(self) -> None:
        super().__init__()
        self.case = a_case(Priority.P3)
        self.at = NOON

    @rule(act=st.sampled_from(Act), officer=st.sampled_from(["amira", "ines", "omar"]), minutes=st.integers(0, 600))
    def somebody_acts(self, act: Act, officer: str, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)
        before = self.case
        if before.allows(act):
            self.case = before.after(act, officer_id=officer, at=self.at, closing="helped")
            assert self.case.status is TRANSITIONS[before.status, act]
        else:
            with pytest.raises((AlreadyClaimed, NotAllowedNow)):
                before.after(act, officer_id=officer, at=self.at)

    @rule(priority=st.sampled_from(Priority))
    def the_person_writes_of_danger(self, priority: Priority) -> None:
        before = self.case
        self.case = before.raised("threats", priority, at=self.at)
        assert self.case.priority <= before.priority
        assert self.case.due_at <= before.due_at

    @invariant()
    def somebody_holds_it_exactly_when_it_does_not_wait(self) -> None:
        assert (self.case.owner_id is None) == (self.case.status is CaseStatus.NEW)

    @invariant()
    def it_has_a_closing_time_and_reason_exactly_when_closed(self) -> None:
        closed = self.case.status is CaseStatus.CLOSED
        assert (self.case.closed_at is not None) == closed
        assert (self.case.closing is not None) == closed


TestCaseMachine = CaseMachine.TestCase
