"""The services in what an HSDS file or API has: services themselves, organisations with theirs, services at a place."""

from __future__ import annotations

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
    if not isinstance(data, dict) or data.get("status") is not None:
        return [data]
    if isinstance(data.get("services"), list):
        return _of_organization(data)
    if isinstance(data.get("service"), dict) and isinstance(data.get("location"), dict):
        return [_at_a_place(data)]
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
