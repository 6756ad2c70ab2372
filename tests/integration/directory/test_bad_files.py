"""Every bad file refused in a sentence, with nothing half kept."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from directory import store
from directory.asking import Directory
from directory.files import hsds_csv, xlsx
from directory.files.importing import Row
from directory.files.opening import open_rows
from directory.files.unreadable import UnreadableFile
from directory.files.writing import write_services
from directory.model import LocationKind

from .records import a_service, put
from .sheets import ROW, TITLES, bring


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return path


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>'
    b"<worksheet><sheetData><row><c><v>&lol2;</v></c></row></sheetData></worksheet>"
)


def workbook(folder: Path, sheet: bytes) -> bytes:
    path = zipped(folder / "w.xlsx", xl__workbook_DOT_xml=b"", xl__worksheets__sheet1_DOT_xml=sheet)
    return path.read_bytes()


def bad_files(folder: Path) -> dict[str, bytes]:
    big = b"<worksheet><sheetData>" + b" " * 1_000_001
    good_package = zipped(folder / "good.zip", services_DOT_csv=b"id,name\n1,a\n").read_bytes()
    return {
        "empty": b"",
        "blank": b"\xef\xbb\xbf \n \n",
        "NULs": b"a,b\n\x00\x00,c\n",
        "titles in latin-1": ",".join(TITLES).encode("latin-1") + b"\nx,y",
        "half of UTF-16": b"\xff\xfea",
        "JSON in UTF-16": '[{"name": "x"}]'.encode("utf-16"),
        "an old spreadsheet": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600,
        "a document": b"%PDF-1.7 x",
        "titles only of one column": b"name\nx\n",
        "no columns of ours": b"a,b,c\n1,2,3\n",
        "a quote open in the titles": b'name,"organization\n' + b"x,y\n" * 50,
        "many columns": b",".join(b"c%d" % i for i in range(500)) + b"\n",
        "a cut archive": good_package[:-30],
        "an archive of something else": zipped(folder / "o.zip", readme=b"hello").read_bytes(),
        "an XML bomb": workbook(folder, BOMB),
        "a bomb of blanks": workbook(folder, big),
        "a workbook cut in its XML": workbook(folder, b"<worksheet><sheetData><row>"),
        "a workbook without a sheet": zipped(folder / "n.xlsx", xl__workbook_DOT_xml=b"").read_bytes(),
    }  # fmt: skip


async def test_a_file_that_cannot_be_read_is_refused_in_a_sentence_and_nothing_is_kept(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(xlsx, "MOST_UNPACKED", 1_000_000)
    before = await database.read(store.latest_change)
    for label, content in bad_files(tmp_path).items():
        path = tmp_path / "bad"
        path.write_bytes(content)
        with pytest.raises(UnreadableFile) as refused:
            await bring(database, path, clock)
        assert ("JSON" in str(refused.value)) is ("JSON" in label)
        assert len(str(refused.value)) > 15, label
    assert await database.read(store.latest_change) == before


def test_a_last_row_that_breaks_off_is_not_taken_as_it_stands(tmp_path: Path):
    """A telephone number that is cut is another's."""
    whole = ",".join([*ROW[:9]])
    (tmp_path / "a.csv").write_text("\n".join([",".join(TITLES), whole + ",,", whole[:-3]]), encoding="utf-8")

    good, cut = open_rows(tmp_path / "a.csv")

    assert (good.wrong, cut.wrong) == ("", "9 of 11 cells: is the file cut off?")


def test_a_package_that_unpacks_to_too_much_is_not_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = zipped(tmp_path / "a.zip", services_DOT_csv=b"id,name,organization_id\n" + b"1,a,b\n" * 100_000)
    monkeypatch.setattr(hsds_csv, "MOST_UNPACKED", 100_000)

    with pytest.raises(UnreadableFile, match="far more"):
        list(open_rows(path))


async def test_what_names_something_that_is_not_there_is_told_with_its_line(
    demo: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    path = tmp_path / "a.zip"
    await database.read(lambda tx: write_services(tx, path))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["phones.csv"] += (
        b'00000000-0000-4000-8000-000000000001,"open\r\n'
        b"00000000-0000-4000-8000-000000000001,00000000-0000-4000-8000-000000000002,,1,voice,\xe9\r\n1,2\r\n"
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)

    report = await bring(database, path, clock)

    assert report.rejected >= 1
    assert any("phones.csv line" in reason and "is not in services.csv" in reason for reason in report.reasons)
    for said in ("byte E9 is not in UTF-8", "a quote is left open", "2 of 6 cells"):
        assert any("phones.csv line" in reason and said in reason for reason in report.reasons)


async def test_a_file_cannot_move_a_service_that_is_not_in_it(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    victim = a_service("victim", clock.now())
    await database.write(lambda tx: put(tx, victim, at=clock.now()))
    lines = tmp_path / "a.ndjson"
    await database.read(lambda tx: write_services(tx, lines))
    thief = next(json.loads(line) for line in lines.read_text().splitlines() if "victim" in line)
    thief["id"] = "00000000-0000-4000-8000-000000000009"
    thief["service_at_locations"][0]["location"]["addresses"][0]["address_1"] = "trap street"
    lines.write_text(json.dumps(thief))

    report = await bring(database, lines, clock)

    assert "another service's too" in report.reasons[0]
    kept = await database.read(lambda tx: store.get_service(tx, victim.id))
    assert kept is not None
    assert kept.locations == victim.locations
    assert kept.locations[0].kind is LocationKind.PHYSICAL


BEGINNINGS = [b"", b"{", b"[", b"PK\x03\x04", b"\xff\xfe", b"name,organization,needs,country\n"]


def read_all(path: Path) -> list[Row]:
    try:
        return list(open_rows(path))
    except UnreadableFile:
        return []


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)
@given(
    st.binary(max_size=300),
    st.sampled_from(BEGINNINGS),
)
def test_whatever_bytes_come_they_are_rows_or_refused(tmp_path: Path, content: bytes, start: bytes):
    path = tmp_path / "fuzz"
    path.write_bytes(start + content)

    assert all(row.wrong or row.data is not None for row in read_all(path))


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)
@given(st.data())
def test_a_workbook_or_package_damaged_anywhere_is_rows_or_refused(tmp_path: Path, data: st.DataObject):
    path = tmp_path / "a.xlsx"
    if data.draw(st.booleans()):
        xlsx.write_rows(path, [TITLES, ROW, ROW])
    else:
        members = {f"{table}_DOT_csv": ",".join(columns).encode() + b"\n" for table, columns in hsds_csv.TABLES.items()}
        zipped(path, **members)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])

    read_all(path)
