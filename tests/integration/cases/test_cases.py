"""From a sign of danger to a closed case, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.cases import alarm_store, answering, earlier, handover, service, store, urgency, whereabouts
from bot.cases.hand import in_scope
from bot.cases.model import AlreadyClaimed, CaseNotFound, CaseStatus, NotAllowedNow
from bot.conversations import service as conversations
from bot.conversations.model import Author, Mode
from bot.conversations.ports import Whereabouts
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.ids import new_id
from dialogues.understanding.model import Priority
from tests.conftest import NOON


async def test_a_sign_of_danger_opens_a_case_that_rings_from_the_same_moment(world):
    opened = await world.escalate()

    alarm = await world.database.read(lambda tx: store.get_alarm(tx, opened.case_id, lock=False))
    assert opened.new
    assert alarm.next_step_at == NOON


async def test_the_same_message_worked_on_twice_counts_once(world):
    person = await world.person()

    first = await world.escalate(person, key="telegram:help:77")
    second = await world.escalate(person, key="telegram:help:77")

    assert second.case_id == first.case_id
    assert not second.new
    assert not second.raised
    events = await world.database.read(lambda tx: store.events_of(tx, first.case_id))
    assert [event.act for event in events] == ["opened"]


async def test_a_person_has_one_open_case_however_many_messages_race(world):
    person = await world.person()

    told = await asyncio.gather(*(world.escalate(person, priority=Priority.P1) for _ in range(8)))

    assert len({escalated.case_id for escalated in told}) == 1
    assert [escalated.new for escalated in told].count(True) == 1


async def test_worse_danger_raises_the_case_and_shows_the_newer_words(world):
    amira = await world.officer("amira")
    person = await world.person()
    opened = await world.escalate(person, reason="homeless_tonight", priority=Priority.P1, words="no bed")

    raised = await world.escalate(person, words="he is outside", at=NOON + timedelta(minutes=1))

    file = await world.database.write(lambda tx: service.open_file(tx, world.hand(amira), opened.case_id))
    assert raised.raised
    assert (file.case.priority, file.case.reason, file.words) == (Priority.P0, "immediate_danger", "he is outside")
    assert file.place == "Ventimiglia"


async def test_the_queue_shows_the_most_urgent_first_then_who_waited_longest(world):
    amira = await world.officer("amira")
    later = await world.escalate(priority=Priority.P1, at=NOON + timedelta(minutes=1))
    sooner = await world.escalate(priority=Priority.P1)
    urgent = await world.escalate(priority=Priority.P0, at=NOON + timedelta(minutes=2))

    queue = await world.database.read(lambda tx: service.look_at_queue(tx, world.vault, amira))

    assert [row.case.id for row in queue.waiting] == [urgent.case_id, sooner.case_id, later.case_id]
    assert queue.counts[Priority.P1] == 2
    assert queue.total == 3


async def test_of_officers_who_claim_the_same_case_at_once_exactly_one_has_it(world):
    officers = [await world.officer(f"officer-{n}") for n in range(8)]
    waiting = await world.escalate()

    async def claim(officer):
        try:
            await world.database.write(lambda tx: service.claim_case(tx, world.hand(officer), waiting.case_id))
        except AlreadyClaimed:
            return None
        return officer.id

    winners = [winner for winner in await asyncio.gather(*map(claim, officers)) if winner]

    case = (await world.database.read(lambda tx: store.get_case(tx, waiting.case_id))).case
    assert winners == [case.owner_id]


async def test_officers_who_ask_for_the_next_one_at_once_get_different_cases(world):
    officers = [await world.officer(f"officer-{n}") for n in range(4)]
    for _ in range(4):
        await world.escalate()

    async def take(officer):
        return await world.database.write(lambda tx: service.claim_next(tx, world.hand(officer)))

    taken = await asyncio.gather(*map(take, officers))

    assert len({case.id for case in taken if case}) == 4


async def test_whoever_claims_silences_the_bot_and_the_person_is_told(world):
    amira = await world.officer("amira")
    person = await world.person()
    waiting = await world.escalate(person)

    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), waiting.case_id))

    card = await world.database.read(lambda tx: conversations.card(tx, person))
    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, person))
    alarm = await world.database.read(lambda tx: store.get_alarm(tx, waiting.case_id, lock=False))
    assert card.mode is Mode.HUMAN
    assert [line.template for line in lines] == ["person_reads"]
    assert alarm.acknowledged_by == amira.id


async def test_an_answer_goes_to_the_person_once_however_often_the_form_is_sent(world):
    amira = await world.officer("amira")
    person = await world.person()
    waiting = await world.escalate(person)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), waiting.case_id))
    once = new_id()

    async def send():
        return await world.database.write(
            lambda tx: answering.answer_person(tx, world.hand(amira), waiting.case_id, text=" I am here. ", once=once)
        )

    sent = await asyncio.gather(send(), send(), send())

    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, person))
    assert [line.text for line in lines if line.author is Author.OFFICER] == ["I am here."]
    assert sent.count(None) == 2


#: What each role may do to a case, by where it stands: waiting in the queue, theirs, a colleague's, closed by them, or
#: closed by a colleague. "y" is done, "n" refused, "." is not found: what is out of sight is not there.
WAITING, MINE, COLLEAGUES, CLOSED, CLOSED_BY_COLLEAGUE = range(5)
WHO_MAY = {
    "read": {Role.OFFICER: "yy.y.", Role.COORDINATOR: "yyyyy"},
    "claim": {Role.OFFICER: "y....", Role.COORDINATOR: "y...."},
    "answer": {Role.OFFICER: "ny.n.", Role.COORDINATOR: "nynnn"},
    "note": {Role.OFFICER: "yy.y.", Role.COORDINATOR: "yyyyy"},
    "release": {Role.OFFICER: "ny.n.", Role.COORDINATOR: "nyynn"},
    "take_over": {Role.OFFICER: "nn.n.", Role.COORDINATOR: "nnynn"},
    "offer": {Role.OFFICER: "ny.n.", Role.COORDINATOR: "nyynn"},
    "close": {Role.OFFICER: "ny.n.", Role.COORDINATOR: "nynnn"},
    "reopen": {Role.OFFICER: "nn.y.", Role.COORDINATOR: "nnnyy"},
    "raise": {Role.OFFICER: "yy.n.", Role.COORDINATOR: "yyynn"},
    "lower": {Role.OFFICER: "nn.n.", Role.COORDINATOR: "yyynn"},
}
OUT_OF_SIGHT = "....."


async def test_what_each_role_may_do_to_a_case_wherever_it_stands(world):
    me, colleague, third = [await world.officer(name) for name in ("me", "colleague", "third")]
    cases = [(await world.escalate(priority=Priority.P1)).case_id for _ in range(5)]
    for standing, holder in ((MINE, me), (COLLEAGUES, colleague), (CLOSED, me), (CLOSED_BY_COLLEAGUE, colleague)):
        hand, case_id = world.hand(holder), cases[standing]
        await world.database.write(lambda tx, hand=hand, case_id=case_id: service.claim_case(tx, hand, case_id))
        if standing in (CLOSED, CLOSED_BY_COLLEAGUE):
            await world.database.write(
                lambda tx, hand=hand, case_id=case_id: service.close_case(tx, hand, case_id, closing="helped")
            )
    do = {
        "read": service.open_file,
        "claim": service.claim_case,
        "answer": lambda tx, hand, case: answering.answer_person(tx, hand, case, text="hello", once=new_id()),
        "note": lambda tx, hand, case: service.write_note(tx, hand, case, text="x", once=new_id()),
        "release": service.release_case,
        "take_over": service.take_over,
        "offer": lambda tx, hand, case: handover.offer(tx, hand, case, to=third.id, note="a word"),
        "close": lambda tx, hand, case: service.close_case(tx, hand, case, closing="helped"),
        "reopen": service.reopen_case,
        "raise": lambda tx, hand, case: urgency.judge(tx, hand, case, Priority.P0, why="she is outside"),
        "lower": lambda tx, hand, case: urgency.judge(tx, hand, case, Priority.P3, why="she is at home"),
    }

    def tried(tx, act, role):
        hand = world.hand(replace(me, roles=frozenset({role})))
        found = ""
        for case_id in cases:
            undone = tx.begin_nested()
            try:
                do[act](tx, hand, case_id)
                found += "y"
            except (CaseNotFound, AlreadyClaimed):
                found += "."
            except NotAllowedNow:
                found += "n"
            undone.rollback()
        return found

    def every(tx):
        return {act: {role: tried(tx, act, role) for role in roles} for act in do}

    roles = (Role.OFFICER, Role.COORDINATOR, Role.ADMIN)
    expected = {act: {role: WHO_MAY[act].get(role, OUT_OF_SIGHT) for role in roles} for act in WHO_MAY}
    assert await world.database.write(every) == expected
    root = replace(me, roles=frozenset({Role.ADMIN}))
    queue = await world.database.read(lambda tx: service.look_at_queue(tx, world.vault, root))
    assert (queue.waiting, queue.total) == ([], 0)


async def test_reading_a_case_is_in_the_audit_log_and_so_is_every_act(world):
    amira = await world.officer("amira")
    waiting = await world.escalate()

    def read_and_work(tx):
        service.open_file(tx, world.hand(amira), waiting.case_id)
        service.claim_case(tx, world.hand(amira), waiting.case_id)
        answering.answer_person(tx, world.hand(amira), waiting.case_id, text="hello", once=new_id())
        service.close_case(tx, world.hand(amira), waiting.case_id, closing="helped")

    await world.database.write(read_and_work)

    rows = await world.database.read(lambda tx: audit.read_log(tx, object=f"case:{waiting.case_id}"))
    assert [row.act for row in reversed(rows)] == [
        "case.opened",
        "case.read",
        "case.claim",
        "case.answer",
        "case.close",
    ]
    assert (await world.database.read(lambda tx: audit.verify(tx, world.vault))).ok


async def test_a_released_case_rings_again_and_the_bot_answers_meanwhile(world):
    amira = await world.officer("amira")
    person = await world.person()
    waiting = await world.escalate(person)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), waiting.case_id))

    later = NOON + timedelta(minutes=20)
    await world.database.write(lambda tx: service.release_case(tx, world.hand(amira, later), waiting.case_id))

    alarm = await world.database.read(lambda tx: store.get_alarm(tx, waiting.case_id, lock=False))
    card = await world.database.read(lambda tx: conversations.card(tx, person))
    assert (alarm.round, alarm.next_step_at) == (2, later)
    assert card.mode is Mode.BOT


async def test_after_closing_the_bot_resumes_and_new_danger_opens_a_new_case(world):
    amira = await world.officer("amira")
    person = await world.person()
    first = await world.escalate(person)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), first.case_id))
    await world.database.write(lambda tx: service.close_case(tx, world.hand(amira), first.case_id, closing="helped"))
    assert (await world.database.read(lambda tx: conversations.card(tx, person))).mode is Mode.BOT

    second = await world.escalate(person)

    assert second.new
    assert second.case_id != first.case_id
    with pytest.raises(NotAllowedNow):  # the person has another open case by now
        await world.database.write(lambda tx: service.reopen_case(tx, world.hand(amira), first.case_id))


async def test_a_closed_case_can_be_reopened_by_whoever_held_it(world):
    amira = await world.officer("amira")
    waiting = await world.escalate()
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), waiting.case_id))
    await world.database.write(lambda tx: service.close_case(tx, world.hand(amira), waiting.case_id, closing="helped"))

    reopened = await world.database.write(lambda tx: service.reopen_case(tx, world.hand(amira), waiting.case_id))

    assert (reopened.status, reopened.owner_id, reopened.closing) == (CaseStatus.CLAIMED, amira.id, None)


async def test_new_danger_in_a_held_case_rings_until_its_officer_says_so(world):
    amira = await world.officer("amira")
    person = await world.person()
    waiting = await world.escalate(person, priority=Priority.P1)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), waiting.case_id))

    await world.escalate(person, priority=Priority.P0)

    scope = in_scope(amira)
    ringing = await world.database.read(lambda tx: alarm_store.ringing_for(tx, amira.id, scope, limit=5))
    assert [ring.case.id for ring in ringing] == [waiting.case_id]
    assert await world.database.write(lambda tx: service.acknowledge_alarm(tx, world.hand(amira), waiting.case_id))
    assert not await world.database.read(lambda tx: alarm_store.ringing_for(tx, amira.id, scope, limit=5))


async def test_the_words_of_a_case_are_nowhere_in_clear_and_gone_once_its_key_is_destroyed(world):
    amira = await world.officer("amira")
    waiting = await world.escalate(words="canary-in-the-words")
    note = "canary-in-the-note"
    await world.database.write(
        lambda tx: service.write_note(tx, world.hand(amira), waiting.case_id, text=note, once=new_id())
    )

    def everything(tx):
        tables = (store.cases, store.case_notes, store.case_events, store.case_triggers)
        return repr([tx.execute(sa.select(table)).all() for table in tables])

    assert "canary" not in await world.database.read(everything)
    case = (await world.database.read(lambda tx: store.get_case(tx, waiting.case_id))).case
    await world.database.write(lambda tx: world.vault.destroy(tx, case.key_id, NOON))
    file = await world.database.write(lambda tx: service.open_file(tx, world.hand(amira), waiting.case_id))
    assert file.words == ""
    assert [kept.text for kept in file.notes] == [""]


async def test_the_person_writing_again_shows_that_they_wait(world):
    amira = await world.officer("amira")
    person = await world.person()
    waiting = await world.escalate(person)

    def work(tx):
        service.claim_case(tx, world.hand(amira), waiting.case_id)
        answering.answer_person(tx, world.hand(amira), waiting.case_id, text="I am here", once=new_id())

    await world.database.write(work)
    assert not (await world.database.read(lambda tx: service.look_at_own(tx, world.vault, amira)))[0].case.person_waits

    later = NOON + timedelta(minutes=3)
    escalations = service.CaseEscalations(world.vault)
    told = await world.database.write(lambda tx: escalations.person_wrote(tx, person, at=later))

    assert told == waiting.case_id
    assert (await world.database.read(lambda tx: service.look_at_own(tx, world.vault, amira)))[0].case.person_waits


@pytest.mark.on_both
async def test_every_place_that_was_named_is_kept_with_when_and_the_last_one_counts(world):
    person, escalations = await world.person(), service.CaseEscalations(world.vault)
    case_id = (await world.escalate(person)).case_id  # in Ventimiglia
    hand = world.hand(await world.officer("amira"))

    def names(place, minutes):
        at, where = NOON + timedelta(minutes=minutes), Whereabouts(place, None)
        return lambda tx: escalations.person_wrote(tx, person, at=at, place=where)

    assert (await world.database.write(lambda tx: service.open_file(tx, hand, case_id))).places == []
    for place, minutes in (("Menton", 3), ("Menton", 4), ("Lampedusa", 9)):
        await world.database.write(names(place, minutes))

    file = await world.database.write(lambda tx: service.open_file(tx, hand, case_id))
    assert file.place == "Lampedusa"
    assert [(each.name, (each.at - NOON) // timedelta(minutes=1)) for each in file.places] == [
        ("Lampedusa", 9),
        ("Menton", 3),
        ("Ventimiglia", 0),
    ]
    await world.database.write(lambda tx: service.erase_words(tx, world.vault, person, at=NOON))
    sealed = await world.database.read(lambda tx: store.get_case(tx, case_id))
    assert await world.database.read(lambda tx: whereabouts.named(tx, world.vault, sealed.case)) == []


@pytest.mark.on_both
async def test_whoever_answers_somebody_who_comes_back_sees_their_earlier_cases(world):
    amira, bruno = await world.officer("amira"), await world.officer("bruno")
    ines, person = await world.officer("ines", Role.COORDINATOR), await world.person()
    before = (await world.escalate(person)).case_id
    other = await world.escalate()

    def close(tx, case_id, officer):
        service.claim_case(tx, world.hand(officer), case_id)
        service.close_case(tx, world.hand(officer), case_id, closing="helped")

    await world.database.write(lambda tx: close(tx, before, amira))
    await world.database.write(lambda tx: close(tx, other.case_id, bruno))
    back = (await world.escalate(person)).case_id
    sealed = await world.database.read(lambda tx: store.get_case(tx, back))

    def seen_by(officer):
        return world.database.read(lambda tx: earlier.of_case(tx, officer, sealed.case, at=NOON))

    for officer, reads in ((amira, True), (bruno, False), (ines, True)):
        [known] = await seen_by(officer)
        assert (known.case.id, known.is_readable) == (before, reads)
    await world.database.write(lambda tx: service.erase_words(tx, world.vault, person, at=NOON))
    assert await seen_by(ines) == []
