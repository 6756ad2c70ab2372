"""Signals: nobody who watches misses one, and nobody who is told to stop goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.kernel.live import Signals, keep_looking


async def test_a_signal_that_comes_between_two_waits_is_kept():
    signals = Signals()

    with signals.watching("queue") as watch:
        signals.wake("queue")

        assert await watch.next(timeout=60)
        assert not await watch.next(timeout=0)


async def test_only_who_watches_a_topic_is_woken():
    signals = Signals()

    with signals.watching("case:1", "queue") as one, signals.watching("case:2") as other:
        signals.wake("case:1", "nobody watches this")

        assert await one.next(timeout=60)
        assert not await other.next(timeout=0)


async def test_nothing_is_left_of_who_has_gone():
    signals = Signals()

    with signals.watching("queue"):
        pass

    assert not signals._watchers


async def test_who_is_told_to_stop_stops_even_if_a_signal_comes_in_the_same_moment():
    signals, waiting = Signals(), asyncio.Event()

    async def watch_for_ever() -> None:
        with signals.watching("queue") as watch:
            while True:
                waiting.set()
                await watch.next(timeout=60)

    task = asyncio.create_task(watch_for_ever())
    await waiting.wait()
    await asyncio.sleep(0)  # it waits for a signal now

    signals.wake("queue")
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(10):
            await task


async def test_a_look_that_fails_is_told_and_tried_again():
    signals, looks, told, done = Signals(), [], [], asyncio.Event()

    async def look() -> None:
        looks.append(len(told))
        if len(looks) == 1:
            raise ValueError
        if len(looks) == 3:
            done.set()

    watching = asyncio.create_task(
        keep_looking(signals, ["queue"], look, every=timedelta(milliseconds=1), failed=told.append)
    )
    async with asyncio.timeout(60):
        await done.wait()
    watching.cancel()

    assert looks[:3] == [0, 1, 1]
    assert [type(each) for each in told] == [ValueError]
