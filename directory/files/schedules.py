"""The schedules of HSDS: rules for weeks, days, months and seasons, or words. A record has a week, weeks of seasons
and single days.

What is none of these is not taken for a week: who came in the other month stood before a shut door. It is told to
whoever imports, and its words stand among those for people.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from directory.hidden import HIDDEN_CHARACTERS
from directory.model import Location
from directory.opening_hours import DAYS
from directory.said_hours import SaidHours, hours_in
from directory.zones import zone_of

Json = dict[str, Any]

MARKUP = re.compile(r"<[a-zA-Z/!?]")
#: More words are an article, and nobody reads it before a door.
MOST_WORDS = 300
#: What makes a rule say something else than every week.
_NOT_EVERY_WEEK = ("count", "bymonthday", "byweekno", "byyearday")


class Schedules(Struct, frozen=True):
    """Rows of a week, of the weeks of seasons, of single days that are not like the others, and what else there is."""

    weekly: list[Json]
    seasonal: list[Json]
    single: list[Json]
    left: list[Json]


def sorted_out(rows: Sequence[Json]) -> Schedules:
    found = Schedules([], [], [], [])
    for row in rows:
        if not row.get("freq") and row.get("valid_from") and row["valid_from"] == row.get("valid_to"):
            found.single.append(row)
        elif _every_week(row):
            (found.seasonal if last_day(row) else found.weekly).append(row)
        else:
            found.left.append(row)
    return found


def _every_week(row: Json) -> bool:
    if row.get("interval") not in (None, "", 1, "1") or any(row.get(name) for name in _NOT_EVERY_WEEK):
        return False
    days = str(row.get("byday", "")).casefold().split(",")
    return row.get("freq") == "WEEKLY" or (not row.get("freq") and bool(row.get("opens_at")) and set(days) <= set(DAYS))


def first_day(row: Json) -> str:
    """From when a row counts; empty where it always did."""
    return str(row.get("valid_from") or row.get("dtstart") or "")


def last_day(row: Json) -> str:
    """Until when a row counts; empty where nobody has said. What has no end is the week, whenever it began."""
    return str(row.get("valid_to") or row.get("until") or "")


def rows_of(data: Any) -> list[Json]:
    rows = data.get("schedules") if isinstance(data, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def described(data: Any, places: Sequence[Location], countries: Sequence[str]) -> SaidHours:
    """What the rows say that are neither a week nor a day: a week, where nothing else says one and the words can be
    read, and what stays words."""
    found = sorted_out(rows_of(data))
    texts = list(dict.fromkeys(filter(None, map(_words, found.left))))
    if len(texts) == 1 and not (
        found.weekly or found.seasonal or found.single or any(row.get("freq") for row in found.left)
    ):
        named = {str(row.get("timezone_name") or "") for row in found.left} - {""}
        with suppress(ValueError):
            if len(named) == 1 or assumed_zone(data, places, countries):
                return hours_in(texts[0], sorted({*countries, *(place.country for place in places)}))
    words = "; ".join(texts)
    return SaidHours("", words if len(words) <= MOST_WORDS else "")


def scopes(data: Json, places: Sequence[Location]) -> list[tuple[str, Any, Sequence[Location]]]:
    """Whose schedules there are: those of the service, and those of the service at each of its places, by its name."""
    links = data.get("service_at_locations") if isinstance(data, dict) else None
    links = links if isinstance(links, list) and len(links) == len(places) else []
    return [
        ("", data, places),
        *((place.name or place.city, link, [place]) for link, place in zip(links, places, strict=False)),
    ]


def words_of_hours(data: Json, places: Sequence[Location], countries: Sequence[str]) -> list[tuple[str, str]]:
    """What is said of the hours and is no week: at which place, and in which words."""
    found = ((where, described(each, some, countries).words) for where, each, some in scopes(data, places))
    return [(where, words) for where, words in found if words]


def _words(row: Json) -> str:
    text = row.get("description")
    if not isinstance(text, str) or MARKUP.search(text) or HIDDEN_CHARACTERS.search(text):
        return ""
    return " ".join(text.split())


def assumed_zone(data: Any, places: Sequence[Location], countries: Sequence[str]) -> str | None:
    """The zone of the place, for schedules of which none names one. None where they name one, or nobody can know."""
    rows = data.get("schedules") if isinstance(data, dict) else None
    if not isinstance(rows, list) or any(isinstance(row, dict) and row.get("timezone_name") for row in rows):
        return None
    told = [row.get("timezone") for row in rows if isinstance(row, dict)]
    offsets = {float(each) for each in told if isinstance(each, int | float) and not isinstance(each, bool)}
    if len(offsets) > 1 or not rows:
        return None
    points = [(place.country, place.latitude, place.longitude) for place in places]
    found = {
        zone_of(country, latitude, longitude, offset=next(iter(offsets), None))
        for country, latitude, longitude in points or [(country, None, None) for country in countries]
    }
    return found.pop() if len(found) == 1 else None
