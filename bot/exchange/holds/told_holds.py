"""Holds that a partner told us of: they stand here until the partner ends them, or two people of two bodies here do."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.exchange.holds import store
from bot.exchange.holds.model import (
    Agreed,
    Hold,
    MayNotMove,
    NotNow,
    ends_the_hold,
)
from bot.kernel import audit
from bot.kernel.crypto import DataKey, Vault


def standing_on(tx: Connection, request_id: str) -> list[Hold]:
    """The holds a partner told us of through this request of theirs."""
    return store.standing(tx, store.holds.c.request_id == request_id)


def require_no_told_hold(tx: Connection, request_id: str) -> None:
    """Raises MayNotMove while a partner's hold stands on this request of theirs."""
    if standing_on(tx, request_id):
        raise MayNotMove(request_id)


def take_told_hold(tx: Connection, vault: Vault, hold: Hold) -> bool:
    """A partner says: do not move the child of this request of ours to you. False when we knew."""
    known = store.get_hold(tx, hold.id)
    if known is not None and (known.partner_id != hold.partner_id or known.request_id != hold.request_id):
        raise NotNow(hold.id)
    if not store.add_hold(tx, hold):
        return False
    facts = {"hold": hold.id, "partner": hold.partner_id}
    audit.append(
        tx, vault, at=hold.placed_at, actor="system", act="hold.told", object=f"request:{hold.request_id}", facts=facts
    )
    return True


def end_told_hold(
    tx: Connection, vault: Vault, hold_id: str, *, partner_id: str, request_id: str, at: datetime
) -> bool:
    """The partner who told us of a hold says that it has ended. While they can be heard nobody else can say so."""
    hold = store.get_hold(tx, hold_id, lock=True)
    if hold is None or hold.partner_id != partner_id or hold.request_id != request_id:
        return False
    audit.append(
        tx, vault, at=at, actor="system", act="hold.ended", object=f"request:{request_id}", facts={"hold": hold_id}
    )
    return store.release(tx, hold_id, at)


def agree_to_told(tx: Connection, key: DataKey, hold_id: str, agreed: Agreed, *, reason: str, at: datetime) -> bool:
    """Somebody here says that a hold may end of which a partner told us. False where they said so before."""
    sealed = key.seal(reason, table="hold_releases", row=hold_id, field=agreed.person)
    return store.agree(tx, hold_id, agreed, at=at, reason_sealed=sealed)


def end_if_agreed(tx: Connection, vault: Vault, hold_id: str, *, at: datetime) -> bool:
    """End a hold that a partner told us of, once two people of two bodies have said so here."""
    hold = store.get_hold(tx, hold_id, lock=True)
    if hold is None or hold.dossier_id is not None or not ends_the_hold(store.agreed_to(tx, hold_id)):
        return False
    object_, facts = f"request:{hold.request_id}", {"hold": hold_id}
    audit.append(tx, vault, at=at, actor="system", act="hold.ended_here", object=object_, facts=facts)
    return store.release(tx, hold_id, at)
