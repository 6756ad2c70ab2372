"""A case on its way to another deployment, as a value: whose it is at every moment.

Ownership moves once. Once the file is in the post, its giver watches and answers the child, and decides nothing more
about whose the case is; from the very transaction in which the partner opens it, it is the partner's. A letter that was
refused, stopped or ran out is proof that nothing was taken; silence is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from bot.kernel.words import N_

#: The type of request that hands a case over.
TRANSFER = "case_transfer"
#: The question by which a deployment asks for the file of a child that another one knows.
HAND_OVER = "hand_over"
#: How soon after the planned arrival somebody has to have seen the child (domain pack, `case_transfer`).
ARRIVAL_CHECK = timedelta(hours=24)


class State(StrEnum):
    """How far a transfer has come. Both sides go through the same states."""

    OFFERED = "offered"  # the giver owns the case; the partner sees a preview, or has accepted
    HANDED = "handed"  # the file is in the post, or here and waits for those of the siblings
    MOVED = "moved"  # the partner opened the case: it is theirs
    STAYED = "stayed"  # declined, withdrawn or run out: it is the giver's, and nobody else's


#: What an officer reads, on the side that gives and on the side that takes.
GIVER_TITLES: Mapping[State, str] = MappingProxyType(
    {
        State.OFFERED: N_("Offered. The case is yours until the partner has opened it."),
        State.HANDED: N_("The file is on its way. Go on watching until the partner has opened the case."),
        State.MOVED: N_("The partner has opened the case. You watch until the child has arrived."),
        State.STAYED: N_("It was not handed over. The case is yours."),
    }
)
TAKER_TITLES: Mapping[State, str] = MappingProxyType(
    {
        State.OFFERED: N_("A case is offered to you. It is yours once you have accepted and its file is here."),
        State.HANDED: N_("The file is here and waits for those of the brothers and sisters."),
        State.MOVED: N_("The case is yours."),
        State.STAYED: N_("It was not handed over. The case is the partner's."),
    }
)

#: Every lawful move, with what allows it. What is not here cannot happen.
MOVES: frozenset[tuple[State, State]] = frozenset(
    {
        (State.OFFERED, State.HANDED),
        (State.OFFERED, State.STAYED),
        (State.HANDED, State.MOVED),
        (State.HANDED, State.OFFERED),  # it is proven that the file was not taken: it may be sent once more
        (State.HANDED, State.STAYED),  # they confirmed that they keep nothing
    }
)

#: Ages as a preview tells them: no birthday.
BANDS: Mapping[str, str] = MappingProxyType(
    {
        "0-5": N_("up to 5 years old"),
        "6-11": N_("6 to 11 years old"),
        "12-15": N_("12 to 15 years old"),
        "16-17": N_("16 or 17 years old"),
        "18+": N_("18 or older"),
    }
)


def band_of(age: int) -> str:
    """The band an age falls into."""
    return "0-5" if age <= 5 else "6-11" if age <= 11 else "12-15" if age <= 15 else "16-17" if age <= 17 else "18+"


class Preview(Struct, frozen=True):
    """What the partner sees before anybody accepts: no name, no birthday, no place."""

    group: str  # siblings travel under one
    size: int  # how many cases travel in it
    band: str
    language: str
    hold: bool  # an adult may not be with this child: it travels along
    wanted_by: str = ""  # the partner's own request that asked for the file


class Transfer(Struct, frozen=True):
    """One case on its way, seen from here."""

    request_id: str
    giver: bool  # whether we hand it over
    state: State
    preview: Preview
    case_id: str | None  # ours: the one we give, or the one that was opened for it
    handed_at: datetime | None = None
    moved_at: datetime | None = None
    arrival_due_at: datetime | None = None
    arrived_at: datetime | None = None
    missed_at: datetime | None = None  # somebody said that the child did not come, or nobody had said anything in time

    def allows(self, state: State) -> bool:
        return (self.state, state) in MOVES

    @property
    def is_ours(self) -> bool:
        """Whether the case is ours to decide about: never on both sides at once. With the file on its way it is on
        neither; whoever gave it goes on watching."""
        return self.state in (State.OFFERED, State.STAYED) if self.giver else self.state is State.MOVED

    @property
    def awaits_child(self) -> bool:
        """The case has moved, and nobody has seen the child there yet."""
        return self.state is State.MOVED and self.arrived_at is None


def arrival_due(planned: str, moved_at: datetime) -> datetime:
    """When somebody has to have seen the child: a day after the planned day began (UTC), or after the case moved."""
    try:
        day = datetime.strptime(planned, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        day = moved_at
    return max(day, moved_at) + ARRIVAL_CHECK
