"""The rules of sending again, of waiting and of the allowance, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversations.heard import read_tap, tapped_risk
from bot.conversations.model import (
    FAILPOINTS,
    LEASE,
    LONGEST_DELAY,
    LONGEST_WAIT_AFTER_CRASH,
    SEND_LIMIT,
    TURN_LIMIT,
    Allowance,
    DeliveryOutcome,
    Lane,
    MessageClass,
    OutboxState,
    after_attempt,
    crash_delay,
    retry_delay,
    turn_retry_delay,
)
from dialogues.understanding.model import Priority

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FRESH = timedelta(seconds=1)


def test_a_turn_and_a_send_end_before_their_lease():
    assert TURN_LIMIT < LEASE
    assert SEND_LIMIT < LEASE


def test_failpoints_have_names_of_their_own():
    assert len(set(FAILPOINTS)) == len(FAILPOINTS) >= 12


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_a_retry_waits_between_a_second_and_a_quarter_of_an_hour(attempt: int, draw: float):
    assert timedelta(seconds=1) <= retry_delay(attempt, draw) <= LONGEST_DELAY


def test_a_failed_turn_waits_seconds_because_a_person_is_waiting():
    assert [turn_retry_delay(attempt).total_seconds() for attempt in (1, 2, 3, 4)] == [1, 2, 4, 8]


@given(st.integers(0, 1000), st.floats(0, 1, exclude_max=True))
def test_after_crashes_messages_are_drawn_apart_but_never_long(crashes: int, draw: float):
    assert timedelta(0) <= crash_delay(crashes, draw) <= LONGEST_WAIT_AFTER_CRASH
    assert crash_delay(1, draw) == timedelta(0)


@pytest.mark.parametrize("cls", list(MessageClass))
def test_what_was_delivered_is_sent_and_what_cannot_be_is_dead(cls: MessageClass):
    def ends(outcome: DeliveryOutcome) -> OutboxState:
        return after_attempt(outcome, cls, attempt=1, repeats=0, age=FRESH).state

    assert ends(DeliveryOutcome.SENT) is OutboxState.SENT
    assert ends(DeliveryOutcome.REFUSED) is OutboxState.DEAD
    assert ends(DeliveryOutcome.UNREACHABLE) is OutboxState.DEAD
    assert ends(DeliveryOutcome.BUSY) is OutboxState.TODO


@given(
    st.sampled_from(DeliveryOutcome),
    st.sampled_from(MessageClass),
    st.integers(1, 50),
    st.integers(0, 5),
    st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_a_secret_is_never_sent_when_it_may_have_arrived(outcome, cls, attempt, repeats, age):  # type: ignore[no-untyped-def]
    step = after_attempt(outcome, cls, attempt=attempt, repeats=repeats, age=age)

    assert (step.wait is None) == (step.state is not OutboxState.TODO)
    assert step.repeated == (outcome is DeliveryOutcome.UNCERTAIN and step.state is OutboxState.TODO)
    if cls is MessageClass.SECRET:
        assert not step.repeated
    if age > timedelta(days=1):
        assert step.state is not OutboxState.TODO


def test_words_about_danger_and_of_officers_go_first():
    assert [cls.lane for cls in MessageClass] == [Lane.URGENT, Lane.URGENT, Lane.ROUTINE, Lane.ROUTINE]


@given(
    st.lists(st.timedeltas(timedelta(0), timedelta(seconds=30)), min_size=1, max_size=60),
    st.integers(1, 20),
    st.floats(0.5, 600),
)
def test_the_allowance_delays_in_order_and_never_drops(pauses: list[timedelta], burst: int, per_minute: float):
    allowance = Allowance(burst, per_minute)
    full_at, now, last = None, NOON, NOON
    for place, pause in enumerate(pauses):
        now += pause
        full_at, due_at = allowance.take(full_at, now)
        assert now <= due_at <= now + allowance.longest_delay
        assert due_at >= last
        if place < burst:
            assert due_at == now
        last = due_at


def test_within_the_allowance_nobody_waits_and_beyond_it_one_message_in_three_seconds():
    allowance, full_at, waits = Allowance(burst=10, per_minute=20), None, []
    for _ in range(13):
        full_at, due_at = allowance.take(full_at, NOON)
        waits.append((due_at - NOON).total_seconds())
    assert waits == [0] * 10 + [3, 6, 9]


def test_a_tap_is_read_and_anything_else_is_not():
    tapped = read_tap('/inform{"place": "Calais", "age": 15}')
    assert tapped is not None
    assert (tapped.intent, [(entity.name, entity.value) for entity in tapped.entities]) == (
        "inform",
        [("place", "Calais"), ("age", 15)],
    )
    for words in ("hello", "/", "/inform{broken", '/inform{"a": }', "", "/two words", "x/inform"):
        assert read_tap(words) is None


def test_a_tapped_danger_is_believed_even_when_its_priority_is_nonsense():
    tapped = read_tap('/in_danger{"reason": "weapon_present", "priority": "later"}')
    assert tapped is not None
    risk = tapped_risk(tapped)
    assert risk is not None
    assert (risk.reason, risk.priority) == ("weapon_present", Priority.P0)
