"""Pages that are brought while the server serves already: nobody who asks for one is told that nothing is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.kernel.access import Permission
from bot.kernel.web import PUBLIC, Routes, RouteWithoutRule, WebParts, add_routes, build_web, web_runner
from tests.integration.kernel.conftest import FROM_OUR_PAGE


async def here(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.match_info.get('name', '')} {request.app.router['late'].url_for(name='two')}")


def late_routes() -> Routes:
    routes = Routes()
    routes.add("GET", "/late/{name}", here, name="late", allow=PUBLIC)
    routes.add("POST", "/late/{name}", here, name="late", allow=PUBLIC)
    routes.add("GET", "/kept", here, name="kept", allow=Permission.QUEUE_READ)
    return routes


class Later:
    """The program whose pages come late, and how often they were brought."""

    def __init__(self, parts: WebParts, bring: Callable[[Later], Awaitable[None]]) -> None:
        self.times = 0
        self._bring = bring
        self.app = build_web(parts, Routes(), missing=self.missing)

    async def missing(self) -> None:
        await self._bring(self)

    def bring(self) -> None:
        self.times += 1
        add_routes(self.app, [late_routes()])


async def bring_once(later: Later) -> None:
    if not later.times:
        later.bring()


async def test_whoever_asks_too_early_waits_and_gets_the_page(parts: WebParts) -> None:
    may_come = asyncio.Event()

    async def bring(later: Later) -> None:
        await may_come.wait()
        await bring_once(later)

    later = Later(parts, bring)
    async with TestClient(TestServer(later.app)) as client:
        asked = [asyncio.create_task(client.get("/late/one")) for _ in range(3)]
        sent = asyncio.create_task(client.post("/late/one", headers=FROM_OUR_PAGE, data={"a": "b"}))
        may_come.set()
        answers = [await each for each in asked] + [await sent]

        assert [(each.status, await each.text()) for each in answers] == [(200, "one /late/two")] * 4
        assert later.times == 1
        assert all("Content-Security-Policy" in each.headers for each in answers)


async def test_a_page_that_comes_late_is_guarded_like_the_others(parts: WebParts) -> None:
    later = Later(parts, bring_once)
    async with TestClient(TestServer(later.app)) as client:
        early = [await client.get("/kept", allow_redirects=False) for _ in range(2)]
        assert [answer.status for answer in early] == [401, 401]
        assert (await client.post("/late/one", headers={"Sec-Fetch-Site": "cross-site"})).status == 403
        assert (await client.get("/nowhere")).status == 404


async def test_what_cannot_be_brought_is_our_fault_and_no_wrong_address(parts: WebParts) -> None:
    async def bring(later: Later) -> None:
        raise RuntimeError

    later = Later(parts, bring)
    async with TestClient(TestServer(later.app)) as client:
        answer = await client.get("/late/one")

    assert (answer.status, "Content-Security-Policy" in answer.headers) == (500, True)


async def test_nothing_comes_late_without_a_rule(parts: WebParts) -> None:
    app = build_web(parts, Routes())
    runner = web_runner(app)
    await runner.setup()
    routes = Routes()
    routes.add("GET", "/open", here, name="open", allow=None)  # type: ignore[arg-type]

    with pytest.raises(RouteWithoutRule, match="GET /open"):
        add_routes(app, [routes])

    assert app.router.frozen
    await runner.cleanup()
