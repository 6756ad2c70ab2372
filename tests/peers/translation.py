"""A translation server of our own: it speaks LibreTranslate's API, remembers what it was asked, and can be ill."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web


class FakeTranslation:
    """What it was sent, and how it answers. A translation is the text with its two languages before it."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.languages = {"en", "fr", "es", "ar"}
        self.key = ""
        self.ill: web.Response | None = None
        self.url = ""

    async def translate(self, request: web.Request) -> web.Response:
        said = await request.json()
        self.asked.append(said)
        if self.ill is not None:
            return self.ill
        if self.key and said.get("api_key") != self.key:
            return web.json_response({"error": "Invalid API key"}, status=403)
        for name in ("source", "target"):
            if said[name] not in self.languages:
                return web.json_response({"error": f"{said[name]} is not supported"}, status=400)
        made = [f"[{said['source']} to {said['target']}] {text}" for text in said["q"]]
        return web.json_response({"translatedText": made})


@contextlib.asynccontextmanager
async def running_translation() -> AsyncIterator[FakeTranslation]:
    """The server on a port of this machine."""
    fake, app = FakeTranslation(), web.Application()
    app.router.add_post("/translate", fake.translate)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
