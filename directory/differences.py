"""What is different between two states of a record, said so that an editor can compare them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from directory.model import LocationKind, Service
from directory.opening_hours import DAYS, clock_of
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
    "staff_genders": N_("Staff"),
    "reports_to": N_("Whom they tell"),
    "areas": N_("Areas served"),
    "capacity": N_("Free places"),
    "referral": N_("Contact for referrals"),
    "status": N_("Status"),
    "alert": N_("Alert"),
    "names": N_("Names in other languages"),
    "summaries": N_("Descriptions in other languages"),
}


class Difference(Struct, frozen=True):
    """One field that is not the same. `field` is a msgid."""

    field: str
    before: str
    after: str


def differences(before: Service | Mapping[str, Any], after: Service) -> list[Difference]:
    """Field by field; `before` may be as a history keeps it. Of a front gate there is no more to say than the record
    says."""
    return _between(kept_as(before) if isinstance(before, Service) else before, kept_as(after))


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
        case "capacity":
            return f"{value['available']} / {value['maximum'] or '?'}, {value['at'][:16].replace('T', ' ')}"
        case "referral":
            return " · ".join(each for each in value.values() if each) or "—"
        case "hours":
            return _hours(value)
        case "names" | "summaries":
            return "; ".join(f"{text['language']}: {text['text']}" for text in value)
        case "eligibility":
            told = {key.replace("_", " "): _who(each) for key, each in value.items()}
            return ", ".join(f"{key}: {each}" for key, each in told.items() if each) or "—"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _who(value: Any) -> str:
    """One line of who is taken in; nothing where nobody is left out."""
    if value in (None, "", []) or value == ["boys", "girls"]:
        return ""
    return said("", value)


def _place(place: Mapping[str, Any]) -> str:
    parts = [place["address"], place["postal_code"], place["city"], place["country"]]
    if place["kind"] == LocationKind.PHYSICAL and place["latitude"] is not None:
        parts.append(f"({place['latitude']}, {place['longitude']})")
    return " ".join(part for part in parts if part)


def _hours(value: Mapping[str, Any]) -> str:
    days: dict[str, list[str]] = {}
    for shift in value["shifts"]:
        span = f"{clock_of(shift['opens'])}–{clock_of(shift['closes'])}"
        days.setdefault(span, []).append(DAYS[shift["weekday"]])
    special = [f"{day['day']} {day['note']}".strip() for day in value["special_days"]]
    spans = [f"{' '.join(weekdays)} {span}" for span, weekdays in days.items()]
    return "; ".join([*spans, *special, value["zone"]])
