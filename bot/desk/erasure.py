"""Erasing on the screen: one officer proposes it, another who coordinates does it for ever, or leaves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import erasure
from bot.cases.erasure import NotErased
from bot.cases.model import CaseError, CaseNotFound
from bot.cases.ports import Eraser
from bot.desk.case import case_screen, wake_all
from bot.desk.frame import go_to, hand_of
from bot.kernel.access import Permission
from bot.kernel.web import Routes
from bot.kernel.web_keys import DATABASE


def erasure_routes(eraser: Eraser) -> Routes:
    """The acts. What they need to know of other rooms is asked of `eraser`."""
    routes = Routes()

    @routes.post("/desk/cases/{id}/erasure", name="propose_erasure", allow=Permission.CASE_PROPOSE_ERASURE)
    async def propose(request: web.Request) -> web.StreamResponse:
        hand, case_id = hand_of(request), request.match_info["id"]
        return await _do(request, lambda tx: erasure.propose(tx, hand, eraser, case_id), notice="erasure_proposed")

    @routes.post("/desk/cases/{id}/erasure/keep", name="keep_words", allow=Permission.CASE_PROPOSE_ERASURE)
    async def keep(request: web.Request) -> web.StreamResponse:
        hand, case_id = hand_of(request), request.match_info["id"]
        return await _do(request, lambda tx: erasure.turn_down(tx, hand, case_id), notice="saved")

    @routes.post("/desk/cases/{id}/erasure/carry-out", name="erase_words", allow=Permission.CASE_ERASE)
    async def carry_out(request: web.Request) -> web.StreamResponse:
        """For ever. Afterwards nothing older of it stays in the log of an embedded database either."""
        hand, case_id = hand_of(request), request.match_info["id"]
        answer = await _do(request, lambda tx: erasure.carry_out(tx, hand, eraser, case_id), notice="erased")
        if answer.status == web.HTTPSeeOther.status_code:
            await request.app[DATABASE].clear_log()
        return answer

    return routes


async def _do(request: web.Request, work: Callable[[Connection], Any], *, notice: str) -> web.StreamResponse:
    case_id = request.match_info["id"]
    try:
        await request.app[DATABASE].write(work)
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotErased as refused:
        return await case_screen(request, status=409, problem="not_erased", obstacles=refused.obstacles)
    except CaseError:
        return await case_screen(request, status=409, problem="too_late")
    wake_all(request, case_id)
    return go_to(request, "case", id=case_id, notice=notice)
