"""Where minutes count, a partner's request is a case here from the moment it comes: the alarm of a case calls people,
and climbs until one of them has it. A number in a menu wakes nobody at night.

The case says who the partner is and what the request is called, and nothing about anybody: that is not here yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from bot.cases import alarm, supervision_store
from bot.cases import service as cases
from bot.cases import store as case_store
from bot.cases.hand import AT_DESK, Hand, seal, write_down
from bot.cases.model import ACKNOWLEDGE_WITHIN, Case, CaseError, CaseStatus
from bot.conversations import service as conversations
from bot.exchange.partners import store as partners
from bot.exchange.requests import store
from bot.exchange.requests.history import note
from bot.exchange.requests.model import Request
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from dialogues.understanding.model import Priority

SOURCE = "abroad"
#: Reason and urgency of the case, by the type of the request.
RINGS: Mapping[str, tuple[str, Priority]] = MappingProxyType(
    {
        "protective_alert": ("immediate_danger", Priority.P0),
        "missing_across_border": ("missing_child", Priority.P1),
    }
)
RANG = "rang"


def ring(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    """Open the case of a request of theirs that came just now, if it is of a kind that cannot wait, and call people."""
    if request.type_key not in RINGS:
        return
    reason, priority = RINGS[request.type_key]
    partner, key = partners.get(tx, request.partner_id), vault.new_key(tx, at)
    conversation_id = conversations.open_conversation(
        tx, vault, channel=AT_DESK, account=AT_DESK, address=new_id(), language=request.language, at=at
    )
    case = Case(
        id=new_id(),
        number=cases.free_number(tx),
        conversation_id=conversation_id,
        key_id=key.id,
        reason=reason,
        priority=priority,
        status=CaseStatus.NEW,
        owner_id=None,
        language=request.language,
        country=None,
        source=SOURCE,
        reporter=False,
        opened_at=at,
        due_at=at + ACKNOWLEDGE_WITHIN[priority],
        claimed_at=None,
        officer_wrote_at=at,  # nobody waits in a talk here
        demo=request.demo,
    )
    called = f"{partner.name if partner else ''} · {request.number}"
    case_store.add_case(tx, case, words_sealed=seal(key, case.id, "words", called), place_sealed=None)
    alarm.ring(tx, case, at=at)
    supervision_store.owe_review(tx, case, at)
    facts = {"reason": case.reason, "priority": case.priority.value, "source": case.source}
    write_down(tx, vault, case, "opened", officer_id=None, at=at, facts=facts)
    about = {"request": request.id, "partner": request.partner_id}
    write_down(tx, vault, case, "alert_came", officer_id=None, at=at, facts=about)
    note(tx, vault, request, RANG, at=at, facts={"case": case.id})


def case_of(tx: Connection, request: Request) -> str | None:
    """The case that was opened to call people to this request."""
    if request.type_key not in RINGS:
        return None
    return next((str(event.facts["case"]) for event in store.events_of(tx, request.id) if event.act == RANG), None)


def heard(tx: Connection, hand: Hand, request: Request) -> None:
    """Somebody here has answered the alert, with yes or no: they hold its case now, and nobody else is called."""
    case_id = case_of(tx, request)
    found = case_store.get_case(tx, case_id) if case_id else None
    if found is None or found.case.status is not CaseStatus.NEW:
        return
    savepoint = tx.begin_nested()
    try:
        cases.claim_case(tx, hand, found.case.id)
    except CaseError:  # they may answer requests and hold no cases: the alarm goes on until somebody has it
        savepoint.rollback()
    else:
        savepoint.commit()
