"""A machine that calls by the thousand gets what anybody gets, only sooner."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

import msgspec
import pytest

from bot.kernel.settings import load_settings
from bot.kernel.web import WebParts, build_web
from tests.integration.kernel.conftest import Sample, Served, sample_routes, serving


async def said(base: str, sent: bytes, *, answers: int = 1) -> list[bytes]:
    """So many answers without a body, over one connection."""
    address = urlsplit(base)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(sent)
    heads = [await reader.readuntil(b"\r\n\r\n") for _ in range(answers)]
    writer.close()
    assert not await reader.read()
    return heads


def call(path: str, *, version: str = "1.1", more: str = "", body: bytes = b"hello") -> bytes:
    return f"POST {path} HTTP/{version}\r\nHost: a\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def shape(answer: bytes) -> tuple[str, dict[str, str]]:
    """Status line and headers, without what differs at each call."""
    status, *lines = answer.decode().strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers.pop("Date"))
    assert re.fullmatch(r"[0-9a-f]{16}", headers.pop("X-Request-Id"))
    return status, headers


@pytest.mark.parametrize("how", [{}, {"version": "1.0"}, {"more": "Connection: close\r\n"}])
async def test_it_is_answered_as_every_machine_is(served: Served, how: dict[str, str]):
    (thanks,), (plain,) = (
        await said(served.base, call("/thanks", **how)),
        await said(served.base, call("/plain", **how)),
    )

    assert shape(thanks) == shape(plain)


async def test_it_is_answered_so_over_https_too(parts: WebParts):
    https = load_settings({"WAYMARK_PUBLIC_URL": "https://help.example.org"})
    app = build_web(msgspec.structs.replace(parts, settings=https), sample_routes(Sample()))
    async with serving(app) as base:
        (thanks,), (plain,) = await said(base, call("/thanks")), await said(base, call("/plain"))

    assert shape(thanks) == shape(plain)
    assert "Strict-Transport-Security" in shape(thanks)[1]


async def test_a_connection_carries_one_after_the_other(served: Served):
    sent = call("/thanks", body=b"one") + call("/plain") + call("/thanks", body=b"two")
    answers = await said(served.base, sent, answers=3)

    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 OK"}
    assert served.sample.received == [b"one", b"two"]
    assert len({re.findall(rb"X-Request-Id: (\w+)", answer)[0] for answer in answers}) == 3
