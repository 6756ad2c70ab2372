"""Who hears of a hold: that it was placed, that another body says it may end, that it has ended.

Whoever has the case decides. Where a case has moved, the words of those who had it or were told by them go to whoever
has it now, and its end goes back the same way, from each to everybody whom they told. Nothing of it is in any chat.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.exchange.gate import GateShut
from bot.exchange.holds import claimants, placing, releasing, told_holds
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.requests import history_store, sending, store
from bot.exchange.requests import hold_notices_store as notices
from bot.exchange.requests.again import FAILED
from bot.exchange.requests.history import note
from bot.exchange.requests.model import NoConsent, NotNow, Request, Side
from bot.exchange.requests.opening import to_act
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer import store as transfer_store
from bot.exchange.requests.transfer.model import State
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.logs import get_log

log = get_log("exchange")

#: A notice that did not arrive is said again so often.
SAID_AGAIN_AFTER = timedelta(days=1)
TOLD, NOT_TOLD = "hold_told", "hold_not_told"


def tell_hold(tx: Connection, hand: Hand, hold_id: str, request_ids: Iterable[str]) -> list[str]:
    """Send the notice of a hold to the partners of these requests of the same case: do not move this child with this
    adult until we confirm in writing. Raises GateShut, ChannelClosed."""
    told = []
    for request_id in request_ids:
        request = to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
        standing = {hold.id for hold in claimants.standing_holds(tx, request.case_id or "")}
        if request.side is not Side.OURS or hold_id not in standing or request.sent_at is None:
            raise NotNow
        _tell(tx, hand.vault, request, hold_id, actor=hand.officer.id, at=hand.at)
        told.append(request_id)
    return told


def _tell(tx: Connection, vault: Vault, request: Request, hold_id: str, *, actor: str, at: datetime) -> None:
    """What waits behind a link tells nobody: history says that a human has to call."""
    name = _name_of(tx, request, hold_id)
    letter = sending.send(tx, vault, request, "hold_placed", {"hold": name}, actor=actor, at=at)
    facts, once = {"hold": hold_id, "as": name, "letter": letter}, notices.once_told(hold_id, request.id)
    officer_id = None if actor == sending.SYSTEM else actor
    act = NOT_TOLD if _is_behind_link(tx, request) else TOLD
    if not note(tx, vault, request, act, officer_id=officer_id, at=at, facts=facts, once=once):
        note(tx, vault, request, act, officer_id=officer_id, at=at, facts=facts)  # said again by hand


def _is_behind_link(tx: Connection, request: Request) -> bool:
    partner = partners.get(tx, request.partner_id)
    return partner is not None and partner.by_link


def _name_of(tx: Connection, request: Request, hold_id: str) -> str:
    """What a partner calls a hold of ours in letters about this request. A partner whom we asked twice about one child
    knows each hold by its id under the first request, and under every other by a name of its own: it stands by a hold
    for the request it was told under."""
    named = {hold: name for name, hold in told_as(tx, request).items()}
    if hold_id in named:
        return named[hold_id]
    others = [
        each.request
        for each in store.of_case(tx, request.case_id or "")
        if each.request.partner_id == request.partner_id and each.request.id != request.id
    ]
    known = any(hold_id in told_as(tx, other).values() for other in others)
    return str(uuid.uuid5(uuid.UUID(hold_id), request.id)) if known else hold_id


# By themselves


def untold(tx: Connection, vault: Vault, at: datetime, *, limit: int = 1000) -> list[tuple[str, str]]:
    """Holds that stand, each with a request under way whose partner has not heard of it and may be told now. Where the
    gate is shut or the channel closed and a human was called, nothing is tried: it would keep everybody else from
    writing, every minute."""
    every = notices.untold(tx, FAILED, not_since=at - SAID_AGAIN_AFTER, limit=limit)
    once = notices.once_not_told
    return [pair for pair in every if not _waits_for_a_human(tx, vault, "hold_placed", *pair, once(*pair), at=at)]


def end_untold(tx: Connection, vault: Vault, at: datetime, *, limit: int = 1000) -> list[tuple[str, str]]:
    """Holds that have ended, each with a request whose partner still stands by it and may be told now."""
    every, once = notices.end_untold(tx, limit=limit), notices.once_end_not_told
    return [pair for pair in every if not _waits_for_a_human(tx, vault, "hold_released", *pair, once(*pair), at=at)]


def _waits_for_a_human(
    tx: Connection, vault: Vault, kind: str, hold_id: str, request_id: str, once: str, *, at: datetime
) -> bool:
    """Whether one was called because this cannot be said, and it still cannot."""
    sealed = store.get_request(tx, request_id)
    if sealed is None or not notices.was_called_for(tx, once):
        return False
    said = {"hold": _name_of(tx, sealed.request, hold_id)}
    try:
        return sending.is_kept_here(tx, vault, sealed.request, kind, said, at=at)
    except Exception as error:  # one broken request must not silence the others: its own step says what is wrong
        log.error("hold_notices.not_read", request_id=request_id, exc_info=error)
        return False


def tell_by_itself(tx: Connection, *, vault: Vault, hold_id: str, request_id: str, at: datetime) -> bool:
    """Tell the partner of a request under way that a hold stands, without waiting for anybody's hand: the child may be
    moved tonight. False where the gate or the channel keeps it here, or it is no news any more; then whoever holds the
    case is called, once, and it is tried again. They are called too where it waits behind a link that nobody may open:
    no mail says so."""
    sealed, pair = store.get_request(tx, request_id, lock=True), (hold_id, request_id)
    if sealed is None or not notices.untold(tx, FAILED, not_since=at - SAID_AGAIN_AFTER, limit=1, pair=pair):
        return False
    request, savepoint = sealed.request, tx.begin_nested()
    try:
        _tell(tx, vault, request, hold_id, actor=sending.SYSTEM, at=at)
    except (GateShut, ChannelClosed) as error:
        savepoint.rollback()
        facts = {"hold": hold_id, "why": sending.why_not(error)}
        if note(tx, vault, request, NOT_TOLD, at=at, facts=facts, once=notices.once_not_told(hold_id, request_id)):
            transfers.ring(tx, request.case_id, at=at)
        return False
    savepoint.commit()
    if _is_behind_link(tx, request):
        transfers.ring(tx, request.case_id, at=at)
    return True


def tell_end_by_itself(tx: Connection, *, vault: Vault, hold_id: str, request_id: str, at: datetime) -> bool:
    """Tell a partner whose channel was closed when a hold ended that it has. False where it is closed still."""
    sealed = store.get_request(tx, request_id, lock=True)
    if sealed is None or not notices.end_untold(tx, limit=1, pair=(hold_id, request_id)):
        return False
    return bool(_tell_end(tx, vault, sealed.request, hold_id, case_id=sealed.request.case_id or "", at=at))


def notice_failed(tx: Connection, request: Request, envelope_id: str) -> None:
    """The notice of a hold, or of its end, did not arrive: it is owed again."""
    for event in history_store.events_of(tx, request.id):
        if event.facts.get("letter") == envelope_id:
            once = {TOLD: notices.once_told, "hold_end_told": notices.once_ended}.get(event.act)
            if once is not None:
                notices.untell(tx, once(str(event.facts["hold"]), request.id))


def agree_to_release(tx: Connection, hand: Hand, dossier_id: str, *, reason: str) -> bool:
    """As an officer here, say that a hold of a case of ours may end. True when with this it has: everybody who was told
    of it is told.

    Where the case has moved, whoever has it hears it as the word of another body, and the hold stands here until they
    say that it has ended. Raises `holds.model.NotNow`; NotNow while the file of the case is on its way.
    """
    dossier, hold = claimants.require_seen(tx, hand, dossier_id), placing.standing_on(tx, dossier_id)
    given = transfer_store.given(tx, dossier.case_id)
    if given is not None and given.state is State.HANDED:
        raise NotNow("handed_over")
    moved = given is not None and given.state is State.MOVED
    ended = releasing.agree_to_release(tx, hand, dossier_id, reason=reason, decides=not moved)
    if given is not None and moved and hold is not None:
        _pass_on(tx, hand.vault, given.request_id, hold.id, hand.officer.id, actor=hand.officer.id, at=hand.at)
    elif ended and hold is not None:
        tell_hold_ended(tx, hand.vault, dossier.case_id, hold.id, at=hand.at)
    return ended


def agree_to_their_hold(tx: Connection, hand: Hand, request_id: str, hold_id: str) -> None:
    """As an officer of another body, say to the partner who placed a hold that it may end."""
    request = to_act(tx, hand, request_id, Permission.HOLD_RELEASE).request
    if hold_id not in {hold.id for hold in told_holds.standing_on(tx, request.id)}:
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
        case_id, ours = request.case_id, told_as(tx, request).get(hold_id)
    else:
        case_id, ours = transfers.case_taken_for(tx, request), _brought(tx, request).get(hold_id)
    if ours is None or case_id is None:
        raise NotToldOfIt
    note(tx, vault, request, "hold_agreed_there", at=at, facts={"hold": ours})
    given = transfer_store.given(tx, case_id)
    if given is not None and given.state in (State.HANDED, State.MOVED):
        _pass_on(tx, vault, given.request_id, ours, person, actor=sending.SYSTEM, at=at)
    elif releasing.partner_agrees(tx, vault, ours, partner_id=request.partner_id, person=person, at=at):
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
        ended = told_holds.end_told_hold(
            tx, vault, hold_id, partner_id=request.partner_id, request_id=request.id, at=at
        )
        case_id = transfers.case_taken_for(tx, request)
    else:
        case_id = request.case_id if transfers.has_moved(tx, request) else None
        ended = case_id is not None and releasing.end_of_moved_case(tx, vault, hold_id, case_id=case_id, at=at)
    if not ended:
        return False
    note(tx, vault, request, "hold_ended", at=at, facts={"hold": hold_id})
    if request.side is Side.OURS and case_id is not None:
        tell_hold_ended(tx, vault, case_id, hold_id, at=at)
    transfers.ring(tx, case_id, at=at)
    return True


def tell_hold_ended(tx: Connection, vault: Vault, case_id: str, hold_id: str, *, at: datetime) -> int:
    """Tell everybody who was told of a hold that it has ended, and whoever had the case before. Returns how many were;
    where a channel is closed, or is a link, a human has to call, and the hold has ended all the same."""
    count = 0
    for sealed in store.of_case(tx, case_id):
        if hold_id in told_as(tx, sealed.request).values():
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
        said = {"hold": _name_of(tx, request, hold_id) if request.side is Side.OURS else hold_id}
        letter = sending.send(tx, vault, request, "hold_released", said, actor=sending.SYSTEM, at=at)
    except (ChannelClosed, NoConsent):  # the last: whoever had the case before reads behind a link now
        savepoint.rollback()
        once = notices.once_end_not_told(hold_id, request.id)
        if note(tx, vault, request, "hold_end_not_told", at=at, facts={"hold": hold_id}, once=once):
            transfers.ring(tx, case_id, at=at)
        return 0
    savepoint.commit()
    facts, once = {"hold": hold_id, "letter": letter}, notices.once_ended(hold_id, request.id)
    if _is_behind_link(tx, request):
        note(tx, vault, request, "hold_end_kept", at=at, facts=facts, once=once)
        transfers.ring(tx, case_id, at=at)
        return 0
    note(tx, vault, request, "hold_end_told", at=at, facts=facts, once=once)
    return 1


def told_as(tx: Connection, request: Request) -> dict[str, str]:
    """The holds of which the partner of a request of ours was told, or can read behind its link: by what it calls them,
    what we do."""
    return {
        str(event.facts.get("as", event.facts.get("hold"))): str(event.facts.get("hold"))
        for event in history_store.events_of(tx, request.id)
        if event.act == TOLD or (event.act == NOT_TOLD and "as" in event.facts)
    }


def _brought(tx: Connection, request: Request) -> dict[str, str]:
    """The holds that came with the case of a request: by what whoever had it calls them, what we do."""
    return {
        str(event.facts["theirs"]): str(event.facts["hold"])
        for event in history_store.events_of(tx, request.id)
        if event.act == "hold_came" and "theirs" in event.facts
    }
