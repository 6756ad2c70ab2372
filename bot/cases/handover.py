"""From one officer to another: offered with a note and accepted, or all at once when somebody is gone.

While a case is offered its owner holds it: nobody falls between two colleagues. What nobody accepts in time stays
where it is, and its owner is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import alarm, handover_store, service, store
from bot.cases.hand import Hand, key_of, move, target, unseal, write_down
from bot.cases.model import ACKNOWLEDGE_WITHIN, Act, Case, CaseError, CaseNotFound, CaseStatus, NotAllowedNow
from bot.cases.rota import service as rota
from bot.kernel import access, audit, officers
from bot.kernel.access import Permission, Role
from bot.kernel.crypto import Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from bot.kernel.words import Words

LONGEST_NOTE = 2000
#: At most so many cases move in one act.
MOST_AT_ONCE = 200


class OfferState(StrEnum):
    """What became of an offer."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"  # or overtaken: the case was released, closed or taken over meanwhile
    LAPSED = "lapsed"  # nobody answered in time


class NobodyThere(CaseError):
    """That colleague is not here to take a case. Choose another; nothing was changed."""


class Offer(Struct, frozen=True):
    """A case that one officer offers to another, as both of them see it."""

    id: str
    case: Case
    from_officer: str
    to_officer: str
    note: str
    state: OfferState
    at: datetime
    expires_at: datetime


def offer(tx: Connection, hand: Hand, case_id: str, *, to: str, note: str) -> str:
    """Offer a case to a colleague, with a note that both see. An earlier offer of it ends.

    Raises CaseNotFound, NotAllowedNow, NobodyThere.
    """
    case = target(tx, hand, case_id, Permission.CASE_HAND_OVER)
    note = note.strip()
    if case.status is not CaseStatus.CLAIMED or not note or len(note) > LONGEST_NOTE:
        raise NotAllowedNow(case.number)
    if to == case.owner_id or not is_there(tx, to, hand.at):
        raise NobodyThere(case.number)
    handover_store.end_offers(tx, case.id, OfferState.WITHDRAWN, at=hand.at)
    offer_id = new_id()
    sealed = key_of(tx, hand, case).seal(note, table="hand_overs", row=offer_id, field="note")
    handover_store.add_offer(
        tx,
        {
            "id": offer_id,
            "case_id": case.id,
            "from_officer": case.owner_id,
            "to_officer": to,
            "offered_by": hand.officer.id,
            "note_sealed": sealed,
            "state": OfferState.OFFERED.value,
            "at": hand.at,
            "expires_at": hand.at + ACKNOWLEDGE_WITHIN[case.priority],
        },
    )
    _save(tx, case, replace(case, offered_to=to))
    write_down(tx, hand.vault, case, "offered", officer_id=hand.officer.id, at=hand.at, facts={"to": to})
    return offer_id


def accept(tx: Connection, hand: Hand, case_id: str) -> Case:
    """Take a case that was offered. From now on the person is answered by this officer."""
    case = target(tx, hand, case_id, Permission.CASE_ACCEPT)
    found = handover_store.open_offer(tx, case.id)
    if found is None or found.to_officer != hand.officer.id or found.expires_at <= hand.at:
        raise NotAllowedNow(case.number)
    handover_store.end_offers(tx, case.id, OfferState.ACCEPTED, at=hand.at)
    taken = move(
        tx, hand, replace(case, offered_to=None), Act.HAND_OVER, facts={"from": case.owner_id, "to": hand.officer.id}
    )
    alarm.acknowledge(tx, case.id, officer_id=hand.officer.id, at=hand.at)
    return taken


def decline(tx: Connection, hand: Hand, case_id: str) -> Case:
    """Say no to an offer: the case stays where it is, and its owner sees that."""
    case = target(tx, hand, case_id, Permission.CASE_ACCEPT)
    return _end(tx, hand, case, OfferState.DECLINED)


def withdraw(tx: Connection, hand: Hand, case_id: str) -> Case:
    """Take an offer back."""
    case = target(tx, hand, case_id, Permission.CASE_HAND_OVER)
    return _end(tx, hand, case, OfferState.WITHDRAWN)


def _end(tx: Connection, hand: Hand, case: Case, state: OfferState) -> Case:
    if not handover_store.end_offers(tx, case.id, state, at=hand.at):
        raise NotAllowedNow(case.number)
    kept = _save(tx, case, replace(case, offered_to=None))
    write_down(tx, hand.vault, case, f"offer_{state}", officer_id=hand.officer.id, at=hand.at)
    return kept


def _save(tx: Connection, before: Case, after: Case) -> Case:
    if not store.save_case(tx, before, after):
        raise NotAllowedNow(before.number)
    return after


def lapse(tx: Connection, vault: Vault, *, at: datetime) -> int:
    """End the offers nobody answered in time, or whose colleague is gone. Returns how many."""
    present = {officer.id for officer in officers.list_officers(tx, active_only=True)}
    ended = 0
    for row in handover_store.open_offers(tx):
        if row.expires_at > at and row.to_officer in present:
            continue
        sealed = store.get_case(tx, row.case_id, lock=True)
        if sealed is None or not handover_store.end_offers(tx, row.case_id, OfferState.LAPSED, at=at):
            continue
        case = _save(tx, sealed.case, replace(sealed.case, offered_to=None))
        write_down(tx, vault, case, "offer_lapsed", officer_id=None, at=at, facts={"to": row.to_officer})
        ended += 1
    return ended


def offers_to(tx: Connection, vault: Vault, officer: Officer) -> list[Offer]:
    """What colleagues offer to this officer now, the most urgent first."""
    found = [_offer(tx, vault, row) for row in handover_store.open_offers(tx, to=officer.id)]
    return sorted((each for each in found if each is not None), key=lambda each: (each.case.priority, each.expires_at))


def offers_from(tx: Connection, vault: Vault, officer: Officer, *, since: datetime) -> list[Offer]:
    """What this officer offered since `since`, and what became of it; the newest first."""
    found = [_offer(tx, vault, row) for row in handover_store.offers_by(tx, officer.id, since=since)]
    return [each for each in found if each is not None]


def standing_offer(tx: Connection, vault: Vault, case: Case) -> Offer | None:
    """The offer that waits for an answer, for a case that whoever asks may read."""
    row = handover_store.open_offer(tx, case.id) if case.offered_to is not None else None
    return None if row is None else _offer(tx, vault, row)


def _offer(tx: Connection, vault: Vault, row: Any) -> Offer | None:
    sealed = store.get_case(tx, row.case_id)
    if sealed is None:
        return None
    note = unseal(tx, vault, sealed.case, row.note_sealed, "hand_overs", row.id, "note")
    return Offer(
        row.id, sealed.case, row.from_officer, row.to_officer, note, OfferState(row.state), row.at, row.expires_at
    )


# Many at once -----------------------------------------------------------------------------------------------------


def release_several(tx: Connection, hand: Hand, case_ids: Iterable[str]) -> int:
    """Put several cases back into the queue: all of them or, if one is not this officer's to move, none."""
    wanted = sorted(set(case_ids))[: MOST_AT_ONCE + 1]
    if not wanted or len(wanted) > MOST_AT_ONCE:
        raise NotAllowedNow("several")
    for case_id in wanted:
        service.release_case(tx, hand, case_id)
    return len(wanted)


def offer_several(tx: Connection, hand: Hand, case_ids: Iterable[str], *, to: str, note: str) -> int:
    """Offer several cases to one colleague with one note: all of them, or none."""
    wanted = sorted(set(case_ids))[: MOST_AT_ONCE + 1]
    if not wanted or len(wanted) > MOST_AT_ONCE:
        raise NotAllowedNow("several")
    for case_id in wanted:
        offer(tx, hand, case_id, to=to, note=note)
    return len(wanted)


def hand_over_all(tx: Connection, hand: Hand, from_officer: str, *, to: str | None, note: str) -> int:
    """Everything an absent officer holds, in one step: to a colleague, or back into the queue. Returns how many.

    Each case rings anew, for the colleague first: a case that arrives unasked is not one that somebody has seen.
    Raises CaseNotFound for whoever does not coordinate, and NobodyThere.
    """
    if not access.allows(hand.officer, Permission.CASE_HAND_OVER_ALL):
        raise CaseNotFound(from_officer)
    if to is not None and (to == from_officer or not is_there(tx, to, hand.at)):
        raise NobodyThere(to)
    held = [sealed.case for sealed in store.held_by(tx, from_officer, limit=MOST_AT_ONCE * 10, lock=True)]
    for case in held:
        if note.strip():
            _note(tx, hand, case, note.strip()[:LONGEST_NOTE])
        if to is None:
            service.take_back(tx, hand.vault, case, at=hand.at, because="absent")
            service.tell_person_left(tx, hand.vault, hand.words, case, at=hand.at)
            continue
        handover_store.end_offers(tx, case.id, OfferState.WITHDRAWN, at=hand.at)
        facts = {"from": from_officer, "to": to}
        moved = move(tx, hand, case, Act.HAND_OVER, owner_id=to, facts=facts)
        alarm.ring_anew(tx, moved, at=hand.at)
    facts_of_all = {"to": to, "cases": len(held)}
    audit.append(
        tx,
        hand.vault,
        at=hand.at,
        actor=hand.officer.id,
        act=Permission.CASE_HAND_OVER_ALL,
        object=f"officer:{from_officer}",
        facts=facts_of_all,
    )
    return len(held)


def held_by(tx: Connection, officer_id: str) -> list[Case]:
    """What an officer holds, without its words."""
    return [sealed.case for sealed in store.held_by(tx, officer_id, limit=MOST_AT_ONCE)]


def give_back_all(
    tx: Connection, vault: Vault, words: Words, officer_id: str, *, at: datetime, limit: int = MOST_AT_ONCE * 10
) -> int:
    """Put everything a leaving officer holds back into the queue, in the transaction that lets them go.

    The people hear it: the last they were told is that a person reads their words.
    """
    held = [sealed.case for sealed in store.held_by(tx, officer_id, limit=limit, lock=True)]
    for case in held:
        service.take_back(tx, vault, case, at=at, because="absent")
        service.tell_person_left(tx, vault, words, case, at=at)
    return len(held)


def _note(tx: Connection, hand: Hand, case: Case, note: str) -> None:
    """A note on the case itself. Where its words were erased there is nothing left to say about it."""
    try:
        key = hand.vault.key(tx, case.key_id)
    except Erased:
        return
    note_id = new_id()
    sealed = key.seal(note, table="case_notes", row=note_id, field="text")
    store.add_note(tx, note_id=note_id, case_id=case.id, officer_id=hand.officer.id, at=hand.at, text_sealed=sealed)


def takes_cases(officer: Officer | None) -> bool:
    """Whether this is somebody to whom a case can be given."""
    return officer is not None and officer.active and bool(officer.roles & {Role.OFFICER, Role.COORDINATOR})


def is_there(tx: Connection, officer_id: str, at: datetime) -> bool:
    """Whether a case can be given to this officer now: nobody who said that they are away has it waiting for them."""
    return takes_cases(officers.get_officer(tx, officer_id)) and officer_id not in rota.away(tx, at)


def colleagues(tx: Connection, *, besides: str | None) -> list[Officer]:
    """To whom a case can be given, by name."""
    team = officers.list_officers(tx, active_only=True)
    return [each for each in team if takes_cases(each) and each.id != besides]
