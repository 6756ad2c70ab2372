"""What all heads say of a sentence, weighed together: each head heard only its own question.

Whether somebody asks how to act is told better by who also knows what danger it sounds like, and which two procedures
are often taken for one another is known only from sentences that no head has seen. The weights are a matrix, so that
they disappear into the heads: reading costs what it did.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Columns = NDArray[np.int64]

#: How much it costs to say something else than the head itself, and in how many steps the weights are found.
_STAY, _STEPS, _STRIDE = 1e-3, 200, 0.05
#: Of so few unseen sentences a label nothing is learnt: the heads are believed as they are.
_FEWEST = 5


class Weighing(Struct, frozen=True):
    """`scores @ weights + bias` are the scores of one head, told by all of them."""

    weights: Matrix  # columns of all heads x labels of this one
    bias: Matrix

    def of(self, scores: Matrix) -> Matrix:
        return np.asarray(scores @ self.weights + self.bias, np.float32)


def weigh(
    scores: Matrix, own: slice, truth: Columns, parts: Columns, temperature: float, together: float = 1.0
) -> tuple[Weighing, Matrix]:
    """From unseen sentences: how to weigh, and what is then said of each of them by weights that it did not help find.

    `scores`: of all heads, a row a sentence. `own`: the columns of the head that is mended. `truth`: the label of each
    sentence. `parts`: to which part each belongs; situations are in one part whole. `together`: the share of what is
    found; the rest is the head's own word.
    """
    labels = own.stop - own.start
    plain = Weighing(np.eye(scores.shape[1], dtype=np.float32)[:, own], np.zeros(labels, np.float32))
    known = np.unique(parts)
    if len(known) < 2 or len(truth) < _FEWEST * labels:
        return plain, plain.of(scores)
    crossed = np.empty((len(truth), labels), np.float32)
    for part in known:
        there = parts == part
        crossed[there] = _found(scores[~there], truth[~there], plain, temperature, together).of(scores[there])
    return _found(scores, truth, plain, temperature, together), crossed


def _found(scores: Matrix, truth: Columns, plain: Weighing, temperature: float, together: float) -> Weighing:
    """The least surprised weights near the head's own, by steps that grow shorter (Adam)."""
    rows = np.arange(len(truth))
    start = plain.weights / np.float32(temperature)
    weights, bias = start.copy(), plain.bias.copy()
    pace = [(np.zeros_like(each), np.zeros_like(each)) for each in (weights, bias)]
    for step in range(1, _STEPS + 1):
        chances = scores @ weights + bias
        chances -= chances.max(axis=1, keepdims=True)
        np.exp(chances, out=chances)
        chances /= chances.sum(axis=1, keepdims=True)
        chances[rows, truth] -= 1
        chances /= np.float32(len(truth))
        slopes = (scores.T @ chances + np.float32(_STAY) * (weights - start), chances.sum(axis=0))
        stride = _STRIDE * (1 - step / _STEPS)
        for each, slope, (mean, spread) in zip((weights, bias), slopes, pace, strict=True):
            mean += np.float32(0.1) * (slope - mean)
            spread += np.float32(0.01) * (slope * slope - spread)
            even = np.sqrt(spread / np.float32(1 - 0.99**step)) + np.float32(1e-8)
            each -= np.float32(stride / (1 - 0.9**step)) * mean / even
    mended = np.float32(together * temperature)
    return Weighing(np.asarray(plain.weights + mended * (weights - start), np.float32), mended * bias)
