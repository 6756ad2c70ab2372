"""A case and its alarm, as values: what may happen to them, and when somebody must be told again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dialogues.understanding.model import Priority


class CaseStatus(StrEnum):
    """Where a case stands."""

    NEW = "new"  # nobody holds it: it waits in the queue
    CLAIMED = "claimed"  # one officer holds it and talks with the person
    CLOSED = "closed"


class Act(StrEnum):
    """What an officer can do to a case as a whole."""

    CLAIM = "claim"
    RELEASE = "release"
    TAKE_OVER = "take_over"
    HAND_OVER = "hand_over"
    CLOSE = "close"
    REOPEN = "reopen"


#: Every lawful move. What is not here cannot happen.
TRANSITIONS: Mapping[tuple[CaseStatus, Act], CaseStatus] = MappingProxyType(
    {
        (CaseStatus.NEW, Act.CLAIM): CaseStatus.CLAIMED,
        (CaseStatus.CLAIMED, Act.RELEASE): CaseStatus.NEW,
        (CaseStatus.CLAIMED, Act.TAKE_OVER): CaseStatus.CLAIMED,
        (CaseStatus.CLAIMED, Act.HAND_OVER): CaseStatus.CLAIMED,
        (CaseStatus.CLAIMED, Act.CLOSE): CaseStatus.CLOSED,
        (CaseStatus.CLOSED, Act.REOPEN): CaseStatus.CLAIMED,
    }
)

#: A human acknowledges within this time.
ACKNOWLEDGE_WITHIN: Mapping[Priority, timedelta] = MappingProxyType(
    {
        Priority.P0: timedelta(minutes=2),
        Priority.P1: timedelta(minutes=15),
        Priority.P2: timedelta(hours=4),
        Priority.P3: timedelta(hours=72),
    }
)


class CaseError(Exception):
    """A case did not allow what was asked of it."""


class CaseNotFound(CaseError):
    """There is no such case for this officer: it does not exist, or is not theirs to see."""


class AlreadyClaimed(CaseError):
    """Another officer was quicker, or the case is no longer waiting. Look at the queue again."""


class NotAllowedNow(CaseError):
    """The case has moved on since the page was made, or this officer does not hold it."""


class NotSafeNow(NotAllowedNow):
    """It is not the time at which the person may be written to. Nothing was sent: it can wait, or go for a reason."""


class NotToldFirst(NotAllowedNow):
    """Nobody has said whether the child was told before this is passed on. Nothing was: answer that first."""


class NotWithThisAdult(CaseError):
    """A hold stands on this adult, or their tie to the child is not supported. Nothing that moves the two together was
    done; the child can go alone."""


class AdultNamed(NotWithThisAdult):
    """A text may name such an adult. Nothing was sent: it can be said without the name."""


class MayBeFeared(CaseError):
    """They are in another country or belong to one, and the child may fear it, or nobody has asked. Nothing was sent:
    a request across the border goes through the gate."""


class NotReadyToClose(CaseError):
    """Something stands in the way of closing: `obstacles` has a sentence for each. Nothing was changed."""

    def __init__(self, number: str, obstacles: Sequence[str]) -> None:
        super().__init__(number)
        self.obstacles = tuple(obstacles)


class Case(Struct, frozen=True):
    """One person's need, followed from the first words until somebody answers for it."""

    id: str
    number: str  # what officers say to each other: short, and nothing in it tells who it is
    conversation_id: str
    key_id: str
    reason: str
    priority: Priority
    status: CaseStatus
    owner_id: str | None
    language: str
    country: str | None
    source: str  # which part of the program raised it
    reporter: bool  # the writer speaks about somebody else
    opened_at: datetime
    due_at: datetime  # a human acknowledges before this
    claimed_at: datetime | None = None
    closed_at: datetime | None = None
    closing: str | None = None  # why it was closed, a code
    person_wrote_at: datetime | None = None
    officer_wrote_at: datetime | None = None
    demo: bool = False
    offered_to: str | None = None  # the colleague who is asked to take it; its owner holds it until then
    stage: str = "registered"  # how far the work has come, see `bot.cases.record.stages`
    read_by: frozenset[str] = frozenset()  # who is reading it through a broken glass; set where it was read for them
    asked: frozenset[str] = frozenset()  # who reads it because a colleague asks for their view; set in the same place
    followed_by: frozenset[str] = frozenset()  # who holds the case that goes on where this one is a duplicate; likewise
    panel: frozenset[str] = frozenset()  # who sits on its panel of best interests; set where it was read for them

    @property
    def officer_id(self) -> str | None:
        """Who holds the case, or held it last: the name the access rules know it by."""
        return self.owner_id

    @property
    def is_open(self) -> bool:
        return self.status is not CaseStatus.CLOSED

    @property
    def person_waits(self) -> bool:
        """Whether the person's words are the last ones."""
        if self.person_wrote_at is None:
            return self.officer_wrote_at is None
        return self.officer_wrote_at is None or self.officer_wrote_at < self.person_wrote_at

    @property
    def unanswered_since(self) -> datetime | None:
        """Since when whoever holds the case owes the person an answer: from the first words that had none, or from
        the claim if that was later. None where nobody holds it or nobody waits."""
        if self.status is not CaseStatus.CLAIMED or self.claimed_at is None or not self.person_waits:
            return None
        return self.claimed_at if self.person_wrote_at is None else max(self.claimed_at, self.person_wrote_at)

    def answer_is_late(self, at: datetime) -> bool:
        """An answer is owed within the time a human has for a new case of this priority."""
        since = self.unanswered_since
        return since is not None and at - since >= ACKNOWLEDGE_WITHIN[self.priority]

    def allows(self, act: Act) -> bool:
        return (self.status, act) in TRANSITIONS

    def after(self, act: Act, *, officer_id: str, at: datetime, closing: str | None = None) -> Case:
        """The case after `act`. Raises AlreadyClaimed or NotAllowedNow."""
        if not self.allows(act):
            raise (AlreadyClaimed if act is Act.CLAIM else NotAllowedNow)(self.number)
        moved = replace(self, status=TRANSITIONS[self.status, act], offered_to=None)
        if act is Act.RELEASE:
            return replace(moved, owner_id=None, claimed_at=None, due_at=at + ACKNOWLEDGE_WITHIN[self.priority])
        if act is Act.CLOSE:
            return replace(moved, closed_at=at, closing=closing)
        return replace(moved, owner_id=officer_id, claimed_at=at, closed_at=None, closing=None)

    def raised(self, reason: str, priority: Priority, *, at: datetime) -> Case:
        """The case after one more sign of danger. It only ever becomes more urgent by itself."""
        if priority >= self.priority:
            return self
        sooner = min(self.due_at, at + ACKNOWLEDGE_WITHIN[priority])
        return replace(self, reason=reason, priority=priority, due_at=sooner)

    def judged(self, priority: Priority, *, at: datetime) -> Case:
        """The case as urgent as somebody says that it is. A promise that was given sooner stands."""
        due_at = at + ACKNOWLEDGE_WITHIN[priority]
        return replace(self, priority=priority, due_at=min(self.due_at, due_at) if priority < self.priority else due_at)


class Audience(IntEnum):
    """Whom a step pages. Each one includes those before it, so a step that came late leaves nobody out."""

    OWNER = 0
    OFFICERS = 1
    COORDINATORS = 2
    EVERYONE = 3


class Step(Struct, frozen=True):
    """One step of a ladder: when, whom, and whether the person is told that it takes longer."""

    after: timedelta
    whom: Audience
    tells_person: bool = False


class Ladder(Struct, frozen=True):
    """Steps from the first page to the top, where it goes on for ever."""

    steps: tuple[Step, ...]
    repeat: timedelta

    def __post_init__(self) -> None:
        if not self.steps or self.repeat <= timedelta(0):
            raise ValueError("a ladder needs a step and a pause at the top")
        for lower, upper in zip(self.steps, self.steps[1:], strict=False):
            if upper.after <= lower.after or upper.whom < lower.whom:
                raise ValueError("each step comes later than the one before and leaves out none of its people")

    @property
    def longest_pause(self) -> timedelta:
        """How far away the next step can honestly be."""
        gaps = [upper.after - lower.after for lower, upper in zip(self.steps, self.steps[1:], strict=False)]
        return max([self.steps[0].after, self.repeat, *gaps])

    def to_json(self) -> dict[str, Any]:
        return {
            "repeat": self.repeat.total_seconds(),
            "steps": [[step.after.total_seconds(), int(step.whom), step.tells_person] for step in self.steps],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Ladder:
        steps = tuple(Step(timedelta(seconds=after), Audience(whom), tells) for after, whom, tells in value["steps"])
        return cls(steps, timedelta(seconds=value["repeat"]))


def _minutes(*steps: tuple[float, Audience, bool], repeat: float) -> Ladder:
    return Ladder(
        tuple(Step(timedelta(minutes=after), whom, tells) for after, whom, tells in steps), timedelta(minutes=repeat)
    )


#: What a fresh alarm climbs. A running alarm keeps the ladder it began with.
LADDERS: Mapping[Priority, Ladder] = MappingProxyType(
    {
        Priority.P0: _minutes(
            (0, Audience.OFFICERS, False),
            (2, Audience.COORDINATORS, False),
            (5, Audience.EVERYONE, False),
            (10, Audience.EVERYONE, True),
            repeat=5,
        ),
        Priority.P1: _minutes(
            (0, Audience.OFFICERS, False),
            (10, Audience.COORDINATORS, False),
            (15, Audience.EVERYONE, False),
            (30, Audience.EVERYONE, True),
            repeat=15,
        ),
        Priority.P2: _minutes(
            (0, Audience.OFFICERS, False),
            (120, Audience.COORDINATORS, False),
            (240, Audience.EVERYONE, True),
            repeat=120,
        ),
        Priority.P3: _minutes(
            (0, Audience.OFFICERS, False),
            (36 * 60, Audience.COORDINATORS, False),
            (72 * 60, Audience.EVERYONE, True),
            repeat=24 * 60,
        ),
    }
)

#: These priorities also page in Telegram from the first step; the others only once they are overdue.
LOUD = frozenset({Priority.P0, Priority.P1})

#: The person hears the truth again at most this often.
TELL_AGAIN_AFTER = timedelta(minutes=30)


def ladder_for(priority: Priority, *, held: bool) -> Ladder:
    """The ladder of a priority. Where an officer already holds the case, the first step is theirs alone."""
    ladder = LADDERS[priority]
    if not held:
        return ladder
    return replace(ladder, steps=(replace(ladder.steps[0], whom=Audience.OWNER), *ladder.steps[1:]))


class Alarm(Struct, frozen=True):
    """The promise that a human will look: it climbs until somebody says "I have it"."""

    case_id: str
    priority: Priority
    ladder: Ladder
    round: int  # how often this case has rung; a page names its round and its step
    step: int  # steps done in this round; beyond the ladder's length it repeats at the top
    started_at: datetime
    next_step_at: datetime | None  # None exactly when acknowledged
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    person_told_at: datetime | None = None

    @classmethod
    def rung(cls, case_id: str, priority: Priority, *, held: bool, at: datetime) -> Alarm:
        """A first alarm for a case, due at once."""
        ladder = ladder_for(priority, held=held)
        return cls(case_id, priority, ladder, 1, 0, at, at + ladder.steps[0].after)

    @property
    def climbing(self) -> bool:
        return self.acknowledged_at is None

    def due_step(self, at: datetime) -> int | None:
        """The highest step whose time has come, or None. After a silence the steps in between are not repeated
        one by one: the highest pages everyone they would have paged."""
        if self.next_step_at is None or self.next_step_at > at:
            return None
        top = len(self.ladder.steps) - 1
        reached = [n for n, step in enumerate(self.ladder.steps) if self.started_at + step.after <= at]
        return max(min(self.step, top), reached[-1] if reached else 0)

    def climbed(self, at: datetime) -> Alarm:
        """The alarm after the step that is due at `at` was taken."""
        done = self.due_step(at)
        if done is None:
            return self
        above = done + 1
        if above < len(self.ladder.steps):
            following = max(self.started_at + self.ladder.steps[above].after, at)
            return replace(self, step=above, next_step_at=following)
        return replace(self, step=max(self.step, done) + 1, next_step_at=at + self.ladder.repeat)

    def tells_person(self, at: datetime) -> bool:
        """Whether the step due at `at` owes the person the truth."""
        done = self.due_step(at)
        if done is None or not self.ladder.steps[done].tells_person:
            return False
        return self.person_told_at is None or at - self.person_told_at >= TELL_AGAIN_AFTER

    def acknowledged(self, officer_id: str, at: datetime) -> Alarm:
        """Stop climbing. Only the first human counts."""
        if not self.climbing:
            return self
        return replace(self, next_step_at=None, acknowledged_at=at, acknowledged_by=officer_id)

    def again(self, priority: Priority, *, held: bool, at: datetime) -> Alarm:
        """The alarm after one more sign of danger: it starts over when it was quiet or when it is worse now,
        and is left alone when it is climbing as fast already."""
        if self.climbing and priority >= self.priority:
            return self
        return self.anew(priority, held=held, at=at)

    def anew(self, priority: Priority, *, held: bool, at: datetime) -> Alarm:
        """A new round from the first step, whatever became of the last."""
        ladder = ladder_for(priority, held=held)
        return Alarm(
            self.case_id,
            priority,
            ladder,
            self.round + 1,
            0,
            at,
            at + ladder.steps[0].after,
            person_told_at=self.person_told_at,
        )

    def stuck(self, at: datetime) -> bool:
        """Whether the next step is further away than any pause of this ladder: the clock was set back."""
        return self.next_step_at is not None and self.next_step_at - at > self.ladder.longest_pause

    def repaired(self, at: datetime) -> Alarm:
        """The same alarm with its next step due now and the later ones at their usual distance."""
        step = self.ladder.steps[min(self.step, len(self.ladder.steps) - 1)]
        return replace(self, started_at=at - step.after, next_step_at=at)


class Silence(StrEnum):
    """What is done about an officer who holds a case and does not answer."""

    REMIND = "remind"  # the alarm of the case rings again, for its owner first
    TAKE_BACK = "take_back"  # the case waits in the queue again


#: Who says "I have seen it" has so many times the usual time before being reminded again.
TIMES_WHEN_SEEN = 5


def silence_of(case: Case, alarm: Alarm, at: datetime) -> Silence | None:
    """What the silence of a case's owner asks for at `at`, or None.

    The owner is reminded when the answer is late. When the reminder has climbed for as long again, the case is taken
    back.
    """
    since, patience = case.unanswered_since, ACKNOWLEDGE_WITHIN[case.priority]
    if since is None or not case.answer_is_late(at):
        return None
    if alarm.climbing:
        return Silence.TAKE_BACK if at - alarm.started_at >= patience else None
    seen = alarm.acknowledged_at
    if seen is not None and seen > since and at - seen < patience * TIMES_WHEN_SEEN:
        return None
    return Silence.REMIND
