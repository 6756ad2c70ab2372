"""Thousands of names, each kept once in few bytes, among which those that come near a word are found without reading
the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

#: What floats lose on the way.
_ROUNDING = 1e-6


class Names:
    """A list of names that takes a quarter of the memory: all of them in one run of bytes."""

    def __init__(self, names: Iterable[str]) -> None:
        written = [name.encode() for name in names]
        self._bytes = b"".join(written)
        ends = np.cumsum([0, *map(len, written)], dtype=np.uint32)
        self._starts = memoryview(ends.tobytes()).cast("I")

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, at: int) -> str:
        return self._bytes[self._starts[at] : self._starts[at + 1]].decode()

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))


class NearNames:
    """Names of which the most alike is asked for.

    A slip of the finger changes of the set of a name's letters two at most: one letter goes, and another comes. So a
    number of 64 bits a name, a bit a letter, tells of nearly all of them that they are too far.
    """

    def __init__(self, names: Iterable[str]) -> None:
        by_length = sorted(set(names), key=len)
        self._names = Names(by_length)
        self._letters = letters_of(by_length)
        lengths = np.array([len(name) for name in by_length], np.int64)
        longest = int(lengths[-1]) if len(lengths) else 0
        self._starts = np.searchsorted(lengths, np.arange(longest + 2)).tolist()

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, at: int) -> str:
        return self._names[at]

    def likeness(self, word: str, enough: float) -> float:
        """How like the most alike is: 1 is the same, and 0 that none is so like as `enough`."""
        own = letters_of([word])
        near = [self._names[at] for at in self._may_be_near(len(word), own, 1 - enough)]
        match = process.extractOne(word, near, scorer=OSA.normalized_similarity, score_cutoff=enough)
        return match[1] if match else 0.0

    def _may_be_near(self, size: int, own: NDArray[np.uint64], slips_a_letter: float) -> list[int]:
        found: list[int] = []
        for length in range(1, len(self._starts) - 1):
            slips = int(slips_a_letter * max(size, length) + _ROUNDING)
            more = abs(length - size)
            if more > slips:
                continue
            start, end = self._starts[length], self._starts[length + 1]
            changed = np.bitwise_count(self._letters[start:end] ^ own)
            found += (np.flatnonzero(changed <= 2 * slips - more) + start).tolist()
        return found


def letters_of(names: list[str]) -> NDArray[np.uint64]:
    """For each name a bit for each letter it has; letters of several scripts may share one."""
    if not names:
        return np.zeros(0, np.uint64)
    lengths = np.array([len(name) for name in names])
    letters = np.frombuffer("".join(names).encode("utf-32-le"), np.uint32)
    bits = np.left_shift(np.uint64(1), letters.astype(np.uint64) & np.uint64(63))
    found = np.zeros(len(names), np.uint64)
    some = lengths > 0
    if letters.size:
        found[some] = np.bitwise_or.reduceat(bits, (np.cumsum(lengths) - lengths)[some])
    return found
