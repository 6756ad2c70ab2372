"""The panel of a best-interests determination: officers who are named for it, read what it needs and write their view.

A member reads on a page of its own, and no further: no talk, no notes, nothing restricted, not where the child is or
how they are reached, not who reported them, and not what the other members think, so that each says their own. The
right is the seat: it is part of the query, every reading is in the audit log, and it ends with the determination, with
the case, or by whoever holds the case. What was written stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from bot.cases import panel_store, store
from bot.cases.hand import Hand, key_of, note_in_audit, target, unseal, write_down
from bot.cases.handover import NobodyThere, takes_cases
from bot.cases.model import Case, CaseNotFound, CaseStatus, NotAllowedNow
from bot.cases.record import service as record
from bot.cases.record.fields import SECTIONS, Level, Section
from bot.cases.record.risk import Assessment
from bot.kernel import access, officers
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer

LONGEST_VIEW = 4000
MOST_MEMBERS = 12
#: What a determination needs, section by section.
READ_BY_PANEL = frozenset({"person", "protection", "family", "plan", "best_interests"})


class Seat(Struct, frozen=True):
    """Somebody was named for the panel of a case."""

    case: Case
    member: str
    named_by: str
    at: datetime
    view: str  # "" until they wrote it
    view_at: datetime | None
    ended_at: datetime | None


class Papers(Struct, frozen=True):
    """What a member reads."""

    seat: Seat
    sections: Sequence[Section]
    facts: Mapping[str, record.Fact]
    risk: Assessment | None


def name_member(tx: Connection, hand: Hand, case_id: str, member: str) -> None:
    """Let an officer of this deployment read what the determination needs, and write their view.

    Raises CaseNotFound, NobodyThere, and NotAllowedNow where they sit there already or it is decided.
    """
    case = target(tx, hand, case_id, Permission.PANEL_NAME)
    sitting = [row for row in panel_store.seats_of(tx, case.id) if row.ended_at is None]
    if case.status is not CaseStatus.CLAIMED or len(sitting) >= MOST_MEMBERS or record.is_determined(tx, hand, case):
        raise NotAllowedNow(case.number)
    if member in (case.owner_id, hand.officer.id) or not takes_cases(officers.get_officer(tx, member)):
        raise NobodyThere(case.number)
    if any(row.member == member for row in sitting):
        raise NotAllowedNow(case.number)
    key_of(tx, hand, case)  # nobody is named for what was erased
    seat = {"id": new_id(), "case_id": case.id, "member": member, "named_by": hand.officer.id, "at": hand.at}
    panel_store.add(tx, seat)
    write_down(tx, hand.vault, case, "panel_named", officer_id=hand.officer.id, at=hand.at, facts={"to": member})


def end_seat(tx: Connection, hand: Hand, case_id: str, member: str) -> None:
    """They read no more. Raises CaseNotFound, and NotAllowedNow where they do not sit there."""
    case = target(tx, hand, case_id, Permission.PANEL_NAME)
    if not panel_store.end(tx, case.id, by=hand.officer.id, at=hand.at, member=member):
        raise NotAllowedNow(case.number)
    write_down(tx, hand.vault, case, "panel_left", officer_id=hand.officer.id, at=hand.at, facts={"to": member})


def read_papers(tx: Connection, hand: Hand, case_id: str) -> Papers:
    """What a member reads; the reading is in the audit log. Raises CaseNotFound for everybody else."""
    case, seat = _seat_of(tx, hand, case_id, Permission.PANEL_READ)
    note_in_audit(tx, hand, Permission.PANEL_READ, case)
    sections = [_open_fields(each) for each in SECTIONS if each.code in READ_BY_PANEL]
    facts = record.facts_of(tx, hand.vault, case, {field.code for section in sections for field in section.fields})
    return Papers(_seat(tx, hand.vault, case, seat), sections, facts, record.risk_of(tx, hand.vault, case))


def write_view(tx: Connection, hand: Hand, case_id: str, view: str) -> None:
    """Write what they think is best for the child, and why; as often as they like until it ends.

    Raises CaseNotFound for whoever does not sit there, NotAllowedNow for nothing or too much.
    """
    case, seat = _seat_of(tx, hand, case_id, Permission.PANEL_WRITE)
    view = view.strip()
    if not view or len(view) > LONGEST_VIEW:
        raise NotAllowedNow(case.number)
    sealed = key_of(tx, hand, case).seal(view, table="case_panel", row=seat.id, field="view")
    if not panel_store.write_view(tx, seat.id, sealed, hand.at):
        raise NotAllowedNow(case.number)
    write_down(tx, hand.vault, case, "panel_view", officer_id=hand.officer.id, at=hand.at)


def of_case(tx: Connection, vault: Vault, case: Case) -> list[Seat]:
    """Who was named in a case that the officer was let into, and what they wrote."""
    return [_seat(tx, vault, case, row) for row in panel_store.seats_of(tx, case.id)]


def seats_of_officer(tx: Connection, vault: Vault, officer: Officer) -> list[Seat]:
    """On which panels an officer sits."""
    rows = panel_store.seats_held(tx, officer.id)
    known = store.cases_among(tx, {row.case_id for row in rows})
    return [_seat(tx, vault, known[row.case_id], row) for row in rows]


def _seat_of(tx: Connection, hand: Hand, case_id: str, permission: Permission) -> tuple[Case, Row[Any]]:
    found = panel_store.seats_held(tx, hand.officer.id, case_id=case_id)
    sealed = store.get_case(tx, case_id) if found else None
    if sealed is None:
        raise CaseNotFound(case_id)
    case = replace(sealed.case, panel=frozenset({hand.officer.id}))
    if not access.allows(hand.officer, permission, case):
        raise CaseNotFound(case_id)
    return case, found[0]


def _seat(tx: Connection, vault: Vault, case: Case, row: Row[Any]) -> Seat:
    view = unseal(tx, vault, case, row.view_sealed, "case_panel", row.id, "view")
    return Seat(case, row.member, row.named_by, row.at, view, row.view_at, row.ended_at)


def _open_fields(section: Section) -> Section:
    return replace(section, fields=tuple(field for field in section.fields if field.level is Level.OPEN))
