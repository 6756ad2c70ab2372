"""Identifiers: UUIDs of version 7, so that rows sort by the moment they were made (RFC 9562)."""

from __future__ import annotations

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A fresh UUIDv7 as 36 lower-case characters; those of one process sort in the order they were made in.

    48 bits of milliseconds and 12 bits of their fraction (RFC 9562, 6.2, method 3), which never stand
    still nor go back, also when the clock does; then 62 random bits.
    """
    global _last
    with _lock:
        _last = max(time.time_ns() * 4096 // 1_000_000, _last + 1)
        moment = _last
    value = (moment >> 12) << 80 | 0x7 << 76 | (moment & 0xFFF) << 64
    value |= 0x2 << 62 | int.from_bytes(os.urandom(8), "big") >> 2
    return str(uuid.UUID(int=value))
