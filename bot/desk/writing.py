"""The person sees that an officer is writing, where their channel can show it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import web

from bot.cases.model import CaseError, CaseNotFound
from bot.cases.writing import where_writing_shows
from bot.desk.frame import hand_of
from bot.desk.ports import ShowsWriting
from bot.kernel.access import Permission
from bot.kernel.web import Routes
from bot.kernel.web_keys import DATABASE, SIGNALS

#: What a channel has not shown by then is old.
SHOWN_WITHIN_SECONDS = 4.0


def writing_routes(channels: Mapping[str, ShowsWriting]) -> Routes:
    """The one route. `channels` are those that must be told, by their names; the web chat hears the signal."""
    routes = Routes()

    @routes.post("/desk/cases/{id}/writing", name="writing", allow=Permission.CASE_ANSWER)
    async def writing(request: web.Request) -> web.StreamResponse:
        """The officer is typing an answer. The page says so every few seconds, and never what."""
        case_id, hand = request.match_info["id"], hand_of(request)
        try:
            shown = await request.app[DATABASE].read(lambda tx: where_writing_shows(tx, hand, case_id))
        except CaseNotFound:
            raise web.HTTPNotFound from None
        except CaseError:
            raise web.HTTPConflict from None
        if shown is not None:
            request.app[SIGNALS].wake(shown.signal)
            channel = channels.get(shown.channel)
            if channel is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SHOWN_WITHIN_SECONDS):
                        await channel.show_writing(shown.address)
        return web.Response(status=204)

    return routes
