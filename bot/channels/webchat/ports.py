"""What the web chat needs from the floors above it. The composition root supplies it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.channels.ports import Talks


class Talk(Protocol):
    """A conversation as its page must know it before it listens."""

    @property
    def topic(self) -> str: ...  # the signal that something was said
    @property
    def officer_writes(self) -> str: ...  # the signal that an officer is writing
    @property
    def marks(self) -> str: ...  # of reading and writing: "shown", "hidden" by the person's wish, "" not now
    @property
    def shown_from(self) -> int: ...  # earlier lines are not for this phone any more; 0 where all are
    @property
    def last_seq(self) -> int: ...  # of the newest line; 0 where there is none


class WebTalks(Talks, Protocol):
    """The conversations of the web chat, each known by the fingerprint of its cookie."""

    async def talk(self, address: str) -> Talk | None:
        """None before the first message."""
        ...

    async def person_writes(self, address: str) -> str | None:
        """The signal to give that this person is writing; None where nobody may be told."""
        ...

    async def has_read(self, address: str, seq: int) -> str | None:
        """The page showed the lines up to `seq`. The signal to give where that is news."""
        ...

    async def choose_marks(self, address: str, *, hidden: bool) -> str | None:
        """Whether this person shows when they write and what they have read. The signal to give; None before their
        first message."""
        ...

    async def waiting(self, address: str) -> bool:
        """Whether the program still owes this person an answer."""
        ...

    async def open_file(self, address: str, seq: int) -> OpenedFile | None:
        """The file that an officer sent with line `seq`, if this person may see that line."""
        ...

    async def choose_language(self, address: str, language: str) -> None:
        """The person chose this language, for good. Nothing happens before their first message."""
        ...


class OpenedFile(Protocol):
    """A file that an officer sent, opened by the person it was sent to."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def size(self) -> int: ...

    async def read(self, offset: int, length: int) -> bytes: ...


class Upload(Protocol):
    """A file that is coming in."""

    id: str

    async def write(self, chunk: bytes) -> None:
        """The next bytes. Raises TooLarge."""
        ...

    async def finish(self) -> str | None:
        """All of it is here. What a person would call it; None where there was nothing in it."""
        ...

    async def give_up(self) -> None:
        """Leave nothing of it."""
        ...


class TakesFiles(Protocol):
    """Where files of the web chat are kept."""

    async def begin(self, address: str, *, language: str, declared: str) -> Upload:
        """A file begins to come from this address. Raises NoRoom."""
        ...


#: The number to dial in danger in the country this deployment serves.
EmergencyNumber = Callable[[], Awaitable[str]]
