"""Writing a request of ours down: what it asks, about whom, and with which request came what it tells."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.cases.model import Case
from bot.cases.service import NUMBER_ALPHABET
from bot.exchange.holds import free_to_move
from bot.exchange.partners import store as partners
from bot.exchange.requests import store, thread_store
from bot.exchange.requests.history import note
from bot.exchange.requests.looking import listed
from bot.exchange.requests.model import (
    LONGEST_TEXT,
    Assent,
    Incomplete,
    NotNow,
    Request,
    Side,
    Status,
)
from bot.exchange.requests.naming import service as naming
from bot.exchange.requests.naming import store as naming_store
from bot.exchange.requests.opening import case_for, case_key, key_of, open_body, save, to_act, visible
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer.model import HAND_OVER
from bot.exchange.requests.types import FIELDS, LONGEST, REQUEST_TYPES, Input, RequestType
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey
from bot.kernel.ids import new_id


class Draft(Struct, frozen=True):
    """What an officer wants to ask. `fields` are those of its type and no others."""

    type_key: str
    partner_id: str
    asks: tuple[str, ...]
    fields: Mapping[str, str]
    decision: str  # what must be decided, and why this is needed for it
    assent: str
    language: str
    limit: str = "usual"
    decision_translated: str = ""
    translated_into: str = ""
    adult_id: str | None = None
    tell: bool = False  # whoever wrote to us wants to read in the chat what is asked and that an answer came
    wanted_by: str = ""  # of a transfer: the partner's own request that asked for the file
    passes_on: str = ""  # the request with which, or in answer to which, a partner told us what this tells


class SentBefore(Exception):
    """This very form was sent before: what it asked for is there."""


def require_case(tx: Connection, hand: Hand, case_id: str) -> Case:
    """The case a request may be drafted for. Raises RequestNotFound or NotNow."""
    return case_for(tx, hand, case_id)


def draft(tx: Connection, hand: Hand, case_id: str, wanted: Draft, *, once: str = "") -> str:
    """Write a request of ours down and return its id.

    Raises RequestNotFound, NotNow, MayNotMove, SentBefore, and Incomplete, which names every field that is missing, too
    long or not of this type.
    """
    case = case_for(tx, hand, case_id)
    request_type = _check(tx, hand, case, wanted)
    key = case_key(tx, hand.vault, case)
    request = Request(
        id=new_id(),
        number=_free_number(tx),
        side=Side.OURS,
        partner_id=wanted.partner_id,
        type_key=request_type.key,
        status=Status.DRAFTED,
        case_id=case.id,
        key_id=key.id,
        asks=tuple(ask for ask in request_type.askable if ask in wanted.asks),
        limit=request_type.limit(wanted.limit).key,
        language=wanted.language,
        drafted_by=hand.officer.id,
        handler_id=None,
        drafted_at=hand.at,
        adult_id=wanted.adult_id,
        assent=Assent(wanted.assent),
        demo=case.demo,
    )
    store.add_request(tx, request, body_sealed=_seal_body(key, request.id, wanted))
    if not note(tx, hand.vault, request, "draft", officer_id=hand.officer.id, at=hand.at, once=once or None):
        raise SentBefore
    if wanted.passes_on:
        passing.plan(tx, request, wanted.passes_on)
    case_store.add_event(
        tx, case.id, "asked_abroad", officer_id=hand.officer.id, at=hand.at, facts={"request": request.id}
    )
    return request.id


def redraft(tx: Connection, hand: Hand, request_id: str, wanted: Draft) -> None:
    """Change a request that is not approved yet. Its type stays."""
    sealed = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE)
    request = sealed.request
    if request.status is not Status.DRAFTED or request.case_id is None or wanted.type_key != request.type_key:
        raise NotNow
    case = case_for(tx, hand, request.case_id)
    request_type = _check(tx, hand, case, wanted)
    changed = replace(
        request,
        partner_id=wanted.partner_id,
        asks=tuple(ask for ask in request_type.askable if ask in wanted.asks),
        limit=request_type.limit(wanted.limit).key,
        language=wanted.language,
        drafted_by=hand.officer.id,  # whoever wrote it last does not approve it
        adult_id=wanted.adult_id,
        assent=Assent(wanted.assent),
    )
    save(tx, request, changed)
    store.reseal_body(tx, request.id, _seal_body(case_key(tx, hand.vault, case), request.id, wanted))
    naming_store.forget(tx, request.id)  # what was said of other words says nothing of these
    note(tx, hand.vault, changed, "redraft", officer_id=hand.officer.id, at=hand.at)


def copy_to(tx: Connection, hand: Hand, request_id: str, partner_id: str, *, once: str = "") -> str:
    """Ask another partner the same: a new draft, which is approved and passes the gate like any other."""
    sealed = visible(tx, hand, request_id)
    request = sealed.request
    if request.side is not Side.OURS or request.case_id is None:
        raise NotNow
    body = open_body(key_of(tx, hand.vault, request), sealed)
    if not body:
        raise NotNow
    again = Draft(
        request.type_key,
        partner_id,
        request.asks,
        body["fields"],
        body["decision"],
        request.assent,
        request.language,
        request.limit,
        body.get("decision_translated", ""),
        body.get("translated_into", ""),
        request.adult_id,
    )  # whoever asked for the file is not the one it is offered to now
    copied = draft(tx, hand, request.case_id, again, once=once)
    _plan_the_same(tx, request, copied)
    return copied


def _plan_the_same(tx: Connection, request: Request, copied: str) -> None:
    """Whoever told us what a request tells hears of the copy too. Raises NotNow where one of them took it back."""
    new = store.get_request(tx, copied)
    assert new is not None
    for source_id in passing.planned(tx, request.id):
        passing.plan(tx, new.request, source_id)


def to_pass_on(tx: Connection, hand: Hand) -> list[Request]:
    """The requests that this officer may read and through which a partner told us something, by asking or by answering:
    what they told may be what a request of ours tells to somebody else."""
    table = store.exchange_requests
    asked = sa.and_(
        table.c.side == Side.THEIRS.value,
        table.c.asked_on.is_not(None),
        table.c.body_sealed.is_not(None),
        table.c.status != Status.WITHDRAWN.value,
    )
    told = sa.or_(asked, sa.and_(table.c.side == Side.OURS.value, thread_store.has_answers_here()))
    return [each.request for each in listed(tx, hand.officer, told) if not transfers.is_transfer(each.request)]


def require_wanted(tx: Connection, wanted_by: str, partner_id: str) -> None:
    """A transfer may name the partner's own request for the file, and no other. Raises Incomplete."""
    found = store.get_request(tx, wanted_by)
    if found is None or found.request.side is not Side.THEIRS or found.request.partner_id != partner_id:
        raise Incomplete(["wanted_by"])
    if HAND_OVER not in found.request.asks or found.request.asked_on is None:
        raise Incomplete(["wanted_by"])


def _check(tx: Connection, hand: Hand, case: Case, wanted: Draft) -> RequestType:
    request_type = REQUEST_TYPES.get(wanted.type_key)
    if request_type is None:
        raise Incomplete(["type"])
    wrong = []
    if partners.get(tx, wanted.partner_id) is None:
        wrong.append("partner")
    if not set(wanted.asks) or not set(wanted.asks) <= set(request_type.askable):
        wrong.append("asks")
    if not wanted.decision.strip() or max(len(wanted.decision), len(wanted.decision_translated)) > LONGEST_TEXT:
        wrong.append("decision")
    if wanted.assent not in set(Assent):
        wrong.append("assent")
    allowed = (*request_type.tells, *request_type.may_tell)
    wrong += [key for key in wanted.fields if key not in allowed]
    wrong += [key for key in request_type.tells if not wanted.fields.get(key, "").strip()]
    wrong += [key for key in allowed if not _fits(key, wanted.fields.get(key, "").strip(), hand.at)]
    if wrong:
        raise Incomplete(dict.fromkeys(wrong))
    transfers.require_not_handed(tx, case.id, minutes_count=request_type.one_person)
    if wanted.passes_on and wanted.passes_on not in {each.id for each in to_pass_on(tx, hand)}:
        raise Incomplete(["passes_on"])
    if wanted.wanted_by:
        require_wanted(tx, wanted.wanted_by, wanted.partner_id)
    if request_type.moves_child:
        free_to_move.require_free_to_move(tx, case.id, wanted.adult_id)
    elif wanted.adult_id is not None:
        raise Incomplete(["adult"])
    body = {"fields": wanted.fields, "decision": wanted.decision, "decision_translated": wanted.decision_translated}
    naming.require_nobody_surely_named(tx, hand.vault, case, request_type, body, chosen=wanted.adult_id)
    return request_type


def _fits(key: str, value: str, at: datetime) -> bool:
    field_ = FIELDS[key]
    if not value:
        return True
    if len(value) > LONGEST[field_.input]:
        return False
    if field_.input is Input.CHOICE:
        return value in (field_.choices or {})
    if field_.input is Input.YEAR:
        return value.isascii() and value.isdigit() and at.year - 30 <= int(value) <= at.year
    if field_.input is Input.DAY:
        try:
            datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007 - a date, of no time zone
        except ValueError:
            return False
    return True


def _free_number(tx: Connection) -> str:
    while True:
        letters = "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(6))
        number = f"X{letters[:3]}-{letters[3:]}"
        if not store.number_taken(tx, number):
            return number


def _seal_body(key: DataKey, request_id: str, wanted: Draft) -> bytes:
    body = {
        "fields": {name: value.strip() for name, value in wanted.fields.items() if value.strip()},
        "decision": wanted.decision.strip(),
        "decision_translated": wanted.decision_translated.strip(),
        "translated_into": wanted.translated_into,
        "wanted_by": wanted.wanted_by,
        "tell": wanted.tell,
    }
    return key.seal_json(body, table="exchange_requests", row=request_id, field="body")
