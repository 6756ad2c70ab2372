"""Which case comes next for whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import choosing, service, store
from bot.cases.choosing import AtCapacity
from dialogues.understanding.model import Priority
from tests.conftest import NOON

MINUTE = timedelta(minutes=1)


async def taken(world, officer, at=NOON):
    case = await world.database.write(lambda tx: service.claim_next(tx, world.hand(officer, at)))
    return case and case.id


async def set_profile(world, officer, *, capacity=choosing.USUAL_CAPACITY, skills=()):
    await world.database.write(
        lambda tx: choosing.set_profile(tx, world.hand(officer), officer.id, capacity=capacity, skills=skills)
    )


async def in_language(world, language, **what):
    case_id = (await world.escalate(**what)).case_id
    table = store.cases
    await world.database.write(
        lambda tx: tx.execute(table.update().where(table.c.id == case_id).values(language=language))
    )
    return case_id


async def test_within_a_level_the_officers_languages_come_first(world):
    fatima = await world.officer("fatima", language="ar")
    french = await in_language(world, "fr", priority=Priority.P1)
    arabic = await in_language(world, "ar", priority=Priority.P1, at=NOON + MINUTE)

    at = NOON + 2 * MINUTE
    assert [await taken(world, fatima, at) for _ in range(3)] == [arabic, french, None]


async def test_a_more_urgent_case_comes_before_any_language(world):
    fatima = await world.officer("fatima", language="ar")
    await in_language(world, "ar", priority=Priority.P1)
    urgent = await in_language(world, "fr", priority=Priority.P0)

    assert await taken(world, fatima) == urgent


async def test_who_waits_past_the_promise_comes_before_any_wish(world):
    fatima = await world.officer("fatima", language="ar")
    late = await in_language(world, "fr", priority=Priority.P1)
    await in_language(world, "ar", priority=Priority.P1, at=NOON + 10 * MINUTE)

    assert await taken(world, fatima, NOON + 15 * MINUTE) == late


@pytest.mark.on_both
async def test_what_an_officer_is_trained_for_decides_among_their_languages(world):
    fatima = await world.officer("fatima", language="ar")
    await set_profile(world, fatima, skills=["trafficking"])
    await in_language(world, "ar", priority=Priority.P1, reason="homeless_tonight")
    trained = await in_language(world, "ar", priority=Priority.P1, reason="trafficking", at=NOON + MINUTE)

    assert await taken(world, fatima, NOON + MINUTE) == trained


async def test_a_full_officer_is_given_no_more_except_where_a_life_is_at_risk(world):
    amira = await world.officer("amira")
    await set_profile(world, amira, capacity=1)
    await world.escalate(priority=Priority.P2)
    await world.escalate(priority=Priority.P2)
    assert await taken(world, amira)

    with pytest.raises(AtCapacity):
        await taken(world, amira)
    urgent = (await world.escalate(priority=Priority.P0)).case_id

    assert await taken(world, amira) == urgent


async def test_a_full_officer_whom_nobody_waits_for_is_just_told_so(world):
    amira = await world.officer("amira")
    await set_profile(world, amira, capacity=1)
    await world.escalate(priority=Priority.P2)
    await taken(world, amira)

    assert await taken(world, amira) is None


@pytest.mark.parametrize("capacity", [0, -1, 26, 10_000])
async def test_a_capacity_outside_of_reason_is_refused(world, capacity):
    amira = await world.officer("amira")

    with pytest.raises(ValueError, match="capacity"):
        await set_profile(world, amira, capacity=capacity)
