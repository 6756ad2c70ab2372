"""For a process of its own that fetches the files that are expected, so that a test can let it die."""

from __future__ import annotations

from datetime import timedelta

from bot.channels.telegram.channel import TelegramChannel
from bot.conversations.attachments.fetching import Fetcher
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import open_database
from bot.kernel.live import Signals
from tests.conftest import MASTER_KEY, NOON
from tests.peers.telegram.server import TOKEN


async def fetch(database_url: str, telegram_url: str, minutes: str) -> None:
    """Fetch what is due so many minutes after noon, and end."""
    clock, vault, database = (
        SetClock(NOON + timedelta(minutes=int(minutes))),
        Vault(MASTER_KEY),
        open_database(database_url),
    )
    await database.write(lambda tx: vault.prepare(tx, clock.now()))
    channel = TelegramChannel(TOKEN, api_url=telegram_url)
    await Fetcher(database, vault, clock, Signals(), sources={channel.name: channel}).drain()
    await channel.close()
    await database.close()
