"""A task that only this Waymark makes travels as one that every Waymark knows."""

from __future__ import annotations

import pytest

from bot.cases import service as cases
from bot.cases import store
from bot.cases.record import service as record
from bot.exchange.gate import Situation
from bot.exchange.requests.transfer import file
from tests.integration.cases.world import World


@pytest.fixture
def world(database, vault) -> World:
    return World(database, vault)


async def test_the_next_look_at_a_decision_arrives_as_a_task_with_words(world):
    amira, case_id = await world.officer("amira"), (await world.escalate()).case_id

    def put(tx):
        cases.claim_case(tx, world.hand(amira), case_id)
        record.write_fields(tx, world.hand(amira), case_id, {"bi_review": ("2026-12-24",)}, seen={})
        return file.gather(tx, world.vault, store.get_case(tx, case_id).case, Situation(None, None, frozenset()))

    came = file.read(await world.database.write(put))

    [task] = came.tasks
    assert (task.kind, task.what) == ("own", "Look at the best-interests decision again")
    assert task.due_at.date().isoformat() == "2026-12-24"
