"""The board on the wall: numbers and times, for whoever has a link that was not taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import service as cases
from bot.cases.model import NotAllowedNow
from bot.cases.wall import service, store
from bot.cases.wall.model import LASTS, MOST_LINKS, LinkDead
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON


@pytest.fixture
async def rosa(world):
    return await world.officer("rosa", Role.COORDINATOR)


async def make(world, officer, at=NOON):
    return await world.database.write(lambda tx: service.make_link(tx, world.hand(officer, at)))


async def look(world, token, at=NOON):
    return await world.database.read(lambda tx: service.look(tx, token, at))


async def test_it_counts_what_waits_at_each_priority_and_since_when_the_longest(world, rosa):
    amira = await world.officer("amira")
    for ago in (1, 5):
        await world.escalate(at=NOON - timedelta(minutes=ago))
    await world.escalate(priority=Priority.P2, at=NOON - timedelta(minutes=30))
    taken = await world.escalate()
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(amira), taken.case_id))
    _, token = await make(world, rosa)

    wall = await look(world, token)

    p0, p1, p2, p3 = wall.levels
    assert (p0.waiting, p0.late, p0.since(), p0.climbing) == (2, 1, NOON - timedelta(minutes=5), 2)
    assert (p1.waiting, p1.since(), p3.climbing) == (0, None, 0)
    assert (p2.waiting, p2.late, p2.since()) == (1, 0, NOON - timedelta(minutes=30))
    assert (wall.held, wall.climbing, wall.on_duty) == (1, 3, None)


async def test_a_link_shows_it_until_it_is_taken_back_or_too_old(world, rosa):
    link, token = await make(world, rosa)
    await look(world, token, at=NOON + LASTS - timedelta(seconds=1))
    with pytest.raises(LinkDead):
        await look(world, token, at=NOON + LASTS)

    await world.database.write(lambda tx: service.end_link(tx, world.hand(rosa), link.id))

    for dead in (token, "", "another"):
        with pytest.raises(LinkDead):
            await look(world, dead)
    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: service.end_link(tx, world.hand(rosa), link.id))


async def test_only_whoever_coordinates_or_administers_puts_one_up_or_takes_one_down(world, rosa):
    link, _ = await make(world, rosa)
    await make(world, await world.officer("root", Role.ADMIN))
    for officer in (await world.officer("amira"), await world.officer("wri", Role.AUTHOR, Role.APPROVER)):
        for act in (service.make_link, service.links, lambda tx, hand: service.end_link(tx, hand, link.id)):
            with pytest.raises(NotAllowedNow):
                await world.database.write(lambda tx, act=act, officer=officer: act(tx, world.hand(officer)))


async def test_the_token_is_kept_nowhere_and_links_are_few(world, rosa):
    _, token = await make(world, rosa)
    rows = await world.database.read(lambda tx: tx.execute(store.wall_links.select()).all())
    assert token not in repr(rows)

    for _ in range(MOST_LINKS - 1):
        await make(world, rosa)
    with pytest.raises(NotAllowedNow):
        await make(world, rosa)
