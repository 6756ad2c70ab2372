"""Letting an interpreter or a guardian into a talk, and the page on which they read it and write to the officer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases.consent import CAPACITIES, GIVERS
from bot.cases.guests import service
from bot.cases.guests.model import HOURS, ROLES, SINCE, LinkDead, Role, Since
from bot.cases.guests.service import Invitation, Made, Page
from bot.cases.hand import target
from bot.cases.model import CaseError, CaseNotFound, NotAllowedNow, NotWithThisAdult
from bot.cases.ports import Adults
from bot.desk.case import wake_all
from bot.desk.frame import context_of, go_to, hand_of, show, was_done
from bot.desk.queue import officer_names
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.pages import render, route_url
from bot.kernel.web import PUBLIC, Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, SETTINGS, SIGNALS, VAULT
from bot.kernel.words import N_

#: Under which a guest finds the talk. It tells nothing about what is behind it.
GUEST_PATH = "/guest"

PROBLEMS = {
    "incomplete": N_("Nobody was invited: fill in everything, and ask the person first. Three at once is the most."),
    "doubt": N_(
        "Nobody was invited: an adult of this name may not go with the child, or a hold stands. This was recorded. "
        "If it is somebody else, say so on the page of that adult; an officer of another body has to agree."
    ),
    "too_late": N_("The case has moved on. Nothing was changed: look at it again."),
}
NOT_KEPT = N_("This was not kept: write something, and not more than 4,000 characters.")


def guests_routes(adults: Adults) -> Routes:
    """The officer's page and the guest's. `adults` says whom nobody may let in."""
    routes = Routes()

    @routes.get("/desk/cases/{id}/guests", name="guests", allow=Permission.GUEST_INVITE)
    async def show_guests(request: web.Request) -> web.StreamResponse:
        return await _screen(request, adults)

    @routes.post("/desk/cases/{id}/guests", name="guests", allow=Permission.GUEST_INVITE)
    async def invite(request: web.Request) -> web.StreamResponse:
        """Invite. The link and the code are on the answer to this form, and never again."""
        case_id, fields, hand = request.match_info["id"], await form(request), hand_of(request)
        invitation = _invitation(fields)

        def work(tx: Connection) -> Made:
            if invitation is None:
                target(tx, hand, case_id, Permission.GUEST_INVITE, lock=False)
                raise NotAllowedNow(case_id)
            return service.invite(tx, hand, case_id, invitation, adults=adults)

        try:
            made = await request.app[DATABASE].write(work)
        except CaseNotFound:
            raise web.HTTPNotFound from None
        except NotWithThisAdult:
            await request.app[DATABASE].write(lambda tx: service.note_refused(tx, hand, case_id))
            return await _screen(request, adults, problem="doubt", typed=fields)
        except CaseError:
            return await _screen(request, adults, problem="incomplete", typed=fields)
        wake_all(request, case_id)
        return await _screen(request, adults, made=made)

    @routes.post("/desk/cases/{id}/guests/withdraw", name="withdraw_guest", allow=Permission.GUEST_INVITE)
    async def withdraw(request: web.Request) -> web.StreamResponse:
        case_id, hand = request.match_info["id"], hand_of(request)
        guest_id = (await form(request)).get("guest", "")[:36]
        try:
            await request.app[DATABASE].write(lambda tx: service.withdraw(tx, hand, case_id, guest_id))
        except CaseNotFound:
            raise web.HTTPNotFound from None
        except NotAllowedNow:
            return await _screen(request, adults, problem="too_late")
        wake_all(request, case_id)
        return go_to(request, "guests", id=case_id, notice="guest_withdrawn")

    routes.table.extend(_guest_routes(adults).table)
    return routes


def _invitation(fields: MultiDict[str]) -> Invitation | None:
    hours, role, since = fields.get("hours", ""), fields.get("role"), fields.get("since")
    if hours not in {str(each) for each in HOURS} or role not in set(Role) or since not in set(Since):
        return None
    return Invitation(
        name=fields.get("name", ""),
        role=Role(role),
        hours=int(hours),
        since=Since(since),
        agreed=fields.get("agreed") == "yes",
        compared=fields.get("compared") == "yes",
        giver=fields.get("giver", ""),
        capacity=fields.get("capacity", ""),
    )


async def _screen(
    request: web.Request,
    adults: Adults,
    *,
    problem: str = "",
    typed: MultiDict[str] | None = None,
    made: Made | None = None,
) -> web.Response:
    hand, case_id = hand_of(request), request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        case = target(tx, hand, case_id, Permission.GUEST_INVITE, lock=False)
        link = f"{request.app[SETTINGS].public_url}{route_url(request, 'guest', {'token': made.token})}" if made else ""
        return {
            "case": case,
            "invited": service.invited(tx, hand, case_id),
            "doubted": adults.in_doubt(tx, hand.vault, case),
            "names": officer_names(tx),
            "questions": service.questions(tx, hand, case),
            "givers": GIVERS,
            "capacities": {code: title for code, title in CAPACITIES.items() if code != "cannot"},
            "roles": ROLES,
            "since": SINCE,
            "hours": HOURS,
            "problem": PROBLEMS.get(problem),
            "typed": typed or MultiDict(),
            "made": made,
            "was_done": was_done(request) or made is not None,
            "link": link,
            "at": hand.at,
        }

    try:
        return await show(request, "desk/guests.html", read, here="case", writes=True, status=409 if problem else 200)
    except CaseError:
        raise web.HTTPNotFound from None


# For the guest ----------------------------------------------------------------------------------------------------


def _guest_routes(adults: Adults) -> Routes:
    routes = Routes()

    @routes.get(GUEST_PATH, name="guest", allow=PUBLIC)
    async def show_link(request: web.Request) -> web.StreamResponse:
        """Ask for the code. Looking at a link does not spend it: scanners of messages look at everything."""
        token, now, vault = request.query.get("token", "")[:80], request.app[CLOCK].now(), request.app[VAULT]
        is_open = await request.app[DATABASE].read(lambda tx: service.is_open(tx, vault, token, now, adults=adults))
        return _page(request, status=200 if is_open else 404, token=token if is_open else None)

    @routes.post(GUEST_PATH, name="guest", allow=PUBLIC)
    async def open_link(request: web.Request) -> web.StreamResponse:
        """With the right code, show the talk."""
        fields = await form(request)
        token, code = fields.get("token", "")[:80], fields.get("code", "")[:20]

        def work(tx: Connection, vault: Vault, at: datetime) -> Page | None:
            return service.open_link(tx, vault, token, code, at, adults=adults)

        return await _answer(request, work, token=token)

    @routes.post(f"{GUEST_PATH}/talk", name="guest_talk", allow=PUBLIC)
    async def look(request: web.Request) -> web.StreamResponse:
        """What was written meanwhile."""
        reply = (await form(request)).get("reply", "")[:80]
        return await _answer(request, lambda tx, vault, at: service.look(tx, vault, reply, at, adults=adults))

    @routes.post(f"{GUEST_PATH}/write", name="guest_write", allow=PUBLIC)
    async def write(request: web.Request) -> web.StreamResponse:
        """A translation, or a line of their own, to the officer."""
        fields = await form(request)
        reply, text, seq = fields.get("reply", "")[:80], fields.get("text", ""), fields.get("about", "")
        about = int(seq) if seq.isdecimal() and len(seq) < 9 else None

        def work(tx: Connection, vault: Vault, at: datetime) -> Page:
            once = fields.get("once", "")[:36]
            return service.write(tx, vault, reply, text, about=about, once=once, at=at, adults=adults)

        try:
            return await _answer(request, work)
        except ValueError:
            return await _answer(
                request,
                lambda tx, vault, at: service.look(tx, vault, reply, at, adults=adults),
                typed=fields,
                status=422,
            )

    return routes


async def _answer(
    request: web.Request,
    work: Callable[[Connection, Vault, datetime], Page | None],
    *,
    token: str | None = None,
    typed: MultiDict[str] | None = None,
    status: int = 200,
) -> web.Response:
    vault, at = request.app[VAULT], request.app[CLOCK].now()
    try:
        page = await request.app[DATABASE].write(lambda tx: work(tx, vault, at))
    except LinkDead:
        return _page(request, status=404)
    if page is None:
        return _page(request, status=403, token=token, wrong=True)
    request.app[SIGNALS].wake("queue", f"case:{page.guest.case_id}")
    return _page(request, page=page, typed=typed, status=status)


def _page(
    request: web.Request,
    *,
    status: int = 200,
    token: str | None = None,
    page: Page | None = None,
    typed: MultiDict[str] | None = None,
    wrong: bool = False,
) -> web.Response:
    context = {
        **context_of(request),
        "token": token,
        "page": page,
        "typed": typed or MultiDict(),
        "problem": NOT_KEPT if typed is not None else "",
        "wrong": wrong,
        "new_once": new_id,
        "roles": ROLES,
        "languages_at": request.app.router["guest"].url_for(),
    }
    return render(request, "desk/guest.html", context, status=status)
