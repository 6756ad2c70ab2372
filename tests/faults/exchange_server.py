"""One deployment's exchange, for a process that may be killed at any moment (`tests.forked`).

It serves the doors of the exchange. Above them is either a room
of rows, which writes its letters one by one, each together with a row that says so, and takes letters in as rows; or
the room of requests as it is in the program, with its gate.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection as Pipe

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.engine import Connection

from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import Identity
from bot.exchange.post import service
from bot.exchange.post.carrier import Carrier
from bot.exchange.post.intake import Intake
from bot.exchange.post.model import Gatekeeper, Receipt, ReceivedLetter, Receiver
from bot.exchange.post.routes import exchange_routes
from bot.exchange.refusals import ChannelClosed
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.sending import RequestGatekeeper
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, open_database
from bot.kernel.ids import new_id
from bot.kernel.live import Signals
from bot.kernel.logs import configure_logs
from bot.kernel.settings import load_settings
from bot.kernel.web import WebParts, build_web, web_runner
from bot.kernel.words import Words
from tests.integration.exchange.open_gate import OpenGate, cleared

MASTER_KEY = bytes(range(32))
CANARY = "CANARY-7731"
PURPOSE, REQUEST, CLASSES = "child_protection", "info_child", frozenset({"identity"})

storm_tables = sa.MetaData()
#: What this side wrote: a row in the transaction of the `put`.
written = sa.Table(
    "storm_written",
    storm_tables,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("envelope_id", sa.String(36), nullable=False),
)
#: What the room above got. Nothing here makes a second row for one letter impossible: that is what is tested.
taken = sa.Table(
    "storm_taken",
    storm_tables,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("envelope_id", sa.String(36), nullable=False),
    sa.Column("fits", sa.Boolean, nullable=False),
)
news = sa.Table(
    "storm_news",
    storm_tables,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("envelope_id", sa.String(36), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
)


@dataclass(frozen=True)
class Orders:
    """What one server is started with."""

    name: str
    database_url: str
    folder: str
    port: int
    letters: int  # to each partner
    pause: float  # seconds between two letters it writes
    skew_minutes: int = 0  # how wrong its clock is
    requests: bool = False  # above the post is the room of requests, and not one of rows


class WrongClock:
    """A clock that is fast or slow."""

    def __init__(self, minutes: int) -> None:
        self._skew = timedelta(minutes=minutes)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._skew


class Rows:
    """The room above, as rows in the transaction that hands over. It keeps whether the words fit, not the words."""

    def receive(self, tx: Connection, letter: ReceivedLetter) -> None:
        fits = str(letter.body.get("text", "")).startswith(CANARY)
        tx.execute(taken.insert().values(id=new_id(), envelope_id=letter.envelope_id, fits=fits))

    def told(self, tx: Connection, receipt: Receipt) -> None:
        tx.execute(news.insert().values(id=new_id(), envelope_id=receipt.envelope_id, state=receipt.state.value))


async def serve(orders: Orders, serves: Pipe) -> None:
    """Serve and write until SIGTERM, or until somebody kills this. `serves` is told when the doors are open."""
    configure_logs("WARNING", "json")
    clock, signals, vault = WrongClock(orders.skew_minutes), Signals(), Vault(MASTER_KEY)
    room: Receiver = RequestIntake(vault) if orders.requests else Rows()
    gate: Gatekeeper = RequestGatekeeper(vault) if orders.requests else OpenGate()
    database = open_database(orders.database_url)
    await database.write(lambda tx: vault.prepare(tx, clock.now()))
    intake = Intake(database, vault, clock, signals, room)
    carrier = Carrier(
        database, vault, clock, signals, intake=intake, receiver=room, gatekeeper=gate,
        first_pause=timedelta(seconds=0.2), longest_pause=timedelta(seconds=2),
    )  # fmt: skip
    identity = Identity(name=orders.name, country="XX", endpoint=f"http://127.0.0.1:{orders.port}")
    parts = WebParts(
        settings=load_settings({"WAYMARK_DATA_DIR": orders.folder}),
        database=database,
        vault=vault,
        clock=clock,
        signals=signals,
        words=Words.load(),
    )
    runner = web_runner(
        build_web(parts, exchange_routes(database, vault, clock, intake, room, gate, identity)), shutdown_timeout=2.0
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", orders.port, reuse_address=True).start()
    work = [asyncio.create_task(each) for each in (intake.run(), carrier.run())]
    if not orders.requests:
        work.append(asyncio.create_task(_write(database, vault, clock, orders)))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    serves.send(True)
    await stop.wait()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    await carrier.close()
    await runner.cleanup()
    await database.close()


async def _write(database: Database, vault: Vault, clock: Clock, orders: Orders) -> None:
    """What is missing of this side's letters, each in a transaction of its own, to its partners in turn."""
    everyone = [partner.id for partner in await database.read(lambda tx: partners.everyone(tx, vault))]
    number = await database.read(_next_number)
    while number < orders.letters * len(everyone):
        try:
            await database.write(partial(_put, vault=vault, to=everyone, number=number, at=clock.now()))
        except ChannelClosed:  # a key was revoked and its successor is not verified yet: nothing may be written now
            await asyncio.sleep(0.2)
            continue
        number += 1
        await asyncio.sleep(orders.pause)


def _next_number(tx: Connection) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(written)).scalar_one())


def _put(tx: Connection, vault: Vault, to: Sequence[str], number: int, at: datetime) -> None:
    partner_id, body = to[number % len(to)], {"text": f"{CANARY} {number} " + "x" * (number % 700)}
    envelope_id = service.put(
        tx, vault, cleared(partner_id, "request", body), partner_id=partner_id, kind="request",
        request_type=REQUEST, purpose=PURPOSE, data_classes=CLASSES, consent_ref="consent-1", body=body,
        key_id=vault.new_key(tx, at).id, actor="system:storm", at=at,
    )  # fmt: skip
    tx.execute(written.insert().values(number=number, envelope_id=envelope_id))
