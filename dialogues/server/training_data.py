"""A project's training data: examples of intents with their entities, synonyms, regexes and lookups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct, field

from dialogues.runtime.annotations import Annotation, read_annotations
from dialogues.runtime.files import Block, Problem, ProjectWrong, read_yaml

_PLACES = ("*.y*ml", "nlu/**/*.y*ml", "data/**/*.y*ml")
_SETTINGS = {"config.yml", "endpoints.yml", "credentials.yml", "conversations.yml"}


class Example(Struct, frozen=True):
    """A sentence and its intent. `response` is the full retrieval intent (`faq/hours`), empty for an ordinary one."""

    text: str
    intent: str
    response: str = ""
    entities: tuple[Annotation, ...] = ()


class TrainingData(Struct):
    """Everything there is to learn from, in the order it was written."""

    examples: list[Example] = field(default_factory=list)
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: list[tuple[str, str]] = field(default_factory=list)
    lookups: list[tuple[str, list[str]]] = field(default_factory=list)  # a file's list is a pattern of its own

    @property
    def entities(self) -> frozenset[str]:
        """The entities that some example shows."""
        return frozenset(annotation.entity for example in self.examples for annotation in example.entities)


def read_training_data(root: Path) -> TrainingData:
    """The training data of a project. Raises ProjectWrong."""
    data = TrainingData()
    problems: list[Problem] = []
    paths = {path for pattern in _PLACES for path in root.glob(pattern) if path.is_file()}
    for path in sorted(paths, key=lambda path: [part.lower() for part in path.parts]):
        if path.name.startswith("test_") or path.name in _SETTINGS:
            continue
        try:
            block = read_yaml(path, root)
            here: dict[str, list[str]] = {}
            for item in block.get("nlu") or () if block else ():
                if isinstance(item, Block):
                    _item(item, data, here, problems)
            data.lookups.extend(here.items())
        except ProjectWrong as error:
            problems.extend(error.problems)
    if problems:
        raise ProjectWrong(problems)
    return data


def _item(item: Block, data: TrainingData, lookups: dict[str, list[str]], problems: list[Problem]) -> None:
    lines = list(_lines(item))
    if "intent" in item:
        full = str(item["intent"])
        base, _, response = full.partition("/")
        for line in lines:
            try:
                text, entities = read_annotations(line)
            except ValueError as error:
                problems.append(Problem(item.file, item.line_of("examples"), f"{line!r}: {error}"))
                continue
            data.examples.append(Example(text, base, full if response else "", entities))
    elif "synonym" in item:
        data.synonyms.update({line: str(item["synonym"]) for line in lines})
    elif "regex" in item:
        for line in lines:
            try:
                re.compile(line)
            except re.error as error:
                problems.append(Problem(item.file, item.line_of("examples"), f"{line!r} is no regex: {error}"))
                continue
            data.regexes.append((str(item["regex"]), line))
    elif "lookup" in item:
        lookups.setdefault(str(item["lookup"]), []).extend(lines)


def _lines(item: Block) -> Iterator[str]:
    examples = item.get("examples")
    if isinstance(examples, str):
        for line in examples.splitlines():
            stripped = line.strip()
            if stripped.startswith("- "):
                yield stripped[2:].strip()
    elif isinstance(examples, list):
        for example in examples:
            text = example.get("text") if isinstance(example, dict) else example
            if text is not None:
                yield str(text).strip().removeprefix("- ").strip()
