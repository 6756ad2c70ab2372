"""Waymark's own understanding, for a host that plays our own project behind Rasa's REST channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from dialogues.runtime.model import UserMessage
from dialogues.runtime.payload import read_payload
from dialogues.talks import message_of
from dialogues.understanding.together import ReadTogether


class OwnReading:
    """Reads one message as a live one is read, and not what its words mean after those before (`in_context`).

    A payload counts as one here: this channel is for tests and our own pages.
    """

    def __init__(self, reading: ReadTogether) -> None:
        self.unknown: list[str] = []
        self._reading = reading

    async def hear(self, text: str, *, sender_id: str, channel: str, metadata: Mapping[str, Any]) -> UserMessage:
        tapped = read_payload(text, channel=channel, metadata=metadata) if text.startswith("/") else None
        message = tapped or message_of(await self._reading.read(text), metadata)
        return replace(message, channel=channel, sender_id=sender_id)
