"""The files of a request between countries on the desk: attached, taken off, saved. None is ever shown in a page."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.conversations.attachments.model import LARGEST_SENT
from bot.desk.frame import go_to, hand_of, save_as
from bot.desk.request import act_on
from bot.exchange.requests.attachments import service
from bot.exchange.requests.attachments.service import Wanted
from bot.exchange.requests.model import NotNow, RequestNotFound
from bot.kernel.access import Permission
from bot.kernel.uploads import uploaded
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE

routes = Routes()

#: The file and the fields beside it.
UPLOAD_CAP = LARGEST_SENT + 64 * 1024


@routes.post(
    "/desk/requests/{id}/files", name="attach_file", allow=Permission.EXCHANGE_WRITE, body_cap=UPLOAD_CAP, files=True
)
async def attach(request: web.Request) -> web.StreamResponse:
    """Attach a file of the case or of the officer's own disk. Where the partner has accepted, it leaves at once."""
    fields, request_id = await form(request), request.match_info["id"]
    content, chosen = uploaded(request, "file"), fields.get("of_case", "")[:36]
    wanted = Wanted(fields.get("title", ""), fields.get("data", ""), fields.get("line", "")[:36])
    once, why = fields.get("once", "")[:36], fields.get("why", "")

    def work(tx: Connection, hand: Hand) -> object:
        if chosen and not content:
            return service.attach_of_case(tx, hand, request_id, chosen, wanted, why=why, once=once)
        return service.attach_upload(tx, hand, request_id, content, wanted, once=once)

    return await act_on(request, work, notice="saved", typed=fields)


@routes.post("/desk/requests/{id}/files/take-off", name="take_off_file", allow=Permission.EXCHANGE_WRITE)
async def take_off(request: web.Request) -> web.StreamResponse:
    """A file that has not left is not attached any more."""
    fields, request_id = await form(request), request.match_info["id"]
    file_id = fields.get("file", "")[:36]
    return await act_on(request, lambda tx, hand: service.take_off(tx, hand, request_id, file_id))


@routes.get("/desk/requests/{id}/files/{file}", name="attached_file", allow=Permission.EXCHANGE_READ)
async def save_file(request: web.Request) -> web.StreamResponse:
    """A file, to be saved: whatever it is, no browser runs or shows it here."""
    hand, request_id, file_id = hand_of(request), request.match_info["id"], request.match_info["file"]
    try:
        file, content = await request.app[DATABASE].write(lambda tx: service.open_file(tx, hand, request_id, file_id))
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except NotNow:  # it is gone, or not here yet: the page of the request says which
        return go_to(request, "request", id=request_id)
    return save_as(file.name, content)
