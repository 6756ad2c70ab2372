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


class Adapter(Struct, frozen=True):
    """By the name of the matrix that it changes, in `e5.py`: `down` times `up` is added."""

    products: Mapping[str, tuple[Matrix, Matrix]]
    #: Of each sentence that it was learnt from, a checksum, sorted.
    sentences: NDArray[np.uint32]

    def change(self, matrix: str) -> Matrix:
        """What is added to the matrix: a row for each number that goes in."""
        down, up = self.products[matrix]
        return down @ up

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
        names = [name.removesuffix(".down") for name in halves if name.endswith(".down")]
        return cls({name: (halves[f"{name}.down"], halves[f"{name}.up"]) for name in names}, sentences)

    def _halves(self) -> dict[str, NDArray[np.float16]]:
        return {
            f"{name}.{part}": matrix.astype(np.float16)
            for name, pair in self.products.items()
            for part, matrix in zip(("down", "up"), pair, strict=True)
        }


def checksums(texts: Iterable[str]) -> NDArray[np.uint32]:
    return np.array([zlib.crc32(text.encode("utf-8", "replace")) for text in texts], np.uint32)
