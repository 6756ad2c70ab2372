"""Supervision on the screen: urgent cases that are looked at again, and files opened by breaking the glass."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases import erasure, searches, supervision, workload
from bot.cases.hand import Hand
from bot.cases.model import Case, CaseError, CaseNotFound, NotAllowedNow
from bot.cases.record import unlocking
from bot.cases.referrals import opening
from bot.desk.case import wake_all
from bot.desk.frame import go_to, hand_of, show
from bot.desk.queue import officer_names
from bot.exchange.partners import store as partners
from bot.exchange.requests import alerts
from bot.kernel.access import Permission, allows
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE, SIGNALS
from bot.kernel.words import N_

routes = Routes()

NO_REASON = N_("Say why, in a sentence. Nothing was opened.")
NO_SUCH_CASE = N_("No case has this number. That you tried is recorded.")


@routes.get("/desk/supervision", name="supervision", allow=Permission.SUPERVISION_READ)
async def show_supervision(request: web.Request) -> web.StreamResponse:
    """What whoever coordinates should look at."""
    hand = hand_of(request)

    def read(tx: Connection) -> dict[str, Any]:
        return {
            "glass": supervision.unseen_glass(tx, hand),
            "unlocked": unlocking.lately(tx, hand),
            "why_restricted": unlocking.WHY,
            "addresses": opening.lately(tx, hand),
            "address_purposes": opening.PURPOSES,
            "owed": supervision.owed_reviews(tx, hand),
            "done": supervision.done_reviews(tx, hand),
            "searches": searches.lately(tx, hand),
            "most_searches": searches.MOST,
            "erasures": erasure.waiting(tx),
            "floods": [(each, partners.get(tx, each.partner_id)) for each in alerts.floods(tx, hand.at)],
            "team": workload.of_team(tx, hand),
            "names": officer_names(tx),
            "marks": True,
        }

    return await show(request, "desk/supervision.html", read, here="supervision")


@routes.post("/desk/supervision/glass", name="see_glass", allow=Permission.SUPERVISION_READ)
async def see_glass(request: web.Request) -> web.StreamResponse:
    hand, glass_id = hand_of(request), (await form(request)).get("glass", "")[:36]
    try:
        await request.app[DATABASE].write(lambda tx: supervision.see_glass(tx, hand, glass_id))
    except NotAllowedNow:
        return go_to(request, "supervision", notice="too_late")
    request.app[SIGNALS].wake("queue")
    return go_to(request, "supervision", notice="saved")


@routes.get("/desk/cases/{id}/review", name="review", allow=Permission.CASE_REVIEW)
async def show_review(request: web.Request) -> web.StreamResponse:
    return await _review_screen(request)


async def _review_screen(request: web.Request, typed: MultiDict[str] | None = None) -> web.Response:
    hand, case_id = hand_of(request), request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        case, reviewed, held_it = supervision.to_review(tx, hand, case_id)
        return {
            "case": case,
            "reviewed": reviewed,
            "held_it": held_it,
            "questions": supervision.QUESTIONS,
            "answers": supervision.ANSWERS,
            "names": officer_names(tx),
            "typed": typed if typed is not None else MultiDict(),
            "problem": typed is not None,
        }

    try:
        return await show(request, "desk/review.html", read, here="supervision", status=200 if typed is None else 409)
    except CaseError:
        raise web.HTTPNotFound from None


@routes.post("/desk/cases/{id}/review", name="review", allow=Permission.CASE_REVIEW)
async def keep_review(request: web.Request) -> web.StreamResponse:
    """Keep a review. What is missing is said, and what was typed stays."""
    hand, case_id, fields = hand_of(request), request.match_info["id"], await form(request)
    answers = {code: fields[code] for code in supervision.QUESTIONS if code in fields}
    note = fields.get("note", "")
    try:
        await request.app[DATABASE].write(lambda tx: supervision.review(tx, hand, case_id, answers, note=note))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotAllowedNow:
        return await _review_screen(request, fields)
    wake_all(request, case_id)
    if not allows(hand.officer, Permission.SUPERVISION_READ):
        return go_to(request, "case", id=case_id, notice="reviewed")
    return go_to(request, "supervision", notice="reviewed")


@routes.get("/desk/glass", name="glass", allow=Permission.CASE_BREAK_GLASS)
async def show_glass(request: web.Request) -> web.StreamResponse:
    return await _glass_screen(request)


async def _glass_screen(request: web.Request, problem: str = "", typed: MultiDict[str] | None = None) -> web.Response:
    matter = {"problem": problem, "typed": typed if typed is not None else MultiDict()}
    return await show(request, "desk/glass.html", lambda _tx: matter, here="mine", status=409 if problem else 200)


@routes.post("/desk/glass", name="glass", allow=Permission.CASE_BREAK_GLASS)
async def break_glass(request: web.Request) -> web.StreamResponse:
    """Open a colleague's case for reading."""
    hand, fields = hand_of(request), await form(request)
    try:
        case = await request.app[DATABASE].write(lambda tx: _break(tx, hand, fields))
    except NotAllowedNow:
        return await _glass_screen(request, NO_REASON, fields)
    if case is None:
        return await _glass_screen(request, NO_SUCH_CASE, fields)
    wake_all(request, case.id)
    return go_to(request, "case", id=case.id, notice="glass_broken")


def _break(tx: Connection, hand: Hand, fields: MultiDict[str]) -> Case | None:
    return supervision.break_glass(tx, hand, fields.get("number", "")[:12], why=fields.get("why", ""))
