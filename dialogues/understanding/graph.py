"""A graph of operations as an ONNX model, and what runs it. Of its protobuf the few fields we need, written by hand.

The package `onnx` writes it too; it is fifty megabytes, and would be needed for nothing else.
"""

from __future__ import annotations

import os
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int | str, ...]
Setting = float | int | list[int]

#: Of ours, and of what ONNX Runtime adds to the standard.
STANDARD, MICROSOFT = "", "com.microsoft"
_VERSIONS = {STANDARD: 17, MICROSOFT: 1}
_FORMAT = 9
#: Kinds of numbers.
FLOAT, UINT8, _INT8 = 1, 2, 3
_KINDS = {np.dtype(np.float32): FLOAT, np.dtype(np.uint8): UINT8, np.dtype(np.int8): _INT8}
_A_FLOAT, _AN_INTEGER, _INTEGERS = 1, 2, 7  # kinds of settings


class Graph:
    """Operations in the order in which they are done, and the constants that they need."""

    def __init__(self) -> None:
        self._fields: list[bytes] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        dimensions = b"".join(_field(1, size) for size in value.shape)
        kind = _field(2, _KINDS[value.dtype])
        self._fields.append(_field(5, dimensions + kind + _field(8, name) + _field(9, value.tobytes())))
        return name

    def add(self, operation: str, inputs: list[str], *outputs: str, of: str = STANDARD, **settings: Setting) -> str:
        """An operation; its first output is returned. An empty name is an input that is left out."""
        names = b"".join(_field(1, name) for name in inputs) + b"".join(_field(2, name) for name in outputs)
        attributes = b"".join(_field(5, _attribute(name, value)) for name, value in settings.items())
        self._fields.append(_field(1, names + _field(4, operation) + attributes + _field(7, of)))
        return outputs[0]

    def model(self, takes: tuple[str, Shape], *gives: tuple[str, Shape]) -> bytes:
        """The whole, from one array of floats to others: their names, and their shapes, where a name is any size."""
        kept = b"".join([*self._fields, _field(2, "graph")])
        ends = _field(11, _floats(*takes)) + b"".join(_field(12, _floats(*each)) for each in gives)
        versions = b"".join(_field(8, _field(1, domain) + _field(2, version)) for domain, version in _VERSIONS.items())
        return _field(1, _FORMAT) + versions + _field(7, kept + ends)


def session_of(model: bytes) -> Any:
    """What runs a model. One thread, which waits for nobody, and no memory kept for later."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # since 1.29 it reports to its makers unless told not to
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    # A session keeps the bytes that it was made of, all thirteen megabytes; a file, even one in memory, it only reads.
    with os.fdopen(os.memfd_create("model"), "wb") as file:
        file.write(model)
        file.flush()
        return onnxruntime.InferenceSession(
            f"/proc/self/fd/{file.fileno()}", options, providers=["CPUExecutionProvider"]
        )


def _attribute(name: str, value: Setting) -> bytes:
    if isinstance(value, list):
        return _field(1, name) + b"".join(_field(8, each) for each in value) + _field(20, _INTEGERS)
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, _AN_INTEGER)
    return _field(1, name) + _field(2, value) + _field(20, _A_FLOAT)


def _floats(name: str, shape: Shape) -> bytes:
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
