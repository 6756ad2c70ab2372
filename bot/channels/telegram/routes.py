"""Telegram's webhook: proof, size, shape, then the inbox, and only then 200. Anything else and Telegram keeps it."""

from __future__ import annotations

import hmac

from aiohttp import web

from bot.channels.model import PayloadUnreadable
from bot.channels.ports import Accepts
from bot.channels.telegram.channel import WEBHOOK_PATH
from bot.channels.telegram.payload import keep_payload
from bot.kernel.acknowledged import Acknowledged
from bot.kernel.logs import get_log
from bot.kernel.web import SIGNED_WEBHOOK, Routes

log = get_log("channels.telegram")

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105
LARGEST_UPDATE = 1024 * 1024


def webhook_routes(account: str, secret: str, inbox: Accepts) -> Routes:
    """The one route Telegram calls. `secret` is what `setWebhook` was told; without one nothing is served.

    A full disk is answered with 503 by the router (DatabaseUnavailable), and Telegram sends the update again.
    """
    if not secret:
        raise ValueError("a webhook without a secret would believe anyone")
    routes, expected = Routes(), secret.encode()

    def knows_the_secret(request: web.Request) -> bool:
        given = request.headers.getall(SECRET_HEADER, [])
        return len(given) == 1 and hmac.compare_digest(given[0].encode("utf-8", "surrogateescape"), expected)

    @routes.post(WEBHOOK_PATH, name="telegram_webhook", allow=SIGNED_WEBHOOK(knows_the_secret), body_cap=LARGEST_UPDATE)
    async def receive(request: web.Request) -> web.Response:
        payload = await request.read()
        try:
            raw = keep_payload(account, payload)
        except PayloadUnreadable:
            log.warning("telegram_update_unreadable", size=len(payload))
            raise web.HTTPBadRequest from None
        if raw is not None:
            await inbox.accept(raw)
        return Acknowledged()

    return routes
