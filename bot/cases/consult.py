"""Asking a colleague for their view: they read the case and write a note to it, and it stays with whoever holds it.

Nothing rings and nobody waits for it: an answer that does not come in time ends the question by itself. That the
colleague reads is in the audit log, like every reading.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection, Row

from bot.cases import consult_store as consults
from bot.cases import store
from bot.cases.hand import Hand, key_of, target, unseal, write_down
from bot.cases.handover import NobodyThere, takes_cases
from bot.cases.model import Case, CaseStatus, NotAllowedNow
from bot.kernel import officers
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer

LONGEST_NOTE = 2000
#: Then it is over, and one asks again: nobody reads a colleague's case for ever because they were asked once.
LASTS = timedelta(days=3)


class Question(Struct, frozen=True):
    """A colleague is asked for their view of a case."""

    case: Case
    asked_by: str
    asked: str
    note: str
    at: datetime
    expires_at: datetime


def ask(tx: Connection, hand: Hand, case_id: str, *, of: str, note: str) -> None:
    """Let a colleague read a case the officer holds, with what is asked of them. A second question replaces the first.

    Raises CaseNotFound, NotAllowedNow, NobodyThere.
    """
    case = target(tx, hand, case_id, Permission.CASE_CONSULT)
    note = note.strip()
    if case.status is not CaseStatus.CLAIMED or not note or len(note) > LONGEST_NOTE:
        raise NotAllowedNow(case.number)
    if of in (case.owner_id, hand.officer.id) or not takes_cases(officers.get_officer(tx, of)):
        raise NobodyThere(case.number)
    consults.end(tx, case.id, of, by=hand.officer.id, at=hand.at)
    question_id = new_id()
    consults.add(
        tx,
        {
            "id": question_id,
            "case_id": case.id,
            "asked_by": hand.officer.id,
            "asked": of,
            "note_sealed": key_of(tx, hand, case).seal(note, table="case_consults", row=question_id, field="note"),
            "at": hand.at,
            "expires_at": hand.at + LASTS,
        },
    )
    write_down(tx, hand.vault, case, "consulted", officer_id=hand.officer.id, at=hand.at, facts={"to": of})


def take_back(tx: Connection, hand: Hand, case_id: str, *, of: str) -> None:
    """The colleague is not asked any more, and does not read any more. Raises NotAllowedNow where they were not."""
    case = target(tx, hand, case_id, Permission.CASE_CONSULT)
    _end(tx, hand, case, of)


def answered(tx: Connection, hand: Hand, case_id: str) -> None:
    """The colleague has said what they think, in a note or by word of mouth. Raises CaseNotFound, NotAllowedNow."""
    case = target(tx, hand, case_id, Permission.CASE_READ)
    _end(tx, hand, case, hand.officer.id)


def _end(tx: Connection, hand: Hand, case: Case, asked: str) -> None:
    if not consults.end(tx, case.id, asked, by=hand.officer.id, at=hand.at):
        raise NotAllowedNow(case.number)
    facts = {"to": asked}
    write_down(tx, hand.vault, case, "consult_ended", officer_id=hand.officer.id, at=hand.at, facts=facts)


def of_case(tx: Connection, vault: Vault, case: Case, *, at: datetime) -> list[Question]:
    """Who is asked about a case that the officer was let into."""
    return [_question(tx, vault, case, row) for row in consults.standing(tx, at, case_id=case.id)]


def asked_of(tx: Connection, vault: Vault, officer: Officer, *, at: datetime) -> list[Question]:
    """What an officer is asked, the oldest first."""
    rows = consults.standing(tx, at, asked=officer.id)
    known = store.cases_among(tx, {row.case_id for row in rows})
    return [_question(tx, vault, known[row.case_id], row) for row in rows]


def _question(tx: Connection, vault: Vault, case: Case, row: Row[Any]) -> Question:
    note = unseal(tx, vault, case, row.note_sealed, "case_consults", row.id, "note")
    return Question(case, row.asked_by, row.asked, note, row.at, row.expires_at)
