"""The address of a safe place, as whoever keeps the directory deals with it: typed by one, approved by another.

No answer of these routes ever holds it: a form that cannot be kept comes back without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.desk.frame import go_to
from bot.desk.proving import NOT_PROVEN, let_each_other_in, prove
from bot.desk.services import service_screen
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, VAULT
from bot.kernel.words import N_
from directory import safe_place_changes as changes
from directory import store
from directory.asking import Directory
from directory.model import NeedsCallBack, NeedsSecondPerson, NotAllowedNow, Service, WrongRecord
from directory.words import because

PROBLEMS: Mapping[str, str] = {
    **NOT_PROVEN,
    "second_person": N_("It counts once a colleague has approved it. Whoever typed it cannot."),
    "let_in": N_(
        "Not approved. One of you two added the other, or made a sign-in link for them, in the last seven days. Let "
        "another admin approve it, or wait."
    ),
    "call_back": N_("First call the number that stands in the record, and note who said what and when."),
    "moved_on": N_("This cannot be done now: another change waits, or somebody was quicker. Look at it again."),
}


class _LetIn(Exception):
    """One of the two let the other in: they do not count as two yet."""


def secret_address_routes(places: Directory) -> Routes:
    """The two forms in the record of a confidential service."""
    routes = Routes()

    @routes.post("/desk/services/{id}/address", name="propose_address", allow=Permission.SERVICES_EDIT)
    async def propose(request: web.Request) -> web.StreamResponse:
        """Ask that an address is stored, replaces the one before, or is removed."""
        fields, vault, by, at = await form(request), request.app[VAULT], request[OFFICER].id, request.app[CLOCK].now()

        def work(tx: Connection) -> None:
            record = _record(tx, request)
            place = None
            if fields.get("what") != changes.What.REMOVE:
                told = (fields.get(name, "") for name in ("address", "latitude", "longitude"))
                place = changes.place_of(*told)
            changes.propose(tx, vault, _note(vault), record, place, why=fields.get("why", ""), by=by, at=at)

        return await _do(request, work, {"why": fields.get("why", "")}, notice="address_waits")

    @routes.post("/desk/services/{id}/address/decide", name="decide_address", allow=Permission.SERVICES_EDIT)
    async def decide(request: web.Request) -> web.StreamResponse:
        """Let it count, or end it. Whoever lets it count shows again who they are."""
        fields, vault, by, at = await form(request), request.app[VAULT], request[OFFICER].id, request.app[CLOCK].now()
        service_id, typed = request.match_info["id"], {"call_back": fields.get("call_back", "")[: changes.LONGEST_NOTE]}
        this = {"service_id": service_id, "change_id": fields.get("change", "")[:36]}
        await request.app[DATABASE].read(lambda tx: _record(tx, request))
        if fields.get("to") != "approve":

            def end(tx: Connection) -> None:
                changes.turn_down(tx, vault, _note(vault), **this, by=by, at=at)

            return await _do(request, end, typed, notice="address_ended")
        if not typed["call_back"].strip():  # no code of an authenticator is spent on it
            return await _again(request, "call_back", typed)
        if problem := await prove(request, fields):
            return await _again(request, problem, typed)

        def work(tx: Connection) -> None:
            waits = changes.waiting(tx, service_id)
            if waits is not None and waits.proposed_by != by and let_each_other_in(tx, waits.proposed_by, by, at):
                raise _LetIn
            record, this_one = _record(tx, request), this["change_id"]
            changes.approve(
                tx, vault, _note(vault), record, change_id=this_one, call_back=typed["call_back"], by=by, at=at
            )

        return await _do(request, work, typed, notice="address_counts")

    async def _do(
        request: web.Request, work: Callable[[Connection], None], typed: Mapping[str, str], *, notice: str
    ) -> web.StreamResponse:
        database = request.app[DATABASE]
        try:
            await database.write(work)
            if notice != "address_waits":  # with its key it is gone from the log of an embedded database too
                await database.clear_log()
        except WrongRecord as error:
            return await service_screen(request, places, problems=error.problems, typed=typed)
        except NeedsSecondPerson:
            return await _again(request, "second_person", typed)
        except _LetIn:
            return await _again(request, "let_in", typed)
        except NeedsCallBack:
            return await _again(request, "call_back", typed)
        except NotAllowedNow:
            return await _again(request, "moved_on", typed)
        return go_to(request, "service", id=request.match_info["id"], notice=notice, part="address")

    async def _again(request: web.Request, problem: str, typed: Mapping[str, str]) -> web.Response:
        return await service_screen(request, places, problems=[because(PROBLEMS[problem])], typed=typed)

    return routes


def _record(tx: Connection, request: web.Request) -> Service:
    record = store.get_service(tx, request.match_info["id"])
    if record is None:
        raise web.HTTPNotFound
    return record


def _note(vault: Vault) -> partial[str]:
    return partial(audit.append, vault=vault)
