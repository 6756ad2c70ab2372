"""What is overdue tells somebody: its owner at once, and whoever coordinates when that was not enough.

A task has no siren: nobody is in danger this minute because of it. It stands in the menu, on a page of its own and
beside the note to the next shift; and where the case is urgent it is said once, by number alone, on the phone where an
officer is paged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import due_store, notice, store
from bot.cases.due_store import REVIEW, Late
from bot.cases.rota import service as rota
from bot.kernel import officers
from bot.kernel.access import Permission, may_enter
from bot.kernel.crypto import Vault
from bot.kernel.officers import Officer
from bot.kernel.words import N_, Words
from dialogues.understanding.model import Priority

#: After so long an overdue task of an urgent case is for those who coordinate too. Ours: no standard has a number.
THEN_SUPERVISOR: Mapping[Priority, timedelta] = MappingProxyType(
    {Priority.P0: timedelta(hours=1), Priority.P1: timedelta(hours=4)}
)
#: What is late for longer has been told, or was late before anybody was told of such things.
TOLD_WITHIN = timedelta(days=7)

TASK_LATE = N_("A task in your case {number} is overdue. Look at it on the desk.")
TASK_STILL_LATE = N_("A task in case {number} is overdue, and its officer has not done it. Look at it on the desk.")
REVIEW_LATE = N_("Urgent case {number} was to be looked at again within a day, and was not. See it on the desk.")


class Overdue(Struct, frozen=True):
    """What is overdue in all cases, read once for everybody."""

    tasks: Sequence[Late] = ()
    reviews: Sequence[Late] = ()

    def own_of(self, officer: Officer) -> list[Late]:
        """The tasks in the cases this officer holds."""
        return [late for late in self.tasks if late.owner_id == officer.id]

    def for_supervisor(self, officer: Officer, at: datetime) -> list[Late]:
        """The tasks in urgent cases of others that have been late for too long: for who coordinates, else nothing."""
        if not may_enter(officer, Permission.SUPERVISION_READ):
            return []
        return [late for late in self.tasks if late.owner_id != officer.id and needs_supervisor(late, at)]

    def count_for(self, officer: Officer, at: datetime) -> int:
        """How many tasks this officer should look at. Reviews are counted beside Supervision."""
        return len(self.own_of(officer)) + len(self.for_supervisor(officer, at))

    @property
    def grave(self) -> list[Late]:
        """What the next shift should know: everything late in urgent cases."""
        return sorted((late for late in (*self.tasks, *self.reviews) if late.is_grave), key=lambda late: late.due_at)


def needs_supervisor(late: Late, at: datetime, away: Collection[str] = ()) -> bool:
    """Whether it is for those who coordinate: in an urgent case, and late for long, or nobody is there to do it."""
    if late.priority not in THEN_SUPERVISOR:
        return False
    return late.owner_id is None or late.owner_id in away or at - late.due_at >= THEN_SUPERVISOR[late.priority]


def overdue(tx: Connection, at: datetime) -> Overdue:
    """For who may see it, ask what it returns in the name of an officer."""
    return Overdue(due_store.late_tasks(tx, at), due_store.late_reviews(tx, at))


def overdue_tasks(tx: Connection, at: datetime) -> Overdue:
    """The same without reviews, for the frame of every page: those are counted beside Supervision already."""
    return Overdue(due_store.late_tasks(tx, at))


def tell(tx: Connection, vault: Vault, words: Words, *, at: datetime) -> int:
    """Say it where officers are paged, once for each task and officer. Returns how many words went out."""
    found, away, told = overdue(tx, at), rota.away(tx, at), 0
    for late in found.grave:
        if at - late.due_at > TOLD_WITHIN:
            continue
        told += _tell_of(tx, vault, words, late, away, at)
    return told


def _tell_of(tx: Connection, vault: Vault, words: Words, late: Late, away: Collection[str], at: datetime) -> int:
    sealed = store.get_case(tx, late.case_id)
    if sealed is None:
        return 0
    if late.kind == REVIEW:
        return notice.tell_coordinators(tx, vault, words, sealed.case, REVIEW_LATE, thing=f"review:{late.id}", at=at)
    owner = officers.get_officer(tx, late.owner_id) if late.owner_id and late.owner_id not in away else None
    told = 0
    if owner is not None:
        told += notice.tell(tx, vault, words, owner, sealed.case, TASK_LATE, thing=f"late:{late.id}", at=at)
    if needs_supervisor(late, at, away):
        thing = f"still:{late.id}"
        told += notice.tell_coordinators(tx, vault, words, sealed.case, TASK_STILL_LATE, thing=thing, at=at)
    return told


def anything_to_tell(tx: Connection, at: datetime) -> bool:
    """Whether there is anything that `tell` would look at."""
    return any(at - late.due_at <= TOLD_WITHIN for late in overdue(tx, at).grave)
