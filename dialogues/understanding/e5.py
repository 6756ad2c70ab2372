"""multilingual-e5-small: texts become vectors. What it is made of is in `weights.py`, what it does in `encoder.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialogues.understanding.adapter import Adapter
from dialogues.understanding.encoder import Encoder, Measuring
from dialogues.understanding.graph import session_of
from dialogues.understanding.pieces import Pieces
from dialogues.understanding.weights import LAYERS, PIECES_AT, Weights

Matrix = NDArray[np.float32]

#: Pieces of a text that are read at once.
WINDOW = 510


class E5:
    """Sentences to vectors, each by itself: many at once would be 4 % faster, and of different lengths far slower."""

    def __init__(self, encoder: Encoder, layers: int = LAYERS) -> None:
        """`layers`: how many of them are gone through, from the first."""
        self._pieces, self._rows = Pieces(encoder.weights.head, PIECES_AT), encoder.weights.vocabulary()
        self._session = session_of(encoder.model(layers))

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

    def largest(self, text: str) -> dict[str, Matrix]:
        """How large each number gets that goes into a product, where the encoder measures that."""
        names = [output.name for output in self._session.get_outputs()]
        measured = zip(names, self._run(self._pieces.of(f"query: {text}")[:WINDOW]), strict=True)
        return {name: np.asarray(sizes[0], np.float32) for name, sizes in measured if name != names[0]}

    def _states(self, window: list[int]) -> Matrix:
        return np.asarray(self._run(window)[0][0], np.float32)

    def _run(self, window: list[int]) -> list[Any]:
        rows = self._rows.of([self._pieces.begin, *window, self._pieces.end])
        return list(self._session.run(None, {"rows": rows[np.newaxis]}))


def largest(adapter: Adapter, texts: Iterable[str]) -> dict[str, Matrix]:
    """For each product of the encoder how large each number gets that goes into it, over these texts."""
    measuring = E5(Measuring(Weights(), adapter))
    found: dict[str, Matrix] = {}
    for text in texts:
        found = {name: np.maximum(sizes, found.get(name, 0)) for name, sizes in measuring.largest(text).items()}
    return found
