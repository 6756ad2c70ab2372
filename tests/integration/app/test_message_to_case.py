"""From a message to a case, through the whole program: what a person reads and what an officer finds."""

from __future__ import annotations

import pytest

from bot.cases import store
from bot.cases.queue_time import NOBODY_THERE
from bot.cases.record import store as record
from tests.integration.app.program import Helpline, Person


async def test_who_waits_reads_how_long_and_may_ask_again_in_their_own_words(helpline: Helpline):
    async with Person(helpline) as person:
        before = await person.write("how long?")
        asked = await person.write("I want to talk to a person")
        again = await person.write("is anyone there?")

    assert NOBODY_THERE not in before
    assert asked.count(NOBODY_THERE) == 1  # there is no officer in this house
    assert again.count(NOBODY_THERE) == 2


@pytest.mark.parametrize("stops", [False, True])
async def test_three_answers_of_a_report_are_a_case_with_a_file_also_for_who_stops(helpline: Helpline, stops: bool):
    async with Person(helpline) as person:
        await person.write("I want to report a case")
        await person.write("yes")
        await person.write("Calais, behind the station")
        page = await person.write("a boy of about ten, cold and hungry")
        if stops:
            await person.write("stop")
        else:
            await person.write("there are 3")

    assert "How many children are there?" in page
    [row] = await helpline.database.read(lambda tx: tx.execute(store.cases.select()).all())
    assert (row.reason, row.priority) == ("report_case", "P1")
    fields = {each.field for each in await helpline.database.read(lambda tx: record.present_facts(tx, row.id))}
    expected = {"urgent", "location", "reported_seen"}
    assert fields == (expected if stops else expected | {"reported_children"})
