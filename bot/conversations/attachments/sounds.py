"""Voice notes and music without their tags: artist, device, place, cover.

Ogg with Opus or Vorbis (RFC 3533, RFC 7845), MP3 with ID3 or APE tags, WAV (RIFF).
"""

from __future__ import annotations

import struct
from functools import cache

from bot.conversations.attachments.model import Bytes
from bot.conversations.attachments.reading import Broken, NotCleaned, Pieces, Window

# Ogg --------------------------------------------------------------------------------------------------------------

PAGE_HEADER = 27
CONTINUES, BEGINS_STREAM = 1, 2
#: How the second packet of a stream begins, which holds its comments, and what must stand at its end.
COMMENTS = {b"OpusHead": (b"OpusTags", b""), b"\x01vorbis": (b"\x03vorbis", b"\x01")}
LONGEST_COMMENTS = 512 * 1024


class _Page:
    """One page: where it is, and how its packets are cut."""

    def __init__(self, window: Window, at: int) -> None:
        if window.read(at, 5) != b"OggS\0":
            raise Broken("no page where one belongs")
        self.at = at
        self.flags = window.number(at + 5, 1)
        self.serial = window.number(at + 14, 4)
        self.lacing = window.read(at + PAGE_HEADER, window.number(at + 26, 1))
        self.body = at + PAGE_HEADER + len(self.lacing)
        self.end = self.body + sum(self.lacing)
        if self.end > window.size:
            raise Broken("a page that does not fit")

    def first_packet(self) -> tuple[int, bool]:
        """How long the first packet on this page is, and whether it ends here."""
        length = 0
        for each in self.lacing:
            length += each
            if each < 255:
                return length, True
        return length, False


def ogg(source: Bytes) -> Pieces:
    """The comments are overwritten by as many spaces, so that every page stays where it was."""
    window, pieces = Window(source), Pieces()
    first = _Page(window, 0)
    head = window.read(first.body, min(8, first.end - first.body))
    known = next((each for begins, each in COMMENTS.items() if head.startswith(begins)), None)
    if known is None or not first.flags & BEGINS_STREAM:
        raise NotCleaned("neither Opus nor Vorbis")
    pieces.keep(0, first.end)
    pages, at = [], first.end
    while True:
        page = _Page(window, at)
        _must_be_same_stream(page, first)
        pages.append(page)
        at = page.end
        if page.first_packet()[1]:
            break
    comments = sum(page.first_packet()[0] for page in pages)
    if comments > LONGEST_COMMENTS:
        raise NotCleaned("the comments are too long")
    empty = _no_comments(*known, comments)
    for page in pages:
        length = page.first_packet()[0]
        mine, empty = empty[:length], empty[length:]
        header = bytearray(window.read(page.at, page.body - page.at))
        header[22:26] = bytes(4)
        whole = bytes(header) + mine + window.read(page.body + length, page.end - page.body - length)
        pieces.give(whole[:22] + struct.pack("<I", _checksum(whole)) + whole[26:])
    start = at
    while at < window.size:
        page = _Page(window, at)
        _must_be_same_stream(page, first)
        at = page.end
    pieces.keep(start, at - start)
    return pieces


def _must_be_same_stream(page: _Page, first: _Page) -> None:
    if page.serial != first.serial or page.flags & BEGINS_STREAM:
        raise NotCleaned("more than one stream")


def _no_comments(begins: bytes, ends: bytes, length: int) -> bytes:
    vendor = length - len(begins) - 8 - len(ends)
    if vendor < 0:
        raise Broken("no comments where they belong")
    return begins + struct.pack("<I", vendor) + b" " * vendor + bytes(4) + ends


@cache
def _table() -> tuple[int, ...]:
    """Of the checksum of Ogg: CRC-32 with 0x04c11db7, not reflected (RFC 3533, section 6)."""
    rows = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
        rows.append(value)
    return tuple(rows)


def _checksum(page: bytes) -> int:
    value, table = 0, _table()
    for byte in page:
        value = (value << 8 & 0xFFFFFFFF) ^ table[value >> 24 ^ byte]
    return value


# MP3 --------------------------------------------------------------------------------------------------------------


def mp3(source: Bytes) -> Pieces:
    window, pieces = Window(source), Pieces()
    start, end = 0, window.size
    while window.size - start >= 10 and window.read(start, 3) == b"ID3":
        size = 0
        for each in window.read(start + 6, 4):
            size = size << 7 | each & 0x7F
        start += 10 + size + (10 if window.number(start + 5, 1) & 0x10 else 0)
    while (shorter := _without_last_tag(window, start, end)) < end:
        end = shorter
    if start + 4 > end or window.number(start, 2) & 0xFFE0 != 0xFFE0:
        raise Broken("no sound after the tags")
    pieces.keep(start, end - start)
    return pieces


def _without_last_tag(window: Window, start: int, end: int) -> int:
    if end - start > 128 and window.read(end - 128, 3) == b"TAG":
        return end - 128
    if end - start > 227 and window.read(end - 227, 4) == b"TAG+":
        return end - 227
    if end - start > 32 and window.read(end - 32, 8) == b"APETAGEX":
        size = window.number(end - 20, 4, little=True) + (32 if window.number(end - 9, 1) & 0x80 else 0)
        if size > end - start:
            raise Broken("a tag that does not fit")
        return end - max(size, 32)
    if end - start > 15 and window.read(end - 9, 9) == b"LYRICS200":
        digits = window.read(end - 15, 6)
        if not digits.isdigit() or int(digits) + 15 > end - start:
            raise Broken("a tag that does not fit")
        return end - 15 - int(digits)
    return end


# WAV --------------------------------------------------------------------------------------------------------------

WAV_PARTS = frozenset((b"fmt ", b"fact", b"data"))


def wav(source: Bytes) -> Pieces:
    window, parts = Window(source), Pieces()
    at = 12
    while at + 8 <= window.size:
        part, length = window.read(at, 4), window.number(at + 4, 4, little=True)
        if at + 8 + length > window.size:
            raise Broken("a part that does not fit")
        if part in WAV_PARTS:
            parts.keep(at, min(8 + length + length % 2, window.size - at))
        at += 8 + length + length % 2
    pieces = Pieces()
    pieces.give(b"RIFF" + struct.pack("<I", parts.size + 4) + b"WAVE")
    for piece in parts.made():
        pieces.keep(piece.offset, piece.length)
    return pieces
