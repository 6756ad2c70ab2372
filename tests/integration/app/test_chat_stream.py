"""The open line of a chat page: everything that is said comes over it, and silence costs little."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.bridges import ChannelTalks
from bot.channels.webchat import routes
from tests.integration.app.program import PATIENCE_SECONDS, Helpline, Person, until


async def _next_line(answer: aiohttp.ClientResponse) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await answer.content.readline() != b"event: line\n":
            pass
        return (await answer.content.readuntil(b"\n\n")).decode()


async def test_a_silent_chat_reads_no_words_and_hears_what_is_said_next(
    helpline: Helpline, monkeypatch: pytest.MonkeyPatch
):
    looked: list[str] = []
    for name in ("talk", "lines"):
        real = getattr(ChannelTalks, name)

        async def noted(self: ChannelTalks, *given: object, name: str = name, real: object = real) -> object:
            looked.append(name)
            return await real(self, *given)

        monkeypatch.setattr(ChannelTalks, name, noted)
    monkeypatch.setattr(routes, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(routes, "LONGEST_LOOK_SECONDS", 0.01)

    async with Person(helpline) as person:
        await person.write("hello")
        async with person.client.get("/chat/stream") as answer:
            assert "hello" in await _next_line(answer)
            await _next_line(answer)
            looked.clear()

            async def looked_often() -> bool:
                return looked.count("talk") > 5

            await until(looked_often)
            assert "lines" not in looked

            await person.send(text="are you there?")
            assert "are you there?" in await _next_line(answer)
