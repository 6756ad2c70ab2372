"""How urgent a case is, as a human judges it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import alarm_store, service, store, supervision_store, urgency
from bot.cases.model import CaseNotFound, NotAllowedNow
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON

LATER = NOON + timedelta(minutes=1)


async def judge(world, officer, case_id, priority, why="The man stands at the door."):
    hand = world.hand(officer, LATER)
    return await world.database.write(lambda tx: urgency.judge(tx, hand, case_id, priority, why=why))


async def alarm_of(world, case_id):
    return await world.database.read(lambda tx: store.get_alarm(tx, case_id, lock=False))


async def test_what_an_officer_knows_to_be_worse_rings_as_such_at_once(world):
    amira = await world.officer("amira")
    case_id = (await world.escalate(priority=Priority.P2)).case_id

    case = await judge(world, amira, case_id, Priority.P0)

    assert (case.priority, case.due_at, case.owner_id) == (Priority.P0, LATER + timedelta(minutes=2), None)
    ringing = await alarm_of(world, case_id)
    assert (ringing.priority, ringing.round, ringing.climbing) == (Priority.P0, 2, True)
    assert case_id in [
        due for due, _ in await world.database.read(lambda tx: alarm_store.due_alarms(tx, LATER, limit=9))
    ]
    owed = await world.database.read(lambda tx: supervision_store.reviews(tx, owed=True, limit=9))
    assert [row.case_id for row in owed] == [case_id]
    file = await world.database.write(lambda tx: service.open_file(tx, world.hand(amira), case_id))
    assert [note.text for note in file.notes] == ["The man stands at the door."]
    assert (file.events[-1].act, file.events[-1].facts) == ("judged_more_urgent", {"priority": "P0"})


async def test_only_who_coordinates_says_that_it_is_less_urgent(world):
    amira, ines = await world.officer("amira"), await world.officer("ines", Role.COORDINATOR)
    case_id = (await world.escalate(priority=Priority.P0)).case_id
    with pytest.raises(NotAllowedNow):
        await judge(world, amira, case_id, Priority.P2)

    case = await judge(world, ines, case_id, Priority.P2, why="A class tries it out.")

    assert (case.priority, case.due_at) == (Priority.P2, LATER + timedelta(hours=4))
    assert (await alarm_of(world, case_id)).priority is Priority.P2
    again = await world.escalate(case.conversation_id, priority=Priority.P0, at=LATER)  # danger is heard as ever
    assert again.raised


async def test_a_colleagues_case_a_closed_one_and_a_word_without_a_reason_change_nothing(world):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case_id = (await world.escalate(priority=Priority.P2)).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), case_id))
    with pytest.raises(CaseNotFound):
        await judge(world, omar, case_id, Priority.P0)
    for same_or_empty in ({"priority": Priority.P2}, {"priority": Priority.P0, "why": " "}):
        with pytest.raises(NotAllowedNow):
            await judge(world, amira, case_id, **same_or_empty)
    await judge(world, amira, case_id, Priority.P1)
    assert not (await alarm_of(world, case_id)).climbing  # she who says it has it
    await world.database.write(lambda tx: service.close_case(tx, world.hand(amira), case_id, closing="helped"))
    with pytest.raises(NotAllowedNow):
        await judge(world, amira, case_id, Priority.P0)
