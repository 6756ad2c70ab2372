"""Who comes in by a route, and in which language they are answered."""

from __future__ import annotations

import functools
import hmac
from urllib.parse import urlsplit

from aiohttp import web

from bot.kernel import sessions
from bot.kernel.access import Permission, allows, may_enter
from bot.kernel.doors import Entrance, door_of, find_nothing
from bot.kernel.forms import form
from bot.kernel.logs import get_log
from bot.kernel.pages import see_other
from bot.kernel.routes import SAFE_METHODS, Handler, MachineGuard, Public, Rule
from bot.kernel.session_cookies import cookie_name, cookie_of
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SESSION, SETTINGS, WORDS

log = get_log("web")

LANGUAGE_COOKIE = "waymark_language"
#: The route an officer without a session is sent to.
SIGN_IN: web.AppKey[str] = web.AppKey("sign_in")


def entrance(rule: Rule | None) -> Entrance:
    """How one comes in under a rule."""
    match rule:
        case MachineGuard():
            return functools.partial(_admit_machine, rule)
        case Permission() | Public():
            return functools.partial(_admit_person, rule)
        case None:
            return find_nothing


async def _admit_machine(guard: MachineGuard, request: web.Request, handler: Handler) -> web.StreamResponse:
    proved = guard.check(request)
    if not (proved if isinstance(proved, bool) else await proved):
        log.warning("proof_refused", route=door_of(request).name)
        if guard.refusal is not None:
            return guard.refusal(request)
        raise web.HTTPForbidden
    return await handler(request)


async def _admit_person(rule: Permission | Public, request: web.Request, handler: Handler) -> web.StreamResponse:
    await _load_session(request)
    request[LANGUAGE] = language_of(request)
    if isinstance(rule, Permission):
        answer = _turn_away(request, rule)
        if answer is not None:
            return answer
    if request.method not in SAFE_METHODS and not (isinstance(rule, Public) and rule.open_data):
        await _require_our_form(request, rule)
    response = await handler(request)
    remember_language(request, response)
    return response


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
        sign_in = request.app[SIGN_IN]
        wants_page = request.method in SAFE_METHODS and "text/event-stream" not in request.headers.get("Accept", "")
        if wants_page and sign_in in request.app.router:
            return see_other(request, sign_in)
        raise web.HTTPUnauthorized
    if not may_enter(officer, permission):
        log.warning("access_refused", route=door_of(request).name, officer_id=officer.id, permission=permission.value)
        raise web.HTTPNotFound
    return None


async def _require_our_form(request: web.Request, rule: Rule) -> None:
    """Refuse what another site makes a browser send. What only an officer may do also needs the session's token."""
    session = request.get(SESSION) if isinstance(rule, Permission) else None
    if not _comes_from_us(request, strictly=session is not None):
        log.warning("foreign_form_refused", route=door_of(request).name)
        raise web.HTTPForbidden
    if session is None:
        return
    sent = request.headers.get("X-CSRF-Token") or str((await form(request)).get("csrf", ""))
    if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), session.csrf.encode()):
        log.warning("form_token_refused", route=door_of(request).name, officer_id=session.officer.id)
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


def language_of(request: web.Request) -> str:
    """`?lang=`, then the choice kept for an officer, then the officer's first language, then the browser's."""
    words, officer = request.app[WORDS], request.get(OFFICER)
    wishes = [request.query.get("lang"), request.cookies.get(LANGUAGE_COOKIE)]
    wishes.extend(officer.languages[:1] if officer else ())
    for wish in wishes:
        served = words.speaks(wish) if wish else None
        if served is not None:
            return served
    return words.negotiate(request.headers.get("Accept-Language"))


def remember_language(request: web.Request, response: web.StreamResponse) -> None:
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


def require(request: web.Request, permission: Permission, target: object) -> None:
    """Go on only if `target` exists and the signed-in officer may do this to it; otherwise nothing is found."""
    officer = request[OFFICER]
    if target is None:
        raise web.HTTPNotFound
    if not allows(officer, permission, target):
        log.warning("access_refused", route=door_of(request).name, officer_id=officer.id, permission=permission.value)
        raise web.HTTPNotFound
