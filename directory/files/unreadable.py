from __future__ import annotations


class UnreadableFile(Exception):
    """The file as a whole cannot be read. The text says what would do."""
