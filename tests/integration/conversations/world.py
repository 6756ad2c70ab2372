"""A small world around the message path: a channel on paper, a dialogue that echoes, cases in a table of their own."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.channels.model import (
    LONGEST_TEXT,
    DeliveryId,
    InboundMessage,
    MessageKind,
    OutboundMessage,
    PayloadUnreadable,
    RawMessage,
)
from bot.conversations import service, stuck
from bot.conversations.inbox import Inbox
from bot.conversations.model import Allowance
from bot.conversations.outbox import Sender
from bot.conversations.ports import Escalated, Escalation, Whereabouts
from bot.conversations.service import Line
from bot.conversations.triage import Triage
from bot.conversations.turn import TurnWorker
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals
from bot.kernel.words import Words
from dialogues.runtime.model import Choice, DialogueState, Reply, Turn, UserMessage
from dialogues.understanding.model import Priority, Reading, Risk

calls = sa.MetaData()
called = sa.Table(
    "called",
    calls,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(256)),
    sa.Column("conversation_id", sa.String(36)),
    sa.Column("reason", sa.String(64)),
    sa.Column("priority", sa.String(2)),
)

NO_LIMIT = Allowance(burst=1_000_000, per_minute=1_000_000)


class PaperChannel:
    """A channel whose other side is a list. `faults` are raised by the next sends, one each (None: no fault)."""

    name = "paper"

    def __init__(self) -> None:
        self.sent: list[OutboundMessage] = []
        self.acknowledged: list[str] = []
        self.faults: deque[Exception | None] = deque()
        self.arrives_all_the_same = False

    def read(self, payload: bytes) -> InboundMessage:
        try:
            value: dict[str, Any] = json.loads(payload)
        except ValueError as error:
            raise PayloadUnreadable(str(error)) from error
        if value.get("broken"):
            raise RuntimeError("a channel that cannot cope")
        kind = MessageKind(value.pop("kind", "text"))
        value["text"] = value.get("text", "")[:LONGEST_TEXT]
        return InboundMessage(kind, **value)

    async def send(self, message: OutboundMessage) -> DeliveryId:
        await asyncio.sleep(0)
        fault = self.faults.popleft() if self.faults else None
        if fault is None or self.arrives_all_the_same:
            self.sent.append(message)
        if fault is not None:
            raise fault
        return DeliveryId(f"paper-{len(self.sent)}")

    async def acknowledge(self, message: InboundMessage) -> None:
        assert message.tap_id is not None
        self.acknowledged.append(message.tap_id)

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.sent]


def danger_in(text: str) -> Risk | None:
    return Risk("weapon_present", Priority.P0, 1.0, "words") if "knife" in text else None


@dataclass
class PlainReading:
    """Understands one word of each kind."""

    broken: bool = False
    language: str | None = None
    seen: list[str] = field(default_factory=list)

    async def read(self, text: str, *, language: str | None, hint: str | None = None) -> Reading:
        self.seen.append(text)
        if self.broken:
            raise RuntimeError("no model")
        return Reading(
            text, self.language or language or "en", self.language is not None, "inform", 1.0, (), (), danger_in(text)
        )


@dataclass
class EchoEngine:
    """Says back what it heard, and counts in a slot."""

    broken: bool = False
    silent: bool = False
    heard: list[UserMessage] = field(default_factory=list)
    states: list[DialogueState] = field(default_factory=list)
    replies: tuple[Reply, ...] | None = None
    shown: Sequence[str] = ()  # the services that each turn finds

    async def turn(self, state: DialogueState, message: UserMessage) -> Turn:
        self.heard.append(message)
        self.states.append(state)
        if self.broken:
            raise RuntimeError("no engine")
        state = replace(state, slots={**state.slots, "count": state.slots.get("count", 0) + 1})
        if self.shown:
            slots = {**state.slots, "results_in_sight": list(self.shown)}
            state = replace(state, slots=slots, events=({"event": "action", "name": "action_find_service"},))
        if self.silent:
            return Turn(state, (), ())
        if self.replies is not None:
            return Turn(state, (), self.replies)
        return Turn(state, (), (Reply(f"echo {message.text}", (Choice("Yes", "/affirm"),), "utter_echo"),))


class Called:
    """Calls for a human, each a row: a second row for one key would be a doubled effect."""

    def __init__(self) -> None:
        self.broken = False

    def escalate(self, tx: Connection, escalation: Escalation, *, at: datetime) -> Escalated:
        if self.broken:
            raise RuntimeError("no cases")
        tx.execute(
            called.insert().values(
                key=escalation.key,
                conversation_id=escalation.conversation_id,
                reason=escalation.reason,
                priority=escalation.priority.value,
            )
        )
        return Escalated(f"case-{escalation.conversation_id}", "A1", True, False)

    def person_wrote(
        self, tx: Connection, conversation_id: str, *, at: datetime, place: Whereabouts | None = None
    ) -> str | None:
        return None

    def reported(self, tx: Connection, conversation_id: str, answers: Mapping[str, str], *, at: datetime) -> str | None:
        return None


class World:
    """The message path with everything around it."""

    def __init__(
        self, database: Database, vault: Vault, clock: SetClock, signals: Signals, *, allowance: Allowance = NO_LIMIT
    ) -> None:
        self.database, self.vault, self.clock, self.signals = database, vault, clock, signals
        self.channel = PaperChannel()
        self.understanding = PlainReading()
        self.engine = EchoEngine()
        self.cases = Called()
        self.codes: dict[str, str] = {}
        self.screened: list[str] = []
        self.draws: list[float] = []
        self.inbox = self.new_inbox(allowance)
        self.worker = self.new_worker()
        self.sender = self.new_sender()
        self._next_id = 0

    def new_inbox(self, allowance: Allowance = NO_LIMIT) -> Inbox:
        return Inbox(
            self.database,
            self.vault,
            self.clock,
            self.signals,
            channels={"paper": self.channel},
            screen=self.screen,
            allowance=allowance,
        )

    def new_worker(self, **more: Any) -> TurnWorker:
        return TurnWorker(
            self.database,
            self.vault,
            self.clock,
            self.signals,
            channels={"paper": self.channel},
            understanding=self.understanding,
            engine=self.engine,
            escalations=self.cases,
            words=Words.load(),
            emergency_number=self.emergency_number,
            pairing=self.pair,
            **more,
        )

    def new_triage(self) -> Triage:
        return Triage(
            self.database,
            self.vault,
            self.clock,
            self.signals,
            channels={"paper": self.channel},
            screen=self.screen,
        )

    def new_sender(self) -> Sender:
        return Sender(
            self.database, self.vault, self.clock, self.signals, channels={"paper": self.channel}, draw=lambda: 0.0
        )

    def screen(self, text: str) -> Risk | None:
        self.screened.append(text)
        return danger_in(text)

    async def emergency_number(self, country: str | None) -> str:
        return {"IT": "113"}.get(country or "", "112")

    def pair(self, tx: Connection, code: str, conversation_id: str, at: datetime) -> bool:
        if code not in self.codes:
            return False
        self.codes[code] = conversation_id
        return True

    def raw(self, text: str = "", *, who: str = "+1", provider_id: str | None = None, **more: Any) -> RawMessage:
        self._next_id += 1
        payload = json.dumps({"text": text, **more}).encode()
        return RawMessage("paper", "main", provider_id or f"m{self._next_id}", who, payload)

    async def write(self, text: str = "", *, who: str = "+1", **more: Any) -> bool:
        """Somebody writes."""
        return await self.inbox.accept(self.raw(text, who=who, **more))

    async def settle(self) -> None:
        """Answer and send whatever is due now."""
        await self.worker.drain()
        await self.sender.drain()

    async def later(self, step: timedelta) -> None:
        """Time passes, and what has become due is done."""
        self.clock.advance(step)
        await self.settle()

    async def conversation(self, who: str = "+1") -> str:
        found = await self.database.read(
            lambda tx: service.find_conversation(tx, self.vault, channel="paper", account="main", address=who)
        )
        assert found is not None
        return found

    async def transcript(self, who: str = "+1") -> list[Line]:
        conversation_id = await self.conversation(who)
        return await self.database.read(lambda tx: service.transcript(tx, self.vault, conversation_id))

    async def calls(self) -> list[tuple[str, str]]:
        """Reason and priority of every call for a human, in order."""
        query = sa.select(called.c.reason, called.c.priority).order_by(called.c.number)
        return await self.database.read(lambda tx: [(row.reason, row.priority) for row in tx.execute(query)])

    async def rows(self, query: sa.Select[Any]) -> list[Any]:
        return await self.database.read(lambda tx: list(tx.execute(query)))

    async def problems(self) -> list[str]:
        return await self.database.read(lambda tx: stuck.check_invariants(tx, self.clock.now()))
