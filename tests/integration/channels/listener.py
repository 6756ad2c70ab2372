"""For a process that does nothing but listen to Telegram and keep what it hears, so that a test can kill it."""

from __future__ import annotations

import asyncio

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.poller import Poller
from bot.conversations.inbox import Inbox
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import open_database
from bot.kernel.live import Signals
from tests.peers.telegram.server import TOKEN


async def listen(database_url: str, telegram_url: str) -> None:
    clock, vault, database = SystemClock(), Vault(bytes(range(32))), open_database(database_url)
    await database.write(lambda tx: vault.prepare(tx, clock.now()))
    channel = TelegramChannel(TOKEN, api_url=telegram_url)
    inbox = Inbox(database, vault, clock, Signals(), channels={channel.name: channel}, screen=lambda _text: None)
    await Poller(channel, inbox, clock, pause=lambda _seconds: asyncio.sleep(0.05), wait_seconds=1).run()
