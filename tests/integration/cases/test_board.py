"""One look for all desks shows each officer what a query of their own would."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from bot.cases import alarm_store, handover, handover_store, service, store
from bot.cases import board as boards
from bot.cases.board import BANDS, HEARD, Summaries, read_board
from bot.cases.hand import in_scope
from bot.cases.model import CaseNotFound
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.world import World


@pytest.fixture
def world(database, vault):
    return World(database, vault)


@pytest.fixture
async def busy(world):
    """Officers of every kind, and cases that wait, are held, are offered and are closed."""
    people = {
        "amira": await world.officer("amira"),
        "omar": await world.officer("omar"),
        "rosa": await world.officer("rosa", Role.COORDINATOR),
        "both": await world.officer("both", Role.OFFICER, Role.COORDINATOR),
        "root": await world.officer("root", Role.ADMIN),
        "writer": await world.officer("writer", Role.AUTHOR),
    }
    made = [(await world.escalate(words=f"words of {n}", priority=list(Priority)[n % 4])).case_id for n in range(14)]

    def work(tx):
        for holder, cases in (("amira", made[:4]), ("omar", made[4:6]), ("both", made[6:7])):
            for case_id in cases:
                service.claim_case(tx, world.hand(people[holder]), case_id)
        handover.offer(tx, world.hand(people["amira"]), made[0], to=people["omar"].id, note="for you")
        service.close_case(tx, world.hand(people["omar"]), made[5], closing="helped")
        for case_id in made[1:3]:  # somebody writes danger again: it rings for whoever holds it
            store.put_alarm(tx, store.get_alarm(tx, case_id).anew(Priority.P0, held=True, at=NOON))

    await world.database.write(work)
    return people, made


@pytest.mark.on_both
async def test_every_officer_is_shown_by_the_board_what_their_own_queries_would_show(world, busy):
    people, made = busy

    def compare(tx):
        board = read_board(tx, world.vault, NOON, limit=5, watched=made, known=Summaries())
        for officer in people.values():
            scope = in_scope(officer)
            assert board.queue_of(officer) == service.look_at_queue(tx, world.vault, officer, limit=5), officer.name
            assert list(board.own_of(officer)) == service.look_at_own(tx, world.vault, officer), officer.name
            assert board.own_count(officer) == store.held_count(tx, officer.id), officer.name
            assert board.ringing_for(officer) == alarm_store.ringing_for(tx, officer.id, scope, limit=HEARD), (
                officer.name
            )
            assert list(board.offered_to(officer)) == handover_store.offered_to(tx, officer.id, limit=BANDS), (
                officer.name
            )
            for case_id in made:
                try:
                    seen = service.watch_file(tx, world.vault, officer, case_id, at=NOON).case
                except CaseNotFound:
                    seen = None
                assert board.watched(officer, case_id) == seen, officer.name
        return board

    board = await world.database.read(compare)
    assert board.queue_of(people["amira"]).waiting
    assert board.own_of(people["amira"])
    assert board.offered_to(people["omar"])
    assert not board.queue_of(people["root"]).total


async def test_a_case_that_waits_is_held_by_nobody(world, busy):
    """What lets all who may see unheld cases share one look at the queue."""
    people, made = busy
    for case_id in made[:4]:
        await world.database.write(lambda tx, each=case_id: service.release_case(tx, world.hand(people["rosa"]), each))

    waiting = await world.database.read(lambda tx: store.waiting(tx, limit=100))

    assert len(waiting) > 10
    assert {(each.case.owner_id, each.case.offered_to) for each in waiting} == {(None, None)}


async def test_words_that_were_erased_are_gone_from_the_next_look(world, busy):
    people, _ = busy
    known = Summaries()
    person = await world.person()
    await world.escalate(person, words="nobody must read this", priority=Priority.P0)

    def look(tx):
        board = read_board(tx, world.vault, NOON, limit=60, known=known)
        return [each.words for each in board.queue_of(people["amira"]).waiting]

    assert "nobody must read this" in await world.database.read(look)
    await world.database.write(lambda tx: service.erase_words(tx, world.vault, person, at=NOON))

    assert "nobody must read this" not in await world.database.read(look)
    assert not [each for each in known._known.values() if each[1].words == "nobody must read this"]


async def test_words_are_opened_once_for_as_long_as_they_are_the_same(world, busy, monkeypatch):
    opened = []
    real = service.summary_of
    monkeypatch.setattr(boards.service, "summary_of", lambda *given: opened.append(given) or real(*given))
    known = Summaries()

    def look(tx):
        return read_board(tx, world.vault, NOON, limit=60, known=known)

    await world.database.read(look)
    first = len(opened)
    await world.database.read(look)

    assert first == 13  # all but the one that is closed
    assert len(opened) == first


async def test_the_queue_is_ordered_and_counted_from_one_index(world, busy):
    """SQLite says how it would do it: with a hundred thousand cases anything else takes a tenth of a second."""
    people, _ = busy
    if world.database.dialect != "sqlite":
        pytest.skip("PostgreSQL decides by how many rows there are")

    def plans(tx):
        asked = []

        @sa.event.listens_for(tx, "before_cursor_execute")
        def note(_tx, _cursor, statement, values, _context, _many):
            asked.append((statement, values))

        for scope in (in_scope(people["amira"]), in_scope(people["rosa"]), store.cases.c.owner_id.is_(None)):
            store.waiting(tx, scope, limit=60)
            store.waiting_counts(tx, scope)
        sa.event.remove(tx, "before_cursor_execute", note)
        driver = tx.connection.driver_connection
        return [
            " ".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", values))
            for statement, values in asked
        ]

    found = await world.database.read(plans)
    assert len(found) == 6
    for plan in found[::2]:
        assert "USING INDEX ix_cases_waiting (status=?)" in plan
        assert "TEMP B-TREE" not in plan
    for plan in found[1::2]:
        assert re.search(r"USING COVERING INDEX ix_cases_\w+ \(status=\?\)", plan)
