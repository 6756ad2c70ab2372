"""A file of a talk as plain values: what it is, how far it has come, and what its copy is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

#: What Telegram gives out at most, and what the web chat takes.
LARGEST = 20 * 1024 * 1024
#: What an officer may send: it is held in memory while it goes out.
LARGEST_SENT = 5 * 1024 * 1024
#: A file is sealed and stored in parts of this size, so that none is ever whole in memory.
PART = 256 * 1024

#: What one person may send in a day, so that nobody fills the disk that everybody's words lie on.
DAY = timedelta(days=1)
MOST_FILES_A_DAY = 40
MOST_BYTES_A_DAY = 150 * 1024 * 1024
#: All strangers of the web chat together: it needs no account, so one person can be many.
MOST_BYTES_A_DAY_OF_ALL = 2 * 1024 * 1024 * 1024

#: Who fetches a file keeps it so long, from its last part on.
LEASE = timedelta(seconds=60)
#: A file that was not fetched within a day is not fetched any more.
GIVE_UP_AFTER = timedelta(hours=24)
#: A file whose fetching never came back so often is not tried again: it may be what kills us.
MOST_ATTEMPTS = 200
MOST_CRASHES = 10
#: An upload that broke off is forgotten after this.
ABANDONED_AFTER = timedelta(hours=1)


class State(StrEnum):
    """How far a file has come."""

    WAITING = "waiting"  # the message is here; its file is still with the provider
    ARRIVING = "arriving"  # being uploaded
    KEPT = "kept"
    REFUSED = "refused"  # too large, or too many
    LOST = "lost"  # the provider has it no more, or never gave it
    ERASED = "erased"


class Kind(StrEnum):
    """What a person would call it."""

    PHOTO = "photo"
    VOICE = "voice"
    VIDEO = "video"
    DOCUMENT = "document"


class Caution(StrEnum):
    """Why a file is not shown, or is not what it says it is."""

    TOO_MANY_PIXELS = "too_many_pixels"
    OTHER_THAN_IT_SAYS = "other_than_it_says"
    ARCHIVE = "archive"
    ACTIVE = "active"  # HTML, SVG: could run something where it is opened
    BROKEN = "broken"  # not built as its format asks
    NOT_CLEANED = "not_cleaned"  # a format whose hidden facts cannot be taken out here


class Piece(Struct, frozen=True, array_like=True):
    """A stretch of a copy: bytes of the original, or these bytes, or as many zeros as `length` says."""

    offset: int = -1
    length: int = 0
    given: bytes = b""

    @property
    def size(self) -> int:
        return len(self.given) or self.length


class Examined(Struct, frozen=True):
    """What a look at the bytes found. `pieces` is None where no copy without hidden facts can be made."""

    type: str
    kind: Kind
    cautions: tuple[Caution, ...] = ()
    pieces: tuple[Piece, ...] | None = None

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces or ())

    @property
    def can_be_shown(self) -> bool:
        """Whether a browser may show it inside a page, or play it."""
        return self.pieces is not None and self.type in INLINE


class Bytes(Protocol):
    """Something to read at any place."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes; fewer only at the end."""
        ...


#: What browsers show or play without running anything, and how such a file is called.
INLINE = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "video/mp4": "mp4",
}
ENDINGS = {**INLINE, "application/pdf": "pdf", "text/plain": "txt", "audio/amr": "amr"}
UNKNOWN = "application/octet-stream"


class Attachment(Struct, frozen=True):
    """A file of a talk, as those may know it who read the talk."""

    id: str
    conversation_id: str
    seq: int  # of the line it belongs to
    incoming: bool
    officer_id: str | None  # who sent it, of those that went out
    kind: Kind
    state: State
    cause: str | None
    size: int | None  # of the original, in bytes
    sha256: str  # of the original; "" before it is kept
    type: str
    cautions: tuple[Caution, ...]
    has_copy: bool
    can_be_shown: bool
    at: datetime  # when the message came, or was sent
    kept_at: datetime | None

    @property
    def name(self) -> str:
        """A name that says nothing of what is in it. The person's own name for it is not used: it may be theirs."""
        return f"{self.kind.value}-{self.id[-4:]}.{ENDINGS.get(self.type, 'bin')}"


def copy_of(pieces: Sequence[Piece], source: Bytes, offset: int, length: int) -> bytes:
    """`length` bytes of the copy from `offset` on."""
    made = bytearray()
    at = 0
    for piece in pieces:
        start, end = max(offset, at) - at, min(offset + length, at + piece.size) - at
        if start < end:
            made += _stretch(piece, source, start, end)
        at += piece.size
        if at >= offset + length:
            break
    return bytes(made)


def _stretch(piece: Piece, source: Bytes, start: int, end: int) -> bytes:
    if piece.given:
        return piece.given[start:end]
    if piece.offset < 0:
        return bytes(end - start)
    return source.read(piece.offset + start, end - start)
