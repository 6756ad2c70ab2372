"""From a message to a case, through the whole program: what a person reads and what an officer finds."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot import app
from bot.cases import store
from bot.cases.queue_time import NOBODY_WORKS_HERE
from bot.cases.record import store as record
from bot.kernel.access import Role
from directory.places import Places, ShippedTowns
from tests.integration.app.program import Helpline, Person, serving, settings_for, telegram_update


async def test_who_waits_reads_how_long_and_danger_raises_the_case_of_a_report_without_ending_it(
    helpline: Helpline,
):
    async with Person(helpline) as person:
        before = await person.write("how long?")
        asked = await person.write("I want to talk to a person")
        again = await person.write("is anyone there?")
    assert NOBODY_WORKS_HERE not in before
    assert asked.count(NOBODY_WORKS_HERE) == 1  # there is no officer in this house
    assert again.count(NOBODY_WORKS_HERE) == 2
    assert "answer you here" not in again  # nobody is promised where nobody is
    async with Person(helpline) as alone:
        told = await alone.write("un hombre tiene un cuchillo, me quiere matar")
        assert "¿Estás a salvo ahora?" in told  # the words of danger, in their language
        assert "te va a responder" not in told
    somebody = await helpline.officer(Role.OFFICER)
    async with Person(helpline) as person:
        assert "A person will answer" not in await person.write("he has a knife")
        await helpline.session_of(somebody)
        assert "A person reads this too" in await person.write("he has a knife")

    async with Person(helpline) as worker:
        await worker.write("I want to report a case")
        await worker.write("yes")
        await worker.write("Calais, behind the station")
        fourth = await worker.write("a boy of about ten, in a red jacket")
        await worker.write("there are 3")
        danger = await worker.write("one boy is bleeding from the head and does not wake up")
        sixth = await worker.write("about 10")
        await worker.write("stop")
    assert "How many children are there?" in fourth
    assert danger.count("How old is the child?") == 2
    assert danger.rindex("Say that a child needs a doctor.") < danger.rindex("How old is the child?")
    assert "Is the child alone, or with whom?" in sixth
    reported = store.cases.c.reason == "medical_emergency"
    [row] = await helpline.database.read(lambda tx: tx.execute(store.cases.select().where(reported)).all())
    assert row.priority == "P0"
    assert row.place_sealed is not None  # the queue shows where the child is
    fields = {each.field for each in await helpline.database.read(lambda tx: record.present_facts(tx, row.id))}
    assert fields == {
        "reported_now",
        "location",
        "reported_seen",
        "reported_children",
        "reported_danger",
        "reported_age",
    }


async def test_who_says_where_the_knife_is_reads_the_number_that_rings_there(helpline: Helpline):
    """By the real map and the real list of numbers: 112 reaches nobody in some of these countries."""
    async with Person(helpline) as told_at_once:
        assert "Call 911 now" in _words(await told_at_once.write("I am in Mexico City, he has a knife"))

    async with Person(helpline) as told_later:
        assert "Call 112 now" in _words(await told_later.write("he has a knife"))
        assert _words(await told_later.write("I am in Tijuana")).count("Call 911.") == 1
        assert _words(await told_later.write("now I am in Calais")).count("Call 112.") == 1
        assert _words(await told_later.write("Chicago")).count("Call 911.") == 2
    # What the case knows goes with it: the alarm that climbs names a number too, and an officer has to find them.
    first, later = await helpline.database.read(_cases_of)
    assert (first.country, later.country) == ("MX", "US")
    at_desk = await helpline.at_desk(await helpline.officer(*Role))
    _, page = await at_desk.get(f"/desk/cases/{later.id}")
    assert "<bdi>Chicago</bdi> ·" in page
    assert "<dd>United States</dd>" in page


async def test_where_no_bed_is_known_a_number_to_call_is_not_offered_as_one(helpline: Helpline):
    async with Person(helpline) as person:
        said = _words(await person.write("a place to sleep in Ventimiglia"))

    assert "did not find a service that people have checked near Ventimiglia" in said
    assert "116 000" in said
    assert "nearest" not in said
    assert "places fill up" not in said


async def test_an_officer_reads_near_which_town_a_place_is_that_was_shared(telegram_helpline: Helpline):
    helpline = telegram_helpline
    here = {"latitude": 43.80000, "longitude": 7.61000}
    assert await helpline.webhook(telegram_update(1, "he has a knife, he is outside")) == 200
    assert await helpline.webhook(telegram_update(2, location=here)) == 200
    await helpline.settled()
    at_desk = await helpline.at_desk(await helpline.officer(*Role))

    _, page = await at_desk.get(f"/desk/cases/{(await helpline.database.read(_only_case)).id}")

    assert "Place: 43.80000, 7.61000, 1.2 km from Ventimiglia (Italy)" in _words(page)


def _cases_of(tx: sa.Connection) -> list[sa.Row[Any]]:
    return list(tx.execute(store.cases.select().order_by(store.cases.c.opened_at)))


def _only_case(tx: sa.Connection) -> sa.Row[Any]:
    return tx.execute(store.cases.select()).one()


async def test_the_towns_are_read_before_somebody_in_danger_names_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reading them took a turn four seconds, and on a busy machine the person their answer."""
    read, looked = ShippedTowns.read, asyncio.Event()
    loop = asyncio.get_running_loop()

    def told(towns: ShippedTowns) -> Places:
        places = read(towns)
        loop.call_soon_threadsafe(looked.set)
        return places

    monkeypatch.setattr(app, "TOWNS_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(ShippedTowns, "read", told)
    async with serving(settings_for(tmp_path, demo="off")):
        async with asyncio.timeout(60):
            await looked.wait()  # though nobody wrote


def _words(page: str) -> str:
    return re.sub("<[^>]+>", "", page)
