"""The letters of a text file: UTF-8, or what spreadsheets once wrote, where whoever sends the file says which."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
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

    Line by line: in a file that was put together from two, each is read as it was written. Raises UnreadableFile.
    """
    with path.open("rb") as raw:
        start = raw.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield from _utf16(path)
        return
    # In Latin-1 every byte is a letter: so lines end where the program that wrote them ended them, and no byte is lost.
    with path.open(encoding="latin-1", newline="") as file:
        number = 0
        while text := file.readline(LONGEST_LINE):
            number += 1
            yield _read(text.encode("latin-1"), number, letters)


def _read(line: bytes, number: int, letters: str | None) -> str:
    if b"\x00" in line:
        raise _no_text(number)
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        if letters is None:
            around = line[max(0, error.start - _AROUND) : error.start + _AROUND].decode("windows-1252", "replace")
            raise UnreadableFile(because(NOT_UTF_8, line=number, text=around.strip())) from error
    try:
        return line.decode(letters)
    except UnicodeDecodeError as error:
        raise UnreadableFile(because("line {line} is not in {letters} either", line=number, letters=letters)) from error


NOT_UTF_8: Final = N_(
    "line {line} is not in UTF-8. As Windows for Western Europe it says '{text}'. Say which letters the file has, or "
    "save it as CSV in UTF-8 or as XLSX"
)


def _utf16(path: Path) -> Iterator[str]:
    number = 0
    try:
        with path.open(encoding="utf-16", newline="") as file:
            while text := file.readline(LONGEST_LINE):
                number += 1
                if "\x00" in text:
                    raise _no_text(number)
                yield text
    except UnicodeError as error:
        raise _no_text(number + 1) from error


def _no_text(number: int) -> UnreadableFile:
    return UnreadableFile(because("line {line} has bytes that are no text: save the file as CSV in UTF-8", line=number))
