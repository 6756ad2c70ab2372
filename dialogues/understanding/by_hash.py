"""A small number for each of thousands of words, kept by the words' hashes: a tenth of what a dictionary takes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import numpy as np


class Numbers:
    """A number of 0 to 255 for each word; 0 for every other word. Hashes are this process's own: not to be kept."""

    def __init__(self, words: Iterable[str], numbers: Iterable[int]) -> None:
        """Of a word that is told twice the numbers are joined bit by bit."""
        keys = np.fromiter(map(hash, words), np.int64)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        firsts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if keys.size else order
        joined = np.fromiter(numbers, np.uint8)[order]
        self._keys = memoryview(keys[firsts].tobytes()).cast("q")
        self._numbers = (np.bitwise_or.reduceat(joined, firsts) if keys.size else joined).tobytes()

    def __getitem__(self, word: str) -> int:
        key = hash(word)
        at = bisect_left(self._keys, key)
        return self._numbers[at] if at < len(self._keys) and self._keys[at] == key else 0
