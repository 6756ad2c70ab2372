"""The directory over HTTP, as HSDS 3.2 says: read only, for anyone.

Every list may also be asked for by POST, with the parameters in the body: what a person searches for then stays out
of addresses, and so out of the logs and histories that keep them.

`HsdsApi.routes()` is a plain list, so that a host can mount each route under its own rules.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import hsds, openapi, store
from directory.geography import boxes_around, distance_m
from directory.hsds import Json
from directory.model import NEEDS, Organization, RecordState, Service
from directory.queries import BadQuery, Query, flag, language_of, parameters, plain, read_query
from directory.store import Filters, Link, Transactions

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = tuple[str, str, str, Handler]  # method, path, name, handler

AT_A_TIME = 200  # records held in memory while a whole directory streams out

_UUID = re.compile(openapi.UUID_PATTERN)


class HsdsApi:
    """Handlers over a database. `public_url` is where the host is reached, without a slash at its end."""

    def __init__(self, database: Transactions, *, public_url: str, base: str = "/hsds", publisher: str = "") -> None:
        self._database = database
        self._base = base
        self._url = public_url.rstrip("/") + base
        self._publisher = publisher

    def routes(self) -> list[Route]:
        """Every route: method, path, name, handler."""
        named: list[tuple[str, str, Handler]] = [
            ("/", "hsds", self.show_root),
            ("/openapi.json", "hsds-openapi", self.show_openapi),
            ("/profile", "hsds-profile", self.show_profile),
            ("/services", "hsds-services", self.list_services),
            ("/services/{id}", "hsds-service", self.show_service),
            ("/organizations", "hsds-organizations", self.list_organizations),
            ("/organizations/{id}", "hsds-organization", self.show_organization),
            ("/service_at_locations", "hsds-service-at-locations", self.list_services_at_locations),
            ("/service_at_locations/{id}", "hsds-service-at-location", self.show_service_at_location),
            ("/taxonomies", "hsds-taxonomies", self.list_taxonomies),
            ("/taxonomies/{id}", "hsds-taxonomy", self.show_taxonomy),
            ("/taxonomy_terms", "hsds-taxonomy-terms", self.list_taxonomy_terms),
            ("/taxonomy_terms/{id}", "hsds-taxonomy-term", self.show_taxonomy_term),
        ]
        lists = ("/services", "/organizations", "/service_at_locations", "/taxonomies", "/taxonomy_terms")
        return [
            (method, self._base + path, name, answering(handler if method != "OPTIONS" else may_be_asked))
            for path, name, handler in named
            for method in (("GET", "POST", "OPTIONS") if path in lists else ("GET", "OPTIONS"))
        ]

    # --- about ---

    async def show_root(self, request: web.Request) -> web.StreamResponse:
        about: Json = {
            "version": hsds.VERSION,
            "profile": f"{self._url}/profile",
            "openapi_url": f"{self._url}/openapi.json",
            "description": openapi.DESCRIPTION,
        }
        if self._publisher:
            about["publisher"] = {"name": self._publisher}
        return answer(request, about)

    async def show_openapi(self, request: web.Request) -> web.StreamResponse:
        return answer(request, openapi.document(self._url))

    async def show_profile(self, request: web.Request) -> web.StreamResponse:
        return answer(request, openapi.PROFILE)

    # --- services ---

    async def list_services(self, request: web.Request) -> web.StreamResponse:
        query = read_query(await parameters(request))
        if query.minimal:
            return answer(request, await self._read(lambda tx: minimal_page(tx, query)))
        if query.ndjson:
            ids = await self._read(lambda tx: [] if query.nothing else store.told_ids(tx, query.filters))
            return lines(self._services_in_portions(ids, query))

        def read(tx: Connection) -> Json:
            if query.nothing:
                return page_of([], 0, query)
            total = store.count_told(tx, query.filters)
            ids = store.told_ids(tx, query.filters, offset=_offset(query), limit=query.per_page)
            return page_of(services_as_json(tx, ids, query), total, query)

        return answer(request, await self._read(read))

    async def _services_in_portions(self, ids: list[str], query: Query) -> AsyncIterator[Json]:
        for start in range(0, len(ids), AT_A_TIME):
            some = ids[start : start + AT_A_TIME]
            for record in await self._read(lambda tx, some=some: services_as_json(tx, some, query)):  # type: ignore[misc]
                yield record

    async def show_service(self, request: web.Request) -> web.StreamResponse:
        service_id, language = _id(request), language_of(request.query)

        def read(tx: Connection) -> tuple[str, Json | None]:
            there = store.resolve_merged(tx, service_id)
            record = published_service(tx, there)
            if record is None or there != service_id:
                return there, None if record is None else {}
            return there, hsds.full_service(record, _owner(tx, record), language=language)

        there, found = await self._read(read)
        if found is not None and there != service_id:  # merged into another: whoever kept the id finds the other
            moved = request.rel_url.with_path(f"{self._base}/services/{there}", keep_query=True)
            return web.Response(status=301, headers={"Location": str(moved), "Cache-Control": "no-cache"})
        return answer(request, found)

    # --- organisations ---

    async def list_organizations(self, request: web.Request) -> web.StreamResponse:
        asked = await parameters(request)
        query = read_query(asked)
        each_in_full = flag(asked, "full_service")  # read in any case: what cannot be meant is refused, full or not
        whole = query.full or each_in_full

        def some(tx: Connection, offset: int, limit: int) -> tuple[int, list[Json]]:
            page = store.published_organization_ids(tx, query.filters, offset=offset, limit=limit)
            return page.total, organizations_as_json(tx, page, whole=whole, language=query.language)

        if query.ndjson:
            return lines(self._organizations_in_portions(some, nothing=query.nothing))

        def read(tx: Connection) -> Json:
            total, contents = (0, []) if query.nothing else some(tx, _offset(query), query.per_page)
            return page_of(contents, total, query)

        return answer(request, await self._read(read))

    async def _organizations_in_portions(
        self, some: Callable[[Connection, int, int], tuple[int, list[Json]]], *, nothing: bool
    ) -> AsyncIterator[Json]:
        offset, total = 0, 0 if nothing else 1
        while offset < total:
            total, records = await self._read(lambda tx, offset=offset: some(tx, offset, AT_A_TIME))  # type: ignore[misc]
            for record in records:
                yield record
            offset += AT_A_TIME

    async def show_organization(self, request: web.Request) -> web.StreamResponse:
        organization_id, language = _id(request), language_of(request.query)

        def read(tx: Connection) -> Json | None:
            own = Filters(organization_id=organization_id)
            page = store.published_organization_ids(tx, own, offset=0, limit=1)
            return next(iter(organizations_as_json(tx, page, whole=True, language=language)), None)

        return answer(request, await self._read(read))

    # --- services at locations ---

    async def list_services_at_locations(self, request: web.Request) -> web.StreamResponse:
        query = read_query(await parameters(request))
        if query.around is not None:
            query = await self._read(lambda tx: around_postcode(tx, query))

        def links(tx: Connection) -> list[Link]:
            if query.nothing:
                return []
            if query.point is None:
                return [*store.published_links(tx, query.filters), *store.removed_links(tx, query.filters)]
            return within(store.published_links_near(tx, query.filters), query.point)

        if query.ndjson:
            return lines(self._links_in_portions(await self._read(links), query))

        def page(tx: Connection) -> tuple[int, list[Link]]:
            start = _offset(query)
            if query.nothing or query.point is not None:  # by distance: all must be measured to know which come first
                found = links(tx)
                return len(found), found[start : start + query.per_page]
            total, removed = store.count_published_links(tx, query.filters), store.removed_links(tx, query.filters)
            part = store.published_links(tx, query.filters, offset=start, limit=query.per_page)
            part += removed[max(0, start - total) : max(0, start - total + query.per_page)]
            return total + len(removed), part

        def read(tx: Connection) -> Json:
            total, part = page(tx)
            return page_of(links_as_json(tx, part, full=query.full, language=query.language), total, query)

        return answer(request, await self._read(read))

    async def _links_in_portions(self, links: list[Link], query: Query) -> AsyncIterator[Json]:
        for start in range(0, len(links), AT_A_TIME):
            some = links[start : start + AT_A_TIME]
            for record in await self._read(
                lambda tx, some=some: links_as_json(tx, some, full=query.full, language=query.language)  # type: ignore[misc]
            ):
                yield record

    async def show_service_at_location(self, request: web.Request) -> web.StreamResponse:
        link_id, language = _id(request), language_of(request.query)

        def read(tx: Connection) -> Json | None:
            links = store.published_links(tx, Filters(), link_id=link_id)
            return next(iter(links_as_json(tx, links, full=True, language=language)), None)

        return answer(request, await self._read(read))

    # --- taxonomy ---

    async def list_taxonomies(self, request: web.Request) -> web.StreamResponse:
        query = read_query(await parameters(request))
        return _listed(request, query, [hsds.TAXONOMY])

    async def show_taxonomy(self, request: web.Request) -> web.StreamResponse:
        return answer(request, hsds.TAXONOMY if _id(request) == hsds.TAXONOMY_ID else None)

    async def list_taxonomy_terms(self, request: web.Request) -> web.StreamResponse:
        asked = await parameters(request)
        query = read_query(asked)
        flag(asked, "top_only")  # every term of ours is at the top
        nothing = plain(asked, "parent_id") is not None or query.nothing
        terms = [] if nothing else [hsds.taxonomy_term(need) for need in query.filters.needs or NEEDS]
        return _listed(request, query, terms)

    async def show_taxonomy_term(self, request: web.Request) -> web.StreamResponse:
        need = hsds.NEED_OF_TERM.get(_id(request))
        return answer(request, None if need is None else hsds.taxonomy_term(need))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._database.read(work)


def _id(request: web.Request) -> str:
    value = request.match_info["id"].lower()
    if not _UUID.fullmatch(value):
        raise web.HTTPNotFound
    return value


def _offset(query: Query) -> int:
    return (query.page - 1) * query.per_page


# --- records as JSON --------------------------------------------------------------------------------------------


def _owner(tx: Connection, record: Service) -> Organization:
    return store.get_organizations(tx, [record.organization_id])[record.organization_id]


def published_service(tx: Connection, service_id: str) -> Service | None:
    """A record that the world may read."""
    record = store.get_service(tx, service_id)
    return record if record is not None and _is_published(record) else None


def _is_published(record: Service) -> bool:
    return record.state is RecordState.CURRENT and record.verification is not None


def services_as_json(tx: Connection, ids: list[str], query: Query) -> list[Json]:
    records = store.get_services(tx, ids)
    owners = store.get_organizations(tx, [record.organization_id for record in records])
    view = hsds.full_service if query.full else hsds.service_in_list
    return [
        view(record, owners[record.organization_id], language=query.language)
        if _is_published(record)
        else hsds.withdrawn_service(record)
        for record in records
    ]


def organizations_as_json(
    tx: Connection, page: store.OrganizationPage, *, whole: bool, language: str | None
) -> list[Json]:
    owners = store.get_organizations(tx, page.ids)

    def told(organization_id: str) -> Json:
        owner = owners[organization_id]
        if organization_id in page.withdrawn:
            return hsds.withdrawn_organization(organization_id)
        if not whole:
            return hsds.organization(owner, language=language)
        own = store.published_ids(tx, Filters(organization_id=organization_id))
        return hsds.full_organization(owner, store.get_services(tx, own), language=language)

    return [told(each) for each in page.ids]


def links_as_json(tx: Connection, links: list[Link], *, full: bool, language: str | None) -> list[Json]:
    records = {record.id: record for record in store.get_services(tx, [link.service_id for link in links])}
    owners = store.get_organizations(tx, [record.organization_id for record in records.values()])
    result = []
    for link in links:
        record = records[link.service_id]
        place = next((place for place in record.locations if place.id == link.location_id), None)
        owner = owners[record.organization_id]
        if place is None or not _is_published(record):
            stays = hsds.service_in_list(record, owner, language=language) if _is_published(record) else None
            result.append(hsds.withdrawn_service_at_location(link.id, record, link.location_id, stays=stays))
            continue
        result.append(hsds.service_at_location(link.id, record, owner, place, full=full, language=language))
    return result


def around_postcode(tx: Connection, query: Query) -> Query:
    """The same for what is so many metres around the middle of its postal code; nothing where we know no place."""
    centre = store.centre_of_postcode(tx, query.filters.postal_code or "")
    if centre is None or query.around is None:
        return replace(query, nothing=True)
    point = (*centre, query.around)
    return replace(query, point=point, filters=replace(query.filters, postal_code=None, boxes=boxes_around(*point)))


def within(links: list[Link], point: tuple[float, float, float]) -> list[Link]:
    """Those within the metres of a point, nearest first. Front gates were left out by the query."""
    latitude, longitude, metres = point
    measured = [
        (distance_m(latitude, longitude, link.latitude, link.longitude), link)
        for link in links
        if link.latitude is not None and link.longitude is not None
    ]
    return [link for far, link in sorted(measured) if far <= metres]


def minimal_page(tx: Connection, query: Query) -> Json:
    """Id and last change of everything, in one page."""
    stamps = [] if query.nothing else store.told_stamps(tx, query.filters)
    contents = [{"id": service_id, "modified_date": at.isoformat()} for service_id, at in stamps]
    return _page(contents, total=len(contents), pages=1, number=1)


def page_of(contents: list[Json], total: int, query: Query) -> Json:
    return _page(contents, total=total, pages=max(1, -(-total // query.per_page)), number=query.page)


def _page(contents: list[Json], *, total: int, pages: int, number: int) -> Json:
    return {
        "total_items": total,
        "total_pages": pages,
        "page_number": number,
        "size": len(contents),
        "first_page": number == 1,
        "last_page": number >= pages,
        "empty": not contents,
        "contents": contents,
    }


def _listed(request: web.Request, query: Query, records: list[Json]) -> web.StreamResponse:
    wanted = query.filters.words.casefold().split()
    found = [
        record
        for record in records
        if all(word in f"{record['name']} {record.get('code', '')}".casefold() for word in wanted)
    ]
    if query.ndjson:
        return lines(_each(found))
    return answer(request, page_of(found[_offset(query) : _offset(query) + query.per_page], len(found), query))


async def _each(records: list[Json]) -> AsyncIterator[Json]:
    for record in records:
        yield record


# --- answering --------------------------------------------------------------------------------------------------


def answer(request: web.Request, content: Any) -> web.StreamResponse:
    """JSON with an ETag; 304 to who has it already; 404 when there is nothing. What was asked by POST is not kept."""
    if content is None:
        raise web.HTTPNotFound
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    if request.method == "POST":
        kept_nowhere = {"Cache-Control": "no-store"}
        return web.Response(body=body, content_type="application/json", charset="utf-8", headers=kept_nowhere)
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    asked = request.if_none_match
    if asked and any(etag.value in (tag, "*") for etag in asked):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)


def lines(records: AsyncIterator[Json]) -> web.StreamResponse:
    """One record a line, sent as it is read."""

    async def encoded() -> AsyncIterator[bytes]:
        async for record in records:
            yield json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    return web.Response(body=encoded(), headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-cache"})


#: It is for anybody, so a page of another site may read it too. No cookie says who asks, and none counts.
FOR_OTHER_SITES = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag"}
ALLOWED_TO_OTHER_SITES = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "Content-Type, If-None-Match",
    "Access-Control-Max-Age": "86400",
}


async def may_be_asked(request: web.Request) -> web.StreamResponse:
    """What a browser asks before a page of another site sends JSON, or the ETag that it has."""
    return web.Response(status=204, headers=ALLOWED_TO_OTHER_SITES)


def answering(handler: Handler) -> Handler:
    """Say what is wrong with a query, and what is not found, in JSON like everything else."""

    async def answered(request: web.Request) -> web.StreamResponse:
        response = await asked(request)
        response.headers.update(FOR_OTHER_SITES)
        return response

    async def asked(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadQuery as error:
            return _error(400, str(error))
        except web.HTTPNotFound:
            return _error(404, "not found")
        except web.HTTPUnsupportedMediaType:
            return _error(415, "send the parameters as application/json or application/x-www-form-urlencoded")
        except web.HTTPRequestEntityTooLarge:
            return _error(413, "the body is too long")

    answered.__doc__ = handler.__doc__
    return answered


def _error(status: int, message: str) -> web.StreamResponse:
    return web.json_response({"error": message}, status=status, headers={"Cache-Control": "no-store"})
