"""The adult who claims a child: the dossier, its checklist and evidence, and the hold."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.desk.exchange import case_exchange_screen
from bot.desk.frame import go_to, hand_of, show
from bot.desk.queue import officer_names
from bot.exchange.gate import GateShut
from bot.exchange.holds import claimants, free_to_move, namesakes, placing, releasing, service, store
from bot.exchange.holds.model import (
    CHECKLIST,
    FAVOURS,
    LACKS,
    MARKS,
    SOURCES,
    TIE_TITLES,
    WEIGHTS,
    DossierNotFound,
    Evidence,
    Favour,
    HoldError,
    Mark,
    NotNow,
    NotSupported,
    Source,
    Tie,
)
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.requests import history_store, hold_notices
from bot.exchange.requests import store as request_store
from bot.exchange.requests.model import ENDED, RequestError, Side
from bot.exchange.requests.types import TIES
from bot.kernel.access import Permission, allows
from bot.kernel.officers import get_officer
from bot.kernel.web import Routes, form, require
from bot.kernel.web_keys import DATABASE, SIGNALS, VAULT
from bot.kernel.words import N_

routes = Routes()

E = TypeVar("E", bound=StrEnum)

PROBLEMS = {
    "too_late": N_("The dossier has moved on, or something is missing. Nothing was changed."),
    "not_supported": N_("Too little speaks for the tie. Nothing was changed; what is missing stands below."),
    "gate": N_("Nothing was sent: the refugee gate is shut for one of these partners."),
    "channel": N_("Nothing was sent: the channel to one of these partners is closed."),
}


@routes.post("/desk/cases/{id}/adults", name="open_dossier", allow=Permission.DOSSIER_WRITE)
async def open_dossier(request: web.Request) -> web.StreamResponse:
    """Begin to look at an adult who claims the child."""
    fields, hand, case_id = await form(request), hand_of(request), request.match_info["id"]
    claimed = fields.get("claimed", "")

    def work(tx: Connection) -> str | None:
        return service.open_dossier(
            tx,
            hand,
            case_id,
            name=fields.get("name", ""),
            claimed=claimed if claimed in TIES else "unclear",
            once=fields.get("once", "")[:36],
        )

    try:
        dossier_id = await request.app[DATABASE].write(work)
    except DossierNotFound:
        raise web.HTTPNotFound from None
    except NotNow:
        return await case_exchange_screen(request, status=409, problem="incomplete")
    if dossier_id is None:
        return go_to(request, "case_exchange", id=case_id)
    return go_to(request, "adult", id=dossier_id)


@routes.get("/desk/adults/{id}", name="adult", allow=Permission.CASE_READ)
async def show_adult(request: web.Request) -> web.StreamResponse:
    return await _screen(request)


async def _screen(request: web.Request, *, status: int = 200, problem: str | None = None) -> web.Response:
    hand, vault, dossier_id = hand_of(request), request.app[VAULT], request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        file = claimants.open_dossier_file(tx, hand, dossier_id)
        asked = [each.request for each in request_store.of_case(tx, file.case.id)]
        told = {
            event.facts.get("hold")
            for each in asked
            for event in history_store.events_of(tx, each.id)
            if event.act == "hold_told"
        }
        return {
            "file": file,
            "case": file.case,
            "holds": claimants.standing_holds(tx, file.case.id),
            "checklist": CHECKLIST,
            "marks": MARKS,
            "sources": SOURCES,
            "favours": FAVOURS,
            "weights": WEIGHTS,
            "tie_titles": TIE_TITLES,
            "ties": TIES,
            "lacks": LACKS,
            "names": officer_names(tx),
            "can_write": allows(hand.officer, Permission.DOSSIER_WRITE, file.case),
            "can_release": allows(hand.officer, Permission.HOLD_RELEASE, file.case),
            "has_agreed": any(each.person == hand.officer.id for each in file.agreed),
            "to_tell": [each for each in asked if each.side is Side.OURS and each.sent_at and each.status not in ENDED],
            "told": told,
            "namesakes": namesakes.of_dossier(tx, hand, file.dossier, file.case),
            "doubted": dossier_id in free_to_move.may_not_move(tx, file.case.id),
            "me": hand.officer.id,
            "origin": claimants.origin_of(tx, hand, file.hold) if file.hold else None,
            "partners": {partner.id: partner for partner in partners.everyone(tx, vault)},
            "problem": PROBLEMS.get(problem or ""),
        }

    try:
        return await show(request, "desk/adult.html", read, here="exchange", writes=True, status=status)
    except DossierNotFound:
        raise web.HTTPNotFound from None


async def _act(
    request: web.Request, work: Callable[[Connection, Hand], object], *, notice: str | None = None, part: str = ""
) -> web.StreamResponse:
    hand, dossier_id = hand_of(request), request.match_info["id"]

    def all_of_it(tx: Connection) -> str:
        dossier = claimants.require_seen(tx, hand, dossier_id)
        work(tx, hand)
        return dossier.case_id

    try:
        case_id = await request.app[DATABASE].write(all_of_it)
    except DossierNotFound:
        raise web.HTTPNotFound from None
    except NotSupported:
        return await _screen(request, status=409, problem="not_supported")
    except GateShut:
        return await _screen(request, status=409, problem="gate")
    except ChannelClosed:
        return await _screen(request, status=409, problem="channel")
    except (HoldError, RequestError):
        return await _screen(request, status=409, problem="too_late")
    request.app[SIGNALS].wake("exchange", "queue", "pages", f"case:{case_id}")
    return go_to(request, "adult", id=dossier_id, notice=notice, part=part)


def _choice(kind: type[E], value: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise NotNow(value) from None


@routes.post("/desk/adults/{id}/marks", name="mark_adult", allow=Permission.DOSSIER_WRITE)
async def mark(request: web.Request) -> web.StreamResponse:
    fields, dossier_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        marks = {item: _choice(Mark, fields[item]) for item in CHECKLIST if item in fields}
        return service.mark(tx, hand, dossier_id, marks)

    return await _act(request, work, notice="saved")


@routes.post("/desk/adults/{id}/evidence", name="add_evidence", allow=Permission.DOSSIER_WRITE)
async def add_evidence(request: web.Request) -> web.StreamResponse:
    fields, dossier_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        found = Evidence(_choice(Source, fields.get("source", "")), _choice(Favour, fields.get("favour", "")))
        text, once = fields.get("text", ""), fields.get("once", "")[:36]
        return service.add_evidence(tx, hand, dossier_id, found, text=text, once=once)

    return await _act(request, work, part="evidence")


@routes.post("/desk/adults/{id}/decide", name="decide_tie", allow=Permission.DOSSIER_WRITE)
async def decide(request: web.Request) -> web.StreamResponse:
    fields, dossier_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        tie = _choice(Tie, fields.get("tie", ""))
        return service.decide(tx, hand, dossier_id, tie, reason=fields.get("reason", ""))

    return await _act(request, work, notice="saved")


@routes.post("/desk/adults/{id}/hold", name="place_hold", allow=Permission.DOSSIER_WRITE)
async def place_hold(request: web.Request) -> web.StreamResponse:
    dossier_id = request.match_info["id"]
    return await _act(request, lambda tx, hand: service.place_hold(tx, hand, dossier_id), notice="hold_placed")


@routes.post("/desk/adults/{id}/hold/tell", name="tell_hold", allow=Permission.DOSSIER_WRITE)
async def tell_hold(request: web.Request) -> web.StreamResponse:
    """Send the notice to the partners who must know."""
    fields, dossier_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        held, told = placing.standing_on(tx, dossier_id), [each[:36] for each in fields.getall("requests", [])]
        if held is None or not told:
            raise NotNow(dossier_id)
        return hold_notices.tell_hold(tx, hand, held.id, told)

    return await _act(request, work, notice="hold_told")


@routes.post("/desk/adults/{id}/hold/release", name="release_hold", allow=Permission.HOLD_RELEASE)
async def release_hold(request: web.Request) -> web.StreamResponse:
    """Say that the hold may end. It ends when a second officer, of another body, has said so too."""
    fields, dossier_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        return hold_notices.agree_to_release(tx, hand, dossier_id, reason=fields.get("reason", ""))

    return await _act(request, work, notice="hold_agreed")


@routes.post("/desk/adults/{id}/namesakes", name="say_namesake", allow=Permission.DOSSIER_WRITE)
async def say_namesake(request: web.Request) -> web.StreamResponse:
    """The first of two says that somebody else bears this name."""
    fields, dossier_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        name, reason = fields.get("name", ""), fields.get("reason", "")
        return namesakes.say_another(tx, hand, dossier_id, name=name, reason=reason, once=fields.get("once", "")[:36])

    return await _act(request, work, notice="saved", part="namesakes")


@routes.post("/desk/adults/{id}/namesakes/agree", name="agree_namesake", allow=Permission.HOLD_RELEASE)
async def agree_namesake(request: web.Request) -> web.StreamResponse:
    """The second, of another body, has looked too."""
    fields, dossier_id = await form(request), request.match_info["id"]
    other = fields.get("namesake", "")[:36]
    return await _act(
        request, lambda tx, hand: namesakes.agree_another(tx, hand, dossier_id, other), notice="saved", part="namesakes"
    )


@routes.post("/desk/adults/{id}/namesakes/undo", name="undo_namesake", allow=Permission.DOSSIER_WRITE)
async def undo_namesake(request: web.Request) -> web.StreamResponse:
    """It is the same person after all, or nobody is sure any more."""
    fields, dossier_id = await form(request), request.match_info["id"]
    other = fields.get("namesake", "")[:36]
    return await _act(
        request,
        lambda tx, hand: namesakes.take_back_another(tx, hand, dossier_id, other),
        notice="saved",
        part="namesakes",
    )


@routes.post("/desk/officers/{id}/body", name="set_body", allow=Permission.OFFICERS_EDIT)
async def set_body(request: web.Request) -> web.StreamResponse:
    """Say for which organisation an officer acts: two of the same cannot release a hold."""
    fields, hand, officer_id = await form(request), hand_of(request), request.match_info["id"]
    require(request, Permission.OFFICERS_EDIT, await request.app[DATABASE].read(lambda tx: get_officer(tx, officer_id)))
    try:
        await request.app[DATABASE].write(lambda tx: releasing.set_body(tx, hand, officer_id, fields.get("body", "")))
    except NotNow:
        return go_to(request, "officers", notice="incomplete")
    return go_to(request, "officers", notice="saved")


def bodies(tx: Connection, officer_ids: list[str]) -> dict[str, str]:
    """The organisation each officer acts for, where an admin has said one."""
    return {each: body for each in officer_ids if (body := store.body_of(tx, each))}
