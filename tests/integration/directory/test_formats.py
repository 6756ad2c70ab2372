"""Every format out and in again."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from directory import demonstration, hsds, store
from directory.asking import Directory
from directory.files import spreadsheet, xlsx
from directory.files.commands import RowReport
from directory.files.importing import Became, Outcome, Row
from directory.files.opening import open_rows, sheets_not_read
from directory.files.quoted import LONGEST_CELL, TOO_LONG
from directory.files.telling import tell_import
from directory.files.unreadable import UnreadableFile
from directory.files.writing import write_services
from directory.model import (
    TRANSLATED,
    AtPlace,
    Capacity,
    FoundPlace,
    Phone,
    RecordState,
    Service,
    Translation,
    fixed_id,
)
from directory.opening_hours import Season, SpecialDay, week

from .records import OWNER, a_service, by_web, put
from .sheets import ROW, bring, records, sheet


async def emptied(database: Database, clock: SetClock) -> None:
    await database.write(demonstration.remove)
    left = await database.read(store.list_ids)
    await database.write(lambda tx: store.delete_services(tx, left))


def bare(record: Service) -> Service:
    """Without what an import never takes over, and what a flat row cannot say."""
    return replace(record, state=RecordState.DRAFT, verification=None, modified_at=None, demo=False)


@pytest.mark.parametrize("ending", ["json", "ndjson", "zip"])
async def test_what_goes_out_as_hsds_comes_in_again_whole(
    demo: Directory, database: Database, clock: SetClock, tmp_path: Path, ending: str
):
    gates = [r.id for r in await records(database) if r.confidential]
    await database.write(lambda tx: store.delete_services(tx, gates))
    await database.write(lambda tx: put(tx, rich(clock), by_web(clock.now()), at=clock.now()))
    path = tmp_path / f"services.{ending}"
    count = await database.read(lambda tx: write_services(tx, path))
    before = {record.id: record for record in await records(database) if record.verification}
    assert count == len(before) > 20
    await emptied(database, clock)

    report = await bring(database, path, clock)

    assert report.summary() == f"{count} new, 0 changed, 0 the same, 0 rejected", report.reasons
    for record in await records(database):
        # A CSV package has no table for free places: they are old before it arrives.
        old = {"capacity": None} if ending == "zip" else {}
        assert bare(record) == replace(bare(before[record.id]), **old)
    assert (await bring(database, path, clock)).same == count


@pytest.mark.parametrize("ending", ["json", "ndjson", "zip", "csv", "xlsx"])
async def test_our_own_file_changes_nothing_where_nothing_was_changed_in_it(
    demo: Directory, database: Database, clock: SetClock, tmp_path: Path, ending: str
):
    await database.write(lambda tx: put(tx, rich(clock), at=clock.now()))
    path = tmp_path / f"services.{ending}"
    count = await database.read(lambda tx: write_services(tx, path))
    assert any(record.confidential for record in await records(database))

    report = await bring(database, path, clock)

    assert report.summary() == f"0 new, 0 changed, {count} the same, 0 rejected", report.reasons


def rich(clock: SetClock) -> Service:
    """A record in force that says everything one could lose on the way."""
    at = clock.now()
    record = a_service("rich", at, alert="Ring twice.", cost_note="Two coins.", how_to_apply="Ask for Mona.")
    [place] = record.locations
    days = (SpecialDay(date(2026, 12, 24), ((540, 720), (840, 1020)), "Christmas Eve"), SpecialDay(date(2026, 12, 25)))
    ways = (Translation("ar", "خلف المحطة", "machine"), Translation("fr", "Derrière la gare", stale=True))
    elsewhere = replace(place, id=fixed_id("rich", "elsewhere"), address="Elsewhere street")
    by_phone_alone = replace(place, id=fixed_id("rich", "by phone alone"), address="Third street")
    summer = Season(date(2026, 6, 1), date(2026, 9, 30), week("Europe/Rome", "mo-fr 08:00-12:00").shifts)
    ordinary = week("Europe/Rome", "mo-fr 09:00-12:30 14:00-23:59; sa 20:00-08:00", days)
    until = Season(None, date(2026, 1, 31), week("Europe/Rome", "mo 10:00-11:00").shifts)
    other_hours = replace(week("Europe/Rome", "sa 10:00-12:00", days[1:]), seasons=(summer,))
    return replace(
        record,
        locations=(
            replace(place, step_free=False, directions="Behind the station", directions_in=ways),
            elsewhere,
            by_phone_alone,
        ),
        at_places=(
            AtPlace(elsewhere.id, other_hours, (Phone("+39 0184 9", "voice", ("fr",), "at the gate"),)),
            AtPlace(by_phone_alone.id, None, (Phone("116 222"),)),
        ),
        hours=replace(ordinary, seasons=(until, summer)),
        closed_from=date(2026, 12, 1),
        closed_until=date(2026, 12, 3),
        capacity=Capacity(3, at, 12),
        phones=(Phone("116 111", "sms", ("fr", "ar"), "at night"),),
        free=True,
        walk_in=False,
        summaries=(Translation("ar", "سرير", "machine"), Translation("fr", "Un lit", stale=True)),
        names=(Translation("fr", "Riche"),),
        alerts=(Translation("fr", "Sonne deux fois."),),
        ways_to_apply=(Translation("ar", "اسأل عن منى", "machine", stale=True),),
        eligibility_notes=(Translation("ar", "للجميع"),),
        cost_notes=(Translation("fr", "Deux pièces."),),
    )


async def test_services_at_locations_are_one_service_however_far_apart_they_stand(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    several, another = rich(clock), a_service("another", clock.now())
    links = [
        hsds.service_at_location(hsds.link_id(record, place), record, OWNER, place, full=True)
        for record in (several, another)
        for place in record.locations
    ]
    first, second, third, other = links
    path = tmp_path / "links.json"
    path.write_text(json.dumps([first, other, second, third]), encoding="utf-8")

    report = await bring(database, path, clock)

    assert report.summary() == "2 new, 0 changed, 0 the same, 0 rejected", report.reasons
    kept = {record.id: record for record in await records(database)}
    assert bare(kept[several.id]) == bare(several)
    path.write_text(json.dumps([first, second, first]), encoding="utf-8")
    assert "item 3: the same id stands on an earlier line" in (await bring(database, path, clock)).reasons


async def test_a_safe_place_in_a_file_is_refused_with_the_reason(
    demo: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    path = tmp_path / "services.json"
    await database.write(lambda tx: write_services(tx, path))
    safe = [record.id for record in await records(database) if record.confidential]
    await emptied(database, clock)

    report = await bring(database, path, clock)

    assert report.rejected == len(safe)
    assert any("a safe place does not travel by file" in str(reason) for reason in report.reasons)
    assert await records(database) == []


def told(texts: tuple[Translation, ...]) -> tuple[Translation, ...]:
    """What a sheet says of them: not who wrote them, and nothing of those of what was said before."""
    return tuple(sorted((Translation(text.language, text.text) for text in texts if not text.stale), key=str))


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
async def test_what_goes_out_as_a_sheet_comes_in_again(
    demo: Directory, database: Database, clock: SetClock, tmp_path: Path, ending: str
):
    gates = [r.id for r in await records(database) if r.confidential]
    await database.write(lambda tx: store.delete_services(tx, gates))
    await database.write(lambda tx: put(tx, rich(clock), at=clock.now()))
    path = tmp_path / f"services.{ending}"
    count = await database.read(lambda tx: write_services(tx, path))
    before = {record.id: record for record in await records(database)}
    await emptied(database, clock)

    report = await bring(database, path, clock)

    assert report.summary() == f"{count} new, 0 changed, 0 the same, 0 rejected", report.reasons
    for record in await records(database):
        was = before[record.id]
        for name in ("name", "summary", "needs", "documents", "website", "languages", "walk_in", "free"):
            assert getattr(record, name) == getattr(was, name), name
        for name in TRANSLATED.values():
            assert getattr(record, name) == told(getattr(was, name)), name
        assert [told(at.directions_in) for at in was.locations][:1] == [at.directions_in for at in record.locations]
        assert [phone.number for phone in record.phones] == [phone.number for phone in was.phones]
        assert [at.address for at in record.locations] == [at.address for at in was.locations][:1]
        assert (record.hours and record.hours.shifts) == (was.hours and was.hours.shifts)
    assert (await bring(database, path, clock)).same == count


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_sheet_in_another_language_is_understood_by_its_titles(tmp_path: Path, delimiter: str, encoding: str):
    path = sheet(tmp_path / "a.csv", ROW, delimiter=delimiter, encoding=encoding)

    [row] = open_rows(path)

    assert not row.wrong
    assert row.data["name"] == "Foyer"
    assert row.data["phones"] == [{"number": "+33 1 99 00"}]
    assert len(row.data["schedules"]) == 5


def test_a_sheet_that_is_not_in_utf_8_is_read_by_the_letters_that_somebody_names_line_by_line(tmp_path: Path):
    """Which letters they are is not guessed; what is in UTF-8 among them stays, and the line that is not is named."""
    path, titles = tmp_path / "a.csv", "sep=;\nListe des services;;;\n\nNom;Organisme;Besoins;Pays\n"
    lines = [f"{name};Вірне;Avocat;FR\n" for name in ("Aide d'été", "Рік")]
    path.write_bytes(titles.encode() + lines[0].encode() + lines[1].encode("windows-1251"))

    good, wrong = open_rows(path)
    assert (good.wrong, wrong.where) == ("", "row 6")
    assert "byte EA is not in UTF-8. As Windows for Western Europe it says 'Ð³ê; Â³ðíå; Avocat; FR'" in wrong.wrong
    rows = list(open_rows(path, letters="windows-1251"))

    assert [(row.where, row.data["name"]) for row in rows] == [("row 5", "Aide d'été"), ("row 6", "Рік")]
    assert rows[0].data["organization"] == rows[1].data["organization"]
    assert rows[0].data["attributes"] == [{"taxonomy_term": {"code": "legal"}}]


def several_sheets(path: Path, sheets: dict[str, list[list[str]]], *, hidden: str) -> None:
    """A workbook whose files are numbered in another order than its sheets."""
    files = {name: f"sheet{len(sheets) - place}.xml" for place, name in enumerate(sheets)}
    with zipfile.ZipFile(path, "w") as whole:
        for name, rows in sheets.items():
            xlsx.write_rows(path.with_suffix(".one"), rows)
            with zipfile.ZipFile(path.with_suffix(".one")) as one:
                whole.writestr(f"xl/worksheets/{files[name]}", one.read(xlsx.SHEET))
        state = {name: ' state="hidden"' if name == hidden else "" for name in sheets}
        listed = "".join(f'<sheet name="{name}" r:id="{file}"{state[name]}/>' for name, file in files.items())
        whole.writestr(xlsx.BOOK, re.sub(r"<sheet .*?/>", listed, xlsx._WORKBOOK))
        related = "".join(f'<Relationship Id="{file}" Target="worksheets/{file}"/>' for file in files.values())
        whole.writestr(xlsx.RELATIONS, f"<Relationships>{related}</Relationships>")


def test_a_workbook_is_read_sheet_by_sheet_below_the_titles_that_are_known(tmp_path: Path):
    """As small organisations keep them: a first sheet about the list, a country a sheet, titles over several columns,
    one that is hidden, and the point in one cell."""
    titles = [["Who", "", "Where", "Where"], ["Organisation", "Service (name)", "Country", "GPS", "Type of service"]]
    there = [["Asso", "Foyer", "FR", "50,95; 1,85", "Shelter/food"], ["Asso", "Ici", "FR", "somewhere", "food"]]
    other = [["Organisation", "Service", "Country", "Needs", "Ville"], ["Asso", "Autre", "FR", "food"]]
    sheets = {"About": [["List of", "2026"]], "Calais": [*titles, *there], "Old": other, "Lens": other}
    whole = tmp_path / "all.xlsx"
    several_sheets(whole, sheets, hidden="Old")

    foyer, ici, autre = open_rows(whole)

    assert [row.where for row in (foyer, ici, autre)] == [
        "sheet Calais, row 3", "sheet Calais, row 4", "sheet Lens, row 2",
    ]  # fmt: skip
    assert [each["taxonomy_term"]["code"] for each in foyer.data["attributes"]] == ["shelter", "food"]
    place = foyer.data["service_at_locations"][0]["location"]
    assert (place["latitude"], place["longitude"]) == (50.95, 1.85)
    assert "'somewhere' is no point" in ici.wrong
    assert autre.data["name"] == "Autre"
    assert sheets_not_read(whole) == ["About"]


OWN_NUMBERS = ["id", "name", "organization", "needs", "country"]


def test_an_organisation_may_number_its_services_as_it_likes(tmp_path: Path):
    """The same number is the same service the next time; a damaged id of ours is no number of theirs."""

    def ids(*numbers: str, owner: str = "Asso") -> list[str]:
        sheet(tmp_path / "a.csv", *([n, "Foyer", owner, "shelter", "FR"] for n in numbers), titles=OWN_NUMBERS)
        return [row.data["id"] for row in open_rows(tmp_path / "a.csv")]

    assert ids("7", "8", ids("7")[0]) == [*ids("7"), *ids("8"), *ids("7")]
    assert ids("7") != ids("7", owner="Autre")
    assert ids("0b8d0dbd-bd9c-52a7-9990-a0368ad004a") == ["0b8d0dbd-bd9c-52a7-9990-a0368ad004a"]


async def test_a_sheet_may_write_its_figures_in_any_script_and_a_number_can_be_dialled(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    """And what no week can hold stands among the words for people, and is told to whoever brings it in."""
    figures = ["٥٠٫٩٥", "۱٫۸۵", "+٣٣ ١ ٩٩ ٠٠", "lun. ٠٩:٠٠-١٠:٠٠, fermé en août"]
    on_call = ["Sur appel", *ROW[1:8], "33199001234.0", "Sur rendez-vous", ROW[10]]
    path = sheet(tmp_path / "a.csv", [*ROW[:6], *figures, *ROW[10:]], on_call)

    heard: list[Outcome] = []

    assert (await bring(database, path, clock, listener=heard.append)).reasons == []

    assert [says in outcome.why for says, outcome in zip(("en août' is kept", "lost the +"), heard, strict=True)] == [
        True
    ] * 2
    assert (await bring(database, path, clock)).same == 2
    [record] = [each for each in await records(database) if each.name == "Foyer"]
    assert (record.locations[0].latitude, record.locations[0].longitude) == (50.95, 1.85)
    assert record.phones[0].number == "+33 1 99 00"
    assert (record.hours, record.alert) == (week("Europe/Paris", "mo 09:00-10:00"), "fermé en août")
    [called] = [each for each in await records(database) if each.name == "Sur appel"]
    assert (called.hours, called.walk_in) == (None, False)


async def test_a_sheet_that_names_only_towns_sends_nobody_to_a_door_or_to_another_town(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    town, street = [*ROW[:5], "", "", "", *ROW[8:10], ""], ["Autre", *ROW[1:6], "", "", "", "Lun-Ven 9h-17h", ""]
    nowhere = ["Loin", *ROW[1:4], "Trifouilly", "", "", "", "", "", ""]
    path = sheet(tmp_path / "a.csv", town, street, nowhere)
    heard: list[Outcome] = []

    assert (await bring(database, path, clock, listener=heard.append)).new == 3

    assert ["middle of Calais" in outcome.why for outcome in heard] == [True, True, False]
    kept = {record.name: record for record in await records(database) if record.name in ("Foyer", "Autre", "Loin")}
    assert (kept["Loin"].countries, kept["Loin"].areas, kept["Loin"].locations) == (("FR",), ("Trifouilly",), ())
    assert {kept[name].hours for name in ("Foyer", "Autre")} == {week("Europe/Paris", "mo-fr 09:00-17:00")}
    checked = a_service("any", clock.now())
    inland = FoundPlace("Calais", "FR", 50.95, 1.85)
    for name in ("Foyer", "Loin"):
        record = replace(kept[name], state=RecordState.CURRENT, verification=checked.verification)
        await database.write(lambda tx, record=record: store.put_service(tx, record, at=clock.now()))

    found, elsewhere = await directory.near("food", inland, language="fr")
    assert (elsewhere.name, elsewhere.suits) == ("Loin", ("Pour les personnes qui sont ici : Trifouilly",))
    assert (found.name, found.distance_m, found.latitude, found.address) == ("Foyer", None, None, "Calais")
    afar, _ = await directory.near("food", FoundPlace("Lens", "FR", 50.43, 2.83), language="fr")
    assert afar.distance_m is not None
    assert (afar.distance_m % 1000, afar.latitude) == (0, None)

    exported = tmp_path / "out.zip"
    await database.read(lambda tx: write_services(tx, exported))
    assert (await bring(database, exported, clock, rehearse=True)).changed == 0
    place = hsds.location(kept["Foyer"].locations[0])
    assert not {"latitude", "longitude"} & place.keys()

    door = replace(kept["Autre"].locations[0], latitude=50.9512, longitude=1.8512, approximate=False)
    await database.write(lambda tx: store.put_service(tx, replace(kept["Autre"], locations=(door,)), at=clock.now()))
    assert (await bring(database, path, clock, rehearse=True)).changed == 0  # who knows the door keeps it


@pytest.mark.parametrize(
    ("name", "address", "says"),
    [
        ("Shelter (confidential location)", "1 rue X", "kept secret"),
        ("Foyer, adresse confidentielle", "", "kept secret"),
        ("Albergue", "Confidencial", "kept secret"),
        ("Foyer", "1 rue X (adresse confidentielle)", "kept secret"),
        ("مأوى، العنوان سري", "1 rue X", "kept secret"),
        ("Women's shelter", "1 rue X", "may be a safe place"),
        ("Women's shelter", "", "middle of Calais"),
        ("The Secret Garden nursery", "1 rue X", ""),
    ],
)
async def test_a_safe_place_in_the_list_of_somebody_else_is_not_taken_for_an_open_door(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path, name: str, address: str, says: str
):
    heard: list[Outcome] = []
    point = ["50.95", "1.85"] if address else ["", ""]
    path = sheet(tmp_path / "a.csv", [name, *ROW[1:5], address, *point, *ROW[8:]])

    await bring(database, path, clock, listener=heard.append, rehearse=True)

    assert (says in heard[0].why) is True
    assert ("safe place" in heard[0].why) is ("secret" in says or "safe" in says)
    assert (heard[0].became is Became.REJECTED) is ("secret" in says)
    assert "rue X" not in heard[0].why


def test_an_organisation_and_a_place_bring_their_services_and_what_has_none_says_what_it_is(tmp_path: Path):
    def read(*objects: dict[str, Any]) -> list[Row]:
        (tmp_path / "a.json").write_text(json.dumps({"total_items": 1, "contents": objects}), encoding="utf-8")
        return list(open_rows(tmp_path / "a.json"))

    owner, place = {"id": "o", "name": "Asso"}, {"id": "l", "name": "Rue X"}
    bed, meal = ({"id": name, "name": name, "status": "active"} for name in ("bed", "meal"))
    at = {"id": "link", "location": place, "service": {**bed, "organization": owner}, "phones": [{"number": "1"}]}

    of_owner = read({**owner, "services": [bed, {**meal, "organization": {"id": "p", "name": "Autre"}}]})
    [there] = read(at)
    [nothing, no_place, tables] = read(owner, {"id": "l", "location_type": "physical"}, {"services.csv": []})

    assert [(row.where, row.data["organization"]["name"]) for row in of_owner] == [
        ("item 1, service 1", "Asso"),
        ("item 1, service 2", "Autre"),
    ]
    assert [link["location"] for link in there.data["service_at_locations"]] == [place]
    assert (there.data["name"], there.data["phones"]) == ("bed", [{"number": "1"}])
    assert "no organization, but id, name" in nothing.wrong
    assert "location_type" in no_place.wrong
    assert "send the package" in tables.wrong


async def test_columns_that_were_named_once_are_known_the_next_time(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    titles = ["Bezeichnung", "Träger", "Was", "Land"]
    path = sheet(tmp_path / "a.csv", ["Heim", "Verein", "shelter", "DE"], titles=titles)
    named = {"Bezeichnung": "name", "Träger": "organization", "Was": "needs", "Land": "country"}

    with pytest.raises(UnreadableFile, match="no column is read as name"):
        await bring(database, path, clock)
    assert (await bring(database, path, clock, columns=named, rehearse=True)).new == 1
    with pytest.raises(UnreadableFile):  # a rehearsal keeps nothing, not even this
        await bring(database, path, clock)
    assert (await bring(database, path, clock, columns=named)).new == 1
    assert (await bring(database, path, clock)).same == 1


async def test_every_row_is_told_and_one_wrong_row_keeps_the_others_out(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    wrong = {
        "unknown need": (2, "a pony"),
        "not a time": (9, "mo 25:00-26:00"),
        "unknown time zone": (10, "Mars/Olympus"),
        "latitude is not a number": (6, "north"),
        "not between -90 and 90": (6, "185"),
        "HTML": (0, "<script>alert(1)</script>"),
        "two scripts": (0, "Fоyer"),  # with a Cyrillic o
        "direction characters": (0, "Foyer\u202e"),
        "ISO 3166": (3, "Atlantis"),
        "merged cells": (1, ""),
    }
    bad = [[*ROW[:column], value, *ROW[column + 1 :]] for column, value in wrong.values()]
    turkish = ["Autre", *ROW[1:8], "0090 532 123 4567", *ROW[9:]]  # taken, and said
    path = sheet(tmp_path / "a.csv", ROW, *bad, ROW[:2], turkish)
    unclosed, turk = f'"Foyer,a quote that nobody closed\n{"x" * (LONGEST_CELL + 1)}', ",".join(turkish[:3])
    path.write_text(path.read_text(encoding="utf-8").replace(turk, f"{unclosed}\n{turk}"), encoding="utf-8")
    heard: list[Outcome] = []

    report = await bring(database, path, clock, listener=heard.append)

    assert [outcome.became.value for outcome in heard].count("rejected") == len(wrong) + 3 == report.rejected
    told = {outcome.where: outcome.why for outcome in heard if outcome.why}
    for number, expected in enumerate(wrong, start=3):
        assert expected in told[f"row {number}"], told
    assert heard[-1].became is Became.NEW
    assert "another country (TR)" in heard[-1].why
    await tell_import(database, path, by="ana", rehearse=True, columns=(), report_to=None)
    assert "another country (TR)" in capsys.readouterr().err
    assert "cut off" in told[f"row {len(wrong) + 3}"]
    assert [told[f"row {len(wrong) + number}"] for number in (4, 5)] == [TOO_LONG, TOO_LONG]
    assert "Foyer" not in [record.name for record in await records(database)]


@pytest.mark.parametrize(
    ("latitude", "longitude", "says"),
    [
        ("1.85", "50.95", "latitude and longitude are swapped"),
        ("45.0", "-30.0", "km from Calais"),  # at sea
        ("0", "0", "km from Calais"),
    ],
)
async def test_a_point_that_cannot_be_in_its_town_is_refused(
    directory: Directory,
    database: Database,
    clock: SetClock,
    tmp_path: Path,
    latitude: str,
    longitude: str,
    says: str,
):
    path = sheet(tmp_path / "a.csv", [*ROW[:6], latitude, longitude, *ROW[8:]])

    report = await bring(database, path, clock)

    assert says in report.reasons[0]


async def test_the_report_of_the_rows_is_a_sheet_without_formulas(tmp_path: Path):
    report = RowReport(tmp_path / "report.csv")
    report(Outcome("row 2", Became.REJECTED, "=cmd()", ("+bad",)))
    report.close()

    assert (tmp_path / "report.csv").read_text(encoding="utf-8-sig").splitlines()[1] == "row 2,rejected,'=cmd(),'+bad"


async def test_nothing_that_goes_out_is_taken_for_a_formula(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    names = ["=HYPERLINK(1)", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd"]
    hostile = [a_service(f"k{i}", clock.now(), name=name, summary="\tx") for i, name in enumerate(names)]
    await database.write(lambda tx: put(tx, *hostile, at=clock.now()))

    for ending in ("csv", "zip", "xlsx"):
        await database.read(lambda tx, ending=ending: write_services(tx, tmp_path / f"a.{ending}"))
    table = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        table += "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".csv"))
    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]

    assert not [cell for cell in cells if cell[:1] in ("=", "@", "\t", "\r")]
    assert not [cell for cell in cells if cell[:1] in ("+", "-") and any(letter.isalpha() for letter in cell)]
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert b"<f" not in archive.read(xlsx.SHEET)
    [[_titles, *rows]] = [list(cells) for _, cells in xlsx.read_sheets(tmp_path / "a.xlsx")]
    assert {row[1] for _, row in rows} >= set(names)


async def test_a_package_says_of_itself_what_it_holds(demo: Directory, database: Database, tmp_path: Path):
    path = tmp_path / "a.zip"
    await database.read(lambda tx: write_services(tx, path))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "package")
        package = json.loads(archive.read("datapackage.json"))
        for resource in package["resources"]:
            header = archive.read(resource["path"]).decode().splitlines()[0].split(",")
            assert header == [field["name"] for field in resource["schema"]["fields"]]
    frictionless = pytest.importorskip("frictionless", reason="frictionless is not here to check the package")
    assert frictionless.validate(str(tmp_path / "package" / "datapackage.json")).valid


@given(st.lists(st.lists(st.text(max_size=30), min_size=1, max_size=6), min_size=1, max_size=5))
@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=40)
def test_a_workbook_gives_back_what_was_written(tmp_path: Path, rows: list[list[str]]):
    path = tmp_path / "a.xlsx"
    xlsx.write_rows(path, rows)

    [read] = [[row for _, row in cells] for _, cells in xlsx.read_sheets(path)]

    clean = [[xlsx._UNWRITABLE.sub("", cell).replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in rows]
    assert read == [row for row in clean if any(row)]


async def test_a_sheet_in_several_languages_is_read_by_its_titles_and_takes_no_translation_away(
    directory: Directory, database: Database, clock: SetClock, tmp_path: Path
):
    titles = [
        "Name",
        "Nom (fr)",
        "Description_en",
        "Description (Arabic)",
        "directions_fr",
        "Service no",
        "Organization",
    ]
    mapping = ["name", "name_fr", "description", "description_ar", "directions_fr", None, "organization"]
    assert [spreadsheet.guess_mapping(titles).get(title) for title in titles] == mapping
    more = [*titles, "Needs", "Country", "Address", "lat", "lon"]
    there = ["shelter", "IT", "Via 1", "43.79", "7.6"]
    row = ["Home", "Foyer", "Beds", "أسرة", "À droite", "7", "Asso", *there]
    path = sheet(tmp_path / "a.csv", row, titles=more)

    await bring(database, path, clock)
    [kept] = [record for record in await records(database) if record.name == "Home"]
    sheet(path, ["Home", "", "Beds", "", "À gauche", "7", "Asso", *there], titles=more)
    report = await bring(database, path, clock)

    assert report.changed == 1
    [again] = [record for record in await records(database) if record.id == kept.id]
    assert (again.names, again.summaries) == ((Translation("fr", "Foyer"),), (Translation("ar", "أسرة"),))
    assert kept.locations[0].directions_in == (Translation("fr", "À droite"),)
    assert again.locations[0].directions_in == (Translation("fr", "À gauche"),)
