"""Where a language's sentences lie beside ours, so that one of which nothing was learnt is understood as ours are.

The embedder puts every language at a little distance from every other, whatever is said. Twenty plain sentences, the
same in each (`parallel.tsv`), show how far and in which direction; a message is moved back by that much. Which language
it is in is told from the vector itself, and where that is not sure, it is moved by what is likely of each. What is in a
language that sentences were learnt in stays where it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dialogues.understanding.fold import clean, undisguise
from dialogues.understanding.model import LANGUAGES

Matrix = NDArray[np.float32]

PARALLEL = Path(__file__).with_name("parallel.tsv")
#: How far what sentences differ in is evened out, and how much surer than twenty sentences teach nobody should be.
_EVEN, _UNSURE = 1.0, 3.0
#: How sure it must be that a message is in none of the languages learnt: all others are compared as they are.
_FOREIGN = 0.9


class Middles(Struct, frozen=True):
    """The languages as they are told apart, and how far each lies from the common middle of the four we answer in."""

    by_vector: Matrix  # width x languages
    bias: Matrix
    apart: Matrix  # languages x width; nothing for the four
    learnt: Matrix  # one for each language that sentences were learnt in, else nothing

    def moved(self, embedded: Matrix) -> tuple[Matrix, Matrix]:
        """The vectors, those of foreign messages moved to where the same words lie in our languages; and for each
        message one, or nothing where it is foreign: of a language that was never learnt letters say nothing."""
        sure = self._sure(embedded)
        foreign = (1 - sure @ self.learnt >= _FOREIGN).astype(np.float32)
        return np.asarray(embedded - foreign[:, None] * (sure @ self.apart), np.float32), 1 - foreign

    def foreign(self, embedded: Matrix) -> NDArray[np.bool_]:
        """Of each message whether it is surely in none of the four languages that are answered in."""
        return np.asarray(self._sure(embedded) @ self.apart.any(axis=1) >= _FOREIGN)

    def _sure(self, embedded: Matrix) -> Matrix:
        """How likely each message is in each language."""
        sure = (embedded @ self.by_vector + self.bias) / np.float32(_UNSURE)
        sure = np.exp(sure - sure.max(axis=1, keepdims=True))
        return np.asarray(sure / sure.sum(axis=1, keepdims=True), np.float32)

    @classmethod
    def of(cls, vectors: Mapping[str, Matrix], learnt: Collection[str]) -> Middles:
        """From the vectors of the same sentences in each language."""
        told = np.stack([vectors[language] for language in vectors]).astype(np.float64)
        middles = told.mean(axis=1)
        within = told - middles[:, None]
        spread = np.einsum("lsi,lsj->ij", within, within) / (told.shape[0] * (told.shape[1] - 1))
        spread[np.diag_indices_from(spread)] += _EVEN * np.trace(spread) / len(spread)
        by_vector = np.linalg.solve(spread, middles.T)
        ours = [at for at, language in enumerate(vectors) if language in LANGUAGES]
        apart = middles - middles[ours].mean(axis=0)
        apart[ours] = 0.0
        bias = -0.5 * (middles.T * by_vector).sum(axis=0)
        known = np.array([language in LANGUAGES or language in learnt for language in vectors])
        return cls(*(each.astype(np.float32) for each in (by_vector, bias, apart, known)))

    @classmethod
    def by(cls, embed: Callable[[list[str]], Matrix], learnt: Collection[str]) -> Middles:
        """Of the languages of `parallel.tsv`, by this embedder. `learnt`: those there are other sentences in, too."""
        told = parallel()
        rows = embed([text for texts in told.values() for text in texts])
        return cls.of(dict(zip(told, rows.reshape(len(told), -1, rows.shape[1]), strict=True)), learnt)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        return {f"middles.{name}": getattr(self, name) for name in self.__struct_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Middles | None:
        """None where there are none: without an embedder."""
        if "middles.bias" not in arrays:
            return None
        return cls(*(np.asarray(arrays[f"middles.{name}"], np.float32) for name in cls.__struct_fields__))


def parallel() -> dict[str, list[str]]:
    """The same sentences by language, as messages are embedded."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in PARALLEL.read_text(encoding="utf-8").splitlines():
        if line and line[0] != "#":
            language, text = line.split("\t")
            found[language].append(undisguise(clean(text)))
    return dict(found)
