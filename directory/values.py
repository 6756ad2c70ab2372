"""What a field of a record says, in the language of whoever looks at it: an editor, a reviewer, a provider.

Nothing of a record may be left out here that a person would read: who reviews a change decides about what they see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from babel import Locale
from babel.dates import format_date, get_day_names
from msgspec import Struct

from directory.model import (
    ACCESSIBILITY,
    DOCUMENTS,
    LEGAL_STATUS,
    MACHINE,
    NEEDS,
    REPORTS_TO,
    STAFF,
    TRANSLATED,
    Gender,
    LocationKind,
    ServiceStatus,
)
from directory.opening_hours import clock_of
from directory.words import N_, Translates, locale_of

#: Nobody has said.
NOTHING = "—"

GENDERS: Mapping[str, str] = {Gender.GIRLS.value: N_("Girls and women"), Gender.BOYS.value: N_("Boys and men")}
STATUSES: Mapping[str, str] = {
    ServiceStatus.ACTIVE.value: N_("It works"),
    ServiceStatus.TEMPORARILY_CLOSED.value: N_("Closed for a while"),
    ServiceStatus.INACTIVE.value: N_("It does not work now"),
    ServiceStatus.DEFUNCT.value: N_("It is gone"),
}
#: Whom a service takes in, and where a place is: the names of what the form asks for.
_WHO: Mapping[str, str] = {
    "minimum_age": N_("From age"),
    "maximum_age": N_("To age"),
    "genders": N_("Taken in"),
    "unaccompanied": N_("Children who are alone"),
    "accompanied": N_("Children with an adult"),
    "siblings_together": N_("Brothers and sisters stay together"),
    "pregnant": N_("Pregnant girls and young mothers"),
    "disability": N_("Support with a disability"),
    "papers_needed": N_("They ask for papers"),
    "status_required": N_("Only for"),
    "nationalities": N_("Only these nationalities"),
    "note": N_("Anything else about who may come"),
}
BY_MACHINE = N_("a machine translated it")
STALE = N_("the original has changed")
IN_THE_MIDDLE = N_("the middle of the town, not the door")
#: What a number is for. The names are msgids, but for those that are called so everywhere.
PHONE_KINDS: Mapping[str, str] = {
    "voice": N_("to talk"),
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "text": N_("text telephone"),
}
_CODES: Mapping[str, Mapping[str, str]] = {
    "needs": NEEDS,
    "documents": DOCUMENTS,
    "reports_to": REPORTS_TO,
    "staff_genders": STAFF,
    "status": STATUSES,
}
_LEFTWARDS = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")


class Tongue(Struct, frozen=True):
    """A language, and whose words are said in it."""

    words: Translates
    language: str = "en"

    def text(self, msgid: str) -> str:
        return self.words.text(self.language, msgid)

    @property
    def locale(self) -> Locale:
        return locale_of(self.language)

    def list(self, parts: Iterable[str], between: str = "; ") -> str:
        """The parts that say something. Where one runs to the left each keeps its own way, so that the figures of a
        number do not change places, and the whole runs as the language does."""
        said = [part for part in parts if part]
        leftwards = self.locale.character_order == "right-to-left"
        between = between.replace(";", "؛").replace(",", "،") if leftwards else between
        if len(said) < 2 or not any(map(_LEFTWARDS.search, said)):
            return between.join(said)
        return ("\u200f" if leftwards else "\u200e") + between.join(f"\u2068{part}\u2069" for part in said)


def said(field: str, value: Any, tongue: Tongue) -> str:
    """A value as `store.kept_as` keeps it, on one line."""
    if value in (None, "", [], ()):
        return NOTHING
    return _told(field, value, tongue) or NOTHING


def _told(field: str, value: Any, tongue: Tongue) -> str:
    if isinstance(value, bool):
        return _yes(value, tongue)
    if field in _CODES:
        values = value if isinstance(value, list) else [value]
        return tongue.list([tongue.text(_CODES[field].get(code, code)) for code in values])
    match field:
        case "locations":
            return tongue.list(_place(place, tongue) for place in value)
        case "phones":
            return tongue.list(_phone(phone, tongue) for phone in value)
        case "at_places":
            return tongue.list(_at_place(there, tongue) for there in value)
        case "capacity":
            return f"{value['available']} / {value['maximum'] or '?'}, {value['at'][:16].replace('T', ' ')}"
        case "referral":
            return tongue.list(value.values(), " · ")
        case "hours":
            return _hours(value, tongue)
        case kept if kept in TRANSLATED.values() or kept == "descriptions":
            return tongue.list(_translation(text, tongue) for text in value)
        case "eligibility":
            return _who(value, tongue)
        case "languages":
            return tongue.list(_language(code, tongue) for code in value)
        case "countries":
            return tongue.list(_country(code, tongue) for code in value)
        case "closed_from" | "closed_until":
            return _day(value, tongue)
    return tongue.list(map(str, value)) if isinstance(value, list) else str(value)


def _yes(value: bool, tongue: Tongue) -> str:
    return tongue.text(N_("yes")) if value else tongue.text(N_("no"))


def _language(code: str, tongue: Tongue) -> str:
    known = tongue.locale.languages
    return str(known.get(code) or known.get(code.partition("-")[0], code))


def _country(code: str, tongue: Tongue) -> str:
    return str(tongue.locale.territories.get(code, code))


def _day(iso: str, tongue: Tongue) -> str:
    return str(format_date(date.fromisoformat(iso), "d MMMM y", locale=tongue.locale))


def _phone(phone: Mapping[str, Any], tongue: Tongue) -> str:
    kind = PHONE_KINDS.get(phone["kind"], "") if phone.get("kind", "voice") != "voice" else ""
    spoken = ", ".join(_language(code, tongue) for code in phone.get("languages", ()))
    beside = [tongue.text(kind) if kind else "", phone.get("description", ""), spoken]
    return tongue.list([phone["number"], *beside], " · ")


def _translation(text: Mapping[str, Any], tongue: Tongue) -> str:
    """In which language, what it says, and why somebody should look at it before it is believed."""
    marks = [
        tongue.text(BY_MACHINE) if text.get("source") == MACHINE else "",
        tongue.text(STALE) if text.get("stale") else "",
    ]
    said = tongue.list([_language(text["language"], tongue), text["text"]], ": ")
    return tongue.list([said, *marks], " · ")


def _who(value: Mapping[str, Any], tongue: Tongue) -> str:
    """Whom it takes in; nothing where nobody is left out."""
    lines = []
    for key, title in _WHO.items():
        kept = value.get(key)
        if kept in (None, "", []) or (key == "genders" and len(kept) == len(Gender)):
            continue
        match key:
            case "genders":
                told = tongue.list([tongue.text(GENDERS[code]) for code in kept], ", ")
            case "status_required":
                told = tongue.list([tongue.text(LEGAL_STATUS.get(code, code)) for code in kept], ", ")
            case "nationalities":
                told = tongue.list([_country(code, tongue) for code in kept], ", ")
            case _:
                told = _yes(kept, tongue) if isinstance(kept, bool) else str(kept)
        lines.append(tongue.list([tongue.text(title), told], ": "))
    return tongue.list(lines)


def _place(place: Mapping[str, Any], tongue: Tongue) -> str:
    """Where it is, how one finds it, and what is there. Of a front gate the record knows no more than the town."""
    town = " ".join(part for part in (place["postal_code"], place["city"]) if part)
    parts = [place["address"], town, place.get("region", ""), _country(place["country"], tongue)]
    if place["kind"] == LocationKind.PHYSICAL and place["latitude"] is not None:
        point = f"{place['latitude']}, {place['longitude']}"
        told = tongue.list([point, tongue.text(IN_THE_MIDDLE)], " · ") if place.get("approximate") else point
        parts.append(f"({told})")
    where = tongue.list(parts, ", ")
    beside = []
    if place.get("directions"):
        beside.append(tongue.list([tongue.text(N_("How to find it")), place["directions"]], ": "))
    beside += [_translation(text, tongue) for text in place.get("directions_in", ())]
    if place.get("step_free") is not None:
        beside.append(tongue.list([tongue.text(N_("No stairs")), _yes(place["step_free"], tongue)], ": "))
    beside += [tongue.text(ACCESSIBILITY.get(code, code)) for code in place.get("accessibility", ())]
    return tongue.list([where, *beside], " · ")


def _at_place(there: Mapping[str, Any], tongue: Tongue) -> str:
    """What is otherwise at a place."""
    numbers = tongue.list(_phone(phone, tongue) for phone in there["phones"])
    hours = _hours(there["hours"], tongue) if there.get("hours") else ""
    return tongue.list([there.get("where", ""), tongue.list([numbers, hours])], ": ")


def _hours(value: Mapping[str, Any], tongue: Tongue) -> str:
    names = get_day_names("abbreviated", locale=tongue.locale)

    def week(shifts: Iterable[Mapping[str, Any]]) -> list[str]:
        days: dict[str, list[str]] = {}
        for shift in shifts:
            days.setdefault(_span(shift["opens"], shift["closes"], tongue), []).append(names[shift["weekday"]])
        return [tongue.list([", ".join(weekdays), span], " ") for span, weekdays in days.items()]

    seasons = [
        tongue.list([_between(season, tongue), tongue.list(week(season["shifts"]), ", ")], ": ")
        for season in value.get("seasons", ())
    ]
    special = [_special(day, tongue) for day in value["special_days"]]
    return tongue.list([*week(value["shifts"]), *seasons, *special, value["zone"]])


def _between(season: Mapping[str, Any], tongue: Tongue) -> str:
    return "–".join(_day(season[end], tongue) if season.get(end) else "…" for end in ("first", "last"))


def _special(day: Mapping[str, Any], tongue: Tongue) -> str:
    spans = " ".join(_span(opens, closes, tongue) for opens, closes in day.get("shifts", ())) or tongue.text(
        N_("Closed that day")
    )
    return tongue.list([_day(day["day"], tongue), spans, day.get("note", "")], " ")


def _span(opens: int, closes: int, tongue: Tongue) -> str:
    if opens == closes == 0:
        return tongue.text(N_("all day"))
    return f"{clock_of(opens)}–{clock_of(closes)}"
