"""Whoever holds a case owes an answer: when a reminder is due, and when the case is taken back."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.cases.model import ACKNOWLEDGE_WITHIN, TIMES_WHEN_SEEN, Act, Alarm, Case, CaseStatus, Silence, silence_of
from dialogues.understanding.model import Priority
from tests.conftest import NOON

MINUTE = timedelta(minutes=1)
OWNER = "amira"


def a_held_case(*, wrote_at: datetime | None = NOON, answered_at: datetime | None = None, priority: str = "P0") -> Case:
    """Opened and claimed at noon."""
    return Case(
        id="c", number="ABC-DEF", conversation_id="t", key_id="k", reason="immediate_danger",
        priority=Priority(priority), status=CaseStatus.CLAIMED, owner_id=OWNER, language="en", country=None,
        source="words", reporter=False, opened_at=NOON, due_at=NOON + 2 * MINUTE, claimed_at=NOON,
        person_wrote_at=wrote_at, officer_wrote_at=answered_at,
    )  # fmt: skip


def acknowledged(case: Case, at: datetime = NOON) -> Alarm:
    return Alarm.rung(case.id, case.priority, held=True, at=NOON).acknowledged(OWNER, at)


def test_who_claims_and_never_answers_is_reminded_when_the_answer_is_due():
    case = a_held_case()

    assert silence_of(case, acknowledged(case), NOON + 2 * MINUTE - timedelta(seconds=1)) is None
    assert silence_of(case, acknowledged(case), NOON + 2 * MINUTE) is Silence.REMIND


def test_a_reminder_that_climbs_unheard_for_as_long_again_takes_the_case_back():
    case = a_held_case()
    reminded = acknowledged(case).again(case.priority, held=True, at=NOON + 2 * MINUTE)

    assert silence_of(case, reminded, NOON + 3 * MINUTE) is None
    assert silence_of(case, reminded, NOON + 4 * MINUTE) is Silence.TAKE_BACK


def test_who_has_answered_owes_nothing_until_the_person_writes_again():
    answered = a_held_case(answered_at=NOON + MINUTE)
    written_again = replace(answered, person_wrote_at=NOON + 60 * MINUTE)

    assert silence_of(answered, acknowledged(answered), NOON + timedelta(days=2)) is None
    assert silence_of(written_again, acknowledged(written_again), NOON + 61 * MINUTE) is None
    assert silence_of(written_again, acknowledged(written_again), NOON + 62 * MINUTE) is Silence.REMIND


def test_who_says_i_have_seen_it_has_longer_but_not_for_ever():
    case = a_held_case()
    seen = acknowledged(case, NOON + 3 * MINUTE)

    assert silence_of(case, seen, NOON + 12 * MINUTE) is None
    assert silence_of(case, seen, NOON + (3 + 2 * TIMES_WHEN_SEEN) * MINUTE) is Silence.REMIND


def test_nobody_owes_an_answer_in_a_case_that_waits_or_is_closed():
    case = a_held_case()
    released = case.after(Act.RELEASE, officer_id=OWNER, at=NOON)
    closed = case.after(Act.CLOSE, officer_id=OWNER, at=NOON, closing="helped")

    for quiet in (released, closed):
        assert silence_of(quiet, acknowledged(case), NOON + timedelta(days=9)) is None


@given(
    priority=st.sampled_from(list(Priority)),
    wrote=st.integers(0, 10_000),
    seen=st.none() | st.integers(0, 10_000),
    look_every=st.integers(1, 600),
)
def test_no_silence_lasts_longer_than_its_patience(priority: Priority, wrote: int, seen: int | None, look_every: int):
    """Looked at again and again, a silent owner is reminded, and then loses the case, within a time that is known."""
    case = a_held_case(wrote_at=NOON + timedelta(seconds=wrote), priority=priority.value)
    alarm = acknowledged(case, NOON if seen is None else NOON + timedelta(seconds=seen))
    patience, gap = ACKNOWLEDGE_WITHIN[priority], timedelta(seconds=look_every)
    latest = max(case.person_wrote_at or NOON, alarm.acknowledged_at or NOON) + patience * TIMES_WHEN_SEEN

    at, reminded = NOON, None
    while (found := silence_of(case, alarm, at)) is not Silence.TAKE_BACK:
        assert at <= latest + patience + 2 * gap
        if found is Silence.REMIND:
            assert reminded is None, "once"
            reminded, alarm = at, alarm.again(priority, held=True, at=at)
        at += max(gap, patience / 50)

    assert reminded is not None, "nobody loses a case unwarned"
