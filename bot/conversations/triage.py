"""Who waits and speaks of danger goes first.

While there are hands enough every message is answered at once, and nothing needs sorting. When more wait than can be
answered, the words of those in the queue are looked at, each once, and whoever speaks of danger is moved to the urgent
lane: a knife at the door does not wait behind five hundred questions about papers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from bot.channels.model import Channel
from bot.conversations import store
from bot.conversations.ports import WordScreen
from bot.conversations.store import Queued
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.live import Signals
from bot.kernel.logs import get_log

log = get_log("conversations")

#: How many are looked at in one go: some ten milliseconds of reading, in a thread of its own.
AT_ONCE = 100


class Triage:
    """Sorts the queue when it is asked to. Only a quicker way to a human: whatever it misses is read in its turn."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        channels: Mapping[str, Channel],
        screen: WordScreen,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._channels = channels
        self._screen = screen
        self._looked_at = 0  # the number of the last message that was
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """More are waiting than there are hands. Returns at once; the looking goes on beside the turns."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="triage")

    async def stop(self) -> None:
        """Look no further."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        try:
            while await self.look():
                pass
        except DatabaseUnavailable:
            log.error("triage.database_unavailable")

    async def look(self) -> bool:
        """Look at the next messages of the queue, and move who speaks of danger. False when there were none."""
        queued = await self._database.read(
            partial(store.queued, vault=self._vault, after=self._looked_at, most=AT_ONCE)
        )
        if not queued:
            return False
        in_danger = await asyncio.to_thread(self._in_danger, queued)
        if in_danger:
            at = self._clock.now()
            await self._database.write(lambda tx: store.put_first(tx, in_danger, at=at))
            self._signals.wake("inbox")
        self._looked_at = queued[-1].seq
        return len(queued) == AT_ONCE

    def _in_danger(self, queued: Sequence[Queued]) -> list[Queued]:
        return [message for message in queued if self._speaks_of_danger(message)]

    def _speaks_of_danger(self, message: Queued) -> bool:
        """Whatever cannot be read waits like the others."""
        try:
            return self._screen(self._channels[message.channel].read(message.payload).text) is not None
        except Exception:
            return False
