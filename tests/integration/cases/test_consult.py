"""A colleague is asked for their view: they read and write a note, and the case stays where it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import answering, consult, service
from bot.cases import store as cases
from bot.cases.handover import NobodyThere
from bot.cases.model import CaseNotFound, NotAllowedNow
from bot.kernel.access import Role
from bot.kernel.officers import disable_officer
from tests.conftest import NOON

QUESTION = "She says fourteen. Do you read sixteen?"


@pytest.fixture
async def asked(world):
    """A case of Amira's about which Bruno is asked."""
    amira, bruno = await world.officer("amira"), await world.officer("bruno")
    case_id = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), case_id))
    await world.database.write(lambda tx: consult.ask(tx, world.hand(amira), case_id, of=bruno.id, note=QUESTION))
    return amira, bruno, case_id


async def do(world, officer, work, *args, at=NOON, **named):
    return await world.database.write(lambda tx: work(tx, world.hand(officer, at), *args, **named))


async def test_who_is_asked_finds_it_in_their_list_reads_the_case_and_writes_a_note(world, asked):
    amira, bruno, case_id = asked

    [question] = await world.database.read(lambda tx: consult.asked_of(tx, world.vault, bruno, at=NOON))
    file = await do(world, bruno, service.open_file, case_id)
    assert await do(world, bruno, service.write_note, case_id, text="Sixteen, I think.", once="")

    assert (question.case.id, question.asked_by, question.note) == (case_id, amira.id, QUESTION)
    assert file.words
    [note] = (await do(world, amira, service.open_file, case_id)).notes
    assert (note.officer_id, note.text, note.kind) == (bruno.id, "Sixteen, I think.", "internal")
    assert file.case.owner_id == amira.id


async def test_who_is_asked_does_nothing_but_that(world, asked):
    _, bruno, case_id = asked
    for refused in (
        do(world, bruno, answering.answer_person, case_id, text="hello", once=""),
        do(world, bruno, service.release_case, case_id),
        do(world, bruno, service.close_case, case_id, closing="helped"),
        do(world, bruno, consult.ask, case_id, of=bruno.id, note="and you?"),
        do(world, bruno, service.write_note, case_id, text="for all", once="", shared=True),
    ):
        with pytest.raises(NotAllowedNow):
            await refused


async def test_what_is_said_ends_the_question_and_the_reading(world, asked):
    _, bruno, case_id = asked

    await do(world, bruno, consult.answered, case_id)

    with pytest.raises(CaseNotFound):
        await do(world, bruno, service.open_file, case_id)
    assert await world.database.read(lambda tx: consult.asked_of(tx, world.vault, bruno, at=NOON)) == []
    with pytest.raises(CaseNotFound):
        await do(world, bruno, consult.answered, case_id)


async def test_who_asked_can_end_it_and_nobody_reads_for_ever(world, asked):
    amira, bruno, case_id = asked
    later = NOON + consult.LASTS

    with pytest.raises(CaseNotFound):
        await do(world, bruno, service.open_file, case_id, at=later)
    await do(world, bruno, service.open_file, case_id, at=later - timedelta(seconds=1))
    await do(world, amira, consult.take_back, case_id, of=bruno.id)
    with pytest.raises(CaseNotFound):
        await do(world, bruno, service.open_file, case_id)
    with pytest.raises(NotAllowedNow):
        await do(world, amira, consult.take_back, case_id, of=bruno.id)


async def test_a_second_question_replaces_the_first(world, asked):
    amira, bruno, case_id = asked

    await do(world, amira, consult.ask, case_id, of=bruno.id, note="And the uncle?")

    standing = await world.database.read(lambda tx: consult.asked_of(tx, world.vault, bruno, at=NOON))
    assert [question.note for question in standing] == ["And the uncle?"]


async def test_a_closed_case_and_a_colleague_who_left_are_read_by_nobody(world, asked):
    amira, bruno, case_id = asked
    await world.database.write(lambda tx: disable_officer(tx, bruno.id, NOON))
    with pytest.raises(NobodyThere):
        await do(world, amira, consult.ask, case_id, of=bruno.id, note="still there?")

    carla = await world.officer("carla")
    await do(world, amira, consult.ask, case_id, of=carla.id, note=QUESTION)
    await do(world, amira, service.close_case, case_id, closing="helped")
    with pytest.raises(CaseNotFound):
        await do(world, carla, service.open_file, case_id)


async def test_nobody_asks_about_a_case_they_do_not_hold(world, asked):
    amira, bruno, case_id = asked
    ines, dana = await world.officer("ines", Role.COORDINATOR), await world.officer("dana")

    with pytest.raises(NotAllowedNow):
        await do(world, ines, consult.ask, case_id, of=dana.id, note="look")
    with pytest.raises(CaseNotFound):
        await do(world, dana, consult.ask, case_id, of=bruno.id, note="look")
    for wrong in (amira.id, "nobody"):
        with pytest.raises(NobodyThere):
            await do(world, amira, consult.ask, case_id, of=wrong, note="look")
    with pytest.raises(NotAllowedNow):
        await do(world, amira, consult.ask, case_id, of=dana.id, note="  ")


async def test_question_reading_and_end_stand_in_the_history(world, asked):
    _, bruno, case_id = asked
    await do(world, bruno, service.open_file, case_id)
    await do(world, bruno, consult.answered, case_id)

    events = await world.database.read(lambda tx: cases.events_of(tx, case_id))

    assert [(event.act, dict(event.facts)) for event in events if event.act.startswith("consult")] == [
        ("consulted", {"to": bruno.id}),
        ("consult_ended", {"to": bruno.id}),
    ]
