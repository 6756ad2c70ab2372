"""On the desk: a held adult whom the words of a request likely name, and what two people say of that."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.desk.request import act_on
from bot.exchange.requests.naming import acts
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form

routes = Routes()


@routes.post("/desk/requests/{id}/named", name="say_not_with", allow=Permission.EXCHANGE_WRITE)
async def say_not_with(request: web.Request) -> web.StreamResponse:
    """The first of two says in writing that the child does not go with this adult."""
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> None:
        acts.say_not_with(tx, hand, request_id, fields.get("dossier", "")[:36], reason=fields.get("reason", ""))

    return await act_on(request, work, notice="saved", typed=fields)


@routes.post("/desk/requests/{id}/named/agree", name="agree_not_with", allow=Permission.EXCHANGE_APPROVE)
async def agree_not_with(request: web.Request) -> web.StreamResponse:
    """The second has read it, and stands by it too."""
    fields, request_id = await form(request), request.match_info["id"]
    dossier = fields.get("dossier", "")[:36]
    return await act_on(request, lambda tx, hand: acts.agree_not_with(tx, hand, request_id, dossier), notice="saved")


@routes.post("/desk/requests/{id}/named/undo", name="undo_not_with", allow=Permission.EXCHANGE_WRITE)
async def undo_not_with(request: web.Request) -> web.StreamResponse:
    """Somebody does not stand by it: the request is stopped again."""
    fields, request_id = await form(request), request.match_info["id"]
    dossier = fields.get("dossier", "")[:36]
    return await act_on(request, lambda tx, hand: acts.take_back_word(tx, hand, request_id, dossier), notice="saved")
