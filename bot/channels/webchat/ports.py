"""What the web chat needs from the floors above it. The composition root supplies it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.channels.model import Button


@dataclass(frozen=True)
class ChatLine:
    """One message as the person may see it. `author` is person, bot, officer or system."""

    seq: int
    author: str
    text: str
    buttons: tuple[Button, ...]
    language: str


class Chats(Protocol):
    """The conversations of the web chat, each known by the fingerprint of its cookie."""

    async def lines(self, address: str, after: int) -> Sequence[ChatLine]:
        """What was said after line `after`, oldest first. Empty for an unknown address."""
        ...

    async def waiting(self, address: str) -> bool:
        """Whether the program still owes this person an answer."""
        ...

    async def choose_language(self, address: str, language: str) -> None:
        """The person chose this language for good."""
        ...

    async def topic(self, address: str) -> str | None:
        """The signal that wakes when this conversation changes; None before its first message."""
        ...
