from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals
from tests.integration.conversations.world import World, calls


@pytest.fixture
async def world(database: Database, vault: Vault, clock: SetClock, signals: Signals) -> AsyncIterator[World]:
    """The message path over each database. Whatever a test did, the invariants must hold afterwards."""
    await database.write(calls.create_all)
    made = World(database, vault, clock, signals)
    yield made
    await made.inbox.close()
    await made.worker.stop()
    await made.sender.stop()
    assert await made.problems() == []
