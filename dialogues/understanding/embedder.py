"""Text to vectors, behind a port, so that a machine without the embedder still understands."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import logging
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dialogues.understanding.adapter import Adapter
from dialogues.understanding.e5 import E5
from dialogues.understanding.encoder import Rounded
from dialogues.understanding.fold import words
from dialogues.understanding.weights import Weights

log = logging.getLogger(__name__)

Matrix = NDArray[np.float32]

NGRAM_WIDTH = 2048


class EmbedderMissing(RuntimeError):
    """The sentence embedder cannot be used on this machine; character n-grams can."""


class Embedder(Protocol):
    """Sentences to rows of one width."""

    name: str
    width: int

    def embed(self, texts: list[str]) -> Matrix: ...

    def pieces(self, text: str) -> int:
        """How many pieces a text is read in: what embedding it costs. A word of a known language is one or two."""

    def learnt_from(self, texts: list[str]) -> NDArray[np.bool_]:
        """Which of them it was itself learnt from: these say nothing of how well what nobody learnt is understood."""


class AdaptedE5:
    """multilingual-e5-small, adapted to our field. One thread: with all cores, a loaded machine takes
    seconds a message. Raises EmbedderMissing where it cannot run.
    """

    width = 384

    def __init__(self) -> None:
        try:
            adapter = Adapter.read()
            self._engine = E5(Rounded(Weights(), adapter))
        except Exception as error:  # of the runtime's own errors none is a RuntimeError, nor anything else in common
            raise EmbedderMissing(str(error)) from error
        self.name = f"e5-{adapter.digest}"
        self._learnt_from = adapter.learnt_from

    def embed(self, texts: list[str]) -> Matrix:
        """From any thread: the engine keeps nothing between two calls, and Python goes on meanwhile."""
        return np.asarray(self._engine.query([prepared(text) for text in texts]), np.float32).reshape(-1, self.width)

    def pieces(self, text: str) -> int:
        return self._engine.token_count(prepared(text))

    def learnt_from(self, texts: list[str]) -> NDArray[np.bool_]:
        return self._learnt_from(texts)


def prepared(text: str) -> str:
    """As texts are embedded."""
    return text.lower().replace("\x00", " ") or " "


class CharNgrams:
    """Hashed character n-grams and words: needs nothing, knows no synonym. Beside the embedder, and in its place."""

    name = "ngrams-1"
    width = NGRAM_WIDTH

    def embed(self, texts: list[str]) -> Matrix:
        """Rows of length one. The texts are folded already."""
        rows = np.zeros((len(texts), self.width), np.float32)
        for row, text in zip(rows, texts, strict=True):
            _count(text, row)
        return rows

    def pieces(self, text: str) -> int:
        return len(words(text))

    def learnt_from(self, texts: list[str]) -> NDArray[np.bool_]:
        return np.zeros(len(texts), dtype=bool)


def _count(folded: str, row: Matrix) -> None:
    tokens = words(folded)[:400]
    counts = Counter(_code(f"={a}_{b}") for a, b in pairwise(tokens))
    for token in tokens:
        counts.update(_codes(token))
    codes = np.fromiter(counts.keys(), np.uint32, len(counts))
    often = 1.0 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))
    signed = np.where(codes & 0x80000000, often, -often).astype(np.float32)
    np.add.at(row, codes % NGRAM_WIDTH, signed)
    length = float(np.sqrt(row @ row))
    if length:
        row /= np.float32(length)


@lru_cache(maxsize=4096)
def _codes(token: str) -> tuple[int, ...]:
    """Of a word and of its letters, three to five at a time. Few words make up most of what is written."""
    edged = f" {token} "
    letters = [edged[i : i + size] for size in (3, 4, 5) for i in range(len(edged) - size + 1)]
    return tuple(map(_code, (f"={token}", *letters)))


def _code(piece: str) -> int:
    return zlib.crc32(piece.encode("utf-8", "replace"))


def multiply_with(threads: int) -> None:
    """How many threads numpy multiplies with from now on, in this process.

    To learn, all cores. To read, one: a second saves nothing there, and after each product it looks out for the next
    one for some thirty milliseconds, which is as much processor time as the message itself takes. Where numpy does not
    bring the OpenBLAS of its wheels, nothing changes.
    """
    for path in Path(np.__file__).parent.with_name("numpy.libs").glob("libscipy_openblas*"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(str(path)).scipy_openblas_set_num_threads64_(threads)


def open_embedder(backend: str) -> AdaptedE5 | None:
    """The sentence embedder, or None for n-grams alone. `backend` is auto, embedder or ngrams."""
    if backend == "ngrams":
        return None
    try:
        return AdaptedE5()
    except EmbedderMissing as error:
        if backend == "embedder":
            raise
        log.warning("messages are read by their letters alone, and more carefully: %s", error)
        return None


#: Told how many of how many sentences are done.
Progress = Callable[[int, int], None]
AT_ONCE = 32


#: What reading a file of arrays may raise where it is missing, cut short or something else.
UNREADABLE = (OSError, EOFError, KeyError, ValueError, zlib.error, zipfile.BadZipFile)

#: Vectors of the reviewed sentences as they were when somebody last shipped them: nobody waits for those.
SHIPPED = Path(__file__).with_name("vectors")


class Remembered:
    """An embedder that keeps what it embedded on disk, by a hash of the text. For training only.

    What was embedded elsewhere comes from `shipped`; what is new here is kept in `cache`.
    """

    def __init__(self, embedder: Embedder, cache: Path, shipped: Path = SHIPPED) -> None:
        self._embedder = embedder
        self._path = cache / f"embeddings-{embedder.name}.npz"
        self._shipped = shipped
        self.name, self.width = embedder.name, embedder.width

    def embed(self, texts: list[str]) -> Matrix:
        shipped, known = self.shipped(), self._read()
        keys = [_key(text) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in shipped and key not in known}
        if new:
            known.update(zip(new, self._embedder.embed(list(new.values())), strict=True))
            self._write(known)
        rows = [shipped[key] if key in shipped else known[key] for key in keys]
        return np.stack(rows) if rows else np.zeros((0, self.width), np.float32)

    def pieces(self, text: str) -> int:
        return self._embedder.pieces(text)

    def learnt_from(self, texts: list[str]) -> NDArray[np.bool_]:
        return self._embedder.learnt_from(texts)

    def missing(self, texts: list[str]) -> list[str]:
        """Those whose vectors are neither shipped nor kept, each once."""
        there = self.shipped().keys() | self._read().keys()
        return [text for text in dict.fromkeys(texts) if _key(text) not in there]

    def shipped(self) -> dict[str, Matrix]:
        """By hash of the text. Empty where none were shipped for this embedder."""
        found: dict[str, Matrix] = {}
        for path in self._shipments():
            with contextlib.suppress(*UNREADABLE), np.load(path, allow_pickle=False) as file:
                keys = (key.tobytes().hex() for key in file["keys"])
                found.update(zip(keys, file["rows"].astype(np.float32), strict=True))
        return found

    def _shipments(self) -> list[Path]:
        """The files with what was shipped, each beside those before it: NAME.npz, NAME-1.npz, …"""
        first = self._shipped / f"{self.name}.npz"
        return [first, *sorted(self._shipped.glob(f"{self.name}-*.npz"))]

    def ship(self, texts: list[str]) -> int:
        """Write the vectors of those of these sentences that were never shipped beside the code, in a file of their
        own: what was shipped before is not written into the history again. Returns how many bytes that are."""
        rows, there = dict(zip(map(_key, texts), self.embed(texts), strict=True)), self.shipped()
        by_key = {key: rows[key] for key in sorted(rows.keys() - there.keys())}
        if not by_key:
            return 0
        first, *others = self._shipments()
        path = self._shipped / f"{self.name}-{len(others) + 1:02}.npz" if first.exists() else first
        keys = np.frombuffer(bytes.fromhex("".join(by_key)), np.uint8).reshape(-1, _KEY_BYTES)
        path.parent.mkdir(exist_ok=True)
        np.savez_compressed(path, keys=keys, rows=np.stack(list(by_key.values())).astype(np.float16))
        return path.stat().st_size

    def prepare(self, texts: list[str], progress: Progress) -> None:
        """Embed what is new with a process a core: one embedder uses one. What is done is kept if it is cut short."""
        known, new = self._read(), sorted(self.missing(texts), key=len)  # those of one length go together fastest
        if len(new) < 2 * AT_ONCE:
            return  # not worth the processes
        parts = [new[start : start + AT_ONCE] for start in range(0, len(new), AT_ONCE)]
        done = 0
        try:
            with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_open_here) as processes:
                for part, rows in zip(parts, processes.map(_embed_here, parts), strict=True):
                    known.update(zip(map(_key, part), rows, strict=True))
                    done += len(part)
                    progress(done, len(new))
        finally:
            self._write(known)

    def _read(self) -> dict[str, Matrix]:
        try:
            with np.load(self._path, allow_pickle=False) as file:
                return dict(zip(file["keys"].tolist(), file["rows"].astype(np.float32), strict=True))
        except UNREADABLE:
            return {}

    def _write(self, known: dict[str, Matrix]) -> None:
        if not known:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(f".{os.getpid()}.npz")
        np.savez(temporary, keys=np.array(list(known)), rows=np.stack(list(known.values())).astype(np.float16))
        temporary.replace(self._path)


_KEY_BYTES = 16


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_KEY_BYTES).hexdigest()


# In each process of `prepare`
_here: list[AdaptedE5] = []


def _open_here() -> None:
    _here.append(AdaptedE5())


def _embed_here(texts: list[str]) -> Matrix:
    return _here[0].embed(texts)
