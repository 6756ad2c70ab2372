"""Entities marked in a sentence, as Rasa writes them: `in [Calais](town)`, `[Rome]{"entity": "town", "role": "to"}`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
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


def annotated(text: str, entities: Sequence[Mapping[str, Any]]) -> str:
    """The words with their entities marked in them, as `read_annotations` takes them. A payload names its own."""
    if text.startswith("/"):
        return text
    found = sorted((e for e in entities if e.get("start") is not None and e.get("end") is not None), key=_start)
    written, end = "", 0
    for start, here in groupby(found, key=_start):
        marked = list(here)
        if start < end:
            continue  # inside the one before
        words = text[start : marked[0]["end"]]
        written += f"{text[end:start]}[{words}]{_mark(words, marked)}"
        end = marked[0]["end"]
    return written + text[end:]


def _start(entity: Mapping[str, Any]) -> int:
    return int(entity["start"])


def _mark(words: str, entities: Sequence[Mapping[str, Any]]) -> str:
    told = []
    for entity in entities:
        labels = {key: entity[key] for key in ("role", "group") if entity.get(key)}
        value = {"value": entity.get("value")} if entity.get("value") != words else {}
        told.append({"entity": entity.get("entity"), **labels, **value})
    if len(told) == 1:
        return f"({told[0]['entity']})" if len(told[0]) == 1 else json.dumps(told[0], ensure_ascii=False)
    return f"[{', '.join(json.dumps(one, ensure_ascii=False) for one in told)}]"
