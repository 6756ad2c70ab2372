"""The HSDS API: valid by the official schemas, paged as specified, kind to who asks nonsense."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.database import Database
from directory import store
from directory.hsds import TAXONOMY_ID, term_id
from directory.model import NEEDS, RecordState
from directory.service import move_service, propose_change, report_wrong

from .conftest import Hsds
from .records import NOWHERE, a_service, put

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, FormatChecker

PAGE_FIELDS = {"total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty"}


@cache
def schemas() -> Path:
    """The official schemas. They are not ours to ship: they lie beside the checkout, or where the variable says."""
    named = os.environ.get("WAYMARK_HSDS_SCHEMAS")
    folder = Path(named) if named else Path(__file__).resolve().parents[4] / "shared" / "hsds" / "schema"
    if named and not folder.is_dir():
        pytest.fail(f"WAYMARK_HSDS_SCHEMAS names no folder: {named}")
    if not folder.is_dir():
        pytest.skip("the HSDS schemas are not here; set WAYMARK_HSDS_SCHEMAS to their folder")
    return folder


@cache
def formats() -> FormatChecker:
    """Imported where it is asked for: it builds forty parsers of addresses, and every worker collects every test."""
    from jsonschema import FormatChecker

    return FormatChecker(formats=["uuid", "email", "uri", "date-time", "date"])


@cache
def validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012 as _DRAFT

    def retrieve(uri: str) -> Resource[Any]:
        return Resource.from_contents(
            json.loads((schemas() / uri.rsplit("/", 1)[1]).read_text()), default_specification=_DRAFT
        )

    registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]
    schema = {"$ref": f"https://hsds.invalid/{name}.json"}
    return Draft202012Validator(schema, registry=registry, format_checker=formats())


@cache
def list_validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    schema = json.loads((schemas() / "compiled" / f"{name}_list.json").read_text())
    return Draft202012Validator(schema, format_checker=formats())


def wrong(validator: Draft202012Validator, record: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(record)]


async def get(hsds: Hsds, path: str, status: int = 200) -> Any:
    response = await hsds.get("/hsds" + path)
    assert response.status == status, (path, response.status, await response.text())
    return await response.json()


async def everything(hsds: Hsds, path: str) -> list[Any]:
    response = await hsds.get("/hsds" + path)
    assert response.status == 200
    assert response.content_type == "application/x-ndjson"
    return [json.loads(line) for line in (await response.text()).splitlines()]


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(nulls, value.values()))
    if isinstance(value, list):
        return any(map(nulls, value))
    return value is None


async def test_every_service_is_valid_hsds(hsds: Hsds):
    page = await get(hsds, "/services?per_page=100")
    assert page["total_items"] >= 30
    for line in page["contents"]:
        assert not wrong(list_validator("service"), line)
        service = await get(hsds, f"/services/{line['id']}")
        assert not wrong(validator("service"), service)
        assert not nulls(service)


async def test_every_organisation_is_valid_hsds(hsds: Hsds):
    page = await get(hsds, "/organizations?per_page=100")
    assert page["contents"]
    for line in page["contents"]:
        assert not wrong(list_validator("organization"), line)
        whole = await get(hsds, f"/organizations/{line['id']}")
        assert not wrong(validator("organization"), whole)
        assert whole["services"]
        assert all(not wrong(validator("service"), service) for service in whole["services"])


async def test_every_service_at_a_location_is_valid_hsds(hsds: Hsds):
    page = await get(hsds, "/service_at_locations?per_page=100")
    assert page["contents"]
    for line in page["contents"]:
        assert not wrong(list_validator("service_at_location"), line)
        assert not wrong(validator("location"), line["location"])
        whole = await get(hsds, f"/service_at_locations/{line['id']}")
        assert not wrong(validator("service_at_location"), whole)
        assert not nulls(whole)


async def test_the_taxonomy_is_valid_hsds_and_has_every_need(hsds: Hsds):
    taxonomies = await get(hsds, "/taxonomies")
    terms = await get(hsds, "/taxonomy_terms?per_page=100")

    assert [taxonomy["id"] for taxonomy in taxonomies["contents"]] == [TAXONOMY_ID]
    assert {term["code"] for term in terms["contents"]} == set(NEEDS)
    assert not wrong(validator("taxonomy"), await get(hsds, f"/taxonomies/{TAXONOMY_ID}"))
    for term in terms["contents"]:
        assert not wrong(validator("taxonomy_term"), await get(hsds, f"/taxonomy_terms/{term['id']}"))


async def test_the_root_says_which_version_and_where_its_description_is(hsds: Hsds):
    root = await get(hsds, "/")

    assert root["version"] == "3.2"
    assert root["openapi_url"] == "http://directory.test/hsds/openapi.json"
    document = await get(hsds, "/openapi.json")
    assert document["openapi"] == "3.1.0"
    assert (await get(hsds, "/profile"))["extends"] == "HSDS 3.2"


async def test_pages_neither_repeat_nor_skip(hsds: Hsds):
    first = await get(hsds, "/services?per_page=7")
    seen = []
    for number in range(1, first["total_pages"] + 1):
        page = await get(hsds, f"/services?per_page=7&page={number}")
        assert set(page) >= PAGE_FIELDS
        assert page["size"] == len(page["contents"])
        assert page["first_page"] == (number == 1)
        assert page["last_page"] == (number == first["total_pages"])
        seen += [line["id"] for line in page["contents"]]

    assert len(seen) == len(set(seen)) == first["total_items"]
    beyond = await get(hsds, "/services?page=999")
    assert beyond["empty"]
    assert beyond["last_page"]


async def test_only_what_is_in_force_and_checked_is_published(hsds: Hsds, database: Database):
    [draft] = await database.read(lambda tx: store.list_ids(tx, words="Sanremo"))

    assert draft not in {line["id"] for line in await everything(hsds, "/services?format=ndjson")}
    await get(hsds, f"/services/{draft}", 404)


async def test_ndjson_gives_everything_in_full(hsds: Hsds):
    total = (await get(hsds, "/services"))["total_items"]
    services = await everything(hsds, "/services?format=ndjson&full=true")

    assert len(services) == total
    assert all(not wrong(validator("service"), service) for service in services)
    assert len(await everything(hsds, "/organizations?format=ndjson")) >= 6
    assert len(await everything(hsds, "/service_at_locations?format=ndjson")) >= 20
    assert len(await everything(hsds, "/taxonomy_terms?format=ndjson")) == len(NEEDS)


async def test_minimal_gives_ids_and_dates_in_one_page(hsds: Hsds):
    page = await get(hsds, "/services?minimal=true&per_page=1")

    assert page["total_pages"] == 1
    assert page["size"] == page["total_items"]
    assert set(page["contents"][0]) == {"id", "modified_date"}


async def test_filters_narrow(hsds: Hsds):
    everywhere = (await get(hsds, "/services"))["total_items"]
    shelters = await get(hsds, f"/services?taxonomy_term_id={term_id('shelter')}&per_page=100")
    lantern = await get(hsds, "/services?search=lantern&per_page=100")
    arabic = await get(hsds, "/services?search=الفانوس&per_page=100")
    both = await get(hsds, f"/services?search=lantern&taxonomy_term_id={term_id('food')}")

    assert 0 < shelters["total_items"] < everywhere
    assert 0 < both["total_items"] < lantern["total_items"] == arabic["total_items"]
    assert (await get(hsds, f"/services?taxonomy_id={TAXONOMY_ID}"))["total_items"] == everywhere
    for nothing in ("taxonomy_id=x", "taxonomy_term_id=x", "organization_id=x", "search=qqqqq", "search=%25"):
        assert (await get(hsds, f"/services?{nothing}"))["empty"], nothing
    own = lantern["contents"][0]["organization"]["id"]
    assert (await get(hsds, f"/services?organization_id={own}"))["total_items"] >= lantern["total_items"]
    assert (await get(hsds, "/services?min_age=40"))["total_items"] < everywhere


async def test_services_are_found_by_the_area_they_serve_and_a_safe_place_is_not(
    hsds: Hsds, database: Database, clock: SetClock
):
    served = a_service("for the province", clock.now(), areas=("Provincia di Imperia", "100% Ville_"))
    safe = a_service("safe", clock.now(), areas=("Imperia",), confidential=True)
    await database.write(lambda tx: put(tx, served, safe, at=clock.now()))

    for kind in ("services", "service_at_locations"):
        for written in ("imperia", "Province of Imperia", "IMPERIA", "100%25 ville"):
            found = await get(hsds, f"/{kind}?area={written}")
            assert found["total_items"] == 1, (kind, written)
        for nothing in ("Savona", "imper", "%25", "_", "|"):
            assert (await get(hsds, f"/{kind}?area={nothing}"))["empty"], (kind, nothing)
    near = f"/service_at_locations?area=imperia&lat={NOWHERE.latitude}&lon={NOWHERE.longitude}"
    assert (await get(hsds, near))["total_items"] == 1


@pytest.mark.on_both
async def test_modified_after_gives_what_changed_since(hsds: Hsds, database: Database, clock: SetClock):
    later = (clock.now() + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert (await get(hsds, f"/services?modified_after={later}"))["empty"]
    assert not (await get(hsds, "/services?modified_after=2026-11-23T10:00:00 02:00"))["empty"]

    [service] = await database.read(lambda tx: store.get_services(tx, store.list_ids(tx, words="Willow clinic, Irun")))
    await database.write(lambda tx: store.put_service(tx, service, at=clock.advance(timedelta(hours=2))))

    changed = await get(hsds, f"/services?modified_after={later}")
    assert [line["id"] for line in changed["contents"]] == [service.id]


@pytest.mark.on_both
async def test_who_copies_the_feed_hears_what_was_withdrawn_and_nothing_of_what_it_said(
    hsds: Hsds, database: Database, clock: SetClock
):
    later = (clock.now() + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    clock.advance(timedelta(hours=2))
    gone, doubted = await database.read(lambda tx: store.published_ids(tx, store.Filters(needs=("shelter",)), limit=2))
    before = (await get(hsds, "/services"))["total_items"]

    def withdraw(tx: Connection) -> None:
        move_service(tx, gone, RecordState.ARCHIVED, by="ana", at=clock.now(), why="they took the children's papers")
        for reporter in ("one", "two"):
            report_wrong(tx, doubted, "closed", reporter=reporter, at=clock.now())
        put(tx, a_service("never told", clock.now(), state=RecordState.ARCHIVED), at=clock.now())

    await database.write(withdraw)

    told = {"name": "Withdrawn", "status": "defunct", "last_modified": clock.now().isoformat(timespec="milliseconds")}
    told["last_modified"] = told["last_modified"].replace("+00:00", "Z")
    for asked in ("", "&full=true", f"&taxonomy_term_id={term_id('shelter')}"):
        page = await get(hsds, f"/services?modified_after={later}{asked}")
        assert page["contents"] == [{"id": each, **told} for each in sorted((gone, doubted))]
        assert page["total_items"] == 2
    stamps = await get(hsds, f"/services?modified_after={later}&minimal=true")
    assert {line["id"] for line in stamps["contents"]} == {gone, doubted}
    assert not [error.message for line in page["contents"] for error in validator("service").iter_errors(line)]
    assert (await get(hsds, f"/services?modified_after={later}&search=a"))["empty"]
    for asked in ("", "&full=true"):
        links = (await get(hsds, f"/service_at_locations?modified_after={later}{asked}"))["contents"]
        assert {link["service_id"] for link in links} == {gone, doubted}
        assert (
            {link["service"]["name"] for link in links} == {link["location"]["name"] for link in links} == {"Withdrawn"}
        )
        assert {tuple(link["location"]) for link in links} == {("id", "location_type", "name")}
    assert not [error.message for line in links for error in validator("service_at_location").iter_errors(line)]
    assert (await get(hsds, f"/service_at_locations?modified_after={later}&postcode=00001"))["empty"]
    assert gone not in {link["service_id"] for link in (await get(hsds, "/service_at_locations"))["contents"]}

    assert (await get(hsds, "/services"))["total_items"] == before - 2
    await get(hsds, f"/services/{gone}", 404)

    stays = a_service("stays", clock.now())
    [first], [second] = stays.locations, a_service("second", clock.now()).locations

    def leaves(tx: Connection) -> None:
        """One place of two, and the service goes on at the other."""
        put(tx, replace(stays, locations=(first, second)), at=clock.now())
        draft = propose_change(tx, stays, by="ana", at=clock.now())
        for state in (RecordState.IN_REVIEW, RecordState.CURRENT):
            move_service(tx, draft.id, state, by="ben", at=clock.now(), call_back="Mona")

    await database.write(leaves)
    for asked in ("&per_page=2&page=2", "&format=ndjson"):
        body = await (await hsds.get(f"/hsds/service_at_locations?modified_after={later}{asked}")).text()
        told = json.loads(body)["contents"] if "page" in asked else [json.loads(line) for line in body.splitlines()[2:]]
        links = {link["location_id"]: link for link in told}
        assert links[second.id]["location"]["name"] == "Withdrawn"
        assert "second" not in json.dumps(links[second.id])
        assert links[second.id]["service"]["status"] == "active"
        assert links[first.id]["location"]["name"] == first.name


@pytest.mark.on_both
async def test_who_copies_the_organisations_hears_which_changed_and_which_have_nothing_to_offer_any_more(
    hsds: Hsds, database: Database, clock: SetClock
):
    later = (clock.now() + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    clock.advance(timedelta(hours=2))
    asked = f"/organizations?modified_after={later}"
    assert (await get(hsds, asked))["empty"]
    [school] = await database.read(lambda tx: store.get_services(tx, store.list_ids(tx, words="Open Book")))
    [kitchen] = await database.read(lambda tx: store.get_services(tx, store.list_ids(tx, words="Lantern kitchen")))

    def archive(tx: Connection) -> None:
        for each in (school, kitchen):
            move_service(tx, each.id, RecordState.ARCHIVED, by="ana", at=clock.now(), why="it moved away")
        put(tx, a_service("never told", clock.now(), state=RecordState.ARCHIVED), at=clock.now())

    await database.write(archive)

    told = {line["id"]: line["name"] for line in (await get(hsds, asked))["contents"]}
    assert told[school.organization_id] == "Withdrawn"  # its only service
    assert told[kitchen.organization_id] not in ("Withdrawn", "")  # it has others
    assert len(told) == 2
    [gone] = (await get(hsds, f"{asked}&full=true&organization_id={school.organization_id}"))["contents"]
    assert gone == {
        "id": school.organization_id, "name": "Withdrawn", "description": "Withdrawn", "status": "defunct",
    }  # fmt: skip
    assert not list(validator("organization").iter_errors(gone))
    assert (await get(hsds, f"{asked}&search=book"))["empty"]
    for need in ("education", "asylum"):
        found = await get(hsds, f"{asked}&taxonomy_term_id={term_id(need)}")
        assert (school.organization_id in {line["id"] for line in found["contents"]}) is (need == "education")
    await get(hsds, f"/organizations/{school.organization_id}", 404)


@pytest.mark.on_both
async def test_services_at_locations_near_a_point_come_nearest_first(hsds: Hsds):
    near = await get(hsds, "/service_at_locations?lat=43.7896&lon=7.6087&proximity=3000&per_page=100")
    wider = await get(hsds, "/service_at_locations?lat=43.7896&lon=7.6087&proximity=20000&per_page=100")

    assert 0 < near["total_items"] < wider["total_items"]
    assert all(line["location"]["location_type"] == "physical" for line in wider["contents"])
    assert {line["location"]["addresses"][0]["city"] for line in near["contents"]} == {"Ventimiglia"}
    there = await get(hsds, "/service_at_locations?postcode=00002")
    around = await get(hsds, "/service_at_locations?postcode=00002&proximity=90000&per_page=100")
    assert (there["total_items"], there["contents"][0]["id"]) == (1, around["contents"][0]["id"])
    place = there["contents"][0]["location"]
    point = f"lat={place['latitude']}&lon={place['longitude']}"
    assert around == await get(hsds, f"/service_at_locations?{point}&proximity=90000&per_page=100")
    assert around["total_items"] > 1
    assert (await get(hsds, "/service_at_locations?postcode=99999&proximity=3000"))["empty"]


async def test_a_language_may_be_asked_for(hsds: Hsds):
    found = await get(hsds, "/services?search=Lantern night shelter&lang=fr&per_page=1")

    assert found["contents"][0]["name"].startswith("Abri de nuit La Lanterne")


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "page=-1", "page=x", "page=1e9", "page=99999999999999999999", "per_page=0", "per_page=101",
        "format=xml", "full=maybe", "minimal=2", "modified_after=yesterday", "modified_after=2026-01-01T00:00:00",
        "lang=..%2F..", "min_age=-1", "min_age=x", "search=%00",
        "search=" + "a" * 201, "lat=91&lon=0", "lat=43.8", "lon=7.6&proximity=500", "lat=nan&lon=0",
        "lat=1&lon=1&proximity=9e9",
        "page=%D9%A1",
    ],
)  # fmt: skip
async def test_a_query_that_means_nothing_is_answered_with_what_would_do(hsds: Hsds, query: str):
    for path in ("/services", "/service_at_locations", "/organizations", "/taxonomy_terms"):
        answer = await get(hsds, f"{path}?{query}", 400)
        assert answer["error"]


async def test_a_flag_that_means_nothing_is_refused_also_beside_one_that_would_overrule_it(hsds: Hsds):
    answer = await get(hsds, "/organizations?full=true&full_service=perhaps", 400)

    assert answer["error"]


@pytest.mark.parametrize("path", ["services", "organizations", "service_at_locations", "taxonomies", "taxonomy_terms"])
async def test_what_is_not_there_is_not_found(hsds: Hsds, path: str):
    for unknown in ("00000000-0000-4000-8000-000000000000", "x", "1' or '1'='1", "%00", "..%2f..%2f"):
        await get(hsds, f"/{path}/{unknown}", 404)


async def test_who_has_it_already_is_told_so(hsds: Hsds):
    first = await hsds.get("/hsds/services")
    again = await hsds.get("/hsds/services", headers={"If-None-Match": first.headers["ETag"]})

    assert again.status == 304
    assert await again.read() == b""
    head = await hsds.head("/hsds/services")
    assert (head.status, head.headers["ETag"]) == (200, first.headers["ETag"])
    assert first.headers["Access-Control-Allow-Origin"] == "*"  # also for who reads it from a page of their own


LISTS = ("services", "organizations", "service_at_locations", "taxonomies", "taxonomy_terms")


@pytest.mark.parametrize("kind", LISTS)
async def test_what_is_asked_in_the_body_is_answered_as_in_an_address(hsds: Hsds, kind: str):
    asked = {"search": "la", "per_page": 3, "page": 1, "full": True}
    by_address = await get(hsds, f"/{kind}?search=la&per_page=3&page=1&full=true")
    as_json = await hsds.post(f"/hsds/{kind}", json=asked)
    as_form = await hsds.post(f"/hsds/{kind}", data={name: str(value) for name, value in asked.items()})

    assert by_address["size"] or kind.startswith("taxonomies")
    assert await as_json.json() == await as_form.json() == by_address
    assert as_json.headers["Cache-Control"] == "no-store"
    assert "ETag" not in as_json.headers
    assert await (await hsds.post(f"/hsds/{kind}")).json() == await get(hsds, f"/{kind}")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b"[]", 400), (b'{"page": []}', 400), (b'{"page": 1.5}', 400), (b'{"search": "\\u0000"}', 400),
        (b'{"search": "\\ud800"}', 400), (b"\xff", 400), (b"[" * 60_000, 400), (b'{"search": null}', 400),
        (b'{"search": "x", "unknown": "kept out"}', 200), (b'{"page": 1.0, "lat": 1, "lon": 2e0}', 200),
    ],
)  # fmt: skip
async def test_a_body_that_means_nothing_is_answered_kindly(hsds: Hsds, body: bytes, status: int):
    response = await hsds.post("/hsds/services", data=body, headers={"Content-Type": "application/json"})

    assert response.status == status
    assert (await response.json()).get("error") or status == 200


async def test_a_body_too_long_or_of_another_kind_is_refused(hsds: Hsds):
    long = await hsds.post("/hsds/services", json={"search": "a" * 100_000})
    other = await hsds.post("/hsds/services", data=b"<a/>", headers={"Content-Type": "text/xml"})

    assert (long.status, other.status) == (413, 415)
    assert (await long.json())["error"]
    assert (await other.json())["error"]


async def test_full_lists_and_lines_are_valid_too(hsds: Hsds):
    for line in (await get(hsds, "/services?full=true&per_page=100&lang=ar"))["contents"]:
        assert not wrong(validator("service"), line)
    for line in (await get(hsds, "/service_at_locations?full=true&per_page=100"))["contents"]:
        assert not wrong(validator("service_at_location"), line)
    for line in (await get(hsds, "/organizations?full_service=true&per_page=100"))["contents"]:
        assert not wrong(validator("organization"), line)
        assert line["services"]


async def test_pages_of_services_at_locations_neither_repeat_nor_skip(hsds: Hsds):
    first = await get(hsds, "/service_at_locations?per_page=9")
    seen = []
    for number in range(1, first["total_pages"] + 1):
        page = await get(hsds, f"/service_at_locations?per_page=9&page={number}")
        seen += [line["id"] for line in page["contents"]]

    assert len(seen) == len(set(seen)) == first["total_items"]
    assert set(seen) == {line["id"] for line in await everything(hsds, "/service_at_locations?format=ndjson")}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_writing_is_not_possible(hsds: Hsds, method: str):
    response = await hsds.request(method, "/hsds/services", json={})

    assert response.status == 405
    assert "GET" in response.headers["Allow"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
