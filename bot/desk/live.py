"""The desk, live: one event stream a screen, which sends each part of it that has changed, as HTML.

Nothing depends on it. The same templates make the page when it is loaded, so a browser without scripts, or one whose
line was cut, shows what is true after a reload. A signal only says "look again"; what is sent is what is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import service
from bot.cases.model import CaseNotFound
from bot.desk.case import case_context
from bot.desk.exchange import request_context
from bot.desk.frame import QUEUE_LENGTH, context_of, hand_of, look
from bot.exchange.requests import service as requests
from bot.exchange.requests.model import RequestNotFound
from bot.kernel.access import Permission, may_enter
from bot.kernel.pages import render_text
from bot.kernel.streams import EventStream, stream_events
from bot.kernel.web import Routes
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, SIGNALS, VAULT

routes = Routes()

#: Look at least this often: another replica's writes send no signal here, and words like "3 min left" age.
LOOK_EVERY = 10.0
#: Signals come in crowds; one look answers them all.
GATHER = 0.05

View = Callable[[Connection], Mapping[str, Any]]

#: What each view sends. A part is a template of its own and an element with `data-part` on the page.
FRAME_PARTS = ("nav", "alerts")
QUEUE_PARTS = (*FRAME_PARTS, "queue", "tiles")
REQUEST_PARTS = (*FRAME_PARTS, "request_state", "request_thread")
CASE_PARTS = (*FRAME_PARTS, "queue", "case_state", "log", "notes", "events")


@routes.get("/desk/live", name="live", allow=Permission.DESK_ENTER)
async def live_frame(request: web.Request) -> web.StreamResponse:
    """The parts around every screen, and the queue for whoever may see it."""
    officer, vault = request[OFFICER], request.app[VAULT]
    sees_queue = may_enter(officer, Permission.QUEUE_READ)

    def read(tx: Connection) -> dict[str, Any]:
        frame = {"frame": look(tx, officer, request.app[CLOCK].now()), "here": request.query.get("here", "")}
        if not sees_queue:
            return frame
        queue = service.look_at_queue(tx, vault, officer, limit=QUEUE_LENGTH)
        return {**frame, "queue": queue, "own": service.look_at_own(tx, vault, officer)}

    return await _stream(request, read, QUEUE_PARTS if sees_queue else FRAME_PARTS, "queue", "watch")


@routes.get("/desk/cases/{id}/live", name="live_case", allow=Permission.CASE_READ)
async def live_case(request: web.Request) -> web.StreamResponse:
    """A case, for as long as it is this officer's to see."""
    officer, vault, hand = request[OFFICER], request.app[VAULT], hand_of(request)
    case_id = request.match_info["id"]
    try:
        file = await request.app[DATABASE].write(lambda tx: service.open_file(tx, hand, case_id))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    whole = "all" in request.query

    def read(tx: Connection) -> dict[str, Any]:
        now = request.app[CLOCK].now()
        queue = service.look_at_queue(tx, vault, officer, limit=QUEUE_LENGTH)
        talk = case_context(tx, vault, officer, service.watch_file(tx, vault, officer, case_id), whole=whole)
        return {"frame": look(tx, officer, now), "here": "case", "queue": queue, **talk}

    topics = ("queue", "watch", f"case:{case_id}", f"conversation:{file.case.conversation_id}")
    return await _stream(request, read, CASE_PARTS, *topics)


@routes.get("/desk/requests/{id}/live", name="live_request", allow=Permission.EXCHANGE_READ)
async def live_request(request: web.Request) -> web.StreamResponse:
    """A request across a border, for as long as it is this officer's to see."""
    officer, vault, hand = request[OFFICER], request.app[VAULT], hand_of(request)
    request_id = request.match_info["id"]
    try:
        await request.app[DATABASE].read(lambda tx: requests.require_seen(tx, hand, request_id))
    except RequestNotFound:
        raise web.HTTPNotFound from None

    def read(tx: Connection) -> dict[str, Any]:
        now = request.app[CLOCK].now()
        try:
            file = requests.watch_request(tx, vault, officer, request_id, at=now)
        except RequestNotFound:
            raise CaseNotFound(request_id) from None
        frame = look(tx, officer, now)
        return {"frame": frame, "here": "exchange", **request_context(tx, vault, replace(hand, at=now), file)}

    return await _stream(request, read, REQUEST_PARTS, "queue", "watch", "exchange")


async def _stream(request: web.Request, read: View, parts: tuple[str, ...], *topics: str) -> web.StreamResponse:
    shown: dict[str, str] = {}
    async with stream_events(request) as events:
        with request.app[SIGNALS].watching(*topics) as watch:
            while await _send_changes(request, events, read, parts, shown):
                await watch.next(timeout=LOOK_EVERY)
                await asyncio.sleep(GATHER)
    return events.response


async def _send_changes(
    request: web.Request, events: EventStream, read: View, parts: tuple[str, ...], shown: dict[str, str]
) -> bool:
    """Send each part that differs from what this browser has. False once there is nothing to see any more."""
    try:
        context = await request.app[DATABASE].read(read)
    except CaseNotFound:
        await events.send("gone", {})
        return False
    for part in parts:
        html = render_text(request, f"desk/parts/{part}.html", {**context_of(request), **context})
        if shown.get(part) != html:
            shown[part] = html
            await events.send("part", {"name": part, "html": html})
    await events.send("fresh", {})
    return True
