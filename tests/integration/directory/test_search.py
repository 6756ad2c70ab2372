from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import fields, replace
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from dialogues.actions import ports
from directory import demonstration, search, store
from directory.asking import Directory
from directory.model import AtPlace, Eligibility, FoundPlace, Gender, Phone, RecordState, ServiceStatus
from directory.opening_hours import week
from directory.search import Search
from directory.told import FoundService
from directory.wishes import Wishes

from .records import NOWHERE, VENTIMIGLIA, a_service, by_web, put


async def names(directory: Directory, need: str = "shelter", **more: object) -> list[str]:
    found = await directory.near(need, NOWHERE, language="en", wishes=Wishes(**more))  # type: ignore[arg-type]
    return [service.name for service in found]


async def test_a_place_to_sleep_in_ventimiglia(demo: Directory):
    [place] = await demo.resolve_place("ventimilia", country=None, language="en")

    found = await demo.near("shelter", place, language="fr")

    assert len(found) == 3
    first, second, third = found
    assert first.name == "Abri de nuit La Lanterne"
    assert first.distance_m is not None
    assert first.distance_m < 1000
    assert first.phone == "+33 1 99 00 10 01"
    assert first.address == "Via dell'Esempio 12, 00001 Ventimiglia"
    assert first.hours_today == "Ouvert aujourd'hui 18:00–08:30"
    assert first.open_now is False  # it is 13:00 there
    assert first.checked_days_ago == 3
    assert "À 0,3 km" in first.why
    assert "Vérifié il y a 3 jours" in first.why
    assert "Pas besoin de papiers" in first.facts
    assert first.free is True
    assert first.demo
    assert second.confidential
    assert third.distance_m is not None


async def test_a_safe_place_that_was_kept_without_a_point_is_found_in_its_town(demo: Directory, database: Database):
    def without(tx: Connection) -> str:
        [safe] = [each for each in store.get_services(tx, store.list_ids(tx)) if each.confidential]
        gates = tuple(replace(place, latitude=None, longitude=None) for place in safe.locations)
        store.put_service(tx, replace(safe, locations=gates), at=demo.clock.now())
        return safe.id

    safe_id = await database.write(without)
    assert safe_id not in [found.id for found in await demo.near("shelter", VENTIMIGLIA, language="en")]
    changed = await database.read(lambda tx: store.get_service(tx, safe_id))

    await demo.prepare()

    assert safe_id in [found.id for found in await demo.near("shelter", VENTIMIGLIA, language="en")]
    now = await database.read(lambda tx: store.get_service(tx, safe_id))
    assert now.modified_at == changed.modified_at  # nobody changed it


async def test_what_is_at_no_point_is_offered_in_its_whole_country(
    directory: Directory, database: Database, clock: SetClock
):
    await database.write(lambda tx: put(tx, by_web(clock.now()), at=clock.now()))

    assert await names(directory) == ["by web"]


async def test_of_a_safe_place_one_hears_a_number_and_not_where_it_is(demo: Directory):
    found = await demo.near("shelter", VENTIMIGLIA, language="en")
    [safe] = [service for service in found if service.confidential]

    assert safe.phone
    assert safe.address == ""
    assert (safe.distance_m, safe.latitude, safe.longitude) == (None, None, None)
    assert not any("km" in reason for reason in safe.why)
    assert "They tell you the way on the phone" in safe.facts


async def test_a_boy_is_not_sent_to_a_house_for_girls(demo: Directory):
    boy = await demo.near("shelter", VENTIMIGLIA, language="en", wishes=Wishes(age=15, gender=Gender.BOYS), limit=9)
    girl = await demo.near("shelter", VENTIMIGLIA, language="en", wishes=Wishes(age=15, gender=Gender.GIRLS), limit=9)

    assert not any(service.confidential for service in boy)
    assert any(service.confidential for service in girl)


async def test_age_decides_what_is_offered(directory: Directory, database: Database, clock: SetClock):
    at = clock.now()
    children = a_service("children", at, eligibility=Eligibility(0, 17))
    adults = a_service("adults", at, eligibility=Eligibility(18, None))
    anyone = a_service("anyone", at, north_m=500)
    await database.write(lambda tx: put(tx, children, adults, anyone, at=at))

    assert await names(directory, age=15) == ["children", "anyone"]
    assert await names(directory, age=30) == ["adults", "anyone"]
    assert await names(directory) == ["children", "anyone"]  # an unknown age is taken to be a child's


async def test_near_comes_first(directory: Directory, database: Database, clock: SetClock):
    at = clock.now()
    records = [a_service(f"{metres} m", at, north_m=metres) for metres in (9000, 100, 3000)]
    await database.write(lambda tx: put(tx, *records, at=at))

    found = await directory.near("shelter", NOWHERE, language="en")

    assert [service.name for service in found] == ["100 m", "3000 m", "9000 m"]
    assert [service.distance_m for service in found] == pytest.approx([100, 3000, 9000], rel=0.001)


async def test_a_whole_country_is_searched_for_who_names_no_town(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    here = a_service("checked today", at, checked_days_ago=0)
    far = a_service("checked before", at, checked_days_ago=9, north_m=900_000)
    others = [
        a_service("stale", at, checked_days_ago=91),
        a_service("for grown-ups", at, eligibility=Eligibility(18, None)),
        a_service("food", at, needs=("food",)),
        a_service("draft", at, state=RecordState.DRAFT),
    ]
    await database.write(lambda tx: put(tx, far, here, *others, at=at))
    country = here.locations[0].country

    found = await directory.in_country("shelter", country, language="en")

    assert [service.name for service in found] == ["checked today", "checked before"]
    assert [service.distance_m for service in found] == [None, None]
    assert await directory.in_country("shelter", "FJ", language="en") == []
    assert await directory.in_country("shelter", country, language="en", wishes=Wishes(free=True, speaks="am")) == []


async def test_of_a_safe_place_a_whole_country_tells_no_more_than_its_number(demo: Directory):
    found = await demo.in_country("shelter", "IT", language="en", limit=9)
    [safe] = [service for service in found if service.confidential]

    assert safe.phone
    assert (safe.address, safe.latitude, safe.longitude, safe.distance_m) == ("", None, None, None)


async def test_one_looks_farther_until_there_is_enough(directory: Directory, database: Database, clock: SetClock):
    at = clock.now()
    await database.write(lambda tx: put(tx, a_service("a day's way", at, north_m=100_000), at=at))

    assert await names(directory) == ["a day's way"]


@pytest.mark.parametrize("need", ["shelter", "gbv", "emergency_health", "child_protection"])
async def test_a_stale_record_is_not_offered_to_who_needs_it_tonight(
    directory: Directory, database: Database, clock: SetClock, need: str
):
    at = clock.now()
    stale = a_service("stale", at, checked_days_ago=91, needs=(need,))
    fresh = a_service("fresh", at, checked_days_ago=89, needs=(need,), north_m=5000)
    await database.write(lambda tx: put(tx, stale, fresh, at=at))

    assert await names(directory, need) == ["fresh"]


async def test_for_other_needs_a_stale_record_sinks_and_who_is_in_danger_is_not_sent_there(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    stale = a_service("stale", at, checked_days_ago=120, needs=("education",))
    fresh = a_service("fresh", at, needs=("education",), north_m=5000)
    await database.write(lambda tx: put(tx, stale, fresh, at=at))

    found = await directory.near("education", NOWHERE, language="en")

    assert [(service.name, service.checked_days_ago) for service in found] == [("fresh", 1), ("stale", 120)]
    in_danger = Wishes(lately_checked=True)
    for found in (
        await directory.near("education", NOWHERE, language="en", wishes=in_danger),
        await directory.in_country("education", NOWHERE.country, language="en", wishes=in_danger),
    ):
        assert [service.name for service in found] == ["fresh"]


async def test_what_nobody_has_checked_or_approved_is_never_offered(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    records = [a_service("unverified", at, checked_days_ago=None, needs=("education",))]
    records += [
        a_service(state.value, at, state=state, needs=("education",))
        for state in RecordState
        if state is not RecordState.CURRENT
    ]
    records += [
        a_service(status.value, at, status=status, needs=("education",))
        for status in ServiceStatus
        if status is not ServiceStatus.ACTIVE
    ]
    await database.write(lambda tx: put(tx, *records, at=at))

    found = await directory.near("education", NOWHERE, language="en", limit=20)

    assert not {service.name for service in found} & {record.name for record in records}
    for record in records:
        shown = await directory.service(record.id, language="en")
        assert (shown is None) == (record.state is not RecordState.CURRENT or record.verification is None)


async def test_what_is_shut_for_a_while_is_not_offered_until_it_opens(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    shut = a_service("shut", at, closed_from=at.date(), closed_until=at.date() + timedelta(days=5))
    await database.write(lambda tx: put(tx, shut, at=at))

    assert "shut" not in await names(directory)
    clock.advance(timedelta(days=6))
    assert await names(directory) == ["shut"]


async def test_open_now_leaves_out_what_is_closed(directory: Directory, database: Database, clock: SetClock):
    at = clock.now()
    closed = a_service("closed", at, hours=week("UTC", "mo 14:00-15:00"))
    unknown = a_service("unknown", at)
    opened = a_service("open", at, north_m=900, hours=week("UTC", "mo 11:00-13:00"))
    await database.write(lambda tx: put(tx, closed, unknown, opened, at=at))

    assert (await names(directory, open_now=True))[0] == "open"
    assert "closed" not in await names(directory, open_now=True)


async def test_there_is_no_dead_end(demo: Directory):
    near_nothing = await demo.near("cash", VENTIMIGLIA, language="es")

    assert near_nothing
    assert all(service.phone for service in near_nothing)
    assert "Para todo el país, por teléfono o internet" in near_nothing[0].why


async def test_family_tracing_is_there_everywhere(directory: Directory):
    [found] = await directory.near("family_tracing", NOWHERE, language="en")

    assert found.website == "https://familylinks.icrc.org"


@pytest.mark.on_both
async def test_helplines_are_those_of_the_country(directory: Directory):
    french = await directory.helplines("FR", language="fr", limit=9)
    numbers = [service.phone for service in french]

    assert {"119", "116 000", "116 111"} <= set(numbers)
    assert "1098" not in numbers
    assert all(service.source for service in french)
    assert [service.phone for service in await directory.helplines("IN", language="en")] == ["1098"]
    assert [service.phone for service in await directory.helplines(None, language="en")] == [""]


async def test_the_emergency_number_is_that_of_the_country(directory: Directory):
    assert await directory.emergency_number("IT") == "112"
    assert await directory.emergency_number("US") == "911"
    assert await directory.emergency_number("XX") == "112"
    assert await directory.emergency_number(None) == "112"


async def test_an_unknown_need_is_an_error_of_the_caller(directory: Directory):
    with pytest.raises(KeyError):
        await directory.near("a pony", NOWHERE, language="en")


async def test_text_falls_back_to_the_language_it_was_written_in(demo: Directory):
    found = await demo.near("shelter", VENTIMIGLIA, language="so")

    assert found[0].language == "en"
    assert found[0].name == "Lantern night shelter"


async def test_a_town_is_known_once_something_is_offered_there(
    directory: Directory, database: Database, clock: SetClock
):
    assert await directory.resolve_place("Eismitte") == []
    at = clock.now()
    await database.write(lambda tx: put(tx, a_service("new", at), at=at))
    clock.advance(timedelta(minutes=2))

    assert [place.country for place in await directory.resolve_place("eismite")] == ["GL"]


async def test_a_shared_location_is_used_to_a_hundred_metres_and_named_after_the_town(directory: Directory):
    place = await directory.place_at(43.791234, 7.601234)

    assert place == FoundPlace("Ventimiglia", "IT", 43.791, 7.601)


async def test_a_service_at_two_places_is_offered_once_from_the_nearer(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    near, far = a_service("near", at, north_m=200), a_service("far", at, north_m=4000)
    both = replace(near, locations=(*far.locations, *near.locations))
    await database.write(lambda tx: put(tx, both, at=at))

    [found] = await directory.near("shelter", NOWHERE, language="en")

    assert found.distance_m == pytest.approx(200, abs=1)
    assert found.address == "near street, Eismitte"
    again = await directory.service(found.id, language="en", place_id=found.place_id)  # whose way is shown next
    assert again is not None
    assert again.address == found.address


async def test_what_is_open_is_told_of_the_place_that_is_offered(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    shut, far = a_service("shut", at, north_m=200), a_service("far", at, north_m=4000)
    there = AtPlace(shut.locations[0].id, week("UTC", "mo 14:00-15:00"), (Phone("+299 2"),))
    both = replace(
        far,
        locations=(*shut.locations, *far.locations),
        hours=week("UTC", "mo 11:00-13:00"),
        phones=(Phone("+299 1"),),
        at_places=(there,),
        countries=("GL",),
        areas=("Eismitte",),
    )
    await database.write(lambda tx: put(tx, both, at=at))

    def told(service: FoundService) -> tuple[str, str, bool | None, str]:
        return service.address, service.hours_today, service.open_now, service.phone

    near = ("shut street, Eismitte", "Open today 14:00–15:00", False, "+299 2")
    opened = ("far street, Eismitte", "Open today 11:00–13:00", True, "+299 1")
    now = Wishes(open_now=True)
    assert [told(one) for one in await directory.near("shelter", NOWHERE, language="en")] == [near]
    assert [told(one) for one in await directory.near("shelter", NOWHERE, language="en", wishes=now)] == [opened]
    assert [told(one) for one in await directory.in_country("shelter", "GL", language="en")] == [near]
    assert [told(one) for one in await directory.in_country("shelter", "GL", language="en", wishes=now)] == [opened]
    found = await database.read(lambda tx: search._of_area(both, Search("shelter", open_now=True), at))
    assert [place.address for _, place, _ in found if place is not None] == ["far street"]


@pytest.mark.on_both
async def test_a_place_near_the_date_line_finds_what_lies_beyond_it(
    directory: Directory, database: Database, clock: SetClock
):
    at = clock.now()
    service = a_service("beyond", at)
    beyond = replace(service.locations[0], latitude=-16.8, longitude=-179.99, country="FJ")
    await database.write(lambda tx: put(tx, replace(service, locations=(beyond,)), at=at))

    found = await directory.near("shelter", FoundPlace("Taveuni", "FJ", -16.8, 179.99), language="en")

    assert [service.name for service in found] == ["beyond"]


async def test_starting_again_changes_nothing_and_an_editors_helpline_is_left_alone(
    directory: Directory, database: Database, clock: SetClock
):
    before = await database.read(store.latest_change)
    clock.advance(timedelta(days=1))
    await directory.prepare()
    assert await database.read(store.latest_change) == before

    line = (await directory.helplines("IN", language="en"))[0]
    record = await database.read(lambda tx: store.get_service(tx, line.id))
    assert record is not None
    assert record.verification is not None
    checked = replace(record.verification, by="Ana", at=clock.now())
    edited = replace(record, verification=checked, phones=(Phone("1099"),))
    await database.write(lambda tx: store.put_service(tx, edited, at=clock.now()))
    await directory.prepare()

    assert [service.phone for service in await directory.helplines("IN", language="en")] == ["1099"]


async def test_the_demonstration_goes_as_it_came(demo: Directory, database: Database, clock: SetClock):
    before = await database.read(store.demo_ids)
    assert len(before[0]) == len(demonstration.EXAMPLES)

    key_ids = await database.write(demonstration.remove)

    assert len(key_ids) == 1
    assert await database.read(store.demo_ids) == ([], [])
    assert await database.read(store.own_towns) == []
    assert all(not service.demo for service in await demo.near("shelter", VENTIMIGLIA, language="en"))
    assert await demo.helplines("FR", language="en")


async def test_a_record_comes_back_as_it_was_kept(demo: Directory, database: Database, clock: SetClock):
    ids = (await database.read(store.demo_ids))[0]
    records = await database.read(lambda tx: store.get_services(tx, ids))

    await database.write(lambda tx: [store.put_service(tx, record, at=clock.now()) for record in records])

    assert await database.read(lambda tx: store.get_services(tx, ids)) == records


def questions(tx: Connection, at: datetime) -> int:
    """How many statements one search takes."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sa.event.listen(tx.engine, "before_cursor_execute", note)
    try:
        search.find_near(tx, Search("shelter", NOWHERE.latitude, NOWHERE.longitude), at=at)
    finally:
        sa.event.remove(tx.engine, "before_cursor_execute", note)
    return len(asked)


async def test_a_search_takes_as_many_questions_however_many_services_there_are(
    demo: Directory, database: Database, clock: SetClock
):
    at = clock.now()

    async def with_services(count: int) -> int:
        records = [a_service(f"service {number}", at, north_m=number) for number in range(count)]
        await database.write(lambda tx: put(tx, *records, at=at))
        return await database.read(lambda tx: questions(tx, at))

    assert await with_services(5) == await with_services(60)


async def test_what_is_for_a_country_is_read_by_the_country(directory: Directory, database: Database):
    """SQLite says how it would do it: with a hundred thousand services in force, to read them all took 0.2 seconds."""

    def plan(tx: Connection) -> str | None:
        if tx.dialect.name != "sqlite":
            return None  # PostgreSQL decides by how many rows there are
        asked: list[tuple[str, Any]] = []

        @sa.event.listens_for(tx, "before_cursor_execute")
        def note(_tx: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: Any) -> None:
            asked.append((statement, values))

        store.serving_country(tx, "food", "IT", who=store.person(12, None), checked_since=None)
        sa.event.remove(tx, "before_cursor_execute", note)
        [(statement, values)] = asked
        driver: Any = tx.connection.driver_connection
        return "; ".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", values))

    told = await database.read(plan)

    assert told is None or "directory_services USING INDEX sqlite_autoindex_directory_services_1 (id=?)" in told


def test_results_carry_what_the_dialogue_asks_of_its_host():
    for ours, theirs in ((FoundPlace, ports.FoundPlace), (FoundService, ports.FoundService)):
        assert {field.name for field in fields(theirs)} <= {field.name for field in fields(ours)}


# --- wishes -----------------------------------------------------------------------------------------------------------


NIGHTS = week("UTC", "mo-su 20:00-08:00")


@pytest.mark.on_both
@pytest.mark.parametrize(
    ("wish", "met", "contradicted"),
    [
        ({"free": True}, {"free": True}, {"free": False}),
        (
            {"no_papers": True},
            {"eligibility": Eligibility(papers_needed=False)},
            {"eligibility": Eligibility(papers_needed=True)},
        ),
        ({"speaks": "ti"}, {"languages": ("it", "ti")}, {"languages": ("it",)}),
        ({"open_now": True}, {"hours": week("UTC", "24/7")}, {"hours": week("UTC", "mo-su 01:00-02:00")}),
        ({"open_tonight": True}, {"hours": NIGHTS}, {"hours": week("UTC", "mo-su 09:00-18:00")}),
    ],
)
async def test_what_is_wished_for_is_kept_only_where_it_is_known(
    directory: Directory,
    database: Database,
    clock: SetClock,
    wish: dict[str, Any],
    met: dict[str, Any],
    contradicted: dict[str, Any],
):
    at = clock.now()
    records = (
        a_service("unknown", at),
        a_service("contradicted", at, north_m=10, **contradicted),
        a_service("met", at, north_m=9_000, **met),
    )
    await database.write(lambda tx: put(tx, *records, at=at))

    everything = await directory.near("shelter", NOWHERE, language="en")
    wished = await directory.near("shelter", NOWHERE, language="en", wishes=Wishes(**wish))

    assert [found.name for found in everything] == ["unknown", "contradicted", "met"]
    assert [found.name for found in wished][:1] == ["met"]
    assert ("They speak Tigrinya" in wished[0].suits) is ("speaks" in wish)
    assert not {"unknown", "contradicted"} & {found.name for found in wished}


async def test_a_wish_that_nothing_meets_still_has_an_answer(directory: Directory, database: Database, clock: SetClock):
    await database.write(lambda tx: put(tx, a_service("costs", clock.now(), free=False), at=clock.now()))

    found = await directory.near(
        "shelter", VENTIMIGLIA, language="en", wishes=Wishes(free=True, no_papers=True, speaks="ti")
    )

    assert found
    assert "helpline" in found[0].needs
