"""Entities marked in a sentence, as Rasa writes them: `in [Calais](town)`, `[Rome]{"entity": "town", "role": "to"}`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

#: `[words](entity)`, `[words](entity:value)`, `[words]{"entity": …}` and `[words][{…}, {…}]`.
_ANNOTATION = re.compile(
    r"\[(?P<words>[^\]]+?)\]"
    r"(?:\((?P<entity>[^:)]+?)(?::(?P<value>[^)]+))?\)|\{(?P<one>[^}]+?)\}|\[(?P<several>.*?)\])"
)


class Annotation(Struct, frozen=True):
    """An entity in an example."""

    entity: str
    value: Any
    start: int
    end: int
    role: str | None = None
    group: str | None = None


def read_annotations(example: str) -> tuple[str, tuple[Annotation, ...]]:
    """The plain words of an example, and the entities marked in it. Raises ValueError for a mark nobody can read."""
    plain, end = "", 0
    found: list[Annotation] = []
    for match in _ANNOTATION.finditer(example):
        plain += example[end : match.start()]
        start = len(plain)
        plain += match["words"]
        found += _marked(match, start)
        end = match.end()
    return plain + example[end:], tuple(found)


def _marked(match: re.Match[str], start: int) -> Iterator[Annotation]:
    words = match["words"]
    if match["entity"]:
        yield Annotation(match["entity"], match["value"] or words, start, start + len(words))
        return
    written = [match["one"]] if match["one"] else re.findall(r"\{([^}]+?)\}", match["several"] or "")
    for text in written:
        try:
            marks = json.loads("{" + text + "}")
        except ValueError as error:
            raise ValueError(f"{{{text}}} is not JSON") from error
        if "entity" not in marks:
            raise ValueError(f"{{{text}}} names no entity")
        yield Annotation(
            marks["entity"], marks.get("value", words), start, start + len(words), marks.get("role"), marks.get("group")
        )
