"""The table that searches read says what the records say, whatever was done to them, and finds what they would."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from directory import search, store
from directory.areas import Here
from directory.asking import Directory
from directory.geography import distance_m
from directory.model import (
    URGENT_NEEDS,
    Capacity,
    Eligibility,
    FoundPlace,
    Gender,
    Location,
    Method,
    RecordState,
    Service,
    ServiceStatus,
    Verification,
    fixed_id,
)
from directory.opening_hours import week
from directory.search import RADII_M, Search
from directory.store.tables import found_by

from .records import NOWHERE, OWNER, a_service, put

NEEDS = ("shelter", "education", "food")
IN_EISMITTE = Here("Eismitte", frozenset({"eismitte"}), frozenset({"north"}), frozenset({"disko"}))


def some_service(number: int, chance: random.Random, at: datetime) -> Service:
    """A record of any kind, somewhere within some 150 km of Nowhere or beyond the date line from Taveuni."""
    metres = chance.choice((1_000, 9_000, 30_000, 150_000))
    record = a_service(str(number), at, north_m=chance.uniform(-metres, metres))
    [place] = record.locations
    west = chance.choice((NOWHERE.longitude, 179.99, -179.99))
    middle = NOWHERE.latitude if west == NOWHERE.longitude else -16.8
    place = replace(
        place,
        latitude=middle + (place.latitude or 0) - NOWHERE.latitude,
        longitude=max(-180.0, min(180.0, west + chance.uniform(-0.2, 0.2))),
    )
    second = replace(place, id=fixed_id("second", str(number)), latitude=(place.latitude or 0) + 0.05)
    known = chance.random() < 0.9
    checked = Verification(at - timedelta(days=chance.choice((1, 89, 91, 200))), "Ana", Method.PHONE, "called")
    return replace(
        record,
        state=chance.choice((*[RecordState.CURRENT] * 6, RecordState.DRAFT, RecordState.ARCHIVED)),
        status=chance.choice((*[ServiceStatus.ACTIVE] * 8, ServiceStatus.DEFUNCT)),
        verification=checked if known else None,
        needs=tuple(chance.sample(NEEDS, chance.randint(1, 3))),
        locations=chance.choice(((place,), (place, second), ())),
        countries=chance.choice(((), ("GL",), ("*",), ("FJ",))),
        eligibility=Eligibility(
            chance.choice((None, 0, 16, 18)),
            chance.choice((None, 17, 25)),
            chance.choice((frozenset(Gender), frozenset({Gender.GIRLS}), frozenset({Gender.BOYS}))),
            papers_needed=chance.choice((None, True, False)),
            pregnant=chance.choice((None, True)),
            disability=chance.choice((None, True, False)),
            nationalities=chance.choice(((), (), ("AF", "SY"))),
        ),
        staff_genders=chance.choice(((), ("women",), ("men", "women"))),
        capacity=chance.choice((None, Capacity(0, at), Capacity(0, at - timedelta(days=2)), Capacity(3, at, 9))),
        free=chance.choice((None, True, False)),
        languages=tuple(chance.sample(("ti", "ar", "ar-SY", "fr"), 2)),
        hours=chance.choice((None, week("UTC", "24/7"), week("Asia/Kabul", "mo-fr 09:00-17:00; sa 22:00-06:00"))),
        closed_from=chance.choice((None, None, None, at.date())),
        areas=chance.choice(((), (), (), ("Eismitte",), ("Province of the North", "Disko"), ("Far away",))),
    )


def over_the_records(records: Iterable[Service], asked: Search, at: datetime) -> list[str]:
    """What a search must find near a point: the plain way, over every record."""
    offered = [
        record
        for record in records
        if record.state is RecordState.CURRENT
        and record.verification is not None
        and asked.need in record.needs
        and record.eligibility.takes(age=asked.age, gender=asked.gender)
        and not (asked.need in URGENT_NEEDS and record.stale(at))
        and not search.closed_now(record, at)
        and asked.wished(record, at)
    ]

    def metres(place: Location) -> float:
        assert place.latitude is not None
        assert place.longitude is not None
        return distance_m(asked.latitude, asked.longitude, place.latitude, place.longitude)

    def serves(record: Service) -> bool:
        countries = {*record.countries, *(place.country for place in record.locations)}
        return bool(
            asked.here and asked.here.served(record.areas) and asked.country and countries & {asked.country, "*"}
        )

    def rank(record: Service) -> float:
        """How far it counts as being: a walk, where it serves the area."""
        far = min(map(metres, record.locations), default=float("inf"))
        return min(far, RADII_M[0]) if serves(record) else far

    def sinks(record: Service) -> bool:
        elsewhere = asked.here is not None and record.areas and not asked.here.served(record.areas)
        return bool(record.stale(at) or search.is_full(record, at) or elsewhere)

    ordered: list[tuple[bool, float, str]] = []
    for radius in RADII_M:
        ordered = sorted((sinks(record), rank(record), record.id) for record in offered if rank(record) <= radius)
        if len(ordered) >= asked.limit:
            break
    return [service_id for _, _, service_id in ordered[: asked.limit]]


def some_search(chance: random.Random) -> Search:
    latitude, longitude = chance.choice(((NOWHERE.latitude, NOWHERE.longitude), (-16.8, 179.99), (-16.8, -179.95)))
    return Search(
        chance.choice(NEEDS),
        latitude,
        longitude,
        age=chance.choice((None, 8, 15, 17, 30)),
        gender=chance.choice((None, *Gender)),
        limit=chance.choice((1, 3, 8)),
        open_now=chance.random() < 0.2,
        open_tonight=chance.random() < 0.2,
        speaks=chance.choice((None, None, "ar", "ti", "_r")),
        no_papers=chance.random() < 0.2,
        free=chance.random() < 0.2,
        pregnant=chance.random() < 0.1,
        disability=chance.random() < 0.1,
        staff=chance.choice((None, None, None, "women")),
        nationality=chance.choice((None, None, "AF", "ER")),
        country="GL",
        here=chance.choice((None, IN_EISMITTE)),
    )


def _served(record: Service, asked: Search) -> bool:
    return asked.here is not None and asked.here.served(record.areas) is not None


def all_rows(tx: Connection) -> set[Row[tuple[object, ...]]]:
    return set(tx.execute(sa.select(found_by)))


def do_something(tx: Connection, chance: random.Random, service_id: str, at: datetime) -> None:
    """One of the things that bring a record into force or out of it, or change it."""
    record = store.get_service(tx, service_id)
    if record is None:
        return
    match chance.randrange(5):
        case 0:
            store.set_state(tx, service_id, chance.choice(list(RecordState)), at=at)
        case 1:
            store.clear_verification(tx, service_id, at=at)
        case 2:
            checked = Verification(at, "Ben", Method.VISIT, "was there")
            store.add_verification(tx, service_id, checked, row_id=fixed_id("check", service_id, str(chance.random())))
        case 3:
            store.delete_services(tx, [service_id])
        case 4:
            store.put_service(tx, replace(record, free=True, languages=("ar",)), at=at)


@pytest.mark.parametrize("seed", range(6))  # by turns: some of these worlds are on PostgreSQL
async def test_a_search_over_the_table_finds_what_a_search_over_the_records_would(
    database: Database, clock: SetClock, seed: int
):
    chance, at = random.Random(seed), clock.now()
    records = [some_service(number, chance, at) for number in range(60)]

    def work(tx: Connection) -> list[tuple[Search, list[str], list[str]]]:
        put(tx, *records, at=at)
        for record in chance.sample(records, 25):
            do_something(tx, chance, record.id, at)
        kept = store.get_services(tx, [record.id for record in records])
        told = []
        for _ in range(60):
            asked = some_search(chance)
            found = [
                record for record, place, _ in search.find_near(tx, asked, at=at) if place or _served(record, asked)
            ]
            near = [record.id for record in found]
            told.append((asked, near, over_the_records(kept, asked, at)))
        return told

    told = await database.write(work)

    assert any(expected for _, _, expected in told)
    for asked, found, expected in told:
        assert found == expected, asked


@pytest.mark.parametrize("seed", range(3))
async def test_the_table_written_along_the_way_is_the_one_written_anew(database: Database, clock: SetClock, seed: int):
    chance, at = random.Random(seed), clock.now()
    records = [some_service(number, chance, at) for number in range(40)]

    def work(tx: Connection) -> tuple[set[Row[tuple[object, ...]]], set[Row[tuple[object, ...]]]]:
        store.put_organization(tx, OWNER, at=at)
        store.add_services(tx, records, at=at)
        for _ in range(40):
            do_something(tx, chance, chance.choice(records).id, at)
        along = all_rows(tx)
        assert not store.search_is_behind(tx)
        store.rebuild_search(tx)
        return along, all_rows(tx)

    along, anew = await database.write(work)

    assert along
    assert along == anew


@pytest.mark.on_both
async def test_a_service_moves_with_the_location_it_shares(database: Database, clock: SetClock):
    at = clock.now()
    first = a_service("first", at)
    second = replace(a_service("second", at), locations=first.locations)
    moved = replace(first.locations[0], latitude=NOWHERE.latitude + 5)

    def work(tx: Connection) -> list[float]:
        put(tx, first, second, at=at)
        store.put_service(tx, replace(first, locations=(moved,)), at=at)
        return list(tx.execute(sa.select(found_by.c.latitude)).scalars())

    assert set(await database.write(work)) == {NOWHERE.latitude + 5}


async def test_after_an_upgrade_the_first_start_fills_the_table(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    await database.write(lambda tx: put(tx, a_service("there", at), at=at))
    await database.write(lambda tx: tx.execute(found_by.delete()))

    await directory.prepare()

    point = FoundPlace(NOWHERE.name, NOWHERE.country, NOWHERE.latitude, NOWHERE.longitude)
    assert [found.name for found in await directory.near("shelter", point, language="en")] == ["there"]


async def test_the_table_knows_of_a_safe_place_no_more_than_its_front_gate(demo: Directory, database: Database):
    rows = await database.read(lambda tx: tx.execute(sa.select(found_by).where(found_by.c.confidential)).all())

    assert rows
    for row in rows:
        assert (round(row.latitude, 1), round(row.longitude, 1)) == (row.latitude, row.longitude)
