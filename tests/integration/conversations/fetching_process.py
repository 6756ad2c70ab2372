"""A process that does nothing but fetch the files that are expected: for tests that kill it.

`python -m tests.integration.conversations.fetching_process DATABASE_URL TELEGRAM_URL MINUTES`: so many minutes after
noon it fetches what is due, and ends.
"""

from __future__ import annotations

import asyncio
import sys
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


if __name__ == "__main__":
    asyncio.run(fetch(*sys.argv[1:]))
