"""Reads what there is to learn from: the reviewed sentences and word lists in a project's `nlu/` and `safety/`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct, field

from dialogues.understanding.fold import fold
from dialogues.understanding.model import HEARD, LANGUAGES
from dialogues.understanding.screen import CRISES, Pattern, PatternWrong

#: Sentences that sound dangerous and are not are out of scope, learnt apart: they are like nothing else there.
HARMLESS = "out_of_scope/harmless"
#: Who may be said to write a sentence.
WRITERS = ("child", "worker")
_ANNOTATION = re.compile(r"\[([^\]]+)\](?:\(([^)]+)\)|\{([^}]+)\})")

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TrainingDataWrong(ValueError):
    """A training file cannot be read. The message names the file, and says what to write instead."""


class Example(Struct, frozen=True):
    """A sentence somebody may write, and what it means. `intent` "" where only the screen learns from it."""

    text: str
    language: str
    intent: str
    risk: str = ""  # a crisis code
    priority: str = ""
    writer: str = ""  # "child" or "worker", where the author said who writes so
    asked_only: bool = False  # it teaches what is asked, and neither danger nor who writes


class Corpus(Struct):
    """All there is to learn from."""

    examples: list[Example] = field(default_factory=list)
    lexicon: list[tuple[str, str, str]] = field(default_factory=list)
    context: dict[str, list[str]] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)


def read_corpus(project: Path) -> Corpus:
    """Everything under `nlu/` and `safety/`. Raises TrainingDataWrong."""
    corpus = Corpus()
    for path in sorted((project / "nlu").glob("*.yml")):
        _read_nlu(path, _load(path), corpus)
    for path in sorted((project / "safety").glob("*.yml")):
        _read_safety(path, _load(path), corpus)
    if not corpus.examples:
        raise TrainingDataWrong(f"{project}: no training sentences under nlu/ and safety/")
    return corpus


def _load(path: Path) -> dict[str, Any]:
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506 - a safe loader, in C
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TrainingDataWrong(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(value, dict):
        raise TrainingDataWrong(f"{path}: must be a mapping")
    return value


def _language_of(path: Path) -> str:
    """`procedures.fr.yml` holds French; a file without a language is shared by all."""
    language = path.name.split(".")[-2]
    return language if language in (*LANGUAGES, *HEARD) else ""


def _read_nlu(path: Path, value: dict[str, Any], corpus: Corpus) -> None:
    for item in value.get("nlu") or ():
        lines = _lines(path, item.get("examples", ""))
        if "lookup" in item:
            if item["lookup"] == "place":
                corpus.places += lines
        elif "intent" in item:
            writer, asked_only = _writer(path, item), _metadata(item).get("asked_only") is True
            for line in lines:
                text = _ANNOTATION.sub(lambda found: found[1], line)
                language = _language_of(path) or "en"
                corpus.examples.append(Example(text, language, item["intent"], writer=writer, asked_only=asked_only))
                corpus.places += [found[1] for found in _ANNOTATION.finditer(line) if found[2] == "place"]


def _metadata(item: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = item.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _writer(path: Path, item: Mapping[str, Any]) -> str:
    writer = _metadata(item).get("writer", "")
    if writer and writer not in WRITERS:
        raise TrainingDataWrong(f"{path}: {item['intent']}: the writer {writer!r} is not one of {', '.join(WRITERS)}")
    return str(writer)


def _read_safety(path: Path, value: dict[str, Any], corpus: Corpus) -> None:
    if "context" in value:
        for kind, by_language in value["context"].items():
            corpus.context.setdefault(kind, []).extend(
                fold_pattern(path, line)
                for lines in by_language.values()
                for line in lines.splitlines()
                if line.strip()
            )
    if "harmless" in value:
        for language, families in value["harmless"].items():
            for line in _plain_lines(families):
                intent, _, text = line.rpartition(" <- ")
                corpus.examples.append(Example(text, language, intent or HARMLESS))
    if "code" in value:
        code = value["code"]
        if code not in CRISES:
            raise TrainingDataWrong(f"{path}: {code!r} is not one of the crisis codes")
        for language, levels in (value.get("words") or {}).items():
            _known_language(path, language)
            for level, lines in levels.items():
                corpus.lexicon += [(code, level, fold_pattern(path, line)) for line in _plain_lines(lines)]
        for language, levels in (value.get("examples") or {}).items():
            _known_language(path, language)
            for level, lines in levels.items():
                for line in _plain_lines(lines):
                    intent, _, text = line.rpartition(" <- ")
                    corpus.examples.append(Example(text, language, intent, code, level))


def _known_language(path: Path, language: str) -> None:
    if language not in LANGUAGES and language not in HEARD:
        raise TrainingDataWrong(f"{path}: {language!r} is not one of {', '.join((*LANGUAGES, *HEARD))}")


def fold_pattern(path: Path, line: str) -> str:
    """A line of a word list, folded as messages are."""
    marked = "".join(
        part if part in "()|*" or part.isspace() or set(part) <= set(".=") else fold(part)
        for part in re.split(r"([()|*\s]|\.\.|^=)", line.strip())
        if part
    )
    try:
        Pattern.parse(marked)
    except PatternWrong as error:
        raise TrainingDataWrong(f"{path}: {error}") from error
    return marked


def _lines(path: Path, examples: Any) -> list[str]:
    if isinstance(examples, list):
        return [str(item.get("text", "") if isinstance(item, dict) else item).strip() for item in examples]
    found = []
    for line in str(examples).splitlines():
        if not line.strip():
            continue
        if not line.strip().startswith("- "):
            raise TrainingDataWrong(f"{path}: an example must start with '- ', this one does not: {line.strip()!r}")
        found.append(line.strip()[2:].strip())
    return found


def _plain_lines(value: Any) -> Iterator[str]:
    for block in value.values() if isinstance(value, dict) else [value]:
        yield from (line.strip() for line in str(block).splitlines() if line.strip())
