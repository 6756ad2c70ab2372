"""The cookie that ties a browser to a session at the desk: given, read, taken back."""

from __future__ import annotations

from aiohttp import web

from bot.kernel import sessions
from bot.kernel.settings import Settings
from bot.kernel.web_keys import CLOCK, DATABASE, SESSION, SETTINGS, SIGNALS


def cookie_name(settings: Settings) -> str:
    """`__Host-` makes browsers refuse the cookie from any other host or over plain HTTP."""
    return "__Host-waymark" if settings.is_https else "waymark_session"


def cookie_of(request: web.Request, name: str) -> str | None:
    """A cookie of ours. What we never write into one, such as a byte that is no text, is as good as none."""
    value = request.cookies.get(name)
    return value if value is not None and value.isascii() else None


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
