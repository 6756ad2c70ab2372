"""A case that changes hands, on the desk: who travels together, whether the child arrived, and asking for a file."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.desk.exchange import case_exchange_screen
from bot.desk.frame import go_to, hand_of
from bot.desk.request import act_on
from bot.exchange.requests import drafting, looking
from bot.exchange.requests.model import NotNow, RequestNotFound
from bot.exchange.requests.transfer import acts
from bot.exchange.requests.transfer.model import TRANSFER
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE, SIGNALS

routes = Routes()


@routes.post("/desk/requests/{id}/transfer/arrived", name="child_arrived", allow=Permission.EXCHANGE_RELEASE_ANSWER)
async def child_arrived(request: web.Request) -> web.StreamResponse:
    """An officer here has seen the child whose case was handed to us."""
    return await _of_request(request, acts.child_arrived, "child_arrived")


@routes.post("/desk/requests/{id}/transfer/missed", name="child_missed", allow=Permission.EXCHANGE_RELEASE_ANSWER)
async def child_missed(request: web.Request) -> web.StreamResponse:
    """The child did not come: both sides are rung."""
    return await _of_request(request, acts.child_missed, "child_missed")


@routes.post("/desk/requests/{id}/transfer/kept", name="keep_after_call", allow=Permission.EXCHANGE_APPROVE)
async def keep_after_call(request: web.Request) -> web.StreamResponse:
    """The partner said by phone that they do not have the file."""
    return await _of_request(request, acts.keep_after_call, "saved")


async def _of_request(
    request: web.Request, work: Callable[[Connection, Hand, str], None], notice: str
) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: work(tx, hand, request_id), notice=notice)


@routes.post("/desk/requests/{id}/transfer/offer", name="offer_file", allow=Permission.EXCHANGE_ANSWER)
async def offer_file(request: web.Request) -> web.StreamResponse:
    """A partner asked for the file of a child: on to the draft that hands over the case of ours with this number."""
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        asked = looking.require_seen(tx, hand, request_id).request
        drafting.require_wanted(tx, request_id, asked.partner_id)
        case_id = case_store.id_of_number(tx, fields.get("number", "").strip().upper())
        try:
            drafting.require_case(tx, hand, case_id or "")
        except RequestNotFound:
            raise NotNow("no_such_case") from None
        query = {"type": TRANSFER, "partner": asked.partner_id, "wanted_by": request_id}
        return go_to(request, "new_request", query=query, id=str(case_id))

    def then(answer: object) -> web.Response:
        assert isinstance(answer, web.Response)
        return answer

    return await act_on(request, work, typed=fields, then=then)


@routes.post("/desk/cases/{id}/siblings", name="say_siblings", allow=Permission.EXCHANGE_DRAFT)
async def say_siblings(request: web.Request) -> web.StreamResponse:
    """This case and another one are of brothers or sisters."""
    fields, case_id = await form(request), request.match_info["id"]
    number = fields.get("number", "")
    return await _of_case(request, lambda tx, hand: acts.say_siblings(tx, hand, case_id, number))


@routes.post("/desk/cases/{id}/siblings/part", name="part_siblings", allow=Permission.EXCHANGE_DRAFT)
async def part_siblings(request: web.Request) -> web.StreamResponse:
    """This case travels for itself again."""
    case_id = request.match_info["id"]
    return await _of_case(request, lambda tx, hand: acts.part_siblings(tx, hand, case_id))


async def _of_case(request: web.Request, work: Callable[[Connection, Hand], None]) -> web.StreamResponse:
    hand, case_id = hand_of(request), request.match_info["id"]
    try:
        await request.app[DATABASE].write(lambda tx: work(tx, hand))
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except NotNow as error:
        return await case_exchange_screen(request, status=409, problem=error.code)
    request.app[SIGNALS].wake("exchange", f"case:{case_id}")
    return go_to(request, "case_exchange", id=case_id, notice="saved")
