"""An officer who holds a case and does not answer: the person is not left alone with that."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from bot.cases import answering, service, store, watch_store
from bot.cases.model import CaseStatus
from bot.cases.pager import Pager
from bot.conversations import service as conversations
from bot.conversations.model import Mode
from bot.kernel import audit
from bot.kernel.live import Signals
from dialogues.understanding.model import Priority
from tests.integration.cases.world import FixedNumbers

MINUTE = timedelta(minutes=1)


def a_pager(world, clock):
    return Pager(world.database, clock, Signals(), world.paging, FixedNumbers())


async def claimed(world, clock, officer, **what):
    waiting = await world.escalate(**what)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(officer, clock.now()), waiting.case_id))
    return waiting.case_id


async def case_of(world, case_id):
    return (await world.database.read(lambda tx: store.get_case(tx, case_id))).case


async def pages(world):
    rows = await world.database.read(lambda tx: tx.execute(sa.select(store.pages)).all())
    return [(row.officer_id, row.way) for row in rows]


async def test_an_owner_who_does_not_answer_is_reminded_first_and_alone(world, clock):
    amira, _noa = await world.officer("amira", paged=True), await world.officer("noa", paged=True)
    case_id = await claimed(world, clock, amira)

    clock.advance(2 * MINUTE)
    await a_pager(world, clock).look()

    assert sorted(await pages(world)) == [(amira.id, "desk"), (amira.id, "message")]
    assert (await case_of(world, case_id)).owner_id == amira.id


async def test_when_that_does_not_help_the_case_waits_again_everyone_is_paged_and_the_person_is_told(world, clock):
    amira, noa = await world.officer("amira"), await world.officer("noa", paged=True)
    person = await world.person()
    case_id = await claimed(world, clock, amira, conversation_id=person)
    pager = a_pager(world, clock)
    for _ in range(2):
        clock.advance(2 * MINUTE)
        await pager.look()

    case = await case_of(world, case_id)
    card = await world.database.read(lambda tx: conversations.card(tx, person))
    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, person))
    assert (case.status, case.owner_id) == (CaseStatus.NEW, None)
    assert card.mode is Mode.BOT
    assert lines[-1].text == world.words.text("ar", service.PERSON_LEFT)
    assert (noa.id, "message") in await pages(world)
    rows = await world.database.read(lambda tx: [row.act for row in audit.read_log(tx)])
    assert rows.count("case.reminded") == 1
    assert rows.count("case.release") == 1


async def test_an_answer_in_time_is_all_it_takes(world, clock):
    amira = await world.officer("amira")
    case_id = await claimed(world, clock, amira)
    hand = world.hand(amira, clock.advance(MINUTE))
    await world.database.write(lambda tx: answering.answer_person(tx, hand, case_id, text="I am here", once="1"))

    clock.advance(timedelta(hours=5))
    await a_pager(world, clock).look()

    assert await pages(world) == []
    assert (await case_of(world, case_id)).owner_id == amira.id


async def test_somebody_who_writes_every_minute_waits_since_the_first_of_their_words(world, clock):
    amira = await world.officer("amira")
    person = await world.person()
    case_id = await claimed(world, clock, amira, conversation_id=person, priority=Priority.P1)
    pager = a_pager(world, clock)
    for _ in range(14):
        at = clock.advance(MINUTE)
        await world.database.write(lambda tx, at=at: store.person_wrote(tx, person, at))
        await pager.look()
    assert await pages(world) == []

    clock.advance(MINUTE)
    await pager.look()

    assert await pages(world) == [(amira.id, "desk")]
    assert (await case_of(world, case_id)).owner_id == amira.id


async def test_the_owner_who_answers_the_reminder_keeps_the_case(world, clock):
    amira = await world.officer("amira")
    case_id = await claimed(world, clock, amira)
    pager = a_pager(world, clock)
    await pager.look()
    clock.advance(2 * MINUTE)
    await pager.look()
    hand = world.hand(amira, clock.advance(MINUTE))
    await world.database.write(lambda tx: answering.answer_person(tx, hand, case_id, text="I am here", once="1"))

    clock.advance(timedelta(hours=5))
    await pager.look()

    assert (await case_of(world, case_id)).owner_id == amira.id


async def test_one_case_that_cannot_be_looked_at_does_not_silence_the_others(world, clock):
    amira = await world.officer("amira", paged=True)
    broken = await claimed(world, clock, amira)
    whole = await claimed(world, clock, amira)
    spoil = store.cases.update().where(store.cases.c.id == broken).values(conversation_id="00000000")
    await world.database.write(lambda tx: tx.execute(spoil))
    pager = a_pager(world, clock)

    for _ in range(2):
        clock.advance(2 * MINUTE)
        await pager.look()

    assert (await case_of(world, whole)).status is CaseStatus.NEW
    assert not (await world.database.read(watch_store.beats))["pager"].ok
