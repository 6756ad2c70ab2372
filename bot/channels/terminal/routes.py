"""What `./waymark talk` asks of the server: keep what was typed, and tell what was said since."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence

from aiohttp import web

from bot.channels.model import PayloadUnreadable
from bot.channels.ports import Accepts, SaidLine, Talks
from bot.channels.terminal.payload import LINES, LONGEST_WAIT, MESSAGES, keep
from bot.kernel.web import CLOSING, SIGNALS, SIGNED_WEBHOOK, Routes

#: How soon to look again for a conversation that has no topic yet, should its signal be missed.
LOOK_AGAIN = 1.0


def terminal_routes(key: str, inbox: Accepts, talks: Talks) -> Routes:
    """Both routes ask for the key of the data folder, so that only somebody on this machine comes in."""
    if not key:
        raise ValueError("a terminal without a key would believe anyone")
    routes = Routes()

    def has_the_key(request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {key}".encode())

    guard = SIGNED_WEBHOOK(has_the_key)

    @routes.post(MESSAGES, name="terminal_messages", allow=guard)
    async def receive(request: web.Request) -> web.Response:
        try:
            raw = keep(await request.read())
        except PayloadUnreadable:
            raise web.HTTPBadRequest from None
        return web.json_response({"new": await inbox.accept(raw)}, status=202)

    @routes.get(LINES, name="terminal_lines", allow=guard)
    async def lines(request: web.Request) -> web.Response:
        query = request.query
        try:
            address, after = query["address"], int(query.get("after", "0"))
            wait = min(float(query.get("wait", "0")), LONGEST_WAIT)
        except (KeyError, ValueError):
            raise web.HTTPBadRequest from None
        found = await _wait_for_lines(request, talks, address, after, wait)
        return web.json_response({"lines": [as_json(line) for line in found]})

    return routes


async def _wait_for_lines(
    request: web.Request, talks: Talks, address: str, after: int, wait: float
) -> Sequence[SaidLine]:
    loop, signals = asyncio.get_running_loop(), request.app[SIGNALS]
    deadline = loop.time() + wait
    while True:
        topic = await talks.topic(address)
        with signals.watching(topic or "inbox", "closing") as watch:
            found = await talks.lines(address, after)
            left = deadline - loop.time()
            if found or left <= 0 or request.app[CLOSING].is_set():
                return found
            await watch.next(timeout=left if topic else min(left, LOOK_AGAIN))


def as_json(line: SaidLine) -> dict[str, object]:
    buttons = [{"title": button.title, "payload": button.payload, "url": button.url} for button in line.buttons]
    return {"seq": line.seq, "author": line.author, "text": line.text, "language": line.language, "buttons": buttons}
