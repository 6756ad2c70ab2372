"""multilingual-e5-small: texts become vectors. What it is made of is in `weights.py`, what it does in `encoder.py`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dialogues.understanding.adapter import Adapter
from dialogues.understanding.encoder import Exact, Measuring, Rounded
from dialogues.understanding.graph import session_of
from dialogues.understanding.memory import give_back
from dialogues.understanding.pieces import Pieces
from dialogues.understanding.weights import LAYERS, PIECES_AT, Weights, shipped_weights

Matrix = NDArray[np.float32]

#: Pieces of a text that are read at once.
WINDOW = 510


class E5:
    """Sentences to vectors, each by itself: many at once would be 4 % faster, and of different lengths far slower."""

    def __init__(self, adapter: Adapter | None, layers: int = LAYERS, *, exact: bool = False) -> None:
        """`layers`: how many of them are gone through, from the first. `exact`: nothing is rounded, which takes five
        times as long; so it is without an adapter."""
        weights = Weights(shipped_weights())
        self._pieces, self._rows = Pieces(weights.head, PIECES_AT), weights.rows()
        encoder = Exact(weights, adapter) if exact or adapter is None else Rounded(weights, adapter)
        self._session = session_of(encoder.model(layers))
        del weights, encoder
        give_back()

    def query(self, texts: list[str]) -> Matrix:
        return np.array([self._embed(text) for text in texts], np.float32)

    def token_count(self, text: str) -> int:
        return len(self._pieces.of(f"passage: {text}")) + 2

    def _embed(self, text: str) -> Matrix:
        """A long text is read in windows, and each weighs as much as it holds."""
        numbers = self._pieces.of(f"query: {text}")
        windows = [numbers[start : start + WINDOW] for start in range(0, len(numbers), WINDOW)]
        vector = np.sum([len(window) * self._mean(window) for window in windows], axis=0)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def _mean(self, window: list[int]) -> Matrix:
        return np.asarray(self._states(window).mean(axis=0), np.float32)

    def states(self, text: str) -> Matrix:
        """A row for each piece of a text, and for its beginning and end, after the last layer that is gone through."""
        return self._states(self._pieces.of(f"query: {text}")[:WINDOW])

    def _states(self, window: list[int]) -> Matrix:
        rows = self._rows.of([self._pieces.begin, *window, self._pieces.end])
        (states,) = self._session.run(None, {"rows": rows[np.newaxis]})
        return np.asarray(states[0], np.float32)


def largest(adapter: Adapter, texts: Iterable[str]) -> dict[str, Matrix]:
    """For each product of the encoder how large each number gets that goes into it, over these texts."""
    weights = Weights(shipped_weights())
    pieces, rows = Pieces(weights.head, PIECES_AT), weights.rows()
    encoder = Measuring(weights, adapter)
    session = session_of(encoder.model(LAYERS))
    found = {name: np.zeros(width, np.float32) for name, width in encoder.measured.items()}
    for text in texts:
        numbers = pieces.of(f"query: {text}")[:WINDOW]
        _, *sizes = session.run(None, {"rows": rows.of([pieces.begin, *numbers, pieces.end])[np.newaxis]})
        for name, size in zip(found, sizes, strict=True):
            found[name] = np.maximum(found[name], size[0])
    return found
