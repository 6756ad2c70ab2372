"""The desk, live: one event stream a screen, which sends each part of it that has changed, as HTML.

Nothing depends on it. The same templates make the page when it is loaded, so a browser without scripts, or one whose
line was cut, shows what is true after a reload. A signal only says "look again"; what is sent is what is stored.

All desks share one look at what is the same for them (`bot.desk.looking`), and of the queue only the rows that changed
are sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from markupsafe import Markup
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import service
from bot.cases.model import Case, CaseNotFound
from bot.conversations.marks import person_writes
from bot.desk.case import case_context
from bot.desk.frame import Frame, context_of, frame_from, hand_of, look, tools_of
from bot.desk.looking import Look, Looks, looks_of
from bot.desk.request import request_context
from bot.desk.rows import case_rows
from bot.exchange.requests import looking
from bot.exchange.requests.model import RequestNotFound
from bot.kernel.access import Permission, may_enter
from bot.kernel.live import Watch
from bot.kernel.pages import PIECES, render_text
from bot.kernel.streams import EventStream, stream_events
from bot.kernel.web import Routes
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SIGNALS, VAULT

#: Look at least this often: another replica's writes send no signal here, and words like "3 min left" age.
LOOK_EVERY = 10.0
#: Signals about one request come in crowds; one look answers them all.
GATHER = 0.05

#: What a view sends for itself. A part is a template of its own and an element with `data-part` on the page.
REQUEST_PARTS = ("nav", "duty", "alerts", "request_state", "request_thread", "request_files")
CASE_PARTS = (
    "case_state", "phone", "safe", "replies", "although", "log", "first_minutes", "erasure", "notes", "events",
)  # fmt: skip


def live_routes() -> Routes:
    """The event streams."""
    routes = Routes()

    @routes.get("/desk/live", name="live", allow=Permission.DESK_ENTER)
    async def live_frame(request: web.Request) -> web.StreamResponse:
        """The parts around every screen, and the queue for whoever may see it."""
        async with stream_events(request) as events:
            with request.app[SIGNALS].watching("queue", "watch") as watch:
                screen = Screen(request, events, here=request.query.get("here", "")[:40])
                looks = looks_of(request.app)
                while True:
                    seen = await looks.look(request.app)
                    frame = await screen.send_frame(seen)
                    if screen.sees_queue:
                        await screen.send_queue(seen)
                        await screen.send_tiles(seen, frame)
                    await events.send("fresh", {})
                    await _wait(watch, seen)
        return events.response

    @routes.get("/desk/cases/{id}/live", name="live_case", allow=Permission.CASE_READ)
    async def live_case(request: web.Request) -> web.StreamResponse:
        """A case, for as long as it is this officer's to see."""
        hand, case_id = hand_of(request), request.match_info["id"]
        try:
            file = await request.app[DATABASE].write(lambda tx: service.open_file(tx, hand, case_id))
        except CaseNotFound:
            raise web.HTTPNotFound from None
        own = (f"case:{case_id}", f"conversation:{file.case.conversation_id}")
        async with stream_events(request) as events:
            writes, looks = person_writes(file.case.conversation_id), looks_of(request.app)
            with request.app[SIGNALS].watching("queue", "watch", writes, *own) as watch, looks.watching(case_id):
                await _follow_case(request, events, watch, looks, case_id, own, writes)
        return events.response

    @routes.get("/desk/requests/{id}/live", name="live_request", allow=Permission.EXCHANGE_READ)
    async def live_request(request: web.Request) -> web.StreamResponse:
        """A request across a border, for as long as it is this officer's to see."""
        hand, request_id = hand_of(request), request.match_info["id"]
        try:
            await request.app[DATABASE].read(lambda tx: looking.require_seen(tx, hand, request_id))
        except RequestNotFound:
            raise web.HTTPNotFound from None
        async with stream_events(request) as events:
            with request.app[SIGNALS].watching("queue", "watch", "exchange") as watch:
                await _follow_request(request, events, watch, request_id)
        return events.response

    return routes


async def _wait(watch: Watch, seen: Look) -> None:
    """For a signal, or until this look is old: then it is old for every desk, and they share the next one too."""
    age = asyncio.get_running_loop().time() - seen.taken_at
    await watch.next(timeout=max(LOOK_EVERY - age, GATHER))


async def _follow_case(
    request: web.Request,
    events: EventStream,
    watch: Watch,
    looks: Looks,
    case_id: str,
    own: Sequence[str],
    writes: str,
) -> None:
    """Send what changes about a case. Its talk is read again when it changed, and now and then for good measure.

    `writes` is the signal that the person is writing. It says all there is to say, and nothing is read for it.
    """
    officer, vault, database = request[OFFICER], request.app[VAULT], request.app[DATABASE]
    whole = "all" in request.query
    screen = Screen(request, events, here="case")
    talk: dict[str, Any] = {}
    standing: Case | None = None
    seen: Look | None = None
    read_at = -LOOK_EVERY

    def read(tx: Connection) -> dict[str, Any]:
        at = request.app[CLOCK].now()
        file = service.watch_file(tx, vault, officer, case_id, at=at)
        return case_context(tx, vault, officer, file, at=at, whole=whole)

    while True:
        came = watch.came()
        if writes in came and standing is not None:
            await events.send("writing", {})
        if came == {writes} and seen is not None:
            await _wait(watch, seen)
            continue
        seen = await looks.look(request.app)
        old = seen.taken_at - read_at >= LOOK_EVERY
        if old or came.intersection(own) or seen.board.watched(officer, case_id) != standing:
            try:
                talk = await database.read(read)
            except CaseNotFound:
                await events.send("gone", {})
                return
            standing, read_at = talk["case"], seen.taken_at
        frame = await screen.send_frame(seen)
        await screen.send_queue(seen, here=case_id)
        await screen.send_parts(CASE_PARTS, {"frame": frame, "here": "case", **talk})
        await events.send("fresh", {})
        await _wait(watch, seen)


async def _follow_request(request: web.Request, events: EventStream, watch: Watch, request_id: str) -> None:
    officer, vault, hand = request[OFFICER], request.app[VAULT], hand_of(request)
    screen = Screen(request, events, here="exchange")

    def read(tx: Connection) -> dict[str, Any]:
        now = request.app[CLOCK].now()
        file = looking.watch_request(tx, vault, officer, request_id, at=now)
        frame = look(tx, officer, now)
        return {"frame": frame, "here": "exchange", **request_context(tx, vault, replace(hand, at=now), file)}

    while True:
        try:
            context = await request.app[DATABASE].read(read)
        except RequestNotFound:
            await events.send("gone", {})
            return
        await screen.send_parts(REQUEST_PARTS, context)
        await events.send("fresh", {})
        await watch.next(timeout=LOOK_EVERY)
        await asyncio.sleep(GATHER)


class Screen:
    """One open screen: what its browser has, so that only what differs is sent."""

    def __init__(self, request: web.Request, events: EventStream, *, here: str) -> None:
        self._request = request
        self._app = request.app
        self._events = events
        self._officer = request[OFFICER]
        self._language: str = request[LANGUAGE]
        self._here = here
        self._may = frozenset(each for each in Permission if may_enter(self._officer, each))
        self._shown: dict[str, str] = {}
        self._rows: Mapping[str, Markup] | None = None

    @property
    def sees_queue(self) -> bool:
        return Permission.QUEUE_READ in self._may

    async def send_frame(self, seen: Look) -> Frame:
        """The parts around every screen."""
        frame = frame_from(seen, self._officer)
        await self._send("nav", self._piece("nav", frame=frame, here=self._here))
        await self._send("duty", self._piece("duty", frame=frame))
        await self._send("alerts", self._piece("alerts", frame=frame, now=seen.board.at))
        return frame

    async def send_tiles(self, seen: Look, frame: Frame) -> None:
        """How many wait, and the officer's own cases."""
        own, counts = seen.board.own_of(self._officer), seen.board.queue_of(self._officer).counts
        rows = case_rows(self._app, self._language, own, held=frame.held, now=seen.board.at)
        await self._send("tiles", self._piece("tiles", counts=tuple(counts.items()), own_rows=rows))

    async def send_queue(self, seen: Look, *, here: str | None = None) -> None:
        """The queue: whole at first, then the order of its rows and those that are new or say something else."""
        rows = seen.queue_rows(self._app, self._officer, self._language, here)
        now_there = {row.key: row.html for row in rows}
        before, self._rows = self._rows, now_there
        if before is None:
            await self._send("queue", self._piece("queue", queue_rows=rows))
        elif before != now_there or list(before) != list(now_there):
            fresh = [row.html for row in rows if before.get(row.key) != row.html]
            changed = {"name": "queue", "keys": [row.key for row in rows], "html": "".join(fresh)}
            await self._events.send("rows", changed)

    async def send_parts(self, parts: Sequence[str], context: Mapping[str, Any]) -> None:
        """Parts that are this screen's alone."""
        whole = {**context_of(self._request), **context}
        for part in parts:
            await self._send(part, render_text(self._request, f"desk/parts/{part}.html", whole))

    def _piece(self, part: str, **given: Any) -> str:
        template, tools = f"desk/parts/{part}.html", tools_of(self._app)
        return self._app[PIECES].html(self._app, template, language=self._language, may=self._may, tools=tools, **given)

    async def _send(self, part: str, html: str) -> None:
        if self._shown.get(part) != html:
            self._shown[part] = html
            await self._events.send("part", {"name": part, "html": html})
