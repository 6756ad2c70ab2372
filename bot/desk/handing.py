"""Handing cases over: one to a colleague with a word, several at once, everything of somebody who is gone. And how
urgent a case is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import choosing, consult, handover, urgency
from bot.cases.handover import NobodyThere
from bot.cases.model import CaseError, CaseNotFound
from bot.desk.case import case_screen, move, wake_all
from bot.desk.frame import NotDone, act, go_to, hand_of, show
from bot.kernel.access import Permission
from bot.kernel.officers import get_officer
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE
from dialogues.understanding.model import Priority

routes = Routes()


@routes.post("/desk/cases/{id}/offer", name="offer", allow=Permission.CASE_HAND_OVER)
async def offer(request: web.Request) -> web.StreamResponse:
    """Offer a case to a colleague. They see the note and the whole case, and it is theirs when they accept."""
    return await _with_a_colleague(request, handover.offer, named="to", typed_in="offer", notice="offered")


async def _with_a_colleague(
    request: web.Request, work: Callable[..., Any], *, named: str, typed_in: str, notice: str
) -> web.StreamResponse:
    """What an officer does with the colleague chosen in the field `named`, and with a note."""
    case_id, fields, hand = request.match_info["id"], await form(request), hand_of(request)
    chosen = {named: fields.get(named, "")[:36], "note": fields.get("note", "")}
    try:
        await request.app[DATABASE].write(lambda tx: work(tx, hand, case_id, **chosen))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except CaseError as error:
        problem = "nobody_there" if isinstance(error, NobodyThere) else "incomplete"
        return await case_screen(request, status=409, problem=problem, typed_in=typed_in, typed=fields)
    wake_all(request, case_id)
    return go_to(request, "case", id=case_id, notice=notice)


@routes.post("/desk/cases/{id}/accept", name="accept", allow=Permission.CASE_ACCEPT)
async def accept(request: web.Request) -> web.StreamResponse:
    return await move(request, handover.accept, notice="taken")


@routes.post("/desk/cases/{id}/decline", name="decline", allow=Permission.CASE_ACCEPT)
async def decline(request: web.Request) -> web.StreamResponse:
    return await move(request, handover.decline, then="mine", notice="declined")


@routes.post("/desk/cases/{id}/withdraw-offer", name="withdraw_offer", allow=Permission.CASE_HAND_OVER)
async def withdraw(request: web.Request) -> web.StreamResponse:
    return await move(request, handover.withdraw, notice="saved")


@routes.post("/desk/cases/{id}/urgency", name="urgency", allow=Permission.CASE_RAISE)
async def judge_urgency(request: web.Request) -> web.StreamResponse:
    """Say that the case is more or less urgent than it was heard."""
    case_id, fields, hand = request.match_info["id"], await form(request), hand_of(request)
    try:
        priority = Priority(fields.get("priority", ""))
        await act(request, lambda tx: urgency.judge(tx, hand, case_id, priority, why=fields.get("why", "")))
    except ValueError:
        return await case_screen(request, status=409, problem="incomplete", typed_in="urgency", typed=fields)
    except NotDone:
        problem = "too_late" if fields.get("why", "").strip() else "incomplete"
        return await case_screen(request, status=409, problem=problem, typed_in="urgency", typed=fields)
    wake_all(request, case_id)
    return go_to(request, "case", id=case_id, notice="saved")


@routes.post("/desk/cases/{id}/ask", name="ask_colleague", allow=Permission.CASE_CONSULT)
async def ask(request: web.Request) -> web.StreamResponse:
    """Ask a colleague for their view. They read the case and can write a note; it stays where it is."""
    return await _with_a_colleague(request, consult.ask, named="of", typed_in="ask", notice="asked")


@routes.post("/desk/cases/{id}/ask/end", name="end_question", allow=Permission.CASE_CONSULT)
async def end_question(request: web.Request) -> web.StreamResponse:
    of = (await form(request)).get("of", "")[:36]
    return await move(request, lambda tx, hand, case_id: consult.take_back(tx, hand, case_id, of=of), notice="saved")


@routes.post("/desk/cases/{id}/ask/answered", name="question_answered", allow=Permission.CASE_READ)
async def question_answered(request: web.Request) -> web.StreamResponse:
    """Whoever was asked has said what they think."""
    return await move(request, consult.answered, then="mine", notice="answered")


@routes.post("/desk/mine/several", name="several", allow=Permission.CASE_HAND_OVER)
async def several(request: web.Request) -> web.StreamResponse:
    """Release or offer the cases that were ticked: all of them or, if one is not theirs to move, none."""
    fields, hand = await form(request), hand_of(request)
    case_ids, to, note = fields.getall("case", []), fields.get("to", "")[:36], fields.get("note", "")

    def work(tx: Connection) -> int:
        if to:
            return handover.offer_several(tx, hand, case_ids, to=to, note=note)
        return handover.release_several(tx, hand, case_ids)

    try:
        await act(request, work, "queue", "pages", "outbox", *(f"case:{case_id}" for case_id in case_ids))
    except (web.HTTPNotFound, NotDone):
        return go_to(request, "mine", notice="none_of_them")
    return go_to(request, "mine", notice="offered_all" if to else "released_all")


@routes.get("/desk/absent/{officer}", name="absent", allow=Permission.CASE_HAND_OVER_ALL)
async def show_absent(request: web.Request) -> web.StreamResponse:
    """One officer as whoever coordinates sees them: what they hold, how much they can, what they are trained for."""
    officer_id = request.match_info["officer"]

    def read(tx: Connection) -> dict[str, Any]:
        who = get_officer(tx, officer_id)
        if who is None:
            raise web.HTTPNotFound
        return {
            "who": who,
            "held": handover.held_by(tx, officer_id),
            "profile": choosing.profile_of(tx, officer_id),
            "skills": {skill: title for skill, (title, _) in choosing.SKILLS.items()},
            "largest": choosing.LARGEST_CAPACITY,
            "colleagues": handover.colleagues(tx, besides=officer_id),
        }

    return await show(request, "desk/absent.html", read, here="officers")


@routes.post("/desk/absent/{officer}/hand-over", name="hand_over_all", allow=Permission.CASE_HAND_OVER_ALL)
async def hand_over_all(request: web.Request) -> web.StreamResponse:
    officer_id, fields, hand = request.match_info["officer"], await form(request), hand_of(request)
    to, note = fields.get("to", "")[:36], fields.get("note", "")

    def work(tx: Connection) -> int:
        if get_officer(tx, officer_id) is None:
            raise CaseNotFound(officer_id)
        return handover.hand_over_all(tx, hand, officer_id, to=to or None, note=note)

    try:
        await request.app[DATABASE].write(work)
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NobodyThere:
        return go_to(request, "absent", officer=officer_id, notice="nobody_there")
    wake_all(request, officer_id)
    return go_to(request, "absent", officer=officer_id, notice="handed_over")


@routes.post("/desk/absent/{officer}/profile", name="set_profile", allow=Permission.CASE_HAND_OVER_ALL)
async def set_profile(request: web.Request) -> web.StreamResponse:
    officer_id, fields, hand = request.match_info["officer"], await form(request), hand_of(request)
    capacity = fields.get("capacity", "")

    def work(tx: Connection) -> None:
        if get_officer(tx, officer_id) is None:
            raise web.HTTPNotFound
        number = int(capacity) if capacity.isdecimal() and len(capacity) < 4 else 0
        choosing.set_profile(tx, hand, officer_id, capacity=number, skills=fields.getall("skills", []))

    try:
        await request.app[DATABASE].write(work)
    except ValueError:
        return go_to(request, "absent", officer=officer_id, notice="incomplete")
    return go_to(request, "absent", officer=officer_id, notice="saved")
