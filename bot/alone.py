"""One server on an embedded database, and what is said where one cannot start."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sqlalchemy.engine import make_url


class CannotStart(Exception):
    """What stands in the way, as a sentence that says what to do."""


def _opened(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+")
    except OSError as error:
        raise CannotStart(
            f"{path.parent.absolute()} cannot be written to ({os.strerror(error.errno or 0)}), and the database is "
            "kept there. Name another folder with WAYMARK_DATA_DIR, or start Waymark as whoever owns this one."
        ) from error


@contextlib.contextmanager
def alone_on(database_url: str) -> Iterator[None]:
    """Hold the right to serve an embedded database: two servers on one file would each think they are the only one.

    Replicas over PostgreSQL need no such right: they claim their work row by row.
    """
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    path = Path(f"{url.database}.lock")
    with _opened(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"another Waymark is already serving {url.database}. Stop it first, or give this one its own "
                "WAYMARK_DATA_DIR. For several servers on one database use PostgreSQL."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield  # the lock goes with the process, however it ends
