"""What only this Waymark knows travels as what every Waymark knows."""

from __future__ import annotations

import pytest

from bot.cases import service as cases
from bot.cases import store
from bot.cases.record import service as record
from bot.cases.record.fields import AGE_BANDS
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


REPORTED = {
    "reported_children": "2",
    "reported_age": "10-14",
    "reported_seen": "Two girls asleep at the gate",
    "reported_reach": "Guard Omar, 600 123 456, at night",
    "reported_else": "call 600 123 456",
}


async def test_what_was_reported_travels_as_a_note_and_never_how_the_reporter_is_reached(world):
    amira, case_id = await world.officer("amira"), (await world.escalate()).case_id

    def put(tx):
        cases.claim_case(tx, world.hand(amira), case_id)
        said = {code: (value,) for code, value in REPORTED.items()}
        record.write_fields(tx, world.hand(amira), case_id, {**said, "name": ("Amina",)}, seen={})
        cases.write_note(tx, world.hand(amira), case_id, text="Sleeps badly", once="", shared=True)
        return file.gather(tx, world.vault, store.get_case(tx, case_id).case, Situation(None, None, frozenset()))

    gathered = await world.database.write(put)
    came = file.read(gathered)

    assert dict(came.facts) == {"name": ("Amina",)}
    reported, other = came.notes
    assert reported.splitlines()[0] == "As it was reported"
    assert "How many children: 2" in reported
    assert f"Age as seen, of the youngest: {AGE_BANDS['10-14']}" in reported
    assert "What was seen: Two girls asleep at the gate" in reported
    assert other == "Sleeps badly"
    assert "600 123 456" not in repr(gathered)


async def test_a_field_that_only_a_later_waymark_knows_does_not_keep_the_child_from_being_handed_over(world):
    case_id = (await world.escalate()).case_id
    gathered = await world.database.read(
        lambda tx: file.gather(tx, world.vault, store.get_case(tx, case_id).case, Situation(None, None, frozenset()))
    )
    gathered["facts"] = {"name": ["Amina"], "of_next_year": [{"what": "ever"}]}

    assert dict(file.read(gathered).facts) == {"name": ("Amina",)}
