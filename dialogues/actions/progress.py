"""Which steps of a procedure were done, as the conversation keeps it.

By the words of each step, not by its number: when an editor changes a step, exactly that step is open again.
"""

from __future__ import annotations

from typing import Any

from dialogues.knowledge import Procedure
from dialogues.knowledge.overlays import mark_of_line


def progress(tracker: Any) -> dict[str, list[str]]:
    """The marks of the steps that were done, by procedure. A slot that holds anything else counts as empty."""
    kept = tracker.get_slot("steps_done")
    return dict(kept) if isinstance(kept, dict) else {}


def mark_of(step: str) -> str:
    return mark_of_line(step)


def done_steps(text: Procedure, tracker: Any) -> frozenset[int]:
    """Which steps, counted from 1, were done as they stand now."""
    marks = progress(tracker).get(text.key, ())
    return frozenset(number for number, step in enumerate(text.steps, 1) if mark_of(step) in marks)
