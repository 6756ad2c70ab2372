"""What is due, over HTTP: the menu counts it, the page lists it, the next shift reads it."""

from __future__ import annotations

from datetime import timedelta

from bot.cases import service
from bot.cases.record import service as record
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON


async def test_an_overdue_task_is_seen_by_its_owner_the_next_shift_and_who_coordinates(world, at_desk, clock):
    amira, bruno = await world.officer("amira"), await world.officer("bruno")
    case_id = (await world.escalate(priority=Priority.P0)).case_id

    def make(tx):
        hand = world.hand(amira)
        service.claim_case(tx, hand, case_id)
        due_at = NOON + timedelta(hours=1)
        record.add_task(tx, hand, case_id, what="call the guardian", why="asked", due_at=due_at)

    await world.database.write(make)
    assert "<span>What is due</span></a>" in await (await at_desk(amira)).go("/desk/due")
    clock.advance(timedelta(hours=25))
    hers, his = await at_desk(amira), await at_desk(bruno)
    theirs = await at_desk(await world.officer("ines", Role.COORDINATOR))

    assert '<span>What is due</span><bdi class="num">1</bdi>' in await hers.go("/desk/due")
    assert "call the guardian" in hers.page
    assert "<span>What is due</span></a>" in await his.go("/desk/due")
    assert "You have no task to do." in his.page
    assert "guardian" not in his.page

    page = await theirs.go("/desk/due")
    assert '<span>What is due</span><bdi class="num">1</bdi>' in page
    assert f'href="/desk/cases/{case_id}/file#tasks"' in page
    assert f'href="/desk/cases/{case_id}/review"' in page
    rota = await his.go("/desk/rota")
    assert "Overdue in urgent cases" in rota
    assert f"/desk/cases/{case_id}" not in rota
    assert "guardian" not in rota
