"""A pager for a process of its own, so that a test can let it die."""

from __future__ import annotations

from datetime import datetime

from bot.cases.alarm import Paging
from bot.cases.pager import Pager
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import open_database
from bot.kernel.live import Signals
from bot.kernel.words import Words
from tests.conftest import MASTER_KEY
from tests.integration.cases.world import FixedNumbers


async def page_until_nothing_is_due(url: str, moment: str) -> None:
    """Take every step that is due at `moment`, and end."""
    at = datetime.fromisoformat(moment)
    database, vault = open_database(url), Vault(MASTER_KEY)
    await database.write(lambda tx: vault.prepare(tx, at))
    paging = Paging(vault, Words.load(), "https://help.example/desk/queue")
    pager = Pager(database, SetClock(at), Signals(), paging, FixedNumbers())
    while await pager.look():
        continue
    await database.close()
