"""What the desk needs from rooms it does not know. The composition root hands these in."""

from __future__ import annotations

from typing import Protocol


class TelegramName(Protocol):
    """The bot in Telegram, as far as its own name goes."""

    async def username(self) -> str:
        """Without "@"."""
        ...
