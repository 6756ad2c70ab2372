"""The guarded router: a route says who may enter, or the server does not start.

    routes = Routes()

    @routes.get("/desk/queue", name="queue", allow=Permission.QUEUE_READ)
    async def show_queue(request: web.Request) -> web.Response:
        ...
        return render(request, "desk/queue.html", {"cases": cases})

Whatever happens, the answer carries the full set of security headers; an error is a short kind page that tells
nothing of the inside. An officer without the right to a page learns no more than that nothing is there.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from msgspec import Struct, field

from bot.kernel.access import Permission
from bot.kernel.addresses import client_address
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.doors import DOORS, NO_DOOR, Door, door_of
from bot.kernel.entrance import LANGUAGE_COOKIE, SIGN_IN, entrance, language_of, require
from bot.kernel.forms import form
from bot.kernel.live import Signals
from bot.kernel.logs import get_log
from bot.kernel.pages import (
    PIECES,
    STATIC,
    STATIC_ROUTE,
    TEMPLATES,
    Pieces,
    StaticFiles,
    make_templates,
    render,
    render_text,
    route_url,
    see_other,
)
from bot.kernel.routes import (
    FORM_CAP,
    PUBLIC,
    SAFE_METHODS,
    SIGNED_WEBHOOK,
    WEBHOOK_CAP,
    Handler,
    MachineGuard,
    Public,
    Route,
    Routes,
    RouteWithoutRule,
)
from bot.kernel.security_headers import put_security_headers
from bot.kernel.serving import web_runner
from bot.kernel.session_cookies import begin_session, cookie_name, cookie_of, end_session
from bot.kernel.settings import Settings
from bot.kernel.streams import LIVE_SESSIONS, EventStream, LiveSessions, last_event_id, stream_events
from bot.kernel.timings import Timings
from bot.kernel.web_keys import (
    CLOCK,
    CLOSING,
    DATABASE,
    IMAGES_FROM,
    LANGUAGE,
    OFFICER,
    REQUEST_ID,
    SESSION,
    SETTINGS,
    SIGNALS,
    STREAMING,
    VAULT,
    WORDS,
)
from bot.kernel.words import N_, Words

__all__ = [
    "CLOCK",
    "CLOSING",
    "DATABASE",
    "FORM_CAP",
    "LANGUAGE",
    "LANGUAGE_COOKIE",
    "OFFICER",
    "PUBLIC",
    "REQUEST_ID",
    "RULES",
    "SESSION",
    "SETTINGS",
    "SIGNALS",
    "SIGNED_WEBHOOK",
    "STATIC",
    "TEMPLATES",
    "VAULT",
    "WEBHOOK_CAP",
    "WORDS",
    "EventStream",
    "MachineGuard",
    "Public",
    "Route",
    "RouteWithoutRule",
    "Routes",
    "WebParts",
    "add_routes",
    "begin_session",
    "build_web",
    "client_address",
    "cookie_name",
    "cookie_of",
    "end_session",
    "form",
    "last_event_id",
    "render",
    "render_text",
    "require",
    "route_url",
    "see_other",
    "stream_events",
    "web_runner",
]

log = get_log("web")


_seconds = Timings(
    "waymark_http_seconds", "Time to answer, by route", ["route", "status"], bounds=(0.005, 0.02, 0.1, 0.5, 2, 10)
)


class WebParts(Struct, frozen=True, kw_only=True):
    """What the web part of the program is made of."""

    settings: Settings
    database: Database
    vault: Vault
    clock: Clock
    signals: Signals
    words: Words
    templates: Mapping[str, Path] = field(default_factory=dict)  # a folder a room
    static: Mapping[str, Path] = field(default_factory=dict)  # a folder a room
    template_globals: Mapping[str, Any] = field(default_factory=dict)
    sign_in: str = "sign_in"  # the route an officer without a session is sent to
    error_template: str = "kernel/error.html"  # gets `title`, `advice`, `status`


RULES: web.AppKey[dict[web.AbstractRoute, Route]] = web.AppKey("rules")
PARTS: web.AppKey[WebParts] = web.AppKey("parts")
Missing = Callable[[], Awaitable[None]]
MISSING: web.AppKey[Missing | None] = web.AppKey("missing")


def build_web(parts: WebParts, *routes: Routes, missing: Missing | None = None) -> web.Application:
    """The application with every route guarded. Serve it with `web_runner`, which guards broken HTTP too.

    `missing` brings routes that are not there yet with `add_routes`; whoever asks for a page that is not known waits
    for it once.
    """
    app = web.Application(middlewares=[_answer_whatever_happens], client_max_size=WEBHOOK_CAP)
    app[PARTS], app[SIGN_IN] = parts, parts.sign_in
    app[SETTINGS], app[DATABASE], app[VAULT] = parts.settings, parts.database, parts.vault
    app[CLOCK], app[SIGNALS], app[WORDS] = parts.clock, parts.signals, parts.words
    app[CLOSING] = asyncio.Event()
    app[LIVE_SESSIONS] = LiveSessions(parts.database, parts.clock)
    app[STATIC] = StaticFiles(parts.static)
    app[TEMPLATES] = make_templates(parts.templates, parts.words, parts.template_globals)
    app[PIECES] = Pieces()
    app[MISSING] = missing
    app[RULES], app[DOORS] = {}, {}
    _register(app, [route for table in (_static_routes(), *routes) for route in table.table])
    app.on_response_prepare.append(_add_headers)
    app.on_startup.append(_refuse_unguarded_routes)
    app.on_shutdown.append(_end_streams)
    return app


def _static_routes() -> Routes:
    routes = Routes()

    @routes.get("/static/{room}/{hash}/{name:.+}", name=STATIC_ROUTE, allow=PUBLIC)
    async def static(request: web.Request) -> web.StreamResponse:
        return await request.app[STATIC].answer(request)

    return routes


def _register(app: web.Application, table: Iterable[Route]) -> None:
    resources: dict[tuple[str, str], web.Resource] = {}
    for route in table:
        if not isinstance(route.rule, (Permission, Public, MachineGuard)):
            raise RouteWithoutRule(f"{route.method} {route.path}")
        resource = resources.get((route.path, route.name))
        if resource is None:
            resource = resources[route.path, route.name] = app.router.add_resource(route.path, name=route.name)
        door = Door(route.name, route.body_cap, route.rule, entrance(route.rule), files=route.files)
        for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
            served = resource.add_route(method, route.handler)
            app[RULES][served], app[DOORS][served] = route, door


def add_routes(app: web.Application, routes: Iterable[Routes]) -> None:
    """The routes that `missing` was to bring, in an application that serves already. Raises RouteWithoutRule."""
    app.router._frozen = False  # aiohttp closes its router when it begins to serve; only guarded routes go past that
    try:
        _register(app, [route for table in routes for route in table.table])
    finally:
        app.router.freeze()


async def _look_again(request: web.Request, handler: Handler) -> tuple[web.Request, Handler]:
    """The same request where its page was missing and was brought meanwhile. Raises what `missing` raises."""
    missing = request.app[MISSING]
    if missing is None or request.match_info.http_exception is None:
        return request, handler
    await missing()
    found = await request.app.router.resolve(request)
    found.add_app(request.app)
    found.freeze()
    again = request.clone()  # a request remembers the page it was meant for
    again._match_info = found
    return again, found.handler


async def _refuse_unguarded_routes(app: web.Application) -> None:
    """Whatever reached the router by another way than `Routes` has no rule, and nothing starts."""
    for route in app.router.routes():
        if route not in app[DOORS]:
            raise RouteWithoutRule(f"{route.method} {route.resource.canonical if route.resource else route}")


async def _end_streams(app: web.Application) -> None:
    app[CLOSING].set()
    app[SIGNALS].wake("closing")


# Headers, on every answer


async def _add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    assert isinstance(request, web.Request)
    https, images_from = request.app[SETTINGS].is_https, request.get(IMAGES_FROM, "")
    put_security_headers(response.headers, https=https, images_from=images_from)
    request_id = request.get(REQUEST_ID)
    if request_id:
        response.headers["X-Request-Id"] = request_id


# Errors, and a line in the log for every answer


@web.middleware
async def _answer_whatever_happens(request: web.Request, handler: Handler) -> web.StreamResponse:
    started = time.perf_counter()
    request[REQUEST_ID] = f"{_STARTED}{next(_numbers):08x}"
    door = door_of(request)
    try:
        if door is NO_DOOR:
            request, handler = await _look_again(request, handler)
            door = door_of(request)
        if door.narrow and request.method not in SAFE_METHODS:
            request = request.clone(client_max_size=door.body_cap)
        _refuse_hostile_address(request)
        _refuse_too_much(request, door.body_cap)
        response = await door.admit(request, handler)
    except web.HTTPException as error:
        if error.status < 400 or request.get(STREAMING):
            raise
        response = _error_answer(request, door, error.status, error.headers)
    except web.RequestPayloadError:  # a body that is not what its headers say: not gzip, cut off in the middle
        if request.get(STREAMING):
            raise
        response = _error_answer(request, door, 400, {})
    except (DatabaseUnavailable, ConnectionResetError, asyncio.CancelledError) as error:
        if not isinstance(error, DatabaseUnavailable) or request.get(STREAMING):
            raise
        log.error("database_unavailable", route=door.name)
        response = _error_answer(request, door, 503, {"Retry-After": "5"})
    except Exception:
        log.exception("handler_failed", route=door.name, request_id=request[REQUEST_ID])
        if request.get(STREAMING):
            raise
        response = _error_answer(request, door, 500, {})
    _note(request, door, response, time.perf_counter() - started)
    return response


#: Of a request: this process, and how many it had answered.
_STARTED: Final = secrets.token_hex(4)
_numbers: Final = itertools.count()


def _note(request: web.Request, door: Door, response: web.StreamResponse, seconds: float) -> None:
    status = response.status
    if not response.prepared:  # the end of a stream says nothing about how fast we answer
        _seconds.of(door.name, str(status)).observe(seconds)
    # Machines call by the thousand: when all is well they are counted, and not written down one by one.
    routine = door.for_machines and status < 400
    if routine and not log.writes("DEBUG"):
        return
    (log.debug if routine else log.info)(
        "answered",
        route=door.name,
        method=request.method if request.method in {"GET", "HEAD", "POST"} else "other",
        status=status,
        duration_ms=round(seconds * 1000, 1),
        request_id=request[REQUEST_ID],
    )


def _refuse_hostile_address(request: web.Request) -> None:
    """No text of ours holds NUL, and PostgreSQL cannot keep it. Looked for before anything is decoded."""
    address = request.raw_path
    if "%00" in address or "\x00" in address:
        raise web.HTTPBadRequest


def _refuse_too_much(request: web.Request, cap: int) -> None:
    """What says that it is too long is not read at all; what does not say so is cut off while it is read."""
    length = request.content_length
    if length is not None and length > cap:
        raise web.HTTPRequestEntityTooLarge(cap, length)


_ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    400: (N_("We could not read that"), N_("Go back and try again.")),
    401: (N_("Please sign in"), N_("Your session has ended. Sign in again.")),
    403: (N_("This did not come from our page"), N_("Go back, reload the page and try again.")),
    404: (N_("Nothing is here"), N_("The address may be wrong, or this is not for your account.")),
    405: (N_("This cannot be done here"), N_("Go back and try again.")),
    413: (N_("This is too much at once"), N_("Go back and send less.")),
    429: (N_("Too many tries"), N_("Wait a minute and try again.")),
    503: (N_("We cannot save right now"), N_("Nothing you sent before is lost. Try again in a minute.")),
}
_OTHER_ERROR: Final = (N_("Something went wrong on our side"), N_("Try again in a minute."))


def _error_answer(request: web.Request, door: Door, status: int, given: Mapping[str, str]) -> web.Response:
    """A kind page for people, a code for machines; the same whatever the cause was."""
    headers = {name: given[name] for name in ("Allow", "Retry-After") if name in given}
    accepts = request.headers.get("Accept", "")
    if door.open_data or ("application/json" in accepts and "text/html" not in accepts):
        code = re.sub(r"[^a-z]+", "_", HTTPStatus(status).phrase.lower())
        return web.json_response({"error": code, "status": status}, status=status, headers=headers)
    if door.for_machines:
        return web.Response(text=HTTPStatus(status).phrase, status=status, headers=headers)
    if LANGUAGE not in request:
        request[LANGUAGE] = language_of(request)
    title, advice = _ERRORS.get(status, _OTHER_ERROR)
    language, words = request[LANGUAGE], request.app[WORDS]
    context = {"title": words.text(language, title), "advice": words.text(language, advice), "status": status}
    response = render(request, request.app[PARTS].error_template, context, status=status)
    response.headers.update(headers)
    return response
