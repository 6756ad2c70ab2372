"""Text on the border: what may come in, and how long texts are cut to go out."""

from __future__ import annotations

import re
import unicodedata

from bot.channels.model import LONGEST_TEXT

#: Characters that reorder text or cannot be seen, and that no message needs. The joiners U+200C and U+200D stay:
#: Persian is spelt with one, families in emoji are made with the other.
HIDDEN = dict.fromkeys(
    [
        *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *(0x3164, 0xFEFF, 0xFFA0),
        *range(0xFFF9, 0xFFFC),
        *(0xFFFE, 0xFFFF),
        *range(0xE0000, 0xE1000),
    ]
)
_control = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
#: A phone number with a plus or with spaces, which Arabic text would turn around piece by piece.
_number = re.compile(r"\+\d[\d \u00a0().-]*\d|\d+(?:[ \u00a0.-]\d+)+")
_sentence_end = re.compile(r"[.!?…؟۔।።]+[»”\"')\]]*\s+")


def clean(text: str) -> str:
    """`text` without control, bidirectional or invisible characters, at most LONGEST_TEXT characters long.

    Line breaks stay, a tab becomes a space; half of a surrogate pair (JSON can hold one) is dropped.
    """
    text = text[: 2 * LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return _control.sub("", text.translate(HIDDEN))[:LONGEST_TEXT].strip()


def sendable(text: str, *, rtl: bool) -> str:
    """`text` as a phone shows it right: no half letters and controls, and numbers kept in order inside Arabic."""
    text = _control.sub("", text.replace("\r\n", "\n"))
    return _number.sub("\u2066\\g<0>\u2069", text) if rtl else text


def units(text: str) -> int:
    """Length in UTF-16 code units, which is how phones and Telegram count: most emoji are two."""
    return len(text) + sum(ord(character) > 0xFFFF for character in text)


def split(text: str, longest: int) -> list[str]:
    """`text` in parts of at most `longest` UTF-16 units, cut where a reader would pause.

    Between paragraphs if that leaves a part at least a quarter full; else, if it is half full, between lines,
    sentences, words; a word longer than a part is cut between two letters, never inside a letter and its marks.
    """
    parts = []
    text = text.strip()
    while units(text) > longest:
        cut = _best_cut(text, _fitting(text, longest))
        parts.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*parts, text] if text else parts


def _fitting(text: str, longest: int) -> int:
    """How many characters of `text` make at most `longest` units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if ord(character) > 0xFFFF else 1
        if used > longest:
            return index
    return len(text)


def _best_cut(text: str, most: int) -> int:
    least = most // 2
    for border, enough in (("\n\n", most // 4), ("\n", least)):
        found = text.rfind(border, enough, most + 1)
        if found > 0:
            return found
    ends = [match.end() for match in _sentence_end.finditer(text, least, most)]
    if ends:
        return ends[-1]
    space = text.rfind(" ", least, most + 1)
    return space if space > 0 else _between_letters(text, most)


def _between_letters(text: str, most: int) -> int:
    for cut in range(most, max(most - 32, 1), -1):
        after, before = text[cut], text[cut - 1]
        if not unicodedata.category(after).startswith("M") and "\u200d" not in {after, before}:
            return cut
    return most
