"""The one page on which an officer reads where a safe place is: the answer to a form, once, for a case and a use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand, target
from bot.cases.model import CaseError, NotAllowedNow
from bot.cases.ports import Adults
from bot.cases.referrals import opening
from bot.desk.case import wake_all
from bot.desk.frame import hand_of, show
from bot.desk.ports import ServiceFinder
from bot.desk.proving import NOT_PROVEN, prove
from bot.desk.refer import referrals_screen
from bot.kernel import audit
from bot.kernel.access import Permission, Role
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE, LANGUAGE
from bot.kernel.words import N_
from directory import safe_place_changes
from directory.safe_places import Purpose, Reader, SafePlace, open_safe_place

PROBLEMS: Mapping[str, str] = {
    **NOT_PROVEN,
    **opening.REFUSALS,
    "no_reason": N_("Say for what, and why in a sentence. Nothing was opened."),
    "again": N_("It was shown once. Whoever needs it again asks for it again, with a reason."),
    "none_kept": N_("No address is kept for it now. Call them: somebody comes to meet you."),
}


def open_address_routes(finder: ServiceFinder, adults: Adults) -> Routes:
    """The route. `finder` knows what is in force, and `adults` with whom the child may be sent."""
    routes = Routes()

    @routes.post("/desk/cases/{id}/refer/address", name="open_address", allow=Permission.SAFE_PLACE_OPEN)
    async def open_address(request: web.Request) -> web.StreamResponse:
        case_id, hand, database = request.match_info["id"], hand_of(request), request.app[DATABASE]
        fields = await form(request)
        try:  # a foreign case is not found, and nothing is spent on it
            await database.read(lambda tx: target(tx, hand, case_id, Permission.SAFE_PLACE_OPEN, lock=False))
        except CaseError:
            raise web.HTTPNotFound from None
        if fields.get("purpose") not in set(opening.Purpose) or not opening.is_reason(fields.get("why", "")):
            return await _refused(request, "no_reason", fields)
        if problem := await prove(request, fields):
            return await _refused(request, problem, fields)
        try:
            told = await database.write(lambda tx: _open(tx, hand, case_id, fields, finder, adults))
        except NotAllowedNow:
            return await _refused(request, "again", fields)
        if not isinstance(told, SafePlace):
            return await _refused(request, told, fields)
        wake_all(request, case_id)
        return await _page(request, case_id, fields, told)

    async def _refused(request: web.Request, problem: str, fields: MultiDict[str]) -> web.Response:
        return await referrals_screen(request, finder, adults, said=PROBLEMS[problem], typed=fields)

    async def _page(request: web.Request, case_id: str, fields: MultiDict[str], place: SafePlace) -> web.Response:
        """The answer to the form, which no browser keeps: it has no address of its own to go back to."""
        hand, referral_id, language = hand_of(request), fields.get("referral", "")[:36], request[LANGUAGE]

        def read(tx: Connection) -> dict[str, Any]:
            case = target(tx, hand, case_id, Permission.SAFE_PLACE_OPEN, lock=False)
            service_id = opening.service_behind(tx, case, referral_id)
            shown: dict[str, Any] = {
                "case": case,
                "service": finder.named(tx, service_id, language=language, at=hand.at),
                "phone": finder.hidden(tx, [service_id]).get(service_id, ""),
                "changes": safe_place_changes.waiting(tx, service_id),
            }
            place.tell(lambda *where: shown.update(zip(("address", "latitude", "longitude"), where, strict=True)))
            return shown

        try:
            return await show(request, "desk/open_address.html", read, here="case")
        except CaseError:
            raise web.HTTPNotFound from None

    return routes


def _open(
    tx: Connection, hand: Hand, case_id: str, fields: MultiDict[str], finder: ServiceFinder, adults: Adults
) -> SafePlace | str:
    """The place, or which of `PROBLEMS` is in the way. Either way the try is in the audit log."""
    purpose, once = opening.Purpose(fields["purpose"]), fields.get("once", "")[:36]
    asked = opening.ask(tx, hand, case_id, fields.get("referral", "")[:36], purpose, adults=adults)
    is_first = opening.is_first(tx, once)
    in_force = finder.named(tx, asked.service_id, language="en", at=hand.at) is not None
    role = Role.OFFICER if Role.OFFICER in hand.officer.roles else Role.COORDINATOR
    place = open_safe_place(
        tx,
        hand.vault,
        partial(audit.append, vault=hand.vault),
        service_id=asked.service_id,
        reader=Reader(hand.officer.id, role.value, asked.case.id, Purpose(purpose.value)),
        permits=lambda _tx, _reader: asked.refused is None and is_first and in_force,
        at=hand.at,
    )
    if asked.refused is opening.Refusal.OFTEN:
        opening.say_that_it_was_too_often(tx, hand, asked)
    if asked.refused is not None:
        return asked.refused.value
    if place is None:
        return "none_kept" if is_first else "again"
    opening.note(tx, hand, asked, why=fields.get("why", ""), once=once)
    return place
