"""What it took to build something goes back to the system, and not only to this process."""

from __future__ import annotations

import contextlib
import ctypes


def give_back() -> None:
    """Where the C library is glibc; elsewhere nothing happens. Takes some milliseconds."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
