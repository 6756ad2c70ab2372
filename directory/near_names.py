"""Thousands of names, each kept once in few bytes, among which those that come near a word are found without reading
the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

#: No name has one.
_LINE_END = ord("\n")
#: What floats lose on the way.
_ROUNDING = 1e-6


class Names:
    """A list of names that takes a quarter of the memory: all of them in one run of bytes."""

    def __init__(self, names: Iterable[str]) -> None:
        written = "\n".join([*names, ""]).encode()
        self._bytes = written
        ends = np.flatnonzero(np.frombuffer(written, np.uint8) == _LINE_END)
        self._starts = memoryview(np.append(0, ends + 1).astype(np.uint32).tobytes()).cast("I")

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, at: int) -> str:
        return self._bytes[self._starts[at] : self._starts[at + 1] - 1].decode()

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


class Spellings(Names):
    """Names in an order of their own, of which those are asked for that share most letters with a word."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self._letters = letters_of(names)
        self._lengths = np.array([len(name) for name in names], np.uint8)

    def most_alike(self, word: str, enough: float, limit: int | None = None) -> list[tuple[str, float, int]]:
        """Each with its ratio of 0 to 100 and where it stands, the most alike first.

        Of two names that differ in so many letters each letter has to go or to come: that rules most of them out.
        """
        lengths = self._lengths.astype(np.int16)
        changed = np.bitwise_count(self._letters ^ letters_of([word]))
        at_least = np.maximum(changed, np.abs(lengths - len(word)))
        near = np.flatnonzero(at_least <= (1 - enough / 100) * (lengths + len(word)) + _ROUNDING).tolist()
        names = [self[at] for at in near]
        found = process.extract(word, names, scorer=fuzz.ratio, score_cutoff=enough, limit=limit)
        return [(name, ratio, near[at]) for name, ratio, at in found]


def letters_of(names: Iterable[str]) -> NDArray[np.uint64]:
    """For each name a bit for each letter it has; letters of several scripts may share one."""
    letters = np.frombuffer("\n".join([*names, ""]).encode("utf-32-le"), np.uint32)
    ends = np.flatnonzero(letters == _LINE_END)
    if not ends.size:
        return np.zeros(0, np.uint64)
    bits = np.left_shift(np.uint64(1), (letters & np.uint32(63)).astype(np.uint64))
    bits[ends] = 0
    return np.bitwise_or.reduceat(bits, np.append(0, ends[:-1] + 1))
