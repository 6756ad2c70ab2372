"""What people at the desk see and say of those who have it from a partner."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Partner
from bot.exchange.requests import letters_store
from bot.exchange.requests import store as requests
from bot.exchange.requests.forgetting import let_go
from bot.exchange.requests.history import note
from bot.exchange.requests.model import NotNow, Request, Side
from bot.exchange.requests.opening import to_act
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.passing import store
from bot.exchange.requests.passing.model import Branch, Holder, tree
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault


class Given(Struct, frozen=True):
    """A request of ours that told something, and everybody who has it from its partner."""

    request: Request
    below: tuple[Branch, ...]
    held_below: bool


def given(tx: Connection, case_id: str) -> list[Given]:
    """Who has what of a case: whom we told, and those below them."""
    found = []
    for sealed in requests.of_case(tx, case_id):
        request = sealed.request
        told = any(letter.kind == "request_body" for letter in letters_store.letters_of(tx, request.id))
        if request.side is Side.OURS and told:
            below = tree(passing.below_partner(tx, request))
            found.append(Given(request, below, passing.held_below(tx, request)))
    return found


def known_holders(tx: Connection, vault: Vault) -> Mapping[str, Partner]:
    """Our partners by the lasting names that notices give."""
    return {each.deployment: each for each in partners.everyone(tx, vault) if each.deployment}


def heard_directly(tx: Connection, hand: Hand, request_id: str, name: str) -> Holder:
    """Somebody who has it from a partner said to an officer here, by phone, that they keep nothing: the way through
    the partner is closed. Raises NotNow where nobody of that name has anything, as far as was said."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    holder = store.get(tx, request.id, name, lock=True)
    told = holder is not None and holder.of_answer is (request.side is Side.THEIRS)
    if holder is None or not told or not holder.holds:
        raise NotNow
    called = replace(holder, forgotten_at=hand.at, by_phone=True)
    store.save(tx, called)
    facts = {"passing": name}
    note(tx, hand.vault, request, "holder_called", officer_id=hand.officer.id, at=hand.at, facts=facts)
    passing.branch_let_go(tx, hand.vault, request, name, at=hand.at)
    let_go(tx, hand.vault, request, at=hand.at)
    return called
