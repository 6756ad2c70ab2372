"""The letters of a text file: UTF-8, or what spreadsheets once wrote, where whoever sends the file says which."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from directory.files.unreadable import UnreadableFile
from directory.words import N_, because

#: What a file may be in that is not in UTF-8, and what that is called. Which one, no file says: by the wrong one the
#: names become nonsense, and so it is never guessed.
LETTERS: Final[Mapping[str, str]] = {
    "windows-1252": N_("Windows, Western Europe"),
    "windows-1250": N_("Windows, Central Europe"),
    "windows-1251": N_("Windows, Cyrillic"),
    "windows-1253": N_("Windows, Greek"),
    "windows-1254": N_("Windows, Turkish"),
    "windows-1256": N_("Windows, Arabic"),
}
#: More of a line is not read at once.
LONGEST_LINE: Final = 400_000
#: So much of a line is shown around what is not in UTF-8.
_AROUND: Final = 20


def lines_of(path: Path, letters: str | None = None) -> Iterator[str]:
    """The lines of a text: UTF-8, or UTF-16 with its mark. A line that is not in UTF-8 is read in `letters`.

    Line by line: in a file that was put together from two, each is read as it was written. Bytes that are none of
    these stay as they are, and `wrong_letters` finds them. Raises UnreadableFile.
    """
    with path.open("rb") as raw:
        start = raw.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield from _utf16(path)
        return
    # In Latin-1 every byte is a letter: so lines end where the program that wrote them ended them, and no byte is lost.
    with path.open(encoding="latin-1", newline="") as file:
        if start.startswith(codecs.BOM_UTF8):
            file.read(len(codecs.BOM_UTF8))
        while text := file.readline(LONGEST_LINE):
            yield _read(text.encode("latin-1"), letters)


def _read(line: bytes, letters: str | None) -> str:
    for code in ("utf-8", *filter(None, [letters])):
        with suppress(UnicodeDecodeError):
            return line.decode(code)
    return line.decode(errors=_KEPT)


#: How bytes stay in a text that are no letters of it.
_KEPT: Final = "surrogateescape"
_NO_LETTER: Final = re.compile("[\udc80-\udcff\x00]")


def wrong_letters(text: str) -> str:
    """Why a text is none, with the first byte that is not; empty where all of it could be read."""
    found = _NO_LETTER.search(text)
    if found is None:
        return ""
    if found[0] == "\x00":
        return because(NO_TEXT)
    around = text[max(0, found.start() - _AROUND) : found.start() + _AROUND]
    read = around.encode(errors=_KEPT).decode("windows-1252", "replace").strip()
    return because(NOT_UTF_8, byte=f"{ord(found[0]) - 0xDC00:02X}", text=read)


def as_utf_8(path: Path, letters: str | None) -> bytes:
    """The text in UTF-8, with the bytes that are none where they were."""
    return "".join(lines_of(path, letters)).encode(errors=_KEPT)


NOT_UTF_8: Final = N_(
    "byte {byte} is not in UTF-8. As Windows for Western Europe it says '{text}'. Say which letters the file has, or "
    "save it as CSV in UTF-8 or as XLSX"
)
NO_TEXT: Final = N_("there are bytes that are no text: save the file as CSV in UTF-8")


def _utf16(path: Path) -> Iterator[str]:
    number = 0
    try:
        with path.open(encoding="utf-16", newline="") as file:
            while text := file.readline(LONGEST_LINE):
                number += 1
                yield text
    except UnicodeError as error:
        raise UnreadableFile(
            because("line {line} has bytes that are no text: save the file as CSV in UTF-8", line=number + 1)
        ) from error
