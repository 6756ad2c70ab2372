"""A drill walks the ladder of a real case, and nobody is harmed by it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cases import drill, service, store
from bot.cases.drill import NobodyWatches
from bot.cases.model import CaseStatus
from bot.cases.pager import Pager
from bot.conversations import service as conversations
from bot.kernel.access import Role
from bot.kernel.live import Signals
from dialogues.understanding.model import Priority
from tests.integration.cases.world import FixedNumbers

MINUTE = timedelta(minutes=1)


@pytest.fixture
def pager(world, clock):
    return Pager(world.database, clock, Signals(), world.paging, FixedNumbers())


async def started(world, clock, priority=Priority.P0):
    return await world.database.write(lambda tx: drill.start(tx, world.vault, priority, at=clock.now()))


@pytest.mark.on_both
async def test_it_measures_who_was_paged_when_and_who_had_it_after_how_long(world, clock, pager):
    amira, ines = await world.officer("amira", paged=True), await world.officer("ines", Role.COORDINATOR)
    await pager.look()
    case = await started(world, clock)
    await pager.look()
    clock.advance(2 * MINUTE)
    await pager.look()
    at = clock.advance(MINUTE)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira, at), case.id))

    report = await world.database.read(lambda tx: drill.look(tx, case))

    paged = {(page.officer_id, page.way): page.after for page in reversed(report.pages)}
    assert paged[amira.id, "desk"] == paged[amira.id, "message"] == timedelta(0)
    assert paged[ines.id, "desk"] == 2 * MINUTE
    assert (report.acknowledged_by, report.acknowledged_after) == (amira.id, 3 * MINUTE)
    assert not report.in_time


async def test_an_answer_within_the_promise_is_in_time(world, clock, pager):
    amira = await world.officer("amira")
    await pager.look()
    case = await started(world, clock)
    at = clock.advance(MINUTE)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira, at), case.id))

    assert (await world.database.read(lambda tx: drill.look(tx, case))).in_time


async def test_without_a_pager_there_is_no_drill_and_no_case(world, clock):
    with pytest.raises(NobodyWatches):
        await started(world, clock)

    assert await world.database.read(lambda tx: tx.execute(sa.select(store.cases)).all()) == []


@pytest.mark.parametrize("command_was_killed", [False, True])
async def test_a_drill_nobody_takes_is_closed_and_rings_no_more(world, clock, pager, command_was_killed):
    await world.officer("amira")
    await pager.look()
    case = await started(world, clock)
    for _ in range(13 if command_was_killed else 3):
        clock.advance(5 * MINUTE)
        await pager.look()

    if not command_was_killed:
        await world.database.write(lambda tx: drill.end(tx, world.vault, case, at=clock.now()))

    kept = (await world.database.read(lambda tx: store.get_case(tx, case.id))).case
    alarm = await world.database.read(lambda tx: store.get_alarm(tx, case.id, lock=False))
    assert (kept.status, alarm.climbing) == (CaseStatus.CLOSED, False)
    rows = await world.database.read(lambda tx: tx.execute(sa.select(conversations.store.outbox)).all())
    assert rows == []  # there is nobody to tell that it takes longer


async def test_a_drill_that_was_taken_is_left_to_whoever_has_it(world, clock, pager):
    amira = await world.officer("amira")
    await pager.look()
    case = await started(world, clock)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira, clock.now()), case.id))

    await world.database.write(lambda tx: drill.end(tx, world.vault, case, at=clock.now()))

    assert (await world.database.read(lambda tx: store.get_case(tx, case.id))).case.status is CaseStatus.CLAIMED
