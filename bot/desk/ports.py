"""What the desk needs from rooms it does not know. The composition root hands these in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from sqlalchemy.engine import Connection


class TelegramName(Protocol):
    """The bot in Telegram, as far as its own name goes."""

    async def username(self) -> str:
        """Without "@"."""
        ...


class ShowsWriting(Protocol):
    """A channel that can show, for a few seconds, that somebody is writing."""

    async def show_writing(self, address: str) -> None:
        """Never raises."""
        ...


class TelegramBot(TelegramName, ShowsWriting, Protocol):
    """The bot in Telegram, as far as the desk needs it."""

    name: str


class FoundService(Struct, frozen=True):
    """A service as somebody who refers sees it. Of a safe place, never more than its town."""

    id: str
    name: str
    place: str
    stale: bool  # nobody has checked it lately: call first
    alone: bool = False  # one person put it in force, and nobody else has seen it: call first


class ServiceFinder(Protocol):
    """The directory, as far as a referral needs it. Only what is published is found."""

    def find(self, tx: Connection, words: str, *, language: str, at: datetime) -> list[FoundService]: ...

    def instead_of(
        self, tx: Connection, service_id: str, *, besides: Collection[str], language: str, at: datetime
    ) -> list[FoundService]:
        """Others near where this one is, for what it is for, the best first; none of `besides`."""
        ...

    def named(self, tx: Connection, service_id: str, *, language: str, at: datetime) -> FoundService | None: ...

    def hidden(self, tx: Connection, service_ids: Collection[str]) -> dict[str, str]:
        """Those among them whose address nobody may know, each with the number to call; "" where it has none."""
        ...
