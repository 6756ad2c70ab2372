"""A colleague who is offered a case that cannot wait is paged, once: where they read pages, and not on the desk alone.

The offer itself is made in another transaction, by an officer at a screen. The pager finds what nobody was paged for,
so an offer made a moment before a crash is told of as well.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import alarm_store, handover_store, page_ways_store, store
from bot.cases.alarm import Paging
from bot.cases.model import Case
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.kernel import officers
from bot.kernel.logs import get_log
from bot.kernel.officers import Officer
from bot.kernel.words import N_

log = get_log("alarm")

OFFERED = N_("A colleague offers you a {priority} case: {number}. Open the desk: {url}")


def untold(tx: Connection, at: datetime) -> list[str]:
    """The offers of loud cases for which nobody was paged yet, by the case."""
    return handover_store.offers_to_page(tx, at)


def page_offer(tx: Connection, paging: Paging, case_id: str, *, at: datetime) -> list[str]:
    """Page the colleague to whom a case is offered, and return the topics to wake. Told before: nothing happens."""
    standing, found = handover_store.open_offer(tx, case_id), store.get_case(tx, case_id)
    officer = None if standing is None else officers.get_officer(tx, standing.to_officer)
    if standing is None or found is None or officer is None:
        return []
    key = f"offer:{standing.id}"
    if not alarm_store.add_notice(tx, key, case_id=case_id, officer_id=officer.id, at=at, way="desk"):
        return []
    for way in page_ways_store.confirmed_ways(tx).get(officer.id, ()):
        if way.way in paging.ways:  # sent by `page_carrier`
            page_ways_store.add_send(tx, key, way, case_id=case_id, at=at)
    if officer.page_conversation_id is not None:
        _say(tx, paging, officer, found.case, at=at)
    return ["pages", "outbox", f"case:{case_id}"]


def _say(tx: Connection, paging: Paging, officer: Officer, case: Case, *, at: datetime) -> None:
    """By message. Where it cannot be written the other ways must still be taken."""
    language = officer.languages[0] if officer.languages else "en"
    text = paging.words.text(language, OFFERED, priority=case.priority.value, number=case.number, url=paging.desk_url)
    savepoint = tx.begin_nested()
    try:
        conversations.say(
            tx,
            paging.vault,
            str(officer.page_conversation_id),
            text=text,
            cls=MessageClass.OFFICER,
            template="offer",
            at=at,
            language=language,
        )
    except Exception as error:
        savepoint.rollback()
        log.error("alarm.message_failed", case_id=case.id, exc_info=error)
        return
    savepoint.commit()
