"""On the desk: a hold that a partner told us of, and what people here say of its end."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.desk.request import act_on
from bot.exchange.requests import hold_endings, hold_notices
from bot.exchange.requests.hold_endings import FocalSays
from bot.exchange.requests.model import Incomplete
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form

routes = Routes()


@routes.post("/desk/requests/{id}/hold/agree", name="agree_to_their_hold", allow=Permission.HOLD_RELEASE)
async def agree_to_their_hold(request: web.Request) -> web.StreamResponse:
    """As another body, say to the partner who placed a hold that it may end."""
    fields, request_id = await form(request), request.match_info["id"]
    hold = fields.get("hold", "")[:36]
    return await act_on(request, lambda tx, hand: hold_notices.agree_to_their_hold(tx, hand, request_id, hold))


@routes.post("/desk/requests/{id}/hold/focal", name="focal_point_asked", allow=Permission.HOLD_END_TOLD)
async def focal_point_asked(request: web.Request) -> web.StreamResponse:
    """The partner cannot be heard any more: the focal point was asked."""
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> None:
        if fields.get("said") not in set(FocalSays):
            raise Incomplete(["said"])
        said = FocalSays(fields["said"])
        hold_endings.focal_point_asked(tx, hand, request_id, fields.get("hold", "")[:36], said)

    return await act_on(request, work, notice="saved")


@routes.post("/desk/requests/{id}/hold/end", name="end_told_hold", allow=Permission.HOLD_END_TOLD)
async def end_told_hold(request: web.Request) -> web.StreamResponse:
    """One of two people of two roles says in writing that it may end."""
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> bool:
        hold, role, reason = fields.get("hold", "")[:36], fields.get("role", ""), fields.get("reason", "")
        return hold_endings.agree_to_end(tx, hand, request_id, hold, role=role, reason=reason)

    return await act_on(request, work, notice="saved", typed=fields)
