"""Rasa's payload syntax: what a button of ours sends back, `/intent{"entity": "value"}`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dialogues.runtime.model import Entity, UserMessage

_PAYLOAD = re.compile(r"^/(?P<intent>[^\s{@]+)(?:@(?P<confidence>[0-9.]+))?\s*(?P<entities>\{.*\})?\s*$", re.DOTALL)


def read_payload(
    text: str, *, channel: str = "waymark", metadata: Mapping[str, Any] | None = None
) -> UserMessage | None:
    """The message a tapped button stands for, None when `text` is not a payload.

    Only for taps on our own buttons: what people type is never read this way.
    """
    match = _PAYLOAD.match(text)
    if match is None:
        return None
    try:
        values = json.loads(match["entities"]) if match["entities"] else {}
        confidence = float(match["confidence"] or 1.0)
    except (ValueError, RecursionError):  # brackets inside one another without end
        return None
    entities = tuple(
        Entity(name, value)
        for name, given in values.items()
        for value in (given if isinstance(given, list) else [given])
    )
    intent = match["intent"]
    return UserMessage(text, intent, confidence, ((intent, confidence),), entities, channel, metadata or {})


def read_written_payload(text: str) -> UserMessage | None:
    """The message a button in a domain file stands for. There braces may be doubled, for a `{place}` inside."""
    return read_payload(text) or read_payload(text.replace("{{", "{").replace("}}", "}"))


def payload(intent: str, **entities: Any) -> str:
    """The payload of a button, as short as JSON allows: some channels give it 64 bytes."""
    if not entities:
        return f"/{intent}"
    return f"/{intent}{json.dumps(entities, ensure_ascii=False, separators=(',', ':'))}"
