"""The message path as a process that may be killed at any moment.

`python -m tests.faults.server` loads everything once and then forks a server for each line on its stdin: a kill is
as real as any, and a start costs no imports. A line is the JSON of `Orders`; the answer is `{"pid": …}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
import telegram  # noqa: F401 - slow to load, so it is loaded before anything is forked
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.poller import Poller
from bot.conversations import service
from bot.conversations.inbox import Inbox
from bot.conversations.model import Allowance
from bot.conversations.outbox import Sender
from bot.conversations.ports import Escalated, Escalation, Whereabouts
from bot.conversations.turn import TurnWorker
from bot.kernel import failpoints
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import open_database
from bot.kernel.ids import new_id
from bot.kernel.live import Signals
from bot.kernel.logs import configure_logs
from bot.kernel.words import Words
from dialogues.runtime.model import DialogueState, Reply, Turn, UserMessage
from dialogues.understanding.model import Priority, Reading, Risk

MASTER_KEY = bytes(range(32))

storm_tables = sa.MetaData()
#: Every call for a human. Nothing here makes a second row for one message impossible: that is what is tested.
storm_calls = sa.Table(
    "storm_calls",
    storm_tables,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("key", sa.String(256), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Orders:
    """What one server is started with."""

    database_url: str
    telegram_url: str
    token: str
    failpoints: str = ""
    log: str = ""
    poll: bool = True


class Echo:
    """Answers `m7` with `m7|3`: the message, and how many this person has sent. Danger is answered as such."""

    async def turn(self, state: DialogueState, message: UserMessage) -> Turn:
        count = int(state.slots.get("count", 0)) + 1
        state = replace(state, slots={**state.slots, "count": count})
        return Turn(state, (), (Reply(f"{message.text}|{count}"),))


class PlainReading:
    """Sees danger where somebody writes of a knife."""

    async def read(self, text: str, *, language: str | None, hint: str | None = None) -> Reading:
        risk = Risk("weapon_present", Priority.P0, 1.0, "words") if "knife" in text else None
        return Reading(text, "en", True, "inform", 1.0, (), (), risk)


class CallsAsRows:
    """Each call for a human is a row, in the transaction of the turn."""

    def escalate(self, tx: Connection, escalation: Escalation, *, at: datetime) -> Escalated:
        tx.execute(storm_calls.insert().values(id=new_id(), key=escalation.key, words=escalation.words))
        return Escalated(escalation.conversation_id, "A1", True, False)

    def person_wrote(
        self, tx: Connection, conversation_id: str, *, at: datetime, place: Whereabouts | None = None
    ) -> str | None:
        return None

    def reported(self, tx: Connection, conversation_id: str, answers: Mapping[str, str], *, at: datetime) -> str | None:
        return None


async def serve(orders: Orders) -> None:
    """Everything between Telegram and the database, until SIGTERM."""
    clock, signals, vault = SystemClock(), Signals(), Vault(MASTER_KEY)
    database = open_database(orders.database_url)
    await database.write(lambda tx: vault.prepare(tx, clock.now()))
    await database.write(lambda tx: service.end_leases(tx, at=clock.now()))  # this is the only server
    channel = TelegramChannel(orders.token, api_url=orders.telegram_url)
    channels = {channel.name: channel}
    unlimited = Allowance(burst=1_000_000, per_minute=1_000_000)
    inbox = Inbox(database, vault, clock, signals, channels=channels, screen=lambda text: None, allowance=unlimited)
    worker = TurnWorker(
        database,
        vault,
        clock,
        signals,
        channels=channels,
        understanding=PlainReading(),
        engine=Echo(),
        escalations=CallsAsRows(),
        words=Words.load(),
        emergency_number=_emergency_number,
        pairing=lambda tx, code, conversation_id, at: False,
    )
    sender = Sender(database, vault, clock, signals, channels=channels)
    running = [asyncio.create_task(worker.run()), asyncio.create_task(sender.run())]
    polling = asyncio.create_task(Poller(channel, inbox, clock, wait_seconds=1).run()) if orders.poll else None

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    if polling is not None:
        polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await polling
    await inbox.close()
    await worker.stop()
    await sender.stop()
    await asyncio.gather(*running)
    await channel.close()
    await database.close()


async def _emergency_number(_country: str | None) -> str:
    return "112"


def _child(orders: Orders) -> None:
    random.seed()
    failpoints._armed.clear()
    failpoints._armed.update(failpoints._parse(orders.failpoints))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    if orders.log:
        log = os.open(orders.log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    try:
        asyncio.run(serve(orders))
    except BaseException as error:
        print(f"ended with {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def main() -> None:
    configure_logs("WARNING", "json")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are buried without us
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        orders = Orders(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _child(orders)
        print(json.dumps({"pid": pid}), flush=True)


__all__ = ["Orders", "asdict", "storm_calls", "storm_tables"]

if __name__ == "__main__":
    main()
