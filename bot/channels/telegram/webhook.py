"""Where Telegram delivers by itself: telling it where to, and seeing that it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from bot.channels.model import ChannelError, RawMessage
from bot.channels.ports import Accepts
from bot.channels.telegram.channel import WEBHOOK_PATH, TelegramChannel
from bot.channels.telegram.poller import SILENT_FOR
from bot.kernel.clock import Clock
from bot.kernel.logs import get_log

log = get_log("channels.telegram")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
#: How often Telegram is asked whether it still delivers here.
LOOK_SECONDS = 45.0


class Webhook:
    """The delivery of one bot. It is the inbox that the route fills, so that it knows what came."""

    def __init__(
        self,
        channel: TelegramChannel,
        inbox: Accepts,
        clock: Clock,
        *,
        public_url: str,
        secret: str,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._channel = channel
        self._inbox = inbox
        self._clock = clock
        self._url = public_url.rstrip("/") + WEBHOOK_PATH
        self._secret = secret
        self._pause = pause
        self._came_at = clock.now()  # the newest update; before that, since when we are here
        self._well_at: datetime | None = None

    async def accept(self, raw: RawMessage) -> bool:
        new = await self._inbox.accept(raw)
        self._came_at = self._clock.now()
        return new

    def delivers(self) -> bool:
        """Whether Telegram said of late that it delivers here. A wrong token, an address that it cannot reach, and
        somebody else who took the bot, are silence."""
        return self._well_at is None or self._clock.now() - self._well_at < SILENT_FOR

    async def run(self) -> None:
        """Until cancelled. Whoever takes the webhook away finds it set again at the next look."""
        self._well_at = self._clock.now()
        await self.set_up()
        while True:
            await self._pause(LOOK_SECONDS)
            try:
                await self.look()
            except ChannelError as failure:
                log.warning("telegram_webhook_unknown", cause=failure.cause)

    async def set_up(self) -> None:
        """Tell Telegram where to deliver, and what to prove itself with. Tried until it has heard."""
        seconds = FIRST_PAUSE
        while True:
            try:
                await self._channel.client.use_webhook(self._url, self._secret)
                return
            except ChannelError as failure:
                log.warning("telegram_webhook_not_set", cause=failure.cause)
            await self._pause(seconds)
            seconds = min(2 * seconds, LONGEST_PAUSE)

    async def look(self) -> None:
        """Ask Telegram how it goes. Raises ChannelError where it does not say."""
        at = self._clock.now()
        standing = await self._channel.client.webhook()
        if standing.url != self._url:
            log.warning("telegram_webhook_taken")
            await self._channel.client.use_webhook(self._url, self._secret)
            return
        failed_at = standing.last_error_date
        if standing.pending_update_count and failed_at is not None and failed_at.astimezone(UTC) > self._came_at:
            log.warning("telegram_webhook_fails", count=standing.pending_update_count)
            return
        self._well_at = at
