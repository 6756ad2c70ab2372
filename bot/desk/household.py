"""Brothers, sisters and people of one household: said in the file of a case, and shown with both."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import household
from bot.cases.hand import Hand, visible
from bot.cases.model import CaseError, CaseNotFound
from bot.desk.case import wake_all
from bot.desk.file import file_screen
from bot.desk.frame import go_to, hand_of
from bot.exchange.holds import placing
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE

routes = Routes()


@routes.post("/desk/cases/{id}/household", name="link_case", allow=Permission.CASE_LINK)
async def link(request: web.Request) -> web.StreamResponse:
    """Two cases belong together."""
    fields = await form(request)
    number, kind, why = fields.get("number", "")[:20], fields.get("kind", ""), fields.get("why", "")

    def work(tx: Connection, hand: Hand, case_id: str) -> None:
        household.link(tx, hand, case_id, number, kind=kind, why=why)
        placing.look_around(tx, hand.vault, case_id, at=hand.at)

    return await _do(request, work, "no_such_case")


@routes.post("/desk/cases/{id}/household/part", name="unlink_case", allow=Permission.CASE_LINK)
async def part(request: web.Request) -> web.StreamResponse:
    """They do not belong together after all."""
    fields = await form(request)
    link_id, why = fields.get("link", "")[:36], fields.get("why", "")
    return await _do(request, lambda tx, hand, case_id: household.unlink(tx, hand, case_id, link_id, why=why), "")


async def _do(
    request: web.Request, work: Callable[[Connection, Hand, str], object], not_found: str
) -> web.StreamResponse:
    """`not_found` is what is said where the other case is not there for this officer."""
    case_id, hand = request.match_info["id"], hand_of(request)

    def write(tx: Connection) -> None:
        visible(tx, hand.officer, case_id, at=hand.at)
        try:
            work(tx, hand, case_id)
        except CaseNotFound:
            raise _NoSuchCase from None

    try:
        await request.app[DATABASE].write(write)
    except _NoSuchCase:
        return await file_screen(request, problem=not_found)
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except CaseError:
        return await file_screen(request, problem="incomplete", typed=await form(request))
    wake_all(request, case_id)
    return go_to(request, "file", id=case_id, notice="saved", part="household")


class _NoSuchCase(Exception):
    """The other case is not there for this officer."""
