"""The ladder against real databases, a pager that dies, and an auditor that notices."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.cases import answering, service, store, watch_store
from bot.cases.alarm import PAGE, STILL_LOOKING, TAKE_PAGE
from bot.cases.auditor import Auditor, audit_alarms, check_invariants, look_at_watch
from bot.cases.model import Alarm
from bot.cases.pager import Pager
from bot.cases.pairing import make_pairing_code, pair
from bot.cases.taken_pages import MAY_NOT, TAKEN, TAKEN_BEFORE, PagesByButton
from bot.conversations import service as conversations
from bot.kernel.access import Role
from bot.kernel.clock import SetClock
from bot.kernel.live import Signals
from bot.kernel.officers import disable_officer, get_officer
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.world import FixedNumbers

MINUTE = timedelta(minutes=1)
ANOTHER_PHONE = "00000000-0000-7000-8000-000000000000"


def a_pager(world, clock):
    return Pager(world.database, clock, Signals(), world.paging, FixedNumbers())


async def pages(world):
    rows = await world.database.read(lambda tx: tx.execute(sa.select(store.pages)).all())
    return [(row.officer_id, row.step, row.way) for row in rows]


async def test_an_officers_phone_is_told_a_number_and_nothing_about_the_person(world, clock):
    amira = await world.officer("amira", paged=True, language="fr")
    waiting = await world.escalate(words="he has a knife in Ventimiglia")

    assert await a_pager(world, clock).look() == 1

    phone = (await world.database.read(lambda tx: get_officer(tx, amira.id))).page_conversation_id
    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, phone))
    url = "https://help.example/desk/queue"
    expected = world.words.text("fr", PAGE, priority="P0", number=waiting.number, url=url)
    assert [line.text for line in lines] == [expected]
    assert sorted(await pages(world)) == [(amira.id, 0, "desk"), (amira.id, 0, "message")]


async def test_whoever_wrote_of_danger_where_they_are_paged_is_not_asked_to_come_to_their_own_help(world, clock):
    amira, ines = await world.officer("amira", paged=True), await world.officer("ines", paged=True)
    phone = (await world.database.read(lambda tx: get_officer(tx, amira.id))).page_conversation_id
    await world.escalate(phone)

    await a_pager(world, clock).look()

    by_message = [officer for officer, _step, way in await pages(world) if way == "message"]
    assert by_message == [ines.id]


async def test_who_has_no_haste_is_paged_on_the_desk_first_and_by_message_when_it_takes_long(world, clock):
    await world.officer("amira", paged=True)
    await world.escalate(priority=Priority.P2, reason="asked_for_person")
    pager = a_pager(world, clock)

    await pager.look()
    assert [way for _, _, way in await pages(world)] == ["desk"]

    clock.advance(timedelta(hours=2))
    await pager.look()
    assert sorted(way for _, _, way in await pages(world)) == ["desk", "desk", "message"]


async def test_the_truth_is_told_in_the_language_the_person_chose_since(world, clock):
    await world.officer("amira")
    person = await world.person()
    await world.escalate(person)
    await world.database.write(lambda tx: conversations.choose_language(tx, person, "fr"))
    pager = a_pager(world, clock)

    for step in (0, 2, 3, 5, 5):
        clock.advance(step * MINUTE)
        await pager.look()

    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, person))
    assert lines[-1].text == world.words.text("fr", STILL_LOOKING, emergency_number="112")


async def test_if_nobody_answers_the_person_is_told_the_truth_and_the_number_to_call(world, clock):
    await world.officer("amira")
    person = await world.person()
    await world.escalate(person)
    pager = a_pager(world, clock)

    for step in (0, 2, 3, 5, 5):
        clock.advance(step * MINUTE)
        await pager.look()

    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, person))
    assert [line.text for line in lines] == [world.words.text("ar", STILL_LOOKING, emergency_number="112")]


@pytest.mark.on_both
async def test_a_step_is_taken_once_by_two_pagers(world, clock):
    await world.officer("amira", paged=True)
    for _ in range(10):
        await world.escalate()

    await asyncio.gather(a_pager(world, clock).look(), a_pager(world, clock).look())

    assert Counter(way for _, _, way in await pages(world)) == {"desk": 10, "message": 10}
    messages = await world.database.read(lambda tx: tx.execute(sa.text("SELECT count(*) FROM outbox")).scalar_one())
    assert messages == 10


async def test_an_acknowledged_alarm_climbs_no_further(world, clock):
    amira = await world.officer("amira")
    waiting = await world.escalate()
    pager = a_pager(world, clock)
    await pager.look()
    hand = world.hand(amira, clock.now())
    await world.database.write(lambda tx: claim_and_answer(tx, hand=hand, case_id=waiting.case_id))

    clock.advance(timedelta(hours=3))

    assert await pager.look() == 0


@pytest.mark.on_both
async def test_one_alarm_that_cannot_be_taken_does_not_silence_the_others(world, clock):
    await world.officer("amira")
    broken, whole = await world.escalate(), await world.escalate()
    alarms = store.alarms
    spoil = alarms.update().where(alarms.c.case_id == broken.case_id).values(ladder="{}")
    await world.database.write(lambda tx: tx.execute(spoil))

    await a_pager(world, clock).look()

    alarm = await world.database.read(lambda tx: store.get_alarm(tx, whole.case_id, lock=False))
    watch = await world.database.read(lambda tx: watch_store.beats(tx))
    assert alarm.step == 1
    assert not watch["pager"].ok


def claim_and_answer(tx, *, hand, case_id):
    service.claim_case(tx, hand, case_id)
    answering.answer_person(tx, hand, case_id, text="I am here", once=case_id)


# Who watches the watcher


async def test_a_dead_pager_is_noticed_and_the_heartbeat_stays_away(world, clock):
    beats = []

    async def heartbeat():
        beats.append(clock.now())

    auditor = Auditor(world.database, clock, Signals(), world.vault, world.words, heartbeat)
    pager = a_pager(world, clock)
    await pager.look()
    assert (await auditor.look()).well
    assert (await world.database.read(lambda tx: look_at_watch(tx, at=clock.now()))).alive

    clock.advance(4 * MINUTE)
    found = await auditor.look()

    assert not found.pager_alive
    assert len(beats) == 1
    assert not (await world.database.read(lambda tx: look_at_watch(tx, at=clock.now()))).alive


async def test_a_dead_auditor_is_noticed_too(world, clock):
    pager = a_pager(world, clock)
    await pager.look()
    await Auditor(world.database, clock, Signals(), world.vault, world.words).look()

    clock.advance(4 * MINUTE)
    await pager.look()

    assert not (await world.database.read(lambda tx: look_at_watch(tx, at=clock.now()))).alive


async def test_a_desk_without_any_watch_says_so(world, clock):
    assert not (await world.database.read(lambda tx: look_at_watch(tx, at=clock.now()))).alive


@pytest.mark.on_both
async def test_a_case_that_waits_without_an_alarm_gets_one(world, clock):
    opened = await world.escalate()
    await world.database.write(lambda tx: tx.execute(store.alarms.delete()))
    assert len(await world.database.read(lambda tx: check_invariants(tx, at=clock.now()))) == 1

    found = await world.database.write(lambda tx: audit_alarms(tx, world.vault, world.words, at=clock.now()))

    assert found.repaired == 1
    assert await world.database.read(lambda tx: check_invariants(tx, at=clock.now())) == []
    alarm = await world.database.read(lambda tx: store.get_alarm(tx, opened.case_id, lock=False))
    assert alarm.climbing


async def test_cases_of_an_officer_who_is_gone_go_back_to_the_queue_and_ring(world, clock):
    amira = await world.officer("amira")
    waiting = await world.escalate()
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), waiting.case_id))
    await world.database.write(lambda tx: disable_officer(tx, amira.id, clock.now()))

    await world.database.write(lambda tx: audit_alarms(tx, world.vault, world.words, at=clock.now()))

    case = (await world.database.read(lambda tx: store.get_case(tx, waiting.case_id))).case
    alarm = await world.database.read(lambda tx: store.get_alarm(tx, waiting.case_id, lock=False))
    assert case.owner_id is None
    assert alarm.climbing


async def test_a_step_that_lies_too_far_away_is_pulled_back(world, clock):
    opened = await world.escalate()

    def set_far_away(tx):
        alarm: Alarm = store.get_alarm(tx, opened.case_id)
        later = timedelta(hours=3)
        store.put_alarm(tx, replace(alarm, started_at=NOON + later, next_step_at=NOON + later))

    await world.database.write(set_far_away)
    await world.database.write(lambda tx: audit_alarms(tx, world.vault, world.words, at=clock.now()))

    assert await a_pager(world, clock).look() == 1


async def test_a_step_that_nobody_takes_is_reported_as_late(world, clock):
    await world.escalate()
    await a_pager(world, SetClock(NOON - MINUTE)).look()

    found = await world.database.write(lambda tx: audit_alarms(tx, world.vault, world.words, at=NOON + MINUTE))

    assert found.late == 1
    assert not found.well


@pytest.mark.on_both
async def test_the_database_itself_refuses_an_alarm_that_neither_climbs_nor_was_heard(world):
    opened = await world.escalate()
    alarms = store.alarms
    silence = alarms.update().where(alarms.c.case_id == opened.case_id).values(next_step_at=None)

    with pytest.raises(sa.exc.IntegrityError):
        await world.database.write(lambda tx: tx.execute(silence))


# The button under a page


async def pressed(world, officer, number, *, at=NOON):
    """What the officer's phone is told."""
    press = PagesByButton(world.vault, world.words, "https://help.example/desk/queue")
    payload = TAKE_PAGE.replace("NUMBER", number)
    known = await world.database.read(lambda tx: get_officer(tx, officer.id))
    phone = known.page_conversation_id
    answer = await world.database.write(lambda tx: press(tx, payload, phone, at))
    return None if answer is None else answer.text


async def state_of(world, case_id):
    case = (await world.database.read(lambda tx: store.get_case(tx, case_id))).case
    return case, await world.database.read(lambda tx: store.get_alarm(tx, case_id, lock=False))


async def test_of_two_officers_who_press_the_button_one_has_the_case_and_the_other_is_told(world, clock):
    amira, bruno = await world.officer("amira", paged=True), await world.officer("bruno", paged=True)
    waiting = await world.escalate()
    await a_pager(world, clock).look()

    told = await asyncio.gather(*(pressed(world, each, waiting.number) for each in (amira, bruno)))

    url, number = "https://help.example/desk/queue", waiting.number
    lucky = world.words.text("en", TAKEN, number=number, url=url)
    assert sorted(told) == sorted([lucky, world.words.text("en", TAKEN_BEFORE, number=number)])
    case, alarm = await state_of(world, waiting.case_id)
    owner = amira if told[0] == lucky else bruno
    assert (case.owner_id, alarm.acknowledged_by) == (owner.id, owner.id)
    person = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, case.conversation_id))
    assert [line.text for line in person] == [world.words.text("ar", service.PERSON_READS)]


async def test_whoever_holds_the_case_says_by_the_button_that_they_have_seen_the_reminder(world, clock):
    amira = await world.officer("amira", paged=True)
    waiting = await world.escalate()
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), waiting.case_id))
    clock.advance(3 * MINUTE)
    await a_pager(world, clock).look()  # an answer is late, so it rings again
    assert (await state_of(world, waiting.case_id))[1].climbing

    said = await pressed(world, amira, waiting.number, at=clock.now())

    assert "nothing rings any more" in said
    assert not (await state_of(world, waiting.case_id))[1].climbing


async def test_a_button_takes_nothing_for_whoever_is_no_officer_any_more(world, clock):
    amira, admin = await world.officer("amira", paged=True), await world.officer("dana", Role.ADMIN, paged=True)
    waiting = await world.escalate()
    await world.database.write(lambda tx: disable_officer(tx, amira.id, clock.now()))

    assert await pressed(world, amira, waiting.number) is None
    assert await pressed(world, admin, waiting.number) == world.words.text("en", MAY_NOT, number=waiting.number)
    assert "ZZZ-ZZZ" in await pressed(world, admin, "ZZZ-ZZZ")
    case, alarm = await state_of(world, waiting.case_id)
    assert case.owner_id is None
    assert alarm.climbing


# Pairing


@pytest.mark.on_both
async def test_a_pairing_code_works_once_and_only_for_a_while(world, clock):
    amira = await world.officer("amira")
    phone = await world.person()
    code = await world.database.write(lambda tx: make_pairing_code(tx, amira.id, at=NOON))

    late = NOON + timedelta(hours=1)
    assert not await world.database.write(lambda tx: pair(tx, code, phone, late))
    assert not await world.database.write(lambda tx: pair(tx, "guessed", phone, NOON))
    assert await world.database.write(lambda tx: pair(tx, code, phone, NOON))
    assert not await world.database.write(lambda tx: pair(tx, code, ANOTHER_PHONE, NOON))

    paired = await world.database.read(lambda tx: get_officer(tx, amira.id))
    assert paired.page_conversation_id == phone
