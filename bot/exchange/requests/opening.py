"""A request in the hand of an officer: found in their reach, locked where they act, opened, and written back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.cases.hand import in_scope as case_in_scope
from bot.cases.model import Case
from bot.exchange.requests import store
from bot.exchange.requests.history import note
from bot.exchange.requests.model import (
    Act,
    NotNow,
    Request,
    RequestNotFound,
)
from bot.exchange.requests.store import SealedRequest
from bot.kernel import access, audit
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.officers import Officer


def in_scope(officer: Officer) -> ColumnElement[bool]:
    """The requests that exist for this officer, by the rule of `Permission.EXCHANGE_READ`."""
    scope = access.case_scope(officer)
    if scope.everyones:
        return sa.true()
    ways: list[ColumnElement[bool]] = [sa.false()]
    if scope.own:
        ways.append(store.holder == scope.officer_id)
    if scope.unheld:
        ways.append(store.holder.is_(None))
    return sa.or_(*ways)


def case_for(tx: Connection, hand: Hand, case_id: str) -> Case:
    """The case, locked, if this officer may ask about it. Raises RequestNotFound, NotNow."""
    sealed = case_store.get_case(tx, case_id, case_in_scope(hand.officer), lock=True)
    if sealed is None:
        raise RequestNotFound(case_id)
    if not access.allows(hand.officer, Permission.EXCHANGE_DRAFT, sealed.case):
        raise NotNow("not_yours")
    return sealed.case


def visible(tx: Connection, hand: Hand, request_id: str, *, lock: bool = False) -> SealedRequest:
    sealed = store.get_request(tx, request_id, in_scope(hand.officer), lock=lock)
    if sealed is None:
        raise RequestNotFound(request_id)
    return sealed


def to_act(tx: Connection, hand: Hand, request_id: str, permission: Permission) -> SealedRequest:
    """The request to act on, locked. Unseen is not found; seen but not allowed is NotNow."""
    sealed = visible(tx, hand, request_id, lock=True)
    if not access.allows(hand.officer, permission, sealed):
        raise NotNow("not_yours")
    return sealed


def save(tx: Connection, before: Request, after: Request) -> None:
    """Write `after`, if the request still stands where `before` stood. Raises NotNow."""
    if not store.save_request(tx, before, after):
        raise NotNow


def move(tx: Connection, vault: Vault, request: Request, act: Act, *, officer_id: str | None, at: datetime) -> Request:
    moved = request.after(act, at=at)
    save(tx, request, moved)
    note(tx, vault, moved, act, officer_id=officer_id, at=at)
    return moved


def audit_read(tx: Connection, hand: Hand, act: str, request: Request, facts: Mapping[str, str] | None = None) -> None:
    """That somebody read it is in the audit log, and not in the history of the request."""
    object_ = f"request:{request.id}"
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act=act, object=object_, facts=dict(facts or {}))


def key_of(tx: Connection, vault: Vault, request: Request) -> DataKey | None:
    """The key of what is written about a request; None once it was destroyed."""
    try:
        return vault.key(tx, request.key_id)
    except Erased:
        return None


def case_key(tx: Connection, vault: Vault, case: Case) -> DataKey:
    try:
        return vault.key(tx, case.key_id)
    except Erased:
        raise NotNow("erased") from None


def open_body(key: DataKey | None, sealed: SealedRequest) -> dict[str, Any]:
    if key is None or sealed.body_sealed is None:
        return {}
    body: dict[str, Any] = key.open_json(
        sealed.body_sealed, table="exchange_requests", row=sealed.request.id, field="body"
    )
    return body


def open_words(key: DataKey | None, sealed: bytes | None, row: str, field_: str) -> str:
    """Words of a line; "" where they or the key are gone."""
    return "" if key is None or sealed is None else key.open(sealed, table="exchange_lines", row=row, field=field_)
