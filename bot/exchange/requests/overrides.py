"""Against the gate: two people of two roles take it on themselves, with a reason, for what stops it now."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.exchange.partners import store as partners
from bot.exchange.requests import gate_store, sending
from bot.exchange.requests.history import note
from bot.exchange.requests.model import LONGEST_TEXT, NotNow, Request, Side
from bot.exchange.requests.opening import key_of, to_act
from bot.kernel.access import Permission, Role
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id

ROLES_THAT_OVERRIDE = (Role.OFFICER, Role.COORDINATOR)


def ask_override(tx: Connection, hand: Hand, request_id: str, *, role: str, reason: str) -> str:
    """The first of two takes it on themselves to send against the gate. Nothing is sent by this. Raises NotNow, also
    for a request of theirs: letters about it may tell of any child of ours that was passed on."""
    sealed = to_act(tx, hand, request_id, Permission.GATE_OVERRIDE)
    request, reason = sealed.request, reason.strip()
    if request.side is not Side.OURS:
        raise NotNow("override")
    partner = partners.get(tx, request.partner_id, hand.vault)
    if partner is None or not reason or len(reason) > LONGEST_TEXT or not acts_as(hand, role):
        raise NotNow("override")
    found = sending.stops_for(tx, hand.vault, request, [partner])
    key = key_of(tx, hand.vault, request)
    if not found or key is None:
        raise NotNow("override")
    override_id = new_id()
    gate_store.add_override(
        tx,
        override_id=override_id,
        request_id=request.id,
        covers=[(stop.why, stop.recipient, stop.country) for stop in found],
        officer_id=hand.officer.id,
        role=role,
        at=hand.at,
        reason_sealed=key.seal(reason, table="gate_overrides", row=override_id, field="reason"),
    )
    facts = {"override": override_id, "role": role, "covers": [stop.why.value for stop in found]}
    note(tx, hand.vault, request, "override_asked", officer_id=hand.officer.id, at=hand.at, facts=facts)
    return override_id


def agree_override(tx: Connection, hand: Hand, request_id: str, override_id: str, *, role: str) -> None:
    """The second of the two: another person, in another role."""
    request = to_act(tx, hand, request_id, Permission.GATE_OVERRIDE).request
    row = gate_store.override_row(tx, request.id)
    if row is None or row.id != override_id or not acts_as(hand, role):
        raise NotNow("override")
    if row.first_id == hand.officer.id or row.first_role == role:
        raise NotNow("override_same")
    if not gate_store.second_override(tx, override_id, officer_id=hand.officer.id, role=role, at=hand.at):
        raise NotNow("override")
    facts = {"override": override_id, "role": role}
    note(tx, hand.vault, request, "override_agreed", officer_id=hand.officer.id, at=hand.at, facts=facts)


def override_reason(tx: Connection, vault: Vault, request: Request) -> str:
    """Why the first of the two wanted it: for the second to read."""
    row = gate_store.override_row(tx, request.id)
    key = key_of(tx, vault, request)
    if row is None or key is None or row.reason_sealed is None:
        return ""
    return key.open(row.reason_sealed, table="gate_overrides", row=row.id, field="reason")


def acts_as(hand: Hand, role: str) -> bool:
    """Whether this officer may speak in this role, where two people of two roles are needed."""
    return role in ROLES_THAT_OVERRIDE and role in hand.officer.roles
