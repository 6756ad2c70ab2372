"""Pictures without what a camera writes beside them: place, time, owner, preview, and a film after the picture.

The points of the picture stay byte for byte, so nothing is decoded here and no bomb can go off. Only formats whose
parts are all known are gone through; what is not on the list of parts to keep is left out. Of a JPEG one fact is
written anew: which way up it is. Colour profiles go too (they name the device), so colours can look a little paler.

JPEG: ITU-T T.81, Exif 2.32. PNG: ISO/IEC 15948. WebP: RFC 9649. GIF: GIF89a.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from bot.conversations.attachments.model import Bytes
from bot.conversations.attachments.reading import WINDOW, Broken, HeldBytes, Pieces, Window

#: What phones show as a picture inside a talk, by the rules of Telegram's `sendPhoto`: no side beyond these.
SHOWN_IN_TALKS = {"image/jpeg", "image/png"}
LONGEST_BOTH_SIDES = 10_000
MOST_STRETCHED = 20


class Picture(NamedTuple):
    """A picture's size in points, as it declares it, and its copy."""

    width: int
    height: int
    pieces: Pieces


def may_be_sent_as_picture(found: str, content: bytes) -> bool:
    """Whether a picture of this type can be sent as one, and not only as a file."""
    if found not in SHOWN_IN_TALKS:
        return False
    picture = (jpeg if found == "image/jpeg" else png)(HeldBytes(content))
    short, long = sorted((picture.width, picture.height))
    return short + long <= LONGEST_BOTH_SIDES and long <= short * MOST_STRETCHED


# JPEG -------------------------------------------------------------------------------------------------------------

SOI, EOI, SOS, COM, APP0, APP1, APP14, APP15 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE0, 0xE1, 0xEE, 0xEF
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Between the points: a marker that is neither a stuffed byte nor a restart.
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
ORIENTATION = 0x0112


def jpeg(source: Bytes) -> Picture:
    window, pieces = Window(source), Pieces()
    width = height = 0
    pieces.keep(0, 2)
    at = 2
    while True:
        if at >= window.size:  # cut off: browsers show what there is
            break
        start, marker = _marker_at(window, at)
        if marker == EOI:
            pieces.keep(start, 2)  # whatever comes after, a film or a second picture, is not part of it
            break
        if 0xD0 <= marker <= 0xD8 or marker == 0x01:
            raise Broken("a marker where none belongs")
        length = window.number(start + 2, 2)
        end = start + 2 + length
        if length < 2 or end > window.size:
            raise Broken("a part that does not fit")
        if marker in FRAMES:
            height, width = window.number(start + 5, 2), window.number(start + 7, 2)
        if marker == SOS:
            end = _end_of_scan(window, end)
            pieces.keep(start, end - start)
        elif marker == COM or APP0 <= marker <= APP15:
            pieces.give(_kept_of_application(marker, window.read(start + 4, min(length - 2, WINDOW))))
        else:
            pieces.keep(start, end - start)
        at = end
    if not width or not height:
        raise Broken("no frame")
    return Picture(width, height, pieces)


def _marker_at(window: Window, at: int) -> tuple[int, int]:
    if window.number(at, 1) != 0xFF:
        raise Broken("no marker where one belongs")
    while (marker := window.number(at + 1, 1)) == 0xFF:  # fill
        at += 1
    return at, marker


def _end_of_scan(window: Window, at: int) -> int:
    while at < window.size:
        block = window.read(at, min(WINDOW, window.size - at))
        found = MARKER.search(block)
        if found is not None:
            return at + found.start()
        at += len(block) - 1 if block.endswith(b"\xff") and len(block) > 1 else len(block)
    return window.size


def _kept_of_application(marker: int, said: bytes) -> bytes:
    """How its points are meant to be read, and which way up: nothing else of what programs write into a JPEG."""
    if marker == APP0 and said.startswith(b"JFIF\0") and len(said) >= 14:
        return b"\xff\xe0\x00\x10" + said[:12] + b"\0\0"  # without its preview
    if marker == APP14 and said.startswith(b"Adobe") and len(said) >= 12:
        return b"\xff\xee\x00\x0e" + said[:12]
    if marker == APP1 and said.startswith(b"Exif\0\0"):
        turned = _orientation(said[6:])
        return _exif(turned) if 2 <= turned <= 8 else b""
    return b""


def _orientation(tiff: bytes) -> int:
    """1 to 8, and 1 where nothing is said that can be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for entry in range(min(count, 512)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * entry)
            if tag == ORIENTATION and kind == 3:
                return int(value)
    except struct.error:
        return 1
    return 1


def _exif(turned: int) -> bytes:
    """An Exif block that says which way up, and nothing more."""
    entry = struct.pack(">HHIHH", ORIENTATION, 3, 1, turned, 0)
    body = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


# PNG --------------------------------------------------------------------------------------------------------------

PNG_PARTS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB sBIT bKGD pHYs acTL fcTL fdAT".split(),
)


def png(source: Bytes) -> Picture:
    window, pieces = Window(source), Pieces()
    pieces.keep(0, 8)
    width, height = window.number(16, 4), window.number(20, 4)
    if window.read(12, 4) != b"IHDR":
        raise Broken("no header")
    at = 8
    while True:
        length, part = window.number(at, 4), window.read(at + 4, 4)
        if at + 12 + length > window.size:
            raise Broken("a part that does not fit")
        if part in PNG_PARTS:
            pieces.keep(at, 12 + length)
        at += 12 + length
        if part == b"IEND":
            return Picture(width, height, pieces)


# GIF --------------------------------------------------------------------------------------------------------------

REPEATS = frozenset((b"NETSCAPE2.0", b"ANIMEXTS1.0"))


def gif(source: Bytes) -> Picture:
    window, pieces = Window(source), Pieces()
    width, height = window.number(6, 2, little=True), window.number(8, 2, little=True)
    at = 13 + _colours(window.number(10, 1))
    pieces.keep(0, at)
    while True:
        start, block = at, window.number(at, 1)
        if block == 0x3B:
            pieces.keep(start, 1)
            return Picture(width, height, pieces)
        if block == 0x2C:
            at = _after_blocks(window, at + 11 + _colours(window.number(at + 9, 1)))
            pieces.keep(start, at - start)
        elif block == 0x21:
            label = window.number(at + 1, 1)
            at = _after_blocks(window, at + 2)
            repeats = label == 0xFF and window.read(start + 3, 11) in REPEATS
            if label == 0xF9 or repeats:
                pieces.keep(start, at - start)
        else:
            raise Broken("an unknown block")


def _colours(packed: int) -> int:
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _after_blocks(window: Window, at: int) -> int:
    while length := window.number(at, 1):
        at += 1 + length
    return at + 1


# WebP -------------------------------------------------------------------------------------------------------------

WEBP_PARTS = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))
#: Of the flags of an extended picture: profile, Exif and XMP, none of which is there any more.
SAYS_HIDDEN = 0x20 | 0x08 | 0x04


def webp(source: Bytes) -> Picture:
    window, parts = Window(source), Pieces()
    width = height = 0
    end = min(window.size, 8 + window.number(4, 4, little=True))
    at = 12
    while at + 8 <= end:
        part, length = window.read(at, 4), window.number(at + 4, 4, little=True)
        padded = length + length % 2
        if at + 8 + length > window.size:
            raise Broken("a part that does not fit")
        if part == b"VP8X":
            width, height = (window.number(at + offset, 3, little=True) + 1 for offset in (12, 15))
            said = bytearray(window.read(at, 8 + length))
            said[8] &= ~SAYS_HIDDEN & 0xFF
            parts.give(bytes(said) + bytes(padded - length))
        elif part in WEBP_PARTS:
            if not width:
                width, height = _webp_size(window, part, at + 8)
            parts.keep(at, min(8 + padded, window.size - at))
        at += 8 + padded
    if not width or not height:
        raise Broken("no picture")
    pieces = Pieces()
    pieces.give(b"RIFF" + struct.pack("<I", parts.size + 4) + b"WEBP")
    for piece in parts.made():
        pieces.give(piece.given) if piece.given else pieces.keep(piece.offset, piece.length)
    return Picture(width, height, pieces)


def _webp_size(window: Window, part: bytes, at: int) -> tuple[int, int]:
    if part == b"VP8 ":
        return tuple(window.number(at + offset, 2, little=True) & 0x3FFF for offset in (6, 8))  # type: ignore[return-value]
    if part == b"VP8L":
        packed = window.number(at + 1, 4, little=True)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    raise Broken("no picture")
