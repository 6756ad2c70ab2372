"""Two records that look like one service, on the desk: compared, merged or told apart by an admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.desk.duplicates import Seeker
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.live import Signals
from directory import demonstration, store
from directory.duplicates import look_for_duplicates, look_if_due
from directory.model import LocationKind, Phone, RecordState, Service
from directory.safe_places import SafePlace, put_safe_place
from tests.integration.desk.test_services_desk import csrf
from tests.integration.directory.records import OWNER, a_service, put
from tests.integration.directory.test_safe_places_leak import CANARIES, HIDDEN


async def twice(world, clock) -> tuple[Service, Service]:
    one = a_service("Harbour house", clock.now(), phones=(Phone("+44 1632 960001"),))
    two = replace(a_service("Harbour House", clock.now(), north_m=20), phones=(Phone("+44 1632 960002"),))
    await world.database.write(lambda tx: put(tx, one, two, at=clock.now()))
    return one, two


async def test_an_admin_looks_compares_and_merges(world, clock, at_desk):
    one, two = await twice(world, clock)
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    assert "No two records look alike" in await browser.go("/desk/services/duplicates")
    assert "Everything is being compared" in await browser.send("/desk/services/duplicates")
    assert await seek(world, clock)
    assert "The names are alike" in await browser.go("/desk/services/duplicates")
    compared = f"/desk/services/{one.id}/with/{two.id}"

    shown = await browser.go(compared)
    assert "960001" in shown
    assert "960002" in shown
    assert shown.count(OWNER.name) == 2, "whose record each is"
    shown = await browser.send(compared, **{"take.phones": "both", "take.name": "anything", "why": "the same house"})

    assert "They are one record now" in shown
    assert "960002" in shown  # the draft with what was taken over
    assert "merged into another" in await browser.go(f"/desk/services/{two.id}")
    assert "the same house" in browser.page
    gone = await world.database.read(lambda tx: store.get_service(tx, two.id))
    assert gone.state is RecordState.ARCHIVED
    acts = [row.act for row in await world.database.read(lambda tx: audit.read_log(tx, limit=20))]
    assert "service.merged" in acts
    assert "cannot be merged now" in await browser.post(compared, csrf=csrf(shown), why="again")


async def test_two_services_are_told_apart_for_good(world, clock, at_desk):
    await twice(world, clock)
    await look_for_duplicates(world.database, at=clock.now())
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    [pair] = await world.database.read(lambda tx: store.suggested(tx, limit=9))
    await browser.go(f"/desk/services/{pair.first_id}/with/{pair.second_id}")

    await browser.send(f"/desk/services/{pair.first_id}/apart/{pair.second_id}")

    assert "No two records look alike" in browser.page
    await browser.send("/desk/services/duplicates")
    assert await seek(world, clock)
    assert "No two records look alike" in await browser.go("/desk/services/duplicates")


async def test_the_page_says_when_everything_was_last_compared(world, clock, at_desk):
    await twice(world, clock)
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    assert "Nothing was compared yet" in await browser.go("/desk/services/duplicates")
    assert await seek(world, clock)

    shown = await browser.go("/desk/services/duplicates")

    assert "Last compared:" in shown
    assert "is being compared" not in shown


async def test_nothing_is_compared_again_before_a_record_changed_or_somebody_asks(world, clock, at_desk):
    await twice(world, clock)
    assert await seek(world, clock)
    clock.advance(timedelta(days=2))
    assert not await seek(world, clock)

    third = replace(a_service("HARBOUR house", clock.now(), north_m=30), phones=())
    await world.database.write(lambda tx: put(tx, third, at=clock.now()))

    assert await seek(world, clock)
    pairs = await world.database.read(lambda tx: store.suggested(tx, limit=9))
    assert len(pairs) == 3


async def seek(world, clock) -> bool:
    """Have the program's own worker look once, with the comparing in this process."""

    async def compare() -> None:
        await look_if_due(world.database, now=clock.now)

    return await Seeker(world.database, clock, Signals(), compare).seek()


@pytest.mark.parametrize("role", [Role.OFFICER, Role.COORDINATOR])
async def test_nobody_else_sees_or_merges_duplicates(world, clock, at_desk, role):
    one, two = await twice(world, clock)
    browser = await at_desk(await world.officer("ines", role))
    token = csrf(await browser.go("/desk/account"))
    assert "/desk/services/duplicates" not in await browser.go("/desk/services")
    compared = f"/desk/services/{one.id}/with/{two.id}"
    for path in ("/desk/services/duplicates", compared):
        await browser.go(path)
        assert browser.status == 404
        await browser.post(path, csrf=token, why="x")
        assert browser.status == 404
    assert (await world.database.read(lambda tx: store.get_service(tx, two.id))).state is RecordState.CURRENT


async def test_a_safe_place_is_not_given_away_by_what_looks_like_it(world, clock, vault, at_desk):
    """A public record with the name, number and street of a safe house is never shown beside it."""

    def plant(tx: Connection) -> tuple[Service, Service, Service]:
        demonstration.seed(tx, at=clock.now())
        [safe] = [s for s in store.get_services(tx, store.list_ids(tx)) if s.confidential]
        place = SafePlace(*HIDDEN)
        put_safe_place(tx, vault, lambda *_a, **_k: None, service_id=safe.id, place=place, by="ana", at=clock.now())
        gate = replace(safe.locations[0], id=a_service("gate", clock.now()).locations[0].id)
        assert gate.kind is LocationKind.FRONT_GATE
        again = replace(safe, id=a_service("again", clock.now()).id, locations=(gate,))
        town = safe.locations[0]
        public = replace(a_service("public", clock.now()), name=safe.name, phones=safe.phones, needs=safe.needs)
        public = replace(public, demo=safe.demo)
        public = replace(
            public, locations=(replace(public.locations[0], city=town.city, country=town.country, address="Open 1"),)
        )
        put(tx, again, public, at=clock.now())
        return safe, again, public

    safe, again, public = await world.database.write(plant)
    browser = await at_desk(await world.officer("ana", *Role))
    await browser.go("/desk/services/duplicates")
    await browser.send("/desk/services/duplicates")
    assert await seek(world, clock)
    listed = await browser.go("/desk/services/duplicates")
    pairs = await world.database.read(lambda tx: store.suggested(tx, limit=100))
    met = [{pair.first_id, pair.second_id} for pair in pairs]
    assert {safe.id, again.id} in met
    assert not [pair for pair in met if public.id in pair]
    for path in (f"{public.id}/with/{safe.id}", f"{safe.id}/with/{public.id}"):
        await browser.go(f"/desk/services/{path}")
        assert browser.status == 404
    compared = await browser.go(f"/desk/services/{safe.id}/with/{again.id}")
    assert browser.status == 200
    assert [canary for canary in CANARIES if canary in listed + compared] == []


@pytest.mark.parametrize("language", ["fr", "es", "ar"])
async def test_the_screens_are_whole_in_every_language(world, clock, at_desk, language):
    one, two = await twice(world, clock)
    await look_for_duplicates(world.database, at=clock.now())
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    for path in ("/desk/services/duplicates", f"/desk/services/{one.id}/with/{two.id}"):
        shown = await browser.go(f"{path}?lang={language}")
        assert browser.status == 200
        assert f'<html lang="{language}"' in shown
        for english in ("Duplicates<", "Compare<", "Keep as it is", "The same ", "These are "):
            assert english not in shown
