"""What a first start brings along, and that a demonstration ends while the server runs: whoever writes from then on is
a person in need."""

from __future__ import annotations

from pathlib import Path

from bot.app import opened
from bot.channels.model import RawMessage
from bot.channels.webchat.payload import ACCOUNT, NAME, write_payload
from bot.conversations import service as conversations
from bot.upkeep import erasing
from tests.integration.app.program import serving, settings_for


async def test_a_first_start_brings_the_shipped_helplines_in(tmp_path: Path):
    async with serving(settings_for(tmp_path, demo="off"), started=False) as helpline:
        assert await helpline.waymark.directory.helplines("FR", language="en")


async def test_whoever_writes_after_a_demonstration_was_removed_is_no_part_of_it(tmp_path: Path):
    settings = settings_for(tmp_path)
    async with opened(settings) as waymark:

        async def write(address: str) -> None:
            payload = write_payload(text="he has a knife", language="en")
            await waymark.inbox.accept(RawMessage(NAME, ACCOUNT, f"once {address}", address, payload))

        await write("a newcomer who tries it")
        assert len(await waymark.database.read(conversations.demonstration_ids)) == 1
        await erasing.remove_demonstration(settings)

        await write("a child in danger")
        await write("a newcomer who tries it")

        assert await waymark.database.read(conversations.demonstration_ids) == []
        assert waymark.is_demo()  # not looked yet
        await waymark.demonstration.look()
        assert not waymark.is_demo()
