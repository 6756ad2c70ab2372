"""A screen on the wall: the page that a link opens, live, and the page on which links are made and taken back."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases.model import CaseError
from bot.cases.wall import service
from bot.cases.wall.model import LinkDead, Wall
from bot.desk.frame import context_of, go_to, hand_of, show, span_words
from bot.desk.queue import officer_names
from bot.kernel.access import Permission
from bot.kernel.pages import render, render_text, route_url
from bot.kernel.streams import stream_events
from bot.kernel.web import PUBLIC, Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, SETTINGS, SIGNALS, WORDS

routes = Routes()

#: Under which the screen finds the board. Nobody signs in there.
WALL_PATH = "/wall"
#: Look at least this often, for waiting times grow without a signal.
LOOK_EVERY = 5.0
#: Signals come in crowds, and nobody reads a wall twice a second.
GATHER = 0.5


@routes.get("/desk/walls", name="walls", allow=Permission.WALL_SHOW)
async def show_walls(request: web.Request) -> web.StreamResponse:
    return await _walls_screen(request)


async def _walls_screen(request: web.Request, link: str = "") -> web.Response:
    hand = hand_of(request)

    def read(tx: Connection) -> dict[str, Any]:
        return {"links": service.links(tx, hand), "names": officer_names(tx), "link": link}

    return await show(request, "desk/walls.html", read, here="supervision")


@routes.post("/desk/walls", name="walls", allow=Permission.WALL_SHOW)
async def make(request: web.Request) -> web.StreamResponse:
    """Make a link. It is on the answer to this form, and never again."""
    hand = hand_of(request)
    try:
        _, token = await request.app[DATABASE].write(lambda tx: service.make_link(tx, hand))
    except CaseError:
        return go_to(request, "walls", notice="too_many_walls")
    return await _walls_screen(request, f"{request.app[SETTINGS].public_url}{_board(request, token)}")


@routes.post("/desk/walls/end", name="end_wall", allow=Permission.WALL_SHOW)
async def end(request: web.Request) -> web.StreamResponse:
    """Take a link back. Its screens go dark at once."""
    hand, link_id = hand_of(request), (await form(request)).get("link", "")[:36]
    try:
        await request.app[DATABASE].write(lambda tx: service.end_link(tx, hand, link_id))
    except CaseError:
        return go_to(request, "walls", notice="too_late")
    request.app[SIGNALS].wake(service.topic(link_id))
    return go_to(request, "walls", notice="wall_ended")


# On the wall ------------------------------------------------------------------------------------------------------


@routes.get(WALL_PATH, name="wall", allow=PUBLIC)
async def show_wall(request: web.Request) -> web.StreamResponse:
    """The board, for whoever has the link."""
    token = _token(request)
    try:
        wall = await _look(request, token)
    except LinkDead:
        return render(request, "desk/wall_dead.html", context_of(request), status=404)
    context = {**_context(request, wall), "live": route_url(request, "live_wall", {"token": token})}
    return render(request, "desk/wall.html", context)


@routes.get(f"{WALL_PATH}/live", name="live_wall", allow=PUBLIC)
async def live_wall(request: web.Request) -> web.StreamResponse:
    """The board again whenever it says something else, until the link is taken back."""
    token, at = _token(request), request.app[CLOCK].now()
    try:
        link = await request.app[DATABASE].read(lambda tx: service.open_link(tx, token, at))
    except LinkDead:
        raise web.HTTPNotFound from None
    shown = ""
    async with stream_events(request, known=True) as events:
        with request.app[SIGNALS].watching("queue", "watch", service.topic(link.id)) as watch:
            while True:
                try:
                    wall = await _look(request, token)
                except LinkDead:
                    await events.send("gone", {})
                    return events.response
                html = render_text(request, "desk/parts/wall.html", _context(request, wall))
                if html != shown:
                    shown = html
                    await events.send("board", html)
                await events.send("fresh", {})
                if await watch.next(LOOK_EVERY):
                    await watch.next(GATHER)
    return events.response


async def _look(request: web.Request, token: str) -> Wall:
    at = request.app[CLOCK].now()
    return await request.app[DATABASE].read(lambda tx: service.look(tx, token, at))


def _context(request: web.Request, wall: Wall) -> dict[str, Any]:
    words, said_in = request.app[WORDS], request[LANGUAGE]
    return {
        **context_of(request),
        "wall": wall,
        "span": lambda seconds: span_words(words, said_in, seconds),
    }


def _token(request: web.Request) -> str:
    return request.query.get("token", "")[:80]


def _board(request: web.Request, token: str) -> str:
    return route_url(request, "wall", {"token": token, "lang": request[LANGUAGE]})
