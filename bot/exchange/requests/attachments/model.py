"""A file on its way between two deployments, as a value: what it is, how far it has come, what a part of it says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from bot.conversations.attachments.model import ENDINGS, LARGEST_SENT
from bot.exchange.requests.model import is_one_of
from bot.kernel.words import N_

#: In base64, a part and what is said around it fit one letter (`bot.exchange.post.service.LONGEST_BODY`).
PART = 352 * 1024
LARGEST = LARGEST_SENT
#: Of one request, from each side.
MOST_FILES = 10
LONGEST_TITLE = 200
#: Kinds of files that are taken: what people photograph, record and scan. By their bytes, whatever is said of them.
TYPES = frozenset(ENDINGS)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f-]{36}")
_CONTROLS = re.compile("[\x00-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class State(StrEnum):
    """How far a file has come, seen from here."""

    WAITING = "waiting"  # ours: not sent yet
    SENT = "sent"  # ours: in the post, or to be seen behind the partner's link
    THERE = "there"  # ours: the partner has signed that it is whole
    FAILED = "failed"  # ours: a part was stopped or refused, or it did not arrive as it was
    ARRIVING = "arriving"  # theirs
    KEPT = "kept"  # theirs: whole, and as it was sent
    SPOILT = "spoilt"  # theirs: not what they had signed for; nothing of it was kept
    GONE = "gone"  # taken back, or its time was over


STATE_TITLES: Mapping[State, str] = MappingProxyType(
    {
        State.WAITING: N_("not sent yet"),
        State.SENT: N_("on its way"),
        State.THERE: N_("arrived whole"),
        State.FAILED: N_("did not arrive"),
        State.ARRIVING: N_("still arriving"),
        State.KEPT: N_("arrived as it was sent"),
        State.SPOILT: N_("spoilt on the way: nothing was kept"),
        State.GONE: N_("deleted"),
    }
)

#: A file that is here, and may be opened.
READABLE = frozenset({State.WAITING, State.SENT, State.THERE, State.FAILED, State.KEPT})
#: Something of it may be with the partner.
GIVEN = frozenset({State.SENT, State.THERE, State.FAILED})


class Spoilt(StrEnum):
    """Why a file that came was not kept."""

    CHANGED = "changed"  # its SHA-256 is another
    KIND = "kind"  # not a kind of file that is taken


class BadPart(ValueError):
    """What came is no part of a file. Its argument names what is wrong with it."""


class About(Struct, frozen=True):
    """What is said of a file, sealed with it."""

    title: str
    type: str
    sha256: str


class RequestAttachment(Struct, frozen=True):
    """A file of a request."""

    id: str
    request_id: str
    ours: bool
    ref: str  # its name in letters: the id its sender gave it
    line: str  # the id that its sender gave to the line of the thread it belongs to; "" for the request itself
    state: State
    data_class: str  # as agreements and consents name classes of data
    size: int
    parts: int
    at: datetime
    officer_id: str | None = None  # who attached it, of ours
    source_id: str | None = None  # the file of the case that it is a copy of
    original: bool = False  # there was no copy without hidden facts: an officer let the file itself go, with a reason
    expires_at: datetime | None = None  # of theirs: by the agreement nothing of it is kept longer
    title: str = ""  # "" once erased
    type: str = ""
    sha256: str = ""

    @property
    def name(self) -> str:
        """What it is called when it is saved. What its sender called it may name a person."""
        return f"file-{self.id[-4:]}.{ENDINGS.get(self.type, 'bin')}"

    @property
    def may_be_opened(self) -> bool:
        """Whether it is here. What went out of a case is opened in the case."""
        of_case = self.source_id is not None and self.state is not State.WAITING
        return self.state in READABLE and bool(self.sha256) and not of_case


class Part(Struct, frozen=True):
    """A part of a file out of a letter, its form checked."""

    ref: str
    line: str
    about: About
    data_class: str
    size: int
    number: int
    parts: int
    content: bytes


def parts_for(size: int) -> int:
    return -(-size // PART)


def cut(content: bytes) -> Iterator[bytes]:
    """A file in parts. All are PART long but the last."""
    return (content[start : start + PART] for start in range(0, len(content), PART))


def fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def announced(file: RequestAttachment) -> dict[str, Any]:
    """What every letter with a part says of the file: any of them may be the first to arrive."""
    return {
        "attachment": file.ref,
        "line": file.line,
        "title": file.title,
        "type": file.type,
        "data": file.data_class,
        "size": file.size,
        "sha256": file.sha256,
        "parts": file.parts,
    }


def said_in(file: RequestAttachment, number: int, content: bytes) -> dict[str, Any]:
    """A part as it stands in a letter."""
    return {**announced(file), "part": number, "content": base64.b64encode(content).decode("ascii")}


def read_part(said: Mapping[str, Any], *, classes: tuple[str, ...]) -> Part:
    """The part out of a letter; `classes` are the classes of data its request may tell. Raises BadPart."""
    ref, line, title, kind, data, sha256 = (
        said.get(name) for name in ("attachment", "line", "title", "type", "data", "sha256")
    )
    size, number, parts = (said.get(name) for name in ("size", "part", "parts"))
    if not isinstance(ref, str) or not _ID.fullmatch(ref):
        raise BadPart("attachment")
    if not isinstance(line, str) or (line and not _ID.fullmatch(line)):
        raise BadPart("line")
    if data not in classes:
        raise BadPart("data")
    if not is_one_of(kind, TYPES) or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise BadPart("type")
    if type(size) is not int or type(number) is not int or not 0 < size <= LARGEST:
        raise BadPart("size")
    if parts != parts_for(size) or not 0 <= number < parts:
        raise BadPart("parts")
    content = _content(said.get("content"))
    if len(content) != (PART if number < parts - 1 else size - PART * (parts - 1)):
        raise BadPart("content")
    about = About(clean_title(title), str(kind), sha256)
    if not about.title:
        raise BadPart("title")
    return Part(ref, line, about, str(data), size, number, parts, content)


def clean_title(typed: object) -> str:
    """What a file shows, in words; "" where that is nothing or too long."""
    title = _CONTROLS.sub(" ", typed).strip() if isinstance(typed, str) else ""
    return title if len(title) <= LONGEST_TITLE else ""


def _content(said: object) -> bytes:
    try:
        return base64.b64decode(said, validate=True) if isinstance(said, str) else b""
    except (binascii.Error, ValueError):
        raise BadPart("content") from None
