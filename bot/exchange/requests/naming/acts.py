"""What people at the desk see and say of adults who are likely named in a request."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.cases.model import Case
from bot.cases.names import Alike
from bot.exchange.holds import claimants
from bot.exchange.requests.history import note
from bot.exchange.requests.model import ENDED, LONGEST_TEXT, NotNow, Request, Side
from bot.exchange.requests.naming import service as naming
from bot.exchange.requests.naming import store
from bot.exchange.requests.opening import key_of, open_body, to_act
from bot.exchange.requests.store import SealedRequest
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault

TABLE = "named_adults"


class Named(Struct, frozen=True):
    """An adult with whom the child may not go, and whom the words of a request name."""

    dossier_id: str
    name: str
    surely: bool
    fields: tuple[str, ...]  # in which; `naming.DECISION` and `naming.TITLES` are two of them
    reason: str = ""  # why the child does not go with them, as the first person says it
    first_id: str | None = None
    second_id: str | None = None


def named_in(tx: Connection, vault: Vault, sealed: SealedRequest, case: Case | None) -> list[Named]:
    """Whom the words of a request of ours name, for its page: while anything may be sent about it."""
    request = sealed.request
    key = key_of(tx, vault, request)
    body = open_body(key, sealed)
    if request.side is not Side.OURS or case is None or key is None or not body or request.status in ENDED:
        return []
    body = naming.with_titles(tx, key, request.id, body)
    names = {adult.dossier.id: adult.name for adult in claimants.adults_of(tx, vault, case)}
    said, found = store.said_of(tx, request.id), []
    for dossier_id, (how, fields) in naming.named(tx, vault, case, request.type, body, chosen=request.adult_id).items():
        row, reason = said.get(dossier_id), ""
        if row is not None and row.reason_sealed is not None:
            reason = key.open(row.reason_sealed, table=TABLE, row=_row(request, dossier_id), field="reason")
        first, second = (row.first_id, row.second_id) if row is not None else (None, None)
        found.append(Named(dossier_id, names[dossier_id], how is Alike.SURE, fields, reason, first, second))
    return found


def say_not_with(tx: Connection, hand: Hand, request_id: str, dossier_id: str, *, reason: str) -> None:
    """The first of two says in writing that the child does not go with, or to, this adult: somebody else bears the
    name, or a text only speaks of them. Raises NotNow where nobody asks, and for a name that is surely theirs."""
    request, reason = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request, reason.strip()
    key = key_of(tx, hand.vault, request)
    if key is None or not reason or len(reason) > LONGEST_TEXT:
        raise NotNow("incomplete")
    _require_likely(tx, hand, request_id, dossier_id)
    sealed = key.seal(reason, table=TABLE, row=_row(request, dossier_id), field="reason")
    if not store.say(tx, request.id, dossier_id, officer_id=hand.officer.id, at=hand.at, reason_sealed=sealed):
        raise NotNow
    note(tx, hand.vault, request, "named_said", officer_id=hand.officer.id, at=hand.at, facts={"dossier": dossier_id})


def agree_not_with(tx: Connection, hand: Hand, request_id: str, dossier_id: str) -> None:
    """The second of the two, who has read what the first wrote. Raises NotNow to the first themselves."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_APPROVE).request
    _require_likely(tx, hand, request_id, dossier_id)
    if not store.agree(tx, request.id, dossier_id, officer_id=hand.officer.id, at=hand.at):
        raise NotNow("not_yours")
    note(tx, hand.vault, request, "named_agreed", officer_id=hand.officer.id, at=hand.at, facts={"dossier": dossier_id})


def take_back_word(tx: Connection, hand: Hand, request_id: str, dossier_id: str) -> None:
    """Somebody does not stand by it: the request is stopped again."""
    request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    if dossier_id not in store.said_of(tx, request.id):
        raise NotNow
    store.forget(tx, request.id, dossier_id)
    note(tx, hand.vault, request, "named_undone", officer_id=hand.officer.id, at=hand.at, facts={"dossier": dossier_id})


def _require_likely(tx: Connection, hand: Hand, request_id: str, dossier_id: str) -> None:
    sealed = to_act(tx, hand, request_id, Permission.EXCHANGE_READ)
    found = case_store.get_case(tx, sealed.request.case_id or "")
    named = named_in(tx, hand.vault, sealed, found.case if found else None)
    if not any(each.dossier_id == dossier_id and not each.surely for each in named):
        raise NotNow


def _row(request: Request, dossier_id: str) -> str:
    return f"{request.id}:{dossier_id}"
