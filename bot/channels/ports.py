"""What the channels need from the floors above them. The composition root supplies it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.channels.model import Button, RawMessage


class Accepts(Protocol):
    """The inbox, as a channel sees it."""

    async def accept(self, raw: RawMessage) -> bool:
        """Keep a payload. Returns only once it is committed: True if it is new, False if it was kept before.

        Raises DatabaseUnavailable when nothing was kept; the channel then must not acknowledge it.
        """
        ...


class SaidLine(Protocol):
    """One message of a conversation as the person in it may see it. `author` is person, bot, officer or system."""

    @property
    def seq(self) -> int: ...
    @property
    def author(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def buttons(self) -> tuple[Button, ...]: ...
    @property
    def language(self) -> str: ...
    @property
    def file(self) -> str: ...  # "photo", "document": a file of ours that the person may open; "" without
    @property
    def wordless(self) -> str: ...  # "attachment", "location": what came without words; `text` is a sign for it then


class Talks(Protocol):
    """The conversations of one channel, for channels whose far end reads them itself instead of being sent to."""

    async def lines(self, address: str, after: int) -> Sequence[SaidLine]:
        """What was said after line `after`, oldest first. Empty for an unknown address."""
        ...

    async def topic(self, address: str) -> str | None:
        """The signal that wakes when this conversation changes; None before its first message."""
        ...
