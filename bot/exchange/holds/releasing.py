"""A hold ends when two people of two bodies have said so, and why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.exchange.holds import store
from bot.exchange.holds.dossier_access import key_to_write, open_sealed, to_write, write_down
from bot.exchange.holds.model import (
    Agreed,
    Hold,
    NotNow,
    ends_the_hold,
)
from bot.exchange.holds.placing import standing_on
from bot.exchange.holds.service import LONGEST_TEXT
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Vault

#: The body of officers about whom no admin has said another: this deployment itself.
OWN_BODY = "own"


def agree_to_release(tx: Connection, hand: Hand, dossier_id: str, *, reason: str, decides: bool = True) -> bool:
    """Say that the hold may end. True when with this it has: two people of two bodies have said so. Without `decides`
    it is written down and the hold stands: the case is another's now.

    Raises NotNow when no hold stands, or this officer has said so before.
    """
    dossier, case = to_write(tx, hand, dossier_id, Permission.HOLD_RELEASE)
    hold, reason = standing_on(tx, dossier_id), reason.strip()
    if hold is None or not reason or len(reason) > LONGEST_TEXT:
        raise NotNow(dossier_id)
    agreed = Agreed(hand.officer.id, store.body_of(tx, hand.officer.id) or OWN_BODY)
    sealed = key_to_write(tx, hand.vault, case).seal(reason, table="hold_releases", row=hold.id, field=agreed.person)
    if not store.agree(tx, hold.id, agreed, at=hand.at, reason_sealed=sealed):
        raise NotNow(dossier_id)
    write_down(tx, hand, "hold.agree", dossier, {"hold": hold.id})
    return decides and _release_if_agreed(tx, hand.vault, hold, at=hand.at)


def partner_agrees(tx: Connection, vault: Vault, hold_id: str, *, partner_id: str, person: str, at: datetime) -> bool:
    """An officer of a verified partner says that a hold of ours may end. True when with this it has."""
    hold = store.get_hold(tx, hold_id, lock=True)
    if hold is None or not hold.stands or hold.dossier_id is None:
        raise NotNow(hold_id)
    agreed = Agreed(f"{partner_id}:{person}", f"partner:{partner_id}")
    if not store.agree(tx, hold.id, agreed, at=at, reason_sealed=None):
        return False
    facts = {"hold": hold.id, "partner": partner_id}
    audit.append(tx, vault, at=at, actor="system", act="hold.agree", object=f"dossier:{hold.dossier_id}", facts=facts)
    return _release_if_agreed(tx, vault, hold, at=at)


def agreed_to(tx: Connection, hold_id: str) -> list[Agreed]:
    """Who has said that a hold may end, the first of them first."""
    return store.agreed_to(tx, hold_id)


def reason_of(tx: Connection, key: DataKey | None, hold_id: str, person: str) -> str:
    """Why somebody said so."""
    return open_sealed(key, store.reason_sealed(tx, hold_id, person), "hold_releases", hold_id, person)


def _release_if_agreed(tx: Connection, vault: Vault, hold: Hold, *, at: datetime) -> bool:
    return ends_the_hold(store.agreed_to(tx, hold.id)) and _release(tx, vault, hold, at=at)


def end_of_moved_case(tx: Connection, vault: Vault, hold_id: str, *, case_id: str, at: datetime) -> bool:
    """Whoever has this case now says that its hold has ended. False where it is not of this case, or had ended."""
    hold = store.get_hold(tx, hold_id, lock=True)
    if hold is None or hold.case_id != case_id or hold.dossier_id is None:
        return False
    return _release(tx, vault, hold, at=at)


def _release(tx: Connection, vault: Vault, hold: Hold, *, at: datetime) -> bool:
    if not store.release(tx, hold.id, at):
        return False
    assert hold.case_id is not None
    case_store.add_event(tx, hold.case_id, "hold_released", officer_id=None, at=at, facts={"hold": hold.id})
    audit.append(
        tx,
        vault,
        at=at,
        actor="system",
        act="hold.release",
        object=f"dossier:{hold.dossier_id}",
        facts={"hold": hold.id},
    )
    return True


def set_body(tx: Connection, hand: Hand, officer_id: str, body: str) -> None:
    """An admin says for which organisation an officer acts. Raises NotNow about one's own account."""
    body = " ".join(body.split())
    if not body or len(body) > 100 or officer_id == hand.officer.id:
        raise NotNow(officer_id)
    store.set_body(tx, officer_id, body, set_by=hand.officer.id, at=hand.at)
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act="officer.body", object=f"officer:{officer_id}")
