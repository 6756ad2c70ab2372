"""What a reader of the API asked for: checked, or refused with what would do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime

from aiohttp import web
from msgspec import Struct

from directory import hsds, openapi
from directory.geography import boxes_around
from directory.openapi import FARTHEST_M, LAST_PAGE, LONGEST_SEARCH, MOST_PER_PAGE, PER_PAGE
from directory.store import Filters

_LANGUAGE = re.compile(openapi.LANGUAGE_PATTERN)
_UNWRITTEN = re.compile("[\x00-\x1f\ud800-\udfff]")
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?")


class BadQuery(ValueError):
    """The reader asked for something that has no answer. The text says which parameter, and what would do."""


class Query(Struct, frozen=True):
    """What a reader asked for, checked."""

    filters: Filters
    page: int
    per_page: int
    full: bool
    minimal: bool
    ndjson: bool
    language: str | None
    point: tuple[float, float, float] | None  # latitude, longitude, metres
    around: float | None  # metres around the middle of the postal code
    nothing: bool  # a filter that no record can meet: an unknown taxonomy or term


async def parameters(request: web.Request) -> Mapping[str, str]:
    """What was asked for: in the address, and by POST also in the body, which counts more.

    Raises BadQuery for a body that is no form and no JSON object of plain values.
    """
    if request.method != "POST" or not request.can_read_body:
        return request.query
    if request.content_type == "application/json":
        sent = await _from_json(request)
    elif request.content_type == "application/x-www-form-urlencoded":
        sent = await _from_form(request)
    else:
        raise web.HTTPUnsupportedMediaType
    return {**request.query, **sent}


async def _from_json(request: web.Request) -> dict[str, str]:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise BadQuery("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadQuery("the body is a JSON object of parameters")
    return {name: _as_in_an_address(name, body[name]) for name in body if name in openapi.KINDS}


def _as_in_an_address(name: str, value: object) -> str:
    kind = openapi.KINDS[name]["type"]
    match value:
        case bool() if kind == "boolean":
            return "true" if value else "false"
        case str() if kind == "string":
            return value
        case int() | float() if kind in ("integer", "number") and not isinstance(value, bool):
            return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    raise BadQuery(f"{name} is of the type {kind}")


async def _from_form(request: web.Request) -> dict[str, str]:
    try:
        fields = await request.post()
    except (ValueError, LookupError):
        raise BadQuery("the body is not a form in UTF-8") from None
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def read_query(query: Mapping[str, str]) -> Query:
    """Every parameter of the list paths. Raises BadQuery for a value that means nothing."""
    needs, known = _needs(query)
    point = _point(query)
    form = query.get("format", "json")
    if form not in ("json", "ndjson"):
        raise BadQuery("format is json or ndjson")
    return Query(
        filters=Filters(
            words=_words(query),
            needs=needs,
            organization_id=plain(query, "organization_id"),
            modified_after=_modified_after(query),
            postal_code=plain(query, "postcode"),
            boxes=() if point is None else boxes_around(*point),
            age=_whole(query, "min_age", low=0, high=120),
            area=plain(query, "area"),
        ),
        page=_whole(query, "page", low=1, high=LAST_PAGE) or 1,
        per_page=_whole(query, "per_page", low=1, high=MOST_PER_PAGE) or PER_PAGE,
        full=flag(query, "full"),
        minimal=flag(query, "minimal"),
        ndjson=form == "ndjson",
        language=language_of(query),
        point=point,
        around=_number(query, "proximity", 1, FARTHEST_M) if point is None and plain(query, "postcode") else None,
        nothing=not known,
    )


def plain(query: Mapping[str, str], name: str) -> str | None:
    value = query.get(name, "").strip(" ")  # no more: a control character is refused, also at the end
    if len(value) > LONGEST_SEARCH or _UNWRITTEN.search(value):
        raise BadQuery(f"{name} has at most {LONGEST_SEARCH} characters and no control characters")
    return value or None


def _words(query: Mapping[str, str]) -> str:
    return plain(query, "search") or ""


def _whole(query: Mapping[str, str], name: str, *, low: int, high: int) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
        raise BadQuery(f"{name} is a whole number from {low} to {high}")
    return int(value)


def flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false").casefold()
    if value not in ("true", "false", "1", "0"):
        raise BadQuery(f"{name} is true or false")
    return value in ("true", "1")


def _modified_after(query: Mapping[str, str]) -> datetime | None:
    value = query.get("modified_after")
    if value is None:
        return None
    wrong = BadQuery("modified_after is a date and time with a zone, such as 2026-11-23T12:00:00Z")
    try:
        at = datetime.fromisoformat(
            value.strip().upper().replace(" ", "+")
        )  # in a URL the plus of +02:00 reads as a space
    except ValueError:
        raise wrong from None
    if at.tzinfo is None:
        raise wrong
    return at


def _point(query: Mapping[str, str]) -> tuple[float, float, float] | None:
    latitude = _number(query, "lat", -90, 90)
    longitude = _number(query, "lon", -180, 180)
    metres = _number(query, "proximity", 1, FARTHEST_M)
    if (latitude is None) != (longitude is None):
        raise BadQuery("lat and lon are given together: half a point is no point")
    if latitude is None or longitude is None:
        return None
    return latitude, longitude, 25_000.0 if metres is None else metres


def _number(query: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    value = query.get(name)
    if value is None:
        return None
    number = float(value) if _NUMBER.fullmatch(value) else None
    if number is None or not low <= number <= high:
        raise BadQuery(f"{name} is a number from {low} to {high}")
    return number


def language_of(query: Mapping[str, str]) -> str | None:
    value = query.get("lang")
    if value is not None and not _LANGUAGE.fullmatch(value):
        raise BadQuery("lang is a language tag such as fr or pt-BR")
    return value


def _needs(query: Mapping[str, str]) -> tuple[tuple[str, ...], bool]:
    """The needs that the taxonomy filters stand for, and False when they stand for nothing that we have."""
    term, taxonomy = plain(query, "taxonomy_term_id"), plain(query, "taxonomy_id")
    if taxonomy is not None and taxonomy != hsds.TAXONOMY_ID:
        return (), False
    if term is None:
        return (), True
    need = hsds.NEED_OF_TERM.get(term)
    return ((need,), True) if need is not None else ((), False)
