"""The rota in use: who is paged, who swaps, and who notices that nobody will be there."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta

import pytest
import sqlalchemy as sa

from bot.cases import auditor, store, workload
from bot.cases import service as cases
from bot.cases.pager import Pager
from bot.cases.rota import service as rota
from bot.cases.rota import store as rota_store
from bot.cases.rota.model import Part, Shift, WrongShift
from bot.cases.rota.service import NotYourDuty
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.live import Signals
from bot.kernel.officers import disable_officer
from dialogues.understanding.model import Priority
from tests.conftest import NOON
from tests.integration.cases.world import FixedNumbers

TODAY = NOON.date()
EVERY_DAY = frozenset(range(1, 8))


def shift_of(officer, start="00:00", end="00:00", **more):
    parts = (Part(time.fromisoformat(start), time.fromisoformat(end)),)
    values = {"zone": "UTC", "days": EVERY_DAY, "first": date(2026, 1, 1), **more}
    return Shift("", officer.id, parts=parts, **values)


@pytest.fixture
async def ines(world):
    return await world.officer("ines", Role.COORDINATOR, Role.OFFICER)


async def planned(world, coordinator, shift):
    return await world.database.write(lambda tx: rota.add_shift(tx, world.hand(coordinator), shift))


async def paged_by(world, clock):
    await Pager(world.database, clock, Signals(), world.paging, FixedNumbers()).look()
    rows = await world.database.read(lambda tx: tx.execute(sa.select(store.pages.c.officer_id).distinct()).all())
    return {row.officer_id for row in rows}


async def test_the_ladder_pages_who_is_on_duty_first(world, clock, ines):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    await planned(world, ines, shift_of(amira, "08:00", "16:00"))
    await planned(world, ines, shift_of(omar, "16:00", "00:00"))
    await world.escalate()

    assert await paged_by(world, clock) == {amira.id}
    clock.advance(timedelta(minutes=2))
    assert await paged_by(world, clock) == {amira.id, ines.id}
    clock.advance(timedelta(minutes=3))
    assert await paged_by(world, clock) == {amira.id, ines.id, omar.id}


async def test_without_a_rota_every_officer_is_paged_as_before(world, clock, ines):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    await world.escalate()

    assert await paged_by(world, clock) == {amira.id, omar.id, ines.id}


async def test_an_officer_who_was_deleted_while_on_duty_leaves_nobody_unpaged(world, clock, ines):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    await planned(world, ines, shift_of(amira))
    await world.database.write(lambda tx: disable_officer(tx, amira.id, NOON))
    await world.escalate()

    assert omar.id in await paged_by(world, clock)


async def test_nobody_on_duty_is_noticed_hours_before_and_written_down_once(world, ines):
    amira = await world.officer("amira")
    await planned(world, ines, shift_of(amira, "08:00", "16:00"))

    for minute in range(3):
        at = NOON + timedelta(minutes=minute)
        await world.database.write(lambda tx, at=at: auditor.audit_alarms(tx, world.vault, world.words, at=at))

    watch = await world.database.read(lambda tx: auditor.look_at_watch(tx, at=NOON))
    assert watch.nobody_from == datetime(2026, 11, 23, 16, tzinfo=NOON.tzinfo)
    acts = await world.database.read(lambda tx: [row.act for row in audit.read_log(tx)])
    assert acts.count("rota.nobody") == 1


async def test_a_desk_manned_around_the_clock_shows_no_banner(world, ines):
    await planned(world, ines, shift_of(await world.officer("amira")))

    await world.database.write(lambda tx: auditor.audit_alarms(tx, world.vault, world.words, at=NOON))

    assert (await world.database.read(lambda tx: auditor.look_at_watch(tx, at=NOON))).nobody_from is None


async def test_somebody_away_is_missed_and_back_when_they_say_so(world, ines):
    amira = await world.officer("amira")
    await planned(world, ines, shift_of(amira))
    until = NOON + timedelta(days=2)

    absence = await world.database.write(lambda tx: rota.be_away(tx, world.hand(amira), amira.id, NOON, until))
    assert (await world.database.read(lambda tx: rota.next_gap(tx, NOON)))[0] == NOON
    assert not (await world.database.read(lambda tx: rota.on_duty(tx, NOON))).at_desk

    await world.database.write(lambda tx: rota.come_back(tx, world.hand(amira), absence))
    assert await world.database.read(lambda tx: rota.next_gap(tx, NOON)) is None


async def test_a_swap_counts_when_the_colleague_says_yes(world, ines):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    shift = await planned(world, ines, shift_of(amira))

    swap = await world.database.write(lambda tx: rota.ask_swap(tx, world.hand(amira), shift.id, TODAY, to=omar.id))
    assert (await world.database.read(lambda tx: rota.on_duty(tx, NOON))).at_desk == {amira.id}
    await world.database.write(lambda tx: rota.answer_swap(tx, world.hand(omar), swap, yes=True))

    assert (await world.database.read(lambda tx: rota.on_duty(tx, NOON))).at_desk == {omar.id}
    assert (await world.database.read(lambda tx: rota.on_duty(tx, NOON + timedelta(days=1)))).at_desk == {amira.id}


async def test_a_duty_that_is_not_theirs_is_not_given_away(world, ines):
    amira, omar, noor = [await world.officer(name) for name in ("amira", "omar", "noor")]
    shift = await planned(world, ines, shift_of(amira, days=frozenset({1})))
    swap = await world.database.write(lambda tx: rota.ask_swap(tx, world.hand(amira), shift.id, TODAY, to=omar.id))
    tuesday = TODAY + timedelta(days=1)

    for wrong in (
        lambda tx: rota.ask_swap(tx, world.hand(omar), shift.id, TODAY, to=noor.id),
        lambda tx: rota.ask_swap(tx, world.hand(amira), shift.id, TODAY, to=noor.id),  # asked already
        lambda tx: rota.ask_swap(tx, world.hand(amira), shift.id, tuesday, to=omar.id),  # no such day
        lambda tx: rota.ask_swap(tx, world.hand(amira), "missing", TODAY, to=omar.id),
        lambda tx: rota.answer_swap(tx, world.hand(noor), swap, yes=True),
        lambda tx: rota.answer_swap(tx, world.hand(amira), swap, yes=True),
    ):
        with pytest.raises(NotYourDuty):
            await world.database.write(wrong)
    await world.database.write(lambda tx: rota.answer_swap(tx, world.hand(amira), swap, yes=False))
    with pytest.raises(NotYourDuty):  # the back button
        await world.database.write(lambda tx: rota.answer_swap(tx, world.hand(omar), swap, yes=True))


async def test_of_a_yes_and_a_no_at_once_one_counts(world, ines):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    shift = await planned(world, ines, shift_of(amira))
    swap = await world.database.write(lambda tx: rota.ask_swap(tx, world.hand(amira), shift.id, TODAY, to=omar.id))

    async def answer(officer, yes):
        try:
            await world.database.write(lambda tx: rota.answer_swap(tx, world.hand(officer), swap, yes=yes))
        except NotYourDuty:
            return False
        return True

    assert sorted(await asyncio.gather(answer(omar, True), answer(amira, False))) == [False, True]


async def test_only_who_coordinates_plans(world, ines):
    amira = await world.officer("amira")

    with pytest.raises(NotYourDuty):
        await planned(world, amira, shift_of(amira))
    with pytest.raises(NotYourDuty):  # somebody else's absence
        await world.database.write(
            lambda tx: rota.be_away(tx, world.hand(amira), ines.id, NOON, NOON + timedelta(days=1))
        )
    with pytest.raises(WrongShift):
        await planned(world, ines, shift_of(amira, zone="Nowhere/At_All"))


async def test_what_one_shift_tells_the_next_is_sealed_kept_for_days_and_then_destroyed(world, ines):
    amira = await world.officer("amira")

    def write(tx):
        return rota.write_note(tx, world.hand(amira), "K4T-9QX waits for the lawyer at nine.", once="form-1")

    assert await world.database.write(write)
    assert not await world.database.write(write)

    [note] = await world.database.read(lambda tx: rota.read_notes(tx, world.vault, NOON))
    assert "lawyer" in note.text
    stored = await world.database.read(lambda tx: repr(tx.execute(sa.select(rota_store.shift_notes)).all()))
    assert "lawyer" not in stored
    later = NOON + timedelta(days=31)
    assert await world.database.write(lambda tx: rota.forget_old_notes(tx, world.vault, later)) == 1
    assert await world.database.read(lambda tx: rota.read_notes(tx, world.vault, NOON)) == []


async def test_a_rota_in_the_future_is_no_rota_for_a_case_that_waits_now(world, clock, ines):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    await planned(world, ines, shift_of(amira, first=TODAY + timedelta(days=7)))
    await world.escalate(priority=Priority.P0)

    assert await paged_by(world, clock) >= {amira.id, omar.id}


# What the work asks of whom


async def test_whoever_supervises_sees_hours_nights_and_how_much_danger_somebody_met(world, ines):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    await planned(world, ines, shift_of(amira, "20:00", "04:00", first=TODAY - timedelta(days=2)))
    await planned(world, ines, shift_of(omar, "20:00", "04:00", first=TODAY - timedelta(days=3), on_call=True))
    await world.database.write(
        lambda tx: rota.be_away(tx, world.hand(ines), amira.id, NOON - timedelta(hours=14), NOON - timedelta(hours=10))
    )
    for priority in (Priority.P0, Priority.P1, Priority.P2):
        waiting = await world.escalate(priority=priority)
        await world.database.write(lambda tx, case_id=waiting.case_id: cases.claim_case(tx, world.hand(amira), case_id))

    found = await world.database.read(lambda tx: workload.of_team(tx, world.hand(ines)))

    hours = {each.name: (each.on_duty, each.at_night, each.on_call) for each in found}
    whole = timedelta(hours=8)
    # Two evenings, on the second of which she was away from 22 to 2.
    assert hours["amira"] == (whole + whole / 2, timedelta(hours=6) + timedelta(hours=2), timedelta(0))
    assert hours["omar"] == (timedelta(0), timedelta(0), 3 * whole)
    [hers] = [each for each in found if each.name == "amira"]
    assert (hers.held, hers.waiting, hers.urgent) == (3, 3, 2)
    assert found[0] == hers
    assert await world.database.read(lambda tx: workload.of_team(tx, world.hand(amira))) == []
