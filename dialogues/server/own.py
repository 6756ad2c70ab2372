"""Waymark's own understanding, for a host that plays our own project behind Rasa's REST channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from dialogues.context import in_context
from dialogues.runtime.files import Problem
from dialogues.runtime.model import DialogueState, UserMessage
from dialogues.runtime.payload import read_payload
from dialogues.runtime.tracker import Tracker
from dialogues.talks import message_of
from dialogues.understanding.together import ReadTogether


class OwnReading:
    """Reads messages as live ones are read, in their language and after what was said before.

    A payload counts as one here: this channel is for tests and our own pages.
    """

    def __init__(self, reading: ReadTogether) -> None:
        self.unknown: list[Problem] = []
        self._reading = reading

    async def hear(
        self, text: str, *, sender_id: str, channel: str, metadata: Mapping[str, Any], tracker: Tracker | None = None
    ) -> UserMessage:
        told = {key: value for key, value in metadata.items() if key != "slots"}  # a caller fills none
        message = read_payload(text, channel=channel, metadata=told) if text.startswith("/") else None
        if message is None:
            before = tracker.slots.get("language") if tracker is not None else None
            reading = await self._reading.read(text, language=before)
            if reading.language_certain and tracker is not None and not _chose_language(tracker):
                told["slots"] = {"language": reading.language}
            message = message_of(reading, told)
        if tracker is not None:
            message = in_context(message, DialogueState(tracker.slots, tracker.loop, tuple(tracker.applied)))
        return replace(message, channel=channel, sender_id=sender_id)


def _chose_language(tracker: Tracker) -> bool:
    """Whether the person said which language to write in: then words of another change nothing."""
    heard = (event.get("parse_data") or {} for event in tracker.events if event.get("event") == "user")
    return any((parse.get("intent") or {}).get("name") == "change_language" for parse in heard)
