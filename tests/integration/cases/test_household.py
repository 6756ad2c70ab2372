"""Cases of one family know of each other, stay apart, and are found by nobody who may not see them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.cases import household, household_store, service
from bot.cases import store as cases
from bot.cases.model import CaseNotFound, NotAllowedNow
from bot.cases.record import service as record
from bot.kernel.access import Role
from tests.conftest import NOON

WHY = "Both say that they are sisters."


@pytest.fixture
async def two(world):
    """Amira and two cases she holds."""
    amira = await world.officer("amira")
    return amira, await held(world, amira), await held(world, amira)


async def held(world, officer):
    case_id = (await world.escalate()).case_id
    return await world.database.write(lambda tx: service.claim_case(tx, world.hand(officer), case_id))


async def do(world, officer, work, *args, **named):
    return await world.database.write(lambda tx: work(tx, world.hand(officer), *args, **named))


async def link(world, officer, one, other, *, kind="siblings", why=WHY):
    return await do(world, officer, household.link, one.id, other.number, kind=kind, why=why)


async def shown(world, officer, case):
    found = await world.database.read(lambda tx: household.of_case(tx, world.vault, officer, case))
    return [(each.case.id, each.kind, each.why, each.officer_id, each.at) for each in found]


async def test_each_case_shows_the_other_with_who_when_and_why(world, two):
    amira, lina, sara = two

    await link(world, amira, lina, sara)

    assert await shown(world, amira, lina) == [(sara.id, "siblings", WHY, amira.id, NOON)]
    assert await shown(world, amira, sara) == [(lina.id, "siblings", WHY, amira.id, NOON)]
    for case in (lina, sara):
        events = await world.database.read(lambda tx, case=case: cases.events_of(tx, case.id))
        assert events[-1].act == "linked"
    raw = await world.database.read(lambda tx: repr(tx.execute(sa.select(household_store.case_links)).all()))
    assert "sisters" not in raw


async def test_whoever_may_not_see_the_other_case_neither_finds_nor_links_it(world, two):
    _, lina, sara = two
    bruno = await world.officer("bruno")
    his = await held(world, bruno)
    ines = await world.officer("ines", Role.COORDINATOR)
    await do(world, ines, household.link, his.id, sara.number, kind="household", why="One tent.")

    assert await shown(world, bruno, his) == []
    assert await world.database.read(lambda tx: household.open_count(tx, his.id)) == 1
    assert [case_id for case_id, *_ in await shown(world, ines, his)] == [sara.id]
    with pytest.raises(CaseNotFound):
        await link(world, bruno, his, lina)
    with pytest.raises(CaseNotFound):
        await do(world, bruno, household.link, his.id, "NO-SUCH", kind="siblings", why=WHY)
    with pytest.raises(CaseNotFound):
        await link(world, bruno, lina, his)
    [hidden] = await world.database.read(lambda tx: household.of_case(tx, world.vault, ines, his))
    with pytest.raises(NotAllowedNow):
        await do(world, bruno, household.unlink, his.id, hidden.link_id, why="Not so.")


async def test_a_link_is_said_once_with_a_reason_between_two_open_cases(world, two):
    amira, lina, sara = two
    for refused in (
        {"why": "  "},
        {"kind": "friends"},
        {"why": "x" * (household.LONGEST_WHY + 1)},
    ):
        with pytest.raises(NotAllowedNow):
            await link(world, amira, lina, sara, **refused)
    with pytest.raises(NotAllowedNow):
        await link(world, amira, lina, lina)
    await link(world, amira, lina, sara)
    with pytest.raises(NotAllowedNow):
        await link(world, amira, sara, lina)
    third = await held(world, amira)
    await do(world, amira, service.close_case, third.id, closing="helped")
    with pytest.raises(NotAllowedNow):
        await link(world, amira, lina, third)


async def test_the_link_is_undone_for_both_with_a_reason_and_can_be_said_again(world, two):
    amira, lina, sara = two
    link_id = await link(world, amira, lina, sara)
    with pytest.raises(NotAllowedNow):
        await do(world, amira, household.unlink, sara.id, link_id, why=" ")

    await do(world, amira, household.unlink, sara.id, link_id, why="They met on the boat.")

    assert await shown(world, amira, lina) == await shown(world, amira, sara) == []
    assert await world.database.read(lambda tx: household.open_count(tx, lina.id)) == 0
    await link(world, amira, lina, sara, kind="household")
    assert len(await shown(world, amira, lina)) == 1


async def test_nothing_of_one_record_comes_into_the_other(world, two):
    amira, lina, sara = two
    await do(world, amira, record.write_fields, lina.id, {"goal": ("A room together",)}, seen={})
    await link(world, amira, lina, sara)

    assert (await do(world, amira, record.open_record, sara.id)).facts == {}


async def test_a_closed_sibling_is_shown_and_no_longer_warned_about(world, two):
    amira, lina, sara = two
    await link(world, amira, lina, sara)
    await do(world, amira, service.close_case, sara.id, closing="helped")

    assert len(await shown(world, amira, lina)) == 1
    assert await world.database.read(lambda tx: household.open_count(tx, lina.id)) == 0


async def test_when_one_is_erased_its_reason_goes_and_the_others_stays(world, two):
    amira, lina, sara = two
    await link(world, amira, lina, sara)

    await world.database.write(lambda tx: service.erase_words(tx, world.vault, sara.conversation_id, at=NOON))

    assert [why for _, _, why, *_ in await shown(world, amira, lina)] == [WHY]
    rows = await world.database.read(lambda tx: tx.execute(sa.select(household_store.case_links)).all())
    assert {row.case_id: row.why_sealed is None for row in rows} == {lina.id: False, sara.id: True}
