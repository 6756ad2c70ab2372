"""The key between `./waymark talk` and the server: whoever may read the data folder may talk."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE = "terminal.key"
KEY_BYTES = 32


def make_key(data_dir: Path) -> str:
    """The key of this data folder, made if there is none: a file that only its owner may read."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
        if key := read_key(data_dir):
            return key
        path.unlink()  # cut short by a full disk
        return make_key(data_dir)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES))
    return read_key(data_dir)


def read_key(data_dir: Path) -> str:
    """The key, or "" when there is none here."""
    try:
        key = (data_dir / FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return key if len(key) == 2 * KEY_BYTES else ""
