"""The desk as a real server, for tests that look at it: a file database, a few people who write, no bot."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import tempfile
import threading
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from sqlalchemy.engine import Connection

import bot.desk
from bot.cases import service as cases
from bot.cases.alarm import Paging
from bot.cases.auditor import Auditor
from bot.cases.guests.service import GuestsLeave
from bot.cases.hand import Hand
from bot.cases.pager import Pager
from bot.channels.model import Button
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.conversations.attachments import service as attachments
from bot.conversations.attachments.examine import examine
from bot.conversations.attachments.model import State
from bot.conversations.attachments.reading import HeldBytes
from bot.conversations.model import Author, Direction, MessageClass
from bot.conversations.ports import Escalation
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.kept_from import KeptFrom
from bot.kernel.access import Role
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, SqliteDatabase
from bot.kernel.live import Signals
from bot.kernel.officers import Officer, add_officer, make_link
from bot.kernel.settings import load_settings
from bot.kernel.web import WebParts, build_web, web_runner
from bot.kernel.words import Words
from bot.texts.shelf import TextShelf
from dialogues.knowledge import Procedures
from dialogues.understanding.model import Priority
from directory import demonstration
from directory.asking import Directory
from tests.conftest import MASTER_KEY, make_sqlite_template, make_tables
from tests.program import START_SECONDS

PROCEDURES = Path(__file__).parents[2] / "dialogues" / "procedures"

T = TypeVar("T")


@functools.cache
def _begun() -> bytes:
    """A database file with every table and the services of the demonstration, to be copied: making it takes longer than
    most of what is looked at in it."""
    with tempfile.TemporaryDirectory() as folder:
        return make_sqlite_template(Path(folder), begin).read_bytes()


async def begin(database: Database) -> None:
    clock = SystemClock()
    await database.write(make_tables)
    await database.write(lambda tx: Vault(MASTER_KEY).prepare(tx, clock.now()))
    await Directory(database, clock, Words.load()).prepare()
    await database.write(lambda tx: demonstration.seed(tx, at=clock.now()))


class DeskServer:
    """Starts on a free port in a thread of its own. `run` does something in its event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._folder = tempfile.TemporaryDirectory(prefix="wm-desk-")
        self._written = 0
        self.signals = Signals()
        self.clock = SystemClock()
        self.vault = Vault(MASTER_KEY)
        self.words = Words.load()

    def __enter__(self) -> DeskServer:
        self._thread.start()
        self.run(self._start(), within=START_SECONDS)  # the first of a worker makes its database too
        return self

    def __exit__(self, *_error: object) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._folder.cleanup()

    def run(self, work: Coroutine[Any, Any, T], within: float = 30) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within)

    async def _start(self) -> None:
        path = Path(self._folder.name) / "waymark.db"
        path.write_bytes(_begun())
        self.database = SqliteDatabase(path)
        await self.database.write(lambda tx: self.vault.prepare(tx, self.clock.now()))
        self.directory = Directory(self.database, self.clock, self.words)
        await self.directory.prepare()
        paging = Paging(self.vault, self.words, "http://localhost/desk/queue")
        self.pager = Pager(self.database, self.clock, self.signals, paging, self.directory)
        self.auditor = Auditor(self.database, self.clock, self.signals, self.vault, self.words)
        await self.watch()
        settings = load_settings({"WAYMARK_DATA_DIR": self._folder.name, "WAYMARK_PUBLIC_URL": "http://127.0.0.1"})
        parts = WebParts(
            settings=settings,
            database=self.database,
            vault=self.vault,
            clock=self.clock,
            signals=self.signals,
            words=self.words,
            templates={"desk": bot.desk.TEMPLATES},
            static={"desk": bot.desk.STATIC},
            error_template="desk/error.html",
        )
        self.procedures = Procedures.load_shipped()
        self.texts = TextShelf(PROCEDURES, self.procedures, self.database, self.signals)
        routes = bot.desk.all_routes(
            self.directory, texts=self.texts, holders=[WithdrawnConsents(), GuestsLeave()], companions=KeptFrom()
        )
        self._runner = web_runner(build_web(parts, *routes), shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self.database.close()

    def wake(self, *topics: str) -> None:
        """Send signals, as a part of the program in this server's loop would."""
        self._loop.call_soon_threadsafe(self.signals.wake, *topics)

    def url(self, path: str = "/desk") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def watch(self) -> None:
        """One look of the pager and of the auditor."""
        await self.pager.look()
        await self.auditor.look()

    async def officer(self, name: str, *roles: Role, language: str = "en") -> Officer:
        def add(tx: Connection) -> Officer:
            return add_officer(
                tx,
                self.vault,
                name=name,
                sign_in_name=name,
                roles=roles or (Role.OFFICER,),
                languages=(language,),
                at=self.clock.now(),
            )

        return await self.database.write(add)

    async def link(self, officer: Officer) -> str:
        """A fresh one-time sign-in link."""
        token = await self.database.write(lambda tx: make_link(tx, officer.id, self.clock.now()))
        return self.url(f"/desk/sign-in/link?token={token}")

    def hand(self, officer: Officer) -> Hand:
        return Hand(officer, self.vault, self.words, self.clock.now())

    async def person(self, *, channel: str = "webchat", language: str = "en") -> str:
        self._written += 1
        address = f"person-{self._written}"
        return await self.database.write(
            lambda tx: conversations.open_conversation(
                tx,
                self.vault,
                channel=channel,
                account="help",
                address=address,
                language=language,
                at=self.clock.now(),
            )
        )

    async def writes(self, conversation_id: str, text: str, *, language: str = "en", ago: int = 0) -> None:
        """The person says something; what is open about them is woken, as a turn does."""
        at = self.clock.now() - timedelta(seconds=ago)

        def say(tx: Connection) -> str | None:
            line = conversation_store.NewLine(Direction.IN, Author.PERSON, "text", {"text": text}, language)
            conversation_store.add_lines(tx, self.vault, conversation_id, [line], at=at)
            return cases.CaseEscalations(self.vault).person_wrote(tx, conversation_id, at=at)

        case_id = await self.database.write(say)
        self.signals.wake("queue", f"conversation:{conversation_id}", f"case:{case_id}")

    async def sends_file(self, conversation_id: str, content: bytes, *, kind: str = "photo") -> str:
        """The person sends a file, and it was fetched. Its id."""
        at = self.clock.now()

        def send(tx: Connection) -> str:
            key = self.vault.key(tx, conversation_store.conversation(tx, conversation_id).key_id)
            file_id = attachments.begin(tx, key, conversation_id, declared="", at=at)
            attachments.add_part(tx, key, file_id, 0, content)
            found = examine(HeldBytes(content))
            kept = attachments.Kept(hashlib.sha256(content).hexdigest(), found)
            attachments.keep(
                tx, self.vault, key, file_id, kept, size=len(content), state=State.ARRIVING, attempt=0, at=at
            )
            line = conversation_store.NewLine(Direction.IN, Author.PERSON, "attachment", {"attachment": kind}, "en")
            seq = conversation_store.add_lines(tx, self.vault, conversation_id, [line], at=at)
            attachments.put_on_line(tx, file_id, conversation_id, seq)
            return file_id

        return await self.database.write(send)

    async def replies(self, conversation_id: str, text: str, *, language: str, buttons: tuple[str, ...] = ()) -> None:
        """The bot says something approved."""
        await self.database.write(
            lambda tx: conversations.say(
                tx,
                self.vault,
                conversation_id,
                text=text,
                cls=MessageClass.SAFETY,
                template="utter_in_danger",
                at=self.clock.now(),
                language=language,
                buttons=[Button(title, "/affirm") for title in buttons],
            )
        )

    async def danger(
        self,
        conversation_id: str,
        words: str,
        *,
        reason: str = "immediate_danger",
        priority: Priority = Priority.P0,
        language: str = "en",
        place: str | None = None,
        ago: int = 0,
    ) -> str:
        """The screen saw danger: a case, as a turn makes it. Returns its id."""
        self._written += 1
        at = datetime.now(UTC) - timedelta(seconds=ago)
        escalation = Escalation(
            conversation_id=conversation_id,
            reason=reason,
            priority=priority,
            words=words,
            language=language,
            country="IT",
            place=place,
            source="words",
            reporter=False,
            key=f"webchat:help:{self._written}",
        )
        escalated = await self.database.write(
            lambda tx: cases.CaseEscalations(self.vault).escalate(tx, escalation, at=at)
        )
        self.signals.wake("queue", "pages", f"case:{escalated.case_id}")
        return escalated.case_id
