"""What the maps of the desk are given, and from where their pages may show pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from msgspec.structs import replace
from multidict import CIMultiDict

from bot.desk.maps import with_map
from bot.kernel.access import Role
from bot.kernel.security_headers import HEADERS, put_security_headers
from bot.kernel.settings import SettingsWrong, load_settings
from bot.kernel.web_keys import IMAGES_FROM, SETTINGS
from directory import store
from directory.coverage import coverage
from directory.model import LocationKind, Phone
from tests.integration.directory.records import a_service, put

TILES = "https://tiles.example.org:8443/osm/{z}/{x}/{y}.png?key=1"


@dataclass
class Row:
    whole: str

    def said(self, name: str) -> str | None:
        found = re.search(rf'data-{name}="([^"]*)"', self.whole)
        return found[1] if found else None


def rows_of(page: str) -> dict[str, Row]:
    found = [Row(row) for row in re.findall(r"<tr id=.*?</tr>", page, re.S)]
    return {re.search(r"<bdi>(.*?)</bdi>", row.whole)[1]: row for row in found}


def a_safe_place(clock, town: str):
    record = a_service(f"safe in {town}", clock.now(), needs=("shelter", "gbv"), phones=(Phone("112"),))
    gate = replace(
        record.locations[0], kind=LocationKind.FRONT_GATE, city=town, address="", latitude=72.1, longitude=-40.1
    )
    return replace(record, confidential=True, locations=(gate,))


async def test_a_town_is_on_the_map_where_its_public_services_are(world, clock, at_desk):
    north, south = a_service("north", clock.now(), north_m=4_000), a_service("south", clock.now(), needs=("food",))
    await world.database.write(lambda tx: put(tx, north, south, at=clock.now()))
    browser = await at_desk(await world.officer("ana", Role.ADMIN))

    row = rows_of(await browser.go("/desk/services/coverage"))["Eismitte"]

    assert float(row.said("lat")) == pytest.approx(72.018, abs=0.001)
    assert "Eismitte: 2 of 31 needs are met" in row.said("said")


async def test_a_safe_place_is_not_on_the_map_and_not_in_its_count(world, clock, at_desk):
    beside, alone = a_safe_place(clock, "Eismitte"), a_safe_place(clock, "Ammassalik")
    public = a_service("public", clock.now(), needs=("food",))
    await world.database.write(lambda tx: put(tx, public, at=clock.now()))
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    before = rows_of(await browser.go("/desk/services/coverage"))["Eismitte"]

    await world.database.write(lambda tx: put(tx, beside, alone, at=clock.now()))
    rows = rows_of(await browser.go("/desk/services/coverage"))

    on_map = ("lat", "lon", "level", "figure", "said")
    assert [rows["Eismitte"].said(each) for each in on_map] == [before.said(each) for each in on_map]
    assert [rows["Ammassalik"].said(each) for each in on_map] == [None] * len(on_map)
    assert "72.1" not in rows["Ammassalik"].whole
    town = next(
        town for town in await world.database.read(lambda tx: coverage(tx, at=clock.now())) if town.point is None
    )
    assert town.all.services == 1


async def test_the_point_of_a_safe_place_cannot_be_moved_on_a_map(world, clock, at_desk):
    safe, public = a_safe_place(clock, "Eismitte"), a_service("public", clock.now())
    await world.database.write(lambda tx: put(tx, safe, public, at=clock.now()))
    browser = await at_desk(await world.officer("ana", Role.ADMIN))

    assert "data-map" not in await browser.go(f"/desk/services/{safe.id}/edit")
    assert 'data-map="point"' in await browser.go(f"/desk/services/{public.id}/edit")
    assert await world.database.read(lambda tx: store.get_service(tx, safe.id)) is not None


def a_request(**environ: str) -> web.Request:
    app = web.Application()
    app[SETTINGS] = load_settings(environ)
    return make_mocked_request("GET", "/", app=app)


def policy_of(request: web.Request) -> str:
    headers: CIMultiDict[str] = CIMultiDict()
    put_security_headers(headers, https=True, images_from=request.get(IMAGES_FROM, ""))
    return headers["Content-Security-Policy"]


def test_without_tiles_a_page_with_a_map_shows_pictures_of_our_own_alone():
    request = a_request()

    assert with_map(request)["map_tiles"] == ""
    assert policy_of(request) == HEADERS["Content-Security-Policy"]


def test_tiles_widen_the_policy_by_exactly_their_origin_on_pages_with_a_map():
    request = a_request(WAYMARK_MAP_TILES_URL=TILES, WAYMARK_MAP_TILES_CREDIT="© somebody")
    assert policy_of(request) == HEADERS["Content-Security-Policy"]  # a page without a map

    assert with_map(request) == {"map_tiles": TILES, "map_credit": "© somebody"}

    widened = policy_of(request)
    assert "img-src 'self' https://tiles.example.org:8443;" in widened
    assert widened.replace(" https://tiles.example.org:8443", "") == HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    "url",
    [
        "http://tiles.example.org/{z}/{x}/{y}.png",
        "https://tiles.example.org/1/2/3.png",
        "https://{s}.tiles.example.org/{z}/{x}/{y}.png",
        "https://tiles.example.org;script-src *;/{z}/{x}/{y}.png",
        "https://user:secret@tiles.example.org/{z}/{x}/{y}.png",
        "https://tiles.example.org *.evil.example/{z}/{x}/{y}.png",
        "data:image/png,{z}{x}{y}",
    ],
)
def test_an_address_of_tiles_that_could_widen_more_is_refused(url: str):
    with pytest.raises(SettingsWrong, match="WAYMARK_MAP_TILES_URL"):
        load_settings({"WAYMARK_MAP_TILES_URL": url})
