"""Server-sent events end when they must."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack

import pytest

from bot.kernel import officers, sessions, streams
from bot.kernel.database import DatabaseUnavailable
from tests.integration.kernel.conftest import Served

STREAM = {"Accept": "text/event-stream"}


async def until(content, wanted: bytes) -> bytes:
    """What arrives up to and including `wanted`; everything if the stream ends before."""
    received = b""
    async with asyncio.timeout(20):
        while wanted not in received:
            piece = await content.readany()
            if not piece:
                return received
            received += piece
    return received


async def test_an_event_arrives_as_soon_as_somebody_wakes_its_topic(served: Served):
    officer = await served.officer()
    async with served.browser(officer) as browser, browser.client.get("/desk/events", headers=STREAM) as answer:
        await until(answer.content, b"second line 0")
        served.signals.wake("queue")
        second = await until(answer.content, b"second line 1\n\n")

    assert b"event: queue\nid: 1\ndata: first line\ndata: second line 1\n\n" in second


async def test_signing_out_anywhere_ends_the_stream_at_once(served: Served):
    officer = await served.officer()
    async with served.browser(officer) as browser, browser.client.get("/desk/events", headers=STREAM) as answer:
        await until(answer.content, b"second line 0")
        topics = await served.database.write(lambda tx: sessions.revoke_all(tx, officer.id, served.clock.now()))
        served.signals.wake(*topics)
        rest = await until(answer.content, b"never")

    assert b'event: end\ndata: {"reason": "signed_out"}' in rest


async def test_a_revocation_nobody_told_us_of_is_noticed(served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(streams, "ASK_TOGETHER_SECONDS", 0.05)
    officer = await served.officer()
    async with served.browser(officer) as browser, browser.client.get("/desk/events", headers=STREAM) as answer:
        await served.database.write(lambda tx: officers.disable_officer(tx, officer.id, served.clock.now()))
        rest = await until(answer.content, b"never")

    assert b"signed_out" in rest


async def test_many_streams_ask_once_whether_their_sessions_live(served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "ASK_TOGETHER_SECONDS", 0)
    asked: list[frozenset[str]] = []

    def look(tx, hashes, at):
        asked.append(frozenset(hashes))
        return sessions.live_among(tx, hashes, at)

    monkeypatch.setattr(streams, "live_among", look)
    at = served.clock.now()
    owners = [await served.officer(name=f"o{number}") for number in range(3)]
    tokens = [await served.database.write(lambda tx, o=owner: sessions.start(tx, o.id, at)) for owner in owners]
    await served.database.write(lambda tx: officers.disable_officer(tx, owners[1].id, at))
    live = streams.LiveSessions(served.database, served.clock)

    answers = await asyncio.gather(*(live.still_live(sessions.fingerprint(token)) for token in tokens))

    assert answers == [True, False, True]
    assert asked == [frozenset(map(sessions.fingerprint, tokens))]


async def test_while_the_database_is_away_a_stream_goes_on_and_a_revocation_is_noticed_afterwards(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(streams, "ASK_TOGETHER_SECONDS", 0)
    away = threading.Event()

    def look(tx, hashes, at):
        if not away.is_set():
            away.set()
            raise DatabaseUnavailable("away")
        return sessions.live_among(tx, hashes, at)

    monkeypatch.setattr(streams, "live_among", look)
    officer = await served.officer()
    async with served.browser(officer) as browser, browser.client.get("/desk/events", headers=STREAM) as answer:
        await until(answer.content, b"second line 0")
        async with asyncio.timeout(20):
            while not away.is_set():
                await asyncio.sleep(0.02)
        await served.database.write(lambda tx: officers.disable_officer(tx, officer.id, served.clock.now()))

        assert b"signed_out" in await until(answer.content, b"never")


async def test_a_quiet_stream_is_kept_alive(served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(streams, "ASK_TOGETHER_SECONDS", 0.05)
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.05)
    officer = await served.officer()
    async with served.browser(officer) as browser, browser.client.get("/desk/events", headers=STREAM) as answer:
        await until(answer.content, b"second line 0\n\n")

        assert b":\n\n" in await until(answer.content, b":\n\n")


async def test_streams_end_when_the_server_stops(served: Served):
    officer = await served.officer()
    async with served.browser(officer) as browser, browser.client.get("/desk/events", headers=STREAM) as answer:
        await until(answer.content, b"second line 0")
        await served.app.shutdown()

        assert b'{"reason": "restart"}' in await until(answer.content, b"never")


async def test_a_browser_that_goes_away_leaves_nothing_behind(served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.05)
    monkeypatch.setattr(streams, "ASK_TOGETHER_SECONDS", 0.05)
    monkeypatch.setattr(streams, "KEEP_ALIVE_SECONDS", 0.05)
    officer = await served.officer()
    async with served.browser(officer) as browser:
        answer = await browser.client.get("/desk/events", headers=STREAM)
        await until(answer.content, b"second line 0")
        answer.close()
        async with asyncio.timeout(20):
            while streams._open:
                await asyncio.sleep(0.02)


async def test_more_streams_than_we_can_hold_are_asked_to_come_back(served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "MOST_STREAMS", 0)
    officer = await served.officer()
    async with served.browser(officer) as browser:
        answer = await browser.client.get("/desk/events", headers=STREAM)
        head = await browser.client.head("/desk/events")

    assert (answer.status, answer.headers["Retry-After"], head.status) == (503, "30", 405)


async def test_strangers_never_take_the_place_of_an_officer(served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "MOST_STREAMS", 1)
    monkeypatch.setattr(streams, "MOST_STRANGERS", 4)
    monkeypatch.setattr(streams, "MOST_OF_ONE_ADDRESS", 3)
    officer = await served.officer()
    async with AsyncExitStack() as stack:
        anybody = await stack.enter_async_context(served.browser())
        strangers = [await anybody.client.get("/events", headers=STREAM) for _ in range(4)]
        browser = await stack.enter_async_context(served.browser(officer))
        of_officer = await browser.client.get("/desk/events", headers=STREAM)

        assert [answer.status for answer in strangers] == [200, 200, 200, 503]
        assert of_officer.status == 200


def test_one_address_is_held_back_only_where_places_are_scarce(monkeypatch: pytest.MonkeyPatch):
    """A whole shelter writes from one address."""
    monkeypatch.setattr(streams, "MOST_STRANGERS", 100)
    monkeypatch.setattr(streams, "MOST_OF_ONE_ADDRESS", 20)
    monkeypatch.setattr(streams, "_open", dict.fromkeys(range(49), "192.0.2.1"))
    assert streams._has_room("192.0.2.1")

    streams._open[49] = "192.0.2.1"
    assert not streams._has_room("192.0.2.1")
    assert streams._has_room("192.0.2.2")

    streams._open.update({number: f"198.51.100.{number}" for number in range(50, 100)})
    assert not streams._has_room("192.0.2.2")
    assert streams._has_room(None)
