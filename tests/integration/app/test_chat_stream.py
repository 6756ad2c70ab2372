"""The open line of a chat page: everything that is said comes over it, and silence costs little."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import aiohttp
import pytest

from bot.bridges import ChannelTalks
from bot.channels.webchat import routes
from bot.conversations.model import Author, Direction, MessageClass
from bot.conversations.store import NewLine, add_lines
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


async def test_a_long_talk_stays_a_light_page_and_its_beginning_is_a_link_away(helpline: Helpline):
    async with Person(helpline) as person:
        page = await person.write("the first word")
        (conversation_id,) = await helpline.conversation_ids()
        waymark = helpline.waymark
        said = [
            NewLine(
                Direction.OUT,
                Author.BOT,
                "text",
                {"text": f"Step {number}\n" + "Ask the man. " * 180},
                "en",
                cls=MessageClass.ROUTINE,
            )
            for number in range(30)
        ]
        at = waymark.clock.now()
        await waymark.database.write(lambda tx: add_lines(tx, waymark.vault, conversation_id, said, at=at))

        weights, numbers = [], []
        ways: list[str] = re.findall(r'(?:href|src)="(/static/webchat/[^"]+)"', page)
        for way in ways:
            async with person.client.get(way) as answer:
                weights.append(len(await answer.read()))
        fixed, way = sum(weights), "/chat"
        while way:
            async with person.client.get(way) as answer:
                assert answer.headers["Content-Encoding"] in {"gzip", "deflate"}
                page = await answer.text()
            assert fixed + len(page.encode()) < 50_000
            assert ("Newer messages" in page) == (way != "/chat")
            numbers[:0] = [int(found) for found in re.findall(r"Step <bdi[^>]*>(\d+)<", page)]
            earlier = re.search(r'href="([^"#]+)#end"', page)
            way = unescape(earlier[1]) if earlier else ""

        heavy = NewLine(Direction.OUT, Author.OFFICER, "text", {"text": "7 <" * 6000}, "en", cls=MessageClass.OFFICER)
        await waymark.database.write(lambda tx: add_lines(tx, waymark.vault, conversation_id, [heavy], at=at))
        read = await person.page()  # as heavy as words can be: each number is kept apart
        assert fixed + len(read.encode()) < 50_000
        way, parts = "/chat", 0
        while more := re.search(r'href="([^"]+whole=[^"]+)"', read):
            assert unescape(more[1]) != way
            way, parts = unescape(more[1]), parts + 1
            async with person.client.get(way) as answer:
                read = await answer.text()
            assert fixed + len(read.encode()) < 50_000
            assert "Back to all messages" in read
        assert parts > 1
        assert "the first word" not in read

    assert len(ways) == 3
    assert numbers == list(range(30))  # each once, in their order, and from the first
    assert "the first word" in page
