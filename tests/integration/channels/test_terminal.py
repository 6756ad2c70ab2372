"""A talk in the terminal with a server that really runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from bot.channels.model import Button, RawMessage
from bot.channels.terminal.client import talk
from bot.channels.terminal.key import make_key
from bot.channels.terminal.payload import LINES, MESSAGES, read_payload
from bot.channels.terminal.routes import terminal_routes
from bot.kernel.clock import SetClock
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.live import Signals
from bot.kernel.settings import Settings, load_settings
from tests.integration.channels.web import serving


@dataclass(frozen=True)
class Said:
    seq: int
    author: str
    text: str
    buttons: tuple[Button, ...] = ()
    language: str = "en"
    file: str = ""


class Echo:
    """Conversations that answer every message with the same words and two buttons."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self.conversations: dict[str, list[Said]] = {}
        self.received: list[RawMessage] = []
        self.full_for = 0

    async def accept(self, raw: RawMessage) -> bool:
        if self.full_for > 0:
            self.full_for -= 1
            raise DatabaseUnavailable("full")
        new = raw.provider_id not in {kept.provider_id for kept in self.received}
        if new:
            self.received.append(raw)
            message = read_payload(raw.payload)
            self.say(raw.address, "person", message.text)
            self.say(raw.address, "bot", f"You said {message.payload or message.text or message.latitude}.")
        return new

    def say(self, address: str, author: str, text: str) -> None:
        lines = self.conversations.setdefault(address, [])
        buttons = (Button("Yes", "/affirm"), Button("Map", url="https://example.org/map")) if author == "bot" else ()
        lines.append(Said(len(lines) + 1, author, text, buttons))
        self._signals.wake(f"conversation:{address}")

    async def lines(self, address: str, after: int) -> Sequence[Said]:
        return [line for line in self.conversations.get(address, []) if line.seq > after]

    async def topic(self, address: str) -> str | None:
        return f"conversation:{address}" if address in self.conversations else None


@pytest.fixture
def echo(signals: Signals) -> Echo:
    return Echo(signals)


@pytest.fixture
async def server(
    tmp_path: Path, sqlite_database: Database, clock: SetClock, signals: Signals, echo: Echo
) -> AsyncIterator[aiohttp.ClientSession]:
    routes = terminal_routes(make_key(tmp_path), echo, echo)
    async with serving(tmp_path, sqlite_database, clock, signals, routes) as client:
        yield client


def typing(*lines: str) -> Callable[[str], str]:
    left = list(lines)

    def typed(_prompt: str) -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    return typed


def settings_for(folder: Path, port: int) -> Settings:
    return load_settings({"WAYMARK_DATA_DIR": str(folder), "WAYMARK_PORT": str(port), "WAYMARK_HOST": "0.0.0.0"})


async def talked(server: aiohttp.ClientSession, folder: Path, *lines: str, language: str = "") -> tuple[int, str]:
    screen = StringIO()
    console = Console(file=screen, width=100, highlight=False)
    settings = settings_for(folder, server._build_url("/").port or 0)
    done = await asyncio.to_thread(
        talk, settings, language=language, address="ana", typed=typing(*lines), console=console
    )
    return done, screen.getvalue()


async def test_a_talk_shows_answers_and_presses_their_buttons_by_number(
    server: aiohttp.ClientSession, tmp_path: Path, echo: Echo
) -> None:
    done, screen = await talked(server, tmp_path, "hello", "", "1", "/location 43.79,7.6", "/quit")

    assert done == 0
    for shown in ("You said hello.", "[1] Yes", "Map: https://example.org/map", "You said /affirm.", "You said 43.79."):
        assert shown in screen
    assert [json.loads(raw.payload).get("tap") for raw in echo.received] == [None, "/affirm", None]


async def test_a_talk_can_be_gone_on_with(server: aiohttp.ClientSession, tmp_path: Path) -> None:
    await talked(server, tmp_path, "hello")

    _done, screen = await talked(server, tmp_path)

    assert "You said hello." in screen


async def test_the_buttons_of_all_that_was_offered_have_a_number_each(
    server: aiohttp.ClientSession, tmp_path: Path, echo: Echo
) -> None:
    echo.say("ana", "bot", "The first place.")
    echo.say("ana", "bot", "The second place.")

    _done, screen = await talked(server, tmp_path, "2", "1")

    assert "[2] Yes" in screen
    assert [json.loads(raw.payload).get("tap") for raw in echo.received] == ["/affirm", "/affirm"]


async def test_what_is_shown_cannot_move_the_terminal(
    server: aiohttp.ClientSession, tmp_path: Path, echo: Echo
) -> None:
    echo.say("ana", "officer", "a\x1b[2Jb\u202ec")

    _done, screen = await talked(server, tmp_path)

    assert "a[2Jbc" in screen


async def test_an_officer_is_shown_as_a_person(server: aiohttp.ClientSession, tmp_path: Path, echo: Echo) -> None:
    echo.say("ana", "officer", "I am here.")

    _done, screen = await talked(server, tmp_path, language="fr")

    assert "Une personne" in screen
    assert "I am here." in screen


async def test_what_was_typed_is_sent_again_until_it_is_kept_and_counts_once(
    server: aiohttp.ClientSession, tmp_path: Path, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.terminal.client.PAUSE_SECONDS", 0.0)
    echo.full_for = 3

    await talked(server, tmp_path, "hello")

    assert len(echo.received) == 1


async def test_a_place_that_is_none_is_said_to_be_none(
    server: aiohttp.ClientSession, tmp_path: Path, echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.terminal.client.ANSWER_SECONDS", 0.05)

    _done, screen = await talked(server, tmp_path, "/location there")

    assert "That is not a place." in screen
    assert echo.received == []


@pytest.mark.parametrize("key", ["", "Bearer ", "Bearer " + "0" * 64, "Bearer é"])
async def test_without_the_key_of_the_data_folder_nobody_comes_in(
    server: aiohttp.ClientSession, echo: Echo, key: str
) -> None:
    async with server.post(MESSAGES, json={"id": "1", "address": "ana"}, headers={"Authorization": key}) as answer:
        assert answer.status == 403
    async with server.get(LINES, params={"address": "ana"}, headers={"Authorization": key}) as answer:
        assert answer.status == 403
    assert echo.received == []


async def test_a_key_of_another_folder_is_explained(server: aiohttp.ClientSession, tmp_path: Path) -> None:
    make_key(tmp_path / "other")

    done, screen = await talked(server, tmp_path / "other", "hello")

    assert done == 1
    assert "does not know this key" in screen


async def test_no_server_and_no_key_are_explained(tmp_path: Path) -> None:
    for expected in ("There is no key", "No server answers"):
        screen = StringIO()
        console = Console(file=screen, width=100)
        done = await asyncio.to_thread(talk, settings_for(tmp_path, 9), typed=typing(), console=console)
        assert done == 1
        assert expected in screen.getvalue()
        make_key(tmp_path)


@pytest.mark.parametrize("body", [b"", b"[" * 50_000, b"\xff", b'{"id":"1"}', b'{"id":"1","address":"../x"}'])
async def test_what_is_no_message_is_refused(
    server: aiohttp.ClientSession, tmp_path: Path, echo: Echo, body: bytes
) -> None:
    headers = {"Authorization": f"Bearer {make_key(tmp_path)}"}
    async with server.post(MESSAGES, data=body, headers=headers) as answer:
        assert answer.status == 400
    async with server.get(LINES, params={"after": "x", "address": "ana"}, headers=headers) as answer:
        assert answer.status == 400
    assert echo.received == []


async def test_a_line_arrives_while_one_waits_for_it(
    server: aiohttp.ClientSession, tmp_path: Path, echo: Echo, signals: Signals
) -> None:
    echo.say("ana", "bot", "one")
    headers, params = {"Authorization": f"Bearer {make_key(tmp_path)}"}, {"address": "ana", "after": "1", "wait": "20"}

    async def ask() -> list[str]:
        async with server.get(LINES, params=params, headers=headers) as answer:
            return [line["text"] for line in (await answer.json())["lines"]]

    asking = asyncio.create_task(ask())
    while not signals._watchers:
        await asyncio.sleep(0)
    echo.say("ana", "officer", "two")

    assert await asking == ["two"]
