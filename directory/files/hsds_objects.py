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
    if isinstance(data.get("service"), dict) and isinstance(data.get("location"), dict):
        return [from_its_places(_at_a_place(data))]
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


def _at_a_place(link: Json) -> Json:
    """Its service with this one place; what is said of the service there counts before what is said of it at large."""
    said = {name: link[name] for name in _AT_THE_PLACE if link.get(name)}
    return {**link["service"], **said, "service_at_locations": [link]}


def from_its_places(service: Any) -> Any:
    """The service with the hours and the phones of its places, where it has none itself and they say the same."""
    if not isinstance(service, dict) or not isinstance(service.get("service_at_locations"), list):
        return service
    links = [link for link in service["service_at_locations"] if isinstance(link, dict)]
    said = {name: _said_there(links, name) for name in _AT_THE_PLACE if not service.get(name)}
    return {**service, **{name: rows for name, rows in said.items() if rows}}


def _said_there(links: list[Json], name: str) -> list[Any]:
    """What is said at each of the places, where at all of them it is the same but for its ids."""
    of_place = [link["location"].get(name) if isinstance(link.get("location"), dict) else None for link in links]
    told = [link.get(name) or there for link, there in zip(links, of_place, strict=True)]
    rows = [each for each in told if isinstance(each, list)]
    return rows[0] if len(rows) == len(links) and len(set(map(_bare, rows))) == 1 else []


def _bare(rows: list[Any]) -> str:
    return json.dumps(
        [{k: row[k] for k in row if not k.endswith("id")} if isinstance(row, dict) else row for row in rows]
    )
