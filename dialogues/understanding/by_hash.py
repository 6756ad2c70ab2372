"""A small number for each of thousands of words, kept by the words' hashes: a tenth of what a dictionary takes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import numpy as np


class Numbers:
    """A number of 0 to 255 for each word; 0 for every other word. Hashes are this process's own: not to be kept."""

    def __init__(self, told: Iterable[tuple[str, int]]) -> None:
        """Of a word that is told twice the numbers are joined bit by bit."""
        found: dict[int, int] = {}
        for word, number in told:
            key = hash(word)
            found[key] = found.get(key, 0) | number
        keys = np.fromiter(found, np.int64, len(found))
        order = np.argsort(keys)
        self._keys = memoryview(keys[order].tobytes()).cast("q")
        self._numbers = np.fromiter(found.values(), np.uint8, len(found))[order].tobytes()

    def __getitem__(self, word: str) -> int:
        key = hash(word)
        at = bisect_left(self._keys, key)
        return self._numbers[at] if at < len(self._keys) and self._keys[at] == key else 0
