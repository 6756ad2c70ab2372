"""Waking those who watch: a topic is named, and whoever waits on it looks at the database again.

A signal carries no content and may be lost (another replica wrote, a tab slept): watchers therefore wait
with a time limit and read what is true, so a lost signal costs at most that limit.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta


class Signals:
    """Topics within this process: `queue`, `case:ID`, `conversation:ID`, `inbox`, `outbox`, `pages`."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watch]] = defaultdict(set)

    def wake(self, *topics: str) -> None:
        """Wake everyone who watches one of `topics`. Call after the commit, from the event loop's thread."""
        for topic in topics:
            for watch in self._watchers.get(topic, ()):
                watch.note(topic)

    @contextmanager
    def watching(self, *topics: str) -> Iterator[Watch]:
        """Signals that come between two waits are kept, so nothing is missed while one is reading."""
        watch = Watch()
        for topic in topics:
            self._watchers[topic].add(watch)
        try:
            yield watch
        finally:
            for topic in topics:
                self._watchers[topic].discard(watch)
                if not self._watchers[topic]:
                    del self._watchers[topic]


async def keep_looking(
    signals: Signals,
    topics: Iterable[str],
    look: Callable[[], Awaitable[object]],
    *,
    every: timedelta,
    failed: Callable[[Exception], None],
    rest: Callable[[], Awaitable[float]] | None = None,
) -> None:
    """Look at once, after each signal, and `every` so often, or after the seconds that `rest` says. Until cancelled.

    A look that fails is told to `failed` and tried again after `every`: it never ends the watch, and a signal must not
    turn a broken database into a hot loop.
    """
    with signals.watching(*topics) as signal:
        while True:
            try:
                await look()
                pause = every.total_seconds() if rest is None else await rest()
            except Exception as error:
                failed(error)
                await asyncio.sleep(every.total_seconds())
                continue
            await signal.next(pause)


class Watch:
    """One watcher's place at the window."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._noted: set[str] = set()

    def note(self, topic: str) -> None:
        """Keep a signal until the next wait."""
        self._noted.add(topic)
        self._event.set()

    def came(self) -> frozenset[str]:
        """The topics that were signalled since this was last asked."""
        noted, self._noted = frozenset(self._noted), set()
        return noted

    async def next(self, timeout: float) -> bool:
        """Wait for a signal, at most `timeout` seconds. True if one came."""
        # Not `wait_for`: before Python 3.12 it forgets a cancellation that meets the signal, and its task never ends.
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._event.wait()
        came = self._event.is_set()
        self._event.clear()
        return came
