"""Server-sent events: an answer that stays open, and ends when it must.

    async with stream_events(request) as events:
        with signals.watching("queue") as watch:
            while True:
                await events.send("queue", await queue_as_html(), id=str(head))
                await watch.next(timeout=10)
    return events.response

The block is left by itself when the browser goes away, the server stops, or the session ends.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from prometheus_client import Gauge

from bot.kernel.sessions import Session, is_live
from bot.kernel.web_keys import CLOCK, CLOSING, DATABASE, SESSION, SIGNALS, STREAMING

KEEP_ALIVE_SECONDS = 15.0
#: A revocation made by this process ends a stream at once; one made by another replica within this time.
RECHECK_SECONDS = 4.0
MOST_STREAMS = 2000
RECONNECT_MILLISECONDS = 2000

_open_streams = Gauge("waymark_event_streams", "Open event streams")
_open: set[int] = set()


class EventStream:
    """One open answer."""

    def __init__(self, response: web.StreamResponse) -> None:
        self.response = response

    async def send(self, event: str, data: object, id: str | None = None) -> None:
        """Send one event. `data` is text (a piece of HTML) or anything JSON can hold."""
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        lines = [f"event: {event}"]
        if id is not None:
            lines.append(f"id: {id}")
        # Every line break a browser knows: a lone CR would otherwise begin a field of its own.
        lines.extend(f"data: {line}" for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        await self.response.write(("\n".join(lines) + "\n\n").encode())

    async def keep_alive(self) -> None:
        """A comment, so that proxies keep the line open and a dead one is noticed."""
        await self.response.write(b":\n\n")


@asynccontextmanager
async def stream_events(request: web.Request) -> AsyncIterator[EventStream]:
    """Open an event stream to whoever asked; see the module's text. The last event id is `last_event_id(request)`."""
    if request.method == "HEAD":
        raise web.HTTPMethodNotAllowed("HEAD", ["GET"])
    if len(_open) >= MOST_STREAMS:
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "30"})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    events = EventStream(response)
    request[STREAMING] = True
    _open.add(id(events))
    _open_streams.set(len(_open))
    try:
        await response.prepare(request)
        await response.write(f"retry: {RECONNECT_MILLISECONDS}\n\n".encode())
        # The keeper moves this limit to now when the stream has to end: it interrupts whatever the block waits for.
        limit = asyncio.timeout(None)
        try:
            async with limit:
                keeper = asyncio.create_task(_keep(request, events, limit))
                try:
                    yield events
                finally:
                    keeper.cancel()
                    with suppress(asyncio.CancelledError):
                        await keeper
        except ConnectionResetError:
            return
        except TimeoutError:
            if not limit.expired():
                raise
        with suppress(ConnectionResetError):
            await response.write_eof()
    finally:
        _open.discard(id(events))
        _open_streams.set(len(_open))


def last_event_id(request: web.Request) -> str | None:
    """Where a browser that comes back left off."""
    return request.headers.get("Last-Event-ID") or request.query.get("since")


async def _keep(request: web.Request, events: EventStream, limit: asyncio.Timeout) -> None:
    """Keep the line alive until the stream has to end, then interrupt the block that feeds it."""
    reason = await _until_over(request, events)
    if reason is not None:
        with suppress(ConnectionResetError):
            await events.send("end", {"reason": reason})
    limit.reschedule(asyncio.get_running_loop().time())


async def _until_over(request: web.Request, events: EventStream) -> str | None:
    """Wait until there is a reason to end, and return the word for it; None if nobody listens any more."""
    session = request.get(SESSION)
    closing = request.app[CLOSING]
    waited = 0.0
    with request.app[SIGNALS].watching(*([session.topic] if session else []), "closing") as watch:
        while not closing.is_set():
            await watch.next(timeout=RECHECK_SECONDS)
            if session is not None and not await _still_live(request, session):
                return "signed_out"
            waited += RECHECK_SECONDS
            if waited >= KEEP_ALIVE_SECONDS:
                waited = 0.0
                try:
                    await events.keep_alive()
                except ConnectionResetError:
                    return None
    return "restart"


async def _still_live(request: web.Request, session: Session) -> bool:
    now = request.app[CLOCK].now()
    return await request.app[DATABASE].read(lambda tx: is_live(tx, session.hash, now))
