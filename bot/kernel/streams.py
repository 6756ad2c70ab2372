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

from bot.kernel.addresses import client_address
from bot.kernel.clock import Clock
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.sessions import Session, is_live, live_among
from bot.kernel.web_keys import CLOCK, CLOSING, DATABASE, SESSION, SIGNALS, STREAMING

KEEP_ALIVE_SECONDS = 15.0
#: A revocation made by this process ends a stream at once; one made by another replica within the sum of these two.
RECHECK_SECONDS = 3.0
#: Streams that ask within this time whether their sessions still live are answered by one look.
ASK_TOGETHER_SECONDS = 1.0
MOST_STREAMS = 2000
#: Streams of people who have not signed in. They have places of their own: however many come, none is an officer's.
MOST_STRANGERS = 2000
#: As many may come from one address once half of those places are taken. Not before: a whole shelter, or every phone of
#: a mobile network, may share one.
MOST_OF_ONE_ADDRESS = 20
RECONNECT_MILLISECONDS = 2000

_open_streams = Gauge("waymark_event_streams", "Open event streams")
#: The open streams: None for one of somebody who is known, else the address of a stranger.
_open: dict[int, str | None] = {}


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
async def stream_events(request: web.Request, *, known: bool = False) -> AsyncIterator[EventStream]:
    """Open an event stream to whoever asked; see the module's text. The last event id is `last_event_id(request)`.

    `known`: whoever asks showed a key of another kind than a session, and takes no place of a stranger.
    """
    if request.method == "HEAD":
        raise web.HTTPMethodNotAllowed("HEAD", ["GET"])
    stranger = None if known or request.get(SESSION) else client_address(request)
    if not _has_room(stranger):
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "30"})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    events = EventStream(response)
    request[STREAMING] = True
    _open[id(events)] = stranger
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
        _open.pop(id(events), None)
        _open_streams.set(len(_open))


def _has_room(stranger: str | None) -> bool:
    if stranger is None:
        return sum(each is None for each in _open.values()) < MOST_STREAMS
    strangers = [each for each in _open.values() if each is not None]
    crowded = len(strangers) >= MOST_STRANGERS // 2
    return len(strangers) < MOST_STRANGERS and not (crowded and strangers.count(stranger) >= MOST_OF_ONE_ADDRESS)


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


class LiveSessions:
    """Whether sessions still live, asked once for all the streams that want to know at about the same time.

    Two hundred open desks that each asked for themselves took a seventh of a second of every four.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._asked: set[str] = set()
        self._next: asyncio.Task[frozenset[str]] | None = None

    async def still_live(self, session_hash: str) -> bool:
        """Raises DatabaseUnavailable. The answer is not older than the question."""
        self._asked.add(session_hash)
        if self._next is None:
            self._next = asyncio.create_task(self._look(), name="live-sessions")
            self._next.add_done_callback(_heed)
        return session_hash in await asyncio.shield(self._next)  # who goes away takes the answer from nobody

    async def _look(self) -> frozenset[str]:
        try:
            await asyncio.sleep(ASK_TOGETHER_SECONDS)
        finally:
            asked, self._asked, self._next = self._asked, set(), None
        now = self._clock.now()
        return await self._database.read(lambda tx: live_among(tx, asked, now))


def _heed(task: asyncio.Task[frozenset[str]]) -> None:
    """Nobody may be left to hear of a failure: then it is heard here."""
    if not task.cancelled():
        task.exception()


LIVE_SESSIONS: web.AppKey[LiveSessions] = web.AppKey("live_sessions")


async def _until_over(request: web.Request, events: EventStream) -> str | None:
    """Wait until there is a reason to end, and return the word for it; None if nobody listens any more."""
    session = request.get(SESSION)
    closing = request.app[CLOSING]
    waited = 0.0
    with request.app[SIGNALS].watching(*([session.topic] if session else []), "closing") as watch:
        while not closing.is_set():
            woken = await watch.next(timeout=RECHECK_SECONDS)
            if session is not None and not await _still_live(request, session, at_once=woken):
                return "signed_out"
            waited += RECHECK_SECONDS + ASK_TOGETHER_SECONDS
            if waited >= KEEP_ALIVE_SECONDS:
                waited = 0.0
                try:
                    await events.keep_alive()
                except ConnectionResetError:
                    return None
    return "restart"


async def _still_live(request: web.Request, session: Session, *, at_once: bool) -> bool:
    """While nobody can say, for the database is away, nothing new is streamed either: it is asked again."""
    now = request.app[CLOCK].now()
    try:
        if at_once:
            return await request.app[DATABASE].read(lambda tx: is_live(tx, session.hash, now))
        return await request.app[LIVE_SESSIONS].still_live(session.hash)
    except DatabaseUnavailable:
        return True
