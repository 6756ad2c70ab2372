"""What a turn of the dialogue tells its host: words to send, and beside them what it asks for in codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.channels.model import Button
from bot.conversations.heard import PRIORITIES
from bot.conversations.model import MessageClass, Wording
from dialogues.runtime.model import Reply, Turn
from dialogues.understanding.model import Priority


def wording_of(reply: Reply, cls: MessageClass) -> Wording:
    """A reply of the dialogue as words to send. Its `custom` part may carry a point on the map or a class."""
    latitude = longitude = None
    if reply.custom.get("waymark") == "location":
        latitude, longitude = float(reply.custom["lat"]), float(reply.custom["lon"])
    own = reply.custom.get("class")
    return Wording(
        reply.text,
        MessageClass(own) if own else cls,
        tuple(Button(choice.title, choice.payload, choice.url) for choice in reply.choices),
        reply.response,
        latitude,
        longitude,
    )


def told_in(turn: Turn, kind: str) -> tuple[Mapping[str, str], ...]:
    """What the dialogue tells its host beside its words, as codes: a "gap" it had no text for, whom to "tell" later, a
    "question" that authors may read."""
    return tuple(
        {name: str(value) for name, value in reply.custom.items() if name != "waymark"}
        for reply in turn.replies
        if reply.custom.get("waymark") == kind
    )


def found_wrong_in(turn: Turn) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(reply.custom.get("service")), str(reply.custom.get("wrong")))
        for reply in turn.replies
        if reply.custom.get("waymark") == "found_wrong"
    )


def reported_in(turn: Turn) -> dict[str, str]:
    """The answers of a report that are told after the officer was called."""
    found: dict[str, str] = {}
    for reply in turn.replies:
        if reply.custom.get("waymark") == "reported":
            found |= answers_in(reply.custom)
    return found


def answers_in(custom: Mapping[str, Any] | None) -> dict[str, str]:
    report = (custom or {}).get("report")
    return {str(name): str(said) for name, said in report.items()} if isinstance(report, Mapping) else {}


def call_for_officer(turn: Turn) -> Mapping[str, Any] | None:
    """The most urgent call for a human among the replies."""
    calls = [reply.custom for reply in turn.replies if reply.custom.get("waymark") == "call_officer"]
    return min(calls, key=lambda call: PRIORITIES.index(priority_of(call.get("priority"))), default=None)


def priority_of(value: object) -> Priority:
    """What the dialogue named, or the one for asking for a person."""
    return Priority(str(value)) if value in PRIORITIES else Priority.P2
