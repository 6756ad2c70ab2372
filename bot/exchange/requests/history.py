"""What happened to a request, written down in one breath: in its own history and in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from bot.exchange.requests import history_store
from bot.exchange.requests.model import Request
from bot.kernel import audit
from bot.kernel.crypto import Vault

SYSTEM = "system"


def note(
    tx: Connection,
    vault: Vault,
    request: Request,
    act: str,
    *,
    officer_id: str | None = None,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    once: str | None = None,
) -> bool:
    """One thing that happened, by this officer or by the program: ids and codes, no words. False where `once` was used
    before: then it has happened already."""
    if not history_store.add_event(tx, request.id, act, officer_id=officer_id, at=at, facts=facts, once=once):
        return False
    actor, object_ = officer_id or SYSTEM, f"request:{request.id}"
    audit.append(tx, vault, at=at, actor=actor, act=f"request.{act}", object=object_, facts=dict(facts or {}))
    return True
