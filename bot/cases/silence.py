"""Whoever holds a case and does not answer is reminded; if that does not help, the case goes to somebody else.

A claim stops the alarm, so without this an officer who falls asleep would be the end of it. The reminder is the
case's own alarm, rung again: it begins with the owner and climbs, as any alarm, until a human has the case.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import alarm, service, store
from bot.cases.alarm import Paging
from bot.cases.model import Silence, silence_of


def owed_answers(tx: Connection, at: datetime) -> list[str]:
    """The cases in which the person has waited too long for an answer, the most urgent first."""
    return [case.id for case in store.unanswered(tx) if case.answer_is_late(at)]


def break_silence(tx: Connection, paging: Paging, case_id: str, *, at: datetime) -> list[str]:
    """Remind the owner of a case, or put it back into the queue. Returns the topics to wake; nothing to do, nothing."""
    sealed, ringing = store.get_case(tx, case_id, lock=True), store.get_alarm(tx, case_id)
    if sealed is None or ringing is None:
        return []
    case = sealed.case
    match silence_of(case, ringing, at):
        case Silence.REMIND:
            alarm.ring(tx, case, at=at)
            service.record_reminder(tx, paging.vault, case, at=at)
        case Silence.TAKE_BACK:
            service.take_back(tx, paging.vault, case, at=at, because="silent")
            service.tell_person_left(tx, paging.vault, paging.words, case, at=at)
        case None:
            return []
    return ["queue", "pages", "outbox", f"case:{case.id}", f"conversation:{case.conversation_id}"]
