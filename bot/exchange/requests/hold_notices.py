"""Who hears of a hold: that it was placed, that another body says it may end, that it has ended.

Whoever has the case decides. Where a case has moved, the words of those who had it or were told by them go to whoever
has it now, and its end goes back the same way, from each to everybody whom they told. Nothing of it is in any chat.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.exchange.holds import service as holds
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.requests import sending, store
from bot.exchange.requests.history import note
from bot.exchange.requests.model import NotNow, Request, Side
from bot.exchange.requests.service import to_act
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer import store as transfer_store
from bot.exchange.requests.transfer.model import State
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault


def tell_hold(tx: Connection, hand: Hand, hold_id: str, request_ids: Iterable[str]) -> list[str]:
    """Send the notice of a hold to the partners of these requests of the same case: do not move this child with this
    adult until we confirm in writing. Raises GateShut, ChannelClosed."""
    told = []
    for request_id in request_ids:
        request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
        standing = {hold.id for hold in holds.standing_holds(tx, request.case_id or "")}
        if request.side is not Side.OURS or hold_id not in standing or request.sent_at is None:
            raise NotNow
        sending.send(tx, hand.vault, request, "hold_placed", {"hold": hold_id}, actor=hand.officer.id, at=hand.at)
        facts = {"hold": hold_id}
        note(tx, hand.vault, request, "hold_told", officer_id=hand.officer.id, at=hand.at, facts=facts)
        told.append(request_id)
    return told


def agree_to_release(tx: Connection, hand: Hand, dossier_id: str, *, reason: str) -> bool:
    """As an officer here, say that a hold of a case of ours may end. True when with this it has: everybody who was told
    of it is told.

    Where the case has moved, whoever has it hears it as the word of another body, and the hold stands here until they
    say that it has ended. Raises `holds.model.NotNow`; NotNow while the file of the case is on its way.
    """
    dossier, hold = holds.require_seen(tx, hand, dossier_id), holds.hold_of(tx, dossier_id)
    given = transfer_store.given(tx, dossier.case_id)
    if given is not None and given.state is State.HANDED:
        raise NotNow("handed_over")
    moved = given is not None and given.state is State.MOVED
    ended = holds.agree_to_release(tx, hand, dossier_id, reason=reason, decides=not moved)
    if given is not None and moved and hold is not None:
        _pass_on(tx, hand.vault, given.request_id, hold.id, hand.officer.id, actor=hand.officer.id, at=hand.at)
    elif ended and hold is not None:
        tell_hold_ended(tx, hand.vault, dossier.case_id, hold.id, at=hand.at)
    return ended


def agree_to_their_hold(tx: Connection, hand: Hand, request_id: str, hold_id: str) -> None:
    """As an officer of another body, say to the partner who placed a hold that it may end."""
    request = to_act(tx, hand, request_id, Permission.HOLD_RELEASE).request
    if hold_id not in {hold.id for hold in holds.told_holds(tx, request.id)}:
        raise NotNow
    letter = {"hold": hold_id, "person": hand.officer.id}
    sending.send(tx, hand.vault, request, "hold_agreed", letter, actor=hand.officer.id, at=hand.at)
    note(tx, hand.vault, request, "hold_agreed", officer_id=hand.officer.id, at=hand.at, facts={"hold": hold_id})


class NotToldOfIt(Exception):
    """This partner was told of no such hold."""


def partner_agrees(tx: Connection, vault: Vault, request: Request, hold_id: str, person: str, *, at: datetime) -> None:
    """An officer of a partner says that a hold may end: one that we told them of, or one that came from them with its
    case. Where it has ended with that, everybody is told, and whoever holds the case here is called.

    Raises NotToldOfIt, and `holds.model.NotNow` where it has ended already.
    """
    if request.side is Side.OURS:
        case_id, ours = request.case_id, hold_id if hold_id in _told_of(tx, request) else None
    else:
        case_id, ours = transfers.case_taken_for(tx, request), _brought(tx, request).get(hold_id)
    if ours is None or case_id is None:
        raise NotToldOfIt
    note(tx, vault, request, "hold_agreed_there", at=at, facts={"hold": ours})
    given = transfer_store.given(tx, case_id)
    if given is not None and given.state in (State.HANDED, State.MOVED):
        _pass_on(tx, vault, given.request_id, ours, person, actor=sending.SYSTEM, at=at)
    elif holds.partner_agrees(tx, vault, ours, partner_id=request.partner_id, person=person, at=at):
        tell_hold_ended(tx, vault, case_id, ours, at=at)
        transfers.ring(tx, case_id, at=at)


def _pass_on(
    tx: Connection, vault: Vault, request_id: str, hold_id: str, person: str, *, actor: str, at: datetime
) -> None:
    """To whoever has the case now. For them it is the word of our body, whoever of those we told has said it."""
    sealed = store.get_request(tx, request_id)
    assert sealed is not None  # a transfer points at its request by a foreign key
    sending.send(tx, vault, sealed.request, "hold_agreed", {"hold": hold_id, "person": person}, actor=actor, at=at)
    officer_id = None if actor == sending.SYSTEM else actor
    note(tx, vault, sealed.request, "hold_agreed", officer_id=officer_id, at=at, facts={"hold": hold_id})


def ended_there(tx: Connection, vault: Vault, request: Request, hold_id: str, *, at: datetime) -> bool:
    """A partner says that a hold has ended: one they had told us of, or one that went to them with its case. Then
    everybody whom we told is told too. False where that is no news, or not theirs to say."""
    if request.side is Side.THEIRS:
        ended = holds.end_told_hold(tx, vault, hold_id, partner_id=request.partner_id, request_id=request.id, at=at)
        case_id = transfers.case_taken_for(tx, request)
    else:
        case_id = request.case_id if transfers.has_moved(tx, request) else None
        ended = case_id is not None and holds.end_of_moved_case(tx, vault, hold_id, case_id=case_id, at=at)
    if not ended:
        return False
    note(tx, vault, request, "hold_ended", at=at, facts={"hold": hold_id})
    if request.side is Side.OURS and case_id is not None:
        tell_hold_ended(tx, vault, case_id, hold_id, at=at)
    transfers.ring(tx, case_id, at=at)
    return True


def tell_hold_ended(tx: Connection, vault: Vault, case_id: str, hold_id: str, *, at: datetime) -> int:
    """Tell everybody who was told of a hold that it has ended, and whoever had the case before. Returns how many were;
    where a channel is closed a human has to call, and the hold has ended all the same."""
    count = 0
    for sealed in store.of_case(tx, case_id):
        if hold_id in _told_of(tx, sealed.request):
            count += _tell_end(tx, vault, sealed.request, hold_id, case_id=case_id, at=at)
    for transfer in transfer_store.taken(tx, case_id):
        before = store.get_request(tx, transfer.request_id)
        for theirs, ours in _brought(tx, before.request).items() if before is not None else ():
            if ours == hold_id and before is not None:
                count += _tell_end(tx, vault, before.request, theirs, case_id=case_id, at=at)
    return count


def _tell_end(tx: Connection, vault: Vault, request: Request, hold_id: str, *, case_id: str, at: datetime) -> int:
    savepoint = tx.begin_nested()
    try:
        sending.send(tx, vault, request, "hold_released", {"hold": hold_id}, actor=sending.SYSTEM, at=at)
    except ChannelClosed:
        savepoint.rollback()
        note(tx, vault, request, "hold_end_not_told", at=at, facts={"hold": hold_id})
        transfers.ring(tx, case_id, at=at)
        return 0
    savepoint.commit()
    note(tx, vault, request, "hold_end_told", at=at, facts={"hold": hold_id})
    return 1


def _told_of(tx: Connection, request: Request) -> set[str]:
    """The holds of which the partner of a request of ours was told."""
    return {str(event.facts.get("hold")) for event in store.events_of(tx, request.id) if event.act == "hold_told"}


def _brought(tx: Connection, request: Request) -> dict[str, str]:
    """The holds that came with the case of a request: by what whoever had it calls them, what we do."""
    return {
        str(event.facts["theirs"]): str(event.facts["hold"])
        for event in store.events_of(tx, request.id)
        if event.act == "hold_came" and "theirs" in event.facts
    }
