"""The fake as a process of its own, and the hand that moves it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp


class RemoteTelegram:
    """The `/control/` endpoints of a fake Telegram, as methods."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        assert self._session is not None
        async with self._session.request(method, f"/control/{path}", **options) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def say(self, chat_id: int, text: str | None = None, **content: Any) -> dict[str, int]:
        found: dict[str, int] = await self._ask("POST", "say", json={"chat_id": chat_id, "text": text, **content})
        return found

    async def say_many(self, messages: list[dict[str, Any]]) -> list[dict[str, int]]:
        found: list[dict[str, int]] = await self._ask("POST", "say", json={"messages": messages})
        return found

    async def tap(self, chat_id: int, message_id: int, button: str | int = 0) -> str:
        found = await self._ask("POST", "tap", json={"chat_id": chat_id, "message_id": message_id, "button": button})
        return str(found["tap_id"])

    async def set_faults(self, **faults: Any) -> None:
        await self._ask("POST", "faults", json=faults)

    async def set_chat(self, chat_id: int, **values: Any) -> None:
        await self._ask("POST", "chat", json={"chat_id": chat_id, **values})

    async def continue_update_ids_at(self, update_id: int) -> None:
        await self._ask("POST", "ids", json={"next_update_id": update_id})

    async def sent(
        self, chat_id: int | None = None, *, after: int = 0, count: int = 0, timeout: float = 10.0
    ) -> list[dict[str, Any]]:
        """What was delivered; with `count`, waits until there are so many or the time is over."""
        params: dict[str, str | int | float] = {"after": after, "count": count, "timeout": timeout}
        if chat_id is not None:
            params["chat_id"] = chat_id
        found: list[dict[str, Any]] = await self._ask("GET", "sent", params=params)
        return found

    async def calls(self, method: str | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._ask("GET", "calls", params={"method": method} if method else None)
        return found

    async def taps(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._ask("GET", "taps")
        return found

    async def waiting(self) -> int:
        """How many updates the bot has not confirmed."""
        return int((await self._ask("GET", "updates", params={"count": 1}))["waiting"])


class TelegramProcess:
    """The fake as a process that can be killed and started again on the same port and ledger."""

    def __init__(self, ledger: Path, *options: str) -> None:
        self._ledger = ledger
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self.url = ""

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.peers.telegram", "--port", str(self._port), "--ledger", str(self._ledger),
            *self._options, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3],
        )  # fmt: skip
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode()
        self.url = line.split()[-1]
        self._port = int(self.url.rsplit(":", 1)[1])

    async def kill(self) -> None:
        """As sudden as a power cut to that process."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def telegram_process(ledger: Path, *options: str) -> AsyncIterator[TelegramProcess]:
    process = TelegramProcess(ledger, *options)
    await process.start()
    try:
        yield process
    finally:
        await process.kill()
