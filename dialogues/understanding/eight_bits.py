"""Matrices of which each number takes one byte, as ONNX Runtime multiplies with them: some eight times as fast as
numpy with two bytes a number, and in half the memory.

Each block of a row has a scale. What is multiplied is rounded in the same way, but only by what it is multiplied with:
that turns a message by a third of a degree. Rounding of the matrix would be another error in each of its rows; where
it matters, learn with `values`, and there is none.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dialogues.understanding.graph import MICROSOFT, Graph, session_of

Matrix = NDArray[np.float32]

#: So many numbers of a row have one scale.
BLOCK = 128
#: What ONNX Runtime calls the precision of what is multiplied, and where in a byte it has nothing.
_EIGHT_BITS, _ZERO = 4, 128
_LARGEST = 127


class EightBits(Struct, frozen=True):
    """A matrix, row by row in blocks; the last one is filled up with nothing."""

    numbers: NDArray[np.uint8]  # rows x blocks x BLOCK, each between 1 and 255
    scales: Matrix  # rows x blocks
    width: int

    @classmethod
    def of(cls, matrix: Matrix) -> EightBits:
        rows, width = matrix.shape
        blocks = np.pad(matrix, ((0, 0), (0, -width % BLOCK))).reshape(rows, -1, BLOCK)
        scales = np.maximum(np.abs(blocks).max(axis=-1, initial=0.0), np.float32(1e-9)) / np.float32(_LARGEST)
        return cls(np.rint(blocks / scales[..., np.newaxis] + _ZERO).astype(np.uint8), scales, width)

    def values(self) -> Matrix:
        """The numbers that it stands for."""
        values = self.numbers.astype(np.float32) - _ZERO
        values *= self.scales[..., np.newaxis]
        return values.reshape(len(values), -1)[:, : self.width]


class Rows:
    """A matrix to multiply with. It is kept once, as the runtime wants it."""

    def __init__(self, matrix: EightBits) -> None:
        graph = Graph()
        inputs = ["vectors", graph.constant("numbers", matrix.numbers), graph.constant("scales", matrix.scales.ravel())]
        settings = {"K": matrix.width, "N": len(matrix.numbers), "bits": 8, "block_size": BLOCK}
        graph.add("MatMulNBits", inputs, "products", of=MICROSOFT, accuracy_level=_EIGHT_BITS, **settings)
        shapes = ("vectors", ("count", matrix.width)), ("products", ("count", len(matrix.numbers)))
        self._session = session_of(graph.model(*shapes))

    def products_with(self, vectors: Matrix) -> Matrix:
        """`vectors @ matrix.T`."""
        (products,) = self._session.run(None, {"vectors": np.asarray(vectors, np.float32)})
        return np.asarray(products, np.float32)
