"""The OpenAPI 3.1 document of the directory, and what its HSDS profile adds."""

from __future__ import annotations

from typing import Any

from directory.model import ServiceStatus

Json = dict[str, Any]

PER_PAGE, MOST_PER_PAGE, LAST_PAGE = 25, 100, 1_000_000
LONGEST_SEARCH = 200
FARTHEST_M = 500_000
UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
LANGUAGE_PATTERN = "[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"

DESCRIPTION = (
    "Services for children on the move, as their editors have verified them. "
    "Only records that are in force and were checked by somebody are published; safe places without their address."
)

PROFILE: Json = {
    "name": "Waymark",
    "version": "1.0",
    "extends": "HSDS 3.2",
    "terms": {
        "service.translations": (
            "Texts in other languages: a list of {language, name, description, alert, application_process, "
            "eligibility_description, fees_description}, each where there is one; with name_stale (description_stale "
            "and so on) true where the text has changed since it was translated, and with name_source (and so on) "
            "`machine` where a machine wrote it."
        ),
        "service.closed_from, closed_until": "The days between which it is shut for a while; `alert` says so too.",
        "service.papers_needed, free, walk_in, interpreters": "True or false; absent where nobody has said.",
        "service.unaccompanied, accompanied, siblings_together": "Who is taken in: true or false, or not known.",
        "service.text_language": "The language of its texts, when it is not English.",
        "service.genders": "A list of girls or boys, when not both are taken in.",
        "service.reports_to": (
            "Whom the service must or does tell: police, immigration, parents, child_protection; nobody, where they "
            "ask first. Absent where nobody has said."
        ),
        "service.pregnant, disability": "Whether pregnant girls, and people with a disability, are cared for.",
        "service.nationalities": "ISO 3166-1 alpha-2 codes, where only people of these countries are taken in.",
        "service.status_required": (
            "Any of asylum_seeker, refugee, stateless, trafficking_victim, resident, where one of them is needed."
        ),
        "service.staff_genders": "women, men: who of them can be asked for.",
        "service.referral_contact": "Read by an import, {name, phone, email, how}; never published.",
        "service.service_areas": "With extent_type `text`: a region or town that is served from elsewhere.",
        "service.capacities": "Free places, never of a safe place; 24 hours after `updated` nobody knows any more.",
        "schedule.valid_from, valid_to": "The same day, without freq: a day that is not like others of the week.",
        "schedule.valid_from, valid_to with freq": (
            "The week of a season, which counts between these days in place of the rows without them."
        ),
        "service_at_location.phones, schedules": (
            "What is otherwise at that place, in place of what is said of the service; of a service at a location that "
            "was asked for in full, what counts there."
        ),
        "organization.translations, location.translations": "As those of a service, of description, transportation.",
        "schedule.timezone_name": "The IANA time zone of the times; `timezone` is its offset in January.",
    },
    "rules": {
        "location.location_type": "A place whose address is not told is published as `virtual`, without an address.",
        "location.latitude, longitude": "Of the door; absent where only the town is known.",
    },
    "parameters": {
        "lat, lon, proximity": "Services at locations within so many metres of a point, nearest first.",
        "lang": "Texts in this language where they are translated.",
        "min_age": "Services for somebody of this age.",
        "modified_after": (
            "Also tells what was published and is no more: ids, the name Withdrawn, status defunct and last_modified, "
            "and nothing else; of a service that is not at a location any more, the location by its id and that name. "
            "Not beside search, min_age or area, which are about what a record says."
        ),
        "area": "Services that say they serve this town, province or region, wherever they are; never a safe place.",
        "POST": "Every list answers POST too, with its parameters as a JSON object or a form in the body.",
        "Origin": "Pages of other sites may ask everything here, without cookies; by POST with a form.",
    },
}


def document(url: str) -> Json:
    """The document for a directory reached under `url`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Waymark directory",
            "version": "1.0",
            "summary": "Services for children on the move (HSDS 3.2).",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url}],
        "paths": {
            "/": {"get": _one("About this API", "showRoot", "About", parameters=[], missing=False, tag="required")},
            "/services": _list(
                "Services", "Services", "Service", [*LIST, "area", "minimal", "modified_after"], tag="required"
            ),
            "/services/{id}": {"get": _one("One service, in full", "showService", "Service", tag="required")},
            "/organizations": _list(
                "Organisations", "Organizations", "Organization", [*LIST, "modified_after", "full_service"]
            ),
            "/organizations/{id}": {
                "get": _one("An organisation with its services", "showOrganization", "Organization")
            },
            "/service_at_locations": _list(
                "Services at locations",
                "ServicesAtLocations",
                "ServiceAtLocation",
                [*LIST, "area", "modified_after", "postcode", "proximity", "point"],
            ),
            "/service_at_locations/{id}": {
                "get": _one("One service at a location", "showServiceAtLocation", "ServiceAtLocation")
            },
            "/taxonomies": _list("Taxonomies", "Taxonomies", "Taxonomy", PAGED),
            "/taxonomies/{id}": {"get": _one("One taxonomy", "showTaxonomy", "Taxonomy")},
            "/taxonomy_terms": _list(
                "Taxonomy terms", "TaxonomyTerms", "TaxonomyTerm", [*PAGED, "taxonomy_id", "top_only", "parent_id"]
            ),
            "/taxonomy_terms/{id}": {"get": _one("One taxonomy term", "showTaxonomyTerm", "TaxonomyTerm")},
        },
        "tags": [
            {"name": "required", "description": "Every HSDS API has these."},
            {"name": "optional", "description": "HSDS leaves these to whoever publishes."},
        ],
        "components": {"parameters": PARAMETERS, "schemas": SCHEMAS},
    }


PAGED = ["search", "page", "per_page", "format"]
LIST = [*PAGED, "taxonomy_term_id", "taxonomy_id", "organization_id", "full", "lang", "min_age"]


def _list(title: str, operation: str, schema: str, parameters: list[str], *, tag: str = "optional") -> Json:
    """A list path: by GET, and by POST with the same parameters in the body."""
    contents = _ref(schema)
    if schema == "Service":
        contents = {"anyOf": [_ref("Service"), _ref("Stamp")]}
    page = {
        "allOf": [_ref("Page"), {"properties": {"contents": {"type": "array", "items": contents}}}],
        "type": "object",
        "required": ["contents"],
    }
    found: Json = {
        "description": "A page",
        "content": {"application/json": {"schema": page}, "application/x-ndjson": {"schema": {"type": "string"}}},
    }
    means_nothing = _failed("A parameter has a value that means nothing")
    said = f"{title}, a page at a time; with format=ndjson all of them, one a line."
    typed = {name: KINDS[name] for name in KINDS if name in parameters or ("point" in parameters and name in _POINT)}
    together = {"dependentRequired": {"lat": ["lon"], "lon": ["lat"]}} if "point" in parameters else {}
    written = {name: _WRITTEN_FLAG if schema is _FLAG else schema for name, schema in typed.items()}
    get = {
        "summary": title,
        "description": said,
        "operationId": f"list{operation}",
        "tags": [tag],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in parameters],
        "responses": {
            "200": {**found, "headers": {"ETag": {"schema": {"type": "string"}}}},
            "304": {"description": "Not changed since the ETag that was sent"},
            "400": means_nothing,
        },
    }
    post = {
        "summary": f"{title}, asked for in the body",
        "description": f"{said} The parameters are in the body, so that no address tells what was looked for.",
        "operationId": f"search{operation}",
        "tags": ["optional"],
        "requestBody": {
            "required": False,
            "content": {
                "application/json": {"schema": {"type": "object", "properties": typed, **together}},
                "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": written, **together}},
            },
        },
        "responses": {
            "200": found,
            "400": means_nothing,
            "413": _failed("The body is longer than 64 KiB"),
            "415": _failed("The body is neither JSON nor a form"),
        },
    }
    return {"get": get, "post": post}


def _one(
    summary: str,
    operation: str,
    schema: str,
    *,
    parameters: list[str] | None = None,
    missing: bool = True,
    tag: str = "optional",
) -> Json:
    names = ["id", "lang"] if parameters is None else parameters
    if schema.startswith("Taxonomy"):
        names = ["id"]
    responses: Json = {
        "200": {"description": summary, "content": {"application/json": {"schema": _ref(schema)}}},
        "304": {"description": "Not changed since the ETag that was sent"},
        "400": _failed("A parameter has a value that means nothing"),
    }
    if operation == "showService":
        responses["301"] = {"description": "Merged into another service, which is at `Location`"}
    if missing:
        responses["404"] = _failed("There is none, or none for the public")
    return {
        "summary": summary,
        "description": f"{summary}.",
        "operationId": operation,
        "tags": [tag],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in names],
        "responses": responses,
    }


def _ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


def _failed(description: str) -> Json:
    return {"description": description, "content": {"application/json": {"schema": _ref("Error")}}}


def _parameter(name: str, description: str, schema: Json, *, where: str = "query", example: Any = None) -> Json:
    made: Json = {"name": name, "in": where, "required": where == "path", "description": description, "schema": schema}
    if example is not None:
        made["example"] = example
    return made


_TEXT: Json = {"type": "string", "maxLength": LONGEST_SEARCH, "pattern": "^[^\\x00-\\x1f]*$"}
_FLAG: Json = {"type": "boolean", "default": False}
_WRITTEN_FLAG: Json = {"enum": ["true", "false", "1", "0"], "default": "false"}  # a form has texts only

_POINT: Json = {
    "lat": {"type": "number", "minimum": -90, "maximum": 90, "description": "Latitude, given together with lon."},
    "lon": {"type": "number", "minimum": -180, "maximum": 180, "description": "Longitude, given together with lat."},
}

PARAMETERS: Json = {
    "id": _parameter("id", "Identifier.", {"type": "string", "format": "uuid"}, where="path"),
    "search": _parameter("search", "Words in the name or the description.", _TEXT, example="shelter"),
    "page": _parameter("page", "Which page.", {"type": "integer", "minimum": 1, "maximum": LAST_PAGE, "default": 1}),
    "per_page": _parameter(
        "per_page",
        "How many on a page.",
        {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": PER_PAGE},
    ),
    "format": _parameter(
        "format", "json, or ndjson for everything at once.", {"type": "string", "enum": ["json", "ndjson"]}
    ),
    "taxonomy_term_id": _parameter("taxonomy_term_id", "Services for this need.", _TEXT),
    "taxonomy_id": _parameter("taxonomy_id", "Records with a term of this taxonomy.", _TEXT),
    "organization_id": _parameter("organization_id", "Services of this organisation.", _TEXT),
    "full": _parameter("full", "Everything nested.", _FLAG),
    "full_service": _parameter("full_service", "Each organisation with its services, in full.", _FLAG),
    "minimal": _parameter("minimal", "Only id and modified_date, all in one page.", _FLAG),
    "modified_after": _parameter(
        "modified_after",
        "Changed at or after this moment; of what was withdrawn since then only its id, with the status defunct.",
        {"type": "string", "format": "date-time"},
        example="2026-11-01T00:00:00Z",
    ),
    "postcode": _parameter("postcode", "At a location with this postal code.", _TEXT),
    "proximity": _parameter(
        "proximity",
        "Within so many metres of lat and lon, or of the middle of the places that we know at the postcode.",
        {"type": "number", "minimum": 1, "maximum": FARTHEST_M, "default": 25_000},
    ),
    # Two parameters, lat and lon: half a point is no point, and so only can a document say it.
    "point": _parameter(
        "point", "A point by its lat and lon.", {"type": "object", "properties": _POINT, "required": list(_POINT)}
    )
    | {"style": "form", "explode": True},
    "lang": _parameter(
        "lang",
        "Language of the texts, where they are translated.",
        {"type": "string", "pattern": f"^{LANGUAGE_PATTERN}$"},
        example="fr",
    ),
    "area": _parameter(
        "area", "That say they serve this town, province or region, as people call it.", _TEXT, example="Imperia"
    ),
    "min_age": _parameter("min_age", "For somebody of this age.", {"type": "integer", "minimum": 0, "maximum": 120}),
    "top_only": _parameter("top_only", "Only terms without a parent; all of ours.", _FLAG),
    "parent_id": _parameter("parent_id", "Terms under this one; ours have none.", _TEXT),
}

#: What each parameter is, by the name that it has in an address or a body.
KINDS: Json = {name: said["schema"] for name, said in PARAMETERS.items() if name not in ("id", "point")} | _POINT

_ID: Json = {"type": "string", "format": "uuid"}
_OBJECTS: Json = {"type": "array", "items": {"type": "object"}}


def _object(required: list[str], properties: Json) -> Json:
    return {"type": "object", "required": required, "properties": properties}


def _strings(*names: str) -> Json:
    return {name: {"type": "string"} for name in names}


SCHEMAS: Json = {
    "Error": _object(["error"], _strings("error")),
    "About": _object(
        ["version", "profile", "openapi_url"], _strings("version", "profile", "openapi_url", "description")
    ),
    "Stamp": _object(["id", "modified_date"], {"id": _ID, "modified_date": {"type": "string", "format": "date-time"}}),
    "Page": _object(
        ["total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty"],
        {
            **{name: {"type": "integer"} for name in ("total_items", "total_pages", "page_number", "size")},
            **{name: {"type": "boolean"} for name in ("first_page", "last_page", "empty")},
        },
    ),
    "Organization": _object(
        ["id", "name", "description"],
        {"id": _ID, **_strings("name", "description", "website", "email", "status"), "services": _OBJECTS},
    ),
    "Location": _object(
        ["id", "location_type"],
        {
            "id": _ID,
            "location_type": {"enum": ["physical", "virtual"]},
            **_strings("name", "description", "transportation"),
            "latitude": {"type": "number"},
            "longitude": {"type": "number"},
            "addresses": _OBJECTS,
            "accessibility": _OBJECTS,
        },
    ),
    "Service": _object(
        ["id", "name", "status"],
        {
            "id": _ID,
            "status": {"enum": [status.value for status in ServiceStatus]},
            **_strings("name", "description", "url", "email", "alert", "application_process", "fees_description"),
            **_strings("interpretation_services", "eligibility_description", "assured_date", "last_modified"),
            "minimum_age": {"type": "number"},
            "maximum_age": {"type": "number"},
            "organization": _ref("Organization"),
            "service_at_locations": _OBJECTS,
            **dict.fromkeys(("phones", "schedules", "languages", "service_areas", "attributes"), _OBJECTS),
            **dict.fromkeys(("required_documents", "cost_options", "translations"), _OBJECTS),
        },
    ),
    "ServiceAtLocation": _object(
        ["id", "service", "location"],
        {
            "id": _ID,
            "service": _ref("Service"),
            "location": _ref("Location"),
            "phones": _OBJECTS,
            "schedules": _OBJECTS,
        },
    ),
    "Taxonomy": _object(["id", "name", "description"], {"id": _ID, **_strings("name", "description", "version")}),
    "TaxonomyTerm": _object(
        ["id", "name", "description"],
        {"id": _ID, **_strings("code", "name", "description", "taxonomy", "taxonomy_id", "language")},
    ),
}
