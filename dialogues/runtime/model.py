"""The dialogue engine's values. State and message in, events and replies out; no clock, no I/O, no channel.

Events are Rasa's own dictionaries (`{"event": "slot", "name": …, "value": …}`), so that what happened here can
be read by anyone who knows Rasa 3.1. State is a fold over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

Event = dict[str, Any]


class Entity(Struct, frozen=True):
    """A piece of meaning found in a message."""

    name: str
    value: Any
    start: int | None = None
    end: int | None = None
    role: str | None = None
    group: str | None = None
    extractor: str | None = None  # which part of a Rasa pipeline found it


class UserMessage(Struct, frozen=True):
    """A message with what understanding made of it, as Rasa's `user` event holds it."""

    text: str
    intent: str | None
    confidence: float = 1.0
    ranking: tuple[tuple[str, float], ...] = ()
    entities: tuple[Entity, ...] = ()
    channel: str = "waymark"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sender_id: str = ""
    input_channel: str | None = ""  # where it came from, if answers go by a channel of another name; None: nowhere
    response_selector: Mapping[str, Any] = field(default_factory=dict)  # which response of a retrieval intent fits


class Choice(Struct, frozen=True):
    """A button under a reply. `payload` comes back as the text of the tap (`/intent{"slot": "value"}`)."""

    title: str
    payload: str = ""
    url: str = ""


class Reply(Struct, frozen=True):
    """One message to the person. `custom` carries what is not words: `{"waymark": "call_officer", …}`."""

    text: str = ""
    choices: tuple[Choice, ...] = ()
    response: str | None = None  # the name of the response template, `utter_…`
    custom: Mapping[str, Any] = field(default_factory=dict)


class DialogueState(Struct, frozen=True):
    """Where a conversation stands. Made of JSON values only, so that it can be sealed and kept."""

    slots: Mapping[str, Any] = field(default_factory=dict)
    active_loop: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()  # the recent past, as far back as rules look

    def to_json(self) -> dict[str, Any]:
        return {"slots": dict(self.slots), "active_loop": dict(self.active_loop), "events": list(self.events)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DialogueState:
        return cls(value.get("slots", {}), value.get("active_loop", {}), tuple(value.get("events", ())))


class Turn(Struct, frozen=True):
    """What one message led to."""

    state: DialogueState
    events: tuple[Event, ...]
    replies: tuple[Reply, ...]
