"""Where the master key comes from: the environment, or a file that is made at the first start."""

from __future__ import annotations

import base64
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from bot.kernel.crypto import MASTER_KEY_BYTES, WrongMasterKey
from bot.kernel.setting_texts import decode_key
from bot.kernel.settings import Settings

MASTER_KEY_FILE = "master.key"


def master_key_bytes(settings: Settings, *, may_make: bool = True) -> bytes:
    """The master key, from the environment or from its file in the data folder.

    With neither, one is made and stored (mode 0600), but only where nothing can have been sealed with another:
    `may_make=False`, or a database file that holds sealed keys, raises WrongMasterKey with what to do.
    """
    given = settings.master_key.value
    if given:
        return _usable_key(given, "WAYMARK_MASTER_KEY")
    path = settings.data_dir / MASTER_KEY_FILE
    if path.exists():
        return _key_from_file(path)
    database = _sqlite_file(settings.database_url)
    if not may_make or (database is not None and _holds_sealed_keys(database)):
        raise WrongMasterKey(
            f"The key file {path} is missing, and the database was made with a key. "
            "Put that file back, or set WAYMARK_MASTER_KEY to the key it held."
        )
    return _make_key_file(path)


def old_master_key_bytes(settings: Settings) -> bytes | None:
    """The key to rotate away from, or None."""
    given = settings.old_master_key.value
    return _usable_key(given, "WAYMARK_OLD_MASTER_KEY") if given else None


def _usable_key(text: str, where: str) -> bytes:
    key = decode_key(text)
    if key is None:
        raise WrongMasterKey(f"{where} does not hold a key: it must be 32 bytes in base64 or hex.")
    if len(set(key)) < 8:
        raise WrongMasterKey(f"{where} holds a key that anyone could guess. Make one with: openssl rand -base64 32")
    return key


def _key_from_file(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise WrongMasterKey(f"The key file {path} can be read by others. Close it with: chmod 600 {path}")
    return _usable_key(path.read_text("ascii", errors="replace"), f"The key file {path}")


def _make_key_file(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = os.urandom(MASTER_KEY_BYTES)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails if another process was first: then its key is the key
    except FileExistsError:
        return _key_from_file(path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return key


def _holds_sealed_keys(database: Path) -> bool:
    """Whether something in this file was sealed already. A file that cannot be read counts as one that was."""
    if not database.exists() or database.stat().st_size == 0:
        return False
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database.absolute()))}?mode=ro", uri=True)) as file:
            tables = file.execute("SELECT 1 FROM sqlite_master WHERE name = 'data_keys'").fetchone()
            return tables is not None and file.execute("SELECT 1 FROM data_keys LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return True


def _sqlite_file(url: str) -> Path | None:
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
