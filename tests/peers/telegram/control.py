"""`/control/…`: what a test in another process does to the fake and asks of it. JSON in, JSON out."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.peers.telegram.faults import Faults

if TYPE_CHECKING:
    from tests.peers.telegram.server import FakeTelegram


def add_routes(app: web.Application, telegram: FakeTelegram) -> None:
    desk = _Control(telegram)
    app.router.add_post("/control/say", desk.say)
    app.router.add_post("/control/tap", desk.tap)
    app.router.add_post("/control/update", desk.update)
    app.router.add_post("/control/file", desk.file)
    app.router.add_post("/control/chat", desk.chat)
    app.router.add_post("/control/ids", desk.ids)
    app.router.add_post("/control/faults", desk.faults)
    app.router.add_get("/control/sent", desk.sent)
    app.router.add_get("/control/calls", desk.calls)
    app.router.add_get("/control/taps", desk.taps)
    app.router.add_get("/control/updates", desk.updates)


class _Control:
    def __init__(self, telegram: FakeTelegram) -> None:
        self._telegram = telegram
        self._ledger = telegram.ledger

    async def say(self, request: web.Request) -> web.Response:
        """`{"chat_id": 7, "text": "hello"}`, or `{"messages": [...]}` for many at once."""
        body = await request.json()
        if "messages" in body:
            return web.json_response([self._telegram.say(**message) for message in body["messages"]])
        return web.json_response(self._telegram.say(**body))

    async def tap(self, request: web.Request) -> web.Response:
        """`{"chat_id": 7, "message_id": 103, "button": "Talk to a person"}` (title, index, or raw `data`)."""
        body = await request.json()
        try:
            return web.json_response({"tap_id": self._telegram.tap(**body)})
        except (LookupError, StopIteration) as missing:
            return web.json_response({"error": str(missing) or "no such button"}, status=404)

    async def update(self, request: web.Request) -> web.Response:
        """`{"kind": "message", "chat_id": 7, "update": {...}}`: an update exactly as given."""
        body = await request.json()
        return web.json_response({"update_id": self._telegram.put(body["kind"], body.get("chat_id"), body["update"])})

    async def file(self, request: web.Request) -> web.Response:
        body = await request.json()
        file_id = self._telegram.add_file(base64.b64decode(body["content"]), body.get("suffix", "bin"))
        return web.json_response({"file_id": file_id})

    async def chat(self, request: web.Request) -> web.Response:
        """`{"chat_id": 7, "blocked": true}`; a chat the bot has not met is made known."""
        body: dict[str, Any] = await request.json()
        self._ledger.meet(body["chat_id"], body.get("kind", "private"))
        if "blocked" in body:
            self._ledger.change_chat(body["chat_id"], blocked=int(body["blocked"]))
        return web.json_response({})

    async def ids(self, request: web.Request) -> web.Response:
        self._ledger.continue_update_ids_at((await request.json())["next_update_id"])
        return web.json_response({})

    async def faults(self, request: web.Request) -> web.Response:
        """Replaces what was set before; `{}` ends all faults."""
        self._telegram.faults = Faults.from_json(await request.json())
        return web.json_response({})

    async def sent(self, request: web.Request) -> web.Response:
        """Delivered messages; `?chat_id=7&after=12`, and `&count=3&timeout=10` waits until there are so many."""
        query = request.query
        chat_id = int(query["chat_id"]) if "chat_id" in query else None
        after, count = int(query.get("after", 0)), int(query.get("count", 0))
        await self._telegram.until(
            lambda: len(self._ledger.sent(chat_id, after)) >= count, float(query.get("timeout", 10))
        )
        return web.json_response(self._ledger.sent(chat_id, after))

    async def calls(self, request: web.Request) -> web.Response:
        return web.json_response(self._ledger.calls(request.query.get("method")))

    async def taps(self, _request: web.Request) -> web.Response:
        return web.json_response(self._ledger.taps())

    async def updates(self, request: web.Request) -> web.Response:
        """How many wait, and all of them with when they were given and confirmed unless `?count`."""
        found: dict[str, Any] = {"waiting": self._ledger.count_waiting()}
        if "count" not in request.query:
            found["all"] = self._ledger.all_updates()
        return web.json_response(found)
