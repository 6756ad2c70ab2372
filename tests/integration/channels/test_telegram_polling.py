"""Long polling: nothing is confirmed before it is kept, and nothing ends the listening."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.channels.model import ChannelBusy
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.poller import SILENT_FOR, Poller
from bot.kernel.clock import SetClock
from bot.kernel.database import DatabaseUnavailable
from tests.integration.channels.conftest import Shelf
from tests.peers.telegram import TOKEN, FakeTelegram
from tests.peers.telegram.remote import RemoteTelegram, telegram_process

ANA, BO = 4401, 4402


async def short_pause(_seconds: float) -> None:
    """Hardly any, so that tests are quick; enough for the other processes of the test to get on."""
    await asyncio.sleep(0.02)


def a_poller(channel: TelegramChannel, shelf: Shelf, clock: SetClock, wait: int = 0) -> Poller:
    return Poller(channel, shelf, clock, pause=short_pause, wait_seconds=wait)


@contextlib.asynccontextmanager
async def listening(poller: Poller) -> AsyncIterator[None]:
    task = asyncio.create_task(poller.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_people_write_is_kept_in_their_order_and_confirmed(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock
) -> None:
    for number in range(250):
        telegram.say(ANA if number % 2 else BO, f"message {number}")

    async with listening(a_poller(channel, shelf, clock, wait=1)):
        await telegram.wait_until_confirmed()

    assert shelf.texts(channel, str(ANA)) == [f"message {number}" for number in range(250) if number % 2]
    assert shelf.texts(channel, str(BO)) == [f"message {number}" for number in range(250) if not number % 2]


async def test_nothing_is_confirmed_while_the_inbox_is_full(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock
) -> None:
    telegram.say(ANA, "help me")
    poller = a_poller(channel, shelf, clock)
    shelf.full_for = 3

    for _attempt in range(3):
        with pytest.raises(DatabaseUnavailable):
            await poller.listen_once()
    assert telegram.ledger.count_waiting() == 1
    await poller.listen_once()
    await poller.listen_once()

    assert shelf.texts(channel) == ["help me"]
    assert telegram.ledger.count_waiting() == 0


async def test_a_message_that_cannot_be_kept_does_not_hold_others_up_and_is_not_confirmed(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock
) -> None:
    telegram.say(ANA, "one")
    telegram.say(BO, "two")
    telegram.say(ANA, "three")
    poller = a_poller(channel, shelf, clock)
    shelf.refuses = {str(BO)}

    for _attempt in range(2):
        with pytest.raises(DatabaseUnavailable):
            await poller.listen_once()
    assert shelf.texts(channel) == ["one", "three"]
    assert telegram.ledger.count_waiting() == 2
    shelf.refuses = set()
    await poller.listen_once()
    await poller.listen_once()

    assert shelf.texts(channel) == ["one", "three", "two"]
    assert telegram.ledger.count_waiting() == 0


async def test_a_message_kept_before_the_crash_comes_again_and_is_known(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock
) -> None:
    telegram.say(ANA, "help me")

    await a_poller(channel, shelf, clock).listen_once()  # and then the program dies
    await a_poller(channel, shelf, clock).listen_once()

    assert (len(shelf.kept), shelf.seen_again) == (1, 1)


@pytest.mark.parametrize("next_id", [5, 900_000_000])
async def test_update_ids_may_jump_or_start_again(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock, next_id: int
) -> None:
    poller = a_poller(channel, shelf, clock)
    telegram.say(ANA, "before")
    await poller.listen_once()
    await poller.listen_once()

    telegram.ledger.continue_update_ids_at(next_id)
    telegram.say(ANA, "after")
    await poller.listen_once()
    await poller.listen_once()

    assert shelf.texts(channel) == ["before", "after"]
    assert telegram.ledger.count_waiting() == 0


async def test_an_update_id_that_comes_back_does_not_hide_a_new_message(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock
) -> None:
    poller = a_poller(channel, shelf, clock)
    for text in ("before", "after"):
        telegram.ledger.continue_update_ids_at(42)
        telegram.say(ANA, text)
        await poller.listen_once()
        await poller.listen_once()

    assert shelf.texts(channel) == ["before", "after"]


async def test_two_servers_that_listen_at_once_lose_nothing(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock
) -> None:
    other = TelegramChannel(TOKEN, api_url=telegram.url)
    async with listening(a_poller(channel, shelf, clock, wait=1)), listening(a_poller(other, shelf, clock, wait=1)):
        for number in range(20):
            telegram.say(ANA, f"message {number}")
            await telegram.wait_until_confirmed()
    await other.close()

    assert shelf.texts(channel) == [f"message {number}" for number in range(20)]
    assert 409 in {call["status"] for call in telegram.ledger.calls("getUpdates")}


async def test_a_webhook_left_behind_is_removed_before_listening(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock
) -> None:
    telegram.say(ANA, "help me")
    await channel.client.use_webhook("http://127.0.0.1:9/telegram/webhook", "s" * 32)

    await a_poller(channel, shelf, clock).listen_once()

    assert shelf.texts(channel) == ["help me"]


async def test_listening_survives_a_telegram_that_dies_and_comes_back(
    tmp_path: Path, shelf: Shelf, clock: SetClock
) -> None:
    async with telegram_process(tmp_path / "ledger.db") as process:
        channel = TelegramChannel(TOKEN, api_url=process.url)
        async with listening(a_poller(channel, shelf, clock, wait=1)):
            for number in range(4):
                async with RemoteTelegram(process.url) as people:
                    await people.say(ANA, f"message {number}")
                await process.kill()
                await process.start()
            async with RemoteTelegram(process.url) as people:
                while await people.waiting():
                    await asyncio.sleep(0.02)
        await channel.close()

    assert shelf.texts(channel) == [f"message {number}" for number in range(4)]


async def test_a_wrong_token_does_not_end_the_listening(telegram: FakeTelegram, shelf: Shelf, clock: SetClock) -> None:
    revoked = TelegramChannel("700100200:another-token", api_url=telegram.url)

    with pytest.raises(ChannelBusy) as busy:
        await a_poller(revoked, shelf, clock).listen_once()

    assert busy.value.retry_after == 60
    await revoked.close()


async def test_an_update_of_no_known_shape_does_not_stop_the_others(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock
) -> None:
    strange: list[dict[str, Any]] = [{"message": 7}, {"message": {"message_id": "x"}}, {"callback_query": []}]
    for update in strange:
        telegram.put("message", None, update)
    telegram.say(ANA, "help me")
    poller = a_poller(channel, shelf, clock)

    await poller.listen_once()
    await poller.listen_once()

    assert shelf.texts(channel) == ["help me"]
    assert telegram.ledger.count_waiting() == 0


async def test_an_inbox_that_breaks_does_not_end_the_listening(
    telegram: FakeTelegram, channel: TelegramChannel, clock: SetClock
) -> None:
    class Broken(Shelf):
        async def accept(self, raw: Any) -> bool:
            if self.full_for > 0:
                self.full_for -= 1
                raise ZeroDivisionError
            return await super().accept(raw)

    shelf = Broken()
    shelf.full_for = 2
    telegram.say(ANA, "help me")

    async with listening(a_poller(channel, shelf, clock, wait=1)):
        await telegram.wait_until_confirmed()

    assert shelf.texts(channel) == ["help me"]


async def test_a_telegram_that_answers_nobody_is_not_called_well(
    telegram: FakeTelegram, channel: TelegramChannel, shelf: Shelf, clock: SetClock
) -> None:
    poller = a_poller(channel, shelf, clock, wait=1)
    assert poller.hears()  # nobody listens here yet: another server may
    telegram.say(ANA, "hello")

    async with listening(poller):
        await telegram.wait_until_confirmed()
        assert poller.hears()
    clock.advance(SILENT_FOR)

    assert not poller.hears()
