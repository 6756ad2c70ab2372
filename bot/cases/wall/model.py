"""A wall board: the queue as numbers, for a screen in a room where anybody may pass."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from bot.cases.auditor import Watch
from dialogues.understanding.model import Priority

#: A link is renewed now and then, so that a screen that was given away does not show for ever.
LASTS = timedelta(days=90)
#: So many may be open at once.
MOST_LINKS = 12


class LinkDead(Exception):
    """There is no such link, it was taken back, or it is too old. The three look the same."""


class Level(Struct, frozen=True):
    """What waits at one priority. Numbers and times: no case, no person."""

    priority: Priority
    limit: timedelta  # within which a human answers
    waiting: int
    late: int
    due_at: datetime | None  # of whoever waited longest
    climbing: int  # alarms that no human has acknowledged

    def since(self) -> datetime | None:
        """Since when whoever waited longest waits for what was promised."""
        return None if self.due_at is None else self.due_at - self.limit


class Wall(Struct, frozen=True):
    """One look at everything that waits."""

    at: datetime
    levels: tuple[Level, ...]
    held: int  # cases that somebody works on
    on_duty: int | None  # at the desk now; None where no rota is kept
    watch: Watch

    @property
    def climbing(self) -> int:
        return sum(level.climbing for level in self.levels)


class WallLink(Struct, frozen=True):
    """A link that shows the board to whoever has it."""

    id: str
    made_by: str
    made_at: datetime
    expires_at: datetime
