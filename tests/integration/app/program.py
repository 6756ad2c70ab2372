"""The whole program over its real composition root, served on a port of this machine, and who uses it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import cache, partial
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from aiohttp import web

from bot.app import Waymark, opened
from bot.conversations import service as conversations
from bot.conversations import store
from bot.conversations.service import Line
from bot.kernel import officers, sessions
from bot.kernel.access import Role
from bot.kernel.clock import Clock
from bot.kernel.database import Database
from bot.kernel.migrations import migrate
from bot.kernel.officers import Officer
from bot.kernel.settings import Settings, load_settings
from bot.kernel.web import cookie_name, web_runner
from directory.seeds import put_helplines
from tests.conftest import make_sqlite_template
from tests.peers.telegram import TOKEN

PATIENCE_SECONDS = 30
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
#: Ports that were taken for programs which know their own address before they serve.
DOORS: dict[int, socket.socket] = {}
OURS = {"Sec-Fetch-Site": "same-origin"}


def settings_for(folder: Path, **given: object) -> Settings:
    """The settings of an installation in `folder`."""
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind(("127.0.0.1", 0))
    port = int(door.getsockname()[1])
    DOORS[port] = door
    values = {
        "data_dir": folder / "data",
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "telegram_token": TOKEN if "telegram_api_url" in given else "",
        **given,
    }
    return load_settings({f"WAYMARK_{name.upper()}": str(value) for name, value in values.items()})


@cache
def _migrated() -> bytes:
    """A database file with the whole history of migrations behind it, and no row.

    Each of hundreds of programs that begins at the first migration takes most of a second; `test_migrations.py` asks
    whether that way is right.
    """
    with tempfile.TemporaryDirectory() as folder:
        return make_sqlite_template(Path(folder), migrate).read_bytes()


@cache
def _started() -> bytes:
    """The same after a first start: with the shipped helplines, which took a quarter of each later one.

    `test_demonstration.py` asks for that first start, and `test_search.py` what bringing them in again changes.
    """

    async def bring_helplines(database: Database) -> None:
        await database.write(lambda tx: put_helplines(tx, at=datetime.now(UTC)))

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "waymark.db").write_bytes(_migrated())
        return make_sqlite_template(Path(folder), bring_helplines).read_bytes()


def lay_database(folder: Path, *, started: bool = False) -> None:
    """A migrated database for the installation in `folder`, where it has none yet."""
    path = folder / "waymark.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_started() if started else _migrated())


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Wait for something that is on its way."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():
            await asyncio.sleep(0.02)


class Helpline:
    """A program that serves."""

    def __init__(self, waymark: Waymark, app: web.Application) -> None:
        self.waymark = waymark
        self.app = app
        self.settings = waymark.settings
        self.url = waymark.settings.public_url
        self.database = waymark.database
        self.vault = waymark.vault

    async def settled(self) -> None:
        """Everything that came in is answered, and everything that goes out has gone. While any of it moves it is
        waited for: how long two dozen messages take is the machine's affair."""
        while waits := await self.database.read(_waiting):
            try:
                await until(partial(self._moved, waits))
            except TimeoutError:
                raise AssertionError(f"still waiting: {waits}") from None

    async def _moved(self, waits: list[Any]) -> bool:
        return await self.database.read(_waiting) != waits

    async def officer(self, *roles: Role, name: str = "Amira") -> Officer:
        sign_in_name = f"{name.split()[0].lower()}-{secrets.token_hex(4)}"

        def add(tx: sa.Connection) -> Officer:
            now = self.waymark.clock.now()
            return officers.add_officer(tx, self.vault, name=name, sign_in_name=sign_in_name, roles=roles, at=now)

        return await self.database.write(add)

    async def session_of(self, officer: Officer) -> str:
        """The cookie of a fresh session."""
        now = self.waymark.clock.now()
        return await self.database.write(lambda tx: sessions.start(tx, officer.id, now))

    async def at_desk(self, officer: Officer) -> Desk:
        return Desk(self, await self.session_of(officer))

    async def conversation_ids(self) -> list[str]:
        """Those of people, the oldest first."""
        table = store.conversations
        query = sa.select(table.c.id).order_by(table.c.created_at, table.c.id)
        return await self.database.read(lambda tx: list(tx.execute(query).scalars()))

    async def lines(self, conversation_id: str) -> list[Line]:
        return await self.database.read(lambda tx: conversations.transcript(tx, self.vault, conversation_id))

    async def said_by_people(self) -> list[str]:
        """What people wrote, over all conversations."""
        found = [line for each in await self.conversation_ids() for line in await self.lines(each)]
        return [line.text for line in found if line.author.value == "person"]

    async def webhook(self, body: bytes | dict[str, Any], *, secret: str | None = None, **headers: str) -> int:
        """What Telegram posts. Returns the status."""
        known = self.settings.telegram_webhook_secret.value
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", SECRET_HEADER: known if secret is None else secret, **headers}
        async with aiohttp.ClientSession() as client, client.post(
            f"{self.url}/telegram/webhook", data=data, headers=sent
        ) as answer:  # fmt: skip
            return answer.status


def _waiting(tx: sa.Connection) -> list[Any]:
    """What waits in the inbox and in the outbox, and why."""
    inbox, outbox = store.inbox.c, store.outbox.c
    received = sa.select(inbox.seq, inbox.due_at, inbox.attempts, inbox.error_code).where(store.WAITING)
    to_send = sa.select(outbox.state, outbox.due_at, outbox.attempts, outbox.cause).where(store.ACTIVE)
    return [tuple(row) for query in (received, to_send) for row in tx.execute(query.limit(5))]


def telegram_update(number: int, text: str | None = None, *, chat: int = 4242, **content: Any) -> dict[str, Any]:
    """A message of a person, as Telegram posts it."""
    sender = {"id": chat, "is_bot": False, "first_name": "Sam", "language_code": "en"}
    message = {
        "message_id": number, "date": 1795435200 + number, "from": sender,
        "chat": {"id": chat, "type": "private", "first_name": "Sam"}, **content,
    }  # fmt: skip
    return {"update_id": 9000 + number, "message": message if text is None else {**message, "text": text}}


class Person:
    """Somebody in the web chat, with a browser that runs no script."""

    def __init__(self, helpline: Helpline) -> None:
        self._helpline = helpline
        self._client = aiohttp.ClientSession(helpline.url, cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Person:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.close()

    @property
    def cookies(self) -> aiohttp.abc.AbstractCookieJar:
        return self._client.cookie_jar

    @property
    def client(self) -> aiohttp.ClientSession:
        """This browser, for what is not written and read."""
        return self._client

    async def send(self, **fields: str) -> int:
        async with self._client.post("/chat", data=fields, headers=OURS, allow_redirects=False) as answer:
            return answer.status

    async def write(self, text: str) -> str:
        """Send words and read the page once they are answered."""
        assert await self.send(text=text) == 303
        await self._helpline.settled()
        return await self.page()

    async def page(self) -> str:
        return unescape(await self.source())

    async def source(self) -> str:
        """The page as it was sent."""
        async with self._client.get("/chat") as answer:
            return await answer.text()


class Desk:
    """An officer who is signed in, in a browser that runs no script."""

    def __init__(self, helpline: Helpline, token: str) -> None:
        self._url = helpline.url
        self._csrf = sessions.csrf_of(token)
        self._headers = {"Cookie": f"{cookie_name(helpline.settings)}={token}", **OURS}

    async def get(self, path: str) -> tuple[int, str]:
        return await self._ask("GET", path)

    async def post(self, path: str, **fields: str) -> tuple[int, str]:
        return await self._ask("POST", path, data={"csrf": self._csrf, **fields})

    async def _ask(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        async with aiohttp.ClientSession(self._url, headers=self._headers) as client, client.request(
            method, path, **options
        ) as answer:  # fmt: skip
            return answer.status, unescape(await answer.text())

    async def raw(self, path: str, **fields: str) -> tuple[int, Any, bytes]:
        """An answer with its headers and its very bytes; to a form where there are `fields`."""
        data = {"csrf": self._csrf, **fields} if fields else None
        async with aiohttp.ClientSession(self._url, headers=self._headers) as client, client.request(
            "POST" if fields else "GET", path, data=data
        ) as answer:  # fmt: skip
            return answer.status, answer.headers, await answer.read()

    async def waiting_cases(self) -> list[str]:
        """The ids of the cases in the queue, as the page names them."""
        _, page = await self.get("/desk/queue")
        return list(dict.fromkeys(re.findall(r"/desk/cases/([0-9a-f-]{36})", page)))


@contextlib.asynccontextmanager
async def serving(settings: Settings, clock: Clock | None = None, *, started: bool = True) -> AsyncIterator[Helpline]:
    """The program as `./waymark up` runs it, without the process around it; over SQLite, from its second start on
    where nobody asks for its first."""
    if started and settings.database_url.startswith("sqlite"):
        lay_database(settings.data_dir, started=True)
    async with opened(settings, clock) as waymark:
        app = waymark.web()
        runner = web_runner(app, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.SockSite(runner, DOORS[settings.port].dup()).start()
            await waymark.start()
            await waymark.reading.loaded()
            yield Helpline(waymark, app)
        finally:
            await runner.cleanup()
