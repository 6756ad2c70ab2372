"""`./waymark talk`: a conversation in a terminal with the server that runs on this machine.

The prompt has the main thread, as `input` wants it; the network has another. What is typed is sent again, under the
same id, until the server has it, and lines are asked for by number, so a server that restarts costs nothing.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from msgspec import Struct
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from bot.channels.model import Button
from bot.channels.terminal.key import read_key
from bot.channels.terminal.payload import LINES, LONGEST_WAIT, MESSAGES
from bot.channels.text import clean
from bot.kernel.settings import Settings
from bot.kernel.words import N_, Words

try:
    import readline  # edits the line, and knows what stands on it
except ImportError:  # not every Python has it
    readline = None  # type: ignore[assignment]

T = TypeVar("T")
PAUSE_SECONDS = 1.0
#: For typing that comes from a file or a pipe: how long to wait for an answer, and how long it may go on.
ANSWER_SECONDS, QUIET_SECONDS = 15.0, 0.4
#: A server that listens everywhere is found here.
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
UNKNOWN_KEY = N_("The server does not know this key. Use the data folder it was started with.")
QUIT = frozenset({"/quit", "/exit"})
LABELS = {"bot": N_("Waymark"), "officer": N_("A person"), "system": N_("Waymark")}
COLOURS = {"bot": "cyan", "officer": "green", "system": "yellow"}
_place = re.compile(r"/location\s+(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*")


class Line(Struct, frozen=True):
    """Something that was said."""

    seq: int
    author: str
    text: str
    buttons: tuple[Button, ...] = ()


class NotOurServer(Exception):
    """There is no server, or it does not know our key. The sentence says what to do."""


def read_typed(typed: str, buttons: Sequence[Button]) -> dict[str, object] | None:
    """What typed words ask for: a tap of a button shown last, a place, or the words as they are.

    None when it begins like a place and is none. Every other command is plain text, as in any channel.
    """
    typed = typed.strip()
    if typed.startswith("/location"):
        place = _place.fullmatch(typed)
        if place is None:
            return None
        latitude, longitude = float(place[1]), float(place[2])
        on_the_map = abs(latitude) <= 90 and abs(longitude) <= 180
        return {"latitude": latitude, "longitude": longitude} if on_the_map else None
    taps = [button for button in buttons if button.payload]
    if typed.isascii() and typed.isdigit() and 1 <= int(typed) <= len(taps):
        pressed = taps[int(typed) - 1]
        return {"text": pressed.title, "tap": pressed.payload}
    return {"text": typed}


class Connection:
    """One conversation with a server. Make it inside the event loop that is to use it, and close it there."""

    def __init__(self, url: str, key: str, *, address: str, language: str | None) -> None:
        timeout = aiohttp.ClientTimeout(total=LONGEST_WAIT + 10)
        self._session = aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout)
        self._address = address
        self._language = language
        self.seen = 0

    async def close(self) -> None:
        await self._session.close()

    async def say(self, content: dict[str, object]) -> None:
        """Hand a message over; returns when the server keeps it. Tried until then: the id makes it count once."""
        body = {"id": secrets.token_hex(16), "address": self._address, **content}
        if self._language:
            body["language"] = self._language
        while True:
            try:
                async with self._session.post(MESSAGES, json=body) as answer:
                    if answer.status == 202:
                        return
                    if answer.status < 500:
                        raise NotOurServer(str(answer.status))
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(PAUSE_SECONDS)

    async def lines(self, wait: float = LONGEST_WAIT) -> list[Line]:
        """What was said since the last call, waiting for the first at most `wait` seconds."""
        params: dict[str, str | int | float] = {"address": self._address, "after": self.seen, "wait": wait}
        async with self._session.get(LINES, params=params) as answer:
            if answer.status >= 500:
                raise aiohttp.ClientPayloadError
            if answer.status != 200:
                raise NotOurServer(str(answer.status))
            found = [_line(value) for value in (await answer.json())["lines"]]
        self.seen = max([self.seen, *(line.seq for line in found)])
        return found


def _line(value: dict[str, Any]) -> Line:
    return Line(value["seq"], value["author"], value["text"], tuple(Button(**button) for button in value["buttons"]))


class Talk:
    """The screen: what is said appears above the prompt, its buttons with a number each.

    Numbers run on over all that was said since somebody typed, so that each of three offers can be taken.
    """

    def __init__(self, connection: Connection, console: Console, say: Callable[[str], str]) -> None:
        self._connection = connection
        self._console = console
        self._words = say
        self._taps: list[Button] = []
        self._typed_since = True
        self._answered = asyncio.Event()
        self.prompt = ""  # what stands on the last line while somebody may type there

    async def type(self, typed: str) -> None:
        """Somebody typed a line."""
        content = read_typed(typed, self._taps)
        if content is None:
            self._notice(N_("That is not a place. Write it like this: /location 43.79,7.60"))
            return
        self._typed_since = True
        self._answered.clear()
        try:
            await self._connection.say(content)
        except NotOurServer:
            self._notice(UNKNOWN_KEY)

    async def listen(self) -> None:
        """Show what is said, until cancelled."""
        away = False
        while True:
            try:
                lines = await self._connection.lines()
            except (aiohttp.ClientError, TimeoutError):
                if not away:
                    self._notice(N_("The server is away. Waiting for it to come back."))
                away = True
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            except NotOurServer:
                self._notice(UNKNOWN_KEY)
                return
            away = False
            self.show(lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Print what others said. What was typed here stands there already."""
        others = [line for line in lines if line.author != "person"]
        if not others:
            return
        with self._above_the_prompt():
            for line in others:
                self._print(line)
        self._answered.set()

    def _print(self, line: Line) -> None:
        if self._typed_since:
            self._taps, self._typed_since = [], False
        label = self._words(LABELS.get(line.author, LABELS["bot"]))
        self._console.print(Text(label, style=f"bold {COLOURS.get(line.author, 'cyan')}"))
        self._console.print(Padding(Text(clean(line.text)), (0, 0, 0, 2)))
        for button in line.buttons:
            if button.payload:
                self._taps.append(button)
            shown = f"[{len(self._taps)}] {button.title}" if button.payload else f"{button.title}: {button.url}"
            self._console.print(Padding(Text(clean(shown), style="dim"), (0, 0, 0, 4)))

    def _notice(self, msgid: str) -> None:
        with self._above_the_prompt():
            self._console.print(Text(self._words(msgid), style="dim"))

    @contextmanager
    def _above_the_prompt(self) -> Iterator[None]:
        """Take the line somebody is typing away, and put it back below what is printed."""
        prompt = self.prompt
        if prompt:
            self._console.file.write("\r\x1b[K")
        yield
        if prompt:
            self._console.file.write(prompt + _typed_so_far())
            self._console.file.flush()

    async def until_answered(self) -> None:
        """Wait for an answer, and for the end of it."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._answered.wait()
            while True:
                self._answered.clear()
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._answered.wait()
        except TimeoutError:
            return


def _typed_so_far() -> str:
    return readline.get_line_buffer() if readline is not None else ""


class _Network:
    """An event loop in a thread of its own, for a main thread that waits at the prompt."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="terminal-network", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def begin(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    @staticmethod
    async def _cancel_all() -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def talk(
    settings: Settings,
    *,
    language: str = "",
    address: str = "",
    typed: Callable[[str], str] = input,
    console: Console | None = None,
) -> int:
    """Talk with the server of these settings until `/quit` or the end of the input. Returns the exit code.

    `language` is that of this program's own words and a hint to the server; `address` goes on with an earlier talk.
    """
    console = console or Console(highlight=False)
    words = Words.load()

    def say(msgid: str) -> str:
        return words.text(language or "en", msgid)

    key = read_key(settings.data_dir)
    if not key:
        console.print(say(N_("There is no key for the terminal here. Start the server first: ./waymark up")))
        return 1
    with _Network() as network:
        try:
            connection, earlier = network.run(_connect(_url(settings), key, address, language))
        except (aiohttp.ClientError, TimeoutError):
            console.print(say(N_("No server answers here. Start it first: ./waymark up")))
            return 1
        except NotOurServer:
            console.print(say(UNKNOWN_KEY))
            return 1
        shown = Talk(connection, console, say)
        shown.show(earlier)
        console.print(say(N_("Write a message. A number presses a button. /location 43.79,7.60 shares a place.")))
        console.print(say(N_("/quit ends the talk.")))
        listening = network.begin(shown.listen())
        _prompt(network, shown, typed)
        listening.cancel()
        network.run(connection.close())
    return 0


def _url(settings: Settings) -> str:
    """Where the server of these settings is found from this machine."""
    host = LOOPBACK.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


async def _connect(url: str, key: str, address: str, language: str) -> tuple[Connection, list[Line]]:
    connection = Connection(url, key, address=address or secrets.token_hex(16), language=language or None)
    try:
        return connection, await connection.lines(wait=0)
    except BaseException:
        await connection.close()
        raise


def _prompt(network: _Network, shown: Talk, typed: Callable[[str], str]) -> None:
    by_hand = typed is input and sys.stdin.isatty()
    while True:
        shown.prompt = "> " if by_hand else ""
        try:
            line = typed(shown.prompt).strip()
        except (EOFError, KeyboardInterrupt):
            return
        finally:
            shown.prompt = ""
        if line in QUIT:
            return
        if line:
            network.run(shown.type(line))
            if not by_hand:
                network.run(shown.until_answered())
