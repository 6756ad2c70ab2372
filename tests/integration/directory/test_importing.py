"""A file is taken in a few rows at a time, and wholly or not at all, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from directory import store
from directory.asking import Directory
from directory.files.commands import GIVEN_UP_AFTER, check_rows, take_rows, undo_abandoned, undo_import
from directory.files.importing import ImportReport, Outcome, Row, Sieve, decide, take
from directory.hsds import full_service
from directory.model import Organization, RecordState, Service, fixed_id
from directory.opening_hours import week
from directory.service import save_draft
from directory.store import ImportState
from directory.store.tables import services

from .records import a_service, put

IMPORT = "11111111-1111-4111-8111-111111111111"
OWNER = Organization(fixed_id("importing", "owner"), "Bright Road", "Helps on the road")


def records(count: int, at: datetime) -> list[Service]:
    return [a_service(f"Service {n}", at, organization_id=OWNER.id) for n in range(count)]


def rows(services: list[Service]) -> Iterator[Row]:
    return (Row(f"line {n}", full_service(each, OWNER)) for n, each in enumerate(services, 1))


async def begin(database: Database, at: datetime) -> None:
    await database.write(
        lambda tx: store.add_import(tx, IMPORT, name="a.json", by="ana", at=at, state=ImportState.TAKING)
    )


async def take_in(database: Database, clock: SetClock, some: Iterator[Row], checked: ImportReport) -> ImportReport:
    await begin(database, clock.now())
    return await take_rows(database, some, checked, import_id=IMPORT, by="ana", at=clock.now())


def count(tx: Connection) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(services)).scalar_one())


async def left(database: Database) -> tuple[int, set[str], ImportState]:
    """How many records there are, their organisations, and how the import ended."""

    def read(tx: Connection) -> tuple[int, set[str], ImportState]:
        ended = store.get_import(tx, IMPORT)
        assert ended is not None
        return count(tx), set(store.get_organizations(tx, [OWNER.id])), ended.state

    return await database.read(read)


async def test_others_have_their_turn_while_a_file_is_taken_in(database: Database, clock: SetClock):
    some, seen = records(250, clock.now()), []
    checked = await check_rows(database, rows(some))
    await begin(database, clock.now())

    report = await take_rows(
        database, rows(some), checked, import_id=IMPORT, by="ana", at=clock.now(),
        progress=lambda taken, of: seen.append((taken, of)),
    )  # fmt: skip

    assert (report.new, report.rejected) == (250, 0)
    assert seen == [(100, 250), (200, 250), (250, 250)]
    assert await left(database) == (250, {OWNER.id}, ImportState.DONE)


@pytest.mark.parametrize(("offset", "zone"), [(None, "Europe/Madrid"), (1, "Europe/Madrid"), (0, "Atlantic/Canary")])
async def test_hours_of_strangers_without_a_zone_are_those_of_the_place_and_that_is_said(
    directory: Directory, database: Database, clock: SetClock, offset: int | None, zone: str
):
    [record] = records(1, clock.now())
    place = replace(record.locations[0], country="ES", city="", latitude=43.34, longitude=-1.79)
    [row] = rows([replace(record, locations=(place,), hours=week("Europe/Rome", "mo-fr 09:00-17:00"))])
    for schedule in row.data["schedules"]:
        del schedule["timezone_name"]
        schedule["timezone"] = offset
    heard: list[Outcome] = []

    report = await check_rows(database, iter([row]), listener=heard.append)

    assert report.rejected == 0
    assert f"taken as {zone}" in heard[0].why
    [parsed], _ = Sieve().sift([row])
    assert parsed.service.hours == week(zone, "mo-fr 09:00-17:00")


async def test_a_file_that_breaks_off_leaves_nothing(database: Database, clock: SetClock):
    some = records(150, clock.now())
    checked = await check_rows(database, rows(some))

    def broken() -> Iterator[Row]:
        yield from rows(some)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await take_in(database, clock, broken(), checked)

    assert await left(database) == (0, set(), ImportState.REFUSED)


async def test_what_was_changed_meanwhile_stops_it_and_drafts_are_as_before(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    draft, in_force = records(2, at)
    await database.write(lambda tx: store.put_organization(tx, OWNER, at=at))
    await database.write(lambda tx: save_draft(tx, draft, by="eva", at=at))
    await database.write(lambda tx: put(tx, in_force, at=at))
    before = await database.read(lambda tx: store.get_services(tx, [draft.id, in_force.id]))
    there = await database.read(count)
    changed = [replace(each, summary="New") for each in records(150, at)]
    checked = await check_rows(database, rows(changed))
    assert (checked.new, checked.changed, checked.rejected) == (148, 2, 0)
    late = replace(changed[140], summary="What Eva knows")
    await database.write(lambda tx: save_draft(tx, late, by="eva", at=at))
    await database.write(lambda tx: store.set_state(tx, late.id, RecordState.IN_REVIEW, at=at))

    report = await take_in(database, clock, rows(changed), checked)

    assert report.rejected == 1
    assert "only a draft can be changed" in report.reasons[0]
    after = await database.read(lambda tx: store.get_services(tx, [draft.id, in_force.id]))
    assert [record.summary for record in after] == [record.summary for record in before]
    drafts = await database.read(lambda tx: store.update_ids(tx, [in_force.id], [RecordState.DRAFT]))
    assert drafts == {}
    assert await database.read(count) == there + 1, "and Eva's new record is still there"


async def test_what_a_dead_import_wrote_is_taken_back(database: Database, clock: SetClock):
    good, _ = Sieve().sift(rows(records(100, clock.now())))
    await begin(database, datetime.now(UTC))
    await database.write(lambda tx: take(tx, IMPORT, decide(tx, good), by="ana", at=clock.now()))
    assert await left(database) == (100, {OWNER.id}, ImportState.TAKING)

    assert await undo_abandoned(database, at=datetime.now(UTC)) == 0, "it may still be alive"
    assert await undo_abandoned(database, at=datetime.now(UTC) + GIVEN_UP_AFTER + timedelta(seconds=1)) == 1

    assert await left(database) == (0, set(), ImportState.REFUSED)


async def test_what_somebody_made_theirs_meanwhile_stays(database: Database, clock: SetClock):
    good, _ = Sieve().sift(rows(records(3, clock.now())))
    await begin(database, clock.now())
    await database.write(lambda tx: take(tx, IMPORT, decide(tx, good), by="ana", at=clock.now()))
    kept = good[0].service.id
    await database.write(lambda tx: store.set_state(tx, kept, RecordState.IN_REVIEW, at=clock.now()))

    await undo_import(database, IMPORT, at=clock.now())

    assert await database.read(store.list_ids) == [kept]
    assert await left(database) == (1, {OWNER.id}, ImportState.REFUSED)
