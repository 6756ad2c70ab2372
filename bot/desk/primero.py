"""Files for and from agencies that work with Primero: written on a consent, taken in as cases to be looked at."""

from __future__ import annotations

from aiohttp import web

from bot.cases import searches
from bot.cases.intake import AlreadyOpen
from bot.cases.model import CaseError, CaseNotFound, MayBeFeared, NotToldFirst
from bot.cases.ports import Adults
from bot.cases.primero import service
from bot.cases.primero.model import LONGEST_FILE, CannotRead, FieldMap, map_of
from bot.cases.primero.service import NoConsent
from bot.desk.arrivals import arrivals_screen
from bot.desk.case import wake_all
from bot.desk.file import file_screen
from bot.desk.frame import go_to, hand_of
from bot.kernel.access import Permission
from bot.kernel.uploads import uploaded
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE, SETTINGS

#: A form with a file, and what is around it.
UPLOAD_CAP = LONGEST_FILE + 64 * 1024


def _fields(request: web.Request) -> FieldMap:
    return map_of(request.app[SETTINGS].data_dir)


def primero_routes(adults: Adults) -> Routes:
    """The routes of Primero files: `adults` says whom the child is kept from."""
    routes = Routes()

    @routes.post("/desk/cases/{id}/primero", name="write_primero", allow=Permission.REFERRAL_SEND)
    async def write(request: web.Request) -> web.StreamResponse:
        return await _write(request, adults)

    @routes.post(
        "/desk/arrivals/primero", name="bring_primero", allow=Permission.CASE_OPEN, body_cap=UPLOAD_CAP, files=True
    )
    async def bring(request: web.Request) -> web.StreamResponse:
        return await _bring(request)

    return routes


async def _write(request: web.Request, adults: Adults) -> web.StreamResponse:
    """The file, once: that it left stands in the ledger before it is read."""
    hand, case_id, country = hand_of(request), request.match_info["id"], request.app[SETTINGS].country
    consent_id, fields = (await form(request)).get("consent", "")[:36], _fields(request)
    try:
        made = await request.app[DATABASE].write(
            lambda tx: service.hand_over(
                tx, hand, case_id, consent_id, fields=fields, own_country=country, adults=adults
            )
        )
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NoConsent:
        return await file_screen(request, problem="no_consent")
    except NotToldFirst:
        return await file_screen(request, problem="not_told")
    except MayBeFeared:
        return await file_screen(request, problem="feared")
    except CaseError:
        return await file_screen(request, problem="too_late")
    wake_all(request, case_id)
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return web.Response(body=made.content, content_type="application/json", headers=headers)


async def _bring(request: web.Request) -> web.StreamResponse:
    hand, fields, typed = hand_of(request), _fields(request), await form(request)
    content, another = uploaded(request, "file"), bool(typed.get("another"))
    try:
        cases = await request.app[DATABASE].write(
            lambda tx: service.bring(tx, hand, content, fields=fields, another_person=another)
        )
    except CannotRead:
        return await arrivals_screen(request, problem="no_primero")
    except AlreadyOpen:  # that somebody like this is known was learnt by a file: that is a search, too
        await request.app[DATABASE].write(lambda tx: searches.tell(tx, hand, []))
        return await arrivals_screen(request, problem="already_open")
    except CaseError:
        return await arrivals_screen(request, problem="incomplete")
    for case in cases:
        wake_all(request, case.id)
    if len(cases) == 1:
        return go_to(request, "case", id=cases[0].id, notice="brought")
    return go_to(request, "queue", notice="brought")
