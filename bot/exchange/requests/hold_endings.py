"""The end of a hold that a partner told us of, and of which it can say nothing any more: its channel is closed.

Nobody here knows why it was placed. So the focal point of that country is asked first, and then two people of two
roles say in writing that it may end. Once the channel is open again, only the partner ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.exchange.holds import releasing, told_holds
from bot.exchange.holds.model import Agreed, Hold
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed, Direction
from bot.exchange.requests import history_store
from bot.exchange.requests.history import note
from bot.exchange.requests.model import LONGEST_TEXT, NotNow, Request, Side
from bot.exchange.requests.opening import key_of, to_act
from bot.exchange.requests.overrides import acts_as
from bot.exchange.requests.sending import PURPOSE
from bot.exchange.requests.transfer import service as transfers
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.words import N_

ASKED = "hold_focal_asked"
#: As which body somebody here speaks of a hold that is none of ours: two roles stand for two bodies.
_ROLE = "role:"
#: A focal point that was asked and says nothing for so long keeps nobody from deciding.
SILENT_AFTER = timedelta(hours=24)


class FocalSays(StrEnum):
    """What became of asking the focal point."""

    WAITS = "waits"
    AGREES = "agrees"
    KNOWS_NOTHING = "knows_nothing"
    AGAINST = "against"
    NOBODY = "nobody"


FOCAL_SAYS: Mapping[FocalSays, str] = MappingProxyType(
    {
        FocalSays.WAITS: N_("was asked and has not answered yet"),
        FocalSays.AGREES: N_("says that the hold may end"),
        FocalSays.KNOWS_NOTHING: N_("knows nothing that speaks for it or against it"),
        FocalSays.AGAINST: N_("says that the hold must stand"),
        FocalSays.NOBODY: N_("nobody is named for this country"),
    }
)


class Ending(Struct, frozen=True):
    """How far the end of a told hold is, whose partner cannot be heard any more."""

    hold: Hold
    asked: FocalSays | None  # what the focal point said last
    may_be_agreed: bool
    first_id: str | None = None
    first_role: str = ""
    reason: str = ""  # as the first of the two wrote it


def endings(tx: Connection, hand: Hand, request: Request) -> list[Ending]:
    """The holds of a request of theirs that its partner cannot end, for its page."""
    if not _is_cut_off(tx, hand, request):
        return []
    return [_ending(tx, hand, request, hold) for hold in told_holds.standing_on(tx, request.id)]


def _ending(tx: Connection, hand: Hand, request: Request, hold: Hold) -> Ending:
    said = _focal_said(tx, request, hold.id)
    first = next(iter(releasing.agreed_to(tx, hold.id)), None)
    found = Ending(hold, said[0] if said else None, _may_be_agreed(tx, hand, request, hold.id))
    if first is None:
        return found
    reason = releasing.reason_of(tx, _key(tx, hand.vault, request, hold), hold.id, first.person)
    return Ending(hold, found.asked, found.may_be_agreed, first.person, first.body.removeprefix(_ROLE), reason)


def focal_point_asked(tx: Connection, hand: Hand, request_id: str, hold_id: str, said: FocalSays) -> None:
    """Write down that the focal point was asked, and what they said. The newest word counts."""
    request = _to_end(tx, hand, request_id, hold_id)
    partner = partners.get(tx, request.partner_id)
    named = partner is not None and partners.focal_point(tx, partner.country) is not None
    if named == (said is FocalSays.NOBODY):
        raise NotNow("hold_focal")
    facts = {"hold": hold_id, "said": said.value}
    note(tx, hand.vault, request, ASKED, officer_id=hand.officer.id, at=hand.at, facts=facts)


def agree_to_end(tx: Connection, hand: Hand, request_id: str, hold_id: str, *, role: str, reason: str) -> bool:
    """Say in writing that the hold may end. True when with this it has: two people of two roles have said so.

    Raises NotNow: the partner can end it itself, the focal point was not asked or says that it must stand, or this
    person has said so before.
    """
    request, reason = _to_end(tx, hand, request_id, hold_id), reason.strip()
    if not _may_be_agreed(tx, hand, request, hold_id):
        raise NotNow("hold_focal")
    hold = next(each for each in told_holds.standing_on(tx, request.id) if each.id == hold_id)
    key = _key(tx, hand.vault, request, hold)
    if key is None:
        raise NotNow("erased")
    if not reason or len(reason) > LONGEST_TEXT or not acts_as(hand, role):
        raise NotNow("incomplete")
    agreed = Agreed(hand.officer.id, f"{_ROLE}{role}")
    if any(each.body == agreed.body for each in releasing.agreed_to(tx, hold_id)):
        raise NotNow("override_same")
    if not told_holds.agree_to_told(tx, key, hold_id, agreed, reason=reason, at=hand.at):
        raise NotNow("override_same")
    facts = {"hold": hold_id, "role": role}
    note(tx, hand.vault, request, "hold_end_agreed", officer_id=hand.officer.id, at=hand.at, facts=facts)
    if not told_holds.end_if_agreed(tx, hand.vault, hold_id, at=hand.at):
        return False
    note(tx, hand.vault, request, "hold_ended_here", officer_id=hand.officer.id, at=hand.at, facts={"hold": hold_id})
    transfers.ring(tx, hold.case_id, at=hand.at)
    return True


def _to_end(tx: Connection, hand: Hand, request_id: str, hold_id: str) -> Request:
    """Raises NotNow where no such hold stands, or its partner can be heard."""
    request = to_act(tx, hand, request_id, Permission.HOLD_END_TOLD).request
    if hold_id not in {hold.id for hold in told_holds.standing_on(tx, request.id)}:
        raise NotNow
    if not _is_cut_off(tx, hand, request):
        raise NotNow("hold_of_theirs")
    return request


def _is_cut_off(tx: Connection, hand: Hand, request: Request) -> bool:
    """Whether nothing that its partner says about this request would be taken in."""
    if request.side is not Side.THEIRS:
        return False
    partner = partners.get(tx, request.partner_id, hand.vault)
    if partner is None:
        return True
    try:
        partner.must_allow(
            Direction.RECEIVE, request_type=request.type_key, purpose=PURPOSE, data_classes=frozenset(), at=hand.at
        )
    except ChannelClosed:
        return True
    return False


def _focal_said(tx: Connection, request: Request, hold_id: str) -> tuple[FocalSays, datetime] | None:
    """What they said last, and when. What was asked while the channel was closed before counts too."""
    said = [
        (FocalSays(event.facts["said"]), event.at)
        for event in history_store.events_of(tx, request.id)
        if event.act == ASKED and event.facts.get("hold") == hold_id
    ]
    return said[-1] if said else None


def _may_be_agreed(tx: Connection, hand: Hand, request: Request, hold_id: str) -> bool:
    said = _focal_said(tx, request, hold_id)
    if said is None or said[0] is FocalSays.AGAINST:
        return False
    return said[0] is not FocalSays.WAITS or hand.at >= said[1] + SILENT_AFTER


def _key(tx: Connection, vault: Vault, request: Request, hold: Hold) -> DataKey | None:
    """The key of the case that came, where one did: what was decided about it lasts as long as it does."""
    found = case_store.get_case(tx, hold.case_id) if hold.case_id else None
    if found is None:
        return key_of(tx, vault, request)
    try:
        return vault.key(tx, found.case.key_id)
    except Erased:
        return None
