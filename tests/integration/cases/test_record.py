"""The record of a case: who reads which field, tasks, risk, stages, and what closing asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.cases import intake, service
from bot.cases.model import CaseNotFound, NotAllowedNow, NotReadyToClose
from bot.cases.record import service as record
from bot.cases.record import store as record_store
from bot.cases.record.closure import CHECKLIST, TOO_SOON
from bot.cases.record.fields import WrongValue
from bot.cases.record.risk import WINDOWS, Risk
from bot.cases.record.service import RecordMoved
from bot.cases.record.stages import STEPS, Stage
from bot.kernel.access import Role
from dialogues.understanding.model import Priority
from tests.conftest import NOON

HOUR = timedelta(hours=1)


@pytest.fixture
async def amira(world):
    return await world.officer("amira")


@pytest.fixture
async def ines(world):
    return await world.officer("ines", Role.COORDINATOR)


@pytest.fixture
async def case_id(world, amira):
    opened = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), opened))
    return opened


def said(**values):
    return {field: (value,) if isinstance(value, str) else value for field, value in values.items()}


async def write(world, officer, case_id, values, seen=None, at=NOON):
    return await world.database.write(
        lambda tx: record.write_fields(tx, world.hand(officer, at), case_id, values, seen=seen or {})
    )


async def read(world, officer, case_id):
    return await world.database.write(lambda tx: record.open_record(tx, world.hand(officer), case_id))


async def test_what_is_written_is_read_again_and_nowhere_in_clear(world, amira, case_id):
    values = said(name="Ali Hassan", age="15", concerns=("no_guardian", "age_dispute"), religion="kept-to-herself")
    assert await write(world, amira, case_id, values) == ["name", "age", "religion", "concerns"]

    found = await read(world, amira, case_id)
    stored = await world.database.read(lambda tx: repr(tx.execute(sa.select(record_store.facts)).all()))

    assert found.facts["name"].values == ("Ali Hassan",)
    assert found.facts["concerns"].values == ("no_guardian", "age_dispute")
    assert not any(word in stored for word in ("Hassan", "guardian", "herself"))


async def test_the_steps_of_a_best_interests_procedure_are_written_in_any_order_and_each_version_stays(
    world, amira, ines, case_id
):
    await write(world, amira, case_id, said(bi_now="A bed apart from the adult.", bi_formal="yes"))
    await write(world, amira, case_id, said(bi_views="I want to be with my sister.", bi_review="2026-12-24"))
    with pytest.raises(WrongValue):
        await write(world, amira, case_id, said(bi_review="soon"))

    found = await read(world, ines, case_id)  # whoever coordinates, and sits on the panel

    assert found.facts["bi_views"].values == ("I want to be with my sister.",)
    assert (found.facts["bi_formal"].values, found.facts["bi_review"].values) == (("yes",), ("2026-12-24",))
    stored = await world.database.read(lambda tx: repr(tx.execute(sa.select(record_store.facts)).all()))
    assert "sister" not in stored


async def test_what_can_get_a_person_hurt_is_read_by_whoever_holds_the_case_and_nobody_else(
    world, amira, ines, case_id
):
    await write(world, amira, case_id, said(name="Ali", religion="kept-to-herself", documents="A1234"))

    found = await read(world, ines, case_id)

    assert found.facts["name"].values == ("Ali",)
    assert found.hidden == {"religion", "ethnicity", "documents", "references"}
    assert not found.hidden & found.facts.keys()


async def test_who_coordinates_reads_but_does_not_write_in_a_case_they_do_not_hold(world, ines, case_id):
    with pytest.raises(NotAllowedNow):
        await write(world, ines, case_id, said(name="Ali"))


async def test_the_record_of_a_foreign_case_is_not_found_and_one_nobody_holds_is_not_open(world, case_id):
    omar = await world.officer("omar")
    waiting = (await world.escalate()).case_id

    with pytest.raises(CaseNotFound):
        await read(world, omar, case_id)
    with pytest.raises(NotAllowedNow):
        await read(world, omar, waiting)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("age", "121"),
        ("age", "-1"),
        ("age", "fifteen"),
        ("age", "9" * 11),
        ("born", "2011-13-01"),
        ("born", "yesterday"),
        ("sex", "both"),
        ("sex", ("female", "male")),
        ("concerns", ("no_guardian", "invented")),
        ("name", "x" * 501),
        ("name", ("one", "two")),
    ],
)
async def test_what_a_field_does_not_take_changes_nothing(world, amira, case_id, field, value):
    with pytest.raises(WrongValue, match=field):
        await write(world, amira, case_id, {**said(location="Bari"), **said(**{field: value})})

    assert (await read(world, amira, case_id)).facts == {}


async def test_a_field_nobody_knows_is_refused(world, amira, case_id):
    with pytest.raises(NotAllowedNow):
        await write(world, amira, case_id, said(shoe_size="39"))


async def test_a_stale_form_does_not_write_over_a_colleague(world, amira, case_id):
    await write(world, amira, case_id, said(location="Bari", name="Ali"))
    version = (await read(world, amira, case_id)).facts["location"].id
    await write(world, amira, case_id, said(location="Ventimiglia"), {"location": version})

    with pytest.raises(RecordMoved) as moved:
        await write(world, amira, case_id, said(location="Rome", name="Ali H."), {"location": version})

    assert "location" in moved.value.fields
    found = await read(world, amira, case_id)
    assert (found.facts["location"].values, found.facts["name"].values) == (("Ventimiglia",), ("Ali",))


async def test_the_same_form_again_changes_nothing(world, amira, case_id):
    assert await write(world, amira, case_id, said(location="Bari")) == ["location"]
    assert await write(world, amira, case_id, said(location="Bari")) == []


@pytest.mark.on_both
async def test_every_version_of_a_field_is_kept_until_the_case_is_erased(world, amira, case_id):
    for place in ("Bari", "Rome"):
        version = (await read(world, amira, case_id)).facts.get("location")
        await write(world, amira, case_id, said(location=place), {"location": version.id if version else ""})

    rows = await world.database.read(lambda tx: record_store.all_facts(tx, case_id))
    assert [row.field for row in rows].count("location") == 2
    case = (await read(world, amira, case_id)).case
    await world.database.write(lambda tx: service.erase_words(tx, world.vault, case.conversation_id, at=NOON))
    rows = await world.database.read(lambda tx: record_store.all_facts(tx, case_id))
    assert {row.value_sealed for row in rows} == {None}


async def test_a_name_that_was_learnt_makes_the_case_findable(world, amira, case_id):
    await write(world, amira, case_id, said(name="Ali Hassan"))

    found = await world.database.write(lambda tx: intake.search(tx, world.hand(amira), intake.Wanted(name="hassan")))

    assert [each.case.id for each in found] == [case_id]


# --- tasks


async def test_a_task_has_a_reason_and_a_time_and_is_done_once(world, amira, case_id):
    due = NOON + HOUR
    task_id = await world.database.write(
        lambda tx: record.add_task(tx, world.hand(amira), case_id, what="Call", why="She asked", due_at=due)
    )

    [(task, case)] = await world.database.read(lambda tx: record.tasks_of_owner(tx, world.vault, amira))
    assert (task.what, task.why, case.id) == ("Call", "She asked", case_id)
    assert not task.is_late(NOON)
    assert task.is_late(due)
    await world.database.write(lambda tx: record.finish_task(tx, world.hand(amira), case_id, task_id))
    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: record.finish_task(tx, world.hand(amira), case_id, task_id))


async def test_the_day_of_the_next_look_at_a_decision_is_a_task_and_another_day_takes_its_place(world, amira, case_id):
    async def open_tasks():
        found = await world.database.read(lambda tx: record.tasks_of_owner(tx, world.vault, amira))
        return [task.due_at for task, _ in found if task.kind == record.NEXT_LOOK]

    async def moves_to(day):
        version = (await read(world, amira, case_id)).facts["bi_review"].id
        await write(world, amira, case_id, said(bi_review=day), {"bi_review": version})

    await write(world, amira, case_id, said(bi_review="2026-12-24"))
    assert await open_tasks() == [datetime(2026, 12, 24, 12, tzinfo=UTC)]

    await moves_to("2027-01-10")
    await write(world, amira, case_id, said(bi_advice="Stay together."))
    assert await open_tasks() == [datetime(2027, 1, 10, 12, tzinfo=UTC)]
    [moved] = (await read(world, amira, case_id)).tasks
    assert moved.done_at is None, "nobody has looked"

    await moves_to("")
    assert await open_tasks() == []
    [ended] = (await read(world, amira, case_id)).tasks
    assert ended.is_overtaken
    assert ended.done_by != amira.id


async def test_who_looks_at_the_risk_again_has_not_done_what_the_level_before_asked_for(world, amira, case_id):
    for level in (Risk.MEDIUM, Risk.HIGH):
        await assess(world, amira, case_id, level)

    tasks = (await read(world, amira, case_id)).tasks

    assert sorted(task.kind for task in tasks if task.is_overtaken) == ["plan", "review", "see"]
    assert [task for task in tasks if task.done_by == amira.id] == []


@pytest.mark.parametrize(
    ("what", "why", "due"),
    [("", "why", HOUR), ("what", " ", HOUR), ("what", "why", -HOUR), ("what", "why", timedelta(days=9999))],
)
async def test_a_task_without_a_reason_or_in_the_past_is_refused(world, amira, case_id, what, why, due):
    with pytest.raises(NotAllowedNow):
        await world.database.write(
            lambda tx: record.add_task(tx, world.hand(amira), case_id, what=what, why=why, due_at=NOON + due)
        )


async def test_a_task_of_another_case_is_not_done_under_ones_own_address(world, amira, case_id):
    omar = await world.officer("omar")
    other = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(omar), other))
    task_id = await world.database.write(
        lambda tx: record.add_task(tx, world.hand(omar), other, what="Call", why="x", due_at=NOON + HOUR)
    )

    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: record.finish_task(tx, world.hand(amira), case_id, task_id))


# --- risk


async def assess(world, officer, case_id, level, at=NOON):
    return await world.database.write(
        lambda tx: record.assess(tx, world.hand(officer, at), case_id, level, why="what was seen")
    )


async def test_a_risk_asks_for_a_visit_a_plan_and_another_look_within_its_windows(world, amira, case_id):
    await assess(world, amira, case_id, Risk.HIGH)

    found = await read(world, amira, case_id)

    window = WINDOWS[Risk.HIGH]
    due = {task.kind: task.due_at - NOON for task in found.tasks}
    assert due == {"see": window.see, "plan": window.plan, "review": window.review}
    assert window.see == timedelta(hours=24)


async def test_a_lower_risk_counts_only_once_a_supervisor_signed_it(world, amira, ines, case_id):
    await assess(world, amira, case_id, Risk.HIGH)
    lower = await assess(world, amira, case_id, Risk.LOW, at=NOON + HOUR)
    assert (await read(world, amira, case_id)).risk.level is Risk.HIGH

    with pytest.raises(NotAllowedNow):  # nobody signs their own, and an officer signs none
        await world.database.write(lambda tx: record.sign_risk(tx, world.hand(amira), case_id, lower))
    await world.database.write(lambda tx: record.sign_risk(tx, world.hand(ines), case_id, lower))

    assert (await read(world, amira, case_id)).risk.level is Risk.LOW


async def test_a_supervisor_who_holds_the_case_does_not_sign_their_own_lower_risk(world):
    both = await world.officer("both", Role.COORDINATOR, Role.OFFICER)
    case_id = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(both), case_id))
    await assess(world, both, case_id, Risk.HIGH)
    lower = await assess(world, both, case_id, Risk.LOW, at=NOON + HOUR)

    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: record.sign_risk(tx, world.hand(both), case_id, lower))


async def test_a_higher_risk_counts_at_once_and_its_tasks_take_the_place_of_the_others(world, amira, case_id):
    await assess(world, amira, case_id, Risk.LOW)
    await assess(world, amira, case_id, Risk.HIGH, at=NOON + HOUR)

    found = await read(world, amira, case_id)
    still_open = [task for task in found.tasks if task.done_at is None]
    assert found.risk.level is Risk.HIGH
    assert len(still_open) == 3
    assert min(task.due_at for task in still_open) == NOON + HOUR + WINDOWS[Risk.HIGH].see


# --- stages


async def test_every_lawful_step_and_no_other(world, amira, case_id):
    for before in Stage:
        for after in Stage:
            await world.database.write(
                lambda tx, stage=before: tx.execute(service.store.cases.update().values(stage=stage.value))
            )

            async def step(stage=after):
                await world.database.write(lambda tx: record.go_to_stage(tx, world.hand(amira), case_id, stage))

            if (before, after) in STEPS:
                await step()
            else:
                with pytest.raises(NotAllowedNow):
                    await step()


async def test_who_does_not_hold_the_case_takes_no_step(world, ines, case_id):
    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: record.go_to_stage(tx, world.hand(ines), case_id, Stage.ASSESSMENT))


# --- closing and looking


async def close(world, officer, case_id, checked=frozenset()):
    return await world.database.write(
        lambda tx: service.close_case(tx, world.hand(officer), case_id, closing="helped", checked=checked)
    )


async def test_a_case_somebody_worked_on_is_closed_with_its_checklist(world, amira, case_id):
    await write(world, amira, case_id, said(name="Ali"))

    with pytest.raises(NotReadyToClose) as refused:
        await close(world, amira, case_id, {"safe"})
    assert refused.value.obstacles == (CHECKLIST["told"], CHECKLIST["next"])

    await close(world, amira, case_id, set(CHECKLIST))
    with pytest.raises(NotAllowedNow):  # a closed record stays as it was
        await write(world, amira, case_id, said(name="Omar"), {"name": "x"})


async def test_who_wrote_of_danger_and_went_quiet_keeps_their_case_for_three_days(world, amira):
    grave = (await world.escalate(priority=Priority.P1)).case_id
    lighter = (await world.escalate(reason="asked_for_person", priority=Priority.P2)).case_id

    async def close_as_silent(case_id, at):
        await world.database.write(lambda tx: service.close_case(tx, world.hand(amira, at), case_id, closing="silent"))

    for case_id in (grave, lighter):
        await world.database.write(lambda tx, case_id=case_id: service.claim_case(tx, world.hand(amira), case_id))
    await close_as_silent(lighter, NOON)
    with pytest.raises(NotReadyToClose) as refused:
        await close_as_silent(grave, NOON + timedelta(hours=71))
    assert refused.value.obstacles == (TOO_SOON,)
    await close_as_silent(grave, NOON + timedelta(hours=73))


async def test_what_is_still_under_way_stands_in_the_way_whatever_was_ticked(world, amira, case_id):
    await assess(world, amira, case_id, Risk.LOW)

    with pytest.raises(NotReadyToClose) as refused:
        await close(world, amira, case_id, set(CHECKLIST))

    assert refused.value.obstacles == ("A task is still open.",)


async def test_a_case_that_was_only_talked_in_needs_no_checklist(world, amira, case_id):
    await close(world, amira, case_id)


async def test_one_can_see_who_has_seen_this_file(world, amira, ines, case_id):
    for _ in range(2):
        await world.database.write(lambda tx: service.open_file(tx, world.hand(ines, NOON + HOUR), case_id))
    await read(world, amira, case_id)

    readers = await world.database.write(lambda tx: record.seen_by(tx, world.hand(amira), case_id))

    assert [(reader.officer_id, reader.times) for reader in readers] == [(ines.id, 2), (amira.id, 1)]
    omar = await world.officer("omar")
    with pytest.raises(CaseNotFound):
        await world.database.write(lambda tx: record.seen_by(tx, world.hand(omar), case_id))
