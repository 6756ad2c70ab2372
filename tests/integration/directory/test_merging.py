"""Two records become one: by a person, with nothing lost, and with every old id leading somewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from directory import store
from directory.asking import Directory
from directory.duplicates import look_for_duplicates
from directory.files.commands import import_file
from directory.files.importing import Became, Outcome
from directory.hsds import full_service
from directory.merging import Take, merge_services
from directory.model import LocationKind, NotAllowedNow, Phone, RecordState, Service
from directory.safe_places import SafePlace, put_safe_place
from directory.service import Wrong, report_wrong

from .conftest import Audited, Hsds
from .records import NOWHERE, OWNER, a_service, put

OLD, NEW = Phone("+44 1632 960001"), Phone("+44 1632 960002")


async def pair(database: Database, clock: SetClock, **changes: object) -> tuple[Service, Service]:
    """A shelter that stands in the directory twice."""
    at = clock.now()
    stays = a_service("Harbour house", at, phones=(OLD,))
    gone = replace(a_service("Harbour House", at, north_m=20), phones=(OLD, NEW), languages=("ar",))
    gone = replace(gone, **changes)  # type: ignore[arg-type]
    await database.write(lambda tx: put(tx, stays, gone, at=at))
    return stays, gone


async def merge(database: Database, clock: SetClock, gone: Service, stays: Service, **take: Take) -> Service:
    return await database.write(
        lambda tx: merge_services(tx, gone.id, stays.id, take=take, by="ana", at=clock.now(), why="the same house")
    )


async def there(database: Database, service_id: str) -> Service:
    found = await database.read(lambda tx: store.get_service(tx, service_id))
    assert found is not None
    return found


async def waiting(database: Database) -> list[set[str]]:
    found = await database.read(lambda tx: store.suggested(tx, limit=100))
    return [{each.first_id, each.second_id} for each in found]


async def test_what_looks_alike_waits_until_a_person_decides(directory: Directory, database: Database, clock: SetClock):
    stays, gone = await pair(database, clock)
    await look_for_duplicates(database, at=clock.now())
    assert {stays.id, gone.id} in await waiting(database)
    assert (await there(database, gone.id)).state is RecordState.CURRENT  # nothing happened by itself

    assert await database.write(lambda tx: store.tell_apart(tx, gone.id, stays.id, by="ana", at=clock.now()))
    await look_for_duplicates(database, at=clock.now())
    assert {stays.id, gone.id} not in await waiting(database)


async def test_a_merged_pair_waits_no_longer(directory: Directory, database: Database, clock: SetClock):
    stays, gone = await pair(database, clock)
    await look_for_duplicates(database, at=clock.now())
    await merge(database, clock, gone, stays)
    assert {stays.id, gone.id} not in await waiting(database)


async def test_what_is_taken_over_is_a_draft_and_history_is_kept(
    directory: Directory, database: Database, clock: SetClock
):
    stays, gone = await pair(database, clock)

    draft = await merge(database, clock, gone, stays, phones=Take.BOTH, languages=Take.OTHER, website=Take.OTHER)

    assert (draft.update_of, draft.state) == (stays.id, RecordState.DRAFT)
    assert (draft.phones, draft.languages) == ((OLD, NEW), ("ar",))
    assert (await there(database, stays.id)).phones == (OLD,)  # a second person has to call first
    assert (await there(database, gone.id)).state is RecordState.ARCHIVED
    [change] = await database.read(lambda tx: store.changes_of(tx, gone.id))
    assert (change.act, change.by, change.before["name"]) == ("merged", "ana", "Harbour House")
    assert stays.id in change.why
    near = await directory.near("shelter", NOWHERE, language="en")
    assert [found.id for found in near] == [stays.id]


async def test_an_old_id_leads_to_the_record_that_stays(
    directory: Directory, hsds: Hsds, database: Database, clock: SetClock
):
    stays, gone = await pair(database, clock)
    last = a_service("Harbour", clock.now())
    await database.write(lambda tx: put(tx, last, at=clock.now()))
    await merge(database, clock, gone, stays)
    await merge(database, clock, stays, last)

    moved = await hsds.get(f"/hsds/services/{gone.id}?lang=fr", allow_redirects=False)
    assert (moved.status, moved.headers["Location"]) == (301, f"/hsds/services/{last.id}?lang=fr")
    assert (await (await hsds.get(f"/hsds/services/{gone.id}")).json())["id"] == last.id
    found = await directory.service(gone.id, language="en")
    assert found is not None
    assert found.id == last.id

    await database.write(lambda tx: store.set_state(tx, last.id, RecordState.ARCHIVED, at=clock.now()))
    assert (await hsds.get(f"/hsds/services/{gone.id}")).status == 404


async def test_reports_move_along_and_are_believed(directory: Directory, database: Database, clock: SetClock):
    stays, gone = await pair(database, clock)
    at = clock.now()
    await database.write(lambda tx: report_wrong(tx, stays.id, Wrong.CLOSED, reporter="one", at=at))
    await database.write(lambda tx: report_wrong(tx, gone.id, Wrong.CLOSED, reporter="two", at=at))
    await merge(database, clock, gone, stays)
    assert (await there(database, stays.id)).verification is None

    late = a_service("Late", at)
    other = a_service("Later", at)
    await database.write(lambda tx: put(tx, late, other, at=at))
    await merge(database, clock, late, other)
    await database.write(lambda tx: report_wrong(tx, late.id, Wrong.NUMBER, reporter="one", at=at))
    assert await database.read(lambda tx: store.open_reports(tx, [other.id])) == {other.id: {"wrong_number": 1}}


async def test_a_file_that_still_has_the_old_record_is_taken_in(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    stays, gone = await pair(database, clock)
    await merge(database, clock, gone, stays)
    told: list[Outcome] = []
    file = tmp_path / "services.ndjson"
    file.write_text(json.dumps(full_service(gone, OWNER)), encoding="utf-8")

    report = await import_file(database, file, by="ana", at=clock.now(), listener=told.append)

    assert (report.same, report.rejected) == (1, 0)
    assert told[0].became is Became.SAME
    assert stays.id in told[0].why


@pytest.mark.on_both
async def test_what_must_not_be_merged_is_not(directory: Directory, database: Database, clock: SetClock, vault: Vault):
    stays, gone = await pair(database, clock)

    async def refused(one: Service, other: Service) -> bool:
        with pytest.raises(NotAllowedNow):
            await merge(database, clock, one, other)
        return (await there(database, one.id)).state is one.state

    def gate(key: str) -> Service:
        record = a_service(key, clock.now(), confidential=True, phones=(OLD,))
        place = replace(record.locations[0], kind=LocationKind.FRONT_GATE, address="", latitude=72.0, longitude=-40.0)
        return replace(record, locations=(place,))

    safe, empty = gate("Safe house"), gate("Safe House")
    draft = a_service("Draft", clock.now(), state=RecordState.DRAFT)
    demo = a_service("Demo", clock.now(), demo=True)

    def keep(tx: Connection) -> None:
        put(tx, safe, empty, draft, demo, at=clock.now())
        place = SafePlace("Hidden street 1", 72.123456, -40.123456)
        put_safe_place(tx, vault, Audited(), service_id=safe.id, place=place, by="ana", at=clock.now())

    await database.write(keep)
    assert await refused(safe, stays)
    assert await refused(stays, safe)
    assert await refused(safe, empty)  # its way would be lost
    assert await refused(stays, draft)  # people would be left without it
    assert await refused(demo, stays)
    assert await refused(stays, stays)
    await merge(database, clock, empty, safe)
    await merge(database, clock, gone, stays, phones=Take.OTHER)
    third = a_service("Third", clock.now())
    await database.write(lambda tx: put(tx, third, at=clock.now()))
    assert await refused(stays, third)  # a change of it waits, and would be lost
