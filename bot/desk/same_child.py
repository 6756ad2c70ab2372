"""Two cases of one child on the screen: looked for, looked at side by side, said, and undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aiohttp import web
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import intake, same_child, searches, service
from bot.cases.hand import Hand, target
from bot.cases.intake import Found, Wanted
from bot.cases.model import Case, CaseError, CaseNotFound, NotReadyToClose
from bot.cases.service import CaseFile
from bot.conversations import service as conversations
from bot.conversations.service import ConversationCard
from bot.desk.case import case_screen, wake_all
from bot.desk.frame import NotDone, act, go_to, hand_of, show
from bot.desk.queue import officer_names
from bot.exchange.holds import claimants, free_to_move, placing
from bot.exchange.requests import store as requests
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE
from bot.kernel.words import N_

routes = Routes()

LONGEST_FIELD = 200
PROBLEMS: Mapping[str, str] = {
    "no_such_case": N_("No case with this number is yours to see. Nothing was changed."),
    "cannot": N_(
        "These two cannot become one: a reason is missing, or one of them is not open or not yours to decide."
    ),
    "nothing_asked": N_("Write a name, a phone number or a date of birth."),
}
#: What would be lost with a closed case, in the rooms that stand above the cases.
HOLD_STANDS = N_("A hold stands in this case: let this one go on and close the other.")
ADULT_IN_DOUBT = N_(
    "Nobody knows yet who an adult in this case is. Open a dossier on this adult in the other case first, "
    "or let this one go on."
)
REQUEST_UNDER_WAY = N_("A request to another country is under way here: let this one go on and close the other.")


class Side(Struct, frozen=True):
    """One of the two, as both are shown beside each other."""

    file: CaseFile
    card: ConversationCard | None


def ties_by(vault: Vault) -> same_child.Ties:
    """What ties a case to other countries or to an adult, so that it has to go on itself. An adult on hold, or of whom
    nobody knows yet who they are, may be known to the other case too: then nothing is lost."""

    def ties(tx: Connection, case: Case, kept: Case) -> Sequence[str]:
        adults = free_to_move.in_doubt_only_here(tx, vault, case, kept)
        told = any(hold.dossier_id is None for hold in claimants.standing_holds(tx, case.id))
        found = [HOLD_STANDS] if told or any(adult.hold for adult in adults) else []
        if adults and not found:
            found.append(ADULT_IN_DOUBT)
        if any(each.request.ended_at is None for each in requests.of_case(tx, case.id)):
            found.append(REQUEST_UNDER_WAY)
        return found

    return ties


@routes.get("/desk/cases/{id}/same-child", name="same_child", allow=Permission.CASE_MERGE)
async def show_same_child(request: web.Request) -> web.StreamResponse:
    """Which case is about the same child? What is known of this one is looked for at once."""
    return await _screen(request, number=request.query.get("number", "")[:20])


@routes.post("/desk/cases/{id}/same-child/search", name="search_same_child", allow=Permission.CASE_MERGE)
async def search(request: web.Request) -> web.StreamResponse:
    """Look by what the child said. A name never stands in an address."""
    fields = await form(request)
    wanted = Wanted(*(fields.get(name, "").strip()[:LONGEST_FIELD] for name in ("name", "phone", "born")))
    return await _screen(request, wanted=wanted, problem="nothing_asked" if wanted.empty else "")


async def _screen(
    request: web.Request,
    *,
    number: str = "",
    wanted: Wanted | None = None,
    typed: Mapping[str, str] = MappingProxyType({}),
    problem: str = "",
    obstacles: Sequence[str] = (),
) -> web.Response:
    hand, case_id = hand_of(request), request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        case = target(tx, hand, case_id, Permission.CASE_MERGE, lock=False)
        other = _other(tx, hand, case_id, number) if number else None
        return {
            "limited": searches.is_limited(tx, hand),
            "case": case,
            "sides": [_side(tx, hand, case_id), other] if other is not None else [],
            "may_be_kept": other is not None and same_child.may_be_kept(hand, other.file.case),
            "alike": same_child.alike(tx, hand, case_id),
            "found": _found(tx, hand, case_id, wanted),
            "wanted": wanted or Wanted(),
            "searched": wanted is not None and not wanted.empty,
            "number": number,
            "typed": typed,
            "names": officer_names(tx),
            "problem": PROBLEMS.get(problem or ("no_such_case" if number and other is None else "")),
            "obstacles": obstacles,
        }

    status = 409 if problem or obstacles else 200
    try:
        return await show(request, "desk/same_child.html", read, here="case", writes=True, status=status)
    except CaseError:
        raise web.HTTPNotFound from None


def _other(tx: Connection, hand: Hand, case_id: str, number: str) -> Side | None:
    try:
        other_id = service.id_of_number(tx, hand, number)
    except CaseNotFound:
        return None
    return None if other_id == case_id else _side(tx, hand, other_id)


def _side(tx: Connection, hand: Hand, case_id: str) -> Side:
    file = service.open_file(tx, hand, case_id)
    return Side(file, conversations.card(tx, file.case.conversation_id))


def _found(tx: Connection, hand: Hand, case_id: str, wanted: Wanted | None) -> list[Found]:
    if wanted is None or wanted.empty:
        return []
    return [each for each in intake.search(tx, hand, wanted) if each.case.id != case_id and each.case.is_open]


@routes.post("/desk/cases/{id}/same-child", name="same_child", allow=Permission.CASE_MERGE)
async def merge(request: web.Request) -> web.StreamResponse:
    """This one is a duplicate. Afterwards the officer sees the case that goes on."""
    case_id, fields, hand = request.match_info["id"], await form(request), hand_of(request)
    number, why, here = fields.get("number", "")[:20], fields.get("why", ""), fields.get("talk") == "here"

    def work(tx: Connection) -> str:
        target(tx, hand, case_id, Permission.CASE_MERGE, lock=False)  # a foreign case is not found, whatever is typed
        ties = ties_by(hand.vault)
        try:
            kept = same_child.merge(tx, hand, case_id, number, why=why, goes_on_here=here, ties=ties)
        except CaseNotFound:
            return ""
        placing.look_around(tx, hand.vault, kept.id, at=hand.at)
        return kept.id

    try:
        kept_id = await request.app[DATABASE].write(work)
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotReadyToClose as refused:
        return await _screen(request, number=number, typed=fields, obstacles=refused.obstacles)
    except CaseError:
        return await _screen(request, number=number, typed=fields, problem="cannot")
    if not kept_id:
        return await _screen(request, typed=fields, problem="no_such_case")
    wake_all(request, case_id)
    wake_all(request, kept_id)
    return go_to(request, "case", id=kept_id, notice="same_child")


@routes.post("/desk/cases/{id}/same-child/undo", name="not_same_child", allow=Permission.CASE_UNMERGE)
async def undo(request: web.Request) -> web.StreamResponse:
    """They are two children: this one is open again."""
    why = (await form(request)).get("why", "")
    return await _do(request, lambda tx, hand, case_id: same_child.undo(tx, hand, case_id, why=why), "not_same_child")


@routes.post("/desk/cases/{id}/same-child/there", name="answer_there", allow=Permission.CASE_ANSWER)
async def answer_there(request: web.Request) -> web.StreamResponse:
    """The child writes in their other talk: go on there."""
    talk = (await form(request)).get("talk", "")[:36]
    return await _do(request, lambda tx, hand, case_id: same_child.answer_there(tx, hand, case_id, talk), "other_talk")


async def _do(request: web.Request, work: Any, done: str) -> web.StreamResponse:
    hand, case_id = hand_of(request), request.match_info["id"]
    try:
        await act(request, lambda tx: work(tx, hand, case_id))
    except NotDone:
        return await case_screen(request, status=409, problem="too_late")
    wake_all(request, case_id)
    return go_to(request, "case", id=case_id, notice=done)
