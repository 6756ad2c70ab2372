"""Named places where a test may kill the process: `WAYMARK_FAILPOINTS="outbox.after_send:0.01,inbox.after_commit:1"`.

Each is a function call that does nothing unless that variable names it. A kill is `os._exit`, as sudden as
`kill -9`: no handler runs, nothing is flushed.
"""

from __future__ import annotations

import os
import random


def _parse(setting: str) -> dict[str, float]:
    pairs = (part.split(":") for part in setting.split(",") if part.strip())
    return {name.strip(): float(chance) for name, chance in pairs}


_armed = _parse(os.environ.get("WAYMARK_FAILPOINTS", ""))


def failpoint(name: str) -> None:
    """Die here with the chance the environment gave this name; with none, go on."""
    if _armed and random.random() < _armed.get(name, 0.0):
        os._exit(137)
