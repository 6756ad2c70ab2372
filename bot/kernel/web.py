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
import functools
import hmac
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler
from msgspec import Struct, field
from multidict import MultiDict

from bot.kernel import sessions
from bot.kernel.access import Permission, allows, may_enter
from bot.kernel.addresses import client_address
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
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
)
from bot.kernel.security_headers import put_security_headers
from bot.kernel.settings import Settings
from bot.kernel.streams import LIVE_SESSIONS, EventStream, LiveSessions, last_event_id, stream_events
from bot.kernel.timings import Timings
from bot.kernel.uploads import read_parts
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
    "LANGUAGE",
    "OFFICER",
    "PUBLIC",
    "REQUEST_ID",
    "SESSION",
    "SETTINGS",
    "SIGNALS",
    "SIGNED_WEBHOOK",
    "STATIC",
    "TEMPLATES",
    "VAULT",
    "WORDS",
    "EventStream",
    "MachineGuard",
    "Public",
    "RouteWithoutRule",
    "Routes",
    "WebParts",
    "begin_session",
    "build_web",
    "client_address",
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

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Proof = Callable[[web.Request], bool | Awaitable[bool]]

#: A form of ours is text; a webhook may be larger. Both can be set for one route with `body_cap`.
FORM_CAP = 64 * 1024
WEBHOOK_CAP = 1024 * 1024
SECONDS_FOR_A_FORM = 20
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LANGUAGE_COOKIE = "waymark_language"

_seconds = Timings(
    "waymark_http_seconds", "Time to answer, by route", ["route", "status"], bounds=(0.005, 0.02, 0.1, 0.5, 2, 10)
)


class RouteWithoutRule(Exception):
    """A route does not say who may enter. Give it `allow=`; the server does not start before."""


class Public(Struct, frozen=True):
    """Anyone may enter. Forms must still come from our own pages.

    `errors_as_json`: what is asked there are data, so that what is wrong with an address is told in JSON as well.
    """

    errors_as_json: bool = False


PUBLIC: Final = Public()


class MachineGuard(Struct, frozen=True):
    """A machine enters by proof in the request itself (a signature, a secret header), never by a cookie.

    Without proof the answer is 403, or what `refusal` says where the machine needs to learn more than that.
    """

    check: Proof
    refusal: Callable[[web.Request], web.StreamResponse] | None = None


def SIGNED_WEBHOOK(check: Proof) -> MachineGuard:
    """The rule of a webhook: `check` says whether the caller proved who it is. Without proof the answer is 403."""
    return MachineGuard(check)


Rule = Permission | Public | MachineGuard


class Route(Struct, frozen=True):
    """One line of the route table."""

    method: str
    path: str
    handler: Handler
    name: str
    rule: Rule
    body_cap: int
    files: bool = False  # whether its form may hold a file, see `bot.kernel.uploads`


class Routes:
    """The routes of one file. Names are unique over the whole program; a path may have one name a method."""

    def __init__(self) -> None:
        self.table: list[Route] = []

    def get(self, path: str, *, name: str, allow: Rule) -> Callable[[Handler], Handler]:
        """Declare the handler of GET and HEAD."""
        return self._declare("GET", path, name, allow, FORM_CAP)

    def post(
        self, path: str, *, name: str, allow: Rule, body_cap: int | None = None, files: bool = False
    ) -> Callable[[Handler], Handler]:
        """Declare the handler of POST. Bodies above `body_cap` bytes are answered with 413.

        With `files` its form may hold a file, which `bot.kernel.uploads.uploaded` gives.
        """
        cap = body_cap or (WEBHOOK_CAP if isinstance(allow, MachineGuard) else FORM_CAP)
        return self._declare("POST", path, name, allow, cap, files=files)

    def add(
        self, method: str, path: str, handler: Handler, *, name: str, allow: Rule, body_cap: int = FORM_CAP
    ) -> None:
        """The same without a decorator, for handlers made elsewhere."""
        self.table.append(Route(method, path, handler, name, allow, body_cap))

    def _declare(
        self, method: str, path: str, name: str, allow: Rule, cap: int, *, files: bool = False
    ) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self.table.append(Route(method, path, handler, name, allow, cap, files))
            return handler

        return keep


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


class _Door:
    """A route as it is served: what its rule means for a request is decided once, and not at each."""

    __slots__ = ("admit", "body_cap", "errors_as_json", "files", "for_machines", "name", "narrow")

    def __init__(self, name: str, body_cap: int, rule: Rule | None, *, files: bool = False) -> None:
        self.name = name
        self.body_cap = body_cap
        self.files = files
        self.for_machines = isinstance(rule, MachineGuard)
        self.errors_as_json = isinstance(rule, Public) and rule.errors_as_json
        self.admit = _entrance(rule)
        self.narrow = body_cap != WEBHOOK_CAP


RULES: web.AppKey[dict[web.AbstractRoute, Route]] = web.AppKey("rules")
DOORS: web.AppKey[dict[web.AbstractRoute, _Door]] = web.AppKey("doors")
PARTS: web.AppKey[WebParts] = web.AppKey("parts")
Missing = Callable[[], Awaitable[None]]
MISSING: web.AppKey[Missing | None] = web.AppKey("missing")


def build_web(parts: WebParts, *routes: Routes, missing: Missing | None = None) -> web.Application:
    """The application with every route guarded. Serve it with `web_runner`, which guards broken HTTP too.

    `missing` brings routes that are not there yet with `add_routes`; whoever asks for a page that is not known waits
    for it once.
    """
    app = web.Application(middlewares=[_answer_whatever_happens], client_max_size=WEBHOOK_CAP)
    app[PARTS] = parts
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
        door = _Door(route.name, route.body_cap, route.rule, files=route.files)
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


class _GuardedHandler(RequestHandler):
    """Answers requests that are not even HTTP with our headers, and without repeating what was sent."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        said = HTTPStatus(status).phrase
        response = super().handle_error(request, status, exc, said)
        if isinstance(response, web.Response):
            response.content_type, response.text = "text/plain", said
        put_security_headers(response.headers, https=False)
        return response


class _GuardedServer(web.Server):
    """A server whose connections are `_GuardedHandler`s."""

    def __call__(self) -> RequestHandler:
        return _GuardedHandler(self, loop=self._loop, **self._kwargs)


class _GuardedRunner(web.AppRunner):
    """An AppRunner over a `_GuardedServer`."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _GuardedServer  # aiohttp has no place to say which class a connection is
        return server


def web_runner(app: web.Application, *, shutdown_timeout: float = 20.0) -> web.AppRunner:
    """What serves the application. There is no access log of aiohttp's: ours has no addresses and no queries."""
    return _GuardedRunner(app, access_log=None, shutdown_timeout=shutdown_timeout, keepalive_timeout=75.0)


# Errors, and a line in the log for every answer


@web.middleware
async def _answer_whatever_happens(request: web.Request, handler: Handler) -> web.StreamResponse:
    started = time.perf_counter()
    request[REQUEST_ID] = f"{_STARTED}{next(_numbers):08x}"
    door = _door(request)
    try:
        if door is _NO_DOOR:
            request, handler = await _look_again(request, handler)
            door = _door(request)
        if door.narrow and request.method not in SAFE_METHODS:
            request = request.clone(client_max_size=door.body_cap)
        _refuse_hostile_address(request)
        _refuse_too_much(request, door.body_cap)
        response = await door.admit(request, handler)
    except web.HTTPException as error:
        if error.status < 400 or request.get(STREAMING):
            raise
        response = _error_answer(request, door, error.status, error.headers)
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


def _note(request: web.Request, door: _Door, response: web.StreamResponse, seconds: float) -> None:
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


def _door(request: web.Request) -> _Door:
    return request.app[DOORS].get(request.match_info.route, _NO_DOOR)


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


def _error_answer(request: web.Request, door: _Door, status: int, given: Mapping[str, str]) -> web.Response:
    """A kind page for people, a code for machines; the same whatever the cause was."""
    headers = {name: given[name] for name in ("Allow", "Retry-After") if name in given}
    accepts = request.headers.get("Accept", "")
    if door.errors_as_json or ("application/json" in accepts and "text/html" not in accepts):
        code = re.sub(r"[^a-z]+", "_", HTTPStatus(status).phrase.lower())
        return web.json_response({"error": code, "status": status}, status=status, headers=headers)
    if door.for_machines:
        return web.Response(text=HTTPStatus(status).phrase, status=status, headers=headers)
    if LANGUAGE not in request:
        request[LANGUAGE] = _language(request)
    title, advice = _ERRORS.get(status, _OTHER_ERROR)
    language, words = request[LANGUAGE], request.app[WORDS]
    context = {"title": words.text(language, title), "advice": words.text(language, advice), "status": status}
    response = render(request, request.app[PARTS].error_template, context, status=status)
    response.headers.update(headers)
    return response


# Who comes in


Entrance = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


def _entrance(rule: Rule | None) -> Entrance:
    """How one comes in under a rule."""
    match rule:
        case MachineGuard():
            return functools.partial(_admit_machine, rule)
        case Permission() | Public():
            return functools.partial(_admit_person, rule)
        case None:
            return _find_nothing


async def _find_nothing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No handler is ever called without a rule."""
    if request.match_info.http_exception is None:  # a real route, added behind our back while we run
        log.critical("route_without_rule")
        raise web.HTTPNotFound
    raise request.match_info.http_exception


async def _admit_machine(guard: MachineGuard, request: web.Request, handler: Handler) -> web.StreamResponse:
    proved = guard.check(request)
    if not (proved if isinstance(proved, bool) else await proved):
        log.warning("proof_refused", route=_door(request).name)
        if guard.refusal is not None:
            return guard.refusal(request)
        raise web.HTTPForbidden
    return await handler(request)


async def _admit_person(rule: Permission | Public, request: web.Request, handler: Handler) -> web.StreamResponse:
    await _load_session(request)
    request[LANGUAGE] = _language(request)
    if isinstance(rule, Permission):
        answer = _turn_away(request, rule)
        if answer is not None:
            return answer
    if request.method not in SAFE_METHODS:
        await _require_our_form(request, rule)
    response = await handler(request)
    _remember_language(request, response)
    return response


_NO_DOOR: Final = _Door("none", WEBHOOK_CAP, None)


def cookie_of(request: web.Request, name: str) -> str | None:
    """A cookie of ours. What we never write into one, such as a byte that is no text, is as good as none."""
    value = request.cookies.get(name)
    return value if value is not None and value.isascii() else None


async def _load_session(request: web.Request) -> None:
    token = cookie_of(request, cookie_name(request.app[SETTINGS]))
    if not token:
        return
    now, database = request.app[CLOCK].now(), request.app[DATABASE]
    session = await database.read(lambda tx: sessions.get(tx, token, now))
    if session is None:
        return
    request[SESSION], request[OFFICER] = session, session.officer
    # A stream that reconnects by itself is nobody's hand on the keyboard.
    by_hand = "text/event-stream" not in request.headers.get("Accept", "")
    if by_hand and sessions.needs_touch(session, now):
        await database.write(lambda tx: sessions.touch(tx, session.hash, now))


def _turn_away(request: web.Request, permission: Permission) -> web.Response | None:
    """None if this officer may come in. Otherwise they sign in first, or find nothing."""
    officer = request.get(OFFICER)
    if officer is None:
        sign_in = request.app[PARTS].sign_in
        wants_page = request.method in SAFE_METHODS and "text/event-stream" not in request.headers.get("Accept", "")
        if wants_page and sign_in in request.app.router:
            return see_other(request, sign_in)
        raise web.HTTPUnauthorized
    if not may_enter(officer, permission):
        log.warning("access_refused", route=_door(request).name, officer_id=officer.id, permission=permission.value)
        raise web.HTTPNotFound
    return None


async def _require_our_form(request: web.Request, rule: Rule) -> None:
    """Refuse what another site makes a browser send. What only an officer may do also needs the session's token."""
    session = request.get(SESSION) if isinstance(rule, Permission) else None
    if not _comes_from_us(request, strictly=session is not None):
        log.warning("foreign_form_refused", route=_door(request).name)
        raise web.HTTPForbidden
    if session is None:
        return
    sent = request.headers.get("X-CSRF-Token") or str((await form(request)).get("csrf", ""))
    if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), session.csrf.encode()):
        log.warning("form_token_refused", route=_door(request).name, officer_id=session.officer.id)
        raise web.HTTPForbidden


def _comes_from_us(request: web.Request, *, strictly: bool) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    if origin is None:  # an old phone, or no browser at all: good enough only where there is no session to misuse
        return not strictly
    ours = request.app[SETTINGS].public_url
    return origin == ours or urlsplit(origin).netloc == request.host


# Languages


def _language(request: web.Request) -> str:
    """`?lang=`, then the choice kept for an officer, then the officer's first language, then the browser's."""
    words, officer = request.app[WORDS], request.get(OFFICER)
    wishes = [request.query.get("lang"), request.cookies.get(LANGUAGE_COOKIE)]
    wishes.extend(officer.languages[:1] if officer else ())
    for wish in wishes:
        served = words.speaks(wish) if wish else None
        if served is not None:
            return served
    return words.negotiate(request.headers.get("Accept-Language"))


def _remember_language(request: web.Request, response: web.StreamResponse) -> None:
    """Only for officers: on the phone of a child nothing is left behind."""
    if request.get(OFFICER) is None or response.prepared:
        return
    asked = request.query.get("lang")
    if asked is not None and request.app[WORDS].speaks(asked) == request[LANGUAGE]:
        response.set_cookie(
            LANGUAGE_COOKIE,
            request[LANGUAGE],
            httponly=True,
            samesite="Strict",
            secure=request.app[SETTINGS].is_https,
        )


# What handlers use


_unwanted = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


async def form(request: web.Request) -> MultiDict[str]:
    """The text fields of a form, without control and bidirectional characters, each line ending in one newline.

    Files are not among them, and are refused unless the route takes some. May be called more than once.
    """
    if request.content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return MultiDict()
    try:
        async with asyncio.timeout(SECONDS_FOR_A_FORM):
            takes_files = (door := _door(request)).files and request.content_type == "multipart/form-data"
            fields = await (read_parts(request, door.body_cap) if takes_files else request.post())
    except (UnicodeDecodeError, LookupError, ValueError, HttpProcessingError):
        raise web.HTTPBadRequest from None
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    if not all(isinstance(value, str) for value in fields.values()):
        raise web.HTTPBadRequest
    return MultiDict((name, _clean(str(value))) for name, value in fields.items())


def _clean(text: str) -> str:
    return _unwanted.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def require(request: web.Request, permission: Permission, target: object) -> None:
    """Go on only if `target` exists and the signed-in officer may do this to it; otherwise nothing is found."""
    officer = request[OFFICER]
    if target is None:
        raise web.HTTPNotFound
    if not allows(officer, permission, target):
        log.warning("access_refused", route=_door(request).name, officer_id=officer.id, permission=permission.value)
        raise web.HTTPNotFound


def see_other(
    request: web.Request, route: str, query: Mapping[str, str] | None = None, /, **parts: object
) -> web.Response:
    """After a form: go and look at a page, by its route name. Never at an address that somebody sent."""
    return web.Response(status=303, headers={"Location": route_url(request, route, query, **parts)})


def cookie_name(settings: Settings) -> str:
    """`__Host-` makes browsers refuse the cookie from any other host or over plain HTTP."""
    return "__Host-waymark" if settings.is_https else "waymark_session"


async def begin_session(request: web.Request, response: web.Response, officer_id: str) -> None:
    """Sign an officer in: a fresh session, and the one this browser had ends (no fixation)."""
    settings, now = request.app[SETTINGS], request.app[CLOCK].now()
    earlier = cookie_of(request, cookie_name(settings))
    token = await request.app[DATABASE].write(lambda tx: sessions.start(tx, officer_id, now, instead_of=earlier))
    if earlier:
        request.app[SIGNALS].wake(f"session:{sessions.fingerprint(earlier)}")
    response.set_cookie(
        cookie_name(settings),
        token,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=settings.is_https,
        max_age=int(sessions.ABSOLUTE_LIMIT.total_seconds()),
    )


async def end_session(request: web.Request, response: web.Response) -> None:
    """Sign out: the session ends on the server, its streams end, and the browser is asked to forget everything."""
    settings, now = request.app[SETTINGS], request.app[CLOCK].now()
    session = request.get(SESSION)
    if session is not None:
        await request.app[DATABASE].write(lambda tx: sessions.revoke(tx, session.hash, now))
        request.app[SIGNALS].wake(session.topic)
    response.del_cookie(cookie_name(settings), path="/", secure=settings.is_https, httponly=True, samesite="Strict")
    response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
