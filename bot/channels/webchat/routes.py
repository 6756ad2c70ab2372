"""The web chat's page, its form, its stream and its way out.

Nothing is set before the person writes: the cookie comes with the first message, lives as long as the browser
window, and is all that ties the two together. The page has one address and is never cached.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from aiohttp import web
from babel import Locale
from markupsafe import Markup

from bot.channels.model import RawMessage
from bot.channels.ports import Accepts
from bot.channels.webchat.payload import ACCOUNT, NAME, write_payload
from bot.channels.webchat.ports import EmergencyNumber, WebTalks
from bot.channels.webchat.rendering import RenderedLine, render_line
from bot.kernel.web import (
    LANGUAGE,
    LANGUAGE_COOKIE,
    PUBLIC,
    SETTINGS,
    SIGNALS,
    WORDS,
    Routes,
    form,
    last_event_id,
    render,
    render_text,
    see_other,
    stream_events,
)
from bot.kernel.words import N_, direction

#: Room for LONGEST_TEXT in any script, percent-encoded; longer texts are cut, not refused.
BODY_CAP = 512 * 1024
#: Without JavaScript the page after a message waits so long for the answer to come with it.
WAIT_SECONDS = 2.0
#: The stream looks again at least so often, in case a signal was lost (another replica answered).
LOOK_SECONDS = 1.0

#: What one can begin with: the words on the button, and what the dialogue hears.
STARTERS = (
    (N_("I am in danger now"), '/in_danger{"reason": "immediate_danger", "priority": "P0"}'),
    (N_("I need a place to sleep"), '/search_service{"need": "shelter"}'),
    (N_("I work with children and have a question"), "/procedure"),
    (N_("Talk to a person"), "/ask_human"),
)

#: A number to dial: pressed on a phone, it is dialled.
CALL = Markup('<a href="tel:{0}"><bdi dir="ltr">{0}</bdi></a>')


def webchat_routes(
    inbox: Accepts, talks: WebTalks, *, emergency_number: EmergencyNumber, demo: Callable[[], bool]
) -> Routes:
    """The routes of the web chat over an inbox and the conversations it may read."""
    routes = Routes()

    @routes.get("/", name="home", allow=PUBLIC)
    async def home(request: web.Request) -> web.Response:
        return see_other(request, "webchat")

    @routes.get("/chat", name="webchat", allow=PUBLIC)
    async def show_chat(request: web.Request) -> web.Response:
        address = _address(request)
        waiting = await _wait_for_answer(request, talks, address) if address else False
        lines = [render_line(line) for line in await talks.lines(address, 0)] if address else []
        return render(
            request,
            "webchat/chat.html",
            {
                "lines": lines,
                "last": lines[-1].seq if lines else 0,
                "newest": max((line.seq for line in lines if line.author == "person"), default=0),
                "known": address is not None,
                "waiting": waiting,
                "starters": [request.app[WORDS].text(request[LANGUAGE], title) for title, _ in STARTERS],
                "emergency": CALL.format(await emergency_number()),
                "demo": demo(),
                "once": _once(),
                **_language_names(request),
            },
        )

    @routes.post("/chat", name="webchat.send", allow=PUBLIC, body_cap=BODY_CAP)
    async def receive(request: web.Request) -> web.Response:
        fields = await form(request)
        token = request.cookies.get(_cookie(request)) or secrets.token_urlsafe(32)
        address = _fingerprint(token)
        payload = await _submitted(request, talks, address, fields)
        if payload is not None:
            once = hashlib.sha256(f"{address} {fields.get('once') or _once()}".encode()).hexdigest()
            await inbox.accept(RawMessage(NAME, ACCOUNT, once, address, payload))
            request.app[SIGNALS].wake(_own_topic(address))
        wants_json = "application/json" in request.headers.get("Accept", "")
        response = web.json_response({"once": _once()}) if wants_json else see_other(request, "webchat")
        if not wants_json:
            response.headers["Location"] += "#newest"
        # No max-age: the cookie goes when the window closes.
        response.set_cookie(
            _cookie(request), token, path="/", httponly=True, samesite="Strict", secure=request.app[SETTINGS].is_https
        )
        return response

    @routes.get("/chat/stream", name="webchat.stream", allow=PUBLIC)
    async def stream(request: web.Request) -> web.StreamResponse:
        address = _address(request)
        if address is None:
            raise web.HTTPNotFound
        after = _number(last_event_id(request) or request.query.get("after"))
        async with stream_events(request) as events:
            while True:
                topic = await talks.topic(address) or _own_topic(address)
                with request.app[SIGNALS].watching(topic) as watch:
                    for line in await talks.lines(address, after):
                        await events.send("line", _fragment(request, render_line(line)), id=str(line.seq))
                        after = line.seq
                    await watch.next(LOOK_SECONDS)
        return events.response

    @routes.post("/chat/language", name="webchat.language", allow=PUBLIC)
    async def choose_language(request: web.Request) -> web.Response:
        language = request.app[WORDS].speaks(str((await form(request)).get("language", "")))
        response = see_other(request, "webchat")
        if language is not None:
            address = _address(request)
            if address is not None:
                await talks.choose_language(address, language)
            response.set_cookie(
                LANGUAGE_COOKIE,
                language,
                path="/",
                httponly=True,
                samesite="Strict",
                secure=request.app[SETTINGS].is_https,
            )
        return response

    @routes.get("/chat/leave", name="webchat.leave", allow=PUBLIC)
    async def leave(request: web.Request) -> web.Response:
        """Forget everything in this browser and be somewhere harmless. Works as a plain link."""
        response = web.Response(status=303, headers={"Location": request.app[SETTINGS].exit_url})
        for cookie in (_cookie(request), LANGUAGE_COOKIE):
            response.del_cookie(
                cookie, path="/", httponly=True, samesite="Strict", secure=request.app[SETTINGS].is_https
            )
        response.headers["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response

    return routes


async def _wait_for_answer(request: web.Request, talks: WebTalks, address: str) -> bool:
    """Give the answer a moment to be there. True if it still is not."""
    topic = await talks.topic(address) or _own_topic(address)
    with request.app[SIGNALS].watching(topic) as watch:
        left = WAIT_SECONDS
        while await talks.waiting(address):
            if left <= 0:
                return True
            await watch.next(LOOK_SECONDS / 4)
            left -= LOOK_SECONDS / 4
    return False


async def _submitted(request: web.Request, talks: WebTalks, address: str, fields: Any) -> bytes | None:
    """The payload of a form: words, one of the first buttons, or a button under a line of this very conversation.

    A button is named by its place, never by what it does: a page cannot be made to press one that was not offered.
    """
    language = request[LANGUAGE]
    if "starter" in fields:
        number = _number(fields["starter"])
        if number >= len(STARTERS):
            raise web.HTTPBadRequest
        title, payload = STARTERS[number]
        return write_payload(tap=payload, title=request.app[WORDS].text(language, title), language=language)
    if "tap" in fields:
        seq, _, index = str(fields["tap"]).partition(".")
        for line in await talks.lines(address, _number(seq) - 1):
            if line.seq == _number(seq) and _number(index) < len(line.buttons):
                button = line.buttons[_number(index)]
                if button.payload:
                    return write_payload(tap=button.payload, title=button.title, language=language)
        raise web.HTTPBadRequest
    text = str(fields.get("text", ""))
    return write_payload(text=text, language=language) if text.strip() else None


def _fragment(request: web.Request, line: RenderedLine) -> str:
    return render_text(request, "webchat/line.html", {"line": line, "once": _once()})


def _language_names(request: web.Request) -> dict[str, Any]:
    names = [(code, _own_name(code)) for code in request.app[WORDS].languages]
    return {
        "language": request[LANGUAGE],
        "direction": direction(request[LANGUAGE]),
        "language_name": _own_name(request[LANGUAGE]),
        "language_names": names,
    }


def _own_name(language: str) -> str:
    name = Locale.parse(language, sep="-").get_display_name(language) or language
    return name[:1].upper() + name[1:]


def _cookie(request: web.Request) -> str:
    return "__Host-chat" if request.app[SETTINGS].is_https else "chat"


def _address(request: web.Request) -> str | None:
    token = request.cookies.get(_cookie(request))
    return _fingerprint(token) if token else None


def _fingerprint(token: str) -> str:
    """What the rest of the program knows a browser by. The cookie itself is kept nowhere."""
    return hashlib.sha256(token.encode()).hexdigest()


def _own_topic(address: str) -> str:
    """Woken when this browser writes: before its first message there is no conversation to watch."""
    return f"webchat:{address}"


def _once() -> str:
    return secrets.token_urlsafe(12)


def _number(text: object) -> int:
    """A number from outside; anything else is a bad request."""
    try:
        value = int(str(text or 0))
    except ValueError:
        raise web.HTTPBadRequest from None
    if not 0 <= value < 2**53:
        raise web.HTTPBadRequest
    return value
