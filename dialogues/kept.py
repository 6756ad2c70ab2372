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
#: Of one name: several trees may share an environment, and each that is worked on changes many times a day.
READINGS = 16


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
        _forget_oldest(folder, name)
    return value


def _forget_oldest(folder: Path, name: str) -> None:
    of_this_name = sorted(folder.glob(f"{name}-*.json"), key=lambda path: path.stat().st_mtime)
    for path in of_this_name[:-READINGS]:
        path.unlink(missing_ok=True)
