"""Brothers, sisters and people of one household, whose cases know of each other.

Each case stays its own: its talk, its plan, its consents. A link says who belongs together, who said so and why. The
other case is shown to whoever may see it, and is not found by anybody else; that there is one is told to whoever is
about to move a child, so that nobody is parted by not knowing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import household_store, store
from bot.cases.hand import Hand, in_scope, key_of, target, unseal, visible, write_down
from bot.cases.model import Case, CaseNotFound, NotAllowedNow
from bot.kernel.access import Permission
from bot.kernel.crypto import Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from bot.kernel.words import N_

TABLE = "case_links"
LONGEST_WHY = 500
KINDS: Mapping[str, str] = MappingProxyType(
    {"siblings": N_("Brothers or sisters"), "household": N_("Live or travel together")}
)


class Linked(Struct, frozen=True):
    """Another case of the same family or household, for an officer who may see it."""

    link_id: str
    case: Case
    kind: str
    why: str
    officer_id: str
    at: datetime


def link(tx: Connection, hand: Hand, case_id: str, number: str, *, kind: str, why: str) -> str:
    """Say that two open cases belong together. Returns the link.

    The officer holds the first, or coordinates, and may see the second; one they may not see is CaseNotFound, like one
    that does not exist. Raises NotAllowedNow for a closed one, for itself, for the same link again, and without a
    reason.
    """
    why, other_id = why.strip(), store.id_of_number(tx, number.strip().upper())
    case = target(tx, hand, case_id, Permission.CASE_LINK, lock=False)
    if other_id is None:
        raise CaseNotFound(number)
    if kind not in KINDS or not why or len(why) > LONGEST_WHY or other_id == case.id:
        raise NotAllowedNow(case.number)
    found = {each: visible(tx, hand.officer, each, at=hand.at, lock=True).case for each in sorted((case.id, other_id))}
    case, other = found[case.id], found[other_id]
    if not case.is_open or not other.is_open or case.read_by or other.read_by:
        raise NotAllowedNow(case.number)
    return _join(tx, hand, case, other, kind=kind, why=why)


def _join(tx: Connection, hand: Hand, case: Case, other: Case, *, kind: str, why: str) -> str:
    link_id = new_id()
    keys = {one.id: key_of(tx, hand, one) for one in (case, other)}
    for one, its_other in ((case, other), (other, case)):
        row_id = new_id()
        values = {
            "id": row_id,
            "link_id": link_id,
            "case_id": one.id,
            "other_id": its_other.id,
            "kind": kind,
            "why_sealed": keys[one.id].seal(why, table=TABLE, row=row_id, field="why"),
            "officer_id": hand.officer.id,
            "at": hand.at,
        }
        if not household_store.add(tx, values):
            raise NotAllowedNow(case.number)
        facts = {"case": its_other.id, "kind": kind}
        write_down(tx, hand.vault, one, "linked", officer_id=hand.officer.id, at=hand.at, facts=facts)
    return link_id


def unlink(tx: Connection, hand: Hand, case_id: str, link_id: str, *, why: str) -> None:
    """Say that they do not belong together after all, with the reason. Raises CaseNotFound, NotAllowedNow."""
    case, why = target(tx, hand, case_id, Permission.CASE_LINK), why.strip()
    shown = {row.link_id for row in household_store.of_case(tx, case.id, in_scope(hand.officer))}
    if link_id not in shown or not why or len(why) > LONGEST_WHY:
        raise NotAllowedNow(case.number)
    for row in household_store.pair(tx, link_id):
        sealed = store.get_case(tx, row.case_id)
        assert sealed is not None  # a link points at its cases by foreign keys
        household_store.end(
            tx, row.id, by=hand.officer.id, at=hand.at, why_sealed=_sealed_end(tx, hand, sealed.case, row.id, why)
        )
        facts = {"case": row.other_id, "kind": row.kind}
        write_down(tx, hand.vault, sealed.case, "unlinked", officer_id=hand.officer.id, at=hand.at, facts=facts)


def _sealed_end(tx: Connection, hand: Hand, case: Case, row_id: str, why: str) -> bytes | None:
    """The reason for one of the two cases; nothing where its words were erased meanwhile."""
    with suppress(Erased):
        return hand.vault.key(tx, case.key_id).seal(why, table=TABLE, row=row_id, field="ended_why")
    return None


def of_case(tx: Connection, vault: Vault, officer: Officer, case: Case) -> list[Linked]:
    """The cases linked to this one that the officer may see too. For a case the officer was let into."""
    linked = []
    for row in household_store.of_case(tx, case.id, in_scope(officer)):
        sealed = store.get_case(tx, row.other_id)
        assert sealed is not None
        why = unseal(tx, vault, case, row.why_sealed, TABLE, row.id, "why")
        linked.append(Linked(row.link_id, sealed.case, row.kind, why, row.officer_id, row.at))
    return linked


def carry_over(tx: Connection, hand: Hand, duplicate: Case, kept: Case) -> None:
    """The family of a duplicate belongs to the case that goes on: nobody is parted because a case was closed.

    What the two themselves were called to each other ends. The links of the duplicate stay where they are.
    """
    known = {row.other_id for row in household_store.of_case(tx, kept.id, sa.true())}
    for row in household_store.of_case(tx, duplicate.id, sa.true()):
        if row.other_id == kept.id:
            for one in household_store.pair(tx, row.link_id):
                household_store.end(tx, one.id, by=hand.officer.id, at=hand.at, why_sealed=None)
                facts = {"case": one.other_id, "kind": one.kind}
                ours = duplicate if one.case_id == duplicate.id else kept
                write_down(tx, hand.vault, ours, "unlinked", officer_id=hand.officer.id, at=hand.at, facts=facts)
        elif row.other_id not in known:
            other = store.get_case(tx, row.other_id)
            assert other is not None  # a link points at its cases by foreign keys
            why = unseal(tx, hand.vault, duplicate, row.why_sealed, TABLE, row.id, "why")
            with suppress(NotAllowedNow):  # the words of the other were erased: then nobody is there to be parted from
                _join(tx, hand, kept, other.case, kind=row.kind, why=why)


def open_count(tx: Connection, case_id: str) -> int:
    """How many open cases belong together with this one: whoever moves this child alone would part them."""
    return household_store.open_count(tx, case_id)
