"""What people here do with a request of a partner: take it on or refuse it, write answers down, and let them go."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.exchange.holds import told_holds
from bot.exchange.partners import store as partners
from bot.exchange.post.model import ReceiptState
from bot.exchange.requests import alerts, sending, store, thread_store
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.drafting import to_pass_on
from bot.exchange.requests.history import note
from bot.exchange.requests.looking import SaidLine, open_line
from bot.exchange.requests.model import (
    LONGEST_TEXT,
    TAKES_ANSWERS,
    Act,
    Alternative,
    Confidence,
    Ground,
    How,
    Incomplete,
    NotNow,
    Refusal,
    Request,
    Side,
)
from bot.exchange.requests.opening import key_of, open_words, save, to_act
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.service import ask_to_forget
from bot.exchange.requests.situations import add_situation, known_of_danger
from bot.exchange.requests.thread import add_line, first_language
from bot.exchange.requests.thread_store import NOT_DONE, Line
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer import store as transfer_store
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey
from bot.kernel.history import Happened


def accept(tx: Connection, hand: Hand, request_id: str) -> Request:
    """A human here takes a request of theirs on. Only now does the other side send about whom it is."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_ANSWER).request
    if request.side is not Side.THEIRS:
        raise NotNow
    transfers.require_complete(tx, request)
    accepted = [_accept(tx, hand, each) for each in transfers.together_with(tx, request)]
    return next(each for each in accepted if each.id == request.id)


def _accept(tx: Connection, hand: Hand, request: Request) -> Request:
    if request.type.moves_child:
        told_holds.require_no_told_hold(tx, request.id)
    accepted = replace(request.after(Act.ACCEPT, at=hand.at), handler_id=hand.officer.id)
    save(tx, request, accepted)
    sending.send(tx, hand.vault, request, "request_accepted", {}, actor=hand.officer.id, at=hand.at)
    note(tx, hand.vault, accepted, Act.ACCEPT, officer_id=hand.officer.id, at=hand.at)
    alerts.heard(tx, hand, request)
    return accepted


def refuse(tx: Connection, hand: Hand, request_id: str, *, reason: Refusal, alternative: Alternative) -> Request:
    """Say no, why, and whom to ask instead."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_ANSWER).request
    if request.side is not Side.THEIRS:
        raise NotNow
    refused = [
        _refuse(tx, hand, each, reason=reason, alternative=alternative)
        for each in transfers.together_with(tx, request)
        if each.id == request.id or each.allows(Act.REFUSE)
    ]
    return next(each for each in refused if each.id == request.id)


def _refuse(tx: Connection, hand: Hand, request: Request, *, reason: Refusal, alternative: Alternative) -> Request:
    if transfers.has_moved(tx, request):
        raise NotNow("handed_over")
    refused = replace(
        request.after(Act.REFUSE, at=hand.at),
        refusal=reason,
        alternative=alternative,
        handler_id=request.handler_id or hand.officer.id,
    )
    save(tx, request, refused)
    letter = {"reason": reason.value, "alternative": alternative.value}
    sending.send(tx, hand.vault, request, "request_refused", letter, actor=hand.officer.id, at=hand.at)
    note(tx, hand.vault, refused, Act.REFUSE, officer_id=hand.officer.id, at=hand.at, facts=letter)
    alerts.heard(tx, hand, request)
    if transfer_store.get(tx, request.id) is not None:
        transfers.stays(tx, hand.vault, refused, at=hand.at, proven=True)
        store.reseal_body(tx, request.id, None)  # a file that had come goes, as its giver is told
        attachments.forget(tx, request.id)
    return refused


#: In the facts of a line: through which request a partner told us what it tells.
HAD_FROM = "had_from"


class Answer(Struct, frozen=True):
    """What an officer here has found out, and how."""

    key: str  # of the question
    text: str
    how: str
    confidence: str
    not_done: str = ""  # what we did not do
    other: str = ""  # the same in the language of those who asked
    other_language: str = ""
    language: str = ""  # of `text`; "": the first that whoever writes it speaks
    passes_on: str = ""  # the request through which a partner told us what this tells


def write_answer(tx: Connection, hand: Hand, request_id: str, answer: Answer, *, once: str) -> str | None:
    """Write an answer down. Nothing leaves until a human lets it: `release_answers`.

    Raises NotNow for a question that was not asked, has an answer, or may not be answered now, and where whoever told
    us what it tells took that back.
    """
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_RELEASE_ANSWER).request
    texts = (answer.text.strip(), answer.other.strip(), answer.not_done.strip())
    if request.side is not Side.THEIRS or request.status not in TAKES_ANSWERS or request.asked_on is None:
        raise NotNow
    if sending.is_taken_back(request):
        raise NotNow("answers_taken_back")
    if answer.key not in request.asks:
        raise NotNow("not_asked")
    if any(line.asked == answer.key and not line.returned for line in thread_store.lines_of(tx, request.id)):
        raise NotNow("answered_before")
    if not texts[0] or max(map(len, texts)) > LONGEST_TEXT:
        raise Incomplete(["text"])
    if answer.how not in set(How) or answer.confidence not in set(Confidence):
        raise Incomplete(["how"])
    if answer.passes_on:
        if answer.passes_on not in {each.id for each in to_pass_on(tx, hand)} - {request.id}:
            raise Incomplete(["passes_on"])
        passing.may_answer_with(tx, request, answer.passes_on)
    line_id = add_line(
        tx,
        hand,
        request,
        "answer",
        text=texts[0],
        language=answer.language or first_language(hand.officer),
        other=texts[1],
        other_language=answer.other_language,
        asked=answer.key,
        facts={"how": answer.how, "confidence": answer.confidence, **_had_from(answer)},
        not_done=texts[2],
        once=once,
    )
    if line_id is not None:
        note(tx, hand.vault, request, "answer_written", officer_id=hand.officer.id, at=hand.at)
    return line_id


def _had_from(answer: Answer) -> dict[str, str]:
    return {HAD_FROM: answer.passes_on} if answer.passes_on else {}


def drop_answer(tx: Connection, hand: Hand, request_id: str, line_id: str) -> None:
    """Take an answer back that was written and has not left."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_RELEASE_ANSWER).request
    if thread_store.get_line(tx, request.id, line_id) is None or not thread_store.drop_line(tx, line_id):
        raise NotNow
    attachments.drop_of_line(tx, request.id, line_id)
    note(tx, hand.vault, request, "answer_dropped", officer_id=hand.officer.id, at=hand.at)


def release_answers(tx: Connection, hand: Hand, request_id: str, *, endangers: bool | None, ground: Ground) -> Request:
    """A human lets the written answers go. `endangers` is their answer to the question whether that could put somebody
    in danger: True, or None for "not known", shuts the gate. `ground` is why the people they tell about may be told of:
    where somebody could not be asked it takes a second person, who did not write them; and of relatives who are looked
    for, nothing is told before they agree.

    Raises GateShut, ChannelClosed, NotNow; the answers then stay where they are.
    """
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_RELEASE_ANSWER).request
    written = [
        line for line in thread_store.lines_of(tx, request.id) if line.kind == "answer" and line.approved_by is None
    ]
    partner, key = partners.get(tx, request.partner_id, hand.vault), key_of(tx, hand.vault, request)
    if request.side is not Side.THEIRS or not written or partner is None or key is None:
        raise NotNow
    if sending.is_taken_back(request):
        raise NotNow("answers_taken_back")
    if ground is Ground.NECESSARY and request.type.asks_relatives:
        raise NotNow("relatives_agree")
    if ground is Ground.NECESSARY and any(line.author_id == hand.officer.id for line in written):
        raise NotNow("second_person")
    add_situation(tx, hand, request.id, key, known_of_danger(endangers))
    said = []
    for line in written:
        thread_store.approve_line(tx, line.id, hand.officer.id)
        said.append(_as_answer(open_line(key, line), key))
    had = [str(line.facts[HAD_FROM]) for line in written if line.facts.get(HAD_FROM)]
    passing.answered_on(tx, hand.vault, request, had, [line.asked or "" for line in written], at=hand.at)
    everything = thread_store.answered(tx, request.id) >= set(request.asks)
    answered = request.after(Act.ANSWER_ALL if everything else Act.ANSWER_PART, at=hand.at)
    letter = {"answers": said, "ground": ground.value}
    envelope_id = sending.send(tx, hand.vault, request, "request_answer", letter, actor=hand.officer.id, at=hand.at)
    lines = {line.id for line in written}
    attachments.send_waiting(tx, hand.vault, request, lines, actor=hand.officer.id, at=hand.at)
    if everything:
        sending.report(tx, hand.vault, request, ReceiptState.ANSWERED, actor=hand.officer.id, at=hand.at)
    save(tx, request, answered)
    facts = {"answers": len(said), "ground": ground.value, "letter": envelope_id, "lines": sorted(lines)}
    note(tx, hand.vault, answered, "answer", officer_id=hand.officer.id, at=hand.at, facts=facts)
    return answered


def take_back_answers(tx: Connection, hand: Hand, request_id: str) -> Request:
    """Take back everything we answered: somebody it tells about does not agree any more. The partner destroys it, and
    so does everybody who has it from the partner; it stays on the list until the last of them has confirmed.

    Nothing more is answered through this request. Raises NotNow where nothing was, or it was taken back.
    """
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_RELEASE_ANSWER).request
    if request.side is not Side.THEIRS or request.told_withdrawn_at is not None or not passing.has_told(tx, request):
        raise NotNow
    taken_back = ask_to_forget(tx, hand.vault, request, actor=hand.officer.id, at=hand.at)
    save(tx, request, taken_back)
    note(tx, hand.vault, taken_back, "answers_taken_back", officer_id=hand.officer.id, at=hand.at)
    return taken_back


#: What the history says where answers left: `facts` has their lines, the letter, and the ground.
RELEASES = frozenset({"answer", "answer_again"})


def release_again(tx: Connection, hand: Hand, request: Request, released: Happened) -> None:
    """Put answers in the post once more that left and did not arrive. What was said of the danger, and on what ground
    they may be told, stands. Raises GateShut, ChannelClosed; NotNow where the words were erased."""
    key = key_of(tx, hand.vault, request)
    wanted = set(released.facts["lines"])
    lines = [line for line in thread_store.lines_of(tx, request.id) if line.id in wanted]
    if key is None or not lines:
        raise NotNow("erased")
    said = [_as_answer(open_line(key, line), key) for line in lines]
    letter = {"answers": said, "ground": released.facts["ground"]}
    envelope_id = sending.send(tx, hand.vault, request, "request_answer", letter, actor=hand.officer.id, at=hand.at)
    facts = {**released.facts, "letter": envelope_id}
    note(tx, hand.vault, request, "answer_again", officer_id=hand.officer.id, at=hand.at, facts=facts)


def _as_answer(said: SaidLine, key: DataKey) -> dict[str, Any]:
    line = said.line
    answer: dict[str, Any] = {
        "key": line.asked,
        "line": line.id,
        "text": said.text,
        "language": line.language,
        "how": line.facts["how"],
        "confidence": line.facts["confidence"],
    }
    if said.other:
        answer |= {"other": said.other, "other_language": line.other_language}
    if line.facts.get(NOT_DONE):
        answer["not_done"] = not_done_of(key, line)
    return answer


def not_done_of(key: DataKey | None, line: Line) -> str:
    """What whoever answered says they did not do."""
    sealed = line.facts.get(NOT_DONE)
    return open_words(key, bytes.fromhex(sealed), line.id, "not_done") if sealed else ""
