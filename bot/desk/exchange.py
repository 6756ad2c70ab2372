"""Requests between countries on the desk: ours, theirs, overdue; one page a request, with its clock, law and thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from aiohttp import web
from babel import Locale
from multidict import MultiDict
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases import consent
from bot.cases import service as cases
from bot.cases.hand import Hand
from bot.cases.model import CaseNotFound
from bot.desk.attached import files_context
from bot.desk.family import family_context
from bot.desk.frame import go_to, hand_of, show
from bot.desk.queue import officer_names
from bot.exchange import gate
from bot.exchange.gate import GateShut, Situation
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import TIE_TITLES, MayNotMove, Tie
from bot.exchange.outside import service as outside
from bot.exchange.outside import store as links
from bot.exchange.outside.model import MOST_VIEWS
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.requests import hold_notices, sending, service, store, telling
from bot.exchange.requests.model import (
    ALTERNATIVES,
    ASSENTS,
    CONFIDENCES,
    DISCLOSED,
    ENDED,
    GROUNDS,
    HOWS,
    OWED,
    REFUSALS,
    RETURNS,
    STATUS_TITLES,
    Act,
    Alternative,
    Ground,
    Incomplete,
    NotNow,
    Refusal,
    RequestNotFound,
    Side,
    Status,
)
from bot.exchange.requests.service import Answer, Draft, SentBefore
from bot.exchange.requests.transfer.model import BANDS, GIVER_TITLES, HAND_OVER, TAKER_TITLES, State
from bot.exchange.requests.types import BODIES, FIELDS, LONGEST, QUESTIONS, REQUEST_TYPES, TIES
from bot.kernel.access import Permission, Role, allows
from bot.kernel.pages import route_url
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SETTINGS, SIGNALS, VAULT
from bot.kernel.words import N_

routes = Routes()

E = TypeVar("E", bound=StrEnum)
Work = Callable[[Connection, Hand], object]

#: Why something was not done, as a sentence. The page then shows how things stand.
PROBLEMS: Mapping[str, str] = {
    "moved_on": N_("The request has moved on. Nothing was changed: look at it again."),
    "not_yours": N_("Somebody else has to do this. Nothing was changed."),
    "gate": N_("Nothing was sent: the refugee gate is shut. Read why below."),
    "hold": N_("Nothing was sent: the tie of this adult is not supported, or a hold stands."),
    "channel": N_("Nothing was sent: the channel to this partner is closed."),
    "incomplete": N_("Something is missing. Nothing was changed."),
    "override": N_("This cannot be decided against the gate now."),
    "override_same": N_("It takes two people in two different roles."),
    "erased": N_("The words of this case were erased. Nothing more can be said about it."),
    "answered_before": N_("This question has an answer already."),
    "not_asked": N_("This was not asked."),
    "consent": N_("Nothing was sent: nobody has agreed yet that this partner is told this. Read below whom to ask."),
    "second_person": N_("Nothing was sent: where somebody could not be asked, a second person lets the answers go."),
    "handed_over": N_("The file of this case is on its way to a partner, or with them. Nothing was changed."),
    "already_offered": N_("This case is offered to a partner already. Nothing was changed."),
    "still_asking": N_("Another request about this case still waits for an answer. Close or withdraw it first."),
    "siblings": N_(
        "Brothers and sisters travel together. Each needs an approved request to the same partner. Nothing was sent."
    ),
    "siblings_missing": N_("A brother or sister travels along, whose offer has not come yet. Wait for it."),
    "no_such_case": N_("There is no case of yours with this number. Nothing was changed."),
    "file_too_large": N_("The file is too large for one letter. Shorten its longest notes."),
    "no_such_file": N_("There is no such file any more. Nothing was changed."),
    "too_many_files": N_("There are as many files as can go along already. Nothing was changed."),
    "relatives_agree": N_("Nothing was sent: a relative who is looked for is asked first."),
}

#: What happened to a request. Codes that are not here are shown as they are.
ACTS: Mapping[str, str] = {
    "draft": N_("drafted"),
    "redraft": N_("changed"),
    "approve": N_("approved"),
    "send_back": N_("sent back for changes"),
    "send": N_("sent"),
    "deliver": N_("delivered"),
    "see": N_("seen by a human"),
    "accept": N_("accepted"),
    "disclosed": N_("the personal part was sent"),
    "body_came": N_("the personal part came"),
    "body_kept_back": N_("the personal part was kept back"),
    "gate_shut_since": N_("the gate would stop it now"),
    "answer_written": N_("an answer was written, not sent yet"),
    "answer": N_("answers were sent"),
    "answer_part": N_("answers came"),
    "answer_all": N_("every answer is there"),
    "answer_returned": N_("something came that does not count"),
    "answer_not_counted": N_("they could not use an answer"),
    "refuse": N_("refused"),
    "withdraw": N_("withdrawn"),
    "asked_to_forget": N_("the consent was taken back: the partner was asked to keep nothing"),
    "not_told": N_("the channel is closed: call the partner and ask that they keep nothing"),
    "forgotten": N_("what they told us was destroyed here"),
    "forgotten_there": N_("the partner confirms that it keeps nothing"),
    "reminded": N_("the partner was reminded"),
    "reminder_came": N_("the partner reminds us"),
    "escalated": N_("overdue: call the focal point"),
    "expire": N_("expired without an answer"),
    "close": N_("closed"),
    "message": N_("a message was sent"),
    "message_came": N_("a message came"),
    "letter_failed": N_("a letter could not be delivered"),
    "letter_stopped": N_("a letter that waited was not sent"),
    "hold_told": N_("the partner was told of the hold"),
    "hold_came": N_("the partner told us of a hold"),
    "hold_ended": N_("the hold has ended"),
    "hold_end_told": N_("the partner was told that the hold has ended"),
    "hold_end_arrived": N_("the partner has signed that it heard of the end of the hold"),
    "hold_end_not_told": N_("the channel is closed: call the partner and say that the hold has ended"),
    "hold_agreed": N_("we said that the hold may end"),
    "hold_agreed_there": N_("the partner says that the hold may end"),
    "override_asked": N_("one person asked to go against the gate"),
    "override_agreed": N_("a second person agreed to go against the gate"),
    "came": N_("came"),
    "link_made": N_("a link and a code were made for the partner"),
    "link_ended": N_("no link opens any more"),
    "link_opened": N_("the link was opened"),
    "link_wrong_code": N_("a wrong code was typed behind the link"),
    "mail_sent": N_("the e-mail with the link was sent"),
    "mail_reminded": N_("an e-mail reminded the partner that the request waits"),
    "mail_not_reminded": N_("no e-mail could remind the partner: call them"),
    "mail_failed": N_("the e-mail with the link was not taken"),
    "shown": N_("the personal part was shown behind the link"),
    "not_shown": N_("the personal part was not shown: look at the gate, the holds and the consent"),
    "file_came": N_("a file came"),
    "file_given": N_("a file was saved behind the link"),
    "file_attached": N_("a file was attached"),
    "file_taken_off": N_("a file was taken off"),
    "file_sent": N_("a file was sent"),
    "file_arrived": N_("the partner confirms that a file arrived whole"),
    "file_failed": N_("a file did not arrive: attach it again"),
    "file_spoilt": N_("a file was spoilt on the way and not kept"),
    "file_expired": N_("a file was deleted: its time was over"),
    "offered": N_("the case was offered"),
    "transfer_handed": N_("the file of the case is on its way"),
    "transfer_offered": N_("the file was not taken: it may be sent again"),
    "transfer_moved": N_("the case has changed hands"),
    "transfer_stayed": N_("the case was not handed over"),
    "waits_for_siblings": N_("accepted; the brothers and sisters are waited for"),
    "child_arrived": N_("the child was seen there"),
    "child_missed": N_("the child did not come"),
    "arrival_unconfirmed": N_("nobody has said in time that the child arrived"),
    "person_told": N_("the bot told the person in the chat"),
    "person_not_told": N_("the bot told the person nothing"),
    "kept_after_call": N_("the partner said by phone that it does not have the file"),
    "taken_against_word": N_("the partner has opened the case although it had said it did not have it: call them"),
    "withdrawn_after_move": N_("the partner took it back after the case was ours: call them"),
}

#: Why something that was to leave stayed here, beside what happened.
WHY_NOT: Mapping[str, str] = {
    "gate": N_("the refugee gate is shut"),
    "hold": N_("a hold stands, or the tie of the adult is not supported"),
    "consent": N_("nobody's consent carries it any more"),
    "channel": N_("the channel to the partner is closed"),
    "withdrawn": N_("the request was withdrawn"),
    "file_is_old": N_("a hold or a fear was recorded since: send the file again"),
    "file_too_large": N_("the file is too large for one letter"),
}
BEFORE_SENDING = frozenset({Status.DRAFTED, Status.APPROVED})

VIEWS: Mapping[str, str] = {
    "ours": N_("We ask"),
    "theirs": N_("We are asked"),
    "overdue": N_("Overdue"),
    "held": N_("Withdrawn, not confirmed"),
}


def _view(name: str, at: Any) -> ColumnElement[bool]:
    table = store.exchange_requests
    if name == "theirs":
        return table.c.side == Side.THEIRS.value
    if name == "overdue":
        return store.is_overdue(at)
    if name == "held":
        return store.still_held_by_partners()
    return table.c.side == Side.OURS.value


@routes.get("/desk/exchange", name="exchange", allow=Permission.EXCHANGE_READ)
async def show_exchange(request: web.Request) -> web.StreamResponse:
    """The lists: what we ask, what we are asked, what is overdue, what a partner still has to forget."""
    officer, at, vault = request[OFFICER], request.app[CLOCK].now(), request.app[VAULT]
    view = request.query.get("view", "")
    view = view if view in VIEWS else "ours"

    def read(tx: Connection) -> dict[str, Any]:
        return {
            "view": view,
            "views": VIEWS,
            "counts": {name: service.counted(tx, officer, _view(name, at)) for name in VIEWS},
            "requests": service.listed(tx, officer, _view(view, at)),
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
        situation = service.situation_of_case(tx, vault, file.case)
        return {
            "case": file.case,
            "situation": situation,
            "fears_unknown": situation.fears is None,
            "adults": holds.adults_of(tx, vault, file.case),
            "holds": holds.standing_holds(tx, case_id),
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
            **family_context(tx, vault, case_id),
            "problem": _sentence(problem),
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
        service.require_case(tx, hand, case_id)
        return service.record_situation(tx, hand, case_id, _situation(fields, language))

    try:
        stopped = await request.app[DATABASE].write(work)
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except NotNow as error:
        return await case_exchange_screen(request, status=409, problem=error.code)
    except Incomplete:
        return await case_exchange_screen(request, status=400, problem="incomplete")
    _wake(request, case_id)
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


# Drafting


@routes.get("/desk/cases/{id}/requests/new", name="new_request", allow=Permission.EXCHANGE_DRAFT)
async def new_request(request: web.Request) -> web.StreamResponse:
    """First which of the fifteen, then only the fields of that one."""
    return await _draft_screen(request)


@routes.post("/desk/cases/{id}/requests/new", name="new_request", allow=Permission.EXCHANGE_DRAFT)
async def write_request(request: web.Request) -> web.StreamResponse:
    fields, hand, case_id = await form(request), hand_of(request), request.match_info["id"]

    def work(tx: Connection) -> str:
        service.require_case(tx, hand, case_id)
        return service.draft(tx, hand, case_id, _draft(fields), once=fields.get("once", "")[:36])

    try:
        request_id = await request.app[DATABASE].write(work)
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except SentBefore:
        return go_to(request, "case_exchange", id=case_id)
    except NotNow as error:
        return await _draft_screen(request, status=409, problem=error.code, typed=fields)
    except MayNotMove:
        return await _draft_screen(request, status=409, problem="hold", typed=fields)
    except Incomplete as error:
        return await _draft_screen(request, status=400, problem="incomplete", typed=fields, wrong=error.fields)
    _wake(request, case_id)
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
    )


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
            "holds": holds.standing_holds(tx, case_id),
            "types": REQUEST_TYPES,
            "type": request_type,
            "fields": FIELDS,
            "longest": LONGEST,
            "questions": QUESTIONS,
            "bodies": BODIES,
            "assents": ASSENTS,
            "partners": service.partners_for(tx, vault, request_type, at=at) if request_type else [],
            "adults": holds.adults_of(tx, vault, file.case),
            "supported": Tie.SUPPORTED,
            "asked": typed.getall("asks", []) if "asks" in typed else list(request_type.asks if request_type else ()),
            "typed": typed,
            "wrong": frozenset(wrong),
            "problem": _sentence(problem),
        }

    try:
        return await show(request, "desk/request_new.html", read, here="exchange", writes=True, status=status)
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotNow:
        return await case_exchange_screen(request, status=409, problem="not_yours")


# One request


@routes.get("/desk/requests/{id}", name="request", allow=Permission.EXCHANGE_READ)
async def show_request(request: web.Request) -> web.StreamResponse:
    return await request_screen(request)


async def request_screen(
    request: web.Request,
    *,
    status: int = 200,
    problem: str | None = None,
    closed: ChannelClosed | None = None,
    typed: MultiDict[str] | None = None,
    made: outside.Made | None = None,
    made_link: str = "",
) -> web.Response:
    """The page of a request. `typed` gives back what could not be kept."""
    vault, hand, request_id = request.app[VAULT], hand_of(request), request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        file = service.open_request(tx, hand, request_id)
        return {
            **request_context(tx, vault, hand, file),
            "problem": _sentence(problem),
            "closed_channel": closed,
            "made": made,
            "made_link": made_link,
            "typed": typed if typed is not None else MultiDict(),
        }

    try:
        return await show(request, "desk/request.html", read, here="exchange", writes=True, status=status)
    except RequestNotFound:
        raise web.HTTPNotFound from None


def request_context(tx: Connection, vault: Any, hand: Hand, file: service.RequestFile) -> dict[str, Any]:
    """Everything the page of a request and its live parts show."""
    officer, asked = hand.officer, file.request
    key = service.key_of(tx, vault, asked)
    known = [sending.recipient_of(partner) for partner in partners.everyone(tx, vault)] if file.stops else []
    remaining = gate.channels_that_remain(sending.situation_of(tx, vault, asked), known)
    by_id = {partner.id: partner for partner in partners.everyone(tx, vault)}
    ours_by_link = asked.side is Side.OURS and file.partner is not None and file.partner.by_link
    others = service.partners_for(tx, vault, asked.type, at=hand.at) if asked.side is Side.OURS else []
    return {
        "file": file,
        "asked": asked,
        "type": asked.type,
        "limit": asked.type.limit(asked.limit),
        "ours": asked.side is Side.OURS,
        "status": asked.status.value,
        "statuses": STATUS_TITLES,
        "fields": FIELDS,
        "questions": QUESTIONS,
        "bodies": BODIES,
        "assents": ASSENTS,
        "hows": HOWS,
        "confidences": CONFIDENCES,
        "refusals": REFUSALS,
        "alternatives": ALTERNATIVES,
        "returns": RETURNS,
        "grounds": GROUNDS,
        "needs": {item: consent.CLASSES[item] for item in sending.items_of(asked)},
        "wants_consent": asked.side is Side.OURS
        and asked.status not in ENDED
        and (asked.status in BEFORE_SENDING or file.consent is None),
        "acts": ACTS,
        "why_not": WHY_NOT,
        "not_done": {said.line.id: service.not_done_of(key, said.line) for said in file.lines},
        "open_questions": [
            ask
            for ask in asked.asks
            if not any(said.line.asked == ask and not said.line.returned for said in file.lines)
        ],
        "unsent": [said for said in file.lines if said.line.kind == "answer" and said.line.approved_by is None],
        "explanations": gate.EXPLANATIONS,
        "lawyer_step": gate.LAWYER_STEP,
        "channels": gate.CHANNELS_THAT_REMAIN,
        "remaining": [by_id[one.id] for one in remaining],
        "override_reason": service.override_reason(tx, vault, asked),
        "roles": [role for role in (Role.OFFICER, Role.COORDINATOR) if role in officer.roles],
        "others": [partner for partner in others if partner.id != asked.partner_id],
        "names": officer_names(tx),
        "can": {
            permission.value.partition(".")[2]: allows(officer, permission, file.sealed)
            for permission in Permission
            if permission.value.startswith(("exchange.", "gate.", "hold."))
        },
        "may_act": {act.value: asked.allows(act) for act in Act},
        "discloses": asked.status is Status.ACCEPTED and asked.asked_on is None and asked.side is Side.OURS,
        "by_link": ours_by_link,
        "link": links.newest(tx, asked.id) if ours_by_link else None,
        "files": outside.files_of(tx, asked.id) if ours_by_link else (),
        "may_link": asked.status in {*OWED, Status.EXPIRED} or asked.still_held,
        "most_views": MOST_VIEWS,
        "now": hand.at,
        "transfer_titles": GIVER_TITLES if asked.side is Side.OURS else TAKER_TITLES,
        "bands": BANDS,
        "moved": file.transfer is not None and file.transfer.state is State.MOVED,
        "silence": _silence(tx, vault, file, at=hand.at),
        **files_context(tx, vault, file),
        "wants_file": asked.side is Side.THEIRS and HAND_OVER in asked.asks and asked.status in DISCLOSED,
        "talks": asked.asked_on is not None and asked.status.value in {"accepted", "partly_answered", "answered"},
    }


def _silence(tx: Connection, vault: Any, file: service.RequestFile, *, at: Any) -> str | None:
    """Why the bot would say nothing of a request of ours in the chat now, as a sentence; "" where it would."""
    if file.request.side is not Side.OURS or file.case is None or file.erased:
        return None
    why = telling.why_silent(tx, vault, file.request, file.case, at=at)
    return "" if why is None else telling.SILENCES[why]


async def act_on(
    request: web.Request,
    work: Work,
    *,
    notice: str | None = None,
    typed: MultiDict[str] | None = None,
    then: Callable[[object], web.Response] | None = None,
) -> web.StreamResponse:
    """Do one thing to the request in the address. What stops it is said on its page, and nothing typed is lost."""
    hand, request_id = hand_of(request), request.match_info["id"]

    def all_of_it(tx: Connection) -> tuple[object, str | None]:
        found = service.require_seen(tx, hand, request_id)
        return work(tx, hand), found.request.case_id

    try:
        done, case_id = await request.app[DATABASE].write(all_of_it)
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except GateShut:
        return await request_screen(request, status=409, problem="gate", typed=typed)
    except MayNotMove:
        return await request_screen(request, status=409, problem="hold", typed=typed)
    except ChannelClosed as error:
        return await request_screen(request, status=409, problem="channel", closed=error, typed=typed)
    except Incomplete:
        return await request_screen(request, status=400, problem="incomplete", typed=typed)
    except NotNow as error:
        return await request_screen(request, status=409, problem=error.code, typed=typed)
    _wake(request, case_id)
    return then(done) if then else go_to(request, "request", id=request_id, notice=notice)


def _wake(request: web.Request, case_id: str | None) -> None:
    topics = ["exchange", "queue", "pages", *([f"case:{case_id}"] if case_id else [])]
    request.app[SIGNALS].wake(*topics)


def _sentence(problem: str | None) -> str | None:
    return PROBLEMS.get(problem, PROBLEMS["moved_on"]) if problem else None


def _choice(kind: type[E], value: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise Incomplete([kind.__name__.lower()]) from None


@routes.post("/desk/requests/{id}/approve", name="approve_request", allow=Permission.EXCHANGE_APPROVE)
async def approve(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: service.approve(tx, hand, request_id), notice="request_approved")


@routes.post("/desk/requests/{id}/send", name="send_request", allow=Permission.EXCHANGE_WRITE)
async def send(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: service.send_request(tx, hand, request_id), notice="request_sent")


@routes.post("/desk/requests/{id}/send-back", name="send_back_request", allow=Permission.EXCHANGE_WRITE)
async def send_back(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: service.send_back(tx, hand, request_id))


@routes.post("/desk/requests/{id}/disclose", name="disclose_request", allow=Permission.EXCHANGE_WRITE)
async def disclose(request: web.Request) -> web.StreamResponse:
    """Try again to send the personal part, after the gate or the channel kept it back."""
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: service.disclose_again(tx, hand, request_id), notice="request_sent")


@routes.post("/desk/requests/{id}/link", name="make_request_link", allow=Permission.EXCHANGE_WRITE)
async def make_link(request: web.Request) -> web.StreamResponse:
    """A link for a partner without Waymark. Its code, and the link where no mail server is set, are on this answer
    alone."""
    request_id, settings = request.match_info["id"], request.app[SETTINGS]
    mails = bool(settings.smtp_url.value)
    hand = hand_of(request)

    def work(tx: Connection) -> outside.Made:
        return outside.make_link(tx, hand, request_id, mails=mails)

    try:
        made = await request.app[DATABASE].write(work)
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except ChannelClosed as error:
        return await request_screen(request, status=409, problem="channel", closed=error)
    except NotNow as error:
        return await request_screen(request, status=409, problem=error.code)
    _wake(request, None)
    path = route_url(request, "outside", {"token": made.token})
    return await request_screen(request, made=made, made_link="" if mails else f"{settings.public_url}{path}")


@routes.post("/desk/requests/{id}/link/end", name="end_request_link", allow=Permission.EXCHANGE_WRITE)
async def end_link(request: web.Request) -> web.StreamResponse:
    """No link to this request opens any more."""
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: outside.end_links(tx, hand, request_id), notice="saved")


@routes.post("/desk/requests/{id}/withdraw", name="withdraw_request", allow=Permission.EXCHANGE_WRITE)
async def withdraw(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: service.withdraw(tx, hand, request_id), notice="request_withdrawn")


@routes.post("/desk/requests/{id}/close", name="close_request", allow=Permission.EXCHANGE_WRITE)
async def close(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: service.close(tx, hand, request_id))


@routes.post("/desk/requests/{id}/copy", name="copy_request", allow=Permission.EXCHANGE_WRITE)
async def copy(request: web.Request) -> web.StreamResponse:
    """Ask another partner the same, in a new draft."""
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        return service.copy_to(tx, hand, request_id, fields.get("partner", ""), once=fields.get("once", "")[:36])

    try:
        return await act_on(request, work, then=lambda made: go_to(request, "request", id=str(made)))
    except SentBefore:
        return go_to(request, "request", id=request_id)


@routes.post("/desk/requests/{id}/message", name="write_message", allow=Permission.EXCHANGE_WRITE)
async def message(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        return service.write_message(
            tx,
            hand,
            request_id,
            text=fields.get("text", ""),
            other=fields.get("other", ""),
            other_language=fields.get("other_language", "")[:16],
            once=fields.get("once", "")[:36],
        )

    return await act_on(request, work, typed=fields)


@routes.post("/desk/requests/{id}/translate", name="translate_line", allow=Permission.EXCHANGE_WRITE)
async def translate(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> None:
        text, language = fields.get("text", ""), fields.get("language", "en")[:16]
        service.translate(tx, hand, request_id, fields.get("line", "")[:36], text=text, language=language)

    return await act_on(request, work, typed=fields)


@routes.post("/desk/requests/{id}/accept", name="accept_request", allow=Permission.EXCHANGE_ANSWER)
async def accept(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: service.accept(tx, hand, request_id), notice="request_accepted")


@routes.post("/desk/requests/{id}/refuse", name="refuse_request", allow=Permission.EXCHANGE_ANSWER)
async def refuse(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        reason = _choice(Refusal, fields.get("reason", ""))
        alternative = _choice(Alternative, fields.get("alternative", ""))
        return service.refuse(tx, hand, request_id, reason=reason, alternative=alternative)

    return await act_on(request, work, notice="request_refused")


@routes.post("/desk/requests/{id}/answers", name="write_answer", allow=Permission.EXCHANGE_RELEASE_ANSWER)
async def write_answer(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]
    answer = Answer(
        key=fields.get("key", ""),
        text=fields.get("text", ""),
        how=fields.get("how", ""),
        confidence=fields.get("confidence", ""),
        not_done=fields.get("not_done", ""),
        other=fields.get("other", ""),
        other_language=fields.get("other_language", "")[:16],
    )

    def work(tx: Connection, hand: Hand) -> object:
        return service.write_answer(tx, hand, request_id, answer, once=fields.get("once", "")[:36])

    return await act_on(request, work, typed=fields)


@routes.post("/desk/requests/{id}/answers/drop", name="drop_answer", allow=Permission.EXCHANGE_RELEASE_ANSWER)
async def drop_answer(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]
    line = fields.get("line", "")[:36]
    return await act_on(request, lambda tx, hand: service.drop_answer(tx, hand, request_id, line))


@routes.post("/desk/requests/{id}/answers/release", name="release_answers", allow=Permission.EXCHANGE_RELEASE_ANSWER)
async def release_answers(request: web.Request) -> web.StreamResponse:
    """A human lets the answers go, and says first whether they could endanger somebody."""
    fields, request_id = await form(request), request.match_info["id"]
    said = {"no": False, "yes": True, "unknown": None}

    def work(tx: Connection, hand: Hand) -> object:
        if fields.get("endangers", "") not in said:
            raise Incomplete(["endangers"])
        endangers, ground = said[fields["endangers"]], _choice(Ground, fields.get("ground", ""))
        return service.release_answers(tx, hand, request_id, endangers=endangers, ground=ground)

    return await act_on(request, work, notice="answers_sent")


@routes.post("/desk/requests/{id}/override", name="ask_override", allow=Permission.GATE_OVERRIDE)
async def ask_override(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        role, reason = fields.get("role", ""), fields.get("reason", "")
        return service.ask_override(tx, hand, request_id, role=role, reason=reason)

    return await act_on(request, work, typed=fields)


@routes.post("/desk/requests/{id}/override/agree", name="agree_override", allow=Permission.GATE_OVERRIDE)
async def agree_override(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> None:
        override, role = fields.get("override", "")[:36], fields.get("role", "")
        service.agree_override(tx, hand, request_id, override, role=role)

    return await act_on(request, work)


@routes.post("/desk/requests/{id}/hold/agree", name="agree_to_their_hold", allow=Permission.HOLD_RELEASE)
async def agree_to_their_hold(request: web.Request) -> web.StreamResponse:
    """As another body, say to the partner who placed a hold that it may end."""
    fields, request_id = await form(request), request.match_info["id"]
    hold = fields.get("hold", "")[:36]
    return await act_on(request, lambda tx, hand: hold_notices.agree_to_their_hold(tx, hand, request_id, hold))
