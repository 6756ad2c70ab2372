"""Tables of spellings: what is written in one way by one hand and in another by the next, as one pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping


class Respelling:
    """Rewrites a word by a table of patterns, from left to right in one pass. Where several fit, the one that stands
    first in the table counts, so that longer spellings stand before the shorter within them. No pattern of a table has
    a group of its own."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._written = tuple(table.values())
        self._read = re.compile("|".join(f"({letters})" for letters in table))
        assert self._read.groups == len(self._written), "a pattern of the table has a group: write (?:…)"

    def __call__(self, word: str) -> str:
        return self._read.sub(self._as_written, word)

    def _as_written(self, found: re.Match[str]) -> str:
        return self._written[(found.lastindex or 1) - 1]
