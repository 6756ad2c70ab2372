"""What is recorded of whom the child of a case fears, and whom words of ours could endanger: the gate goes by it."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.cases.model import Case
from bot.exchange.gate import Situation
from bot.exchange.partners import store as partners
from bot.exchange.requests import gate_store, sending, store
from bot.exchange.requests.history import note
from bot.exchange.requests.model import (
    ENDED,
)
from bot.exchange.requests.opening import case_for, case_key
from bot.kernel import audit
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id


def record_situation(tx: Connection, hand: Hand, case_id: str, situation: Situation) -> list[str]:
    """Write down whom the child of a case fears, asked alone. Returns the requests the gate would stop now.

    Those that are on their way without their personal part keep it back by themselves. For those whose partner has it
    already, whoever holds the case is called: what is known cannot be unknown, but more can be kept from following.
    """
    case = case_for(tx, hand, case_id)
    add_situation(tx, hand, case.id, case_key(tx, hand.vault, case), situation)
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act="gate.situation", object=f"case:{case.id}")
    stopped = []
    for sealed in store.of_case(tx, case.id):
        request = sealed.request
        partner = partners.get(tx, request.partner_id, hand.vault)
        if request.status in ENDED or request.sent_at is None or partner is None:
            continue
        if sending.stops_for(tx, hand.vault, request, [partner]):
            stopped.append(request.id)
            note(tx, hand.vault, request, "gate_shut_since", officer_id=None, at=hand.at)
    return stopped


def known_of_danger(endangers: bool | None) -> Situation:
    """What the gate goes by for words of ours about a request of theirs: only a clear no opens it."""
    return Situation(frozenset(), False) if endangers is False else Situation()


def add_situation(tx: Connection, hand: Hand, subject_id: str, key: DataKey, situation: Situation) -> None:
    """Write down whom the child of a case fears, or whether an answer endangers somebody. The newest counts."""
    row_id = new_id()
    known = {
        "fears": None if situation.fears is None else sorted(situation.fears),
        "asylum": situation.asylum,
        "origins": sorted(situation.origins),
    }
    sealed = key.seal_json(known, table="exchange_situations", row=row_id, field="situation")
    gate_store.add_situation(
        tx, row_id=row_id, subject_id=subject_id, officer_id=hand.officer.id, at=hand.at, sealed=sealed
    )


def situation_of_case(tx: Connection, vault: Vault, case: Case) -> Situation:
    """What is recorded of the fear of the child of a case."""
    row = gate_store.situation_row(tx, case.id)
    if row is None or row.sealed is None:
        return Situation()
    try:
        known = vault.key(tx, case.key_id).open_json(
            row.sealed, table="exchange_situations", row=row.id, field="situation"
        )
    except Erased:
        return Situation()
    fears = known["fears"]
    return Situation(None if fears is None else frozenset(fears), known["asylum"], frozenset(known["origins"]))
