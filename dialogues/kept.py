"""What every start would read again word for word: kept as JSON in the environment until its source changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")

FOLDER = Path(sys.prefix) / "waymark-kept"


def kept(name: str, shape: TypeAdapter[T], sources: Iterable[Path], read: Callable[[], T], folder: Path = FOLDER) -> T:
    """What `read` returns. It is asked only where nothing is kept that was read from exactly these bytes.

    `sources` are the files it reads, and those of the code that reads them: another reader is another reading. What
    `read` raises is raised, and not kept. Where `folder` cannot be written, everything is read at each start.
    """
    digest = hashlib.blake2b(digest_size=12)
    for source in sorted(sources):
        content = source.read_bytes()
        digest.update(f"{source}\0{len(content)}\0".encode() + content)  # a folder may name a language, or a key
    path = folder / f"{name}-{digest.hexdigest()}.json"
    with contextlib.suppress(OSError, ValidationError):
        return shape.validate_json(path.read_bytes())
    value = read()
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_bytes(shape.dump_json(value))
        beside.replace(path)
    return value
