"""A referral as a machine: it goes only where it may, its silence is noticed once, and it ends with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from bot.cases.model import NotAllowedNow
from bot.cases.referrals.model import (
    DECLINE_REASONS,
    OUTCOMES,
    OVER,
    TRANSITIONS,
    WINDOWS,
    Act,
    Referral,
    State,
    Urgency,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def a_referral(urgency: Urgency = Urgency.URGENT, state: State = State.SENT) -> Referral:
    return Referral("r", "c", "consent", "service:x", urgency, state, ("age",), "amira", NOON)


@pytest.mark.parametrize(
    ("urgency", "window"),
    [(Urgency.EMERGENCY, timedelta(hours=24)), (Urgency.URGENT, timedelta(hours=72)), (Urgency.NORMAL, timedelta(14))],
)
def test_half_of_the_window_in_silence_is_noticed_and_the_whole_of_it_is_late(urgency, window):
    referral = a_referral(urgency)

    assert not referral.reminder_due(NOON + window / 2 - timedelta(seconds=1))
    assert referral.reminder_due(NOON + window / 2)
    assert not referral.is_late(NOON + window - timedelta(seconds=1))
    assert referral.is_late(NOON + window)


def test_a_referral_stays_silent_after_somebody_was_told():
    silent = replace(a_referral(), reminded_at=NOON + timedelta(weeks=1))

    assert silent.is_silent(NOON + timedelta(weeks=2))
    assert not silent.reminder_due(NOON + timedelta(weeks=2))


def test_an_answer_ends_the_waiting():
    accepted = a_referral().after(Act.ACCEPT, at=NOON)

    assert not accepted.reminder_due(NOON + timedelta(days=30))
    assert accepted.seen_at == NOON


@pytest.mark.parametrize("reason", [None, "", "because"])
def test_a_refusal_has_a_reason_and_an_end_an_outcome(reason):
    with pytest.raises(NotAllowedNow):
        a_referral().after(Act.DECLINE, at=NOON, reason=reason)
    with pytest.raises(NotAllowedNow):
        a_referral(state=State.ATTENDED).after(Act.CONCLUDE, at=NOON, outcome=reason)


def test_who_was_refused_or_harmed_needs_somebody_else():
    refused = a_referral().after(Act.DECLINE, at=NOON, reason="full")
    harmed = a_referral(state=State.ATTENDED).after(Act.CONCLUDE, at=NOON, outcome="harmed")

    assert refused.needs_second_choice
    assert harmed.needs_second_choice
    assert not a_referral().needs_second_choice


class ReferralMachine(RuleBasedStateMachine):
    """Whatever is tried in whatever order, at whatever time."""

    def __init__(self) -> None:
        super().__init__()
        self.referral = a_referral()
        self.at = NOON
        self.been = [State.SENT]

    @rule(minutes=st.integers(0, 60 * 24 * 20))
    def time_goes_by(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)

    @rule(act=st.sampled_from(Act), reason=st.sampled_from([*DECLINE_REASONS]), outcome=st.sampled_from([*OUTCOMES]))
    def something_is_tried(self, act: Act, reason: str, outcome: str) -> None:
        before = self.referral
        lawful = (before.state, act) in TRANSITIONS
        try:
            self.referral = before.after(act, at=self.at, reason=reason, outcome=outcome)
        except NotAllowedNow:
            assert not lawful
            return
        assert lawful
        self.been.append(self.referral.state)

    @invariant()
    def what_is_over_stays_over(self) -> None:
        assert not any(state in OVER for state in self.been[:-1])

    @invariant()
    def nobody_goes_where_nobody_said_yes(self) -> None:
        if State.ATTENDED in self.been:
            assert State.ACCEPTED in self.been

    @invariant()
    def it_waits_or_was_answered(self) -> None:
        if self.referral.state is not State.WITHDRAWN:
            assert self.referral.waits == (self.referral.answered_at is None)
        assert not (self.referral.is_late(self.at) and not self.referral.waits)
        assert self.referral.answer_by == NOON + WINDOWS[Urgency.URGENT]


TestReferralMachine = ReferralMachine.TestCase
