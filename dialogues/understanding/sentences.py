"""The reviewed sentences, and how near to each of them a message is: in meaning, and by the letters that they share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dialogues.understanding.eight_bits import EightBits, Rows
from dialogues.understanding.middles import Middles

Matrix = NDArray[np.float32]
Arrays = Mapping[str, NDArray[np.generic]]

#: How fast likeness fades with distance, and how much shared letters count beside shared meaning.
_FADE, _LETTERS, _LETTERS_ALONE = 2.0, 0.2, 1.0
#: So many of all sentences are compared with all at a time.
BLOCK = 1024


class Likeness(Struct, frozen=True):
    """Messages compared with the reviewed sentences: by meaning (a column a sentence) and by letters (n-grams)."""

    meaning: Matrix
    letters: Matrix


class Sentences(Struct, frozen=True):
    """What was learnt from, as vectors around their own mean. (Raw cosines of this model are all above .75.)

    A byte a number, here and when messages are compared: so nothing that was learnt is lost by rounding. When one byte
    came after learning, a threat that is just heard was not.
    """

    mean: Matrix
    rows: EightBits
    #: By which messages in other languages are moved to where these lie; None without an embedder.
    middles: Middles | None

    @classmethod
    def of(cls, embedded: Matrix, around: slice = slice(None), middles: Middles | None = None) -> Sentences:
        """`around`: whose mean is theirs. The rows have no width where there is no embedder."""
        mean = mean_of(embedded[around])
        return cls(mean, EightBits.of(unit(embedded - mean)), middles)

    def with_one_another(self, letters: Matrix) -> Likeness:
        """All sentences compared with themselves; one half of it is worked out and the other copied."""
        rows = self.rows.values()
        if not rows.shape[1]:
            return _by_letters(letters)
        meaning = np.empty((len(rows), len(rows)), np.float32)
        for start, end in blocks(len(rows)):
            meaning[start:end, :end] = _near(rows[start:end] @ rows[:end].T)
            meaning[:start, start:end] = meaning[start:end, :start].T
        return Likeness(meaning, letters * np.float32(_LETTERS**0.5))

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        middles = self.middles.to_arrays() if self.middles else {}
        return {
            "sentences.mean": self.mean,
            "sentences.rows": self.rows.numbers,
            "sentences.scales": self.rows.scales,
            **middles,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Sentences:
        mean = np.asarray(arrays["sentences.mean"], np.float32)
        numbers = np.asarray(arrays["sentences.rows"], np.uint8)
        rows = EightBits(numbers, np.asarray(arrays["sentences.scales"], np.float32), len(mean))
        return cls(mean, rows, Middles.from_arrays(arrays))


class KnownSentences:
    """The same, to compare messages with."""

    def __init__(self, learnt: Sentences) -> None:
        self._mean, self._middles = learnt.mean, learnt.middles
        self._rows = Rows(learnt.rows) if learnt.rows.width else None

    def moves(self, embedded: Matrix | None) -> bool:
        """Whether one of these messages is in a language of which nothing was learnt."""
        return embedded is not None and self._middles is not None and not self._middles.moved(embedded)[1].all()

    def foreign(self, embedded: Matrix | None) -> bool:
        """Whether one of these messages is in none of the languages that are answered in."""
        return embedded is not None and self._middles is not None and bool(self._middles.foreign(embedded).any())

    def compare(self, embedded: Matrix | None, letters: Matrix, *, move: bool = True) -> Likeness:
        """`move`: foreign messages to where ours lie."""
        if embedded is None or self._rows is None:
            return _by_letters(letters)
        if self._middles and move:
            embedded, learnt = self._middles.moved(embedded)
            letters = letters * learnt[:, None]
        return Likeness(
            _near(self._rows.products_with(unit(embedded - self._mean))), letters * np.float32(_LETTERS**0.5)
        )


def mean_of(embedded: Matrix) -> Matrix:
    return np.asarray(embedded.mean(axis=0), np.float32)


def unit(rows: Matrix) -> Matrix:
    """Each of length one."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)


def _near(cosines: Matrix) -> Matrix:
    """How alike in meaning, one for the same. The cosines are used up."""
    cosines -= np.float32(1)
    cosines *= np.float32(_FADE)
    np.exp(cosines, out=cosines)
    return cosines


def _by_letters(letters: Matrix) -> Likeness:
    return Likeness(np.zeros((len(letters), 0), np.float32), letters * np.float32(_LETTERS_ALONE**0.5))


def blocks(length: int) -> list[tuple[int, int]]:
    """Where so many rows are cut, so that what is made of some of them at a time stays small."""
    return [(start, min(start + BLOCK, length)) for start in range(0, length, BLOCK)]
