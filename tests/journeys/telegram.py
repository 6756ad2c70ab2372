"""People on Telegram: what they type, press and share, and what arrives on their phone."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tests.peers.telegram.remote import RemoteTelegram, TelegramProcess

T = TypeVar("T")
PATIENCE = 30.0


class Telegram:
    """The fake Telegram as a process of its own, for tests that are not asynchronous themselves."""

    def __init__(self, ledger: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._process = TelegramProcess(ledger)
        self.run(self._process.start())
        self.url = self._process.url
        self.remote = self.run(RemoteTelegram(self.url).__aenter__())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        self.run(self.remote.__aexit__(None, None, None))
        self.run(self._process.kill())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class Chat:
    """One chat with the bot. What was heard is counted from the last thing this person did."""

    def __init__(self, telegram: Telegram, chat_id: int, *, language: str = "en") -> None:
        self._telegram = telegram
        self.chat_id = chat_id
        self._language = language
        self._after = 0

    def _heard(self) -> list[dict[str, Any]]:
        return self._telegram.run(self._telegram.remote.sent(self.chat_id, after=self._after))

    def _mark(self) -> None:
        self._after = max((message["seq"] for message in self._heard()), default=self._after)

    def says(self, text: str | None = None, **content: Any) -> int:
        """Returns the number of the message, by which it can be edited."""
        self._mark()
        said = self._telegram.run(self._telegram.remote.say(self.chat_id, text, language=self._language, **content))
        return said["message_id"]

    def presses(self, button: str) -> None:
        """The newest button with this title. It is pressed and stops spinning."""
        pressed = next(
            message
            for message in reversed(self._telegram.run(self._telegram.remote.sent(self.chat_id)))
            if button in titles(message)
        )
        self._mark()
        tap_id = self._telegram.run(self._telegram.remote.tap(self.chat_id, pressed["message_id"], button))
        until(lambda: any(tap["id"] == tap_id and tap["answered"] for tap in self._taps()), f"{button} still spins")

    def _taps(self) -> list[dict[str, Any]]:
        return self._telegram.run(self._telegram.remote.taps())

    def hears(self, *words: str) -> dict[str, Any]:
        """The message that came since and holds the last of these words; all of them have come."""
        found: dict[str, Any] = {}

        def has_come() -> bool:
            heard = self._heard()
            for each in words:
                holding = [message for message in heard if each in message["text"]]
                if not holding:
                    return False
                found.update(holding[-1])
            return True

        until(has_come, lambda: f"{words} not in {[message['text'] for message in self._heard()]}")
        return found

    @property
    def heard(self) -> list[str]:
        """All that ever arrived here."""
        return [message["text"] for message in self._telegram.run(self._telegram.remote.sent(self.chat_id))]


def titles(message: dict[str, Any]) -> list[str]:
    """What stands on the buttons of a message."""
    rows = (message["body"].get("reply_markup") or {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def until(holds: Any, otherwise: Any) -> None:
    """Look again and again until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, otherwise() if callable(otherwise) else otherwise
        threading.Event().wait(0.05)


@contextlib.contextmanager
def running(ledger: Path) -> Iterator[Telegram]:
    telegram = Telegram(ledger)
    try:
        yield telegram
    finally:
        telegram.close()
