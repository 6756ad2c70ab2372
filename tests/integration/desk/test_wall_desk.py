"""The board on the wall over HTTP: made on the desk, open to whoever has the link, and telling nothing of anybody."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import pytest
from aiohttp.test_utils import TestClient

from bot.kernel.access import Role


@pytest.fixture
async def stranger(desk):
    """The screen on the wall: nobody is signed in there."""
    client = TestClient(desk)
    yield client
    await client.close()


async def event(answer, name: str) -> str:
    """The lines of the next event of that name."""
    async with asyncio.timeout(20):
        lines: list[str] = []
        while True:
            line = (await answer.content.readline()).decode().rstrip("\n")
            if line:
                lines.append(line)
            elif f"event: {name}" in lines:
                return "\n".join(lines)
            elif answer.content.at_eof():
                raise AssertionError(f"the stream ended before {name}")
            else:
                lines = []


async def test_a_board_is_live_tells_nothing_of_anybody_and_goes_dark_when_its_link_is_taken_back(
    desk, at_desk, world, signals, stranger
):
    browser = await at_desk(await world.officer("rosa", Role.COORDINATOR))
    case = await world.escalate(words="he has a knife he is outside")
    await browser.go("/desk/walls")
    await browser.send("/desk/walls")
    link = unescape(re.search(r'href="[^"]*(/wall\?token=[^"]+)"', browser.page)[1])

    async with stranger.get(link) as answer:
        page = await answer.text()
    board = page[page.index("<main") :]
    assert answer.status == 200
    for told in ("knife", "outside", case.number, "Ventimiglia", "danger", "rosa"):
        assert told not in board
    assert '<b class="num">1</b>' in board

    live = unescape(re.search(r'data-live="([^"]+)"', page)[1])
    async with stranger.get(live) as stream:
        assert '<b class="num">1</b>' in await event(stream, "board")
        await world.escalate()
        signals.wake("queue")
        assert '<b class="num">2</b>' in await event(stream, "board")

        await browser.go("/desk/walls")
        link_id = re.search(r'name="link" value="([^"]+)"', browser.page)[1]
        await browser.send("/desk/walls/end", link=link_id)
        await event(stream, "gone")

    for dead in (link, live):
        async with stranger.get(dead) as answer:
            assert answer.status == 404
