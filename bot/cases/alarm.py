"""The alarm ladder: whoever asked for help is seen by a human, or somebody is being told right now.

An alarm is born in the transaction that opens the case. The pager takes each step in one transaction: it writes
the pages, puts the messages into the outbox and only with them moves the alarm on. A pager that dies before the
commit has done nothing and the step is still due; one that dies after it has told everyone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import alarm_store, page_ways_store, store
from bot.cases.hand import AT_DESK
from bot.cases.model import LOUD, Alarm, Audience, Case
from bot.cases.page_ways_store import PageWay, Way
from bot.cases.rota import service as rota
from bot.cases.rota.service import OnDuty
from bot.channels.model import Button
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.kernel import officers
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.failpoints import failpoint
from bot.kernel.logs import get_log
from bot.kernel.officers import Officer
from bot.kernel.words import N_, Words

log = get_log("alarm")


#: Where nobody plans, every officer counts as there.
NO_ROTA = OnDuty(kept=False)

PAGE = N_("A {priority} case waits: {number}. Open the desk: {url}")
#: Under the page: what it says, and what comes back when it is pressed (`bot.cases.taken_pages`).
TAKE_IT = N_("I take it")
TAKE_PAGE = '/take_page{"number": "NUMBER"}'
STILL_LOOKING = N_(
    "I am still looking for a person for you. Nobody could answer yet. "
    "If you are in danger, call {emergency_number} now. You can keep writing here."
)


class Paging(Struct, frozen=True):
    """What a step needs beside the alarm itself."""

    vault: Vault
    words: Words
    desk_url: str  # where the page sends the officer: the queue, never the case
    ways: frozenset[Way] = frozenset()  # how pages can leave the house here, beside Telegram


def ring(tx: Connection, case: Case, *, at: datetime) -> Alarm:
    """Start the alarm of a case, or start it over if it was quiet or has become more urgent."""
    known = store.get_alarm(tx, case.id)
    held = case.owner_id is not None
    if known is None:
        alarm = Alarm.rung(case.id, case.priority, held=held, at=at)
    else:
        alarm = known.again(case.priority, held=held, at=at)
        if alarm is known:
            return known
    store.put_alarm(tx, alarm)
    return alarm


def ring_anew(tx: Connection, case: Case, *, at: datetime) -> None:
    """Ring from the first step for a case that lost its owner, also where its alarm was climbing already."""
    known = store.get_alarm(tx, case.id)
    if known is None:
        ring(tx, case, at=at)
    else:
        store.put_alarm(tx, known.anew(case.priority, held=case.owner_id is not None, at=at))


def acknowledge(tx: Connection, case_id: str, *, officer_id: str, at: datetime) -> bool:
    """A human has it: stop climbing. False when somebody had said so before."""
    alarm = store.get_alarm(tx, case_id)
    if alarm is None or not alarm.climbing:
        return False
    store.put_alarm(tx, alarm.acknowledged(officer_id, at))
    return True


def take_step(tx: Connection, paging: Paging, case_id: str, *, emergency_number: str, at: datetime) -> list[str]:
    """Take the step of one alarm that is due, and return the topics to wake. Nothing is due: nothing happens."""
    alarm = store.get_alarm(tx, case_id)
    if alarm is None or (due := alarm.due_step(at)) is None:
        return []
    found = store.get_case(tx, case_id)
    if found is None:
        return []
    topics = ["queue", "pages", "outbox", f"case:{case_id}"]
    team = officers.list_officers(tx)
    present, owner = rota.on_duty(tx, at), found.case.owner_id
    ways = page_ways_store.confirmed_ways(tx) if paging.ways else {}
    for officer in audience(team, alarm.ladder.steps[due].whom, owner_id=owner, present=present):
        reached_by = [way for way in ways.get(officer.id, ()) if way.way in paging.ways]
        _page(tx, paging, alarm, found.case, officer, reached_by, step=max(due, alarm.step), at=at)
    climbed = alarm.climbed(at)
    if alarm.tells_person(at) and _tell_person(tx, paging, found.case, emergency_number, at=at):
        climbed = replace(climbed, person_told_at=at)
        topics.append(f"conversation:{found.case.conversation_id}")
    failpoint("alarm.before_mark")
    store.put_alarm(tx, climbed)
    return topics


def audience(
    team: Iterable[Officer], whom: Audience, *, owner_id: str | None, present: OnDuty = NO_ROTA
) -> list[Officer]:
    """Whom a step pages. An empty circle falls to the next wider one: silence is never an answer.

    Where a rota is kept the first circle is who is on duty, else who is on call, else every officer; the second
    adds who is on call and who coordinates. At the top everyone is paged, whatever the rota says.
    """
    active = [officer for officer in team if officer.active]
    if present.kept:
        return _audience_by_rota(active, whom, owner_id, present)
    circles = {
        Audience.OWNER: [officer for officer in active if officer.id == owner_id],
        Audience.OFFICERS: [officer for officer in active if Role.OFFICER in officer.roles],
        Audience.COORDINATORS: [officer for officer in active if officer.roles & {Role.OFFICER, Role.COORDINATOR}],
        Audience.EVERYONE: active,
    }
    for circle in sorted(circles):
        if circle >= whom and circles[circle]:
            return circles[circle]
    return []


def _audience_by_rota(active: list[Officer], whom: Audience, owner_id: str | None, present: OnDuty) -> list[Officer]:
    everyones = [officer for officer in active if Role.OFFICER in officer.roles]
    at_desk = [officer for officer in active if officer.id in present.at_desk]
    on_call = [officer for officer in active if officer.id in present.on_call]
    first = at_desk or on_call or everyones
    also = {officer.id for officer in [*first, *on_call]}
    second = [officer for officer in active if officer.id in also or Role.COORDINATOR in officer.roles]
    circles = {
        # Whoever is away hears no reminder: then it begins with those who are there.
        Audience.OWNER: [officer for officer in [*at_desk, *on_call] if officer.id == owner_id],
        Audience.OFFICERS: first,
        Audience.COORDINATORS: second,
        Audience.EVERYONE: active,
    }
    return next((circles[circle] for circle in sorted(circles) if circle >= whom and circles[circle]), [])


def _page(
    tx: Connection,
    paging: Paging,
    alarm: Alarm,
    case: Case,
    officer: Officer,
    reached_by: Iterable[PageWay],
    *,
    step: int,
    at: datetime,
) -> None:
    alarm_store.add_page(tx, alarm, step=step, officer_id=officer.id, way="desk", at=at)
    if not (alarm.priority in LOUD or step > 0):
        return
    for way in reached_by:  # written down here, and sent by `page_carrier`
        alarm_store.add_page(tx, alarm, step=step, officer_id=officer.id, way=way.way.value, at=at)
        key = alarm_store.page_key(alarm, step=step, officer_id=officer.id, way=way.way.value)
        page_ways_store.add_send(tx, key, way, case_id=case.id, at=at)
    # Whoever wrote of danger where they are paged is not asked to come to their own help: that would end the alarm.
    if officer.page_conversation_id in (None, case.conversation_id):
        return
    if not alarm_store.add_page(tx, alarm, step=step, officer_id=officer.id, way="message", at=at):
        return
    language = officer.languages[0] if officer.languages else "en"
    text = paging.words.text(language, PAGE, priority=case.priority.value, number=case.number, url=paging.desk_url)
    _say(
        tx,
        paging,
        officer.page_conversation_id,
        text,
        language=language,
        template="page",
        case_id=case.id,
        at=at,
        buttons=(Button(paging.words.text(language, TAKE_IT), TAKE_PAGE.replace("NUMBER", case.number)),),
    )


def _tell_person(tx: Connection, paging: Paging, case: Case, emergency_number: str, *, at: datetime) -> bool:
    card = conversations.card(tx, case.conversation_id)
    if card is not None and card.channel == AT_DESK:  # they stand at the desk, or were called: nobody to write to
        return False
    language = (card and card.language) or case.language  # the one they chose since
    text = paging.words.text(language, STILL_LOOKING, emergency_number=emergency_number)
    return _say(
        tx,
        paging,
        case.conversation_id,
        text,
        language=language,
        template="still_looking",
        case_id=case.id,
        at=at,
        cls=MessageClass.SAFETY,
    )


def _say(
    tx: Connection,
    paging: Paging,
    conversation_id: str,
    text: str,
    *,
    language: str,
    template: str,
    case_id: str,
    at: datetime,
    cls: MessageClass = MessageClass.OFFICER,
    buttons: Sequence[Button] = (),
) -> bool:
    """Put one message into the outbox. One that cannot be written must not keep the others from being told."""
    savepoint = tx.begin_nested()
    try:
        conversations.say(
            tx,
            paging.vault,
            conversation_id,
            text=text,
            cls=cls,
            template=template,
            at=at,
            language=language,
            buttons=buttons,
        )
    except Exception as error:
        savepoint.rollback()
        log.error("alarm.message_failed", case_id=case_id, exc_info=error)
        return False
    savepoint.commit()
    return True
