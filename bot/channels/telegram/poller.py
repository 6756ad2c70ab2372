"""Fetching updates: everything is in the inbox before Telegram is told to forget it.

The library's own loop confirms a batch by asking for the next, while the batch waits in memory. Here a batch is
accepted first. What is killed in between comes again, and the inbox knows it.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.channels.model import ChannelError, PayloadUnreadable, RawMessage
from bot.channels.ports import Accepts
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.payload import keep
from bot.kernel.clock import Clock
from bot.kernel.database import DatabaseUnavailable
from bot.kernel.failpoints import failpoint
from bot.kernel.logs import get_log

log = get_log("channels.telegram")

WAIT_SECONDS = 25  # how long Telegram may hold a fetch open while nobody writes
#: Between tries after a failure. The longest is also how soon a second server takes over from a dead one.
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
#: Whoever looks after the server is told when Telegram was not heard for so long. A fetch that waits takes 25 s.
SILENT_FOR = timedelta(minutes=3)


class Poller:
    """The one who listens where there is no webhook. Telegram allows one at a time and answers 409 to others."""

    def __init__(
        self,
        channel: TelegramChannel,
        inbox: Accepts,
        clock: Clock,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        wait_seconds: int = WAIT_SECONDS,
    ) -> None:
        self._channel = channel
        self._inbox = inbox
        self._clock = clock
        self._pause = pause
        self._wait_seconds = wait_seconds
        self._polling_is_set = False
        self._failures = 0
        self._confirm: int | None = None
        self._heard_at: datetime | None = None  # when Telegram last answered; before that, since when we listen

    def hears(self) -> bool:
        """Whether Telegram answered of late, or nobody listens here. A wrong token, or no way there, is silence."""
        return self._heard_at is None or self._clock.now() - self._heard_at < SILENT_FOR

    async def run(self) -> None:
        """Listen until cancelled. No failure ends it."""
        self._heard_at = self._clock.now()
        while True:
            try:
                await self.listen_once()
                self._failures = 0
            except ChannelError as failure:
                await self._rest(failure.cause, getattr(failure, "retry_after", None))
            except DatabaseUnavailable:
                await self._rest("database_unavailable")
            except Exception:
                log.exception("telegram_poll_broke")
                await self._rest("broken")

    async def listen_once(self) -> int:
        """Fetch what waits, keep it, and remember to confirm it. Returns how many were new.

        Raises DatabaseUnavailable when something could not be kept: it, and all after it, are fetched again.
        """
        if not self._polling_is_set:
            await self._channel.client.use_polling()
            self._polling_is_set = True
        updates = await self._channel.client.updates(self._confirm, self._wait_seconds)
        # Confirmed now. Asking with the same number again could one day forget updates that were never seen:
        # after a quiet week the ids start again anywhere, lower too.
        self._confirm = None
        self._heard_at = self._clock.now()
        failpoint("telegram.after_fetch")
        return await self._keep(updates)

    async def _keep(self, updates: Sequence[Any]) -> int:
        """Accept all, conversations side by side and each in order; confirm up to the first that was not kept."""
        waiting: dict[str, list[tuple[int, RawMessage]]] = defaultdict(list)
        for position, update in enumerate(updates):
            raw = self._kept_form(update)
            if raw is not None:
                waiting[raw.address].append((position, raw))
        outcomes = await asyncio.gather(*(self._accept_in_order(queue) for queue in waiting.values()))
        failpoint("telegram.before_confirm")
        whole = min((first_lost for _new, first_lost in outcomes if first_lost is not None), default=len(updates))
        self._confirm = _confirming(updates[:whole], updates[whole:])
        if whole < len(updates):
            raise DatabaseUnavailable("an update was not kept")
        return sum(new for new, _first_lost in outcomes)

    def _kept_form(self, update: Any) -> RawMessage | None:
        try:
            return keep(self._channel.account, update) if isinstance(update, Mapping) else None
        except PayloadUnreadable:
            log.error("telegram_update_unreadable")
            return None

    async def _accept_in_order(self, queue: Sequence[tuple[int, RawMessage]]) -> tuple[int, int | None]:
        """How many of one conversation's messages were new, and the position of the first that was not kept."""
        new = 0
        for position, raw in queue:
            try:
                new += await self._inbox.accept(raw)
            except DatabaseUnavailable:
                return new, position
        return new, None

    async def _rest(self, cause: str, retry_after: float | None = None) -> None:
        self._failures += 1
        longest = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0 ** min(self._failures, 10))
        seconds = random.uniform(SHORTEST_PAUSE, longest) if retry_after is None else retry_after
        log.warning("telegram_poll_failed", cause=cause, attempts=self._failures)
        await self._pause(seconds)


def _confirming(kept: Sequence[Any], lost: Sequence[Any]) -> int | None:
    """The number to ask with next: above all that was kept, and not above anything that was not."""
    if not kept:
        return None
    return min([max(map(_id_of, kept)) + 1, *map(_id_of, lost)])


def _id_of(update: Any) -> int:
    update_id = update.get("update_id") if isinstance(update, Mapping) else None
    return update_id if isinstance(update_id, int) else 0
