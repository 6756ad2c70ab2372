"""A dossier in the hand of an officer: found in their reach, locked where they write, its words opened."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand, in_scope
from bot.cases.model import Case
from bot.exchange.holds import store
from bot.exchange.holds.model import (
    Dossier,
    DossierNotFound,
    NotNow,
)
from bot.kernel import access, audit
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Erased, Vault


def visible(tx: Connection, hand: Hand, dossier_id: str, *, lock: bool = False) -> tuple[Dossier, Case]:
    dossier = store.get_dossier(tx, dossier_id)
    if dossier is None:
        raise DossierNotFound(dossier_id)
    sealed = case_store.get_case(tx, dossier.case_id, in_scope(hand.officer), lock=lock)
    if sealed is None:
        raise DossierNotFound(dossier_id)
    return dossier, sealed.case


def to_write(
    tx: Connection, hand: Hand, dossier_id: str, permission: Permission = Permission.DOSSIER_WRITE
) -> tuple[Dossier, Case]:
    dossier, case = visible(tx, hand, dossier_id, lock=True)
    if not access.allows(hand.officer, permission, case):
        raise NotNow(dossier_id)
    return dossier, case


def case_to_write(tx: Connection, hand: Hand, case_id: str) -> Case:
    sealed = case_store.get_case(tx, case_id, in_scope(hand.officer), lock=True)
    if sealed is None:
        raise DossierNotFound(case_id)
    if not access.allows(hand.officer, Permission.DOSSIER_WRITE, sealed.case):
        raise NotNow(case_id)
    return sealed.case


def key_of_case(tx: Connection, vault: Vault, case: Case) -> DataKey | None:
    try:
        return vault.key(tx, case.key_id)
    except Erased:
        return None


def key_to_write(tx: Connection, vault: Vault, case: Case) -> DataKey:
    key = key_of_case(tx, vault, case)
    if key is None:  # the words of this case were erased: nothing more is written about it
        raise NotNow(case.id)
    return key


def open_sealed(key: DataKey | None, sealed: bytes | None, table: str, row: str, field: str) -> str:
    return "" if key is None or sealed is None else key.open(sealed, table=table, row=row, field=field)


def write_down(tx: Connection, hand: Hand, act: str, dossier: Dossier, facts: dict[str, str] | None = None) -> None:
    actor, object_ = hand.officer.id, f"dossier:{dossier.id}"
    audit.append(tx, hand.vault, at=hand.at, actor=actor, act=act, object=object_, facts=dict(facts or {}))
