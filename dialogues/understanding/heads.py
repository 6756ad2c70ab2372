"""What a message is like: kernel regression over reviewed sentences, in closed form, with calibrated confidence.

Measured against linear heads on the same vectors: half the false alarms, a tenth more procedures right. numpy alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Arrays = Mapping[str, NDArray[np.generic]]

#: How fast likeness fades with distance, and how much shared letters count beside shared meaning.
_FADE, _LETTERS, _LETTERS_ALONE = 2.0, 0.2, 1.0
#: How little a single sentence may pull.
_RIDGE = 0.1


class LearningFailed(RuntimeError):
    """Heads that would understand nothing must never be kept: a screen that hears nothing looks like one that works."""


@dataclass(frozen=True)
class Likeness:
    """Messages compared with the reviewed sentences: by meaning (a column a sentence) and by letters (n-grams)."""

    meaning: Matrix
    letters: Matrix


class Sentences:
    """The reviewed sentences as vectors, around their own mean. (Raw cosines of this model are all above .75.)"""

    def __init__(self, mean: Matrix, rows: Matrix) -> None:
        """`rows`: one unit vector a sentence; none at all where there is no embedder."""
        self._mean = mean
        self._rows = rows

    @classmethod
    def of(cls, embedded: Matrix | None, count: int) -> Sentences:
        if embedded is None:
            return cls(np.zeros(0, np.float32), np.zeros((count, 0), np.float32))
        mean = np.asarray(embedded.mean(axis=0), np.float32)
        return cls(mean, _unit(embedded - mean))

    def compare(self, embedded: Matrix | None, letters: Matrix) -> Likeness:
        if embedded is None:
            nothing = np.zeros((len(letters), 0), np.float32)
            return Likeness(nothing, letters * np.float32(_LETTERS_ALONE**0.5))
        near = _unit(embedded - self._mean) @ self._rows.T
        near -= np.float32(1)  # in place: in training this is a hundred megabytes
        near *= np.float32(_FADE)
        np.exp(near, out=near)
        return Likeness(near, letters * np.float32(_LETTERS**0.5))

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        return {"sentences.mean": self._mean, "sentences.rows": self._rows.astype(np.float16)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Sentences:
        return cls(
            np.asarray(arrays["sentences.mean"], dtype=np.float32),
            np.asarray(arrays["sentences.rows"], dtype=np.float32),
        )


@dataclass(frozen=True)
class Head:
    """Scores for a fixed list of labels; `temperature` makes them probabilities one can believe."""

    labels: tuple[str, ...]
    by_meaning: Matrix  # sentences x labels
    by_letters: Matrix  # n-grams x labels
    bias: Matrix
    temperature: float

    def probabilities(self, like: Likeness) -> Matrix:
        """One row of probabilities for each message."""
        scores = like.letters @ self.by_letters + self.bias
        if like.meaning.shape[1]:
            scores = scores + like.meaning @ self.by_meaning
        return softmax(scores / np.float32(self.temperature))

    def to_arrays(self, name: str) -> dict[str, NDArray[np.generic]]:
        return {
            f"{name}.labels": np.array(self.labels),
            f"{name}.by_meaning": self.by_meaning.astype(np.float16),
            f"{name}.by_letters": self.by_letters.astype(np.float16),
            f"{name}.bias": self.bias,
            f"{name}.temperature": np.array(self.temperature),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Arrays) -> Head:
        return cls(
            labels=tuple(str(label) for label in arrays[f"{name}.labels"]),
            by_meaning=np.asarray(arrays[f"{name}.by_meaning"], dtype=np.float32),
            by_letters=np.asarray(arrays[f"{name}.by_letters"], dtype=np.float32),
            bias=np.asarray(arrays[f"{name}.bias"], dtype=np.float32),
            temperature=float(arrays[f"{name}.temperature"]),
        )


def learn(
    like: Likeness, truth: Sequence[str], folds: NDArray[np.int64], *, evenly: float, labels: Sequence[str] = ()
) -> tuple[Head, Matrix]:
    """A head, and for every sentence the probabilities by a head that never saw its fold.

    `like` compares the sentences with one another. A sentence whose truth is "" teaches nothing. `evenly`: 0 counts
    every sentence alike, 1 every label alike.
    """
    chosen = np.array([bool(label) for label in truth])
    known = [label for label in truth if label]
    counts = Counter(known)
    names = tuple(labels or sorted(counts))
    index = {label: i for i, label in enumerate(names)}
    columns = np.array([index[label] for label in known])
    letters = like.letters[chosen]
    kernel = letters @ letters.T
    kernel += np.float32(1)  # a free constant, read back as the bias
    if like.meaning.shape[1]:
        kernel += like.meaning if chosen.all() else like.meaning[np.ix_(chosen, chosen)]
    typical = float(np.median(list(counts.values())))
    weights = np.array([(typical / counts[label]) ** evenly for label in known], np.float32)
    kernel[np.diag_indices_from(kernel)] += np.float32(_RIDGE) / weights
    inverse = _inverse(kernel)
    target = -np.ones((len(known), len(names)), np.float32)
    target[np.arange(len(known)), columns] = 1.0
    pulls = inverse @ target
    if not np.allclose(kernel @ pulls, target, atol=0.05):
        raise LearningFailed("the sentences could not be told apart numerically; what was learnt is not kept")
    del kernel
    unseen = _scores_unseen(inverse, pulls, target, folds[chosen])
    temperature = _best_temperature(unseen, columns)
    by_meaning = np.zeros((len(truth) if like.meaning.shape[1] else 0, len(names)), np.float32)
    if by_meaning.size:
        by_meaning[chosen] = pulls
    head = Head(
        labels=names,
        by_meaning=by_meaning,
        by_letters=np.asarray(letters.T @ pulls, dtype=np.float32),
        bias=np.asarray(pulls.sum(axis=0), dtype=np.float32),
        temperature=temperature,
    )
    return head, softmax(unseen / np.float32(temperature))


def softmax(scores: Matrix) -> Matrix:
    """Rows that sum to one."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float32)


def _unit(rows: Matrix) -> Matrix:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)


def _inverse(kernel: Matrix) -> Matrix:
    """The inverse of a kernel by halves: a library call on the whole takes six times the memory of the matrix."""
    return _squared(_inverse_root(kernel))


def _squared(root: Matrix) -> Matrix:
    """`root.T @ root` of a lower triangle, by halves: a third of the work, for what is zero is not multiplied."""
    if len(root) <= 512:
        return np.asarray(root.T @ root, np.float32)
    half = len(root) // 2
    below, last = root[half:, :half], root[half:, half:]
    whole = np.empty_like(root)
    whole[:half, :half] = _squared(root[:half, :half]) + below.T @ below
    whole[half:, half:] = _squared(last)
    whole[half:, :half] = last.T @ below
    whole[:half, half:] = whole[half:, :half].T
    return whole


def _inverse_root(kernel: Matrix) -> Matrix:
    """The inverse of the Cholesky factor. (Inverting the halves of the kernel itself loses all its digits.)"""
    if len(kernel) <= 512:
        return np.asarray(np.tril(np.linalg.inv(np.linalg.cholesky(kernel))), np.float32)
    half = len(kernel) // 2
    first = _inverse_root(kernel[:half, :half])
    across = kernel[half:, :half] @ first.T
    second = _inverse_root(kernel[half:, half:] - across @ across.T)
    whole = np.zeros_like(kernel)
    whole[:half, :half] = first
    whole[half:, half:] = second
    whole[half:, :half] = -(second @ across) @ first
    return whole


def _scores_unseen(inverse: Matrix, pulls: Matrix, target: Matrix, folds: NDArray[np.int64]) -> Matrix:
    """Leaving a fold out needs no second training: the inverse already tells what its sentences contributed."""
    unseen = np.empty_like(target)
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        unseen[rows] = target[rows] - np.linalg.solve(inverse[np.ix_(rows, rows)], pulls[rows])
    return unseen


def _best_temperature(scores: Matrix, columns: NDArray[np.int64]) -> float:
    """The temperature under which the truth is least surprising."""
    rows = np.arange(len(columns))

    def surprise(temperature: float) -> float:
        chances = softmax(scores / np.float32(temperature))[rows, columns]
        return float(-np.log(np.maximum(chances, 1e-9)).mean())

    return float(min(np.geomspace(0.03, 2.0, 40), key=surprise))
