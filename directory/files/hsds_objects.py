"""The services in what an HSDS file or API has: services themselves, organisations with theirs, services at a place."""

from __future__ import annotations

import json
from typing import Any

from directory.model import WrongRecord
from directory.words import because

Json = dict[str, Any]

#: So many of an object's names are told.
_NAMES_TOLD = 8
#: What HSDS says of a service at one place rather than of the service.
_AT_THE_PLACE = ("schedules", "phones")


def services_in(data: Any) -> list[Any]:
    """The full services that an object holds or is. Raises WrongRecord for an object of HSDS that has none."""
    if not isinstance(data, dict):
        return [data]
    if data.get("status") is not None:
        return [from_its_places(data)]
    if isinstance(data.get("services"), list):
        return [from_its_places(service) for service in _of_organization(data)]
    if data and all(str(name).endswith(".csv") for name in data):
        raise WrongRecord(
            [because("these are the tables of a CSV package as JSON: send the package, a ZIP of CSV files")]
        )
    if data.get("organization") is None and "service_at_locations" not in data:
        names = ", ".join(map(str, list(data)[:_NAMES_TOLD]))
        raise WrongRecord(
            [because("this is no service: it has no status and no organization, but {names}", names=names)]
        )
    return [data]


def _of_organization(organization: Json) -> list[Any]:
    owner = {name: value for name, value in organization.items() if name != "services"}
    return [
        {**service, "organization": service.get("organization") or owner} if isinstance(service, dict) else service
        for service in organization["services"]
    ]


def is_at_a_place(data: Any) -> bool:
    """Whether it is a service at a location, with both in it."""
    return isinstance(data, dict) and isinstance(data.get("service"), dict) and isinstance(data.get("location"), dict)


def at_its_places(links: list[Json]) -> Json:
    """One service of all of its services at a location."""
    return {**links[0]["service"], "service_at_locations": links}


def from_its_places(service: Any) -> Any:
    """The service with the hours and the phones of its places: as its own, where it has none itself and all of them
    say some, and with each place at which they are others than those of the service."""
    if not isinstance(service, dict) or not isinstance(service.get("service_at_locations"), list):
        return service
    links = [link for link in service["service_at_locations"] if isinstance(link, dict)]
    if len(links) != len(service["service_at_locations"]):
        return service
    for name in _AT_THE_PLACE:
        told = [_said_there(link, name, of_place=not service.get(name)) for link in links]
        if told and all(told) and (len(told) == 1 or not service.get(name)):
            service = {**service, name: told[0]}
        own = _bare(service.get(name) or [])
        links = [
            {**link, name: rows if _bare(rows) != own else []} if rows else link
            for link, rows in zip(links, told, strict=True)
        ]
    return {**service, "service_at_locations": links}


def _said_there(link: Json, name: str, *, of_place: bool) -> Any:
    """What is said of the service at a place, else (`of_place`) of the place, whoever is in it."""
    place = link["location"] if isinstance(link.get("location"), dict) else {}
    return link.get(name) or (place.get(name) if of_place else None) or []


def _bare(rows: Any) -> str:
    """The rows without their ids and without whose they are, in any order."""
    if not isinstance(rows, list):
        return json.dumps(rows)
    return json.dumps(sorted(map(_bare_row, rows)))


def _bare_row(row: Any) -> str:
    if not isinstance(row, dict):
        return json.dumps(row)
    said = {k: _bare(v) if isinstance(v, list) else v for k, v in row.items() if not k.endswith("id")}
    return json.dumps(said, sort_keys=True)
