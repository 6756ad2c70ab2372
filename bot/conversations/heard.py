"""A message that came in, as the dialogue, the officer and the talk will have it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from bot.channels.model import LONGEST_TEXT, InboundMessage, MessageKind
from dialogues.runtime.model import Entity, UserMessage
from dialogues.understanding.model import LANGUAGES, Priority, Reading, Risk

PRIORITIES = tuple(Priority)  # P0 first
_RASA_PAYLOAD = re.compile(r"^/(?P<intent>[^\s{]+)(?P<entities>\{.*\})?$", re.DOTALL)
#: What the dialogue hears when a person sends no words.
INTENT_WITHOUT_WORDS = {
    MessageKind.START: "start",
    MessageKind.LOCATION: "share_location",
    MessageKind.ATTACHMENT: "send_attachment",
    MessageKind.OTHER: "out_of_scope",
}


class Heard(Struct, frozen=True):
    """A message as the dialogue will see it, and what the screen found in it."""

    message: UserMessage | None  # None: understanding failed
    language: str
    risk: Risk | None
    reporter: bool = False


def read_tap(payload: str) -> UserMessage | None:
    """A tapped button of ours: `/intent{"slot": "value"}`. None if it is not in that form."""
    found = _RASA_PAYLOAD.match(payload)
    if found is None:
        return None
    try:
        values = json.loads(found["entities"] or "{}")
    except ValueError:
        return None
    entities = tuple(Entity(name, value) for name, value in values.items())
    return UserMessage(text=payload, intent=found["intent"], ranking=((found["intent"], 1.0),), entities=entities)


def tapped_risk(message: UserMessage) -> Risk | None:
    """A button can say "I am in danger" too, and is believed."""
    if message.intent != "in_danger":
        return None
    values = {entity.name: entity.value for entity in message.entities}
    priority = values.get("priority")
    known = priority if priority in PRIORITIES else Priority.P0
    return Risk(str(values.get("reason", "in_danger")), Priority(known), 1.0, "button")


def more_urgent(one: Priority, other: Priority) -> Priority:
    return min(one, other, key=PRIORITIES.index)


def spoken_here(hint: str | None) -> str | None:
    language = (hint or "").split("-")[0].lower()
    return language if language in LANGUAGES else None


def place_entities(message: InboundMessage) -> tuple[Entity, ...]:
    if message.latitude is None or message.longitude is None:
        return ()
    return (Entity("place_lat", message.latitude), Entity("place_lon", message.longitude))


def facts_of(message: InboundMessage, reading: Reading | None) -> Mapping[str, Any]:
    facts: dict[str, Any] = {"kind": message.kind.value}
    if message.attachment is not None:
        facts["attachment"] = message.attachment
    if message.latitude is not None:
        facts["latitude"], facts["longitude"] = message.latitude, message.longitude
    if message.edits is not None:
        facts["edited"] = True
    if reading is not None and reading.reporter:
        facts["reporter"] = True
    return facts


def own_line(message: InboundMessage) -> dict[str, Any]:
    """The person's own line of the transcript."""
    line: dict[str, Any] = {"kind": message.kind.value, "text": message.text[:LONGEST_TEXT]}
    if message.kind is MessageKind.TAP and not message.text:
        line["text"] = message.payload
    if message.latitude is not None:
        line["latitude"], line["longitude"] = message.latitude, message.longitude
    if message.attachment is not None:
        line["attachment"] = message.attachment
    if message.facts:
        line["facts"] = dict(message.facts)
    if message.edits is not None:
        line["corrects"] = message.edits
    return line


def words_for_officer(message: InboundMessage) -> str:
    if message.kind is MessageKind.TAP:
        return message.text or message.payload
    return message.text[:LONGEST_TEXT]
