"""Every answer carries the same guard, whatever went wrong."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp
import msgspec
import pytest
from multidict import CIMultiDictProxy

from bot.kernel.settings import load_settings
from bot.kernel.web import WebParts, build_web
from tests.integration.kernel.conftest import Sample, Served, sample_routes, serving

SNAPSHOT = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "media-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self), payment=(), usb=(), browsing-topics=()",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Server": "waymark",
}


def guarded(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    return {name: headers.get(name, "missing") for name in SNAPSHOT}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("GET", "/desk/queue", 303),
        ("GET", "/desk/events", 303),
        ("GET", "/nothing", 404),
        ("GET", "/%00", 400),
        ("GET", "/?a=%00", 400),
        ("DELETE", "/", 405),
        ("OPTIONS", "/", 405),
        ("GET", "/broken", 500),
        ("GET", "/full", 503),
        ("GET", "/healthz", 200),
        ("POST", "/hook", 403),
        ("GET", "/static/sample/0000/a.css", 200),
        ("GET", "/static/sample/0000/../../etc/passwd", 404),
    ],
)
async def test_the_header_set_is_on_every_kind_of_answer(served: Served, method: str, path: str, status: int):
    async with served.browser() as browser:
        answer = await browser.client.request(method, path, allow_redirects=False)

        assert answer.status == status
        assert guarded(answer.headers) == SNAPSHOT
        if "/static/" not in path:
            assert answer.headers["Cache-Control"] == "no-store"


async def test_the_header_set_is_on_a_refused_size(served: Served):
    async with served.browser() as browser:
        answer = await browser.post("/say", {"text": "x" * 70_000})

        assert answer.status == 413
        assert guarded(answer.headers) == SNAPSHOT


async def test_the_header_set_is_on_a_stream(served: Served):
    officer = await served.officer()
    async with (
        served.browser(officer) as browser,
        browser.client.get("/desk/events", headers={"Accept": "text/event-stream"}) as answer,
    ):
        assert answer.status == 200
        assert guarded(answer.headers) == SNAPSHOT
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x-canary\r\n\r\n",
        b"POST /say HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Encoding: gzip\r\nContent-Length: 15\r\n\r\n"
        b"canary=nonsense",
    ],
    ids=["no HTTP", "no length", "no gzip"],
)
async def test_what_is_not_what_it_says_is_answered_guarded_and_not_repeated(served: Served, sent: bytes):
    address = urlsplit(served.base)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(sent)
    answer = (await reader.read()).decode()
    writer.close()

    assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.0 400 "))
    assert all(f"{name}: {value}" in answer for name, value in SNAPSHOT.items())
    assert "canary" not in answer
    assert "nonsense" not in answer


async def test_strict_transport_security_and_a_host_cookie_come_with_https(parts: WebParts):
    https = load_settings({"WAYMARK_PUBLIC_URL": "https://help.example.org"})
    app = build_web(msgspec.structs.replace(parts, settings=https), sample_routes(Sample()))
    async with serving(app) as base, aiohttp.ClientSession(base) as client:
        answer = await client.get("/nothing")

    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"


async def test_an_error_page_is_kind_translated_and_tells_nothing_of_the_inside(served: Served):
    async with served.browser() as browser:
        answer = await browser.get("/broken", **{"Accept-Language": "ar"})
        page = await answer.text()

    assert answer.status == 500
    assert 'dir="rtl"' in page
    assert "حدث خطأ من جهتنا" in page
    assert "CANARY" not in page
    assert "RuntimeError" not in page
    assert answer.headers["X-Request-Id"] in page


async def test_machines_get_codes_instead_of_pages(served: Served):
    async with served.browser() as browser:
        wrong = await browser.get("/nothing", Accept="application/json")
        refused = await browser.client.post("/hook")

        assert await wrong.json() == {"error": "not_found", "status": 404}
        assert await refused.text() == "Forbidden"


async def test_a_full_disk_asks_to_come_back(served: Served):
    async with served.browser() as browser:
        answer = await browser.get("/full")

    assert answer.headers["Retry-After"] == "5"
