"""Erasing a person everywhere: for `./waymark erase`, for retention, and for the desk that asks through a port."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import receipt_store
from bot.cases import service as cases
from bot.conversations import service as conversations
from bot.kernel import audit
from bot.kernel.crypto import Vault
from bot.texts import store as text_store


def erase_person(
    tx: Connection, vault: Vault, conversation_id: str, *, at: datetime, why: str = "asked", by: str = audit.COMMAND
) -> int:
    """Erase what a person wrote, on this phone and on those they left. Returns how many cases lost their words."""
    count = 0
    for phone in (conversation_id, *receipt_store.phones_left_for(tx, conversation_id)):
        count += cases.erase_words(tx, vault, phone, at=at)
        conversations.erase(tx, vault, phone, at)
        text_store.forget_askers_of(tx, vault, phone, at=at)
    whose = f"conversation:{conversation_id}"
    facts: dict[str, audit.Fact] = {"cases": count, "why": why}
    audit.append(tx, vault, at=at, actor=by, act="conversation.erased", object=whose, facts=facts)
    return count


class PersonEraser:
    """The same act, as `bot.cases.ports.Eraser`."""

    def in_the_way(self, tx: Connection, conversation_id: str) -> list[str]:
        from bot import retention  # its tables and rules are of no use before somebody asks

        return retention.in_the_way(tx, conversation_id)

    def erase(self, tx: Connection, vault: Vault, conversation_id: str, *, by: str, at: datetime) -> int:
        return erase_person(tx, vault, conversation_id, at=at, by=by)
