"""The ladder: who is told next, and that it never goes quiet by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from bot.cases.alarm import audience
from bot.cases.model import LADDERS, Alarm, Audience, Ladder, Step, ladder_for
from bot.kernel.access import Role
from bot.kernel.officers import Officer
from dialogues.understanding.model import Priority

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def an_alarm(priority: Priority = Priority.P0, *, held: bool = False) -> Alarm:
    return Alarm.rung("case", priority, held=held, at=NOON)


def test_life_at_risk_is_paged_at_once_and_after_two_five_and_ten_minutes():
    alarm, steps, at = an_alarm(), [], NOON

    while at <= NOON + 20 * MINUTE:
        if alarm.due_step(at) is not None:
            steps.append((at - NOON) / MINUTE)
            alarm = alarm.climbed(at)
        at += timedelta(seconds=15)

    assert steps == [0, 2, 5, 10, 15, 20]


def test_after_a_silence_the_highest_step_is_taken_once():
    alarm = an_alarm()

    late = NOON + 7 * MINUTE
    assert alarm.due_step(late) == 2

    assert alarm.climbed(late).next_step_at == NOON + 10 * MINUTE


def test_the_person_is_told_the_truth_after_ten_minutes_and_not_every_time():
    alarm = an_alarm()
    for minutes in (0, 2, 5):
        assert not alarm.tells_person(NOON + minutes * MINUTE)
        alarm = alarm.climbed(NOON + minutes * MINUTE)

    top = NOON + 10 * MINUTE
    assert alarm.tells_person(top)
    alarm = replace(alarm.climbed(top), person_told_at=top)

    assert not alarm.tells_person(NOON + 15 * MINUTE)
    for minutes in range(15, 40, 5):
        alarm = alarm.climbed(NOON + minutes * MINUTE)
    assert alarm.tells_person(NOON + 40 * MINUTE)


def test_more_danger_on_a_held_case_pages_its_owner_first():
    quiet = an_alarm().acknowledged("amira", NOON)

    again = quiet.again(Priority.P1, held=True, at=NOON + MINUTE)

    assert again.climbing
    assert again.ladder.steps[0].whom is Audience.OWNER
    assert again.ladder.steps[1].whom is Audience.COORDINATORS


def test_the_same_danger_again_does_not_set_a_climbing_alarm_back():
    climbing = an_alarm().climbed(NOON)

    assert climbing.again(Priority.P0, held=False, at=NOON + MINUTE) is climbing
    assert climbing.again(Priority.P2, held=False, at=NOON + MINUTE) is climbing


def test_a_clock_that_was_set_back_does_not_silence_an_alarm():
    alarm = an_alarm().climbed(NOON)

    three_hours_ago = NOON - timedelta(hours=3)
    assert alarm.stuck(three_hours_ago)

    assert alarm.repaired(three_hours_ago).due_step(three_hours_ago) == 1


def test_a_ladder_comes_back_from_the_database_as_it_was():
    for priority in Priority:
        for held in (True, False):
            ladder = ladder_for(priority, held=held)
            assert Ladder.from_json(ladder.to_json()) == ladder


def test_a_ladder_that_leaves_somebody_out_higher_up_cannot_be_made():
    with pytest.raises(ValueError):
        Ladder((Step(timedelta(0), Audience.EVERYONE), Step(MINUTE, Audience.OFFICERS)), MINUTE)


def an_officer(name: str, *roles: Role, active: bool = True) -> Officer:
    return Officer(name, name, name, frozenset(roles), ("en",), active=active)


AMIRA = an_officer("amira", Role.OFFICER)
INES = an_officer("ines", Role.COORDINATOR)
ROOT = an_officer("root", Role.ADMIN)
GONE = an_officer("gone", Role.OFFICER, active=False)


@pytest.mark.parametrize(
    ("team", "whom", "owner", "paged"),
    [
        ([AMIRA, INES, ROOT, GONE], Audience.OFFICERS, None, [AMIRA]),
        ([AMIRA, INES, ROOT, GONE], Audience.COORDINATORS, None, [AMIRA, INES]),
        ([AMIRA, INES, ROOT, GONE], Audience.EVERYONE, None, [AMIRA, INES, ROOT]),
        ([AMIRA, INES], Audience.OWNER, "amira", [AMIRA]),
        ([AMIRA, INES, GONE], Audience.OWNER, "gone", [AMIRA]),
        ([INES, ROOT, GONE], Audience.OFFICERS, None, [INES]),
        ([ROOT], Audience.OFFICERS, None, [ROOT]),
        ([GONE], Audience.OFFICERS, None, []),
    ],
)
def test_an_empty_circle_falls_to_the_next_wider_one(team, whom, owner, paged):
    assert audience(team, whom, owner_id=owner) == paged


class LadderMachine(RuleBasedStateMachine):
    """Time passes, the pager sleeps, danger comes again, officers answer: it is heard or it climbs."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOON
        self.alarm = an_alarm(Priority.P2)
        self.heard = False

    @rule(seconds=st.integers(1, 20_000))
    def time_passes(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)

    @rule()
    def the_pager_looks(self) -> None:
        due = self.alarm.due_step(self.at)
        before = self.alarm
        self.alarm = before.climbed(self.at)
        if due is None:
            assert self.alarm is before
        else:
            assert self.alarm.step > before.step
            assert self.alarm.next_step_at is not None
            assert self.alarm.next_step_at > self.at

    @rule()
    def somebody_acknowledges(self) -> None:
        self.alarm = self.alarm.acknowledged("amira", self.at)
        self.heard = True

    @rule(priority=st.sampled_from(Priority), held=st.booleans())
    def danger_comes_again(self, priority: Priority, held: bool) -> None:
        before = self.alarm
        self.alarm = before.again(priority, held=held, at=self.at)
        self.heard = False
        if self.alarm is before:
            assert before.priority <= priority
        else:
            assert self.alarm.round == before.round + 1
            assert self.alarm.due_step(self.at) == 0

    @invariant()
    def heard_or_climbing(self) -> None:
        assert self.alarm.climbing != (self.alarm.next_step_at is None)
        assert self.alarm.climbing or self.heard

    @invariant()
    def the_next_step_is_never_further_than_the_ladder_allows(self) -> None:
        assert not self.alarm.stuck(self.at)


TestLadderMachine = LadderMachine.TestCase


def test_every_priority_has_a_ladder_that_ends_with_everyone_and_the_truth():
    for ladder in LADDERS.values():
        assert ladder.steps[-1].whom is Audience.EVERYONE
        assert ladder.steps[-1].tells_person
