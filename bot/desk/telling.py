"""Whether the child was told before something is passed on: asked in the file of a case, sent and kept from there."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web
from multidict import MultiDict

from bot.cases import telling
from bot.cases.model import CaseError, CaseNotFound, NotSafeNow
from bot.cases.telling import Said
from bot.conversations.service import Watched
from bot.desk.case import wake_all
from bot.desk.file import file_screen
from bot.desk.frame import go_to, hand_of
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE

routes = Routes()


@routes.post("/desk/cases/{id}/told", name="told_first", allow=Permission.CONSENT_RECORD)
async def keep(request: web.Request) -> web.StreamResponse:
    """Keep the answer; or send the words to the child now, and keep that they were told with them."""
    case_id, fields, hand = request.match_info["id"], await form(request), hand_of(request)
    said, once = _said(fields), fields.get("once", "")[:36]
    work = telling.tell if fields.get("how") == "send" else telling.record
    try:
        await request.app[DATABASE].write(lambda tx: work(tx, hand, case_id, said, once=once))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except Watched:
        return await file_screen(request, problem="told_watched", typed=fields)
    except NotSafeNow:
        return await file_screen(request, problem="told_unsafe", typed=fields)
    except CaseError:
        return await file_screen(request, problem="incomplete", typed=fields)
    wake_all(request, case_id)
    return go_to(request, "file", id=case_id, notice="saved", part="told")


def _said(fields: MultiDict[str]) -> Said:
    about, whom = fields.get("about", "")[:36], fields.get("whom", "")
    if fields.get("how") == "not":
        return Said(about, whom, words=fields.get("more", ""), why_not=fields.get("why_not", ""))
    hours = int(fields["ago"]) if fields.get("ago") in {str(each) for each in telling.TOLD_AGO} else 0
    told = fields.get("how") in ("send", "told")
    return Said(about, whom, told_ago=timedelta(hours=hours) if told else None, words=fields.get("words", ""))
