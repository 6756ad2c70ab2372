"""What people at the desk say of a case that changes hands: the child is there or is not, who travels together."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.exchange.requests.history import note
from bot.exchange.requests.model import (
    NotNow,
    RequestNotFound,
    Side,
    Status,
)
from bot.exchange.requests.opening import case_for, to_act
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer import store as transfer_store
from bot.kernel.access import Permission, Role


def child_arrived(tx: Connection, hand: Hand, request_id: str) -> None:
    """Somebody here has seen the child whose case was handed to us. Raises NotNow."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_RELEASE_ANSWER).request
    transfers.seen_here(tx, hand.vault, request, officer_id=hand.officer.id, at=hand.at)


def child_missed(tx: Connection, hand: Hand, request_id: str) -> None:
    """The child did not come: both sides are rung. Raises NotNow."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_RELEASE_ANSWER).request
    transfers.missed_here(tx, hand.vault, request, officer_id=hand.officer.id, at=hand.at)


def keep_after_call(tx: Connection, hand: Hand, request_id: str) -> None:
    """The partner said by phone that they do not have the file, and no letter will say so: the case stays here.

    For whoever did not draft it, and only once the request was withdrawn. Raises NotNow.
    """
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_APPROVE).request
    if request.side is not Side.OURS or request.status is not Status.WITHDRAWN:
        raise NotNow
    note(tx, hand.vault, request, "kept_after_call", officer_id=hand.officer.id, at=hand.at)
    transfers.stays(tx, hand.vault, request, at=hand.at, proven=True)


def say_siblings(tx: Connection, hand: Hand, case_id: str, other_number: str) -> None:
    """Two cases are of brothers and sisters. Raises RequestNotFound, NotNow; both are this officer's to write to."""
    case = case_for(tx, hand, case_id)
    other_id = case_store.id_of_number(tx, other_number.strip().upper())
    if other_id is None:
        raise NotNow("no_such_case")
    try:
        other = case_for(tx, hand, other_id)
    except RequestNotFound:
        raise NotNow("no_such_case") from None
    if transfer_store.given(tx, case.id) or transfer_store.given(tx, other.id):
        raise NotNow("already_offered")
    transfers.say_siblings(tx, hand.vault, case, other, by=hand.officer.id, at=hand.at)


def part_siblings(tx: Connection, hand: Hand, case_id: str) -> None:
    """Whoever coordinates parts them; why stands in a note of the case. Raises RequestNotFound, NotNow."""
    case = case_for(tx, hand, case_id)
    if Role.COORDINATOR not in hand.officer.roles:
        raise NotNow("not_yours")
    if transfer_store.given(tx, case.id):
        raise NotNow("already_offered")
    transfers.part_siblings(tx, hand.vault, case, by=hand.officer.id, at=hand.at)
