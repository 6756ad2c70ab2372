"""What a partner has not heard is said again, by hand: its machine was away for longer than a letter lives, lost what
it had signed for, or refused a letter because a key was revoked while the letter was on its way.

A message is written again and a file attached again; the personal part has a button of its own
(`service.disclose_again`). What stands here is the rest: without it the other side would wait for ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.exchange.post.model import ReceiptState
from bot.exchange.requests import answering, history_store, letters_store, opening, sending, service, store
from bot.exchange.requests.history import note
from bot.exchange.requests.letters_store import PutLetter
from bot.exchange.requests.model import NotNow, Request, Side, Status
from bot.exchange.requests.service import ASKS_TO_FORGET
from bot.exchange.requests.store import SealedRequest
from bot.exchange.requests.transfer import service as transfers
from bot.kernel.access import Permission
from bot.kernel.history import Happened

#: A letter did not get there.
FAILED = frozenset({ReceiptState.REFUSED, ReceiptState.UNDELIVERED, ReceiptState.CLOSED, ReceiptState.EXPIRED})
KINDS = frozenset(
    {"request_preview", "request_accepted", "request_refused", "request_answer", "withdrawal_done", "answers_forgotten"}
)
#: A first letter may be signed for, and refused afterwards.
_NOT_SEEN = frozenset({Status.SENT, Status.DELIVERED})
_HAS_ANSWERED = frozenset({Status.PARTLY_ANSWERED, Status.ANSWERED})


def unheard(tx: Connection, request_id: str) -> tuple[str, ...]:
    """The kinds of letters that a partner waits for and has not got, as far as we know; in the order they go in."""
    sealed = store.get_request(tx, request_id)
    return () if sealed is None else tuple(kind for kind, _answers in _unheard(tx, sealed))


def all_unheard(tx: Connection) -> list[str]:
    """The requests of which that is so: a human looks at each."""
    return [request_id for request_id in letters_store.with_lost_letters(tx, KINDS, FAILED) if unheard(tx, request_id)]


def send_again(tx: Connection, hand: Hand, request_id: str) -> tuple[str, ...]:
    """Put what the partner has not heard in the post once more, through the gate as if for the first time. Returns the
    kinds; what they have after all, they set aside.

    Raises GateShut, NoConsent, ChannelClosed, MayNotMove, in which case nothing was written; NotNow where nothing is
    missing.
    """
    sealed = opening.to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE)
    request, missing = sealed.request, list(_unheard(tx, sealed))
    if not missing:
        raise NotNow
    for kind, answers in missing:
        if answers is not None:
            answering.release_again(tx, hand, request, answers)
            continue
        sending.send(tx, hand.vault, request, kind, _body(tx, request, kind), actor=hand.officer.id, at=hand.at)
        note(tx, hand.vault, request, "sent_again", officer_id=hand.officer.id, at=hand.at, facts={"kind": kind})
    return tuple(kind for kind, _answers in missing)


def _unheard(tx: Connection, sealed: SealedRequest) -> Iterator[tuple[str, Happened | None]]:
    """Each with the answers it takes along, where it does."""
    request = sealed.request
    letters = letters_store.letters_of(tx, request.id)
    newest = {letter.kind: letter for letter in letters}
    for kind in _waited_for(request):
        # Where the channel was closed when they were to be told to forget, no letter was written at all.
        if _failed(newest[kind]) if kind in newest else kind in ASKS_TO_FORGET.values():
            yield kind, None
    # What was answered is destroyed with what was told, or we took it back ourselves.
    taken_back = sealed.body_sealed is None or sending.is_taken_back(request)
    if request.side is Side.THEIRS and request.status in _HAS_ANSWERED and not taken_back:
        states = {letter.envelope_id: letter for letter in letters}
        heard: set[str] = set()
        lost: list[Happened] = []
        for event in history_store.events_of(tx, request.id):
            if event.act in answering.RELEASES and event.facts.get("letter") in states:
                if _failed(states[event.facts["letter"]]):
                    lost.append(event)
                else:
                    heard |= set(event.facts["lines"])
        for event in lost:
            if not heard.issuperset(lines := event.facts["lines"]):
                heard |= set(lines)
                yield "request_answer", event


def _waited_for(request: Request) -> list[str]:
    """Letters of codes that the other side waits for as long as the request stands so."""
    if request.side is Side.OURS:
        waited = {"request_preview": request.status in _NOT_SEEN}
        waited["answers_forgotten"] = True  # it is written only to whoever took something back
    else:
        waited = {"request_accepted": request.status is Status.ACCEPTED and request.asked_on is None}
        waited["request_refused"] = request.status is Status.REFUSED
        waited["withdrawal_done"] = True
    waited[ASKS_TO_FORGET[request.side]] = request.still_held
    return [kind for kind, is_so in waited.items() if is_so]


def _failed(letter: PutLetter) -> bool:
    return letter.state in FAILED


def _body(tx: Connection, request: Request, kind: str) -> dict[str, object]:
    if kind == "request_preview":
        return {**service.preview_of(request), **transfers.offered(tx, request)}
    if kind == "request_refused":
        assert request.refusal is not None
        assert request.alternative is not None
        return {"reason": request.refusal.value, "alternative": request.alternative.value}
    return {}
