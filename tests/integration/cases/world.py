"""A small world for tests about cases: officers, people who write, and what they write."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from sqlalchemy.engine import Connection

from bot.cases.alarm import Paging
from bot.cases.hand import Hand
from bot.cases.service import CaseEscalations
from bot.conversations import service as conversations
from bot.conversations.model import ConversationKind
from bot.conversations.ports import Escalated, Escalation
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.officers import Officer, add_officer, get_officer, set_page_conversation
from bot.kernel.words import Words
from dialogues.understanding.model import Priority
from tests.conftest import NOON


@dataclass
class World:
    """Makes officers and people in a database."""

    database: Database
    vault: Vault
    words: Words = field(default_factory=Words.load)
    numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def paging(self) -> Paging:
        return Paging(self.vault, self.words, "https://help.example/desk/queue")

    def hand(self, officer: Officer, at: datetime = NOON) -> Hand:
        return Hand(officer, self.vault, self.words, at)

    async def officer(self, name: str, *roles: Role, paged: bool = False, language: str = "en") -> Officer:
        def make(tx: Connection) -> Officer:
            made = add_officer(
                tx,
                self.vault,
                name=name,
                sign_in_name=name,
                roles=roles or (Role.OFFICER,),
                languages=(language,),
                at=NOON,
            )
            if paged:
                set_page_conversation(tx, made.id, self._phone(tx, f"phone-{name}", ConversationKind.OFFICER))
            found = get_officer(tx, made.id)
            assert found is not None
            return found

        return await self.database.write(make)

    def _phone(self, tx: Connection, address: str, kind: ConversationKind) -> str:
        return conversations.open_conversation(
            tx,
            self.vault,
            kind=kind,
            channel="telegram",
            account="help",
            address=address,
            language="ar",
            at=NOON,
        )

    async def person(self) -> str:
        """A conversation with somebody who writes."""
        address = f"person-{next(self.numbers)}"
        return await self.database.write(lambda tx: self._phone(tx, address, ConversationKind.PERSON))

    async def escalate(
        self,
        conversation_id: str | None = None,
        *,
        reason: str = "immediate_danger",
        priority: Priority = Priority.P0,
        words: str = "he has a knife he is outside",
        key: str | None = None,
        at: datetime = NOON,
    ) -> Escalated:
        escalation = Escalation(
            conversation_id=conversation_id or await self.person(),
            reason=reason,
            priority=priority,
            words=words,
            language="ar",
            country="IT",
            place="Ventimiglia",
            source="words",
            reporter=False,
            key=key or f"telegram:help:{next(self.numbers)}",
        )
        return await self.database.write(lambda tx: CaseEscalations(self.vault).escalate(tx, escalation, at=at))


class FixedNumbers:
    """Emergency numbers for the pager."""

    async def emergency_number(self, country: str | None) -> str:
        return "112"
