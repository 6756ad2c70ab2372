"""A case on the screen: the talk, live both ways, and everything an officer can do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from aiohttp import web
from msgspec import Struct
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases import (
    attachments,
    consult,
    earlier,
    erasure,
    handover,
    receipts,
    same_child,
    service,
    spoken,
    supervision,
    telling,
    waiting,
)
from bot.cases.attachments import UnfitFile
from bot.cases.guests import service as guests
from bot.cases.guests.service import GuestLine
from bot.cases.hand import Hand
from bot.cases.model import (
    AlreadyClaimed,
    Case,
    CaseError,
    CaseNotFound,
    CaseStatus,
    NotAllowedNow,
    NotReadyToClose,
    NotSafeNow,
)
from bot.cases.reasons import ALTHOUGH_UNSAFE, CLOSINGS
from bot.cases.record import closure
from bot.cases.record import store as record_store
from bot.cases.replies import REPLIES
from bot.cases.safe_time import clock
from bot.cases.service import CaseFile
from bot.conversations import marks
from bot.conversations import service as conversations
from bot.conversations.model import Author
from bot.conversations.safe_contact import SafeContact
from bot.conversations.service import Line, Watched
from bot.desk.family import family_context, household_context
from bot.desk.first_minutes import FROM_ABROAD, first_minutes, procedure_for
from bot.desk.frame import QUEUE_LENGTH, NotDone, act, go_to, hand_of, show
from bot.desk.queue import officer_names, queue_screen
from bot.desk.rows import lists_of
from bot.exchange.holds import claimants
from bot.exchange.requests import alerts
from bot.kernel.access import Permission, allows
from bot.kernel.crypto import Vault
from bot.kernel.database import DatabaseUnavailable
from bot.kernel.history import Happened
from bot.kernel.officers import Officer
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE, OFFICER, SIGNALS, VAULT

routes = Routes()

#: How far back the talk is shown; the link "Earlier" shows all of it.
LINES_SHOWN = 120
#: Acts that stand in the talk as a line of their own. The others are in "What happened".
ACTS_IN_TALK = frozenset(
    {
        "opened", "raised", "claim", "reminded", "release", "take_over", "hand_over", "offered", "offer_declined",
        "consulted", "consult_ended", "offer_lapsed", "close", "reopen", "came_back", "return_agreed", "return_refused",
        "watch_ended", "safe_time_said", "told_first", "not_told_first", "guest_invited", "guest_opened",
        "guest_withdrawn", "linked", "unlinked", "alert_came", "same_child",
        "not_same_child", "judged_more_urgent", "judged_less_urgent",
        "other_talk", "wrote_elsewhere", "erasure_proposed", "erasure_turned_down", "erased",
    }
)  # fmt: skip


#: What the page says of an answer that was refused.
NOT_SENT = ((Watched, "watched"), (NotSafeNow, "unsafe"), (UnfitFile, "unfit_file"))


class Entry(Struct, frozen=True):
    """One entry of the talk: a line somebody wrote, or what happened or was said to the officer between two lines."""

    key: str
    at: datetime
    line: Line | None = None
    event: Happened | None = None
    said: GuestLine | None = None  # by an interpreter or a guardian, to the officer alone
    corrected: bool = False  # a later line says it again, right


def entries(lines: Sequence[Line], events: Sequence[Happened], said: Sequence[GuestLine] = ()) -> list[Entry]:
    """Lines in their own order, each act and each word of a guest before the first line that came after it."""
    corrected = {line.edits for line in lines if line.edits is not None}
    between = [_of_event(event) for event in events if event.act in ACTS_IN_TALK]
    between += [Entry(f"guest-{each.id}", each.at, said=each) for each in said]
    between.sort(key=lambda entry: entry.at)
    told: list[Entry] = []
    for line in lines:
        while between and between[0].at <= line.at and line.template != "person_reads":
            told.append(between.pop(0))
        told.append(Entry(f"line-{line.seq}", line.at, line=line, corrected=line.seq in corrected))
    return [*told, *between]


def _of_event(event: Happened) -> Entry:
    return Entry(f"act-{event.act}-{int(event.at.timestamp() * 1000)}", event.at, event=event)


def case_context(
    tx: Connection, vault: Vault, officer: Officer, file: CaseFile, *, at: datetime, whole: bool = False
) -> dict[str, Any]:
    """Everything the case page and its live parts show."""
    case = file.case
    card = conversations.card(tx, case.conversation_id)
    # A case that was as urgent before keeps its reason when the word for danger is written; what to do does not.
    reason = "duress" if card is not None and card.watched_since else case.reason
    lines = conversations.transcript(tx, vault, case.conversation_id)
    shown = lines if whole else lines[-LINES_SHOWN:]
    since = shown[0].at if len(shown) < len(lines) else None
    events = [event for event in file.events if since is None or event.at >= since]
    safe = conversations.safe_contact(tx, vault, case.conversation_id)
    files, said = attachments.of_case(tx, vault, case), guests.lines_of(tx, vault, case)
    return {
        **safe_context(tx, vault, case, safe, at=at),
        "file": file,
        "case": case,
        "card": card,
        "marks": marks.marks_of(tx, case.conversation_id).value,
        "read_up_to": marks.read_up_to(tx, case.conversation_id),
        "entries": entries(shown, events, [each for each in said if since is None or each.at >= since]),
        "heard_up_to": max((line.seq for line in lines if line.author is Author.PERSON), default=0),
        "lines_by_seq": {line.seq: line for line in lines} if said else {},
        "earlier": len(lines) - len(shown),
        "names": officer_names(tx),
        "minutes": FROM_ABROAD if case.source == alerts.SOURCE else first_minutes(reason),
        "procedure": procedure_for(reason),
        "speakers": spoken.speakers(tx, officer, case.language, at) if case.is_open else None,
        "closings": CLOSINGS,
        "replies": REPLIES,
        "erasing": erasure.standing(tx, case),
        "questions": consult.of_case(tx, vault, case, at=at),
        "can": {
            permission.value.partition(".")[2]: allows(officer, permission, case)
            for permission in Permission
            if permission.value.startswith("case.")
        },
        "new": case.status is CaseStatus.NEW,
        "held": case.status is CaseStatus.CLAIMED,
        "closed": case.status is CaseStatus.CLOSED,
        "mine": case.owner_id == officer.id,
        "me": officer.id,
        "holds": claimants.standing_holds(tx, case.id),
        **family_context(tx, vault, case.id),
        **household_context(tx, vault, officer, case),
        "offered_to_me": case.offered_to == officer.id,
        "offer": handover.standing_offer(tx, vault, case),
        "colleagues": handover.colleagues(tx, besides=case.owner_id),
        "reads_file": allows(officer, Permission.RECORD_READ, case),
        "must_report": telling.report_is_open(tx, case),
        "invites": allows(officer, Permission.GUEST_INVITE, case),
        "refers": allows(officer, Permission.REFERRAL_SEND, case),
        "followed": record_store.is_followed(tx, case.id),
        "checklist": closure.CHECKLIST,
        "obstacles": (),
        "returns": (returns := receipts.of_case(tx, case)),
        "merged": (merged := same_child.of_case(tx, case)),
        "answerable": [talk for talk in merged.talks_left if same_child.is_answerable(tx, talk)],
        "wrote_elsewhere": wrote_elsewhere(file),
        "earlier_cases": earlier.of_case(tx, officer, case, at=at),
        "earlier_talks": [conversations.transcript(tx, vault, phone) for phone in returns.earlier],
        "files": attachments.by_line(files, case.conversation_id),
        "earlier_files": [attachments.by_line(files, phone) for phone in returns.earlier],
    }


def wrote_elsewhere(file: CaseFile) -> bool:
    """Whether the child wrote in their other talk and nobody has answered since."""
    answered = file.case.officer_wrote_at
    since = [event for event in file.events if event.act == "wrote_elsewhere"]
    return bool(since) and (answered is None or since[-1].at > answered)


def safe_context(tx: Connection, vault: Vault, case: Case, safe: SafeContact, *, at: datetime) -> dict[str, Any]:
    """When the person may be written to, and what waits for it."""
    opens = safe.next_safe(at)
    there = safe.local(at)
    return {
        "safe": safe,
        "safe_now": safe.is_safe(at),
        "safe_hours": (clock(safe.from_minute), clock(safe.until_minute))
        if safe.from_minute is not None and safe.until_minute is not None
        else None,
        "safe_there": None if there is None else f"{there:%H:%M}",
        "safe_opens": opens,
        "although_unsafe": ALTHOUGH_UNSAFE,
        "waiting_answers": waiting.of_case(tx, vault, case),
    }


@routes.get("/desk/cases/{id}", name="case", allow=Permission.CASE_READ)
async def show_case(request: web.Request) -> web.StreamResponse:
    return await case_screen(request)


async def case_screen(
    request: web.Request,
    *,
    status: int = 200,
    problem: str | None = None,
    draft: str = "",
    typed_in: str = "",
    typed: Mapping[str, str] = MappingProxyType({}),
    obstacles: Sequence[str] = (),
) -> web.Response:
    """The page of a case. `problem` and `draft` give back what could not be sent, `typed` the fields of the form
    `typed_in` ("offer", "ask", "urgency", "close"), `obstacles` why it is not closed."""
    officer, vault, hand = request[OFFICER], request.app[VAULT], hand_of(request)
    case_id, whole = request.match_info["id"], "all" in request.query

    def read(tx: Connection) -> dict[str, Any]:
        file = service.open_file(tx, hand, case_id)
        queue = service.look_at_queue(tx, vault, officer, limit=QUEUE_LENGTH)
        talk = case_context(tx, vault, officer, file, at=hand.at, whole=whole)
        return {
            **talk,
            "queue": queue,
            "reviews": bool(file.case.read_by) and supervision.may_review(tx, hand, file.case),
            "problem": problem,
            "draft": draft,
            "obstacles": obstacles,
            "typed_in": typed_in,
            "typed": typed,
        }

    try:
        return await show(request, "desk/case.html", read, here="case", writes=True, status=status, shape=lists_of)
    except CaseNotFound:
        raise web.HTTPNotFound from None


@routes.post("/desk/cases/{id}/claim", name="claim", allow=Permission.CASE_CLAIM)
async def claim(request: web.Request) -> web.StreamResponse:
    """Take a case. Whoever comes second sees the queue and reads that it is gone."""
    case_id, hand = request.match_info["id"], hand_of(request)
    try:
        await request.app[DATABASE].write(lambda tx: service.claim_case(tx, hand, case_id))
    except AlreadyClaimed:
        return await queue_screen(request, status=404, gone=True)
    wake_all(request, case_id)
    return go_to(request, "case", id=case_id, notice="taken")


@routes.post("/desk/cases/{id}/answer", name="answer", allow=Permission.CASE_ANSWER)
async def answer(request: web.Request) -> web.StreamResponse:
    """Send the officer's words. A browser with our script is told in a word; any other is sent back to the talk."""
    case_id, fields = request.match_info["id"], await form(request)
    by_script = "application/json" in request.headers.get("Accept", "")
    try:
        await send_typed(request, fields)
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except (NotAllowedNow, Watched) as refused:
        if by_script:
            return web.json_response({"sent": False}, status=409)
        return await not_sent(request, refused, fields)
    except DatabaseUnavailable:
        if by_script:
            return web.json_response({"sent": False}, status=503)
        raise
    if by_script:
        return web.json_response({"sent": True})
    return go_to(request, "case", id=case_id, part="write")


async def send_typed(request: web.Request, fields: MultiDict[str], content: bytes | None = None) -> None:
    """Send what stands in the form of an answer, and a file with it. Raises as `waiting.answer` and `fit_to_send`."""
    case_id, hand = request.match_info["id"], hand_of(request)

    def send(tx: Connection) -> None:
        waiting.answer(
            tx,
            hand,
            case_id,
            text=fields.get("text", ""),
            once=fields.get("once", "")[:36],
            when=fields.get("when", ""),
            although_watched=fields.get("although") == "watched",
            file=None if content is None else attachments.fit_to_send(content),
        )

    await request.app[DATABASE].write(send)
    wake_all(request, case_id)


async def not_sent(request: web.Request, refused: CaseError | Watched, fields: MultiDict[str]) -> web.Response:
    """The case with what was typed, and why it was not sent."""
    problem = next((code for kind, code in NOT_SENT if isinstance(refused, kind)), "not_sent")
    return await case_screen(request, status=409, problem=problem, draft=fields.get("text", ""))


@routes.post("/desk/cases/{id}/seen", name="seen", allow=Permission.CASE_ANSWER)
async def seen(request: web.Request) -> web.StreamResponse:
    """ "I have seen it": the alarm of a case the officer holds stops."""
    return await move(request, lambda tx, hand, case_id: service.acknowledge_alarm(tx, hand, case_id))


@routes.post("/desk/cases/{id}/release", name="release", allow=Permission.CASE_RELEASE)
async def release(request: web.Request) -> web.StreamResponse:
    return await move(request, service.release_case, then="queue", notice="released")


@routes.post("/desk/cases/{id}/take-over", name="take_over", allow=Permission.CASE_TAKE_OVER)
async def take_over(request: web.Request) -> web.StreamResponse:
    return await move(request, service.take_over, notice="taken")


@routes.post("/desk/cases/{id}/close", name="close", allow=Permission.CASE_CLOSE)
async def close(request: web.Request) -> web.StreamResponse:
    fields = await form(request)
    closing, checked = fields.get("closing", ""), fields.getall("check", [])
    read_up_to = int(said) if (said := fields.get("read_up_to", "")).isascii() and said.isdecimal() else None
    if closing not in CLOSINGS:
        return await case_screen(request, status=400, problem="incomplete")

    def work(tx: Connection, hand: Hand, case_id: str) -> object:
        return service.close_case(tx, hand, case_id, closing=closing, checked=checked, read_up_to=read_up_to)

    try:
        return await move(request, work, then="queue", notice="closed")
    except NotReadyToClose as refused:
        return await case_screen(request, status=409, obstacles=refused.obstacles, typed_in="close", typed=fields)


@routes.post("/desk/cases/{id}/reopen", name="reopen", allow=Permission.CASE_REOPEN)
async def reopen(request: web.Request) -> web.StreamResponse:
    return await move(request, service.reopen_case, notice="reopened")


@routes.post("/desk/cases/{id}/notes", name="note", allow=Permission.CASE_READ)
async def note(request: web.Request) -> web.StreamResponse:
    """Keep a note that only officers see."""
    fields = await form(request)
    text, once, shared = fields.get("text", ""), fields.get("once", "")[:36], fields.get("kind") == "shared"

    def work(tx: Connection, hand: Hand, case_id: str) -> object:
        return service.write_note(tx, hand, case_id, text=text, once=once, shared=shared)

    return await move(request, work, notice="saved", part="notes")


async def move(
    request: web.Request,
    work: Callable[[Connection, Hand, str], object],
    *,
    then: str = "case",
    notice: str | None = None,
    part: str = "",
) -> web.StreamResponse:
    """Do one thing to the case in the address, and go on. Too late: the case as it stands now, and a word about it."""
    case_id, hand = request.match_info["id"], hand_of(request)
    try:
        await act(request, lambda tx: work(tx, hand, case_id))
    except NotDone:
        return await case_screen(request, status=409, problem="too_late")
    wake_all(request, case_id)
    if then == "case":
        return go_to(request, then, id=case_id, notice=notice, part=part)
    return go_to(request, then, notice=notice)


def wake_all(request: web.Request, case_id: str) -> None:
    """Everyone who shows this case or the queue looks again; the sender looks for what there is to send."""
    request.app[SIGNALS].wake("queue", "pages", "outbox", f"case:{case_id}")
