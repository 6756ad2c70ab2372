"""A new organisation and its services are written on the desk, and no one person brings them to a child alone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.officers import disable_officer
from directory import store
from directory.model import LocationKind, Organization, RecordState, fixed_id, with_stale_description
from directory.service import writers_of_new
from tests.integration.desk.test_service_edit import filled_in
from tests.integration.desk.test_services_desk import csrf, current, stored
from tests.integration.directory.records import OWNER

PLACE = {"city": "Ventimiglia", "country": "it", "address": "Via Roma 1", "latitude": "43.79", "longitude": "7.61"}
HOUSE = {"name.en": "Harbour kitchen", "need.food": "yes", "phone0.number": "+44 1632 960001", "why": "visited"}


def hidden(page: str) -> dict[str, str]:
    form = page[page.index('<form class="card fields narrow"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


async def an_organization(browser) -> str:
    fields = hidden(await browser.go("/desk/organizations/new")) | {"name": "Red Door", "why": "new in town"}
    for _ in range(2):  # a form that is sent twice makes one
        assert "Red Door" in await browser.post("/desk/organizations/new", **fields)
    assert (await browser.go("/desk/organizations?q=red")).count(">Red Door<") == 1
    return fields["id"]


async def a_new_service(browser, owner: str, **changes: str) -> str:
    page = f"/desk/organizations/{owner}/new-service"
    fields = filled_in(await browser.go(page)) | HOUSE | {f"new.{name}": text for name, text in PLACE.items()} | changes
    for _ in range(2):
        shown = await browser.post(page, **fields)
        assert "Saved." in shown, re.findall(r'role="alert".*?</div>', shown, re.S)
    return browser.path.rsplit("/", 1)[1]


async def move(browser, service_id: str, to: str, **fields: str) -> str:
    page = f"/desk/services/{service_id}"
    return await browser.post(f"{page}/move", csrf=csrf(await browser.go(page)), to=to, **fields)


async def test_a_new_record_is_written_by_one_and_put_in_force_by_another(world, clock, at_desk):
    hers = await at_desk(await world.officer("ana", Role.ADMIN))
    his = await at_desk(await world.officer("ben", Role.ADMIN))
    owner = await an_organization(hers)
    service_id = await a_new_service(hers, owner)
    page = f"/desk/services/{service_id}"

    shown = await move(hers, service_id, "in_review")
    assert "A colleague who did not must put it in force" in shown
    assert ">Put in force<" not in shown
    assert "must put it in force" in await move(hers, service_id, "current")
    shown = await hers.post("/desk/services/move", csrf=csrf(shown), id=service_id, to="current", why="x")
    assert "You wrote one of them" in shown
    record = await world.database.read(lambda tx: store.get_service(tx, service_id))
    assert record.state is RecordState.IN_REVIEW
    assert (record.locations[0].address, record.locations[0].country) == ("Via Roma 1", "IT")

    assert ">Put in force<" in await his.go(page)
    assert "Saved." in await move(his, service_id, "current")
    await hers.go(page)
    shown = await hers.send(f"{page}/check", method="phone", source="the cook")
    assert "Saved." in shown
    assert (await current(world, record)).verification.source == "the cook"


async def test_who_is_the_only_admin_puts_what_is_new_in_force_alone_and_it_stays_marked(world, clock, at_desk):
    hers = await at_desk(await world.officer("ana", Role.ADMIN))
    ben = await world.officer("ben", Role.ADMIN)
    owner = await an_organization(hers)
    service_id, house = await a_new_service(hers, owner), await a_new_service(hers, owner, confidential="yes")
    other = await a_new_service(hers, owner, **{"name.en": "Second kitchen"})
    page, alone = f"/desk/services/{service_id}", {"alone": "yes", "why": "I called the cook at noon"}
    await move(hers, house, "in_review")
    await move(hers, service_id, "in_review")
    assert "must put it in force" in await move(hers, service_id, "current", **alone)  # there is a colleague

    await world.database.write(lambda tx: disable_officer(tx, ben.id, clock.now()))
    assert "must put it in force" in await move(hers, service_id, "current", **alone)  # whom she did not just shut out
    await world.database.write(lambda tx: disable_officer(tx, ben.id, clock.now() - timedelta(days=8)))
    assert ">Put in force alone<" in await hers.go(page)
    assert ">Invite a colleague<" in await hers.go(page)
    assert "Say with whom" in await move(hers, service_id, "current", alone="yes")
    await move(hers, other, "in_review")
    listed = await hers.go("/desk/services?show=in_review")
    assert "Put in force alone what I wrote" in listed
    many = {"csrf": csrf(listed), "to": "current", "why": "I called all three"}
    for ids, ticked in (([other], ""), ([other, house], "yes")):  # unasked, or with a safe place: none goes
        shown = await hers.post("/desk/services/move", id=ids, alone=ticked, **many)
        assert "tick that you put it in force alone" in shown
    assert "Saved." in await hers.post("/desk/services/move", id=[other], alone="yes", **many)
    assert "I called all three" in await hers.go(f"/desk/services/{other}")
    assert "You put it in force alone" in hers.page
    assert ">Put in force alone<" not in await hers.go(f"/desk/services/{house}")
    assert "must put it in force" in await move(hers, house, "current", **alone)  # a safe place needs two
    assert "Saved." in await move(hers, service_id, "current", **alone)
    await hers.send(f"{page}/check", method="phone", source="the cook")
    assert "You put it in force alone" in await hers.go(page)
    assert HOUSE["name.en"] in await hers.go("/desk/services?show=alone")

    his = await at_desk(await world.officer("cleo", Role.ADMIN))
    assert "Call them before you send anybody there" in await his.go(page)
    shown = await his.send(f"{page}/check", method="phone", source="the cook")
    assert "Seen by one person only" not in shown
    assert "seen by a second person" in shown
    assert "I called the cook at noon" in shown
    assert HOUSE["name.en"] not in await his.go("/desk/services?show=alone")


async def test_a_second_account_of_one_person_is_no_second_pair_of_eyes(world, clock, at_desk):
    ana, ben = await world.officer("ana", Role.ADMIN), await world.officer("ben", Role.ADMIN)
    hers, his = await at_desk(ana), await at_desk(ben)

    async def lets_in(who, whom) -> None:
        note = {"at": clock.now(), "actor": who.id, "act": "officer.add", "object": f"officer:{whom.id}"}
        await world.database.write(lambda tx: audit.append(tx, world.vault, **note))

    await lets_in(ana, ben)
    owner = await an_organization(hers)
    service_id, house = await a_new_service(hers, owner), await a_new_service(hers, owner, confidential="yes")
    for new in (service_id, house):
        await move(hers, new, "in_review")
    assert "One of you two added the other" in await move(his, house, "current")  # a safe place needs two people
    assert "Saved." in await move(his, service_id, "current")
    assert "whose account is close to yours" in await his.send(f"{his.path}/check", method="phone", source="the cook")

    cleo, dan = await world.officer("cleo", Role.ADMIN), await world.officer("dan+2@example.org", Role.ADMIN)
    theirs = await at_desk(cleo)
    assert "Nobody can tell that two people" in await theirs.go(f"/desk/services/{service_id}")
    edit = f"/desk/services/{service_id}/edit"
    await hers.post(
        edit, **(filled_in(await hers.go(edit)) | {"phone0.number": "+44 1632 960002", "why": "they moved"})
    )
    draft = hers.path.rsplit("/", 1)[1]
    await move(hers, draft, "in_review")
    call = {"call_back": "Mona, old number"}
    assert "One of you two added the other" in await move(his, draft, "current", **call)
    await theirs.go(f"/desk/services/{service_id}")
    assert "seen by a second person" in await theirs.send(
        f"/desk/services/{service_id}/check", method="phone", source="x"
    )

    clock.advance(timedelta(minutes=1))
    await lets_in(cleo, ana)  # and cleo let dan in as well: one person could hold all three accounts
    await lets_in(cleo, dan)
    assert "Saved." in await move(await at_desk(dan), draft, "current", **call)
    eyes = await at_desk(await world.officer("eve", Role.ADMIN))
    assert "Nobody can tell that two people" in await eyes.go(f"/desk/services/{service_id}")


async def test_who_wrote_the_organisation_does_not_review_its_first_service(world, clock, at_desk):
    hers = await at_desk(await world.officer("ana", Role.ADMIN))
    ben = await world.officer("ben", Role.ADMIN)
    his = await at_desk(ben)
    owner = await an_organization(hers)
    service_id = await a_new_service(his, owner)
    await move(his, service_id, "in_review")

    assert "must put it in force" in await move(hers, service_id, "current")
    assert "Saved." in await move(await at_desk(await world.officer("cleo", Role.ADMIN)), service_id, "current")

    later = await a_new_service(his, owner, **{"name.en": "Harbour women's shelter"})
    assert "may be a safe place" in await his.go(f"/desk/services/{later}")
    assert "may be a safe place" not in await his.go(f"/desk/services/{service_id}")
    later = await a_new_service(his, owner)  # now that people have read of it, its writer may review
    record = await world.database.read(lambda tx: store.get_service(tx, later))
    assert await world.database.read(lambda tx: writers_of_new(tx, record)) == {ben.id}


async def test_a_service_gets_a_second_place_and_loses_one(world, clock, at_desk):
    record = await stored(world, clock)
    hers = await at_desk(await world.officer("ana", Role.ADMIN))
    his = await at_desk(await world.officer("ben", Role.ADMIN))
    page = f"/desk/services/{record.id}/edit"

    async def change(**fields: str) -> tuple[str, ...]:
        await hers.post(page, **(filled_in(await hers.go(page)) | {"why": "they grew"} | fields))
        draft = hers.path.rsplit("/", 1)[1]
        await move(hers, draft, "in_review")
        assert "Saved." in await move(his, draft, "current", call_back="Mona, old number")
        return tuple(place.address for place in (await current(world, record)).locations)

    assert await change(**{f"new.{name}": text for name, text in PLACE.items()}) == (
        "Harbour house street",
        "Via Roma 1",
    )
    assert await change(**{"place1.address": "Via Roma 2"}) == ("Harbour house street", "Via Roma 2")
    assert await change(gone="yes") == ("Via Roma 2",)


async def test_a_point_far_from_its_town_is_refused_and_nothing_typed_is_lost(world, clock, at_desk):
    hers = await at_desk(await world.officer("ana", Role.ADMIN))
    owner = await an_organization(hers)
    page = f"/desk/organizations/{owner}/new-service"
    swapped = {
        **{f"new.{name}": text for name, text in PLACE.items()},
        "new.latitude": "7.61",
        "new.longitude": "43.79",
    }
    fields = filled_in(await hers.go(page)) | HOUSE | swapped

    shown = await hers.post(page, **fields)

    assert hers.status == 422
    assert "latitude and longitude are swapped" in shown
    assert "Harbour kitchen" in shown
    assert await world.database.read(lambda tx: store.services_of(tx, owner)) == []


async def test_who_knows_the_town_and_writes_figures_of_their_script_needs_no_degrees(world, clock, at_desk):
    hers = await at_desk(await world.officer("ana", Role.ADMIN))
    owner = await an_organization(hers)
    page = f"/desk/organizations/{owner}/new-service"
    where = {"new.city": "فنتيميليا", "new.country": "it", "new.address": "Via Roma 1", "zone": "Europe/Rome"}
    figures = {"hours.0": "٠٩:٠٠-١٢:٣٠، ۱۴:۰۰-۱۸:۰۰", "phone0.number": "+٣٩ ٠١٨٤ ١٢٣", "minimum_age": "١٠"}
    fields = filled_in(await hers.go(page)) | HOUSE | where | figures

    shown = await hers.post(page, **fields)
    assert "in the middle of فنتيميليا for now" in shown
    assert "has no coordinates" not in shown
    await hers.post(page, **filled_in(shown))

    [service_id] = await world.database.read(lambda tx: store.services_of(tx, owner))
    record = await world.database.read(lambda tx: store.get_service(tx, service_id))
    assert record.locations[0].latitude == pytest.approx(43.79, abs=0.05)
    assert record.hours.on_weekday(0) == [(9 * 60, 12 * 60 + 30), (14 * 60, 18 * 60)]
    assert (record.phones[0].number, record.eligibility.minimum_age) == ("+39 0184 123", 10)


async def test_a_new_safe_place_has_a_town_and_no_address(world, clock, at_desk):
    hers = await at_desk(await world.officer("ana", Role.ADMIN))
    owner = await an_organization(hers)
    page = f"/desk/organizations/{owner}/new-service"
    shown = await hers.go(f"{page}?safe=yes")
    assert 'name="new.address"' not in shown
    where = {f"new.{name}": text for name, text in PLACE.items()}  # more than the form asks for

    await hers.post(page, **(filled_in(shown) | HOUSE | where))

    [service_id] = await world.database.read(lambda tx: store.services_of(tx, owner))
    record = await world.database.read(lambda tx: store.get_service(tx, service_id))
    [place] = record.locations
    assert (record.confidential, place.kind, place.city) == (True, LocationKind.FRONT_GATE, "Ventimiglia")
    assert (place.address, place.latitude, place.longitude) == ("", 43.8, 7.6)  # of the town, and not what was typed


async def test_what_people_read_of_an_organisation_is_changed_by_a_second_person_who_called(world, clock, at_desk):
    await stored(world, clock)
    hers = await at_desk(await world.officer("ana@example.org", Role.ADMIN))
    his = await at_desk(await world.officer("ana+2@example.org", Role.ADMIN))  # who may be she
    page = f"/desk/organizations/{OWNER.id}"
    before = await hers.go(f"{page}/edit")
    fields = hidden(before) | {"name": "Test Owner", "description": "Runs tests", "why": "they wrote"}

    fields |= {"description.fr": "Fait des essais", "language.another": "ti", "description.another": "ፈተና"}
    assert "Mend this first" in await hers.post(f"{page}/edit", **fields, website="no address")
    shown = await hers.post(f"{page}/edit", **fields, website="https://example.org")
    assert "https://example.org" in shown
    theirs = fields | {"csrf": csrf(await his.go("/desk"))}
    again = await his.post(f"{page}/edit", **theirs, website="https://example.com")
    assert "all that you typed is still here" in again
    assert "https://example.org</dd>" in again
    assert 'value="https://example.com"' in again
    await hers.post(f"{page}/move", csrf=csrf(shown), to="in_review")
    assert "did not write it must decide" in await hers.post(f"{page}/move", csrf=csrf(shown), to="current")

    async def owner() -> Organization:
        return (await world.database.read(lambda tx: store.get_organizations(tx, [OWNER.id])))[OWNER.id]

    async def website() -> str:
        return (await owner()).website

    shown = await his.go(page)
    assert "note who said what" in await his.post(f"{page}/move", csrf=csrf(shown), to="current", call_back=" ")
    assert await website() == ""
    assert "Saved." in await his.post(f"{page}/move", csrf=csrf(shown), to="current", call_back="Mona, at noon")
    assert await website() == "https://example.org"
    told = {text.language: text for text in (await owner()).descriptions}
    assert {code: text.text for code, text in told.items()} == {"fr": "Fait des essais", "ti": "ፈተና"}
    assert (await owner()).description_in("fr").text == "Fait des essais"
    changed = with_stale_description(await owner(), replace(await owner(), description="Sleeps"))
    assert changed.description_in("fr").text == "Sleeps"  # and not what the French one still says
    assert "Mona, at noon" in await his.go(page)

    for one, marked in ((hers, True), (his, True), (await at_desk(await world.officer("eve", Role.ADMIN)), False)):
        clock.advance(timedelta(minutes=1))
        for service_id in await world.database.read(lambda tx: store.services_of(tx, OWNER.id)):
            await one.go(f"/desk/services/{service_id}")
            seen = await one.send(f"/desk/services/{service_id}/check", method="phone", source="Mona")
            assert ("Seen by one person only" in seen) is marked


async def test_organisations_are_read_to_their_end_and_those_with_a_change_by_themselves(world, clock, at_desk):
    many = [Organization(fixed_id("owner", str(n)), f"Owner {n:03}", "") for n in range(101)]
    await world.database.write(lambda tx: store.add_organizations(tx, many, at=clock.now()))
    await world.database.write(lambda tx: store.put_organization_draft(tx, many[7], RecordState.DRAFT))
    browser = await at_desk(await world.officer("ana", Role.ADMIN))

    first, second = [await browser.go(f"/desk/organizations?q=owner&page={page}") for page in (1, 2)]

    assert (first.count(">Owner "), second.count(">Owner ")) == (100, 1)
    assert ('rel="next"' in first, 'rel="next"' in second, 'rel="prev"' in second) == (True, False, True)
    assert (await browser.go("/desk/organizations?show=open")).count(">Owner 007<") == 1
    assert (await browser.go("/desk/organizations?show=open")).count(">Owner ") == 1


async def test_only_an_admin_writes_and_every_screen_is_whole_in_every_language(world, clock, at_desk):
    await stored(world, clock)
    admin = await at_desk(await world.officer("ana", *Role))
    officer = await at_desk(await world.officer("ines", Role.OFFICER))
    own = f"/desk/organizations/{OWNER.id}"
    pages = ["/desk/organizations", own, f"{own}/edit", "/desk/organizations/new", f"{own}/new-service"]
    for path in pages:
        for language in ("fr", "es", "ar"):
            shown = await admin.go(f"{path}?lang={language}")
            assert admin.status == 200
            assert f'<html lang="{language}"' in shown
        await officer.go(path)
        assert officer.status == (200 if path in pages[:2] else 404)
    token = csrf(await officer.go("/desk"))
    for path in (f"{own}/edit", f"{own}/move", "/desk/organizations/new", f"{own}/new-service"):
        await officer.post(path, csrf=token, to="current", name="x", id=OWNER.id)
        assert officer.status == 404
