"""Which country a question is about, and where whoever asks says to be.

Both change what holds, but only the second is where they are: "the mother lives in Tripoli" must not send anybody who
helps there, nor change the emergency number.
"""

from __future__ import annotations

import re
from typing import Any, Final

from dialogues.actions.ports import FoundPlace, Services
from dialogues.actions.reading import country_of, language_of
from dialogues.knowledge.countries import country_of_stay
from dialogues.knowledge.search import fold

#: Towns of one message that are looked for on the map.
MOST_TOWNS = 2

#: "I am in", "we work at the crossing of". What follows is where they are.
_OWN_PLACE: Final = re.compile(
    r"\b(?:(?:i am|i'?m|we are|we'?re) (?:\w+ ){0,2}?|(?:i|we) (?:work|live|volunteer) (?:\w+ )?)(?:in|at|near)\b"
    r"|\b(?:je suis|nous sommes|on est|je travaille|nous travaillons|j'habite) (?:\w+ )?(?:a|en|au|aux|dans|pres)\b"
    r"|\b(?:estoy|estamos|trabajo|trabajamos|vivo) (?:\w+ )?(?:en|cerca)\b"
    r"|(?:^|\s)(?:انا|نحن|احنا|اعمل|نعمل|اشتغل|اسكن) (?:\w+ )?(?:في|ب\w+)"
)


def says_where_they_are(words: str) -> bool:
    """Whether whoever writes says where they themselves are."""
    return _OWN_PLACE.search(fold(words[:500]).replace("’", "'")) is not None


async def whereabouts(services: Services, tracker: Any, default_country: str | None) -> dict[str, Any]:
    """What the latest message tells of it, as slots; nothing where it tells nothing or could mean two places."""
    words = str(tracker.latest_message.get("text") or "")
    if words.startswith("/"):
        return {}
    country, town = country_of_stay(words), await _town(services, tracker, default_country)
    if town is not None and country in (None, town.country):
        country = town.country or None
    else:
        town = None
    if country is None:
        return {}
    if not says_where_they_are(words):
        return {"about_country": country}
    if town is not None:
        return place_slots(town, town.name)
    if country == tracker.get_slot("place_country"):
        return {"about_country": None}  # the town they named before says more
    return {**dict.fromkeys(PLACE_SLOTS), "country": country, "about_country": None}


PLACE_SLOTS = ("place", "place_resolved", "place_lat", "place_lon", "place_country", "place_options", "place_tries")


def place_slots(place: FoundPlace, label: str) -> dict[str, Any]:
    """Where somebody is from now on."""
    return {
        "place": label,
        "place_resolved": label,
        "place_lat": place.latitude,
        "place_lon": place.longitude,
        "place_country": place.country or None,
        "place_options": None,
        "place_tries": None,
        "about_country": None,
    }


def country_slots(country: str, label: str) -> dict[str, Any]:
    """That somebody looks for something anywhere in a country."""
    return {
        **dict.fromkeys(PLACE_SLOTS),
        "place": label,
        "place_resolved": label,
        "place_country": country,
        "about_country": None,
    }


async def _town(services: Services, tracker: Any, default_country: str | None) -> FoundPlace | None:
    """The one town of the message that is on the map once. A directory that fails knows none."""
    named = [str(e["value"]) for e in tracker.latest_message.get("entities") or () if e.get("entity") == "place"]
    towns = [name for name in named if country_of_stay(name) is None][:MOST_TOWNS]
    if len(towns) != 1:
        return None
    try:
        country, language = country_of(tracker, default_country), language_of(tracker)
        found = await services.resolve_place(towns[0], country=country, language=language)
    except Exception:
        return None
    return found[0] if len(found) == 1 else None
