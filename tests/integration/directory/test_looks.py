"""Looking for duplicates beside the server: once, by one, again when it is time, in a process of its own."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.kernel.clock import SetClock, SystemClock
from bot.kernel.database import Database
from directory import store
from directory.asking import Directory
from directory.duplicates import LookFailed, look_apart, look_if_due
from directory.store.looks import LOOK_AGAIN_AFTER, LOOK_DIES_AFTER

from .records import a_service, put


async def two_alike(database: Database, clock: SetClock | SystemClock) -> None:
    one, other = a_service("Harbour house", clock.now()), a_service("Harbour House", clock.now(), north_m=10)
    await database.write(lambda tx: put(tx, one, other, at=clock.now()))


async def test_two_servers_do_not_both_compare(database: Database, clock: SetClock):
    await two_alike(database, clock)

    begun = await asyncio.gather(
        *(database.write(lambda tx: store.begin_look(tx, at=clock.now())) for _ in range(4)), return_exceptions=True
    )

    assert begun.count(True) == 1


async def test_one_that_died_is_taken_up_by_another(database: Database, clock: SetClock):
    await two_alike(database, clock)
    assert await database.write(lambda tx: store.begin_look(tx, at=clock.now()))

    assert await look_if_due(database, now=clock.now) is None
    clock.advance(LOOK_DIES_AFTER)

    assert await look_if_due(database, now=clock.now) == 1


async def test_a_change_waits_for_the_hour_and_a_person_does_not(database: Database, clock: SetClock):
    await two_alike(database, clock)
    assert await look_if_due(database, now=clock.now) == 1
    clock.advance(timedelta(minutes=5))
    await database.write(lambda tx: put(tx, a_service("HARBOUR HOUSE", clock.now(), north_m=20), at=clock.now()))

    assert await look_if_due(database, now=clock.now) is None
    await database.write(lambda tx: store.ask_for_look(tx, at=clock.now()))
    assert await look_if_due(database, now=clock.now) == 3

    await database.write(lambda tx: put(tx, a_service("harbour HOUSE", clock.now(), north_m=30), at=clock.now()))
    clock.advance(LOOK_AGAIN_AFTER)
    assert await look_if_due(database, now=clock.now) == 6
    clock.advance(LOOK_AGAIN_AFTER)
    assert await look_if_due(database, now=clock.now) is None


async def test_asking_while_it_is_compared_has_it_compared_once_more(database: Database, clock: SetClock):
    await two_alike(database, clock)
    assert await database.write(lambda tx: store.begin_look(tx, at=clock.now()))
    await database.write(lambda tx: store.ask_for_look(tx, at=clock.now()))
    await database.write(lambda tx: store.end_look(tx, at=clock.now()))

    assert await look_if_due(database, now=clock.now) == 1


async def test_a_process_of_its_own_compares(database: Database, database_url: str, directory: Directory):
    clock = SystemClock()
    await two_alike(database, clock)

    await look_apart(database_url)

    assert len(await database.read(lambda tx: store.suggested(tx, limit=9))) == 1
    looked = await database.read(store.get_look)
    assert looked.ended_at is not None
    assert not looked.works(clock.now())


async def test_a_process_that_fails_is_noticed():
    with pytest.raises(LookFailed):
        await look_apart("sqlite:///:memory:")
