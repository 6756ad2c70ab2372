"""A graph of operations as an ONNX model: the few fields of its protobuf that we need, written by hand.

The package `onnx` writes it too; it is fifty megabytes, and would be needed for nothing else.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Of ours, and of what ONNX Runtime adds to the standard.
STANDARD, MICROSOFT = "", "com.microsoft"
_VERSIONS = {STANDARD: 17, MICROSOFT: 1}
_FORMAT = 9
_KINDS = {np.dtype(np.float32): 1, np.dtype(np.uint8): 2}
_FLOAT, _INTEGER = 1, 2  # kinds of attributes


class Graph:
    """Operations in the order in which they are done, and the constants that they need."""

    def __init__(self) -> None:
        self._fields: list[bytes] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        dimensions = b"".join(_field(1, size) for size in value.shape)
        kind = _field(2, _KINDS[value.dtype])
        self._fields.append(_field(5, dimensions + kind + _field(8, name) + _field(9, value.tobytes())))
        return name

    def add(self, operation: str, inputs: list[str], *outputs: str, of: str = STANDARD, **settings: float | int) -> str:
        """An operation; its first output is returned. An empty name is an input that is left out."""
        names = b"".join(_field(1, name) for name in inputs) + b"".join(_field(2, name) for name in outputs)
        attributes = b"".join(_field(5, _attribute(name, value)) for name, value in settings.items())
        self._fields.append(_field(1, names + _field(4, operation) + attributes + _field(7, of)))
        return outputs[0]

    def model(self, takes: str, gives: str, shape: tuple[int | str, ...]) -> bytes:
        """The whole, from one array of floats to another of the same shape."""
        kept = b"".join([*self._fields, _field(2, "e5")])
        ends = _field(11, _floats(takes, shape)) + _field(12, _floats(gives, shape))
        versions = b"".join(_field(8, _field(1, domain) + _field(2, version)) for domain, version in _VERSIONS.items())
        return _field(1, _FORMAT) + versions + _field(7, kept + ends)


def _attribute(name: str, value: float | int) -> bytes:
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, _INTEGER)
    return _field(1, name) + _field(2, value) + _field(20, _FLOAT)


def _floats(name: str, shape: tuple[int | str, ...]) -> bytes:
    dimensions = b"".join(_field(1, _field(1 if isinstance(size, int) else 2, size)) for size in shape)
    tensor = _field(1, 1) + _field(2, dimensions)
    return _field(1, name) + _field(2, _field(1, tensor))


def _field(number: int, value: float | int | str | bytes) -> bytes:
    """A field of a protobuf message: an integer, four bytes of a float, or a length and so many bytes."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return b"".join((_varint(number << 3 | 2), _varint(len(value)), value))


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have their highest bit set."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
