"""Events from outside the engine, an action's or a caller's: what is none is refused before anything counts.

An event that was taken in is folded again with every later message. One that nobody can read would break each of those
turns: the conversation would be dead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dialogues.runtime.domain import Domain
from dialogues.runtime.model import Event

#: Older names of events that Rasa still takes.
_OLD_NAMES = {"form": "active_loop"}
#: Every kind of event that Rasa takes from an action (`rasa/shared/utils/schemas/events.py`).
_KINDS = frozenset(
    [
        "action",
        "action_execution_rejected",
        "active_loop",
        "agent",
        "bot",
        "cancel_reminder",
        "entities",
        "export",
        "followup",
        "form",
        "form_validation",
        "loop_interrupted",
        "pause",
        "reminder",
        "reset_slots",
        "restart",
        "resume",
        "rewind",
        "session_started",
        "slot",
        "undo",
        "user",
        "user_featurization",
    ]
)
#: Kinds whose `name` is looked up.
_NAMED = frozenset({"action", "action_execution_rejected", "active_loop", "followup"})
_LISTS = ("buttons", "quick_replies", "elements")


class Unreadable(ValueError):
    """What an action or a caller gave is no event, or no message. Says what is wrong with it."""


def read_events(events: Iterable[Any], domain: Domain) -> Iterator[Event]:
    """The events, under the names they have today. Raises Unreadable at the first that is none."""
    for event in events:
        if not isinstance(event, Mapping) or event.get("event") not in _KINDS:
            raise Unreadable(f"{event!r} is not an event")
        kind, name = _OLD_NAMES.get(event["event"], event["event"]), event.get("name")
        if kind == "slot" and not (isinstance(name, str) and "value" in event):
            raise Unreadable(f"{event!r} does not say which slot holds what")
        if kind == "action" and not (name or event.get("action_text")):
            raise Unreadable(f"{event!r} does not say which action")
        if kind in _NAMED and not isinstance(name, str | None):
            raise Unreadable(f"{event!r} has a name that is no text")
        if kind == "active_loop" and name and not domain.knows_loop(name):
            raise Unreadable(f"there is no form {name!r}")
        if kind == "user":
            _check_user(event)
            event = {"input_channel": None, **event, "parse_data": _parse_data(event)}
        if kind == "bot":
            _check_mappings(event, "data", "metadata")
            check_message({"text": event.get("text"), **(event.get("data") or {})})
        yield {**event, "event": kind, **({} if is_time(event.get("timestamp")) else {"timestamp": None})}


def check_message(message: Mapping[str, Any]) -> None:
    """Raises Unreadable where a message an action says could not be handed to a channel."""
    for key in ("response", "template"):
        if not isinstance(message.get(key), str | None):
            raise Unreadable(f"`{key}` must be the name of a response, and is {message[key]!r}")
    for key in _LISTS:
        if message.get(key) and not isinstance(message[key], list):
            raise Unreadable(f"`{key}` must be a list, and is {message[key]!r}")
    if not all(isinstance(element, Mapping) for element in message.get("elements") or ()):
        raise Unreadable(f"each of `elements` must be an object, and they are {message['elements']!r}")


def _parse_data(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": event.get("text"), "entities": [], "metadata": {}, **event["parse_data"]}


def _check_user(event: Mapping[str, Any]) -> None:
    _check_mappings(event, "parse_data")
    parse = event.get("parse_data")
    if parse is None:
        raise Unreadable(f"{event!r} does not say what was understood: it needs `parse_data`")
    _check_mappings(parse, "intent", "response_selector")
    if not isinstance((parse.get("intent") or {}).get("name"), str | None):
        raise Unreadable(f"{event!r} has an intent whose name is no text")
    for key in ("entities", "intent_ranking"):
        listed = parse.get(key) or []
        if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
            raise Unreadable(f"{event!r}: `{key}` must be a list of objects")


def _check_mappings(event: Mapping[str, Any], *keys: str) -> None:
    for key in keys:
        if not isinstance(event.get(key), Mapping | None):
            raise Unreadable(f"{event!r}: `{key}` must be an object")


def is_time(value: Any) -> bool:
    """Whether an event may keep its time: none, or seconds. Anything else is as if it had none."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))
