"""A small program over the real kernel: a few routes of every kind, served on a real port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bot.kernel import officers, sessions
from bot.kernel.access import Permission, Role
from bot.kernel.acknowledged import Acknowledged
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.health import Health
from bot.kernel.live import Signals
from bot.kernel.officers import Officer
from bot.kernel.settings import load_settings
from bot.kernel.web import (
    DATABASE,
    OFFICER,
    PUBLIC,
    SIGNALS,
    SIGNED_WEBHOOK,
    Routes,
    WebParts,
    begin_session,
    build_web,
    end_session,
    form,
    render,
    require,
    see_other,
    stream_events,
    web_runner,
)
from bot.kernel.words import Words
from tests.conftest import MASTER_KEY, NOON

FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class SampleCase:
    """An object that officers hold, as far as the access rules look at it."""

    id: str
    officer_id: str | None


@dataclass
class Sample:
    """What the sample routes remember."""

    cases: dict[str, SampleCase] = field(default_factory=dict)
    received: list[bytes] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def sample_routes(sample: Sample) -> Routes:
    routes = Routes()

    @routes.get("/", name="front", allow=PUBLIC)
    async def front(request: web.Request) -> web.Response:
        return render(request, "sample/front.html", {"name": "<b>Amina</b>"})

    @routes.post("/say", name="say", allow=PUBLIC)
    async def say(request: web.Request) -> web.Response:
        sample.said.append((await form(request)).get("text", ""))
        return see_other(request, "front")

    @routes.get("/desk/sign-in", name="sign_in", allow=PUBLIC)
    async def sign_in(request: web.Request) -> web.Response:
        return web.Response(text="sign in")

    @routes.post("/desk/enter/{officer_id}", name="enter", allow=PUBLIC)
    async def enter(request: web.Request) -> web.Response:
        response = see_other(request, "queue")
        await begin_session(request, response, request.match_info["officer_id"])
        return response

    @routes.post("/desk/leave", name="leave", allow=Permission.DESK_ENTER)
    async def leave(request: web.Request) -> web.Response:
        response = see_other(request, "sign_in")
        await end_session(request, response)
        return response

    @routes.get("/desk/queue", name="queue", allow=Permission.QUEUE_READ)
    async def queue(request: web.Request) -> web.Response:
        return render(request, "sample/queue.html")

    @routes.get("/desk/cases/{case_id}", name="case", allow=Permission.CASE_READ)
    async def case(request: web.Request) -> web.Response:
        require(request, Permission.CASE_READ, sample.cases.get(request.match_info["case_id"]))
        return web.Response(text="a case")

    @routes.post("/desk/cases/{case_id}/answer", name="case.answer", allow=Permission.CASE_ANSWER)
    async def answer(request: web.Request) -> web.Response:
        require(request, Permission.CASE_ANSWER, sample.cases.get(request.match_info["case_id"]))
        return see_other(request, "case", case_id=request.match_info["case_id"])

    @routes.get("/desk/events", name="events", allow=Permission.QUEUE_READ)
    async def events(request: web.Request) -> web.StreamResponse:
        async with stream_events(request) as stream:
            with request.app[SIGNALS].watching("queue") as watch:
                number = 0
                while True:
                    await stream.send("queue", f"first line\nsecond line {number}", id=str(number))
                    number += 1
                    await watch.next(timeout=600)
        return stream.response

    @routes.get("/events", name="public_events", allow=PUBLIC)
    async def public_events(request: web.Request) -> web.StreamResponse:
        async with stream_events(request) as stream:
            await asyncio.sleep(600)
        return stream.response

    @routes.get("/desk/officers", name="officers", allow=Permission.OFFICERS_READ)
    async def show_officers(request: web.Request) -> web.Response:
        names = [one.name for one in await request.app[DATABASE].read(officers.list_officers)]
        return web.Response(text=", ".join(names) + request[OFFICER].name)

    @routes.post("/hook", name="hook", allow=SIGNED_WEBHOOK(lambda r: r.headers.get("X-Secret") == "s3cret"))
    async def hook(request: web.Request) -> web.Response:
        sample.received.append(await request.read())
        return web.Response(text="ok")

    @routes.post("/thanks", name="thanks", allow=SIGNED_WEBHOOK(lambda r: True))
    async def thanks(request: web.Request) -> web.Response:
        sample.received.append(await request.read())
        return Acknowledged()

    @routes.post("/plain", name="plain", allow=SIGNED_WEBHOOK(lambda r: True))
    async def plain(request: web.Request) -> web.Response:
        return web.Response()

    @routes.get("/broken", name="broken", allow=PUBLIC)
    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError("CANARY the words of a child")

    @routes.get("/full", name="full", allow=PUBLIC)
    async def full(request: web.Request) -> web.Response:
        raise DatabaseUnavailable("disk full")

    return routes


@dataclass
class Served:
    """The sample program while it runs."""

    app: web.Application
    base: str
    sample: Sample
    database: Database
    vault: Vault
    clock: SetClock
    signals: Signals

    @asynccontextmanager
    async def browser(self, officer: Officer | None = None) -> AsyncIterator[Browser]:
        """A browser with cookies of its own, signed in if an officer is given."""
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(self.base, cookie_jar=jar, raise_for_status=False) as client:
            browser = Browser(client)
            if officer is not None:
                token = await self.database.write(lambda tx: sessions.start(tx, officer.id, self.clock.now()))
                browser.take_cookie(token, self.base)
            yield browser

    async def officer(self, *roles: Role, name: str = "Noor", **more: object) -> Officer:
        sign_in_name = f"{name}-{len(await self.database.read(officers.list_officers))}"
        at = self.clock.now()
        return await self.database.write(
            lambda tx: officers.add_officer(
                tx, self.vault, name=name, sign_in_name=sign_in_name, roles=roles or (Role.OFFICER,), at=at
            )
        )


@dataclass
class Browser:
    client: aiohttp.ClientSession
    token: str = ""

    def take_cookie(self, token: str, base: str) -> None:
        self.token = token
        self.client.cookie_jar.update_cookies({"waymark_session": token}, URL(base))

    @property
    def csrf(self) -> str:
        return sessions.csrf_of(self.token)

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        answer = await self.client.get(path, allow_redirects=False, headers=headers)
        await answer.read()
        return answer

    async def post(
        self, path: str, data: dict[str, str] | None = None, *, headers: dict[str, str] | None = None, csrf: bool = True
    ) -> aiohttp.ClientResponse:
        fields = {**({"csrf": self.csrf} if csrf and self.token else {}), **(data or {})}
        sent = FROM_OUR_PAGE if headers is None else headers
        answer = await self.client.post(path, data=fields, allow_redirects=False, headers=sent)
        await answer.read()
        return answer


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """Serve an application on a free port, the way the program does."""
    runner = web_runner(app, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "base.html").write_text('<html lang="{{ lang }}" dir="{{ dir }}">{% block body %}{% endblock %}</html>')
    (folder / "front.html").write_text(
        '{% extends "base.html" %}{% block body %}{{ name }} {{ "12"|bdi }} {{ now|when }} '
        '<link rel="stylesheet" href="{{ static("sample/a.css") }}">'
        '{{ _("If you report this, give the number {number}.", number="<i>") }}'
        "{% trans number=name %}If you report this, give the number {{ number }}.{% endtrans %}{% endblock %}"
    )
    (folder / "queue.html").write_text(
        '<form method="post" action="{{ url("leave") }}">{{ csrf_field() }}</form>{{ officer.name }}'
    )
    return folder


@pytest.fixture
def static(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "a.css").write_text("body { color: CanvasText; }\n" * 50)
    return folder


@pytest.fixture
def parts(
    sqlite_database: Database, clock: SetClock, signals: Signals, templates: Path, static: Path, tmp_path: Path
) -> WebParts:
    return WebParts(
        settings=load_settings({"WAYMARK_DATA_DIR": str(tmp_path)}),
        database=sqlite_database,
        vault=Vault(MASTER_KEY),
        clock=clock,
        signals=signals,
        words=Words.load(),
        templates={"sample": templates},
        static={"sample": static},
    )


@pytest.fixture
async def served(parts: WebParts) -> AsyncIterator[Served]:
    await parts.database.write(lambda tx: parts.vault.prepare(tx, NOON))
    sample = Sample()
    app = build_web(parts, sample_routes(sample), Health(parts.database, parts.clock).routes)
    assert isinstance(parts.clock, SetClock)
    async with serving(app) as base:
        yield Served(app, base, sample, parts.database, parts.vault, parts.clock, parts.signals)
