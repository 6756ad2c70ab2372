"""A link for somebody of a partner without Waymark, as a value: until when it opens, how often, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from msgspec import Struct

from bot.kernel.one_time import MOST_TRIES

#: How long a link opens, and how often what it leads to is shown.
LINK_HOLDS = timedelta(hours=72)
MOST_VIEWS = 5
#: What may be attached: so many files, each so large, of these kinds, known by how they begin.
MOST_FILES = 5
LARGEST_FILE = 5 * 1024 * 1024
KINDS: Mapping[str, bytes] = {"application/pdf": b"%PDF-", "image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n"}
#: What a file is called when it is taken out: whatever its sender named it may name a person.
ENDINGS: Mapping[str, str] = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


class LinkDead(Exception):
    """This link opens nothing: it ran out, was replaced or taken back, or had too many wrong codes."""


class NotTaken(Exception):
    """What came back through a link cannot be taken in as it is. `code` says why; nothing was changed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Mail(StrEnum):
    """What became of the e-mail that says that a request waits."""

    OFF = "off"  # no mail server is set: the officer passes the link on
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"  # for good: a human finds another way


class Link(Struct, frozen=True):
    """One link to one request."""

    id: str
    request_id: str
    partner_id: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    language: str  # of the contact
    tries: int
    views: int
    mail: Mail
    mailed_at: datetime | None
    opened_at: datetime | None
    ended_at: datetime | None

    def opens(self, at: datetime) -> bool:
        """Whether the right code still opens it."""
        return self.ended_at is None and at < self.expires_at and self.tries < MOST_TRIES and self.views < MOST_VIEWS

    def answers(self, at: datetime) -> bool:
        """Whether whoever has opened it may still act: also after the last view."""
        return self.ended_at is None and at < self.expires_at and self.opened_at is not None


def address_of(page: str, token: str, language: str) -> str:
    """The link itself. What opens it stands behind the `#`: no browser tells that to a server, so it is in no log of
    ours, of a proxy or of a scanner that follows links, and in no `Referer`."""
    return f"{page}?lang={quote(language)}#{token}"


def token_in(said: str) -> str:
    """The token in what somebody gave us: the link whole, or what stands behind its `#`."""
    return said.strip().rpartition("#")[2][:80]
