"""Turns a second: the whole way of a message, beside a bare echo that takes the same way.

A message is kept in the inbox, claimed, understood, answered, committed, sent and recorded, on SQLite with
`synchronous=FULL`, with the real dialogue, understanding and directory where they are handed in. What is measured
against is the same way with a dialogue that only says back what it heard. A turn ends when its last reply is sent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.channels.model import DeliveryId, InboundMessage, MessageKind, OutboundMessage, RawMessage
from bot.conversations.inbox import Inbox
from bot.conversations.model import Allowance
from bot.conversations.outbox import Sender
from bot.conversations.ports import Engine, Escalated, Escalation, Understanding, Whereabouts
from bot.conversations.turn import TurnWorker
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, metadata, open_database
from bot.kernel.live import Signals
from bot.kernel.words import Words
from dialogues.runtime.model import DialogueState, Reply, Turn, UserMessage
from dialogues.understanding.model import Reading

IN_FLIGHT = (1, 16)

Script = Sequence[tuple[MessageKind, str]]  # kind, and text or payload

#: One tap, one answer.
BUTTONS: Script = (
    (MessageKind.TAP, "/greet"),
    (MessageKind.TAP, '/procedure{"procedure": "first_contact"}'),
    (MessageKind.TAP, "/who_are_you"),
    (MessageKind.TAP, "/thanks"),
)
#: A form from its first question to its end.
FORM: Script = (
    (MessageKind.TAP, "/search_service"),
    (MessageKind.TAP, '/inform{"need": "shelter"}'),
    (MessageKind.TAP, '/inform{"place": "Ventimiglia"}'),
    (MessageKind.TAP, "/thanks"),
)
FREE_TEXT: Script = (
    (MessageKind.TEXT, "how do I check a man who says he is the child's uncle"),
    (MessageKind.TEXT, "I need a place to sleep in Ventimiglia"),
    (MessageKind.TEXT, "bonjour, je suis tout seul et j'ai faim"),
    (MessageKind.TEXT, "¿dónde puedo ver a un médico?"),
    (MessageKind.TEXT, "أحتاج إلى محامٍ"),
    (MessageKind.TEXT, "thank you"),
)
SCRIPTS = {"button": BUTTONS, "form": FORM, "free_text": FREE_TEXT}


class Dialogue(Struct, frozen=True):
    """What answers."""

    understanding: Understanding
    engine: Engine


class BareReading:
    """Understands nothing, at once."""

    async def read(self, text: str, *, language: str | None, hint: str | None = None) -> Reading:
        return Reading(text, language or "en", False, "inform", 1.0, (), (), None)


class BareEcho:
    """Says back what it heard."""

    async def turn(self, state: DialogueState, message: UserMessage) -> Turn:
        count = int(state.slots.get("count", 0)) + 1
        return Turn(replace(state, slots={**state.slots, "count": count}), (), (Reply(message.text),))


#: Behind the last words of a turn, so that the channel knows them.
END = " ■"


class Ending:
    """A dialogue whose last reply of a turn says so: only then has the person got their answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def turn(self, state: DialogueState, message: UserMessage) -> Turn:
        turn = await self._engine.turn(state, message)
        replies = list(turn.replies)
        last = max(place for place, reply in enumerate(replies) if reply.text)
        replies[last] = replace(replies[last], text=replies[last].text + END)
        return replace(turn, replies=tuple(replies))


class NobodyCalled:
    """Calls for a human cost what a case costs, which is another bench."""

    def escalate(self, tx: Connection, escalation: Escalation, *, at: datetime) -> Escalated:
        return Escalated(escalation.conversation_id, "A1", False, False)

    def person_wrote(
        self, tx: Connection, conversation_id: str, *, at: datetime, place: Whereabouts | None = None
    ) -> str | None:
        return None

    def reported(self, tx: Connection, conversation_id: str, answers: Mapping[str, str], *, at: datetime) -> str | None:
        return None


class BenchChannel:
    """A channel without a network: it tells who waits for an answer that one has come."""

    name = "bench"

    def __init__(self) -> None:
        self.answered: dict[str, asyncio.Event] = {}

    def read(self, payload: bytes) -> InboundMessage:
        kind, text = json.loads(payload)
        if kind == MessageKind.TAP:
            return InboundMessage(MessageKind.TAP, payload=text)
        return InboundMessage(MessageKind.TEXT, text=text)

    async def send(self, message: OutboundMessage) -> DeliveryId:
        if message.text.endswith(END):
            self.answered[message.address].set()
        return DeliveryId(message.id)

    async def acknowledge(self, message: InboundMessage) -> None:
        """A bench has no spinner to stop."""


class MessageWay(Struct):
    """The parts a message passes, running."""

    database: Database
    channel: BenchChannel
    inbox: Inbox
    worker: TurnWorker
    sender: Sender
    running: list[asyncio.Task[None]]

    async def close(self) -> None:
        await self.inbox.close()
        await self.worker.stop()
        await self.sender.stop()
        await asyncio.gather(*self.running)
        await self.database.close()


async def open_way(folder: Path, dialogue: Dialogue) -> MessageWay:
    clock, signals, vault = SystemClock(), Signals(), Vault(os.urandom(32))
    database = open_database(f"sqlite:///{folder / 'turn.db'}")
    await database.write(metadata.create_all)
    await database.write(lambda tx: vault.prepare(tx, clock.now()))
    channel = BenchChannel()
    channels = {channel.name: channel}
    unlimited = Allowance(burst=10_000_000, per_minute=10_000_000)
    inbox = Inbox(database, vault, clock, signals, channels=channels, screen=lambda text: None, allowance=unlimited)
    worker = TurnWorker(
        database,
        vault,
        clock,
        signals,
        channels=channels,
        understanding=dialogue.understanding,
        engine=Ending(dialogue.engine),
        escalations=NobodyCalled(),
        words=Words.load(),
        emergency_number=_emergency_number,
        pairing=lambda tx, code, conversation_id, at: False,
        workers=16,
    )
    sender = Sender(database, vault, clock, signals, channels=channels, in_flight=16)
    running = [asyncio.create_task(worker.run()), asyncio.create_task(sender.run())]
    return MessageWay(database, channel, inbox, worker, sender, running)


async def _emergency_number(_country: str | None) -> str:
    return "112"


async def measure(way: MessageWay, script: Script, *, turns: int, in_flight: int, label: str) -> dict[str, float]:
    """So many people at once, each writing the next line of the script when the last was answered."""
    latencies: list[float] = []
    each = max(1, turns // in_flight)

    async def person(name: str) -> None:
        answered = way.channel.answered[name] = asyncio.Event()
        for number in range(each):
            kind, text = script[number % len(script)]
            payload = json.dumps([kind, text]).encode()
            started = time.perf_counter()
            await way.inbox.accept(RawMessage("bench", "1", f"{name}-{number}", name, payload))
            await answered.wait()
            latencies.append(time.perf_counter() - started)
            answered.clear()

    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    async with asyncio.timeout(300):
        await asyncio.gather(*[person(f"{label}-{number}") for number in range(in_flight)])
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    latencies.sort()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "turns": len(latencies),
        "turns_per_second": round(len(latencies) / seconds, 1),
        "p50_ms": round(1000 * statistics.median(latencies), 2),
        "p99_ms": round(1000 * latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))], 2),
        "cpu_ms_per_turn": round(1000 * cpu / len(latencies), 2),
    }


OpenDialogue = Callable[[Path], Awaitable[Dialogue]]


async def run(open_dialogue: OpenDialogue | None = None, *, turns: int = 400) -> None:
    """Print a JSON line a kind of turn and a number in flight: `dialogue` (when given) and `echo`, side by side."""
    dialogues: dict[str, OpenDialogue] = {"echo": _echo}
    if open_dialogue is not None:
        dialogues["dialogue"] = open_dialogue
    with tempfile.TemporaryDirectory(prefix="waymark-bench-") as name:
        ways: dict[str, MessageWay] = {}
        for what, opened in dialogues.items():
            folder = Path(name) / what
            await asyncio.to_thread(folder.mkdir)
            ways[what] = await open_way(folder, await opened(folder))
        for kind, script in SCRIPTS.items():
            for what, way in ways.items():  # warm: models loaded, statements compiled, readings cached as in service
                await measure(way, script, turns=2 * len(script), in_flight=1, label=f"warm-{kind}-{what}")
            for in_flight in IN_FLIGHT:
                figures = {
                    what: await measure(way, script, turns=turns, in_flight=in_flight, label=f"{kind}-{in_flight}")
                    for what, way in ways.items()
                }
                _print(kind, in_flight, figures)
        for way in ways.values():
            await way.close()


async def _echo(_folder: Path) -> Dialogue:
    return Dialogue(BareReading(), BareEcho())


def _print(kind: str, in_flight: int, figures: dict[str, dict[str, float]]) -> None:
    line: dict[str, Any] = {"bench": "turn", "turn": kind, "in_flight": in_flight, **figures}
    if "dialogue" in figures:
        share = figures["dialogue"]["turns_per_second"] / figures["echo"]["turns_per_second"]
        line["share_of_echo"] = round(share, 2)
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.bench.turn")
    parser.add_argument("--turns", type=int, default=400)
    asyncio.run(run(turns=parser.parse_args().turns))


if __name__ == "__main__":
    main()
