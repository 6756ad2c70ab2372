"""A picture, a voice note or a file of a talk on the screen: looked at on a click, heard, taken as evidence, sent."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import attachments
from bot.cases.attachments import UnfitFile
from bot.cases.model import CaseNotFound, NotAllowedNow
from bot.cases.reasons import WHY_ORIGINAL
from bot.conversations.attachments.model import INLINE, LARGEST_SENT, UNKNOWN, State
from bot.conversations.attachments.service import NoFile, Readable
from bot.conversations.service import Watched
from bot.desk.case import case_screen, move, not_sent, send_typed, wake_all
from bot.desk.frame import go_to, hand_of, show
from bot.desk.queue import officer_names
from bot.kernel.access import Permission, allows
from bot.kernel.ranges import answer_in_stretches
from bot.kernel.uploads import uploaded
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE, OFFICER, SIGNALS, VAULT

routes = Routes()

#: The file and the fields beside it.
SENT_CAP = LARGEST_SENT + 64 * 1024


@routes.get("/desk/cases/{id}/files/{file}", name="attachment", allow=Permission.CASE_READ)
async def show_attachment(request: web.Request) -> web.StreamResponse:
    return await _screen(request)


async def _screen(request: web.Request, *, status: int = 200) -> web.Response:
    hand, case_id, file_id = hand_of(request), request.match_info["id"], request.match_info["file"]

    def read(tx: Connection) -> dict[str, Any]:
        case, file = attachments.look(tx, hand, case_id, file_id)
        return {
            "case": case,
            "file": file,
            "names": officer_names(tx),
            "reasons": WHY_ORIGINAL,
            "opens_original": allows(request[OFFICER], Permission.EVIDENCE_OPEN, case),
            "again": file.state is State.LOST
            and file.incoming
            and allows(request[OFFICER], Permission.CASE_ANSWER, case),
            "incomplete": status != 200,
        }

    try:
        return await show(request, "desk/attachment.html", read, here="case", writes=True, status=status)
    except CaseNotFound:
        raise web.HTTPNotFound from None


@routes.get("/desk/cases/{id}/files/{file}/copy", name="attachment_copy", allow=Permission.CASE_READ)
async def copy(request: web.Request) -> web.StreamResponse:
    """The copy without hidden facts: shown in the page where that is safe, else to be saved."""
    hand, case_id, file_id = hand_of(request), request.match_info["id"], request.match_info["file"]
    try:
        found, readable = await request.app[DATABASE].write(
            lambda tx: attachments.open_copy(tx, hand, case_id, file_id)
        )
    except CaseNotFound:
        raise web.HTTPNotFound from None
    inline = found.can_be_shown and found.type in INLINE
    return await _answer(request, readable, readable.type if inline else UNKNOWN, "inline" if inline else "attachment")


@routes.post("/desk/cases/{id}/files/{file}/original", name="attachment_original", allow=Permission.EVIDENCE_OPEN)
async def original(request: web.Request) -> web.StreamResponse:
    """The original as it came, to be saved and never shown: for a reason that is written down."""
    hand, case_id, file_id = hand_of(request), request.match_info["id"], request.match_info["file"]
    why = (await form(request)).get("why", "")
    try:
        readable = await request.app[DATABASE].write(
            lambda tx: attachments.open_original(tx, hand, case_id, file_id, why=why)
        )
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotAllowedNow:
        return await case_screen(request, status=409, problem="too_late")
    except ValueError:
        return await _screen(request, status=400)
    wake_all(request, case_id)
    return await _answer(request, readable, UNKNOWN, "attachment")


@routes.post("/desk/cases/{id}/files/{file}/again", name="fetch_file_again", allow=Permission.CASE_ANSWER)
async def fetch_again(request: web.Request) -> web.StreamResponse:
    """Look once more for a file that could not be fetched."""
    file_id = request.match_info["file"]
    moved = await move(
        request, lambda tx, hand, case_id: attachments.fetch_again(tx, hand, case_id, file_id), notice="fetched_again"
    )
    request.app[SIGNALS].wake("attachments")
    return moved


async def _answer(request: web.Request, readable: Readable, content_type: str, disposition: str) -> web.StreamResponse:
    database, vault = request.app[DATABASE], request.app[VAULT]

    async def read(offset: int, length: int) -> bytes:
        return await database.read(lambda tx: readable.read(tx, vault, offset, length))

    try:
        return await answer_in_stretches(
            request,
            read,
            size=readable.size,
            content_type=content_type,
            disposition=f'{disposition}; filename="{readable.name}"',
        )
    except NoFile:  # erased in this moment
        raise web.HTTPNotFound from None


@routes.post("/desk/cases/{id}/files", name="send_file", allow=Permission.CASE_ANSWER, body_cap=SENT_CAP, files=True)
async def send_file(request: web.Request) -> web.StreamResponse:
    """Send a picture or a PDF to the person, by the very path of an answer in words."""
    fields = await form(request)
    try:
        await send_typed(request, fields, uploaded(request, "file"))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except (UnfitFile, NotAllowedNow, Watched) as refused:
        return await not_sent(request, refused, fields)
    return go_to(request, "case", id=request.match_info["id"], part="write")
