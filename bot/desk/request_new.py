"""A request to another country is drafted: first which of the fifteen, then only the fields of that one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases import service as cases
from bot.cases.model import CaseNotFound
from bot.desk.exchange import case_exchange_screen, wake_exchange
from bot.desk.family import household_context
from bot.desk.frame import go_to, hand_of, show
from bot.desk.request_words import sentence_of
from bot.exchange.holds import claimants
from bot.exchange.holds.model import MayNotMove, Tie
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Partner
from bot.exchange.requests import drafting, looking
from bot.exchange.requests.drafting import Draft, SentBefore
from bot.exchange.requests.model import (
    ASSENTS,
    Incomplete,
    NotNow,
    RequestNotFound,
)
from bot.exchange.requests.terms import limits_with
from bot.exchange.requests.types import BODIES, FIELDS, LONGEST, QUESTIONS, REQUEST_TYPES, Basis, Limit, RequestType
from bot.kernel.access import Permission, allows
from bot.kernel.crypto import Vault
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, VAULT

routes = Routes()


@routes.get("/desk/cases/{id}/requests/new", name="new_request", allow=Permission.EXCHANGE_DRAFT)
async def new_request(request: web.Request) -> web.StreamResponse:
    """First which of the fifteen, then only the fields of that one."""
    return await _draft_screen(request)


@routes.post("/desk/cases/{id}/requests/new", name="new_request", allow=Permission.EXCHANGE_DRAFT)
async def write_request(request: web.Request) -> web.StreamResponse:
    fields, hand, case_id = await form(request), hand_of(request), request.match_info["id"]

    def work(tx: Connection) -> str:
        drafting.require_case(tx, hand, case_id)
        return drafting.draft(tx, hand, case_id, _draft(fields), once=fields.get("once", "")[:36])

    try:
        request_id = await request.app[DATABASE].write(work)
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except SentBefore:
        return go_to(request, "case_exchange", id=case_id)
    except NotNow as error:
        return await _draft_screen(request, status=409, problem=error.code, typed=fields)
    except MayNotMove as error:
        return await _draft_screen(request, status=409, problem=error.code, typed=fields)
    except Incomplete as error:
        return await _draft_screen(request, status=400, problem="incomplete", typed=fields, wrong=error.fields)
    wake_exchange(request, case_id)
    return go_to(request, "request", id=request_id)


def _draft(fields: MultiDict[str]) -> Draft:
    request_type = REQUEST_TYPES.get(fields.get("type", ""))
    if request_type is None:
        raise Incomplete(["type"])
    told = (*request_type.tells, *request_type.may_tell)
    adult = fields.get("adult", "")
    if request_type.moves_child and not adult:
        raise Incomplete(["adult"])
    return Draft(
        type_key=request_type.key,
        partner_id=fields.get("partner", ""),
        asks=tuple(fields.getall("asks", [])),
        fields={key: fields.get(f"field-{key}", "") for key in told if fields.get(f"field-{key}", "").strip()},
        decision=fields.get("decision", ""),
        assent=fields.get("assent", ""),
        language=fields.get("language", "en")[:16],
        limit=fields.get("limit", "usual"),
        decision_translated=fields.get("decision_translated", ""),
        translated_into=fields.get("translated_into", "")[:16],
        adult_id=None if adult in {"", "nobody"} else adult,
        tell=bool(fields.get("tell")),
        wanted_by=fields.get("wanted_by", "")[:36],
        passes_on=fields.get("passes_on", "")[:36],
    )


def _agreed_times(tx: Connection, vault: Vault, request_type: RequestType, at: datetime) -> list[tuple[Partner, Limit]]:
    """The partners with whom another time is agreed than the one a type has by itself."""
    found = []
    for partner in looking.partners_for(tx, vault, request_type, at=at):
        limit = limits_with(request_type, partner.agreement, at)[0]
        if limit.basis is Basis.AGREEMENT:
            found.append((partner, limit))
    return found


async def _draft_screen(
    request: web.Request,
    *,
    status: int = 200,
    problem: str | None = None,
    typed: MultiDict[str] | None = None,
    wrong: tuple[str, ...] = (),
) -> web.Response:
    vault, hand, at = request.app[VAULT], hand_of(request), request.app[CLOCK].now()
    case_id = request.match_info["id"]
    typed = typed if typed is not None else MultiDict(request.query)
    request_type = REQUEST_TYPES.get(typed.get("type", ""))

    def read(tx: Connection) -> dict[str, Any]:
        file = cases.open_file(tx, hand, case_id)
        if not allows(hand.officer, Permission.EXCHANGE_DRAFT, file.case):
            raise NotNow("not_yours")
        return {
            "case": file.case,
            "holds": claimants.standing_holds(tx, case_id),
            **household_context(tx, vault, hand.officer, file.case),
            "types": REQUEST_TYPES,
            "type": request_type,
            "fields": FIELDS,
            "longest": LONGEST,
            "questions": QUESTIONS,
            "bodies": BODIES,
            "assents": ASSENTS,
            "partners": looking.partners_for(tx, vault, request_type, at=at) if request_type else [],
            "agreed_times": _agreed_times(tx, vault, request_type, at) if request_type else [],
            "to_pass_on": drafting.to_pass_on(tx, hand) if request_type else [],
            "partner_names": {each.id: each.name for each in partners.everyone(tx, vault)},
            "adults": claimants.adults_of(tx, vault, file.case),
            "supported": Tie.SUPPORTED,
            "asked": typed.getall("asks", []) if "asks" in typed else list(request_type.asks if request_type else ()),
            "typed": typed,
            "wrong": frozenset(wrong),
            "problem": sentence_of(problem),
        }

    try:
        return await show(request, "desk/request_new.html", read, here="exchange", writes=True, status=status)
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotNow:
        return await case_exchange_screen(request, status=409, problem="not_yours")
