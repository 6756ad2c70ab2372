"""One request between two countries on the desk: its clock, law and thread, and everything that is done to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases.hand import Hand
from bot.conversations import service as conversations
from bot.desk.attached import files_context
from bot.desk.exchange import wake_exchange
from bot.desk.family import household_context
from bot.desk.frame import go_to, hand_of, show
from bot.desk.holders import holders_context
from bot.desk.queue import officer_names
from bot.desk.request_words import ACTS, WHY_NOT, sentence_of
from bot.exchange import gate
from bot.exchange.gate import GateShut
from bot.exchange.holds.model import MayNotMove
from bot.exchange.outside import service as outside
from bot.exchange.outside import store as links
from bot.exchange.outside.model import MOST_VIEWS, address_of
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.requests import (
    again,
    answering,
    drafting,
    hold_endings,
    looking,
    opening,
    overrides,
    sending,
    service,
    telling,
    thread,
)
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.drafting import SentBefore
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
    Request,
    RequestNotFound,
    Side,
    Status,
)
from bot.exchange.requests.naming import acts as naming_acts
from bot.exchange.requests.passing import acts as passing_acts
from bot.exchange.requests.terms import limit_of
from bot.exchange.requests.transfer.model import BANDS, GIVER_TITLES, HAND_OVER, TAKER_TITLES, State
from bot.exchange.requests.types import BODIES, FIELDS, QUESTIONS
from bot.kernel.access import Permission, Role, allows
from bot.kernel.crypto import DataKey
from bot.kernel.pages import route_url
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import DATABASE, SETTINGS, VAULT

routes = Routes()

E = TypeVar("E", bound=StrEnum)
#: Whether words of ours could put somebody in danger, as a form says it.
ENDANGERS: Mapping[str, bool | None] = {"no": False, "yes": True, "unknown": None}
Work = Callable[[Connection, Hand], object]

#: In the history: what the partner told, or answered, was destroyed here.
TAKEN_BACK_THERE = frozenset({"forgotten", "answers_forgotten"})
BEFORE_SENDING = frozenset({Status.DRAFTED, Status.APPROVED})


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
        file = looking.open_request(tx, hand, request_id)
        return {
            **request_context(tx, vault, hand, file),
            "problem": sentence_of(problem),
            "closed_channel": closed,
            "made": made,
            "made_link": made_link,
            "typed": typed if typed is not None else MultiDict(),
        }

    try:
        return await show(request, "desk/request.html", read, here="exchange", writes=True, status=status)
    except RequestNotFound:
        raise web.HTTPNotFound from None


#: Words and tables that the page looks things up in, whatever request it shows.
_TABLES: dict[str, Any] = {
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
    "acts": ACTS,
    "why_not": WHY_NOT,
    "bands": BANDS,
    "explanations": gate.EXPLANATIONS,
    "lawyer_step": gate.LAWYER_STEP,
    "channels": gate.CHANNELS_THAT_REMAIN,
    "focal_says": hold_endings.FOCAL_SAYS,
    "most_views": MOST_VIEWS,
}


def request_context(tx: Connection, vault: Any, hand: Hand, file: looking.RequestFile) -> dict[str, Any]:
    """Everything the page of a request and its live parts show."""
    officer, asked = hand.officer, file.request
    return {
        **_TABLES,
        "file": file,
        "asked": asked,
        "type": asked.type,
        "limit": limit_of(asked, file.partner, hand.at),
        "ours": asked.side is Side.OURS,
        "status": asked.status.value,
        "needs": {item: consent.CLASSES[item] for item in sending.items_of(asked)},
        "wants_consent": asked.side is Side.OURS
        and asked.status not in ENDED
        and (asked.status in BEFORE_SENDING or file.consent is None),
        "to_pass_on": _to_pass_on(tx, hand, asked),
        **_partners_context(tx, vault, hand, file),
        **_thread_context(opening.key_of(tx, vault, asked), file),
        **_link_context(tx, file),
        "override_reason": overrides.override_reason(tx, vault, asked),
        "roles": [role for role in (Role.OFFICER, Role.COORDINATOR) if role in officer.roles],
        **(household_context(tx, vault, officer, file.case) if file.case and asked.type.moves_child else {}),
        "endings": hold_endings.endings(tx, hand, asked),
        "named": naming_acts.named_in(tx, vault, file.sealed, file.case),
        "names": officer_names(tx),
        "me": officer.id,
        "can": {
            permission.value.partition(".")[2]: allows(officer, permission, file.sealed)
            for permission in Permission
            if permission.value.startswith(("exchange.", "gate.", "hold."))
        },
        "may_act": {act.value: asked.allows(act) for act in Act},
        "discloses": asked.status is Status.ACCEPTED and asked.asked_on is None and asked.side is Side.OURS,
        "shut": _shut(file, hand.at),
        "unheard": bool(again.unheard(tx, asked.id)),
        "now": hand.at,
        "writes_in": _writes_in(hand),
        "transfer_titles": GIVER_TITLES if asked.side is Side.OURS else TAKER_TITLES,
        "moved": file.transfer is not None and file.transfer.state is State.MOVED,
        "silence": _silence(tx, vault, file, at=hand.at),
        "tells_answer": asked.status in telling.HAS_ANSWER
        and file.case is not None
        and file.case.owner_id == officer.id,
        "person_language": _language_of(tx, file),
        **files_context(tx, vault, file),
        **holders_context(tx, vault),
        "wants_file": asked.side is Side.THEIRS and HAND_OVER in asked.asks and asked.status in DISCLOSED,
    }


def _shut(file: looking.RequestFile, at: datetime) -> ChannelClosed | None:
    """Why nothing passes between us and the partner of a request that has not ended: said before somebody writes."""
    asked = file.request
    waits = asked.status not in ENDED or asked.still_held
    return file.partner.why_unreachable(at) if waits and file.partner is not None else None


def _partners_context(tx: Connection, vault: Any, hand: Hand, file: looking.RequestFile) -> dict[str, Any]:
    """Whom else this could be asked, and to whom the way is still open where the gate is shut."""
    asked, by_id = file.request, {partner.id: partner for partner in partners.everyone(tx, vault)}
    known = [sending.recipient_of(partner) for partner in by_id.values()] if file.stops else []
    situation = sending.situation_of(tx, vault, asked)
    remaining = gate.channels_that_remain(situation, known)
    there = file.partner.country if file.partner is not None and asked.side is Side.OURS else ""
    others = looking.partners_for(tx, vault, asked.type, at=hand.at) if asked.side is Side.OURS else []
    return {
        "partner_names": {partner.id: partner.name for partner in by_id.values()},
        "remaining": [by_id[one.id] for one in remaining],
        "near_fear": asked.status not in ENDED and there in (situation.feared or ()),
        "others": [partner for partner in others if partner.id != asked.partner_id],
    }


def _thread_context(key: DataKey | None, file: looking.RequestFile) -> dict[str, Any]:
    """What was answered and what is open, and whether the two sides can still write to each other."""
    asked, answered = file.request, {said.line.asked for said in file.lines if not said.line.returned}
    return {
        "not_done": {said.line.id: answering.not_done_of(key, said.line) for said in file.lines},
        "open_questions": [ask for ask in asked.asks if ask not in answered],
        "unsent": [said for said in file.lines if said.line.kind == "answer" and said.line.approved_by is None],
        "takes_back_answers": asked.side is Side.THEIRS
        and asked.told_withdrawn_at is None
        and any(letter.kind == "request_answer" for letter in file.letters),
        "taken_back_there": any(event.act in TAKEN_BACK_THERE for event in file.events),
        "talks": thread.is_read_there(asked, file.partner),
    }


def _link_context(tx: Connection, file: looking.RequestFile) -> dict[str, Any]:
    """The link of a partner without Waymark, and what it has sent back by it."""
    asked = file.request
    by_link = asked.side is Side.OURS and file.partner is not None and file.partner.by_link
    return {
        "by_link": by_link,
        "link": links.newest(tx, asked.id) if by_link else None,
        "files": outside.files_of(tx, asked.id) if by_link else (),
        "may_link": asked.status in {*OWED, Status.EXPIRED} or asked.still_held,
    }


def _to_pass_on(tx: Connection, hand: Hand, asked: Request) -> list[Request]:
    """The requests through which somebody else may have told us what an answer to this one tells."""
    if asked.side is not Side.THEIRS or not asked.allows(Act.ANSWER_PART):
        return []
    return [each for each in drafting.to_pass_on(tx, hand) if each.id != asked.id]


def _language_of(tx: Connection, file: looking.RequestFile) -> str:
    """What whoever wrote to us reads."""
    card = conversations.card(tx, file.case.conversation_id) if file.case is not None else None
    return (card and card.language) or (file.case.language if file.case is not None else "en")


def _silence(tx: Connection, vault: Any, file: looking.RequestFile, *, at: Any) -> str | None:
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
        found = looking.require_seen(tx, hand, request_id)
        return work(tx, hand), found.request.case_id

    try:
        done, case_id = await request.app[DATABASE].write(all_of_it)
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except GateShut:
        return await request_screen(request, status=409, problem="gate", typed=typed)
    except MayNotMove as error:
        return await request_screen(request, status=409, problem=error.code, typed=typed)
    except ChannelClosed as error:
        return await request_screen(request, status=409, problem="channel", closed=error, typed=typed)
    except Incomplete:
        return await request_screen(request, status=400, problem="incomplete", typed=typed)
    except NotNow as error:
        return await request_screen(request, status=409, problem=error.code, typed=typed)
    wake_exchange(request, case_id)
    return then(done) if then else go_to(request, "request", id=request_id, notice=notice)


def _writes_in(hand: Hand) -> list[str]:
    """The languages an officer may say that their words are in: their own, and those the desk has."""
    return list(dict.fromkeys([thread.first_language(hand.officer), *hand.officer.languages, *hand.words.languages]))


def _written_in(hand: Hand, fields: MultiDict[str]) -> str:
    """What they chose of these; "" where they said nothing."""
    said = fields.get("language", "")
    return said if said in _writes_in(hand) else ""


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


@routes.post("/desk/requests/{id}/again", name="send_again", allow=Permission.EXCHANGE_WRITE)
async def send_again(request: web.Request) -> web.StreamResponse:
    """Say once more what the partner has not got: its machine was away too long, or a key was revoked on the way."""
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: again.send_again(tx, hand, request_id), notice="request_sent")


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
    wake_exchange(request, None)
    page = f"{settings.public_url}{route_url(request, 'outside')}"
    link = "" if mails else address_of(page, made.token, made.link.language)
    return await request_screen(request, made=made, made_link=link)


@routes.post("/desk/requests/{id}/link/end", name="end_request_link", allow=Permission.EXCHANGE_WRITE)
async def end_link(request: web.Request) -> web.StreamResponse:
    """No link to this request opens any more."""
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: outside.end_links(tx, hand, request_id), notice="saved")


@routes.post("/desk/requests/{id}/withdraw", name="withdraw_request", allow=Permission.EXCHANGE_WRITE)
async def withdraw(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: service.withdraw(tx, hand, request_id), notice="request_withdrawn")


@routes.post("/desk/requests/{id}/holders/called", name="holder_called", allow=Permission.EXCHANGE_WRITE)
async def holder_called(request: web.Request) -> web.StreamResponse:
    """Somebody who has it from the partner said by phone that they keep nothing."""
    fields, request_id = await form(request), request.match_info["id"]
    name = fields.get("passing", "")[:36]

    def work(tx: Connection, hand: Hand) -> object:
        return passing_acts.heard_directly(tx, hand, request_id, name)

    return await act_on(request, work, notice="saved")


@routes.post("/desk/requests/{id}/close", name="close_request", allow=Permission.EXCHANGE_WRITE)
async def close(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: service.close(tx, hand, request_id))


@routes.post("/desk/requests/{id}/copy", name="copy_request", allow=Permission.EXCHANGE_WRITE)
async def copy(request: web.Request) -> web.StreamResponse:
    """Ask another partner the same, in a new draft."""
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        return drafting.copy_to(tx, hand, request_id, fields.get("partner", ""), once=fields.get("once", "")[:36])

    try:
        return await act_on(request, work, then=lambda made: go_to(request, "request", id=str(made)))
    except SentBefore:
        return go_to(request, "request", id=request_id)


@routes.post("/desk/requests/{id}/message", name="write_message", allow=Permission.EXCHANGE_WRITE)
async def message(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        return thread.write_message(
            tx,
            hand,
            request_id,
            text=fields.get("text", ""),
            language=_written_in(hand, fields),
            other=fields.get("other", ""),
            other_language=fields.get("other_language", "")[:16],
            endangers=ENDANGERS.get(fields.get("endangers", "")),
            once=fields.get("once", "")[:36],
        )

    return await act_on(request, work, typed=fields)


@routes.post("/desk/requests/{id}/message/agree", name="let_message_go", allow=Permission.EXCHANGE_APPROVE)
async def let_message_go(request: web.Request) -> web.StreamResponse:
    """A second person has read it: it may name a held adult, and does not say that the child goes with them."""
    fields, request_id = await form(request), request.match_info["id"]
    line = fields.get("line", "")[:36]
    return await act_on(request, lambda tx, hand: thread.let_message_go(tx, hand, request_id, line))


@routes.post("/desk/requests/{id}/message/drop", name="drop_message", allow=Permission.EXCHANGE_WRITE)
async def drop_message(request: web.Request) -> web.StreamResponse:
    """It is not sent."""
    fields, request_id = await form(request), request.match_info["id"]
    line = fields.get("line", "")[:36]
    return await act_on(request, lambda tx, hand: thread.drop_message(tx, hand, request_id, line))


@routes.post("/desk/requests/{id}/translate", name="translate_line", allow=Permission.EXCHANGE_WRITE)
async def translate(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> None:
        text, language = fields.get("text", ""), fields.get("language", "en")[:16]
        thread.translate(tx, hand, request_id, fields.get("line", "")[:36], text=text, language=language)

    return await act_on(request, work, typed=fields)


@routes.post("/desk/requests/{id}/accept", name="accept_request", allow=Permission.EXCHANGE_ANSWER)
async def accept(request: web.Request) -> web.StreamResponse:
    request_id = request.match_info["id"]
    return await act_on(request, lambda tx, hand: answering.accept(tx, hand, request_id), notice="request_accepted")


@routes.post("/desk/requests/{id}/refuse", name="refuse_request", allow=Permission.EXCHANGE_ANSWER)
async def refuse(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        reason = _choice(Refusal, fields.get("reason", ""))
        alternative = _choice(Alternative, fields.get("alternative", ""))
        return answering.refuse(tx, hand, request_id, reason=reason, alternative=alternative)

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
        language=_written_in(hand_of(request), fields),
        passes_on=fields.get("passes_on", "")[:36],
    )

    def work(tx: Connection, hand: Hand) -> object:
        return answering.write_answer(tx, hand, request_id, answer, once=fields.get("once", "")[:36])

    return await act_on(request, work, typed=fields)


@routes.post("/desk/requests/{id}/answers/drop", name="drop_answer", allow=Permission.EXCHANGE_RELEASE_ANSWER)
async def drop_answer(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]
    line = fields.get("line", "")[:36]
    return await act_on(request, lambda tx, hand: answering.drop_answer(tx, hand, request_id, line))


@routes.post("/desk/requests/{id}/answers/release", name="release_answers", allow=Permission.EXCHANGE_RELEASE_ANSWER)
async def release_answers(request: web.Request) -> web.StreamResponse:
    """A human lets the answers go, and says first whether they could endanger somebody."""
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        if fields.get("endangers", "") not in ENDANGERS:
            raise Incomplete(["endangers"])
        endangers, ground = ENDANGERS[fields["endangers"]], _choice(Ground, fields.get("ground", ""))
        return answering.release_answers(tx, hand, request_id, endangers=endangers, ground=ground)

    return await act_on(request, work, notice="answers_sent")


@routes.post("/desk/requests/{id}/answers/withdraw", name="take_back_answers", allow=Permission.EXCHANGE_RELEASE_ANSWER)
async def take_back_answers(request: web.Request) -> web.StreamResponse:
    """Somebody our answers tell about does not agree any more: whoever has them is asked to keep nothing."""
    request_id = request.match_info["id"]
    return await act_on(
        request, lambda tx, hand: answering.take_back_answers(tx, hand, request_id), notice="request_withdrawn"
    )


@routes.post("/desk/requests/{id}/override", name="ask_override", allow=Permission.GATE_OVERRIDE)
async def ask_override(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> object:
        role, reason = fields.get("role", ""), fields.get("reason", "")
        return overrides.ask_override(tx, hand, request_id, role=role, reason=reason)

    return await act_on(request, work, typed=fields)


@routes.post("/desk/requests/{id}/override/agree", name="agree_override", allow=Permission.GATE_OVERRIDE)
async def agree_override(request: web.Request) -> web.StreamResponse:
    fields, request_id = await form(request), request.match_info["id"]

    def work(tx: Connection, hand: Hand) -> None:
        override, role = fields.get("override", "")[:36], fields.get("role", "")
        overrides.agree_override(tx, hand, request_id, override, role=role)

    return await act_on(request, work)
