"""A listener that is killed again and again keeps every message, each once, in order."""

from __future__ import annotations

import asyncio
from multiprocessing.context import ForkServerProcess

import pytest
import sqlalchemy as sa

from bot.channels.telegram.payload import read_payload
from bot.conversations.store import received_row
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from tests.forked import begin, ended
from tests.integration.channels.listener import listen
from tests.peers.telegram import FakeTelegram

PEOPLE, MESSAGES, KILLS = 7, 240, 3
FAILPOINTS = "telegram.after_fetch:0.2,telegram.before_confirm:0.3,inbox.after_commit:0.1,inbox.before_commit:0.05"


@pytest.mark.faults
async def test_a_listener_killed_again_and_again_loses_nothing(
    database: Database, database_url: str, vault: Vault, telegram: FakeTelegram
) -> None:
    kills = 0
    while kills < KILLS:
        for number in range(kills * MESSAGES // KILLS, (kills + 1) * MESSAGES // KILLS):
            telegram.say(number % PEOPLE + 1, str(number))
        listener = begin(listen, database_url, telegram.url, until=FAILPOINTS)
        kills += await _died_before_all_was_confirmed(listener, telegram)
    last = begin(listen, database_url, telegram.url)
    await telegram.wait_until_confirmed(timeout=180)
    last.kill()
    await ended(last)

    texts = await database.read(lambda tx: _texts_in_order(tx, vault))

    assert sorted(text for spoken in texts.values() for text in spoken) == list(range(MESSAGES))
    assert all(spoken == sorted(spoken) for spoken in texts.values())
    assert len(texts) == PEOPLE


async def _died_before_all_was_confirmed(listener: ForkServerProcess, telegram: FakeTelegram) -> bool:
    """Wait until the listener dies by itself; if it never does, kill it when there is nothing left to hear."""
    dying = asyncio.create_task(ended(listener))
    confirmed = asyncio.create_task(telegram.wait_until_confirmed(timeout=180))
    await asyncio.wait({dying, confirmed}, return_when=asyncio.FIRST_COMPLETED)
    confirmed.cancel()
    if listener.is_alive():
        listener.kill()
    assert await dying in {137, -9}, "the listener failed by itself"
    return True


def _texts_in_order(tx: sa.Connection, vault: Vault) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in tx.execute(
        sa.text("SELECT i.*, c.key_id FROM inbox i JOIN conversations c ON c.id = i.conversation_id ORDER BY i.seq")
    ):
        place = received_row(row.channel, row.account, row.provider_id)
        payload = vault.key(tx, row.key_id).open(row.payload_sealed, table="inbox", row=place, field="payload")
        found.setdefault(row.conversation_id, []).append(int(read_payload(payload.encode()).text))
    return found
