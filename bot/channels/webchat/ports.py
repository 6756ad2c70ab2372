"""What the web chat needs from the floors above it. The composition root supplies it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.channels.ports import Talks


class WebTalks(Talks, Protocol):
    """The conversations of the web chat, each known by the fingerprint of its cookie."""

    async def waiting(self, address: str) -> bool:
        """Whether the program still owes this person an answer."""
        ...

    async def choose_language(self, address: str, language: str) -> None:
        """The person chose this language, for good. Nothing happens before their first message."""
        ...


#: The number to dial in danger in the country this deployment serves.
EmergencyNumber = Callable[[], Awaitable[str]]
