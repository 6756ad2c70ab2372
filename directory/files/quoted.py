"""The rows of a text with quotes in it: one that is no CSV is told by itself, and those below it are read."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from directory.words import because

#: A longer cell is none.
LONGEST_CELL = 100_000


NO_CSV = because("no CSV: a quote is left open, or stands in a cell and is not doubled")
TOO_LONG = because("a cell is longer than {most} characters, or a quote is left open", most=LONGEST_CELL)


class Unread(list[str]):
    """A row that is no CSV: it has no cells, and a reason."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


def records(lines: Iterable[str], *, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """The rows with the number of the line on which each ends, empty ones too.

    A quote that nobody closed swallows the lines below it until something gives it away; then only the line on which
    it stands is `Unread`, and the others are read again.
    """
    source = _Lines(lines)
    csv.field_size_limit(LONGEST_CELL)
    reader, number = csv.reader(source, delimiter=delimiter, strict=True), 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield number, Unread(TOO_LONG if "limit" in str(error) else NO_CSV)
            source.again()
            reader = csv.reader(source, delimiter=delimiter, strict=True)
        else:
            number += source.kept()
            yield number, cells


class _Lines:
    """Lines that can be taken again, from the second of the row on."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again = deque[str]()
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._taken.append(line)
        return line

    def kept(self) -> int:
        """How many lines the row took, which is done."""
        count = len(self._taken)
        self._taken.clear()
        return count

    def again(self) -> None:
        self._again.extendleft(reversed(self._taken[1:]))
        self._taken.clear()
