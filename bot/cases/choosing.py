"""Which case an officer is given who asks for the next one.

The most urgent level first, whatever else. Where life is at risk the oldest of it: nobody waits there for a language.
Below, whoever has waited past the promised time, the longest first: no wish of an officer may keep somebody waiting for
ever. Then the cases this officer suits best: their languages and what they are trained for; then their languages; then
the oldest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases import store
from bot.cases.hand import Hand, in_scope
from bot.cases.model import Case, CaseError
from bot.kernel import audit
from bot.kernel.officers import Officer
from bot.kernel.words import N_
from dialogues.understanding.model import Priority

if TYPE_CHECKING:
    from bot.cases.service import CaseSummary

#: How many cases an officer holds before the desk gives them no more by itself, unless somebody says otherwise.
USUAL_CAPACITY = 12
#: The largest caseload of a worker that the minimum standards know (domain pack, section f).
LARGEST_CAPACITY = 25

#: What an officer can be trained for, and the reasons it is good for.
SKILLS: Mapping[str, tuple[str, frozenset[str]]] = MappingProxyType(
    {
        "violence": (
            N_("Sexual and gender-based violence"),
            frozenset({"sexual_abuse", "physical_abuse", "child_marriage", "fgm_harmful", "online_sexual"}),
        ),
        "trafficking": (
            N_("Trafficking and exploitation"),
            frozenset({"trafficking", "labour_exploitation", "kidnap_ransom", "non_parent_adult", "threats"}),
        ),
        "suicide": (N_("Suicide and self-harm"), frozenset({"suicide_self_harm"})),
        "law": (N_("Detention and removal"), frozenset({"detention", "removal_imminent"})),
        "small_children": (N_("Small children"), frozenset({"baby_abandoned", "missing_child"})),
    }
)


class AtCapacity(CaseError):
    """The officer holds as many cases as they can. Hand one over or close one; life at risk is given all the same."""


class Profile(Struct, frozen=True):
    """What the desk knows of an officer when it gives them work."""

    officer_id: str
    capacity: int = USUAL_CAPACITY
    skills: frozenset[str] = frozenset()

    @property
    def reasons(self) -> list[str]:
        """The reasons for which this officer is trained."""
        return sorted({reason for skill in self.skills & SKILLS.keys() for reason in SKILLS[skill][1]})


def profile_of(tx: Connection, officer_id: str) -> Profile:
    found = store.duty_profile(tx, officer_id)
    return Profile(officer_id) if found is None else Profile(officer_id, found[0], frozenset(found[1]))


def set_profile(tx: Connection, hand: Hand, officer_id: str, *, capacity: int, skills: Iterable[str]) -> None:
    """Say how much an officer can hold and what they are trained for. Raises ValueError outside the limits."""
    known = sorted(SKILLS.keys() & set(skills))
    if not 1 <= capacity <= LARGEST_CAPACITY:
        raise ValueError("capacity")
    store.put_duty_profile(tx, officer_id, capacity=capacity, skills=known)
    audit.append(
        tx,
        hand.vault,
        at=hand.at,
        actor=hand.officer.id,
        act="officer.profile",
        object=f"officer:{officer_id}",
        facts={"capacity": capacity, "skills": known},
    )


def next_for(tx: Connection, officer: Officer, at: datetime) -> Case | None:
    """The case to give this officer, locked; one that a colleague is taking this moment is passed over.

    Raises AtCapacity where somebody waits, but nobody's life is at risk and this officer holds enough.
    """
    scope, profile = in_scope(officer), profile_of(tx, officer.id)
    full = store.held_count(tx, officer.id) >= profile.capacity
    somebody_waits = False
    for priority in Priority:
        level = sa.and_(scope, store.cases.c.priority == priority.value)
        if full and priority is not Priority.P0:
            somebody_waits = somebody_waits or store.anybody_waits(tx, level)
            continue
        wishes = [sa.true()] if priority is Priority.P0 else _wishes(officer, profile, at)
        for wish in wishes:
            case = store.next_waiting(tx, level, wish)
            if case is not None:
                return case
    if somebody_waits:
        raise AtCapacity(officer.id)
    return None


def in_order_for(languages: Collection[str], waiting: Iterable[CaseSummary], at: datetime) -> list[CaseSummary]:
    """The queue as an officer of these languages reads it: of each level those who wait too long, then who writes in
    one of them, then the others. Where life is at risk a language changes nothing."""

    def place(summary: CaseSummary) -> tuple[Priority, int]:
        case = summary.case
        if case.priority is Priority.P0 or case.due_at <= at:
            return case.priority, 0
        return case.priority, 1 if case.language in languages else 2

    return sorted(waiting, key=place)  # who was before them stays before them


def _wishes(officer: Officer, profile: Profile, at: datetime) -> list[ColumnElement[bool]]:
    """Narrower and wider, in the order in which they are tried. The last one excludes nobody."""
    c = store.cases.c
    speaks, trained = c.language.in_(officer.languages), c.reason.in_(profile.reasons)
    wishes = [c.due_at <= at, sa.and_(speaks, trained), speaks, sa.true()]
    return wishes if profile.reasons else [wishes[0], *wishes[2:]]
