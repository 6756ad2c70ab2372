"""What is different between two states of a record, said so that an editor can compare them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from directory.model import Service
from directory.store import Change, kept_as
from directory.values import Tongue, said
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
    "at_places": N_("Hours and numbers of single places"),
    "closed_from": N_("Closed from"),
    "closed_until": N_("Closed until"),
    "eligibility": N_("For whom"),
    "languages": N_("Languages"),
    "documents": N_("What to bring"),
    "how_to_apply": N_("How to come"),
    "walk_in": N_("Without an appointment"),
    "free": N_("Free"),
    "cost_note": N_("Cost"),
    "interpreters": N_("Interpreters can be called"),
    "staff_genders": N_("Staff"),
    "reports_to": N_("Whom they tell"),
    "areas": N_("Areas served"),
    "capacity": N_("Free places"),
    "referral": N_("Contact for referrals"),
    "status": N_("Status"),
    "alert": N_("Alert"),
    "names": N_("Names in other languages"),
    "summaries": N_("Descriptions in other languages"),
    "alerts": N_("Alert in other languages"),
    "ways_to_apply": N_("How to come, in other languages"),
    "eligibility_notes": N_("Who may come, in other languages"),
    "cost_notes": N_("Cost in other languages"),
}


class Difference(Struct, frozen=True):
    """One field that is not the same. `field` is a msgid."""

    field: str
    before: str
    after: str


def differences(before: Service | Mapping[str, Any], after: Service, tongue: Tongue) -> list[Difference]:
    """Field by field; `before` may be as a history keeps it. Of a front gate there is no more to say than the record
    says."""
    return _between(kept_as(before) if isinstance(before, Service) else before, kept_as(after), tongue)


def changes_with_differences(
    history: list[Change], now: Service, tongue: Tongue
) -> list[tuple[Change, list[Difference]]]:
    """Each change of a history (latest first) with what it changed."""
    told: list[tuple[Change, list[Difference]]] = []
    after: Mapping[str, Any] = kept_as(now)
    for change in history:
        told.append((change, _between(change.before, after, tongue) if change.before else []))
        after = change.before or after
    return told


def _between(before: Mapping[str, Any], after: Mapping[str, Any], tongue: Tongue) -> list[Difference]:
    told = [
        (title, said(field, before.get(field), tongue), said(field, after.get(field), tongue))
        for field, title in FIELDS.items()
    ]
    return [Difference(title, was, now) for title, was, now in told if was != now]
