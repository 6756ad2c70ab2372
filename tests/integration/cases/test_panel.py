"""A panel decides what is best for a child: its members read what that needs, write their view, and do nothing else."""

from __future__ import annotations

import pytest

from bot.cases import answering, panel, service
from bot.cases import store as cases
from bot.cases.handover import NobodyThere, release_several
from bot.cases.model import CaseError, CaseNotFound, NotAllowedNow
from bot.cases.record import service as record
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.officers import disable_officer, get_officer
from tests.conftest import NOON

VIEW = "With her aunt, and at school here until summer."
WRITTEN = {
    "name": ("Amal",),
    "religion": ("Druze",),
    "location": ("Centre 4, room 9",),
    "reported_reach": ("Guard Omar, 600 123 456",),
    "wishes": ("To stay with her aunt",),
    "bi_options": ("The aunt; a foster family",),
}


@pytest.fixture
async def sitting(world):
    """A case of Amira's for whose panel Bruno is named."""
    amira, bruno = await world.officer("amira"), await world.officer("bruno")
    case_id = (await world.escalate()).case_id

    def prepare(tx):
        service.claim_case(tx, world.hand(amira), case_id)
        record.write_fields(tx, world.hand(amira), case_id, WRITTEN, seen={})
        panel.name_member(tx, world.hand(amira), case_id, bruno.id)

    await world.database.write(prepare)
    return amira, bruno, case_id


async def do(world, officer, work, *args, at=NOON, **named):
    return await world.database.write(lambda tx: work(tx, world.hand(officer, at), *args, **named))


async def seats(world, officer):
    return await world.database.read(lambda tx: panel.seats_of_officer(tx, world.vault, officer))


async def test_a_member_reads_what_the_decision_needs_and_their_view_reaches_whoever_holds_the_case(world, sitting):
    amira, bruno, case_id = sitting

    [seat] = await seats(world, bruno)
    papers = await do(world, bruno, panel.read_papers, case_id)
    await do(world, bruno, panel.write_view, case_id, "  With her aunt. ")
    await do(world, bruno, panel.write_view, case_id, VIEW)

    assert (seat.case.id, seat.named_by, seat.view) == (case_id, amira.id, "")
    assert {code: fact.values for code, fact in papers.facts.items()} == {
        code: WRITTEN[code] for code in ("name", "wishes", "bi_options")
    }
    shown = {field.code for section in papers.sections for field in section.fields}
    assert not shown & {"religion", "location", "safe_contact", "reported_reach", "reported_seen"}
    [kept] = await world.database.read(lambda tx: panel.of_case(tx, world.vault, cases.get_case(tx, case_id).case))
    assert (kept.member, kept.view, kept.ended_at) == (bruno.id, VIEW, None)
    readers = {reader.officer_id: reader.times for reader in await do(world, amira, record.seen_by, case_id)}
    assert readers[bruno.id] == 1
    acts = [(row.act, row.actor) for row in await world.database.read(lambda tx: audit.read_log(tx, limit=5))]
    assert acts[0] == ("case.panel_view", bruno.id)


async def test_a_member_does_nothing_but_that(world, sitting):
    amira, bruno, case_id = sitting
    carla = await world.officer("carla")
    for refused in (
        do(world, bruno, service.open_file, case_id),
        do(world, bruno, record.open_record, case_id),
        do(world, bruno, record.write_fields, case_id, {"bi_advice": ("x",)}, seen={}),
        do(world, bruno, service.write_note, case_id, text="look", once=""),
        do(world, bruno, answering.answer_person, case_id, text="hello", once=""),
        do(world, bruno, service.close_case, case_id, closing="helped"),
        do(world, bruno, panel.name_member, case_id, carla.id),
        do(world, bruno, panel.end_seat, case_id, bruno.id),
        do(world, carla, panel.read_papers, case_id),
        do(world, carla, panel.write_view, case_id, VIEW),
        do(world, amira, panel.read_papers, case_id),
    ):
        with pytest.raises(CaseNotFound):
            await refused
    for view in (" ", "x" * 4001):
        with pytest.raises(NotAllowedNow):
            await do(world, bruno, panel.write_view, case_id, view)


async def test_members_do_not_read_each_other(world, sitting):
    amira, bruno, case_id = sitting
    ines = await world.officer("ines", Role.COORDINATOR)
    await do(world, bruno, panel.write_view, case_id, VIEW)
    await do(world, amira, panel.name_member, case_id, ines.id)

    assert (await do(world, ines, panel.read_papers, case_id)).seat.view == ""


@pytest.mark.parametrize("how", ["decided", "closed", "ended", "released", "switched off"])
async def test_it_ends_with_the_decision_the_case_or_by_whoever_holds_it_and_what_was_written_stays(
    world, sitting, how
):
    amira, bruno, case_id = sitting
    await do(world, bruno, panel.write_view, case_id, VIEW)

    match how:
        case "decided":
            outcome = {"bi_outcome": ("With her aunt, because she wants it.",)}
            await do(world, amira, record.write_fields, case_id, outcome, seen={})
        case "closed":
            checked = {"safe", "told", "next"}
            await do(world, amira, service.close_case, case_id, closing="helped", checked=checked)
            await do(world, amira, service.reopen_case, case_id)
        case "ended":
            await do(world, amira, panel.end_seat, case_id, bruno.id)
        case "released":
            await do(world, amira, release_several, [case_id])
        case _:
            await world.database.write(lambda tx: disable_officer(tx, bruno.id, NOON))
            bruno = await world.database.read(lambda tx: get_officer(tx, bruno.id))

    for gone in (do(world, bruno, panel.read_papers, case_id), do(world, bruno, panel.write_view, case_id, "More")):
        with pytest.raises(CaseNotFound):
            await gone
    if how != "switched off":
        assert await seats(world, bruno) == []
    [kept] = await world.database.read(lambda tx: panel.of_case(tx, world.vault, cases.get_case(tx, case_id).case))
    assert kept.view == VIEW


async def test_a_draft_of_anything_else_ends_nothing_and_after_the_decision_nobody_is_named(world, sitting):
    amira, bruno, case_id = sitting
    carla = await world.officer("carla")
    await do(world, amira, record.write_fields, case_id, {"bi_advice": ("The aunt",)}, seen={})
    assert await seats(world, bruno)

    await do(world, amira, record.write_fields, case_id, {"bi_outcome": ("The aunt",)}, seen={})
    with pytest.raises(NotAllowedNow):
        await do(world, amira, panel.name_member, case_id, carla.id)


async def test_only_whoever_holds_the_case_names_and_only_who_can_sit(world, sitting):
    amira, bruno, case_id = sitting
    ines, dana = await world.officer("ines", Role.COORDINATOR), await world.officer("dana")
    author = await world.officer("author", Role.AUTHOR)
    for officer in (ines, dana):
        with pytest.raises(CaseError):
            await do(world, officer, panel.name_member, case_id, dana.id)
    for wrong in (amira.id, author.id, "nobody"):
        with pytest.raises(NobodyThere):
            await do(world, amira, panel.name_member, case_id, wrong)
    with pytest.raises(NotAllowedNow):
        await do(world, amira, panel.name_member, case_id, bruno.id)
    with pytest.raises(NotAllowedNow):
        await do(world, amira, panel.end_seat, case_id, dana.id)


async def test_what_a_member_wrote_is_sealed_and_erased_with_the_case(world, sitting):
    _, bruno, case_id = sitting
    await do(world, bruno, panel.write_view, case_id, VIEW)
    case = await world.database.read(lambda tx: cases.get_case(tx, case_id).case)
    [row] = await world.database.read(lambda tx: panel.panel_store.seats_of(tx, case_id))
    assert b"aunt" not in row.view_sealed

    await world.database.write(lambda tx: service.erase_words(tx, world.vault, case.conversation_id, at=NOON))

    [kept] = await world.database.read(lambda tx: panel.of_case(tx, world.vault, case))
    assert (kept.view, kept.view_at) == ("", NOON)
    assert await seats(world, bruno) == []
