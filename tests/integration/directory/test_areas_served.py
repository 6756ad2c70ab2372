"""A service is offered to those whom it serves, wherever it stands, and the reason is said."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from directory import hsds, store
from directory.asking import TOWNS_FRESH_FOR, Directory
from directory.files.spreadsheet import FIELDS, flat_row
from directory.model import FoundPlace, LocationKind, Phone, Service
from directory.store.tables import found_by
from directory.told import FoundService
from directory.wishes import Wishes

from .records import OWNER, VENTIMIGLIA, a_service, put

ROME = FoundPlace("Rome", "IT", 41.8919, 12.5113)


def by_phone(key: str, clock: SetClock, *areas: str, **changes: Any) -> Service:
    line = a_service(key, clock.now(), phones=(Phone("800 000 000"),), needs=("legal",))
    return replace(line, locations=(), countries=("IT",), areas=areas, **changes)


def at_a_desk(key: str, clock: SetClock, place: FoundPlace, *areas: str, **changes: Any) -> Service:
    record = a_service(key, clock.now(), needs=("legal",))
    [desk] = record.locations
    there = replace(
        desk,
        country=place.country,
        city=place.name,
        latitude=round(place.latitude, 1),
        longitude=round(place.longitude, 1),
    )
    return replace(record, locations=(there,), areas=areas, **changes)


async def asked(
    directory: Directory, database: Database, clock: SetClock, place: FoundPlace, *records: Service, **wishes: Any
) -> list[FoundService]:
    await database.write(lambda tx: put(tx, *records, at=clock.now()))
    clock.advance(TOWNS_FRESH_FOR)
    return await directory.near("legal", place, language=wishes.pop("language", "en"), wishes=Wishes(**wishes))


async def test_a_phone_line_for_a_province_is_offered_in_it_with_the_reason(
    directory: Directory, database: Database, clock: SetClock
):
    line = by_phone("line", clock, "Provincia di Imperia")

    [found] = await asked(directory, database, clock, VENTIMIGLIA, line)

    assert found.name == "line"
    assert found.why[0] == "Serves Provincia di Imperia"


async def test_a_phone_line_for_another_province_is_not_offered(
    directory: Directory, database: Database, clock: SetClock
):
    line, everywhere = by_phone("line", clock, "Provincia di Imperia"), by_phone("everywhere", clock)

    found = await asked(directory, database, clock, ROME, line, everywhere)

    assert [each.name for each in found] == ["everywhere"]


async def test_an_area_of_which_nobody_knows_where_it_is_comes_last_and_is_said(
    directory: Directory, database: Database, clock: SetClock
):
    line, everywhere = by_phone("a line", clock, "the western valleys"), by_phone("everywhere", clock)

    found = await asked(directory, database, clock, ROME, line, everywhere)

    assert [each.name for each in found] == ["everywhere", "a line"]
    assert "For people in the western valleys" in found[1].why


async def test_a_mobile_team_from_afar_comes_before_what_is_a_day_away(
    directory: Directory, database: Database, clock: SetClock
):
    genoa = FoundPlace("Genoa", "IT", 44.4065, 8.934)
    savona = FoundPlace("Savona", "IT", 44.3, 8.4)
    team = at_a_desk("team", clock, genoa, "Ventimiglia", "Sanremo", "Bordighera")
    office = at_a_desk("office", clock, savona)

    found = await asked(directory, database, clock, VENTIMIGLIA, team, office, language="fr")

    assert [each.name for each in found] == ["team", "office"]
    assert "Vintimille" in found[0].why[0]
    assert found[0].distance_m is not None
    assert found[0].distance_m > 100_000


async def test_what_is_next_door_and_for_others_comes_after_what_is_for_everybody(
    directory: Directory, database: Database, clock: SetClock
):
    next_door = at_a_desk("next door", clock, VENTIMIGLIA, "Genova")
    farther = at_a_desk("farther", clock, FoundPlace("Sanremo", "IT", 43.8, 7.8))

    found = await asked(directory, database, clock, VENTIMIGLIA, next_door, farther)

    assert [each.name for each in found] == ["farther", "next door"]
    assert "For people in Genova" in found[1].why


async def test_an_area_of_the_same_name_in_another_country_is_not_meant(
    directory: Directory, database: Database, clock: SetClock
):
    line = by_phone("line", clock, "Valencia")
    in_spain = FoundPlace("Valencia", "ES", 39.4697, -0.3774)

    found = await asked(directory, database, clock, in_spain, line)

    assert "line" not in [each.name for each in found]


async def test_a_line_that_is_shut_for_a_while_is_not_offered(
    directory: Directory, database: Database, clock: SetClock
):
    shut = by_phone("shut", clock, "Liguria", closed_from=clock.now().date())
    everywhere = by_phone("shut too", clock, closed_from=clock.now().date())

    found = await asked(directory, database, clock, VENTIMIGLIA, shut, everywhere)

    assert not {"shut", "shut too"} & {each.name for each in found}


async def test_a_safe_place_that_serves_the_area_is_found_and_says_no_more_of_it_than_was_asked(
    directory: Directory, database: Database, clock: SetClock
):
    gate = at_a_desk("house", clock, FoundPlace("Savona", "IT", 44.3, 8.4), "Liguria", "via Segreta 5")
    [front] = gate.locations
    safe = replace(
        gate,
        confidential=True,
        locations=(replace(front, kind=LocationKind.FRONT_GATE, address="", name="gate"),),
        phones=(Phone("800 000 000"),),
    )

    [found] = await asked(directory, database, clock, VENTIMIGLIA, safe)

    assert found.why[0] == "Serves Ventimiglia"
    assert found.distance_m is None
    assert found.latitude is None
    assert "Segreta" not in repr(found)


async def test_what_a_safe_place_serves_is_not_published_or_exported(clock: SetClock):
    safe = by_phone("house", clock, "via Segreta 5", confidential=True)

    assert "Segreta" not in repr(hsds.full_service(safe, OWNER))
    assert flat_row(safe, OWNER)[list(FIELDS).index("areas")] == ""


@pytest.mark.on_both
async def test_after_an_upgrade_the_first_start_learns_the_areas(
    directory: Directory, database: Database, clock: SetClock
):
    def as_before(tx: Connection) -> None:
        put(tx, by_phone("line", clock, "Liguria"), at=clock.now())
        tx.execute(found_by.delete().where(found_by.c.cell < 0))

    await database.write(as_before)
    assert await database.read(store.search_is_behind)

    await directory.prepare()

    [found] = await directory.near("legal", VENTIMIGLIA, language="en")
    assert found.why[0] == "Serves Liguria"
    assert not await database.read(store.search_is_behind)
