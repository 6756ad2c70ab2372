"""The queue: who waits, the most urgent first. And the officer's own cases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import consult, handover, panel, service
from bot.cases.choosing import AtCapacity
from bot.cases.model import CaseError, CaseNotFound
from bot.cases.record import service as record
from bot.cases.referrals import service as referrals
from bot.desk.frame import frame_from, go_to, hand_of, screen, show
from bot.desk.looking import looks_of
from bot.desk.rows import case_rows
from bot.kernel.access import Permission
from bot.kernel.officers import list_officers
from bot.kernel.web import Routes
from bot.kernel.web_keys import DATABASE, LANGUAGE, OFFICER, SIGNALS, VAULT
from bot.kernel.words import N_

routes = Routes()

#: How long one sees what became of what one offered.
OFFERS_SHOWN = timedelta(days=2)
OFFER_STATES = {
    "offered": N_("waits for an answer"),
    "accepted": N_("accepted"),
    "declined": N_("declined"),
    "withdrawn": N_("taken back"),
    "lapsed": N_("not answered in time"),
}


@routes.get("/desk", name="desk", allow=Permission.DESK_ENTER)
async def enter(request: web.Request) -> web.StreamResponse:
    """Everyone starts where their work is."""
    roles = {role.value for role in request[OFFICER].roles}
    if roles & {"officer", "coordinator"}:
        return go_to(request, "queue")
    return go_to(request, "officers" if "admin" in roles else "texts")


@routes.get("/desk/queue", name="queue", allow=Permission.QUEUE_READ)
async def show_queue(request: web.Request) -> web.StreamResponse:
    return await queue_screen(request)


@routes.get("/desk/find", name="find_case", allow=Permission.QUEUE_READ)
async def find_case(request: web.Request) -> web.StreamResponse:
    """Opens the case with the number somebody read out. One that is not theirs to see is not found."""
    hand, number = hand_of(request), request.query.get("number", "")
    if not number.strip():
        return go_to(request, "queue")
    try:
        case_id = await request.app[DATABASE].read(lambda tx: service.id_of_number(tx, hand, number))
    except CaseNotFound:
        return await queue_screen(request, status=404, missing=True)
    return go_to(request, "case", id=case_id)


async def queue_screen(
    request: web.Request, *, status: int = 200, gone: bool = False, missing: bool = False
) -> web.Response:
    """The queue; `gone` says that the case somebody reached for is not there to be taken, `missing` that there is none
    with the number they gave."""
    app, officer, hand, language = request.app, request[OFFICER], hand_of(request), request[LANGUAGE]
    # Recorded before a word of it is read, and by itself: a reading of hundreds must not hold up who writes.
    await app[DATABASE].write(lambda tx: service.note_queue_read(tx, hand))
    seen = await looks_of(app).soon(app)
    matter = {
        "gone": gone,
        "missing": missing,
        "queue_rows": seen.queue_rows(app, officer, language),
        "own_rows": case_rows(app, language, seen.board.own_of(officer), held=seen.held, now=seen.board.at),
        "counts": tuple(seen.board.queue_of(officer).counts.items()),
    }
    return screen(request, "desk/queue.html", matter, frame_from(seen, officer), here="queue", status=status)


@routes.post("/desk/queue/next", name="take_next", allow=Permission.CASE_CLAIM)
async def take_next(request: web.Request) -> web.StreamResponse:
    """Give the officer the most urgent case that waits."""
    hand = hand_of(request)
    try:
        case = await request.app[DATABASE].write(lambda tx: service.claim_next(tx, hand))
    except AtCapacity:
        return go_to(request, "queue", notice="full")
    except CaseError:  # a colleague was quicker in this very moment
        return go_to(request, "queue", notice="nobody")
    request.app[SIGNALS].wake("queue", "outbox", "pages")
    if case is None:
        return go_to(request, "queue", notice="nobody")
    return go_to(request, "case", id=case.id, notice="taken")


@routes.get("/desk/mine", name="mine", allow=Permission.QUEUE_READ)
async def show_mine(request: web.Request) -> web.StreamResponse:
    """The cases an officer holds, those they closed last, and what colleagues hold for those who coordinate."""
    officer, vault, hand = request[OFFICER], request.app[VAULT], hand_of(request)

    def read(tx: Connection) -> dict[str, Any]:
        service.note_queue_read(tx, hand)
        return {
            "own": service.look_at_own(tx, vault, officer),
            "closed": service.look_at_closed(tx, vault, officer),
            "others": service.look_at_others(tx, vault, officer),
            "owners": officer_names(tx),
            "offers": handover.offers_to(tx, vault, officer),
            "questions": consult.asked_of(tx, vault, officer, at=hand.at),
            "seats": panel.seats_of_officer(tx, vault, officer),
            "offered": handover.offers_from(tx, vault, officer, since=hand.at - OFFERS_SHOWN),
            "offer_states": OFFER_STATES,
            "colleagues": handover.colleagues(tx, besides=officer.id),
            "silent": referrals.silent_ones(tx, hand),
            "tasks": record.tasks_of_owner(tx, vault, officer),
            "risk_tasks": record.MADE_TASKS,
        }

    return await show(request, "desk/mine.html", read, here="mine", writes=True)


def officer_names(tx: Connection) -> dict[str, str]:
    """Names by id, for "with Amira"."""
    return {officer.id: officer.name for officer in list_officers(tx)}
