"""The phone of a case's person on the screen: who may hold it, a word for that, and whether they came back."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import answering, receipts, service, waiting
from bot.cases.hand import Hand
from bot.cases.model import CaseNotFound, NotAllowedNow, NotReadyToClose, NotSafeNow
from bot.conversations.duress import UnfitWord
from bot.desk.case import case_screen, wake_all
from bot.desk.frame import go_to, hand_of
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE

routes = Routes()


@routes.post("/desk/cases/{id}/receipt", name="give_receipt", allow=Permission.CASE_ANSWER)
async def give_receipt(request: web.Request) -> web.StreamResponse:
    """Say a new return code to the person. It is never on this screen."""
    return await _do(request, receipts.give_again, done="receipt_given", refused="not_given")


@routes.post("/desk/cases/{id}/duress-word", name="duress_word", allow=Permission.CASE_ANSWER)
async def duress_word(request: web.Request) -> web.StreamResponse:
    """Keep the word that the person chose with the officer."""
    word = (await form(request)).get("word", "")[:200]

    def work(tx: Connection, hand: Hand, case_id: str) -> None:
        answering.agree_on_duress_word(tx, hand, case_id, word)

    try:
        return await _do(request, work, done="word_agreed", refused="too_late")
    except UnfitWord:
        return go_to(request, "case", id=request.match_info["id"], notice="word_unfit")


@routes.post("/desk/cases/{id}/ask-safe-time", name="ask_safe_time", allow=Permission.CASE_ANSWER)
async def ask_safe_time(request: web.Request) -> web.StreamResponse:
    """Ask the person when they may be written to."""
    return await _do(request, waiting.ask_safe_time, done="safe_time_asked", refused="too_late")


@routes.post("/desk/cases/{id}/waiting", name="take_back_answer", allow=Permission.CASE_ANSWER)
async def take_back_answer(request: web.Request) -> web.StreamResponse:
    """Take back an answer that waits. Its words stand in the field again."""
    case_id, hand, answer_id = request.match_info["id"], hand_of(request), (await form(request)).get("answer", "")[:36]
    try:
        words = await request.app[DATABASE].write(lambda tx: waiting.take_back(tx, hand, case_id, answer_id))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotAllowedNow:
        return await case_screen(request, status=409, problem="too_late")
    wake_all(request, case_id)
    return await case_screen(request, draft=words)


@routes.post("/desk/cases/{id}/watch-ended", name="end_watch", allow=Permission.CASE_ANSWER)
async def end_watch(request: web.Request) -> web.StreamResponse:
    return await _do(request, answering.end_watch, done="watch_ended", refused="too_late")


@routes.post("/desk/cases/{id}/return", name="decide_return", allow=Permission.CASE_ANSWER)
async def decide_return(request: web.Request) -> web.StreamResponse:
    """Whether who came back is the same person. Afterwards the officer sees the case that goes on."""
    hand, case_id = hand_of(request), request.match_info["id"]
    decide = {"agree": receipts.agree, "refuse": receipts.refuse}.get((await form(request)).get("decision", ""))
    if decide is None:
        return await case_screen(request, status=400, problem="incomplete")
    try:
        known = await request.app[DATABASE].write(lambda tx: decide(tx, hand, case_id))
    except NotAllowedNow:
        return await case_screen(request, status=409, problem="hold_both")
    except NotReadyToClose as refused:
        return await case_screen(request, status=409, obstacles=refused.obstacles)
    except CaseNotFound:
        return await _not_theirs(request, case_id)
    wake_all(request, case_id)
    wake_all(request, known.id)
    notice = "same_person" if decide is receipts.agree else "other_person"
    return go_to(request, "case", id=known.id, notice=notice)


async def _not_theirs(request: web.Request, case_id: str) -> web.StreamResponse:
    """One of the two is not this officer's: this one, which is then not found, or the other."""
    hand = hand_of(request)
    try:
        await request.app[DATABASE].write(lambda tx: service.open_file(tx, hand, case_id))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    return await case_screen(request, status=409, problem="hold_both")


async def _do(
    request: web.Request, work: Callable[[Connection, Hand, str], object], *, done: str, refused: str
) -> web.StreamResponse:
    case_id, hand = request.match_info["id"], hand_of(request)
    try:
        await request.app[DATABASE].write(lambda tx: work(tx, hand, case_id))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotAllowedNow as error:
        problem = "unsafe" if isinstance(error, NotSafeNow) else refused
        return await case_screen(request, status=409, problem=problem)
    wake_all(request, case_id)
    return go_to(request, "case", id=case_id, notice=done)
