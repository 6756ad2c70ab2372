"""Looking at the work: each urgent case again within a day, and every file that was opened without holding it.

Whoever must read a colleague's case breaks the glass: with a reason, for an hour, reading and no more. All who
coordinate are told at once, and it stands in the case, beside who has seen the file, and in the audit log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import store, supervision_store
from bot.cases.hand import Hand, in_scope, key_of, target, unseal, visible, write_down
from bot.cases.model import Case, CaseNotFound, NotAllowedNow
from bot.cases.notice import tell_coordinators
from bot.kernel import access, audit
from bot.kernel.access import Permission, Role
from bot.kernel.ids import new_id
from bot.kernel.officers import ALONE_AFTER, Officer, here_since
from bot.kernel.words import N_

GLASS_LASTS = timedelta(minutes=60)
#: A reason is a sentence; "urgent" is none.
SHORTEST_WHY = 10
LONGEST_WHY = 500
LONGEST_NOTE = 2000

#: What a review asks, and what it may answer.
QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "in_time": N_("Did a human answer in time?"),
        "safety_first": N_("Was safety asked about before anything else?"),
        "heard": N_("Was the child heard, and told what happens next?"),
        "no_more_than_needed": N_("Was the child spared questions that were not needed?"),
        "next_step": N_("Is there a next step with a name and a time?"),
    }
)
ANSWERS: Mapping[str, str] = MappingProxyType(
    {"yes": N_("Yes"), "no": N_("No"), "does_not_apply": N_("Does not apply")}
)

GLASS_BROKEN = N_("A colleague opened case {number}, which is not theirs. They gave a reason: see it on the desk.")


class Review(Struct, frozen=True):
    """One urgent case, and how it was done once somebody has looked."""

    case_id: str
    number: str
    priority: str
    reason: str
    owner_id: str | None
    due_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str | None
    held_by: frozenset[str]
    left_to: LeftTo
    is_mine: bool  # this officer may review it


class Reviewed(Struct, frozen=True):
    """What a review says."""

    answers: Mapping[str, str]
    note: str
    by: str
    at: datetime
    by_holder: bool  # nobody else was there


class LeftTo(StrEnum):
    """Who can still look at a case with other eyes than those who held it."""

    COORDINATORS = "coordinators"
    COLLEAGUES = "colleagues"  # every coordinator held it
    NOBODY = "nobody"  # so did everybody else


class ToReview(Struct, frozen=True):
    """A case, as the rule of who reviews it asks about it."""

    officer_id: str | None
    read_by: frozenset[str]
    held_by: frozenset[str]
    left_to: LeftTo


class Glass(Struct, frozen=True):
    """A file that was opened by somebody who does not hold it."""

    id: str
    case_id: str
    number: str
    officer_id: str
    why: str
    at: datetime
    expires_at: datetime
    seen_by: str | None


# Break the glass --------------------------------------------------------------------------------------------------


def break_glass(tx: Connection, hand: Hand, number: str, *, why: str) -> Case | None:
    """Open a colleague's case for reading, for an hour. None where no case has this number.

    A number that leads nowhere is in the audit log too (so it is no exception, which would undo that). Raises
    NotAllowedNow without a reason, CaseNotFound for who may not do this to any case.
    """
    if not access.allows(hand.officer, Permission.CASE_BREAK_GLASS):
        raise CaseNotFound(number)
    why = why.strip()
    if not SHORTEST_WHY <= len(why) <= LONGEST_WHY:
        raise NotAllowedNow(number)
    case_id = store.id_of_number(tx, number.strip().upper())
    sealed = store.get_case(tx, case_id) if case_id else None
    if sealed is None or sealed.words_sealed is None:  # erased: there is nothing to read any more
        audit.append(
            tx, hand.vault, at=hand.at, actor=hand.officer.id, act=Permission.CASE_BREAK_GLASS, object="case:none"
        )
        return None
    if store.get_case(tx, sealed.case.id, in_scope(hand.officer)) is not None:
        return sealed.case  # theirs to read without breaking anything
    return _broken(tx, hand, sealed.case, why)


def _broken(tx: Connection, hand: Hand, case: Case, why: str) -> Case:
    glass_id = new_id()
    supervision_store.add_glass(
        tx,
        {
            "id": glass_id,
            "case_id": case.id,
            "officer_id": hand.officer.id,
            "at": hand.at,
            "expires_at": hand.at + GLASS_LASTS,
            "why_sealed": key_of(tx, hand, case).seal(why, table="case_glass", row=glass_id, field="why"),
        },
    )
    facts = {"glass": glass_id, "minutes": str(int(GLASS_LASTS.total_seconds() // 60))}
    write_down(tx, hand.vault, case, "glass_broken", officer_id=hand.officer.id, at=hand.at, facts=facts)
    # On the desk it stands until one of them has looked at it.
    tell_coordinators(tx, hand.vault, hand.words, case, GLASS_BROKEN, thing=f"glass:{glass_id}", at=hand.at)
    return case


def glass_of(tx: Connection, hand: Hand, case_id: str) -> list[Glass]:
    """Who opened a case without holding it, and why: beside who has seen it. Raises CaseNotFound, NotAllowedNow."""
    case = target(tx, hand, case_id, Permission.CASE_SEEN_BY, lock=False)
    return [_glass(tx, hand, case, row) for row in supervision_store.glass_of(tx, case.id)]


def unseen_glass(tx: Connection, hand: Hand, *, limit: int = 50) -> list[Glass]:
    """The openings that nobody who coordinates has looked at. Raises CaseNotFound for anybody else."""
    _require_supervisor(hand)
    rows = supervision_store.unseen_glass(tx, limit=limit)
    cases = store.cases_among(tx, {row.case_id for row in rows})
    return [_glass(tx, hand, cases[row.case_id], row) for row in rows]


def see_glass(tx: Connection, hand: Hand, glass_id: str) -> None:
    """ "I have looked at this." Raises NotAllowedNow when somebody had, or for one's own."""
    _require_supervisor(hand)
    case_id = supervision_store.set_glass_seen(tx, glass_id, by=hand.officer.id, at=hand.at)
    sealed = store.get_case(tx, case_id) if case_id else None
    if sealed is None:
        raise NotAllowedNow(glass_id)
    facts = {"glass": glass_id}
    write_down(tx, hand.vault, sealed.case, "glass_seen", officer_id=hand.officer.id, at=hand.at, facts=facts)


def _glass(tx: Connection, hand: Hand, case: Case, row: Any) -> Glass:
    why = unseal(tx, hand.vault, case, row.why_sealed, "case_glass", row.id, "why")
    return Glass(row.id, case.id, case.number, row.officer_id, why, row.at, row.expires_at, row.seen_by)


# Review -----------------------------------------------------------------------------------------------------------


def owed_reviews(tx: Connection, hand: Hand, *, limit: int = 100) -> list[Review]:
    """The urgent cases nobody has looked at again, the longest due first. Raises CaseNotFound for anybody else."""
    return _reviews(tx, hand, owed=True, limit=limit)


def done_reviews(tx: Connection, hand: Hand, *, limit: int = 20) -> list[Review]:
    return _reviews(tx, hand, owed=False, limit=limit)


def may_review(tx: Connection, hand: Hand, case: Case) -> bool:
    """Whether a review of this case is owed, and this officer's to make."""
    row = supervision_store.review_of(tx, case.id)
    return row is not None and row.reviewed_at is None and _is_theirs(tx, hand, case)


def to_review(tx: Connection, hand: Hand, case_id: str) -> tuple[Case, Reviewed | None, bool]:
    """A case to be looked at again, what was said if somebody has, and whether this officer held it.

    Whoever coordinates reads what was said, of a case that they held too. Raises CaseNotFound, NotAllowedNow.
    """
    case = visible(tx, hand.officer, case_id, at=hand.at).case
    row = supervision_store.review_of(tx, case.id)
    done = row is not None and row.reviewed_at is not None
    if not (done and access.allows(hand.officer, Permission.SUPERVISION_READ)) and not _is_theirs(tx, hand, case):
        raise NotAllowedNow(case.number)
    held_by = supervision_store.holders_of(tx, [case.id])[case.id]
    mine = hand.officer.id in held_by
    if row is None or not done:
        return case, None, mine
    note = unseal(tx, hand.vault, case, row.note_sealed, "case_reviews", case.id, "note")
    by_holder = row.reviewed_by in held_by
    return case, Reviewed(json.loads(row.answers), note, row.reviewed_by, row.reviewed_at, by_holder), mine


def review(tx: Connection, hand: Hand, case_id: str, answers: Mapping[str, str], *, note: str) -> None:
    """Say how a case was done: every question, and a note where one is needed.

    Raises NotAllowedNow where an answer is missing, for whoever held the case while there is anybody else, and when
    somebody was quicker.
    """
    case = visible(tx, hand.officer, case_id, at=hand.at, lock=True).case
    if not _is_theirs(tx, hand, case):
        raise NotAllowedNow(case.number)
    note = note.strip()
    if set(answers) != set(QUESTIONS) or not set(answers.values()) <= set(ANSWERS) or len(note) > LONGEST_NOTE:
        raise NotAllowedNow(case.number)
    if "no" in answers.values() and not note:  # what went wrong is said in words, or nobody can learn from it
        raise NotAllowedNow(case.number)
    sealed = key_of(tx, hand, case).seal(note, table="case_reviews", row=case.id, field="note") if note else None
    if not supervision_store.set_reviewed(
        tx, case.id, by=hand.officer.id, at=hand.at, answers=answers, note_sealed=sealed
    ):
        raise NotAllowedNow(case.number)
    write_down(tx, hand.vault, case, "reviewed", officer_id=hand.officer.id, at=hand.at, facts=answers)


def _is_theirs(tx: Connection, hand: Hand, case: Case) -> bool:
    held_by = supervision_store.holders_of(tx, [case.id])[case.id]
    asked = ToReview(case.owner_id, case.read_by, held_by, _left_to(_team(tx, hand), held_by))
    return access.allows(hand.officer, Permission.CASE_REVIEW, asked)


def _team(tx: Connection, hand: Hand) -> list[Officer]:
    return here_since(tx, hand.at - ALONE_AFTER)


def _left_to(team: Sequence[Officer], held_by: frozenset[str]) -> LeftTo:
    fresh = [each for each in team if each.id not in held_by]
    if any(each.active and Role.COORDINATOR in each.roles for each in fresh):
        return LeftTo.COORDINATORS
    # Who was shut out lately counts here, so that nobody passes their own work from one minute to the next.
    return LeftTo.COLLEAGUES if any(each.roles & {Role.OFFICER, Role.COORDINATOR} for each in fresh) else LeftTo.NOBODY


def _reviews(tx: Connection, hand: Hand, *, owed: bool, limit: int) -> list[Review]:
    _require_supervisor(hand)
    rows, team = supervision_store.reviews(tx, owed=owed, limit=limit), _team(tx, hand)
    held_by = supervision_store.holders_of(tx, [row.case_id for row in rows])
    return [_review(hand, row, held_by[row.case_id], team) for row in rows]


def _review(hand: Hand, row: Any, held_by: frozenset[str], team: Sequence[Officer]) -> Review:
    left_to = _left_to(team, held_by)
    asked = ToReview(row.owner_id, frozenset(), held_by, left_to)
    return Review(
        row.case_id,
        row.number,
        row.priority,
        row.reason,
        row.owner_id,
        row.due_at,
        row.reviewed_at,
        row.reviewed_by,
        held_by,
        left_to,
        access.allows(hand.officer, Permission.CASE_REVIEW, asked),
    )


def _require_supervisor(hand: Hand) -> None:
    if not access.allows(hand.officer, Permission.SUPERVISION_READ):
        raise CaseNotFound("supervision")
