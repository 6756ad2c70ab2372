"""The composition root: builds every part of the program and hands it what it needs. Only this file knows them all."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot import demonstration
from bot.alone import CannotStart, alone_on
from bot.bridges import ChannelTalks, DialogueRoom, DirectoryDesk, MarkedChannel, ReadingRoom
from bot.cases.alarm import Paging
from bot.cases.auditor import Auditor, heartbeat_to
from bot.cases.own import OwnCases
from bot.cases.page_ways_store import Way
from bot.cases.pager import Pager
from bot.cases.pairing import pair
from bot.cases.presence import Presence
from bot.cases.queue_time import QueueTime
from bot.cases.rota.service import forget_old_notes
from bot.cases.service import CaseEscalations
from bot.cases.taken_pages import PagesByButton
from bot.channels import webchat
from bot.channels.model import Channel
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.poller import Poller
from bot.channels.telegram.routes import webhook_routes
from bot.channels.telegram.webhook import Webhook
from bot.channels.terminal import payload as terminal
from bot.channels.terminal.channel import TerminalChannel
from bot.channels.terminal.key import make_key
from bot.channels.terminal.routes import terminal_routes
from bot.channels.webchat import payload as web_payload
from bot.channels.webchat.channel import WebChatChannel
from bot.channels.webchat.routes import webchat_routes
from bot.conversations.attachments.fetching import Fetcher
from bot.conversations.attachments.service import forget_abandoned
from bot.conversations.attachments.uploads import Uploads
from bot.conversations.inbox import Inbox
from bot.conversations.model import Allowance
from bot.conversations.outbox import Sender
from bot.conversations.service import end_leases, forget_secrets
from bot.conversations.stuck import forget_old_receipts
from bot.conversations.triage import Triage
from bot.conversations.turn import TurnWorker
from bot.kernel import sessions
from bot.kernel.clock import Clock, SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable, open_database
from bot.kernel.health import Health
from bot.kernel.live import Signals
from bot.kernel.logs import configure_logs, get_log
from bot.kernel.master_key import master_key_bytes
from bot.kernel.migrations import migrate
from bot.kernel.settings import Settings
from bot.kernel.web import Public, Routes, WebParts, add_routes, build_web, web_runner
from bot.kernel.words import Words
from bot.texts.askers import Askers
from bot.texts.service import GapRegister
from bot.texts.shelf import TextShelf
from dialogues.actions import build_actions
from dialogues.knowledge import BrokenProcedures, Procedures
from dialogues.runtime.engine import Engine
from dialogues.understanding.memory import give_back
from dialogues.understanding.towns import towns_index
from directory.api import HsdsApi
from directory.asking import Directory
from directory.files.commands import undo_abandoned
from directory.files.sent import forget_waiting
from directory.gazetteer import GAZETTEER, Gazetteer
from directory.places import ShippedTowns
from directory.service import report_wrong

if TYPE_CHECKING:
    from types import ModuleType

    from bot import retention
    from bot.offices import Offices

log = get_log("app")

ROOT = Path(__file__).resolve().parents[1]
DIALOGUES = ROOT / "dialogues"
DESK = Path(__file__).parent / "desk"
#: Once messages can be read, what nobody waits for is loaded after this long: those who waited are answered first.
FIRST_MESSAGES_SECONDS = 1.0
#: and after these the towns are read, once the desk is open.
TOWNS_AFTER_SECONDS = 5.0
HOUSEKEEPING_SECONDS = 3600.0
#: Free bytes on the disk of the data folder under which no more files are taken in.
ROOM_LEFT_FOR_WORDS = 1024**3
ASKED_AGAIN_SECONDS = 5.0


class Waymark:
    """Every part of the program, built but not started. `opened` makes one."""

    def __init__(
        self, settings: Settings, database: Database, vault: Vault, clock: Clock, *, reading: ReadingRoom, demo: bool
    ) -> None:
        self.settings = settings
        self.database = database
        self.vault = vault
        self.clock = clock
        self.demonstration = demonstration.Demonstration(database, stands=demo)
        self.signals = Signals()
        self.words = Words.load()
        self.procedures = _load_procedures()
        self.texts = TextShelf(DIALOGUES / "procedures", self.procedures, database, self.signals)
        built = Gazetteer.open(settings.data_dir / GAZETTEER)
        self._towns = None if built else ShippedTowns(towns_index)
        self.directory = Directory(database, clock, self.words, gazetteer=built or self._towns)
        self.reading = reading
        self.presence = Presence()
        self.services = DirectoryDesk(self.directory)
        self.actions = build_actions(
            self.services,
            self.procedures,
            self.words.text,
            today=lambda: clock.now().date(),
            default_country=settings.country or None,
            somebody_answers=self._somebody_answers,
        )
        self.telegram = self._telegram()
        self.channels: Mapping[str, Channel] = self._channels()
        self.inbox = Inbox(
            database,
            vault,
            clock,
            self.signals,
            channels=self.channels,
            screen=self.reading.screen,
            allowance=Allowance(settings.rate_burst, settings.rate_per_minute),
            meets_demo=self.demonstration.meets,
        )
        self.webhook = self._webhook()
        register = GapRegister(vault)
        queue_time = QueueTime(vault, self.words, self.presence)
        self.askers = Askers(database, vault, clock, self.signals, words=self.words, procedures=self.procedures)
        self.turns = TurnWorker(
            database,
            vault,
            clock,
            self.signals,
            channels=self.channels,
            understanding=self.reading,
            engine=DialogueRoom(Engine.load(DIALOGUES, actions=self.actions, translate=self.words.text), clock),
            escalations=CaseEscalations(vault, self.words, queue_time),
            words=self.words,
            emergency_number=self.directory.emergency_number,
            pairing=pair,
            somebody_answers=self.presence.somebody_answers,
            screen=self.reading.screen,
            press_page=PagesByButton(vault, self.words, desk_queue(settings)),
            report_wrong=report_wrong,
            gaps=register,
            askers=register,
            own_cases=OwnCases(vault, self.words, queue_time, self.presence.somebody_answers),
            triage=Triage(database, vault, clock, self.signals, channels=self.channels, screen=self.reading.screen),
            default_country=settings.country or None,
            workers=settings.turn_workers,
        )
        self.fetcher = Fetcher(
            database,
            vault,
            clock,
            self.signals,
            sources={} if self.telegram is None else {self.telegram.name: self.telegram},
            has_room=self._has_room_for_files,
        )
        self.sender = Sender(database, vault, clock, self.signals, channels=self.channels)
        self.paging = paging_of(settings, vault, self.words)
        self.pager = Pager(database, clock, self.signals, self.paging, self.services)
        heartbeat = heartbeat_to(settings.heartbeat_url) if settings.heartbeat_url else None
        self.auditor = Auditor(database, clock, self.signals, vault, self.words, heartbeat)
        self.health = Health(database, clock)
        self._web: web.Application
        self._offices: Offices | None = None
        self._opening: asyncio.Task[None] | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def _telegram(self) -> TelegramChannel | None:
        token = self.settings.telegram_token.value
        return TelegramChannel(token, api_url=self.settings.telegram_api_url) if token else None

    def _webhook(self) -> Webhook | None:
        if self.telegram is None or self.settings.telegram_mode != "webhook":
            return None
        url, secret = self.settings.public_url, self._webhook_secret()
        return Webhook(self.telegram, self.inbox, self.clock, public_url=url, secret=secret)

    def _channels(self) -> Mapping[str, Channel]:
        channels: list[Channel] = [WebChatChannel(), TerminalChannel()]
        if self.telegram is not None:
            channels.append(MarkedChannel(self.telegram, self._mark))
        return {channel.name: channel for channel in channels}

    def _mark(self, text: str, language: str) -> str:
        """In a demonstration every message says so, at its end."""
        return f"{text}\n\n{self.words.text(language, demonstration.MARK)}" if self.demo and text else text

    # --- the web ---

    def web(self, *, offices_later: bool = False) -> web.Application:
        """Everything that is served on the one port. `offices_later` leaves the desk and the exchange for when the
        first messages are answered, or somebody asks for one of their pages."""
        parts = WebParts(
            settings=self.settings,
            database=self.database,
            vault=self.vault,
            clock=self.clock,
            signals=self.signals,
            words=self.words,
            templates={"webchat": webchat.TEMPLATES, "desk": DESK / "templates"},
            static={"webchat": webchat.STATIC, "desk": DESK / "static"},
            template_globals={
                "is_demo": self.is_demo,
                "demo_mark": lambda language: self.words.text(language, demonstration.MARK),
                "translates": bool(self.settings.translate_url),
                "erases": True,
                "nearest_known": self.directory.nearest_known,
                "pushes": bool(self.settings.push_key.value),
            },
            error_template="desk/error.html",
        )
        if offices_later:
            self._web = build_web(parts, *self._routes(), missing=self.open_offices)
        else:
            self._offices = self._build_offices()
            self._web = build_web(parts, *self._routes(), *self._offices.routes())
        return self._web

    def _build_offices(self) -> Offices:
        from bot.offices import Offices  # a tenth of a start

        return Offices(
            self.settings,
            self.database,
            self.vault,
            self.clock,
            self.signals,
            words=self.words,
            directory=self.directory,
            texts=self.texts,
            telegram=self.telegram,
            paging=self.paging,
            meant=self.reading.procedures_meant,
        )

    async def open_offices(self) -> None:
        """Serve the desk and the exchange from now on. Asked again it does nothing; where it failed, it is tried again.

        Raises what goes wrong.
        """
        if self._opening is None or not self._offices_are_well():
            self._opening = asyncio.create_task(self._open_offices())
        await asyncio.shield(self._opening)

    async def _open_offices(self) -> None:
        if self._offices is None:
            offices = await asyncio.to_thread(self._build_offices)
            add_routes(self._web, offices.routes())
            self._offices = offices
            gc.freeze()  # see `settle`
        for name, run in self._offices.workers().items():
            self._work(name, partial(self._later, run))

    def _routes(self) -> list[Routes]:
        # The page of the web chat marks what it shows itself, in smaller letters.
        talks = ChannelTalks(self.database, self.vault, web_payload.NAME, web_payload.ACCOUNT, clock=self.clock)
        in_terminal = ChannelTalks(
            self.database, self.vault, terminal.NAME, terminal.ACCOUNT, self._mark, clock=self.clock
        )
        uploads = Uploads(
            self.database,
            self.vault,
            self.clock,
            channel=web_payload.NAME,
            account=web_payload.ACCOUNT,
            meets_demo=self.demonstration.meets,
            has_room=self._has_room_for_files,
        )
        key = make_key(self.settings.data_dir)
        routes = [
            self.health.routes,
            webchat_routes(
                self.inbox,
                talks,
                uploads,
                emergency_number=self._own_emergency_number,
                emergency_numbers=self.directory.emergency_numbers,
                demo=self.is_demo,
            ),
            terminal_routes(key, self.inbox, in_terminal),
            self._directory_api(),
        ]
        if self.telegram is not None and self.webhook is not None:
            routes.append(webhook_routes(self.telegram.account, self._webhook_secret(), self.webhook))
        return routes

    def _directory_api(self) -> Routes:
        routes = Routes()
        for method, path, name, handler in HsdsApi(self.database, public_url=self.settings.public_url).routes():
            routes.add(method, path, handler, name=name, allow=Public(open_data=True))
        return routes

    def _has_room_for_files(self) -> bool:
        """Words go before files: where the disk is nearly full, only words are taken in."""
        return shutil.disk_usage(self.settings.data_dir).free > ROOM_LEFT_FOR_WORDS

    def is_demo(self) -> bool:
        """Whether the pages must say that this is a demonstration."""
        return self.demo

    @property
    def demo(self) -> bool:
        return self.demonstration.stands

    async def _somebody_answers(self) -> bool:
        at = self.clock.now()
        return await self.database.read(lambda tx: self.presence.somebody_answers(tx, at))

    async def _own_emergency_number(self) -> str:
        return await self.directory.emergency_number(self.settings.country or None)

    # --- starting and stopping ---

    async def start(self) -> None:
        """Set every worker to work. Understanding and the actions load beside, messages wait for them."""
        await self.directory.prepare()
        await self.texts.begin()
        await self.pager.look()  # leaves a beat before the auditor looks for one
        self._begin("actions", asyncio.to_thread(self.actions.warm))
        workers: dict[str, Callable[[], Awaitable[None]]] = {
            "turns": self._take_turns,
            "sender": self.sender.run,
            "files": partial(self._later, self.fetcher.run),
            "pager": self.pager.run,
            "auditor": self.auditor.run,
            "housekeeping": partial(self._later, self._keep_house_in_quiet),
            "texts": self.texts.run,
            "askers": partial(self._later, self.askers.run),
        }
        for name, run in workers.items():
            self._work(name, run)
        self.health.add("understanding", self.reading.is_ready)
        self.health.attend("texts_readable", self.texts.all_readable)
        self.health.add("offices", self._offices_are_well)
        self._begin("offices", self.open_offices() if self._offices else self._later(self._open_in_quiet))
        if self.telegram is not None:
            self._begin("telegram", self._listen_to(self.telegram))
        if self.demo:
            self._begin("demonstration", self.demonstration.watch())
        if self._towns is not None:
            self._begin("towns", self._later(partial(self._read_towns_in_quiet, self._towns)))

    def _work(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Set a worker to work for as long as the program runs. One that ended is told by `/readyz`."""
        self._begin(name, run())
        self.health.add(name, lambda: name in self._tasks and not self._tasks[name].done())

    async def _open_in_quiet(self) -> None:
        await asyncio.sleep(FIRST_MESSAGES_SECONDS)
        await self.open_offices()

    async def _keep_house_in_quiet(self) -> None:
        await asyncio.sleep(FIRST_MESSAGES_SECONDS)
        await self._keep_house()

    async def _read_towns_in_quiet(self, towns: ShippedTowns) -> None:
        """Whoever names a town in danger must not wait until all towns are read."""
        await asyncio.sleep(TOWNS_AFTER_SECONDS)
        await asyncio.to_thread(towns.read)
        await asyncio.to_thread(give_back)  # nothing large is read after these

    def _offices_are_well(self) -> bool:
        """They opened, or will."""
        opening = self._opening
        return opening is None or not opening.done() or (not opening.cancelled() and opening.exception() is None)

    async def _later(self, run: Callable[[], Awaitable[None]]) -> None:
        """Begin once messages are read, or cannot be: the first seconds are for whoever writes."""
        with contextlib.suppress(Exception):  # `_take_turns` tells of it
            await self.reading.loaded()
        await run()

    async def _take_turns(self) -> None:
        """Begin when messages can be read. Where they never can, begin all the same: each then goes to a human."""
        try:
            await self.reading.loaded()
        except Exception:
            log.exception("understanding_not_loaded")
        await self.turns.run()

    async def _keep_house(self) -> None:
        """Forget what nothing needs any more: ended sessions, and the numbers of messages received long ago."""
        while True:
            at = self.clock.now()
            try:
                await self.database.write(lambda tx, at=at: sessions.sweep(tx, at))  # type: ignore[misc]
                await self.database.write(lambda tx, at=at: forget_old_receipts(tx, at))  # type: ignore[misc]
                await self.database.write(lambda tx, at=at: forget_secrets(tx, self.vault, at))  # type: ignore[misc]
                await self.database.write(lambda tx, at=at: forget_old_notes(tx, self.vault, at))  # type: ignore[misc]
                await self.database.write(lambda tx, at=at: forget_abandoned(tx, at))  # type: ignore[misc]
                await undo_abandoned(self.database, at=at)
                await forget_waiting(self.database, at=at)
                await self._keep_to_retention()
            except DatabaseUnavailable:
                log.error("housekeeping_failed")
            await asyncio.sleep(HOUSEKEEPING_SECONDS)

    async def _keep_to_retention(self) -> None:
        erasing, rules = await asyncio.to_thread(self._retention)
        erased = await erasing.keep_to_retention(self.database, self.vault, rules, self.clock.now())
        if erased:
            log.info("retention_erased", count=erased)

    def _retention(self) -> tuple[ModuleType, retention.Retention]:
        """Loaded beside the loop, and only now: an erasure knows the tables of every room."""
        from bot import retention
        from bot.upkeep import erasing

        return erasing, retention.decided(self.settings)

    def _listen_to(self, telegram: TelegramChannel) -> Coroutine[Any, Any, None]:
        if self.webhook is not None:
            # No matter of readiness: a server that is taken away for it would get no more deliveries, for good.
            self.health.attend("telegram", self.webhook.delivers)
            return self.webhook.run()
        # Telegram allows one listener. Of several servers the others wait until it is gone.
        poller = Poller(telegram, self.inbox, self.clock)
        self.health.add("telegram", poller.hears)
        return self.database.alone(f"telegram {telegram.account}", poller.run)

    def _webhook_secret(self) -> str:
        return self.settings.telegram_webhook_secret.value

    def _begin(self, name: str, work: Awaitable[object]) -> None:
        async def run() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("worker_failed", kind=name)

        self._tasks[name] = asyncio.create_task(run(), name=name)

    async def stop(self) -> None:
        """Take nothing more in, finish what is under way, give leases back. Loses nothing, doubles nothing."""
        if self._stopping:
            return
        self._stopping = True
        if "telegram" in self._tasks:
            await self._end("telegram")
        await self.inbox.close()
        await self.turns.stop()
        await self.sender.stop()
        if self._opening is not None and not self._opening.done():
            self._tasks["opening"] = self._opening
        for name in list(self._tasks):
            await self._end(name)
        if self.telegram is not None:
            await self.telegram.close()
        self.reading.close()

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name)
        while not task.done():  # asked again, should some library forget it: a server that is told to stop stops
            task.cancel()
            await asyncio.wait({task}, timeout=ASKED_AGAIN_SECONDS)


def desk_queue(settings: Settings) -> str:
    """Where a page sends an officer: the queue, never a case."""
    return f"{settings.public_url}/desk/queue"


def paging_of(settings: Settings, vault: Vault, words: Words) -> Paging:
    """How officers are paged in this installation."""
    ways = {Way.EMAIL: bool(settings.smtp_url.value), Way.PUSH: bool(settings.push_key.value)}
    set_up = frozenset(way for way, is_set_up in ways.items() if is_set_up)
    return Paging(vault, words, desk_queue(settings), set_up)


def _load_procedures() -> Procedures:
    """All texts or none: one that cannot be read is named with its line before anything is served."""
    try:
        return Procedures.load_shipped(DIALOGUES / "procedures")
    except BrokenProcedures as broken:
        raise CannotStart(
            f"texts in dialogues/procedures cannot be read; nothing is served until they can:\n{broken}"
        ) from None


@asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Waymark]:
    """The program over its database, migrated, with the master key checked; for `up` and for tests.

    Raises CannotStart, WrongMasterKey, NewerDatabase, DatabaseUnavailable; each says what to do.
    """
    clock = clock or SystemClock()
    with alone_on(settings.database_url):
        # Before the database is touched: a new key is made only where nothing can be sealed with another.
        vault = Vault(master_key_bytes(settings))
        reading = ReadingRoom(DIALOGUES, settings.data_dir / "understanding", settings.understanding)
        reading.start()  # what takes longest begins first
        database = open_database(settings.database_url)
        try:
            await migrate(database)
            await database.write(lambda tx: vault.prepare(tx, clock.now()))
            if database.dialect == "sqlite":
                await database.write(lambda tx: end_leases(tx, at=clock.now()))  # nobody else can hold one
            demo = await demonstration.prepare(database, vault, clock, settings)
            waymark = Waymark(settings, database, vault, clock, reading=reading, demo=demo)
            try:
                yield waymark
            finally:
                await waymark.stop()
        finally:
            reading.close()
            await database.close()


#: A thread that waits for the interpreter gets it after so long: SQLite's driver gives it away at each statement, and a
#: turn would wait a dozen times for Python's own five milliseconds.
SWITCH_SECONDS = 0.0005


def settle() -> None:
    """The program has begun to serve: what it is made of stays and is not looked through again for garbage, and its
    threads take short turns."""
    gc.freeze()
    gc.enable()
    sys.setswitchinterval(SWITCH_SECONDS)


async def serve(settings: Settings) -> None:
    """`./waymark up`: serve until SIGTERM or Ctrl-C, then stop gracefully."""
    configure_logs(settings.log_level, settings.log_format)
    stopping = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
    async with opened(settings) as waymark:
        await waymark.reading.learn_first(stopping)
        runner = web_runner(waymark.web(offices_later=True))
        await runner.setup()
        try:
            site = web.TCPSite(runner, settings.host, settings.port, backlog=1024)
            try:
                await site.start()
            except OSError as error:
                other = "address with WAYMARK_HOST" if error.errno == errno.EADDRNOTAVAIL else "port with WAYMARK_PORT"
                raise CannotStart(
                    f"port {settings.port} on {settings.host} cannot be used ({os.strerror(error.errno or 0)}). "
                    f"Choose another {other}."
                ) from error
            await waymark.start()
            settle()
            print(
                await demonstration.greeting(waymark.database, settings, waymark.clock, demo=waymark.demo), flush=True
            )
            await stopping.wait()
            log.info("stopping")
        finally:
            await runner.cleanup()
