"""A Telegram, a bot that speaks to it, and an inbox that can be full."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.channels.model import RawMessage
from bot.channels.telegram.channel import TelegramChannel
from bot.kernel.database import DatabaseUnavailable
from tests.peers.telegram import TOKEN, FakeTelegram, running_telegram


class Shelf:
    """An inbox of the test's own: keeps each message once, or nothing while it is full."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], RawMessage] = {}
        self.seen_again = 0
        self.full_for = 0  # so many more calls find it full
        self.refuses: set[str] = set()  # addresses whose messages cannot be kept

    async def accept(self, raw: RawMessage) -> bool:
        if self.full_for > 0 or raw.address in self.refuses:
            self.full_for -= 1
            raise DatabaseUnavailable("full")
        name = (raw.channel, raw.account, raw.provider_id)
        if name in self.kept:
            self.seen_again += 1
            return False
        self.kept[name] = raw
        return True

    def texts(self, channel: TelegramChannel, address: str | None = None) -> list[str]:
        return [channel.read(raw.payload).text for raw in self.kept.values() if address in {None, raw.address}]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[FakeTelegram]:
    async with running_telegram(tmp_path / "ledger.db", retry_seconds=0.02) as running:
        yield running


@pytest.fixture
async def channel(telegram: FakeTelegram) -> AsyncIterator[TelegramChannel]:
    opened = TelegramChannel(TOKEN, api_url=telegram.url)
    yield opened
    await opened.close()
