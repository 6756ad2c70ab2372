"""What actions read from a tracker."""

from __future__ import annotations

from typing import Any

from dialogues.actions.ports import Services


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


async def number_to_call(services: Services, tracker: Any, default_country: str | None) -> str:
    """The emergency number for where the person is. A directory that fails must not cost anybody this number."""
    try:
        return await services.emergency_number(country_of(tracker, default_country))
    except Exception:
        return "112"


def button(title: str, payload: str = "", url: str = "") -> dict[str, str]:
    """A button as rasa-sdk's dispatcher takes it."""
    return {"title": title, "payload": payload} if not url else {"title": title, "url": url}
