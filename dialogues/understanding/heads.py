"""Linear heads over a message's vector: ridge regression in closed form, with calibrated confidence. numpy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """Scores for a fixed list of labels; `temperature` makes them probabilities one can believe."""

    labels: tuple[str, ...]
    weights: Matrix  # width x labels
    bias: Matrix
    temperature: float

    def probabilities(self, features: Matrix) -> Matrix:
        """One row of probabilities for each row of features."""
        return softmax((features @ self.weights + self.bias) / np.float32(self.temperature))

    def to_arrays(self, name: str) -> dict[str, NDArray[np.generic]]:
        return {
            f"{name}.labels": np.array(self.labels),
            f"{name}.weights": self.weights.astype(np.float16),
            f"{name}.bias": self.bias,
            f"{name}.temperature": np.array(self.temperature),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, NDArray[np.generic]]) -> Head:
        return cls(
            labels=tuple(str(label) for label in arrays[f"{name}.labels"]),
            weights=np.ascontiguousarray(arrays[f"{name}.weights"], dtype=np.float32),
            bias=np.asarray(arrays[f"{name}.bias"], dtype=np.float32),
            temperature=float(arrays[f"{name}.temperature"]),
        )


class Ridge:
    """Many heads over one set of sentences: the sentences are compared with one another once."""

    def __init__(self, features: Matrix, weights: Matrix, ridge: float) -> None:
        """`weights` says how much each sentence counts; `ridge` how little one sentence may pull."""
        self._features = features.astype(np.float64)
        kernel = self._features @ self._features.T + 1.0  # the 1 is a free constant, read back as the bias
        kernel[np.diag_indices_from(kernel)] += ridge / np.maximum(weights, 1e-6)
        self._inverse = np.linalg.inv(kernel)

    def fit(self, labels: Sequence[str], truth: Sequence[str], folds: NDArray[np.int64]) -> tuple[Head, Matrix]:
        """The head, and the probabilities of every sentence by heads that never saw its fold."""
        index = {label: i for i, label in enumerate(labels)}
        columns = np.array([index[label] for label in truth])
        target = -np.ones((len(truth), len(labels)))
        target[np.arange(len(truth)), columns] = 1.0
        alphas = self._inverse @ target
        unseen = np.empty_like(target)
        for fold in np.unique(folds):
            rows = np.flatnonzero(folds == fold)
            block = self._inverse[np.ix_(rows, rows)]
            unseen[rows] = target[rows] - np.linalg.solve(block, alphas[rows])
        temperature = _best_temperature(unseen, columns)
        head = Head(
            labels=tuple(labels),
            weights=(self._features.T @ alphas).astype(np.float32),
            bias=alphas.sum(axis=0).astype(np.float32),
            temperature=temperature,
        )
        return head, softmax((unseen / temperature).astype(np.float32))


def softmax(scores: Matrix) -> Matrix:
    """Rows that sum to one."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float32)


def _best_temperature(scores: NDArray[np.float64], columns: NDArray[np.int64]) -> float:
    """The temperature under which the truth is least surprising."""
    rows = np.arange(len(columns))

    def surprise(temperature: float) -> float:
        chances = softmax((scores / temperature).astype(np.float32))[rows, columns]
        return float(-np.log(np.maximum(chances, 1e-9)).mean())

    return float(min(np.geomspace(0.03, 2.0, 40), key=surprise))
