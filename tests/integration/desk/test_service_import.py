"""A file of services, sent to the desk: nothing is kept before an admin has seen what would become of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy.engine import Connection

from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.live import Signals
from directory import store
from directory.files.sent import BROKE_OFF, FORGOTTEN_AFTER, begin_check, check_file, forget_waiting, keep_file
from directory.model import RecordState
from directory.store import ImportState
from directory.words import keep_reason
from tests.integration.desk.browser import Browser
from tests.integration.desk.test_services_desk import csrf

T = TypeVar("T")

PAGE = "/desk/services/import"
SHEET = "Nom;organisme;Besoins;Pays;Ville\nFoyer des Pins;Asso;shelter;FR;Calais\nRepas du soir;Asso;food;FR;Calais\n"
GERMAN = "Bezeichnung;Träger;Was;Land\nHeim am See;Verein;shelter;DE\n"


async def send(browser: Browser, content: str | bytes, name: str = "From the town", letters: str = "") -> str:
    token = csrf(await browser.go(PAGE))
    content = content.encode() if isinstance(content, str) else content
    return await browser.upload(PAGE, content, csrf=token, name=name, letters=letters)


async def until(browser: Browser, signals: Signals, holds: Callable[[str], bool]) -> str:
    """The page of the file, as soon as it says so."""
    with signals.watching("imports") as watch:
        while not holds(await browser.go(browser.path)):
            assert browser.status == 200
            await watch.next(timeout=1)
    return browser.page


async def names(world) -> set[str]:
    return {each.name for each in await world.database.read(lambda tx: store.get_services(tx, store.list_ids(tx)))}


async def test_a_sheet_is_looked_through_and_then_taken_in_as_drafts(world, at_desk, signals):
    browser = await at_desk(await world.officer("ana", Role.ADMIN))

    in_windows = SHEET.replace("Repas", "Dîner").encode("windows-1252")
    await send(browser, in_windows)
    shown = await until(browser, signals, lambda page: "has rows to put right" in page)
    assert "it says &#39;Dîner du soir" in shown.replace("\u2068", "")
    assert "Foyer des Pins" in shown, "the rest is looked through"
    await send(browser, in_windows, letters="windows-1252")
    assert "Dîner du soir" in await until(browser, signals, lambda page: "waits to be taken in" in page)

    await send(browser, SHEET)
    shown = await until(browser, signals, lambda page: "waits to be taken in" in page)

    assert "Foyer des Pins" in shown
    assert not await names(world) & {"Foyer des Pins", "Repas du soir"}, "nothing is kept yet"
    await browser.send(f"{browser.path}/take")
    shown = await until(browser, signals, lambda page: ">taken in<" in page)
    assert await names(world) >= {"Foyer des Pins", "Repas du soir"}
    made = await world.database.read(lambda tx: store.get_services(tx, store.list_ids(tx, words="Foyer des Pins")))
    assert [record.state for record in made] == [RecordState.DRAFT]
    assert "service.import" in [row.act for row in await world.database.read(lambda tx: audit.read_log(tx, limit=20))]
    assert f"{browser.path}/take" not in shown, "once is enough"


async def test_columns_that_nobody_knows_are_named_and_remembered(world, at_desk, signals):
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    await send(browser, GERMAN)
    await until(browser, signals, lambda page: "Say which columns these are" in page)
    assert f"{browser.path}/take" not in browser.page
    named = {"column.0": "name", "column.1": "organization", "column.2": "needs", "column.3": "country"}

    await browser.send(f"{browser.path}/check", **named)
    await until(browser, signals, lambda page: "waits to be taken in" in page)
    await browser.send(f"{browser.path}/take")
    await until(browser, signals, lambda page: ">taken in<" in page)

    await send(browser, GERMAN.replace("See", "Wald"), "The next one")
    assert "Heim am Wald" in await until(browser, signals, lambda page: "waits to be taken in" in page)


async def test_one_wrong_row_keeps_the_file_out_and_is_named(world, at_desk, signals):
    browser = await at_desk(await world.officer("ana", Role.ADMIN))

    await send(browser, SHEET + "Sans besoin;Asso;;FR;Calais\n")
    shown = await until(browser, signals, lambda page: "has rows to put right" in page)

    assert "Sans besoin" in shown
    assert "row 4" in shown
    assert f"{browser.path}/take" not in shown
    await browser.post(f"{browser.path}/take", csrf=csrf(shown))
    assert "Nothing was changed" in browser.page
    assert "Foyer des Pins" not in await names(world)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no file was chosen"),
        (b"%PDF-1.7", "this is an old spreadsheet or a document"),
        (b"PK\x03\x04 cut off", "the archive is cut off or damaged"),
        ("Catégorie;Nom;Pays\nx;y;z\n".encode("windows-1252"), "byte E9 is not in UTF-8"),
    ],
)
async def test_what_is_no_such_file_is_refused_in_a_sentence(world, at_desk, content, why):
    browser = await at_desk(await world.officer("ana", Role.ADMIN))

    await send(browser, content)

    assert browser.status == 422
    assert why in browser.page.replace("\u2068", "").replace("\u2069", "")
    assert await world.database.read(lambda tx: store.list_imports(tx, limit=9)) == []


async def test_a_file_is_put_away_and_what_was_taken_in_stays(world, at_desk, signals):
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    await send(browser, SHEET)
    await until(browser, signals, lambda page: "waits to be taken in" in page)
    await browser.send(f"{browser.path}/take")
    await until(browser, signals, lambda page: ">taken in<" in page)

    await browser.send(f"{browser.path}/away")

    assert browser.path == PAGE
    assert "From the town" not in browser.page
    assert "Foyer des Pins" in await names(world)


async def test_a_file_that_nobody_goes_on_with_is_forgotten(world, clock, at_desk, signals):
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    await send(browser, json.dumps([{"id": "broken"}]))
    await until(browser, signals, lambda page: "has rows to put right" in page)
    there = browser.path
    [file] = await world.database.read(lambda tx: store.list_imports(tx, limit=9))

    await forget_waiting(world.database, at=file.touched_at + FORGOTTEN_AFTER)
    assert "Rejected" in await browser.go(there)
    await forget_waiting(world.database, at=file.touched_at + FORGOTTEN_AFTER + timedelta(seconds=1))

    await browser.go(there)
    assert browser.status == 404


@pytest.mark.parametrize(
    ("language", "row", "why"),
    [
        ("fr", "ligne 2", "besoin inconnu « dragons »"),
        ("es", "fila 2", "necesidad desconocida «dragons»"),
        ("ar", "الصف 2", "حاجة غير معروفة «dragons»"),
    ],
)
async def test_a_wrong_row_is_named_in_the_language_of_whoever_reads_it(world, at_desk, signals, language, row, why):
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    await send(browser, SHEET.replace("shelter", "dragons"))
    await until(browser, signals, lambda page: "has rows to put right" in page)

    shown = await browser.go(f"{browser.path}?lang={language}")

    assert row in shown
    assert why in shown
    assert "unknown need" not in shown


@pytest.mark.parametrize("role", [Role.OFFICER, Role.COORDINATOR])
async def test_nobody_else_brings_files_in(world, at_desk, role):
    browser = await at_desk(await world.officer("ines", role))
    token = csrf(await browser.go("/desk/account"))

    await browser.go(PAGE)
    assert browser.status == 404
    await browser.upload(PAGE, SHEET.encode(), csrf=token, name="x")

    assert browser.status == 404
    assert await world.database.read(lambda tx: store.list_imports(tx, limit=9)) == []


class LosesItsConnection:
    """The database, gone for one look at the records of a file."""

    def __init__(self, database: Database) -> None:
        self._database, self._reads = database, 0

    async def read(self, work: Callable[[Connection], T]) -> T:
        self._reads += 1
        if self._reads == 3:  # after the file and its content
            raise DatabaseUnavailable("the line was cut")
        return await self._database.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._database.write(work)


async def test_a_look_that_breaks_off_says_so_and_can_be_taken_again(world, clock):
    database, at = world.database, clock.now()
    import_id = await keep_file(database, SHEET.encode(), name="x", by="ana", at=at)
    assert await begin_check(database, import_id, columns=None, at=at)

    with pytest.raises(DatabaseUnavailable):
        await check_file(LosesItsConnection(database), import_id)

    file = await database.read(lambda tx: store.get_import(tx, import_id))
    assert (file.state, file.told) == (ImportState.SENT, {"unreadable": keep_reason(BROKE_OFF)})
    assert await begin_check(database, import_id, columns=None, at=at)
