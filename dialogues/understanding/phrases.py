"""Reviewed sentences, answered as reviewed: whoever writes one word for word is understood without a model."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dialogues.understanding.fold import fold
from dialogues.understanding.model import LANGUAGES

#: What a sentence begins or ends with says nothing.
_AROUND = " .!?,"


class Known(Struct, frozen=True):
    """What a reviewed sentence means. "" for what it does not say: no intent, no danger, more than one language."""

    intent: str
    reason: str
    priority: str
    language: str


class Phrases:
    """What each of some ten thousand sentences means, in less than a megabyte: no sentence is kept, only its hash."""

    def __init__(self, keys: NDArray[np.uint64], meant: NDArray[np.uint16], meanings: tuple[Known, ...]) -> None:
        """`keys`, ascending, of the sentences; `meant`: for each which of the `meanings`."""
        self._keys, self._meant, self._meanings = keys, meant, meanings

    @classmethod
    def of(cls, told: Iterable[tuple[str, str, str, str, str]]) -> Phrases:
        """From text, language, intent, danger and priority. One that two people read differently is left out."""
        meant: dict[int, set[tuple[str, str, str]]] = defaultdict(set)
        languages: dict[int, set[str]] = defaultdict(set)
        for text, language, intent, reason, priority in told:
            if folded := fold(text).strip(_AROUND):
                meant[_key(folded)].add((intent, reason, priority))
                languages[_key(folded)].add(language if language in LANGUAGES else "")
        known = {
            key: Known(*next(iter(meanings)), language=min(languages[key]) if len(languages[key]) == 1 else "")
            for key, meanings in meant.items()
            if len(meanings) == 1
        }
        meanings = tuple(sorted(set(known.values()), key=repr))
        number = {meaning: at for at, meaning in enumerate(meanings)}
        keys = sorted(known)
        return cls(np.array(keys, np.uint64), np.array([number[known[key]] for key in keys], np.uint16), meanings)

    def get(self, folded: str) -> Known | None:
        """What this message means if it is a reviewed sentence; None otherwise."""
        key = np.uint64(_key(folded.strip(_AROUND)))
        at = int(np.searchsorted(self._keys, key))
        found = at < len(self._keys) and self._keys[at] == key
        return self._meanings[self._meant[at]] if found else None

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        rows = [[each.intent, each.reason, each.priority, each.language] for each in self._meanings]
        return {
            "phrases.keys": self._keys,
            "phrases.meant": self._meant,
            "phrases.meanings": np.array(rows or np.zeros((0, 4)), dtype=np.str_),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Phrases:
        return cls(
            np.asarray(arrays["phrases.keys"], np.uint64),
            np.asarray(arrays["phrases.meant"], np.uint16),
            tuple(Known(*map(str, row)) for row in arrays["phrases.meanings"]),
        )


def _key(folded: str) -> int:
    return int.from_bytes(hashlib.blake2b(folded.encode("utf-8", "replace"), digest_size=8).digest())
