"""A project's training data: examples of intents with their entities, synonyms, regexes and lookups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from dialogues.runtime.annotations import Annotation, read_annotations
from dialogues.runtime.check import names_in_code
from dialogues.runtime.domain import DEFAULT_INTENTS
from dialogues.runtime.files import Block, Problem, ProjectWrong, Series, read_yaml, version_doubts
from dialogues.runtime.payload import read_written_payload
from dialogues.runtime.project import Project

_PLACES = ("*.y*ml", "nlu/**/*.y*ml", "data/**/*.y*ml", "rules/**/*.y*ml", "stories/**/*.y*ml")
_KINDS = ("intent", "synonym", "regex", "lookup")
_SETTINGS = {"config.yml", "endpoints.yml", "credentials.yml", "conversations.yml"}


class Example(Struct, frozen=True):
    """A sentence and its intent. `response` is the full retrieval intent (`faq/hours`), empty for an ordinary one."""

    text: str
    intent: str
    response: str = ""
    entities: tuple[Annotation, ...] = ()
    file: str = ""
    line: int = 0


class TrainingData(Struct):
    """Everything there is to learn from, in the order it was written."""

    examples: list[Example] = field(default_factory=list)
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: list[tuple[str, str]] = field(default_factory=list)
    lookups: list[tuple[str, list[str]]] = field(default_factory=list)  # a file's list is a pattern of its own
    doubts: list[Problem] = field(default_factory=list)  # what was passed over

    @property
    def entities(self) -> frozenset[str]:
        """The entities that some example shows."""
        return frozenset(annotation.entity for example in self.examples for annotation in example.entities)


def read_training_data(root: Path) -> TrainingData:
    """The training data of a project. Raises ProjectWrong."""
    data = TrainingData()
    told: list[Example] = []
    problems: list[Problem] = []
    paths = {path for pattern in _PLACES for path in root.glob(pattern) if path.is_file()}
    for path in sorted(paths, key=lambda path: [part.lower() for part in path.parts]):
        if path.name.startswith("test_") or path.name in _SETTINGS:
            continue
        try:
            block = read_yaml(path, root)
            data.doubts.extend(version_doubts(block) if block is not None and "nlu" in block else ())
            here: dict[str, list[str]] = {}
            items = (block.get("nlu") if block else None) or []
            if block is not None and not isinstance(items, list):
                problems.append(Problem(block.file, block.line_of("nlu"), "`nlu` must be a list: `- intent: …`"))
                continue
            for item in items:
                if isinstance(item, Block):
                    _item(item, data, here, problems)
            data.lookups.extend(here.items())
            told += _told(block, problems) if block is not None else ()
        except ProjectWrong as error:
            problems.extend(error.problems)
    if problems:
        raise ProjectWrong(problems)
    data.examples.extend(sorted(told, key=lambda example: example.intent))
    data.regexes.sort(key=lambda regex: "+".join(regex))  # so does Rasa: it decides which of several values is the last
    return data


def _item(item: Block, data: TrainingData, lookups: dict[str, list[str]], problems: list[Problem]) -> None:
    known = next((kind for kind in _KINDS if kind in item), None)
    if known is None:
        text = f"`{next(iter(item), '')}` is passed over: an item begins with {', '.join(_KINDS)}"
        data.doubts.append(Problem(item.file, item.line, text, fatal=False))
        return
    placed = list(_lines(item, data.doubts))
    if not placed:
        text = f"{known} `{item[known]}` has no examples: `examples: |`, then one a line, `- …`"
        data.doubts.append(Problem(item.file, item.line, text, fatal=False))
    lines = [text for _, text in placed]
    if "intent" in item:
        full = str(item["intent"])
        base, _, response = full.partition("/")
        for place, line in placed:
            try:
                text, entities = read_annotations(line)
            except ValueError as error:
                problems.append(Problem(item.file, place, f"{line!r}: {error}"))
                continue
            data.examples.append(Example(text, base, full if response else "", entities, item.file, place))
    elif "synonym" in item:
        data.synonyms.update({line: str(item["synonym"]) for line in lines})
    elif "regex" in item:
        for place, line in placed:
            try:
                re.compile(line)
            except re.error as error:
                problems.append(Problem(item.file, place, f"{line!r} is no regex: {error}"))
                continue
            data.regexes.append((str(item["regex"]), line))
    elif "lookup" in item:
        lookups.setdefault(str(item["lookup"]), []).extend(lines)


def _told(block: Block, problems: list[Problem]) -> Iterator[Example]:
    """The words that stand beside an intent in rules and stories: Rasa learns from these too, after all others."""
    for item in (*_items(block.get("rules")), *_items(block.get("stories"))):
        steps = [*_items(item.get("steps"))]
        ways = [way for step in steps for way in _items(step.get("or"))]
        for step in (*steps, *ways):
            words = str(step.get("user") or "").strip()
            if not words or words.startswith("/") or not isinstance(step.get("intent"), str):
                continue
            try:
                text, entities = read_annotations(words)
            except ValueError as error:
                problems.append(Problem(step.file, step.line, f"{words!r}: {error}"))
                continue
            yield Example(text, step["intent"].partition("/")[0], "", entities, step.file, step.line)


def _items(listed: Any) -> Iterator[Block]:
    return (item for item in listed if isinstance(item, Block)) if isinstance(listed, list) else iter(())


def _lines(item: Block, doubts: list[Problem]) -> Iterator[tuple[int, str]]:
    """The examples, each with its line."""
    examples, first = item.get("examples"), item.line_of("examples")
    if isinstance(examples, str):
        for line, written in enumerate(examples.splitlines(), start=first + ("\n" in examples)):
            stripped = written.strip()
            if stripped.startswith("- "):
                yield line, stripped[2:].strip()
            elif stripped and not stripped.startswith("#"):
                text = f"{stripped!r} is passed over: an example begins with `- `"
                doubts.append(Problem(item.file, line, text, fatal=False))
    elif isinstance(examples, list):
        lines = examples.lines if isinstance(examples, Series) else (first,) * len(examples)
        for line, example in zip(lines, examples, strict=True):
            given = example.get("text") if isinstance(example, dict) else example
            if given is not None:
                yield line, str(given).strip().removeprefix("- ").strip()


def misfits(data: TrainingData, project: Project) -> Iterator[Problem]:
    """What does not fit: intents of one and not of the other, and one sentence for two intents."""
    domain = project.domain
    yield from _wordless(data, project)
    seen: dict[str, Example] = {}
    strangers: set[str] = set()
    unseen = data.entities - domain.entities.keys()
    for example in data.examples:
        if example.intent not in domain.intents and example.intent not in strangers:
            strangers.add(example.intent)
            text = f"intent `{example.intent}` has examples, and is not in the domain: nothing can answer it"
            yield Problem(example.file, example.line, text, fatal=False)
        for entity in sorted(unseen & {annotation.entity for annotation in example.entities}):
            unseen -= {entity}
            text = f"entity `{entity}` is marked here, and is not in the domain: neither slots nor rules see it"
            yield Problem(example.file, example.line, text, fatal=False)
        other = seen.setdefault(example.text.strip().lower(), example)
        if other.intent != example.intent:
            text = (
                f"“{example.text}” is an example of `{example.intent}` here and of `{other.intent}` in "
                f"{other.file}:{other.line}"
            )
            yield Problem(example.file, example.line, text, fatal=False)


def _wordless(data: TrainingData, project: Project) -> Iterator[Problem]:
    """Intents of the domain without an example, which no button and no action here stands for either."""
    domain = project.domain
    tapped = {
        message.intent
        for variations in domain.responses.values()
        for variation in variations
        for button in variation.buttons
        if button.payload.startswith("/") and (message := read_written_payload(button.payload)) is not None
    }
    known = {example.intent.partition("/")[0] for example in data.examples} | tapped | names_in_code(project.root)
    for name in sorted(set(domain.intents) - known - set(DEFAULT_INTENTS)):
        file, line = project.places.get(name, ("domain.yml", 1))
        yield Problem(file, line, f"`{name}` has no examples and no button: nobody can say it", fatal=False)
