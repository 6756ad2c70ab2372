"""Which country a question is about, and where whoever asks says to be.

Both change what holds, but only the second is where they are: "the mother lives in Tripoli" must not send anybody who
helps there, nor change the emergency number.
"""

from __future__ import annotations

import re
from typing import Any, Final

from dialogues.actions.ports import FoundPlace, Services
from dialogues.actions.reading import country_of, entity, fact, language_of
from dialogues.knowledge.countries import Way, country_of_stay, is_country, way_named
from dialogues.knowledge.search import fold

#: Towns of one message that are looked for on the map, and those of a journey.
MOST_TOWNS = 2
MOST_STOPS = 6

#: "I am in", "we work at the crossing of". What follows is where they are.
_OWN_PLACE: Final = re.compile(
    r"\b(?:(?:i am|i'?m|we are|we'?re) (?:\w+ ){0,2}?|(?:i|we) (?:work|live|volunteer) (?:\w+ )?)(?:in|at|near)\b"
    r"|\b(?:je suis|nous sommes|on est|je travaille|nous travaillons|j'habite) (?:\w+ )?(?:a|en|au|aux|dans|pres)\b"
    r"|\b(?:estoy|estamos|trabajo|trabajamos|vivo) (?:\w+ )?(?:en|cerca)\b"
    r"|(?:^|\s)(?:انا|نحن|احنا|اعمل|نعمل|اشتغل|اسكن) (?:\w+ )?(?:في|ب\w+)"
)


#: A name with no more than this before it answers "where?".
_HERE: Final = re.compile(
    r"(?:(?:in|at|near|here in|a|au|aux|en|dans|pres de|aqui en|cerca de|ici a|في|ب|هنا في|قرب)\s*)?[\s.,!?،؟]*"
)


def says_where_they_are(words: str) -> bool:
    """Whether whoever writes says where they themselves are."""
    return _OWN_PLACE.search(fold(words[:500]).replace("’", "'")) is not None


def names_only_a_place(words: str, name: str) -> bool:
    """Whether a message is a place's name and nothing else, save a little word before it."""
    before, found, after = fold(words[:500]).replace("’", "'").partition(fold(name))
    return bool(found) and not after.strip(" .,!?،؟") and _HERE.fullmatch(before) is not None


async def whereabouts(
    services: Services, tracker: Any, default_country: str | None, *, answering: bool = False
) -> dict[str, Any]:
    """What the latest message tells of it, as slots; nothing where it tells nothing or could mean two places.

    `answering`: a place's name alone says where they are, as it does to somebody who waits to hear it.
    """
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
    named = (entity(tracker, "place"),) if answering else ()
    if not (says_where_they_are(words) or any(names_only_a_place(words, str(name)) for name in named if name)):
        return {"about_country": country}
    if town is not None:
        return place_slots(town, town.name)
    if country == tracker.get_slot("place_country"):
        return {"about_country": None}  # the town they named before says more
    return {**dict.fromkeys(PLACE_SLOTS), "country": country, "about_country": None}


async def shared_location(services: Services, tracker: Any) -> dict[str, Any]:
    """Where a location shared from a phone is, as slots; nothing where none was shared."""
    latitude = entity(tracker, "place_lat") or fact(tracker, "latitude")
    longitude = entity(tracker, "place_lon") or fact(tracker, "longitude")
    try:
        latitude, longitude = float(latitude), float(longitude)
    except (TypeError, ValueError):
        return {}
    try:
        near = await services.place_at(latitude, longitude)
    except Exception:
        near = None
    label = near.name if near else f"{latitude:.2f}, {longitude:.2f}"
    return place_slots(FoundPlace(label, near.country if near else "", latitude, longitude), label)


async def way_of(services: Services, tracker: Any) -> Way:
    """The journey that the latest message tells of, its towns by the countries they are in."""
    words = str(tracker.latest_message.get("text") or "")
    if words.startswith("/"):
        return Way()
    named = [str(e["value"]) for e in tracker.latest_message.get("entities") or () if e.get("entity") == "place"]
    towns = [name for name in dict.fromkeys(named) if is_country(name) is None][:MOST_STOPS]
    return way_named(words, {town: await _country_of_town(services, town, language_of(tracker)) for town in towns})


async def _country_of_town(services: Services, town: str, language: str) -> str:
    """The one country in which there is a town of that name; "" for none, for several, and without a directory."""
    try:
        found = {place.country for place in await services.resolve_place(town, country=None, language=language)}
    except Exception:
        return ""
    return found.pop() if len(found) == 1 else ""


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
    towns = [name for name in named if is_country(name) is None][:MOST_TOWNS]
    if len(towns) != 1:
        return None
    try:
        country, language = country_of(tracker, default_country), language_of(tracker)
        found = await services.resolve_place(towns[0], country=country, language=language)
    except Exception:
        return None
    return found[0] if len(found) == 1 else None
