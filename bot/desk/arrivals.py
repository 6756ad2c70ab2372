"""Somebody at the door or on the phone: looked for first, then typed in. Names never stand in an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.cases import intake, searches
from bot.cases.intake import AlreadyOpen, Arrival, SearchFirst, Wanted
from bot.cases.model import CaseError
from bot.cases.primero import service as primero
from bot.cases.reasons import DRILL, REASONS
from bot.cases.record import arriving
from bot.desk.case import move, wake_all
from bot.desk.frame import go_to, hand_of, show
from bot.desk.queue import officer_names
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE, OFFICER
from dialogues.understanding.model import Priority

routes = Routes()

#: What nobody can choose: it is how the program says why it called a person.
OUR_OWN_REASONS = frozenset({"understanding_failed", "no_answer", "ask_human", primero.REASON, DRILL})
LONGEST_FIELD = 200


@routes.get("/desk/arrivals", name="arrivals", allow=Permission.CASE_OPEN)
async def show_arrivals(request: web.Request) -> web.StreamResponse:
    return await arrivals_screen(request)


@routes.post("/desk/arrivals/search", name="search_person", allow=Permission.CASE_OPEN)
async def search(request: web.Request) -> web.StreamResponse:
    """Look whether there is a case about this person. Only from here can one be opened."""
    fields = await form(request)
    return await arrivals_screen(request, fields, searching=True)


@routes.post("/desk/arrivals", name="arrivals", allow=Permission.CASE_OPEN)
async def open_case(request: web.Request) -> web.StreamResponse:
    fields, hand = await form(request), hand_of(request)
    arrival = Arrival(
        wanted=_wanted(fields),
        reason=fields.get("reason", ""),
        priority=Priority(fields["priority"]) if fields.get("priority") in set(Priority) else Priority.P1,
        words=fields.get("words", ""),
        language=(fields.get("language") or "en")[:16],
        country=(fields.get("country", "").strip().upper()[:2] or None),
        place=fields.get("place", ""),
        by_phone=fields.get("way") == "phone",
        another_person=bool(fields.get("another")),
        held=fields.get("then") != "queue",
    )
    try:
        case = await request.app[DATABASE].write(
            lambda tx: arriving.open_case(tx, hand, arrival, proof=fields.get("proof", ""))
        )
    except AlreadyOpen:
        return await arrivals_screen(request, fields, searching=True, problem="already_open")
    except SearchFirst:
        return await arrivals_screen(request, fields, problem="search_first")
    except CaseError:
        return await arrivals_screen(request, fields, searching=True, problem="incomplete")
    wake_all(request, case.id)
    return go_to(request, "case", id=case.id, notice="opened")


@routes.post("/desk/cases/{id}/contact", name="contact", allow=Permission.CASE_ANSWER)
async def contact(request: web.Request) -> web.StreamResponse:
    """What was said at the door or on the phone."""
    fields = await form(request)
    text, once = fields.get("text", ""), fields.get("once", "")[:36]
    return await move(
        request,
        lambda tx, hand, case_id: intake.write_contact(tx, hand, case_id, text=text, once=once),
        notice="saved",
        part="write",
    )


def _wanted(fields: Mapping[str, str]) -> Wanted:
    name, phone, born = (fields.get(field, "").strip()[:LONGEST_FIELD] for field in ("name", "phone", "born"))
    return Wanted(name, phone, born)


async def arrivals_screen(
    request: web.Request, fields: Mapping[str, str] | None = None, *, searching: bool = False, problem: str = ""
) -> web.Response:
    """The form, with what was typed; after a search what was found, and only then the form of a new case."""
    hand, typed = hand_of(request), dict(fields or {})
    wanted = _wanted(typed)
    searching = searching and not wanted.empty

    def read(tx: Connection) -> dict[str, Any]:
        return {
            "limited": searching and searches.is_limited(tx, hand),
            "typed": typed,
            "wanted": wanted,
            "found": intake.search(tx, hand, wanted) if searching else [],
            "proof": intake.searched(hand, wanted) if searching else "",
            "searched": searching,
            "problem": problem or ("nothing_asked" if fields is not None and not searching else ""),
            "names": officer_names(tx),
            "reasons": {code: title for code, title in REASONS.items() if code not in OUR_OWN_REASONS},
            "priorities": list(Priority),
            "own_languages": request[OFFICER].languages,
        }

    status = 409 if problem else 200
    return await show(request, "desk/arrivals.html", read, here="arrivals", writes=searching, status=status)
