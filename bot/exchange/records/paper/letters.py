"""Which letters the fonts beside this file have: what they lack is said on the page, and never printed as boxes."""

from __future__ import annotations

import struct
import unicodedata
from functools import cache
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"
#: Basic Multilingual Plane, as segments: the only table of letters that is read, and every font has it.
_SEGMENTS = 4


def can_print(text: str) -> bool:
    """Whether every letter of a text is in the fonts, and every sign above or below one in the same font as its letter.

    What is not seen (joiners, marks of direction) needs no font.
    """
    fonts = _fonts()
    able = set(range(len(fonts)))
    for each in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(each)
        if kind == "Cc":  # the fonts name them, and nothing is to be seen of them
            return False
        if kind == "Cf" or "\ufe00" <= each <= "\ufe0f":
            continue
        having = {number for number, letters in enumerate(fonts) if ord(each) in letters}
        able = able & having if kind.startswith("M") else having
        if not able:
            return False
    return True


@cache
def _fonts() -> tuple[frozenset[int], ...]:
    return tuple(_letters(path.read_bytes()) for path in sorted(FONTS.glob("*.ttf")))


def _letters(font: bytes) -> frozenset[int]:
    """The code points that a TrueType font has a glyph for, out of its `cmap` (OpenType, format 4)."""
    tables = {
        font[at : at + 4]: struct.unpack_from(">I", font, at + 8)[0] for at in range(12, 12 + 16 * _count(font), 16)
    }
    cmap = tables[b"cmap"]
    for number in range(struct.unpack_from(">H", font, cmap + 2)[0]):
        start = cmap + struct.unpack_from(">I", font, cmap + 4 + 8 * number + 4)[0]
        if struct.unpack_from(">H", font, start)[0] == _SEGMENTS:
            return frozenset(_of_segments(font, start))
    raise ValueError("a font without a table of letters")


def _count(font: bytes) -> int:
    return int(struct.unpack_from(">H", font, 4)[0])


def _of_segments(font: bytes, start: int) -> list[int]:
    size = struct.unpack_from(">H", font, start + 6)[0] // 2
    row = f">{size}H"
    ends_at, starts_at = start + 14, start + 16 + 2 * size
    deltas_at, offsets_at = starts_at + 2 * size, starts_at + 4 * size
    segments = zip(
        struct.unpack_from(row, font, ends_at),
        struct.unpack_from(row, font, starts_at),
        struct.unpack_from(row, font, deltas_at),
        struct.unpack_from(row, font, offsets_at),
        strict=True,
    )
    found = []
    for number, (last, first, delta, offset) in enumerate(segments):
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offset:
                glyph = struct.unpack_from(">H", font, offsets_at + 2 * number + offset + 2 * (code - first))[0]
            if (glyph + delta if glyph or not offset else 0) & 0xFFFF:
                found.append(code)
    return found
