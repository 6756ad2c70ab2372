"""Large matrices of which each number takes two bytes: half the memory, and in the same time multiplied.

Each column has the step from one of its numbers to the next. With one byte a number what thousands of sentences say
together would be off by more than a threat that is just heard has to spare.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_LARGEST = 32_767
#: Of rows that are read at a time, so many numbers: what is multiplied stays in the nearest cache.
_AT_A_TIME = 98_304


class TwoBytes(Struct, frozen=True):
    """A matrix, `numbers` times `steps`."""

    numbers: NDArray[np.int16]
    steps: Matrix  # one row

    @classmethod
    def of(cls, matrix: Matrix) -> TwoBytes:
        largest = np.abs(matrix).max(axis=0, keepdims=True, initial=1e-6)
        steps = np.asarray(largest / _LARGEST, np.float32)
        return cls(np.rint(matrix / steps).astype(np.int16), steps)

    @classmethod
    def beside_one_another(cls, matrices: Sequence[TwoBytes]) -> TwoBytes:
        numbers = np.concatenate([matrix.numbers for matrix in matrices], axis=1)
        return cls(numbers, np.concatenate([matrix.steps for matrix in matrices], axis=1))

    def columns_with(self, others: Matrix) -> Matrix:
        """`others @ self`."""
        products = np.zeros((len(others), self.numbers.shape[1]), np.float32)
        for start, rows in self._some_rows():
            products += others[:, start : start + len(rows)] @ rows
        products *= self.steps
        return products

    def _some_rows(self) -> Iterator[tuple[int, Matrix]]:
        """As floats, in the same place after one another, with the number of the first."""
        at_a_time = _AT_A_TIME // max(1, self.numbers.shape[1])
        some = np.empty((min(at_a_time, len(self.numbers)), self.numbers.shape[1]), np.float32)
        for start in range(0, len(self.numbers), at_a_time):
            rows = self.numbers[start : start + at_a_time]
            np.copyto(some[: len(rows)], rows)
            yield start, some[: len(rows)]
