"""Across borders on the desk: the lists, what concerns a case there, and whom the child fears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from aiohttp import web
from babel import Locale
from multidict import MultiDict
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases import service as cases
from bot.cases.model import CaseNotFound
from bot.desk.family import family_context
from bot.desk.frame import go_to, hand_of, show
from bot.desk.holders import holders_context
from bot.desk.queue import officer_names
from bot.desk.request_words import sentence_of
from bot.exchange.gate import Situation
from bot.exchange.holds import claimants
from bot.exchange.holds.model import TIE_TITLES
from bot.exchange.partners import store as partners
from bot.exchange.requests import again, drafting, looking, situations, store, thread_store
from bot.exchange.requests.model import (
    STATUS_TITLES,
    Incomplete,
    NotNow,
    RequestNotFound,
    Side,
)
from bot.exchange.requests.passing import acts as passing_acts
from bot.exchange.requests.passing import store as passings
from bot.exchange.requests.types import REQUEST_TYPES, TIES
from bot.kernel.access import Permission, Role, allows
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SIGNALS, VAULT
from bot.kernel.words import N_

routes = Routes()

VIEWS: Mapping[str, str] = {
    "ours": N_("We ask"),
    "theirs": N_("We are asked"),
    "overdue": N_("Overdue"),
    "held": N_("Withdrawn, not confirmed"),
    "unheard": N_("Did not arrive"),
    "unread": N_("Waits for a second person"),
}


def _view(tx: Connection, name: str, at: Any) -> ColumnElement[bool]:
    table = store.exchange_requests
    if name == "unheard":
        return table.c.id.in_(again.all_unheard(tx))
    if name == "unread":
        return thread_store.has_waiting_message()
    if name == "theirs":
        return table.c.side == Side.THEIRS.value
    if name == "overdue":
        return store.is_overdue(at)
    if name == "held":
        below = sa.and_(table.c.told_withdrawn_at.is_not(None), passings.held_below())
        return sa.or_(store.still_held_by_partners(), below)
    return table.c.side == Side.OURS.value


@routes.get("/desk/exchange", name="exchange", allow=Permission.EXCHANGE_READ)
async def show_exchange(request: web.Request) -> web.StreamResponse:
    """The lists: what we ask, what we are asked, what is overdue, what partners have to forget, what did not arrive."""
    officer, at, vault = request[OFFICER], request.app[CLOCK].now(), request.app[VAULT]
    view = request.query.get("view", "")
    view = view if view in VIEWS else "ours"

    def read(tx: Connection) -> dict[str, Any]:
        return {
            "view": view,
            "views": VIEWS,
            "counts": {name: looking.counted(tx, officer, _view(tx, name, at)) for name in VIEWS},
            "requests": looking.listed(tx, officer, _view(tx, view, at)),
            "partners": {partner.id: partner for partner in partners.everyone(tx, vault)},
            "names": officer_names(tx),
            "statuses": STATUS_TITLES,
        }

    return await show(request, "desk/exchange.html", read, here="exchange")


# A case, across the border


@routes.get("/desk/cases/{id}/exchange", name="case_exchange", allow=Permission.CASE_READ)
async def show_case_exchange(request: web.Request) -> web.StreamResponse:
    return await case_exchange_screen(request)


async def case_exchange_screen(request: web.Request, *, status: int = 200, problem: str | None = None) -> web.Response:
    """What concerns a case beyond the border: whom the child fears, the adults, the requests."""
    officer, vault, hand = request[OFFICER], request.app[VAULT], hand_of(request)
    case_id = request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        file = cases.open_file(tx, hand, case_id)
        situation = situations.situation_of_case(tx, vault, file.case)
        return {
            "case": file.case,
            "situation": situation,
            "fears_unknown": situation.fears is None,
            "adults": claimants.adults_of(tx, vault, file.case),
            "holds": claimants.standing_holds(tx, case_id),
            "requests": store.of_case(tx, case_id),
            "partners": {partner.id: partner for partner in partners.everyone(tx, vault)},
            "statuses": STATUS_TITLES,
            "types": REQUEST_TYPES,
            "ties": TIES,
            "tie_titles": TIE_TITLES,
            "names": officer_names(tx),
            "can_draft": allows(officer, Permission.EXCHANGE_DRAFT, file.case),
            "can_write": allows(officer, Permission.DOSSIER_WRITE, file.case),
            "can_part": Role.COORDINATOR in officer.roles,
            "given_out": passing_acts.given(tx, case_id),
            **holders_context(tx, vault),
            **family_context(tx, vault, case_id),
            "problem": sentence_of(problem),
        }

    try:
        return await show(request, "desk/case_exchange.html", read, here="exchange", writes=True, status=status)
    except CaseNotFound:
        raise web.HTTPNotFound from None


@routes.post("/desk/cases/{id}/fear", name="record_fear", allow=Permission.EXCHANGE_DRAFT)
async def record_fear(request: web.Request) -> web.StreamResponse:
    """Write down whom the child fears, asked alone. Everything the gate does rests on it."""
    fields, hand, case_id = await form(request), hand_of(request), request.match_info["id"]
    language = request[LANGUAGE]

    def work(tx: Connection) -> list[str]:
        drafting.require_case(tx, hand, case_id)
        return situations.record_situation(tx, hand, case_id, _situation(fields, language))

    try:
        stopped = await request.app[DATABASE].write(work)
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except NotNow as error:
        return await case_exchange_screen(request, status=409, problem=error.code)
    except Incomplete:
        return await case_exchange_screen(request, status=400, problem="incomplete")
    wake_exchange(request, case_id)
    return go_to(request, "case_exchange", id=case_id, notice="gate_shut_now" if stopped else "saved")


def _situation(fields: MultiDict[str], language: str) -> Situation:
    fear = fields.get("fear", "")
    asylum = {"yes": True, "no": False, "unknown": None}
    if fear not in {"nobody", "some", "unknown"} or fields.get("asylum", "") not in asylum:
        raise Incomplete(["fear"])
    feared = countries_of(fields.get("countries", ""), language)
    if fear == "some" and not feared:
        raise Incomplete(["countries"])
    fears = {"nobody": frozenset[str](), "some": feared, "unknown": None}[fear]
    return Situation(fears, asylum[fields["asylum"]], countries_of(fields.get("origins", ""), language))


def countries_of(typed: str, language: str) -> frozenset[str]:
    """Country codes for names or codes with commas between them. Raises Incomplete for one that nobody knows."""
    known = {name.casefold(): code for code, name in _countries(language).items()}
    found = set()
    for part in typed.replace("،", ",").replace(";", ",").split(","):
        word = part.strip()
        if not word:
            continue
        code = word.upper() if word.upper() in known.values() else known.get(word.casefold())
        if code is None:
            raise Incomplete(["countries"])
        found.add(code)
    return frozenset(found)


def _countries(language: str) -> dict[str, str]:
    territories = {**Locale.parse("en").territories, **Locale.parse(language).territories}
    return {code: str(name) for code, name in territories.items() if len(code) == 2 and code.isalpha()}


def wake_exchange(request: web.Request, case_id: str | None) -> None:
    """Screens about requests look again, and so do those of the case."""
    topics = ["exchange", "queue", "pages", *([f"case:{case_id}"] if case_id else [])]
    request.app[SIGNALS].wake(*topics)
