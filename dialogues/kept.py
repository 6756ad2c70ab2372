"""What every start would read again word for word: kept as JSON in the environment until its source changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

FOLDER = Path(sys.prefix) / "waymark-kept"
#: Whatever lies there, compiled templates too. One tree keeps a tenth of it; several may share an environment, and each
#: that is worked on changes many times a day.
MOST_BYTES = 128 * 1024**2
#: What is read is new again, but nobody writes down each reading.
A_DAY_SECONDS = 86400


def kept(name: str, shape: type[T], sources: Iterable[Path], read: Callable[[], T], folder: Path = FOLDER) -> T:
    """What `read` returns. It is asked only where nothing is kept that was read from exactly these bytes.

    `sources` are the files it reads, and those of the code that reads them: another reader is another reading. What
    `read` raises is raised, and not kept. Where `folder` cannot be written, everything is read at each start.
    """
    digest = hashlib.blake2b(digest_size=12)
    for source in sorted(sources):
        content = source.read_bytes()
        digest.update(f"{source}\0{len(content)}\0".encode() + content)  # a folder may name a language, or a key
    path = folder / f"{name}-{digest.hexdigest()}.json"
    with contextlib.suppress(OSError, msgspec.DecodeError):
        was_kept = msgspec.json.decode(path.read_bytes(), type=shape)
        _note_use(path)
        return was_kept
    value = read()
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_bytes(msgspec.json.encode(value))
        beside.replace(path)
        _forget_unused(folder)
    return value


def _note_use(path: Path) -> None:
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > A_DAY_SECONDS:
            os.utime(path)


def _forget_unused(folder: Path) -> None:
    """What nobody has used for longest goes, until the rest has room. Another program may do the same beside us."""
    there = []
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):
            there.append((entry.stat().st_mtime, entry.stat().st_size, entry.path))
    room = MOST_BYTES
    for _, size, path in sorted(there, reverse=True):
        room -= size
        if room < 0:
            Path(path).unlink(missing_ok=True)
