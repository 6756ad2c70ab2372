"""Where minutes count, a partner's request is a case here from the moment it comes: the alarm of a case calls people,
and climbs until one of them has it. A number in a menu wakes nobody at night.

The case says who the partner is and what the request is called, and nothing about anybody: that is not here yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy.engine import Connection

from bot.cases import alarm, supervision_store
from bot.cases import service as cases
from bot.cases import store as case_store
from bot.cases.hand import AT_DESK, Hand, seal, write_down
from bot.cases.model import ACKNOWLEDGE_WITHIN, Case, CaseError, CaseStatus
from bot.conversations import service as conversations
from bot.exchange.partners import store as partners
from bot.exchange.requests import alerts_store as store
from bot.exchange.requests import history_store
from bot.exchange.requests.history import note
from bot.exchange.requests.model import Request
from bot.kernel.crypto import Erased, Vault
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
#: So often within an hour one partner calls people, a case each.
MOST_RINGS_AN_HOUR, HOUR = 5, timedelta(hours=1)
#: So many alerts that stand together are named one by one.
MOST_NAMED = 20


def ring(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    """Call people to a request of theirs that came just now, if it is of a kind that cannot wait.

    The first of an hour open a case each. What comes beyond stands together in one that rings once and says how many
    wait: a partner's broken or stolen machine must not make everybody here stop listening. Other partners ring as ever.
    """
    if request.type_key not in RINGS:
        return
    if store.rings_since(tx, request.partner_id, at - HOUR) < MOST_RINGS_AN_HOUR:
        case = _open_case(tx, vault, request, at=at)
        note(tx, vault, request, store.RANG, at=at, facts={"case": case.id})
    else:
        _stand_together(tx, vault, request, at=at)


def _stand_together(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    case = _shared_case(tx, vault, request, at=at) or _open_case(tx, vault, request, at=at)
    once = store.once_together(case.id, request.id)
    note(tx, vault, request, store.TOGETHER, at=at, facts={"case": case.id}, once=once)
    waiting, numbers = store.together(tx, case.id, limit=MOST_NAMED)
    words = f"{_name_of(tx, request)} · {waiting} × · {', '.join(numbers)}{' …' if waiting > len(numbers) else ''}"
    case_store.reseal(tx, case.id, words_sealed=seal(vault.key(tx, case.key_id), case.id, "words", words))
    reason, priority = RINGS[request.type_key]
    raised = case.raised(reason, priority, at=at)
    if raised is not case and case_store.save_case(tx, case, raised):
        case = raised
        alarm.ring(tx, case, at=at)
    if 1 < waiting <= MOST_NAMED:  # the first was written down when it was opened
        _write_down_alert(tx, vault, case, request, at=at)
    if case.owner_id is not None and waiting & (waiting - 1) == 0:  # 2, 4, 8 …: whoever has it hears that it goes on
        alarm.ring(tx, case, at=at)


def _shared_case(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> Case | None:
    """The case in which alerts of this partner stand together now: one that nobody has yet, or one of this hour."""
    last = store.last_together(tx, request.partner_id)
    found = case_store.get_case(tx, last[0], lock=True) if last is not None else None
    if last is None or found is None or not found.case.is_open:
        return None
    try:
        vault.key(tx, found.case.key_id)
    except Erased:
        return None
    return found.case if found.case.owner_id is None or last[1] > at - HOUR else None


def _name_of(tx: Connection, request: Request) -> str:
    partner = partners.get(tx, request.partner_id)
    return partner.name if partner else ""


def _open_case(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> Case:
    reason, priority = RINGS[request.type_key]
    key = vault.new_key(tx, at)
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
    called = f"{_name_of(tx, request)} · {request.number}"
    case_store.add_case(tx, case, words_sealed=seal(key, case.id, "words", called), place_sealed=None)
    alarm.ring(tx, case, at=at)
    supervision_store.owe_review(tx, case, at)
    facts = {"reason": case.reason, "priority": case.priority.value, "source": case.source}
    write_down(tx, vault, case, "opened", officer_id=None, at=at, facts=facts)
    _write_down_alert(tx, vault, case, request, at=at)
    return case


def _write_down_alert(tx: Connection, vault: Vault, case: Case, request: Request, *, at: datetime) -> None:
    about = {"request": request.id, "partner": request.partner_id}
    write_down(tx, vault, case, "alert_came", officer_id=None, at=at, facts=about)


def may_remind(tx: Connection, request: Request, *, at: datetime) -> bool:
    """Whether a reminder that came now calls people: once an hour, however often the partner sends one."""
    return store.reminders_since(tx, request.id, at - HOUR) <= 1


def floods(tx: Connection, at: datetime) -> list[store.Flood]:
    """The partners that sounded the alarm more often than people can be called for, within a day."""
    return store.floods(tx, at - timedelta(days=1))


def case_of(tx: Connection, request: Request) -> str | None:
    """The case that was opened to call people to this request."""
    if request.type_key not in RINGS:
        return None
    called = (event for event in history_store.events_of(tx, request.id) if event.act in (store.RANG, store.TOGETHER))
    return next((str(event.facts["case"]) for event in called), None)


def heard(tx: Connection, hand: Hand, request: Request) -> None:
    """Somebody here has answered the alert, with yes or no: they hold its case now, and nobody else is called. Where
    others stand in the same case it rings on until each is answered, or somebody takes it."""
    case_id = case_of(tx, request)
    found = case_store.get_case(tx, case_id) if case_id else None
    if found is None or found.case.status is not CaseStatus.NEW or store.any_unanswered(tx, found.case.id):
        return
    savepoint = tx.begin_nested()
    try:
        cases.claim_case(tx, hand, found.case.id)
    except CaseError:  # they may answer requests and hold no cases: the alarm goes on until somebody has it
        savepoint.rollback()
    else:
        savepoint.commit()
