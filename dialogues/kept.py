"""What every start would read again word for word: kept as JSON in the environment until its source changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

FOLDER = Path(sys.prefix) / "waymark-kept"


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
        return msgspec.json.decode(path.read_bytes(), type=shape)
    value = read()
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_bytes(msgspec.json.encode(value))
        beside.replace(path)
    return value
