"""Telegram's webhook: proof, size, shape, then the inbox, and only then 200. Anything else and Telegram keeps it."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.channels.model import ChannelError, PayloadUnreadable
from bot.channels.ports import Accepts
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.payload import keep, parse
from bot.kernel.logs import get_log
from bot.kernel.web import SIGNED_WEBHOOK, Routes

log = get_log("channels.telegram")

PATH = "/telegram/webhook"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105
LARGEST_UPDATE = 1024 * 1024
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


def webhook_routes(account: str, secret: str, inbox: Accepts) -> Routes:
    """The one route Telegram calls. `secret` is what `setWebhook` was told; without one nothing is served.

    A full disk is answered with 503 by the router (DatabaseUnavailable), and Telegram sends the update again.
    """
    if not secret:
        raise ValueError("a webhook without a secret would believe anyone")
    routes = Routes()

    def knows_the_secret(request: web.Request) -> bool:
        given = request.headers.getall(SECRET_HEADER, [])
        return len(given) == 1 and hmac.compare_digest(given[0].encode("utf-8", "surrogateescape"), secret.encode())

    @routes.post(PATH, name="telegram_webhook", allow=SIGNED_WEBHOOK(knows_the_secret), body_cap=LARGEST_UPDATE)
    async def receive(request: web.Request) -> web.Response:
        payload = await request.read()
        try:
            raw = keep(account, parse(payload), payload)
        except PayloadUnreadable:
            log.warning("telegram_update_unreadable", size=len(payload))
            raise web.HTTPBadRequest from None
        if raw is not None:
            await inbox.accept(raw)
        return web.Response()

    return routes


async def announce_webhook(
    channel: TelegramChannel,
    public_url: str,
    secret: str,
    *,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Tell Telegram where to deliver, and what to prove itself with. Tried until it has heard."""
    seconds = FIRST_PAUSE
    while True:
        try:
            await channel.client.use_webhook(public_url.rstrip("/") + PATH, secret)
            return
        except ChannelError as failure:
            log.warning("telegram_webhook_not_set", cause=failure.cause)
        await pause(seconds)
        seconds = min(2 * seconds, LONGEST_PAUSE)
