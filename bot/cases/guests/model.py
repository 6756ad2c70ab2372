"""Who is let into one talk for a while, and what they may do there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from bot.kernel.one_time import MOST_TRIES
from bot.kernel.words import N_


class Role(StrEnum):
    """As what somebody is invited."""

    INTERPRETER = "interpreter"
    GUARDIAN = "guardian"


class Since(StrEnum):
    """From where on they read the talk."""

    NOW = "now"
    RECENT = "recent"
    BEGINNING = "beginning"


ROLES: Mapping[Role, str] = MappingProxyType({Role.INTERPRETER: N_("Interpreter"), Role.GUARDIAN: N_("Guardian")})
#: What the person is asked, and what stands in the consent ledger as the words they agreed to.
QUESTION = N_(
    "{name} would help us ({role}) and read what we write to each other here, for a while and nothing else. "
    "You can say no, and you can stop it at any time. Is that all right for you?"
)
SINCE: Mapping[Since, str] = MappingProxyType(
    {
        Since.NOW: N_("from now on"),
        Since.RECENT: N_("the last ten messages and from now on"),
        Since.BEGINNING: N_("the whole talk"),
    }
)
#: How long an invitation can last, in hours.
HOURS = (1, 2, 4, 8, 24)
#: How many messages `Since.RECENT` shows.
RECENT_LINES = 10
MOST_AT_ONCE = 3
#: What stands in the audit log each time a guest reads the talk.
VIEWED = "guest.view"
LONGEST_NAME = 120
LONGEST_WORDS = 4000


class LinkDead(Exception):
    """It opens nothing: never did, too late, taken back, or something speaks against it now."""


class Guest(Struct, frozen=True):
    """One invitation."""

    id: str
    case_id: str
    conversation_id: str
    role: Role
    from_seq: int  # lines after this one are shown
    invited_by: str
    invited_at: datetime
    expires_at: datetime
    tries: int = 0
    opened_at: datetime | None = None
    seen_at: datetime | None = None
    views: int = 0
    ended_at: datetime | None = None

    def lasts(self, at: datetime) -> bool:
        """Whether nobody took it back and its time is not over."""
        return self.ended_at is None and at < self.expires_at and self.tries < MOST_TRIES
