"""On the desk: what an answer says, told to whoever wrote to us in the words of somebody who has read it."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.desk.request import act_on
from bot.exchange.requests import telling
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import SIGNALS

routes = Routes()


@routes.post("/desk/requests/{id}/told", name="tell_answer", allow=Permission.EXCHANGE_WRITE)
async def tell_answer(request: web.Request) -> web.StreamResponse:
    """The bot hands the officer's words on, in the chat of the case."""
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> None:
        telling.tell_answer(tx, hand, request_id, text=fields.get("told", ""), once=fields.get("once", "")[:36])

    answer = await act_on(request, work, notice="saved", typed=fields)
    request.app[SIGNALS].wake("outbox")
    return answer
