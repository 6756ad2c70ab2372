"""What the encoder's last layers were taught of our field: to each of their matrices the product of two thin ones is
added (a low-rank adapter, as in LoRA, arXiv 2106.09685), and everything else stays as its makers left it.

`adapting.py` learns it, from the reviewed sentences that nothing is judged by.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

SHIPPED = Path(__file__).with_name("adapter.npz")
_DIGEST_SIZE = 4  # bytes
_DOWN, _UP, _LARGEST = ".down", ".up", ".largest"


class Adapter(Struct, frozen=True):
    """By the name of the matrix that it changes, in `encoder.py`: `down` times `up` is added."""

    products: Mapping[str, tuple[Matrix, Matrix]]
    #: For each product of the encoder that it is added to, how large each number gets that goes in.
    largest: Mapping[str, Matrix]
    #: Of each sentence that it was learnt from, a checksum, sorted.
    sentences: NDArray[np.uint32]

    def changed(self, name: str, matrix: Matrix) -> Matrix:
        """The matrix of this name, a row for each number that comes out, with what is added to it."""
        if name not in self.products:
            return matrix
        down, up = self.products[name]
        return matrix + (down @ up).T

    def learnt_from(self, texts: Iterable[str]) -> NDArray[np.bool_]:
        """Of each text whether it was among them: then it says nothing of how well others are understood."""
        return np.isin(checksums(texts), self.sentences)

    @property
    def digest(self) -> str:
        """Changes with the numbers: vectors by another adapter are other vectors."""
        return hashlib.blake2b(
            b"".join(half.tobytes() for half in self._halves().values()), digest_size=_DIGEST_SIZE
        ).hexdigest()

    def write(self, path: Path | None = None) -> None:
        np.savez_compressed(path or SHIPPED, sentences=self.sentences, **self._halves())  # type: ignore[arg-type]

    @classmethod
    def read(cls, path: Path | None = None) -> Adapter:
        """The shipped one, or another."""
        with np.load(path or SHIPPED, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        sentences = arrays.pop("sentences")
        halves = {name: matrix.astype(np.float32) for name, matrix in arrays.items()}
        down, up, largest = (
            {name.removesuffix(part): halves[name] for name in halves if name.endswith(part)}
            for part in (_DOWN, _UP, _LARGEST)
        )
        return cls({name: (down[name], up[name]) for name in down}, largest, sentences)

    def _halves(self) -> dict[str, NDArray[np.float16]]:
        named = {f"{name}{_LARGEST}": sizes for name, sizes in self.largest.items()}
        for name, (down, up) in self.products.items():
            named |= {f"{name}{_DOWN}": down, f"{name}{_UP}": up}
        return {name: matrix.astype(np.float16) for name, matrix in named.items()}


def checksums(texts: Iterable[str]) -> NDArray[np.uint32]:
    return np.array([zlib.crc32(text.encode("utf-8", "replace")) for text in texts], np.uint32)
