"""What is overdue tells somebody: its owner, then who coordinates, each once."""

from __future__ import annotations

from datetime import timedelta

from bot.cases import due, service, store
from bot.cases.record import service as record
from bot.cases.rota import service as rota
from bot.conversations import service as conversations
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON

HOUR = timedelta(hours=1)


async def with_task(world, officer, priority):
    case_id = (await world.escalate(priority=priority)).case_id

    def make(tx):
        case = service.claim_case(tx, world.hand(officer), case_id)
        due_at = NOON + HOUR
        record.add_task(tx, world.hand(officer), case_id, what="call the guardian", why="asked", due_at=due_at)
        return case

    return await world.database.write(make)


async def tell(world, at):
    return await world.database.write(lambda tx: due.tell(tx, world.vault, world.words, at=at))


async def told(world):
    """Who was told of what that does not ring, in the order of the keys."""
    pages = store.pages
    query = pages.select().where(pages.c.way == "message", pages.c.step == 0).order_by(pages.c.at, pages.c.key)
    rows = await world.database.read(lambda tx: tx.execute(query).all())
    return [
        (row.key.split(":")[0], row.officer_id) for row in rows if row.key.startswith(("late:", "still:", "review:"))
    ]


async def test_the_owner_hears_first_and_who_coordinates_when_it_stays_undone(world):
    amira = await world.officer("amira", paged=True)
    ines = await world.officer("ines", Role.COORDINATOR, paged=True)
    await with_task(world, amira, Priority.P0)

    assert await tell(world, NOON + HOUR - timedelta(minutes=1)) == 0
    assert await tell(world, NOON + HOUR) == 1
    assert await tell(world, NOON + HOUR) == 0
    assert await told(world) == [("late", amira.id)]
    assert await tell(world, NOON + 2 * HOUR) == 1
    assert await tell(world, NOON + 3 * HOUR) == 0
    assert await told(world) == [("late", amira.id), ("still", ines.id)]


async def test_who_is_away_is_not_told_and_who_coordinates_is_at_once(world):
    amira = await world.officer("amira", paged=True)
    ines = await world.officer("ines", Role.COORDINATOR, paged=True)
    await with_task(world, amira, Priority.P1)
    start, end = NOON, NOON + timedelta(days=3)
    await world.database.write(lambda tx: rota.be_away(tx, world.hand(amira), amira.id, start, end))

    await tell(world, NOON + HOUR)

    assert await told(world) == [("still", ines.id)]


async def test_a_late_review_is_told_to_who_coordinates_and_no_word_of_a_case_goes_out(world):
    amira = await world.officer("amira", paged=True)
    ines = await world.officer("ines", Role.COORDINATOR, paged=True)
    case = await with_task(world, amira, Priority.P0)

    await tell(world, NOON + timedelta(days=1))

    assert ("review", ines.id) in await told(world)
    phone = ines.page_conversation_id
    lines = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, phone))
    assert [line.text.count(case.number) for line in lines] == [1, 1]
    assert "guardian" not in " ".join(line.text for line in lines)


async def test_a_task_of_a_case_that_is_not_urgent_is_counted_for_its_owner_alone(world):
    amira, bruno = await world.officer("amira", paged=True), await world.officer("bruno")
    ines = await world.officer("ines", Role.COORDINATOR)
    await with_task(world, amira, Priority.P3)
    await with_task(world, amira, Priority.P1)
    await with_task(world, ines, Priority.P3)

    async def counts(at):
        late = await world.database.read(lambda tx: due.overdue(tx, at))
        return [late.count_for(each, at) for each in (amira, bruno, ines)]

    assert await counts(NOON) == [0, 0, 0]
    assert await counts(NOON + 2 * HOUR) == [2, 0, 1]
    assert await counts(NOON + 6 * HOUR) == [2, 0, 2]
    assert await tell(world, NOON + 6 * HOUR) == 1


async def test_what_was_late_long_ago_is_counted_and_told_to_nobody(world):
    amira = await world.officer("amira", paged=True)
    await with_task(world, amira, Priority.P0)
    at = NOON + timedelta(days=9)

    assert await tell(world, at) == 0
    assert not await world.database.read(lambda tx: due.anything_to_tell(tx, at))
    late = await world.database.read(lambda tx: due.overdue(tx, at))
    assert late.count_for(amira, at) == 1
