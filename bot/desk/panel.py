"""The panel of a best-interests determination: who is named for it in the file, and the page of a member."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import panel
from bot.cases.handover import NobodyThere
from bot.cases.model import CaseError, CaseNotFound
from bot.desk.case import wake_all
from bot.desk.file import file_screen
from bot.desk.frame import go_to, hand_of, show
from bot.desk.queue import officer_names
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE

routes = Routes()


@routes.get("/desk/cases/{id}/panel", name="panel", allow=Permission.PANEL_READ)
async def show_papers(request: web.Request) -> web.StreamResponse:
    return await _screen(request)


async def _screen(request: web.Request, *, problem: bool = False, typed: str = "") -> web.StreamResponse:
    """What a member reads, and where they write. `typed` gives back what could not be kept."""
    hand, case_id = hand_of(request), request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        papers = panel.read_papers(tx, hand, case_id)
        return {
            "papers": papers,
            "case": papers.seat.case,
            "names": officer_names(tx),
            "problem": problem,
            "typed": typed,
            "longest": panel.LONGEST_VIEW,
        }

    try:
        return await show(request, "desk/panel.html", read, here="mine", writes=True, status=409 if problem else 200)
    except CaseError:
        raise web.HTTPNotFound from None


@routes.post("/desk/cases/{id}/panel", name="panel", allow=Permission.PANEL_WRITE)
async def write_view(request: web.Request) -> web.StreamResponse:
    """Keep what a member thinks."""
    case_id, hand, view = request.match_info["id"], hand_of(request), (await form(request)).get("view", "")
    try:
        await request.app[DATABASE].write(lambda tx: panel.write_view(tx, hand, case_id, view))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except CaseError:
        return await _screen(request, problem=True, typed=view)
    wake_all(request, case_id)
    return go_to(request, "panel", id=case_id, notice="saved")


@routes.post("/desk/cases/{id}/panel/members", name="name_member", allow=Permission.PANEL_NAME)
async def name_member(request: web.Request) -> web.StreamResponse:
    member = (await form(request)).get("member", "")[:36]
    return await _in_file(request, lambda tx: panel.name_member(tx, hand_of(request), request.match_info["id"], member))


@routes.post("/desk/cases/{id}/panel/members/end", name="end_seat", allow=Permission.PANEL_NAME)
async def end_seat(request: web.Request) -> web.StreamResponse:
    member = (await form(request)).get("member", "")[:36]
    return await _in_file(request, lambda tx: panel.end_seat(tx, hand_of(request), request.match_info["id"], member))


async def _in_file(request: web.Request, work: Callable[[Connection], None]) -> web.StreamResponse:
    case_id = request.match_info["id"]
    try:
        await request.app[DATABASE].write(work)
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NobodyThere:
        return await file_screen(request, problem="nobody_there")
    except CaseError:
        return await file_screen(request, problem="too_late")
    wake_all(request, case_id)
    return go_to(request, "file", id=case_id, notice="saved", part="panel")
