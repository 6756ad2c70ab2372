"""Files in and out: what goes out comes in again, as unverified drafts; what is wrong is named, and nothing is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.database import Database, open_database
from directory import demonstration, store
from directory.asking import Directory
from directory.files.commands import import_file
from directory.files.hsds_json import LONGEST_LINE, export_services, parse_service, read_lines
from directory.files.importing import ImportReport
from directory.files.telling import tell_export
from directory.model import RecordState, WrongRecord

T = TypeVar("T")


async def exported(directory: Directory) -> list[str]:
    return await directory.database.read(lambda tx: list(export_services(tx)))


async def bring_in(database: Database, path: Path, clock: SetClock, *, rehearse: bool = False) -> ImportReport:
    return await import_file(database, path, by="ana", at=clock.now(), rehearse=rehearse)


async def test_what_went_out_comes_in_again_as_unverified_drafts(
    demo: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    lines = [line for line in await exported(demo) if "safe_space" not in line and "Worldwide" not in line]
    file = tmp_path / "services.ndjson"
    file.write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    await database.write(demonstration.remove)
    helplines = await database.read(store.list_ids)
    await database.write(lambda tx: store.delete_services(tx, helplines))

    report = await bring_in(database, file, clock)

    assert report.summary() == f"{len(lines)} new, 0 changed, 0 the same, 0 rejected"
    records = await database.read(lambda tx: store.get_services(tx, store.list_ids(tx)))
    assert {record.state for record in records} == {RecordState.DRAFT}
    assert {record.verification for record in records} == {None}
    [clinic] = [record for record in records if record.name == "Willow clinic"]
    assert clinic.hours is not None
    assert len(clinic.hours.shifts) == 11
    assert {text.language for text in clinic.names} == {"ar", "es", "fr"}
    assert clinic.locations[0].address == "Via dell'Esempio 40"
    assert (await bring_in(database, file, clock)).same == len(lines)


async def test_a_rehearsal_says_the_same_and_keeps_nothing(
    demo: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    lines = [line for line in await exported(demo) if "Lantern kitchen" in line]
    file = tmp_path / "services.ndjson"
    file.write_text("\n".join(lines), encoding="utf-8")
    await database.write(demonstration.remove)
    before = await database.read(store.latest_change)

    rehearsed = await bring_in(database, file, clock, rehearse=True)

    assert rehearsed.new == len(lines) == 1
    assert await database.read(store.latest_change) == before
    assert (await bring_in(database, file, clock)).summary() == rehearsed.summary()


async def test_one_wrong_line_keeps_all_the_others_out(
    demo: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    good = next(line for line in await exported(demo) if "Lantern kitchen" in line)
    broken = json.loads(good) | {"id": "not a uuid", "minimum_age": "ten", "status": "open"}
    file = tmp_path / "services.ndjson"
    file.write_text(f"{good}\n\n{json.dumps(broken)}\n{good}\n{good[:100]}", encoding="utf-8")
    await database.write(demonstration.remove)
    before = await database.read(store.latest_change)

    refused = await bring_in(database, file, clock)

    reasons = "\n".join(refused.reasons)
    assert "line 3: " in reasons
    assert "id is not a UUID" in reasons
    assert "minimum_age is not a number" in reasons
    assert "status 'open' is none of HSDS's" in reasons
    assert "line 4: the same id stands on an earlier line" in reasons
    assert "line 5: no JSON, cut off in the middle, or longer than 1000000 characters" in reasons
    assert await database.read(store.latest_change) == before
    assert (await bring_in(database, file, clock, rehearse=True)).reasons == refused.reasons


async def test_an_import_does_not_touch_what_is_in_force(
    demo: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    line = next(line for line in await exported(demo) if "Lantern kitchen" in line)
    changed = json.loads(line)
    changed["phones"][0]["number"] = "+44 1632 960999"
    changed["attributes"] = [{"taxonomy_term": {"code": "BD-1800", "name": "Comida"}}]  # of a taxonomy of others
    file = tmp_path / "services.json"
    file.write_text(json.dumps(changed, indent=1) + "\n", encoding="utf-8")

    service_id = changed["id"]
    before = await database.read(lambda tx: store.get_service(tx, service_id))

    report = await bring_in(database, file, clock)

    assert report.summary() == "0 new, 1 changed, 0 the same, 0 rejected"
    assert await database.read(lambda tx: store.get_service(tx, service_id)) == before
    drafts = await database.read(lambda tx: store.update_ids(tx, [service_id], [RecordState.DRAFT]))
    draft = await database.read(lambda tx: store.get_service(tx, drafts[service_id]))
    assert draft is not None
    assert (draft.phones[0].number, draft.needs) == ("+44 1632 960999", ("food",))


async def test_an_export_to_the_screen_is_written_as_it_is_read(
    demo: Directory, database: Database, capsys: pytest.CaptureFixture[str]
):
    given: list[object] = []

    class Noting:
        """The database, and what it gives away at once: a list of all would be held in memory."""

        async def read(self, work: Callable[[Connection], T]) -> T:
            given.append(answer := await database.read(work))
            return answer

        async def write(self, work: Callable[[Connection], T]) -> T:
            return await database.write(work)

    assert await tell_export(Noting(), None) == 0

    lines = capsys.readouterr().out.splitlines()
    assert given == [len(lines)]
    assert lines == await exported(demo)


def test_a_line_without_an_end_is_not_read_into_memory(tmp_path: Path):
    file = tmp_path / "long.ndjson"
    file.write_text("[" * (LONGEST_LINE * 3) + "\n{}\n", encoding="utf-8")

    lines = list(read_lines(file))

    assert [len(line) <= LONGEST_LINE for _, line in lines] == [True, True]
    assert lines[1][1] == "{}\n"


def test_bytes_that_are_no_text_are_refused_line_by_line(tmp_path: Path):
    file = tmp_path / "latin1.ndjson"
    file.write_bytes('{"name":"Hébergement"}\n'.encode("latin-1") + b"\x00\xff\xfe\n")

    for _, line in read_lines(file):
        with pytest.raises(WrongRecord):
            parse_service(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "id", "name", "description", "status", "organization", "phones", "schedules", "languages", "attributes",
    "service_at_locations", "service_areas", "minimum_age", "maximum_age", "cost_options", "required_documents",
    "translations", "url", "email", "alert",
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), JSON | st.lists(st.dictionaries(st.sampled_from(KEYS), JSON))))
def test_whatever_a_stranger_writes_is_either_a_record_or_refused(data: dict[str, Any]):
    reasons: list[str] = []
    try:
        _, service = parse_service(json.dumps(data))
        assert service.problems() == []
    except WrongRecord as error:
        reasons = error.problems or ["refused without a reason"]

    assert "refused without a reason" not in reasons


@pytest.mark.parametrize("name", ["A\u202eB", "A\x00B", "A" * 301, "", 5, None, ["A"]])
def test_names_that_would_deceive_or_break_are_refused(name: object):
    with pytest.raises(WrongRecord, match="name"):
        parse_service(json.dumps({"name": name}))


async def test_the_directory_alone_keeps_a_file_of_its_own(tmp_path: Path, clock: SetClock):
    from directory.database import WrongDatabase
    from directory.database import open_database as open_alone

    url = f"sqlite:///{tmp_path / 'alone.db'}"
    alone = await open_alone(url)
    await alone.write(lambda tx: demonstration.seed(tx, at=clock.now()))
    await alone.close()
    opened = open_database(url)
    assert len((await opened.read(store.demo_ids))[0]) == len(demonstration.EXAMPLES)
    await opened.close()
    for wrong in ("mysql://x", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(WrongDatabase):
            await open_alone(wrong)
