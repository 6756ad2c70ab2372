"""Who may learn where a safe place is, for whom and why; and who has.

Only the officer who holds the case, only of a service that has said yes to this very person, only while that referral
is under way. They say for what, and why in a sentence. What they are told is not here: a case knows that an address
was opened, never the address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases import store as case_store
from bot.cases.hand import Hand, key_of, target, unseal, write_down
from bot.cases.model import Case, CaseNotFound, CaseStatus, NotAllowedNow, NotWithThisAdult
from bot.cases.notice import tell_coordinators
from bot.cases.ports import Adults
from bot.cases.referrals import store
from bot.cases.referrals.model import Referral, State
from bot.kernel import access
from bot.kernel.access import Permission
from bot.kernel.ids import new_id
from bot.kernel.officers import lock_officer
from bot.kernel.words import N_

LONGEST_REASON = 500
#: So many different houses are opened for one officer in so long. More than that is no night's work but a stolen
#: session, or somebody who collects them. The same house again is not counted.
MOST_HOUSES, WITHIN = 3, timedelta(hours=1)
#: So far back whoever coordinates sees it on their page.
SHOWN_FOR = timedelta(days=7)
SERVICE = "service:"


class Purpose(StrEnum):
    """What an officer can need an address for. The directory knows one more, for those who keep it."""

    BRING_A_CHILD = "bring_a_child"
    VISIT = "visit"
    EMERGENCY = "emergency"


PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        Purpose.BRING_A_CHILD: N_("To bring the person there, or have them brought"),
        Purpose.VISIT: N_("To visit the person there"),
        Purpose.EMERGENCY: N_("Somebody there is in danger now"),
    }
)
OPENED = N_("A colleague opened the address of a safe place for case {number}. The reason is on the desk.")
CAPPED = N_("A colleague wanted more addresses of safe places than one opens in an hour: case {number}. Call them now.")


class Refusal(StrEnum):
    """Why an address is not opened. What can be done instead is said with each."""

    CLOSED = "closed"
    NOT_YET = "not_yet"
    OVER = "over"
    NO_CONSENT = "no_consent"
    ADULT = "adult"
    OFTEN = "often"


REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        Refusal.CLOSED: N_("The case is not open with you. Open it again first, if the person still needs you."),
        Refusal.NOT_YET: N_("They have not said yes. Call them: once they have, note it here, and the address opens."),
        Refusal.OVER: N_("This referral is over. Call them, or refer the person again."),
        Refusal.NO_CONSENT: N_("Nobody agrees to this any more. Ask the person, and record what they say in the file."),
        Refusal.ADULT: N_("The adult who goes along may not go with the child. Call them: the child can come alone."),
        Refusal.OFTEN: N_(
            "Three safe places were opened for you within an hour, so no other is for now. Call the house: somebody "
            "comes to meet the child. Whoever coordinates can take the case and open it; call them too, a message may "
            "be late."
        ),
    }
)
#: They have said yes, and it is not finished.
_AGREED = (State.ACCEPTED, State.MISSED, State.ATTENDED)


class Asked(Struct, frozen=True):
    """An officer asks for the address behind a referral of a case of theirs. Refused: why."""

    case: Case
    referral: Referral
    purpose: Purpose
    service_id: str
    refused: Refusal | None


class Opening(Struct, frozen=True):
    """Somebody learnt where a safe place is."""

    case_id: str
    number: str
    officer_id: str
    purpose: str
    why: str
    at: datetime


def ask(tx: Connection, hand: Hand, case_id: str, referral_id: str, purpose: Purpose, *, adults: Adults) -> Asked:
    """Whether this officer may learn the address now. Raises CaseNotFound, and NotAllowedNow where they do not hold the
    case or the referral is none of its own to a service of the directory."""
    case = target(tx, hand, case_id, Permission.SAFE_PLACE_OPEN)
    referral = store.get(tx, case.id, referral_id)
    if referral is None or not referral.recipient.startswith(SERVICE):
        raise NotAllowedNow(case.number)
    service_id = referral.recipient.removeprefix(SERVICE)
    refused = refusal(tx, case, referral, hand.at, adults=adults, purpose=purpose)
    if refused is None and _too_many(tx, hand, service_id):
        refused = Refusal.OFTEN
    return Asked(case, referral, purpose, service_id, refused)


def _too_many(tx: Connection, hand: Hand, service_id: str) -> bool:
    """Whether this would be one house more than one officer is shown."""
    lock_officer(tx, hand.officer.id)
    opened = store.houses_opened_by(tx, hand.officer.id, since=hand.at - WITHIN)
    return service_id not in opened and len(opened) >= MOST_HOUSES


def say_that_it_was_too_often(tx: Connection, hand: Hand, asked: Asked) -> None:
    """Tell whoever coordinates, once an hour, in the transaction that refuses."""
    thing = f"capped:{hand.officer.id}:{hand.at:%Y%m%d%H}"
    facts = {"service": asked.service_id, "purpose": asked.purpose.value}
    write_down(tx, hand.vault, asked.case, "address_capped", officer_id=hand.officer.id, at=hand.at, facts=facts)
    tell_coordinators(tx, hand.vault, hand.words, asked.case, CAPPED, thing=thing, at=hand.at)


def refusal(
    tx: Connection,
    case: Case,
    referral: Referral,
    at: datetime,
    *,
    adults: Adults,
    purpose: Purpose = Purpose.BRING_A_CHILD,
) -> Refusal | None:
    """Why the address behind a referral does not open for whoever holds the case; None: it does.

    Where the person went there, and somebody there is in danger, nobody is asked again.
    """
    if case.status is not CaseStatus.CLAIMED:
        return Refusal.CLOSED
    if referral.waits:
        return Refusal.NOT_YET
    if referral.state not in _AGREED:
        return Refusal.OVER
    if purpose is Purpose.EMERGENCY and referral.state is State.ATTENDED:
        return None
    if referral.adult_id is not None:
        try:
            adults.require_free(tx, case.id, referral.adult_id)
        except NotWithThisAdult:
            return Refusal.ADULT
    return None if _is_agreed_to(tx, case, referral, at) else Refusal.NO_CONSENT


def _is_agreed_to(tx: Connection, case: Case, referral: Referral, at: datetime) -> bool:
    return any(row.id == referral.consent_id and row.carries(at) for row in consent.of_case(tx, case.id))


def is_reason(why: str) -> bool:
    """Whether that is a reason as one is asked for: a sentence."""
    return 0 < len(why.strip()) <= LONGEST_REASON


def is_first(tx: Connection, once: str) -> bool:
    """Whether this form was not sent before: a page that is loaded again shows nothing again."""
    return bool(once) and not store.was_opened(tx, once)


def service_behind(tx: Connection, case: Case, referral_id: str) -> str:
    """The service of the directory that a referral of this case went to. Raises NotAllowedNow."""
    for referral, _ in store.of_case(tx, case.id):
        if referral.id == referral_id and referral.recipient.startswith(SERVICE):
            return referral.recipient.removeprefix(SERVICE)
    raise NotAllowedNow(case.number)


def note(tx: Connection, hand: Hand, asked: Asked, *, why: str, once: str) -> None:
    """Write down, in the transaction that opens it, that this officer is shown the address: in the case, in the audit
    log, and to whoever coordinates. Raises NotAllowedNow without a reason, or for a form that was sent before."""
    case, why, opening_id = asked.case, why.strip(), new_id()
    if not is_reason(why) or not once:
        raise NotAllowedNow(case.number)
    sealed = key_of(tx, hand, case).seal(why, table="case_address_openings", row=opening_id, field="why")
    ids = {"id": opening_id, "case_id": case.id, "referral_id": asked.referral.id, "service_id": asked.service_id}
    who = {"officer_id": hand.officer.id, "purpose": asked.purpose.value, "why_sealed": sealed, "at": hand.at}
    if not store.add_opening(tx, **ids, **who, once=once):
        raise NotAllowedNow(case.number)
    facts = {"referral": asked.referral.id, "service": asked.service_id, "purpose": asked.purpose.value}
    write_down(tx, hand.vault, case, "address_opened", officer_id=hand.officer.id, at=hand.at, facts=facts)
    tell_coordinators(tx, hand.vault, hand.words, case, OPENED, thing=f"address:{opening_id}", at=hand.at)


def of_case(tx: Connection, hand: Hand, case_id: str) -> list[Opening]:
    """Who learnt an address for this case, beside who has seen it. Raises CaseNotFound, NotAllowedNow."""
    case = target(tx, hand, case_id, Permission.CASE_SEEN_BY, lock=False)
    return [_opening(tx, hand, case, row) for row in store.openings_of(tx, case.id)]


def lately(tx: Connection, hand: Hand, *, limit: int = 50) -> list[Opening]:
    """Whoever learnt an address this week, and why. For who coordinates: else CaseNotFound."""
    if not access.allows(hand.officer, Permission.SUPERVISION_READ):
        raise CaseNotFound("supervision")
    rows: Sequence[Any] = store.openings_since(tx, hand.at - SHOWN_FOR, limit=limit)
    cases = case_store.cases_among(tx, {row.case_id for row in rows})
    return [_opening(tx, hand, cases[row.case_id], row) for row in rows]


def _opening(tx: Connection, hand: Hand, case: Case, row: Any) -> Opening:
    why = unseal(tx, hand.vault, case, row.why_sealed, "case_address_openings", row.id, "why")
    return Opening(case.id, case.number, row.officer_id, row.purpose, why, row.at)
