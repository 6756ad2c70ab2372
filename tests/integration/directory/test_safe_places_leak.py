"""Canaries: a hidden address is planted, everything that anyone may read is read, and no canary is in it."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, SqliteDatabase
from directory import store
from directory.asking import Directory
from directory.differences import differences
from directory.files.hsds_json import export_services
from directory.files.writing import FORMATS, write_services
from directory.model import NEEDS, FoundPlace, Service
from directory.places import Place, load_supplement
from directory.safe_place_changes import propose, turn_down, waiting
from directory.safe_places import Purpose, Reader, SafePlace, open_safe_place, put_safe_place, safe_places
from directory.schema import metadata
from directory.service import list_services
from directory.values import Tongue
from directory.words import DirectoryWords

from .conftest import Audited, Hsds
from .records import VENTIMIGLIA

SAID = Tongue(DirectoryWords.load())

STREET = "Vicolo Zaffiro Canarino 4711"
LATITUDE, LONGITUDE = 43.8137291, 7.6193847

#: The address in the shapes in which it might slip out.
CANARIES = (
    STREET, STREET.upper(), STREET.lower(), "Zaffiro", "Canarino", "vicolo-zaffiro-canarino-4711",
    "Vicolo%20Zaffiro", "Vicolo+Zaffiro", "زافيرو", "كانارينو", "Дзаффиро", "Канарино", "ዛፊሮ",
    "IM-91823", "scala Q", "citofono Betulla", "Betulla",
    "43.8137291", "43.81373", "43.8137", "43.814", "7.6193847", "7.61938", "7.6194", "7.619",
    "43°48'49", "7°37'9", "43 48.82", "spdtz", "8FM9RJ79", "+39 0184 471147", "390184471147", "0184471147",
)  # fmt: skip
SECRET = (
    f"{STREET}, scala Q, citofono Betulla, IM-91823, tel +39 0184 471147, 43°48'49\"N 7°37'9\"E, "
    "زافيرو كانارينو, Дзаффиро Канарино, ዛፊሮ, 8FM9RJ79, spdtz"
)
HIDDEN = (SECRET, LATITUDE, LONGITUDE)
LANGUAGES = ("en", "fr", "es", "ar", "so")


async def safe_service(database: Database) -> Service:
    def read(tx: Connection) -> Service:
        records = store.get_services(tx, store.list_ids(tx))
        [safe] = [record for record in records if record.confidential]
        return safe

    return await database.read(read)


async def hide(database: Database, vault: Vault, clock: SetClock, place: tuple[str, float, float]) -> Service:
    safe = await safe_service(database)

    def put(tx: Connection) -> None:
        """One that counts, and another that waits for a second person."""
        at, found = clock.now(), SafePlace(*place)
        put_safe_place(tx, vault, Audited(), service_id=safe.id, place=found, by="ana", at=at)
        if waits := waiting(tx, safe.id):
            turn_down(tx, vault, Audited(), service_id=safe.id, change_id=waits.id, by="ben", at=at)
        propose(tx, vault, Audited(), safe, found, why="moved", by="ana", at=at)

    await database.write(put)
    return safe


def probes() -> list[FoundPlace]:
    """Points from which one might try to measure: the towns around, and a ring about the hidden point itself."""
    towns = [place for place in load_supplement() if place.key in ("ventimiglia", "menton", "nice", "sanremo")]
    steps = (-0.004, 0.002)
    ring = [(round(LATITUDE + north, 6), round(LONGITUDE + east, 6)) for north in steps for east in steps]
    return [_point(town) for town in towns] + [FoundPlace("here", "IT", *point) for point in ring]


def _point(place: Place) -> FoundPlace:
    return FoundPlace(place.name, place.country, place.latitude, place.longitude)


async def pages(hsds: Hsds) -> AsyncIterator[tuple[str, str]]:
    """Every route of the API, with every way of asking for more."""
    paths = ["/", "/openapi.json", "/profile"]
    for kind in ("services", "organizations", "service_at_locations", "taxonomies", "taxonomy_terms"):
        paths += [f"/{kind}?per_page=100", f"/{kind}?format=ndjson&full=true", f"/{kind}?per_page=100&full=true"]
        listed = await (await hsds.get(f"/hsds/{kind}?per_page=100")).json()
        shown = [line for i, line in enumerate(listed["contents"]) if i < 2 or "afe" in str(line)]
        paths += [f"/{kind}/{line['id']}" for line in shown]
    paths += [f"/service_at_locations?lat={p.latitude}&lon={p.longitude}&proximity=400" for p in probes()]
    paths += [f"/services?lang={language}&full=true&per_page=100" for language in LANGUAGES]
    paths += ["/services?minimal=true", "/service_at_locations?postcode=00001"]
    for path in paths:
        response = await hsds.get("/hsds" + path)
        yield path, await response.text() + str(response.headers)


async def everything_said(directory: Directory, hsds: Hsds) -> dict[str, str]:
    """All that a child, a worker, an editor or a machine can read."""
    said = {path: text async for path, text in pages(hsds)}
    for need in NEEDS:
        said[f"near {need}"] = repr(await directory.near(need, VENTIMIGLIA, language="ar", limit=20))
    for place in probes():
        for language in LANGUAGES:
            said[f"near {place} {language}"] = repr(await directory.near("shelter", place, language=language, limit=20))
    for canary in CANARIES:
        said[f"resolve {canary}"] = repr(await directory.resolve_place(canary))
    at = directory.clock.now()
    said["list"] = repr(await directory.database.read(lambda tx: list_services(tx, at=at)))
    said["export"] = "\n".join(await directory.database.read(lambda tx: list(export_services(tx))))
    said["towns"] = repr(await directory.database.read(store.own_towns))
    said |= await posted(hsds)
    said |= await files(directory)
    said["history"] = repr(await directory.database.read(all_changes))
    return said


async def posted(hsds: Hsds) -> dict[str, str]:
    """What every list answers to questions in the body."""
    said = {}
    for kind in ("services", "organizations", "service_at_locations"):
        for body in [
            {"full": True, "per_page": 100},
            {"format": "ndjson", "full": True},
            {"lang": "ar", "per_page": 100},
        ]:
            said[f"POST {kind} {body}"] = await (await hsds.post(f"/hsds/{kind}", json=body)).text()
    for place in probes():
        body = {"lat": place.latitude, "lon": place.longitude, "proximity": 400, "full": True}
        said[f"POST {place}"] = await (await hsds.post("/hsds/service_at_locations", json=body)).text()
    return said


async def files(directory: Directory) -> dict[str, str]:
    """Every format of an export, unpacked where it is packed."""
    said = {}
    with tempfile.TemporaryDirectory() as name:
        for ending in FORMATS:
            path = Path(name) / f"export{ending}"
            await directory.database.read(lambda tx, path=path: write_services(tx, path))  # type: ignore[misc]
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    said |= {f"{path.name}/{each}": archive.read(each).decode() for each in archive.namelist()}
            else:
                said[path.name] = path.read_text(encoding="utf-8")
    return said


def all_changes(tx: Connection) -> list[Any]:
    """What an editor sees of every record and its history."""
    records = store.get_services(tx, store.list_ids(tx))
    nothing = replace(records[0], name="", summary="", needs=(), locations=(), phones=(), hours=None)
    return [
        (differences(nothing, record, SAID), store.changes_of(tx, record.id), store.kept_as(record))
        for record in records
    ]


def dump(tx: Connection) -> str:
    """Every cell of every table of the directory, as text."""
    cells = []
    for table in metadata.sorted_tables:
        for row in tx.execute(sa.select(table)):
            cells += [value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row]
    return "\n".join(cells)


async def test_no_canary_is_found_anywhere(
    demo: Directory, hsds: Hsds, database: Database, vault: Vault, clock: SetClock, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    before = "\n".join((await everything_said(demo, hsds)).values())
    assert not [canary for canary in CANARIES if canary in before]  # or the search below would prove nothing
    await hide(database, vault, clock, HIDDEN)

    said = await everything_said(demo, hsds)
    said["log"] = caplog.text
    said["tables"] = await database.read(dump)

    found = [(where, canary) for where, text in said.items() for canary in CANARIES if canary in text]
    assert found == []


@pytest.mark.on_both
async def test_searching_for_a_canary_finds_nothing(
    demo: Directory, hsds: Hsds, database: Database, vault: Vault, clock: SetClock
):
    await hide(database, vault, clock, HIDDEN)

    for canary in CANARIES:
        answer = await (await hsds.get("/hsds/services", params={"search": canary})).json()
        assert answer["total_items"] == 0, canary
        for around in ({}, {"proximity": "200000"}):
            asked = {"postcode": canary, **around}
            answer = await (await hsds.get("/hsds/service_at_locations", params=asked)).json()
            assert answer["total_items"] == 0, canary


async def test_nothing_that_is_said_depends_on_where_the_safe_place_is(
    demo: Directory, hsds: Hsds, database: Database, vault: Vault, clock: SetClock
):
    await hide(database, vault, clock, HIDDEN)
    here = await everything_said(demo, hsds)
    await hide(database, vault, clock, ("another street", 43.7001, 7.2601))
    there = await everything_said(demo, hsds)

    assert {path for path, text in here.items() if _without_date(text) != _without_date(there[path])} == set()


def _without_date(text: str) -> str:
    return text.split("'Date'")[0]


async def test_the_file_of_the_database_holds_no_canary(
    demo: Directory, database: Database, vault: Vault, clock: SetClock
):
    if not isinstance(database, SqliteDatabase):
        return  # the tables of both are read above; only SQLite's file is ours to read
    await hide(database, vault, clock, HIDDEN)
    with sqlite3.connect(database.path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    for path in Path(database.path).parent.glob(database.path.name + "*"):
        content = path.read_bytes()
        assert [canary for canary in CANARIES if len(canary) > 5 and canary.encode() in content] == []


# --- the one accessor -------------------------------------------------------------------------------------------

READER = Reader("officer-1", "coordinator", "case-1", Purpose.BRING_A_CHILD)


def coordinates(tx: Connection, reader: Reader) -> bool:
    return reader.role == "coordinator" and reader.case_id == "case-1"


async def ask(
    database: Database, vault: Vault, audit: Audited, clock: SetClock, reader: Reader, service_id: str
) -> list[Any]:
    def read(tx: Connection) -> SafePlace | None:
        return open_safe_place(
            tx, vault, audit, service_id=service_id, reader=reader, permits=coordinates, at=clock.now()
        )

    place = await database.write(read)
    told: list[Any] = []
    if place is not None:
        place.tell(lambda *where: told.append(where))
    return told


async def test_a_permitted_reader_learns_the_address_and_it_is_audited(
    demo: Directory, database: Database, vault: Vault, clock: SetClock, audit: Audited
):
    safe = await hide(database, vault, clock, HIDDEN)
    audit.acts.clear()

    told = await ask(database, vault, audit, clock, READER, safe.id)

    assert told == [HIDDEN]
    [act] = audit.acts
    assert (act["act"], act["actor"], act["object"]) == ("safe_place.read", "officer-1", f"service:{safe.id}")
    assert act["facts"] == {"case": "case-1", "purpose": "bring_a_child", "role": "coordinator", "allowed": True}
    assert not any(canary in repr(act) for canary in CANARIES)


@pytest.mark.parametrize(
    "reader",
    [
        Reader("officer-1", "officer", "case-1", Purpose.VISIT),
        Reader("officer-1", "coordinator", "case-2", Purpose.VISIT),
        Reader("officer-1", "coordinator", "", Purpose.VISIT),
        Reader("officer-1", "coordinator", "case-1", "curiosity"),  # type: ignore[arg-type]
    ],
)
async def test_to_anybody_else_there_is_no_such_place_and_the_try_is_audited(
    demo: Directory, database: Database, vault: Vault, clock: SetClock, audit: Audited, reader: Reader
):
    safe = await hide(database, vault, clock, HIDDEN)
    audit.acts.clear()

    assert await ask(database, vault, audit, clock, reader, safe.id) == []
    assert [act["facts"]["allowed"] for act in audit.acts] == [False]


@pytest.mark.on_both
async def test_a_destroyed_key_closes_a_safe_place_for_ever(
    demo: Directory, database: Database, vault: Vault, clock: SetClock
):
    safe = await hide(database, vault, clock, HIDDEN)
    key_id = await database.read(
        lambda tx: tx.execute(sa.select(safe_places.c.key_id).where(safe_places.c.service_id == safe.id)).scalar_one()
    )
    await database.write(lambda tx: vault.destroy(tx, key_id, clock.now()))

    with pytest.raises(Exception, match=key_id):
        await ask(database, vault, Audited(), clock, READER, safe.id)


@pytest.mark.on_both
async def test_a_safe_place_keeps_its_own_key(demo: Directory, database: Database, vault: Vault, clock: SetClock):
    def key_ids(tx: Connection) -> list[str]:
        return list(tx.execute(sa.select(safe_places.c.key_id)).scalars())

    first = await database.read(key_ids)
    await hide(database, vault, clock, HIDDEN)

    assert set(await database.read(key_ids)).isdisjoint(first)


async def test_the_girls_house_is_offered_all_the_same(
    demo: Directory, database: Database, vault: Vault, clock: SetClock
):
    safe = await hide(database, vault, clock, HIDDEN)

    found = await demo.near("shelter", VENTIMIGLIA, language="ar")

    assert safe.id in [service.id for service in found]
