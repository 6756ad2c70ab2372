"""The web chat's page, its form, its stream and its way out.

Nothing is set before the person writes: the cookie comes with the first message, lives as long as the browser
window, and is all that ties the two together. The page has one address and is never cached.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Any

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from babel import Locale
from markupsafe import Markup
from msgspec import Struct

from bot.channels.model import NoRoom, RawMessage, TooLarge
from bot.channels.ports import Accepts, SaidLine
from bot.channels.webchat.payload import ACCOUNT, NAME, write_payload
from bot.channels.webchat.ports import EmergencyNumber, TakesFiles, Talk, Upload, WebTalks
from bot.channels.webchat.rendering import RenderedLine, render_part
from bot.kernel.ranges import answer_in_stretches
from bot.kernel.streams import EventStream
from bot.kernel.web import (
    LANGUAGE,
    LANGUAGE_COOKIE,
    PUBLIC,
    SETTINGS,
    SIGNALS,
    WORDS,
    Routes,
    cookie_of,
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
#: The largest file, and the fields beside it.
FILE_CAP = 20 * 1024 * 1024 + 64 * 1024
#: A large film over a slow line. What takes longer is given up.
SECONDS_FOR_A_FILE = 600
MOST_PARTS = 8
LONGEST_FIELD = 4096
#: Without JavaScript the page after a message waits so long for the answer to come with it.
WAIT_SECONDS = 2.0
#: The stream looks again at least so often, in case a signal was lost (another replica answered). Where nothing comes
#: for a while it looks seldomer, down to the second figure: most chats that are open are silent.
LOOK_SECONDS = 1.0
LONGEST_LOOK_SECONDS = 4.0

#: A page and what belongs to it weigh less than 50 kB, for bad phones: of the lines so many bytes, the newest of them.
#: The others are a link away.
LINES_BYTES = 30_000
#: A message that weighs more is folded there, and a page of its own has all of it. The longest checked text fits.
LINE_BYTES = 12_000

#: No line has a larger number.
LAST_LINE = 2**31 - 1

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
    inbox: Accepts,
    talks: WebTalks,
    files: TakesFiles,
    *,
    emergency_number: EmergencyNumber,
    emergency_numbers: Collection[str],
    demo: Callable[[], bool],
) -> Routes:
    """The routes of the web chat over an inbox, the conversations it may read, and where files are kept.

    `emergency_numbers` are those of all countries: whoever writes may be in any.
    """
    routes = Routes()

    @routes.get("/", name="home", allow=PUBLIC)
    async def home(request: web.Request) -> web.Response:
        return see_other(request, "webchat")

    @routes.get("/chat", name="webchat", allow=PUBLIC)
    async def show_chat(request: web.Request) -> web.Response:
        address = _address(request)
        before, whole = (min(_number(request.query.get(name)), LAST_LINE) for name in ("before", "whole"))
        alone = bool(before or whole)  # beside these lines nothing new appears: it would not be what comes next
        waiting = await _wait_for_answer(request, talks, address) if address and not alone else False
        # Before the lines: what is hidden between the two is then said again by the stream.
        talk = await talks.talk(address) if address else None
        said = await talks.lines(address, 0) if address else []
        said = [line for line in said if line.seq == whole or (not whole and (not before or line.seq < before))]
        if alone and not said:
            return see_other(request, "webchat")
        lines = [_whole(request, said[0], emergency_numbers)] if whole else _newest(request, said, emergency_numbers)
        response = render(
            request,
            "webchat/chat.html",
            {
                "lines": lines,
                "earlier": lines[0].seq if len(lines) < len(said) else 0,
                "newest_left_out": bool(before),
                "whole": bool(whole),
                "last": lines[-1].seq if lines else 0,
                "newest": max((line.seq for line in lines if line.author == "person"), default=0),
                "known": address is not None and not alone,
                "marks": talk.marks if talk else "",
                "shown_from": talk.shown_from if talk else 0,
                "waiting": waiting,
                "starters": [request.app[WORDS].text(request[LANGUAGE], title) for title, _ in STARTERS],
                "emergency": CALL.format(await emergency_number()),
                "demo": demo(),
                "once": _once(),
                **_language_names(request),
            },
        )
        response.enable_compression()
        return response

    @routes.post("/chat", name="webchat.send", allow=PUBLIC, body_cap=BODY_CAP)
    async def receive(request: web.Request) -> web.Response:
        fields = await form(request)
        token = cookie_of(request, _cookie(request)) or _first_token(request, str(fields.get("once", "")))
        address = _fingerprint(token)
        payload = await _submitted(request, talks, address, fields)
        if payload is not None:
            once = hashlib.sha256(f"{address} {fields.get('once') or _once()}".encode()).hexdigest()
            await inbox.accept(RawMessage(NAME, ACCOUNT, once, address, payload))
            request.app[SIGNALS].wake(_own_topic(address))
        wants_json = "application/json" in request.headers.get("Accept", "")
        if wants_json:
            return _remembered(request, web.json_response({}), token)
        return _to_newest(request, token)

    @routes.post("/chat/file", name="webchat.send_file", allow=PUBLIC, body_cap=FILE_CAP)
    async def receive_file(request: web.Request) -> web.Response:
        """A picture, a recording or a file. It is kept before its message is, so that no message lacks its file."""
        token = cookie_of(request, _cookie(request)) or secrets.token_urlsafe(32)
        address = _fingerprint(token)
        sent = await _taken_in(request, files, address)
        if sent is not None:
            payload = write_payload(text=sent.text, upload=sent.upload.id, kind=sent.kind, language=request[LANGUAGE])
            once = hashlib.sha256(f"{address} {sent.once or _once()}".encode()).hexdigest()
            new = False
            try:
                new = await inbox.accept(RawMessage(NAME, ACCOUNT, once, address, payload))
            finally:
                if not new:  # this very form was sent before, or nothing can be kept now
                    await sent.upload.give_up()
            request.app[SIGNALS].wake(_own_topic(address))
        return _to_newest(request, token)

    @routes.get("/chat/file/{seq}", name="webchat.open_file", allow=PUBLIC)
    async def open_file(request: web.Request) -> web.StreamResponse:
        """What an officer sent. It belongs to this conversation and to a line that may be seen on this phone."""
        address = _address(request)
        seq = request.match_info["seq"]
        opened = await talks.open_file(address, int(seq)) if address and seq.isdecimal() and len(seq) < 10 else None
        if opened is None:
            raise web.HTTPNotFound
        return await answer_in_stretches(
            request,
            opened.read,
            size=opened.size,
            content_type=opened.type,
            disposition=f'inline; filename="{opened.name}"',
        )

    @routes.get("/chat/stream", name="webchat.stream", allow=PUBLIC)
    async def stream(request: web.Request) -> web.StreamResponse:
        address = _address(request)
        if address is None:
            raise web.HTTPNotFound
        after = _number(last_event_id(request) or request.query.get("after"))
        async with stream_events(request) as events:
            await _OpenPage(request, events, talks, address, emergency_numbers, after=after).follow()
        return events.response

    @routes.post("/chat/writing", name="webchat.writing", allow=PUBLIC)
    async def person_writes(request: web.Request) -> web.Response:
        """The person is typing. Whoever answers them may see that they are, and nothing of what."""
        address = _address(request)
        topic = await talks.person_writes(address) if address else None
        if topic is not None:
            request.app[SIGNALS].wake(topic)
        return web.Response(status=204)

    @routes.post("/chat/read", name="webchat.read", allow=PUBLIC)
    async def has_read(request: web.Request) -> web.Response:
        """The page is in front and shows the lines up to `seq`."""
        address, seq = _address(request), _number((await form(request)).get("seq"))
        topic = await talks.has_read(address, min(seq, LAST_LINE)) if address else None
        if topic is not None:
            request.app[SIGNALS].wake(topic)
        return web.Response(status=204)

    @routes.post("/chat/marks", name="webchat.marks", allow=PUBLIC)
    async def choose_marks(request: web.Request) -> web.Response:
        """Show when this person writes and what they have read, or do not."""
        address, hidden = _address(request), (await form(request)).get("show") != "yes"
        topic = await talks.choose_marks(address, hidden=hidden) if address else None
        if topic is not None:
            request.app[SIGNALS].wake(topic)
        return see_other(request, "webchat")

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


class _OpenPage:
    """A page that stays open, and what it has been told so far."""

    def __init__(
        self,
        request: web.Request,
        events: EventStream,
        talks: WebTalks,
        address: str,
        emergency_numbers: Collection[str],
        *,
        after: int,
    ) -> None:
        self._request = request
        self._events = events
        self._talks = talks
        self._address = address
        self._emergency_numbers = emergency_numbers
        self._after = after  # the last line that was told
        self._marks = ""
        self._shown_from = 0
        self._read = 0
        self._pause = LOOK_SECONDS

    async def follow(self) -> None:
        """Tell what is new as it comes, until the page is gone."""
        topics: tuple[str, ...] = (_own_topic(self._address),)
        while True:
            with self._request.app[SIGNALS].watching(*topics) as watch:
                talk = await self._talks.talk(self._address)  # looked at after listening began: nothing falls between
                heard = (talk.topic, talk.officer_writes) if talk else (_own_topic(self._address),)
                if heard != topics:
                    topics = heard
                    continue
                if talk is not None:
                    await self._tell(talk)
                woken = await watch.next(self._pause)
                self._pause = LOOK_SECONDS if woken else min(2 * self._pause, LONGEST_LOOK_SECONDS)
                if talk is not None and talk.officer_writes in watch.came():
                    await self._events.send("writing", "")

    async def _tell(self, talk: Talk) -> None:
        if talk.marks != self._marks:
            self._marks = talk.marks
            await self._events.send("marks", self._marks)
        if talk.shown_from > self._shown_from:
            self._shown_from = talk.shown_from
            await self._events.send("forget", self._shown_from)
        if talk.last_seq > self._read:
            self._read, self._pause = talk.last_seq, LOOK_SECONDS
            for line in await self._talks.lines(self._address, self._after):
                shown = render_part(line, self._emergency_numbers, room=LINE_BYTES)
                await self._events.send("line", _fragment(self._request, shown), id=str(line.seq))
                self._after = line.seq


class _Sent(Struct, frozen=True):
    """A file that was taken in, and what stood beside it in the form."""

    upload: Upload
    kind: str
    once: str
    text: str


async def _taken_in(request: web.Request, files: TakesFiles, address: str) -> _Sent | None:
    """Read the form, its file straight into where files are kept. None where no file was chosen.

    Raises what is answered: 413, 503 where there is no room, 408, 400.
    """
    if request.content_type != "multipart/form-data":
        raise web.HTTPBadRequest
    upload: Upload | None = None
    done = False
    fields: dict[str, str] = {}
    kind: str | None = None
    try:
        async with asyncio.timeout(SECONDS_FOR_A_FILE):
            parts = await request.multipart()
            for _ in range(MOST_PARTS):
                part = await parts.next()
                if part is None:
                    break
                if not isinstance(part, BodyPartReader):
                    raise web.HTTPBadRequest
                if part.filename is None:
                    fields[part.name or ""] = await _field(part)
                elif part.filename and upload is None:
                    declared = part.headers.get("Content-Type", "")
                    upload = await files.begin(address, language=request[LANGUAGE], declared=declared)
                    while chunk := await part.read_chunk():
                        await upload.write(chunk)
                    kind = await upload.finish()
        done = kind is not None
    except TooLarge:
        raise web.HTTPRequestEntityTooLarge(FILE_CAP, FILE_CAP + 1) from None
    except NoRoom:
        raise web.HTTPServiceUnavailable from None
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (UnicodeDecodeError, LookupError, ValueError, AssertionError, HttpProcessingError):
        raise web.HTTPBadRequest from None
    finally:
        if upload is not None and not done:
            await upload.give_up()
    if upload is None or kind is None:
        return None
    return _Sent(upload, kind, fields.get("once", ""), fields.get("text", ""))


async def _field(part: BodyPartReader) -> str:
    held = bytearray()
    while chunk := await part.read_chunk():
        held += chunk
        if len(held) > LONGEST_FIELD:
            raise web.HTTPBadRequest
    return held.decode()


def _to_newest(request: web.Request, token: str) -> web.Response:
    response = see_other(request, "webchat")
    response.headers["Location"] += "#newest"
    return _remembered(request, response, token)


def _remembered(request: web.Request, response: web.Response, token: str) -> web.Response:
    """With the cookie that ties this browser to its conversation. No max-age: it goes when the window closes."""
    response.set_cookie(
        _cookie(request), token, path="/", httponly=True, samesite="Strict", secure=request.app[SETTINGS].is_https
    )
    return response


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


class _Shown(Struct, frozen=True):
    """A line as it stands on the page."""

    seq: int
    author: str
    html: Markup


def _newest(request: web.Request, said: Sequence[SaidLine], emergency_numbers: Collection[str]) -> list[_Shown]:
    """As many of the newest as the page has room for; the last of all in any case."""
    shown: list[_Shown] = []
    room = LINES_BYTES
    for line in reversed(said):
        html = _fragment(request, render_part(line, emergency_numbers, room=LINE_BYTES))
        room -= len(html.encode())
        if room < 0 and shown:
            break
        shown.append(_Shown(line.seq, line.author, Markup(html)))  # noqa: S704 (our own template escaped it)
    return shown[::-1]


def _whole(request: web.Request, line: SaidLine, emergency_numbers: Collection[str]) -> _Shown:
    """A message on a page of its own; one that is too long for that from the letter `from` on."""
    start = _number(request.query.get("from"))
    part = render_part(line, emergency_numbers, room=LINES_BYTES, start=start if start < len(line.text) else 0)
    return _Shown(line.seq, line.author, Markup(_fragment(request, part, on_own_page=True)))  # noqa: S704 (as above)


def _fragment(request: web.Request, line: RenderedLine, *, on_own_page: bool = False) -> str:
    return render_text(request, "webchat/line.html", {"line": line, "once": _once(), "on_own_page": on_own_page})


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
    token = cookie_of(request, _cookie(request))
    return _fingerprint(token) if token else None


def _fingerprint(token: str) -> str:
    """What the rest of the program knows a browser by. The cookie itself is kept nowhere."""
    return hashlib.sha256(token.encode()).hexdigest()


def _own_topic(address: str) -> str:
    """Woken when this browser writes: before its first message there is no conversation to watch."""
    return f"webchat:{address}"


def _once() -> str:
    return secrets.token_urlsafe(16)


def _first_token(request: web.Request, once: str) -> str:
    """What ties this browser to its conversation from its first message on.

    It comes out of the number that this message is used once with: when the answer is lost with its cookie, the same
    message tried again is the same message of the same person, and not another case. Only from a browser that says that
    its form was ours: a stranger's page could choose the number.
    """
    said = "Sec-Fetch-Site" in request.headers or "Origin" in request.headers
    if not said or len(once) < len(_once()):
        return secrets.token_urlsafe(32)
    return hashlib.sha256(f"first message {once}".encode()).hexdigest()


def _number(text: object) -> int:
    """A number from outside; anything else is a bad request."""
    try:
        value = int(str(text or 0))
    except ValueError:
        raise web.HTTPBadRequest from None
    if not 0 <= value < 2**53:
        raise web.HTTPBadRequest
    return value
