"""What actions read from a tracker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialogues.actions.ports import FoundPlace, Services


def language_of(tracker: Any) -> str:
    return str(tracker.get_slot("language") or "en")


def entity(tracker: Any, name: str) -> Any:
    """The last value of an entity in the latest message, None when it has none."""
    found = None
    for item in tracker.latest_message.get("entities") or ():
        if item.get("entity") == name:
            found = item.get("value")
    return found


def fact(tracker: Any, name: str) -> Any:
    """Something the channel told beside the words."""
    return (tracker.latest_message.get("metadata") or {}).get(name)


def country_of(tracker: Any, default: str | None) -> str | None:
    """Where the person is, as far as they have said so."""
    return tracker.get_slot("place_country") or tracker.get_slot("country") or default


def country_asked_about(tracker: Any, default: str | None) -> str | None:
    """The country whose rules are asked for: one that was named, else where the person is."""
    return tracker.get_slot("about_country") or country_of(tracker, default)


def place_of(tracker: Any) -> FoundPlace | None:
    """The place the person named or shared, as far as it was found on the map."""
    latitude, longitude = tracker.get_slot("place_lat"), tracker.get_slot("place_lon")
    if latitude is None or longitude is None:
        return None
    country = str(tracker.get_slot("place_country") or "")
    return FoundPlace(str(tracker.get_slot("place")), country, float(latitude), float(longitude))


async def number_to_call(services: Services, tracker: Any, default_country: str | None) -> str:
    """The emergency number for where the person is. A directory that fails must not cost anybody this number."""
    try:
        return await services.emergency_number(country_of(tracker, default_country))
    except Exception:
        return "112"


def with_commas(words: str, language: str) -> str:
    """A list, or what has commas in it, with the commas of the language. Of ours only Arabic has others."""
    return words.replace(", ", "، ").replace("; ", "؛ ") if language == "ar" else words


def button(title: str, payload: str = "", url: str = "") -> dict[str, str]:
    """A button as rasa-sdk's dispatcher takes it."""
    return {"title": title, "payload": payload} if not url else {"title": title, "url": url}


def remember_offer(yes: str, no: str, lines: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Remember what a yes and a no stand for, so that they can be written as well as tapped (`agreeing`).

    `lines`: what each of the lines that were shown stands for, where their words are an answer too (`flagging`).
    """
    from rasa_sdk.events import SlotSet  # what reads without acting, as the desk does, needs no SDK

    event: dict[str, Any] = SlotSet("offered", {"yes": yes, "no": no, **({"lines": dict(lines)} if lines else {})})
    return event
