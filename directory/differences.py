"""What is different between two states of a record, said so that an editor can compare them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from directory.model import LocationKind, Service
from directory.opening_hours import DAYS
from directory.store import Change, kept_as
from directory.words import N_

#: The fields that an editor compares, in the order of the page, with their names as msgids.
FIELDS: Mapping[str, str] = {
    "name": N_("Name"),
    "summary": N_("Description"),
    "needs": N_("Helps with"),
    "locations": N_("Address"),
    "countries": N_("Countries"),
    "phones": N_("Phone"),
    "website": N_("Website"),
    "email": N_("E-mail"),
    "hours": N_("Opening hours"),
    "eligibility": N_("For whom"),
    "languages": N_("Languages"),
    "documents": N_("What to bring"),
    "how_to_apply": N_("How to come"),
    "free": N_("Free"),
    "status": N_("Status"),
    "alert": N_("Alert"),
    "names": N_("Names in other languages"),
    "summaries": N_("Descriptions in other languages"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not the same. `field` is a msgid."""

    field: str
    before: str
    after: str


def differences(before: Service, after: Service) -> list[Difference]:
    """Field by field. Of a front gate there is no more to say than the record says."""
    return _between(kept_as(before), kept_as(after))


def changes_with_differences(history: list[Change], now: Service) -> list[tuple[Change, list[Difference]]]:
    """Each change of a history (latest first) with what it changed."""
    told: list[tuple[Change, list[Difference]]] = []
    after: Mapping[str, Any] = kept_as(now)
    for change in history:
        told.append((change, _between(change.before, after) if change.before else []))
        after = change.before or after
    return told


def _between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(title, said(field, before.get(field)), said(field, after.get(field)))
        for field, title in FIELDS.items()
        if said(field, before.get(field)) != said(field, after.get(field))
    ]


def said(field: str, value: Any) -> str:
    """A kept value on one line."""
    if value in (None, "", [], ()):
        return "—"
    match field:
        case "locations":
            return "; ".join(_place(place) for place in value)
        case "phones":
            return "; ".join(f"{phone['number']} {phone['description']}".strip() for phone in value)
        case "hours":
            return _hours(value)
        case "names" | "summaries":
            return "; ".join(f"{text['language']}: {text['text']}" for text in value)
        case "eligibility":
            known = {key: each for key, each in value.items() if each not in (None, "")}
            return ", ".join(f"{key} {json.dumps(each, ensure_ascii=False)}" for key, each in known.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _place(place: Mapping[str, Any]) -> str:
    parts = [place["address"], place["postal_code"], place["city"], place["country"]]
    if place["kind"] == LocationKind.PHYSICAL and place["latitude"] is not None:
        parts.append(f"({place['latitude']}, {place['longitude']})")
    return " ".join(part for part in parts if part)


def _hours(value: Mapping[str, Any]) -> str:
    spans = [
        f"{DAYS[shift['weekday']]} {shift['opens'] // 60:02d}:{shift['opens'] % 60:02d}"
        f"-{shift['closes'] // 60:02d}:{shift['closes'] % 60:02d}"
        for shift in value["shifts"]
    ]
    return f"{', '.join(spans)} {value['zone']}".strip()
