"""Erasing what a person wrote, because they asked for it: one officer proposes it, another who coordinates does it.

The act is the one of `./waymark erase` and of retention, and like retention it waits for whatever is still under way.
Beyond that a duty to report keeps the words, and so does a phone that somebody else may hold: then it may not be the
person who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import erasure_store, notice, receipt_store, store, telling
from bot.cases.hand import Hand, target, write_down
from bot.cases.model import Case, CaseError, NotAllowedNow
from bot.cases.ports import Eraser
from bot.cases.reasons import WANTS_ERASURE
from bot.conversations import service as conversations
from bot.kernel.access import Permission
from bot.kernel.ids import new_id
from bot.kernel.words import N_

MOST_SHOWN = 50
PROPOSED = N_("Somebody asks that what we know of them is erased, and a colleague agrees: {number}. Look at the case.")
MUST_REPORT = N_("It may have to be reported, and nobody has said yet what was done about it.")
WATCHED = N_("Somebody else may hold the phone: it may not be the person who asks.")


class NotErased(CaseError):
    """Something keeps the words. `obstacles` are sentences for the officer."""

    def __init__(self, number: str, obstacles: Sequence[str]) -> None:
        super().__init__(number)
        self.obstacles = tuple(obstacles)


class Proposal(Struct, frozen=True):
    """One officer thinks that the words of a case go. It waits for a second."""

    case_id: str
    number: str
    by: str
    at: datetime


class Standing(Struct, frozen=True):
    """Where a case stands, for the officer who looks at it."""

    asked: bool  # by the person
    proposal: Proposal | None
    obstacles: Sequence[str]
    erased: bool


def propose(tx: Connection, hand: Hand, eraser: Eraser, case_id: str) -> None:
    """Ask that everything this person wrote is erased. Raises CaseNotFound, NotErased, NotAllowedNow."""
    case = target(tx, hand, case_id, Permission.CASE_PROPOSE_ERASURE)
    _require_free(tx, eraser, case)
    if not erasure_store.add(tx, erasure_id=new_id(), case_id=case.id, by=hand.officer.id, at=hand.at):
        raise NotAllowedNow(case.number)
    write_down(tx, hand.vault, case, "erasure_proposed", officer_id=hand.officer.id, at=hand.at)
    thing = f"erasure:{case.id}:{hand.at:%Y%m%d}"
    notice.tell_coordinators(tx, hand.vault, hand.words, case, PROPOSED, thing=thing, at=hand.at)


def turn_down(tx: Connection, hand: Hand, case_id: str) -> None:
    """The words stay: whoever proposed it thought again, or who coordinates does not agree."""
    case = target(tx, hand, case_id, Permission.CASE_PROPOSE_ERASURE)
    if not erasure_store.end(tx, case.id, "turned_down", by=hand.officer.id, at=hand.at):
        raise NotAllowedNow(case.number)
    write_down(tx, hand.vault, case, "erasure_turned_down", officer_id=hand.officer.id, at=hand.at)


def carry_out(tx: Connection, hand: Hand, eraser: Eraser, case_id: str) -> int:
    """Erase for ever what another officer proposed to erase. Returns how many cases lost their words.

    Call `database.clear_log()` after the commit. Raises CaseNotFound, NotErased, and NotAllowedNow for the officer who
    proposed it.
    """
    case = target(tx, hand, case_id, Permission.CASE_ERASE)
    waiting = erasure_store.waiting_for(tx, case.id)
    if waiting is None or waiting.proposed_by == hand.officer.id:
        raise NotAllowedNow(case.number)
    _require_free(tx, eraser, case)
    erasure_store.end(tx, case.id, "erased", by=hand.officer.id, at=hand.at)
    facts = {"from": waiting.proposed_by}
    write_down(tx, hand.vault, case, "erased", officer_id=hand.officer.id, at=hand.at, facts=facts)
    return eraser.erase(tx, hand.vault, case.conversation_id, by=hand.officer.id, at=hand.at)


def standing(tx: Connection, case: Case) -> Standing:
    """What the page of a case says of it, for a case that whoever asks may read. What other rooms know of is asked when
    somebody acts."""
    row = erasure_store.waiting_for(tx, case.id)
    asked = WANTS_ERASURE in {case.reason, *store.reasons_of(tx, case.id)}
    proposal = None if row is None else Proposal(case.id, case.number, row.proposed_by, row.proposed_at)
    card = conversations.card(tx, case.conversation_id)
    erased = card is None or card.erased_at is not None
    looked_at = (asked or proposal is not None) and not erased
    return Standing(asked, proposal, _in_the_way(tx, case) if looked_at else (), erased)


def waiting(tx: Connection) -> list[Proposal]:
    """What waits for somebody who coordinates."""
    rows = erasure_store.all_waiting(tx, limit=MOST_SHOWN)
    return [Proposal(row.case_id, row.number, row.proposed_by, row.proposed_at) for row in rows]


def _in_the_way(tx: Connection, case: Case) -> list[str]:
    """What keeps the words as far as the cases know, a sentence each."""
    found = []
    if telling.report_is_open(tx, case):
        found.append(MUST_REPORT)
    phones = (case.conversation_id, *receipt_store.phones_left_for(tx, case.conversation_id))
    if any(conversations.is_watched(tx, phone) for phone in phones):
        found.append(WATCHED)
    return found


def _require_free(tx: Connection, eraser: Eraser, case: Case) -> None:
    card = conversations.card(tx, case.conversation_id)
    if card is None or card.erased_at is not None:
        raise NotAllowedNow(case.number)
    if found := [*eraser.in_the_way(tx, case.conversation_id), *_in_the_way(tx, case)]:
        raise NotErased(case.number, found)
