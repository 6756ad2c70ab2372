"""What both sides write to each other about a request, beside its questions and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.cases.notice import tell_coordinators
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Partner
from bot.exchange.requests import sending, thread_store
from bot.exchange.requests.history import note
from bot.exchange.requests.model import (
    DISCLOSED,
    LONGEST_TEXT,
    NotNow,
    Request,
    Side,
    Status,
)
from bot.exchange.requests.opening import key_of, open_words, to_act
from bot.exchange.requests.situations import add_situation, known_of_danger
from bot.exchange.requests.thread_store import Line
from bot.kernel.access import Permission
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from bot.kernel.words import N_

#: The kind of a line that is neither an answer nor a hold.
MESSAGE = "message"
MESSAGE_WAITS = N_("A message to a partner about case {number} waits for a second person to read it on the desk.")


def first_language(officer: Officer) -> str:
    """What somebody writes in who does not say."""
    return (officer.languages or ("en",))[0]


def is_read_there(request: Request, partner: Partner | None) -> bool:
    """Whether the partner would read what is written about a request. Behind a link nothing opens once all was
    answered: what is written then would wait for ever."""
    if request.status not in DISCLOSED or request.asked_on is None or sending.is_taken_back(request):
        return False
    return request.status is not Status.ANSWERED or partner is None or not partner.by_link


def write_message(
    tx: Connection,
    hand: Hand,
    request_id: str,
    *,
    text: str,
    language: str = "",
    other: str = "",
    other_language: str = "",
    endangers: bool | None = None,
    once: str,
) -> str | None:
    """Write to the partner about this request. The line's id, or None when this very form was sent before. Words that
    may name an adult with whom the child may not go wait for a second person (`let_message_go`).

    Where it is the partner's request, whoever asks back says whether that could put somebody in danger, as for an
    answer: True, or None for "not known", shuts the gate. Raises GateShut, NoConsent, ChannelClosed, MayNotMove;
    nothing is kept then.
    """
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    text, other = text.strip(), other.strip()
    key = key_of(tx, hand.vault, request)
    if not text or max(len(text), len(other)) > LONGEST_TEXT or key is None:
        raise NotNow
    if not is_read_there(request, partners.get(tx, request.partner_id)):
        raise NotNow
    if request.side is Side.THEIRS:
        add_situation(tx, hand, request.id, key, known_of_danger(endangers))
    waits = sending.names_adult(tx, hand.vault, request, text, other)
    line_id = add_line(
        tx,
        hand,
        request,
        MESSAGE,
        text=text,
        language=language or (request.language if request.side is Side.OURS else first_language(hand.officer)),
        other=other,
        other_language=other_language,
        approved_by=None if waits else hand.officer.id,
        once=once,
    )
    if line_id is None:
        return None
    if waits:
        note(tx, hand.vault, request, "message_waits", officer_id=hand.officer.id, at=hand.at)
        _call_a_second(tx, hand, request, line_id)
    else:
        _send_message(tx, hand, request, line_id)
    return line_id


def _call_a_second(tx: Connection, hand: Hand, request: Request, line_id: str) -> None:
    """A warning that nobody reads warns nobody."""
    found = case_store.get_case(tx, request.case_id or "")
    if found is not None:
        tell_coordinators(tx, hand.vault, hand.words, found.case, MESSAGE_WAITS, thing=f"message:{line_id}", at=hand.at)


def let_message_go(tx: Connection, hand: Hand, request_id: str, line_id: str) -> None:
    """A second person has read a message that may name an adult with whom the child may not go, and it does not say
    that the child goes with them. Raises as `write_message`, and NotNow to whoever wrote it."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_APPROVE).request
    line = _waiting_message(tx, request, line_id)
    if line.author_id == hand.officer.id:
        raise NotNow("not_yours")
    if not is_read_there(request, partners.get(tx, request.partner_id)):
        raise NotNow
    thread_store.approve_line(tx, line.id, hand.officer.id)
    note(tx, hand.vault, request, "message_read", officer_id=hand.officer.id, at=hand.at)
    _send_message(tx, hand, request, line.id)


def drop_message(tx: Connection, hand: Hand, request_id: str, line_id: str) -> None:
    """Take a message back that waits for a second person. Raises NotNow where it does not."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    thread_store.drop_line(tx, _waiting_message(tx, request, line_id).id)
    note(tx, hand.vault, request, "message_dropped", officer_id=hand.officer.id, at=hand.at)


def _waiting_message(tx: Connection, request: Request, line_id: str) -> Line:
    line = thread_store.get_line(tx, request.id, line_id)
    if line is None or not line.ours or line.kind != MESSAGE or line.approved_by is not None:
        raise NotNow
    return line


def _send_message(tx: Connection, hand: Hand, request: Request, line_id: str) -> None:
    line, key = thread_store.get_line(tx, request.id, line_id), key_of(tx, hand.vault, request)
    if line is None or key is None:
        raise NotNow("erased")
    text, other = (
        open_words(key, line.text_sealed, line_id, "text"),
        open_words(key, line.other_sealed, line_id, "other"),
    )
    letter: dict[str, Any] = {"line": line_id, "text": text, "language": line.language}
    if other:
        letter |= {"other": other, "other_language": line.other_language}
    sending.send(tx, hand.vault, request, "request_message", letter, actor=hand.officer.id, at=hand.at)
    note(tx, hand.vault, request, "message", officer_id=hand.officer.id, at=hand.at)


def translate(tx: Connection, hand: Hand, request_id: str, line_id: str, *, text: str, language: str) -> None:
    """Put a translation beside a line of the thread. The original stays as it is."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    key, text = key_of(tx, hand.vault, request), text.strip()
    if key is None or not text or len(text) > LONGEST_TEXT or thread_store.get_line(tx, request.id, line_id) is None:
        raise NotNow
    sealed = key.seal(text, table="exchange_lines", row=line_id, field="other")
    thread_store.translate_line(tx, line_id, language=language, sealed=sealed)
    note(tx, hand.vault, request, "translate", officer_id=hand.officer.id, at=hand.at)


def add_line(
    tx: Connection,
    hand: Hand,
    request: Request,
    kind: str,
    *,
    text: str,
    language: str,
    other: str = "",
    other_language: str = "",
    asked: str | None = None,
    facts: Mapping[str, Any] | None = None,
    not_done: str = "",
    approved_by: str | None = None,
    once: str = "",
) -> str | None:
    """Keep a line of ours in the thread, sealed. Its id, or None where `once` was used before. Raises NotNow."""
    key = key_of(tx, hand.vault, request)
    if key is None:
        raise NotNow("erased")
    line_id = new_id()
    more = dict(facts or {})
    if not_done:
        more[thread_store.NOT_DONE] = key.seal(not_done, table="exchange_lines", row=line_id, field="not_done").hex()
    line = Line(
        line_id,
        request.id,
        hand.at,
        kind,
        True,
        hand.officer.id,
        asked,
        more,
        language,
        key.seal(text, table="exchange_lines", row=line_id, field="text"),
        other_language if other else None,
        key.seal(other, table="exchange_lines", row=line_id, field="other") if other else None,
        approved_by,
        None,
    )
    return line_id if thread_store.add_line(tx, line, once=once or None) else None
