"""A referral as a value: what may happen to it, and when its silence has to be noticed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from bot.cases.model import NotAllowedNow
from bot.kernel.words import N_


class Urgency(StrEnum):
    """How soon somebody has to say yes or no (inter-agency referral form)."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    NORMAL = "normal"


WINDOWS: Mapping[Urgency, timedelta] = MappingProxyType(
    {
        Urgency.EMERGENCY: timedelta(hours=24),
        Urgency.URGENT: timedelta(hours=72),
        Urgency.NORMAL: timedelta(weeks=2),
    }
)
URGENCIES: Mapping[str, str] = MappingProxyType(
    {
        Urgency.EMERGENCY: N_("emergency: an answer within 24 hours"),
        Urgency.URGENT: N_("urgent: an answer within 3 days"),
        Urgency.NORMAL: N_("normal: an answer within two weeks"),
    }
)


class State(StrEnum):
    """How far a referral has come."""

    SENT = "sent"
    SEEN = "seen"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    ATTENDED = "attended"
    MISSED = "missed"  # the person did not come, or was not let in: it can still happen
    CONCLUDED = "concluded"
    WITHDRAWN = "withdrawn"


STATES: Mapping[str, str] = MappingProxyType(
    {
        State.SENT: N_("sent"),
        State.SEEN: N_("seen"),
        State.ACCEPTED: N_("accepted"),
        State.DECLINED: N_("declined"),
        State.ATTENDED: N_("went there"),
        State.MISSED: N_("did not get there"),
        State.CONCLUDED: N_("finished"),
        State.WITHDRAWN: N_("taken back"),
    }
)


class Act(StrEnum):
    """What can be done to a referral."""

    SEE = "see"
    ACCEPT = "accept"
    DECLINE = "decline"
    ATTEND = "attend"
    MISS = "miss"
    CONCLUDE = "conclude"
    WITHDRAW = "withdraw"


#: Every lawful move. What is not here cannot happen.
TRANSITIONS: Mapping[tuple[State, Act], State] = MappingProxyType(
    {
        (State.SENT, Act.SEE): State.SEEN,
        (State.SENT, Act.ACCEPT): State.ACCEPTED,
        (State.SENT, Act.DECLINE): State.DECLINED,
        (State.SENT, Act.WITHDRAW): State.WITHDRAWN,
        (State.SEEN, Act.ACCEPT): State.ACCEPTED,
        (State.SEEN, Act.DECLINE): State.DECLINED,
        (State.SEEN, Act.WITHDRAW): State.WITHDRAWN,
        (State.ACCEPTED, Act.ATTEND): State.ATTENDED,
        (State.ACCEPTED, Act.MISS): State.MISSED,
        (State.ACCEPTED, Act.WITHDRAW): State.WITHDRAWN,
        (State.MISSED, Act.ATTEND): State.ATTENDED,
        (State.MISSED, Act.WITHDRAW): State.WITHDRAWN,
        (State.ATTENDED, Act.CONCLUDE): State.CONCLUDED,
    }
)
#: Nothing more is expected of these.
OVER = frozenset({State.DECLINED, State.CONCLUDED, State.WITHDRAWN})

DECLINE_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "full": N_("No room"),
        "not_for_them": N_("Not for this person"),
        "too_far": N_("Too far away"),
        "closed": N_("Closed"),
        "other": N_("Another reason"),
    }
)
OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        "helped": N_("They got what they needed"),
        "partly": N_("They got some of it"),
        "not_helped": N_("They were not helped"),
        "harmed": N_("Something bad happened there"),
    }
)
#: What the child says about it, in their own measure.
FEEDBACKS: Mapping[str, str] = MappingProxyType(
    {
        "good": N_("It was good"),
        "so_so": N_("It was so-so"),
        "bad": N_("It was bad"),
        "no_answer": N_("Does not want to say"),
    }
)


class Referral(Struct, frozen=True):
    """Somebody is asked to help, on the strength of a consent, with some fields of the record and no others."""

    id: str
    case_id: str
    consent_id: str
    recipient: str
    urgency: Urgency
    state: State
    items: tuple[str, ...]
    sent_by: str
    sent_at: datetime
    seen_at: datetime | None = None
    answered_at: datetime | None = None
    reminded_at: datetime | None = None
    reason: str | None = None  # of a refusal
    outcome: str | None = None
    feedback: str | None = None
    adult_id: str | None = None  # who goes along; None: the child goes alone

    @property
    def answer_by(self) -> datetime:
        return self.sent_at + WINDOWS[self.urgency]

    @property
    def waits(self) -> bool:
        """Whether nobody has said yes or no."""
        return self.state in (State.SENT, State.SEEN)

    @property
    def is_under_way(self) -> bool:
        """Whether somebody may still act on it."""
        return self.state not in OVER

    def is_silent(self, at: datetime) -> bool:
        """Half of the window has gone by and nobody has said yes or no: it is time to ask somebody else too."""
        return self.waits and at >= self.sent_at + WINDOWS[self.urgency] / 2

    def reminder_due(self, at: datetime) -> bool:
        """It is silent, and nobody was told."""
        return self.reminded_at is None and self.is_silent(at)

    def is_late(self, at: datetime) -> bool:
        return self.waits and at >= self.answer_by

    @property
    def needs_second_choice(self) -> bool:
        """The person still has nobody: another has to be asked."""
        return self.state is State.DECLINED or self.outcome in ("not_helped", "harmed")

    def allows(self, act: Act) -> bool:
        return (self.state, act) in TRANSITIONS

    def after(self, act: Act, *, at: datetime, reason: str | None = None, outcome: str | None = None) -> Referral:
        """The referral after `act`. Raises NotAllowedNow, also for a refusal without a reason or an end without one."""
        if not self.allows(act):
            raise NotAllowedNow(self.id)
        if (act is Act.DECLINE and reason not in DECLINE_REASONS) or (act is Act.CONCLUDE and outcome not in OUTCOMES):
            raise NotAllowedNow(self.id)
        moved = replace(self, state=TRANSITIONS[self.state, act])
        match act:
            case Act.SEE:
                return replace(moved, seen_at=at)
            case Act.ACCEPT | Act.DECLINE:
                return replace(moved, answered_at=at, seen_at=self.seen_at or at, reason=reason)
            case Act.CONCLUDE:
                return replace(moved, outcome=outcome)
        return moved
