"""Do questions find their procedure? Questions nobody trained on, each with the key it means, and what came of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct

QUESTIONS = Path(__file__).with_name("questions.tsv")


class Question(Struct, frozen=True):
    """Something a worker may ask."""

    key: str
    language: str
    words: str


class Heard(Struct, frozen=True):
    """A question and the keys it was taken for, best first; whether an officer was called, and whether the first key
    was not given but asked about ("Did you mean …?")."""

    question: Question
    keys: tuple[str, ...]
    escalated: bool
    asked_about: bool = False

    @property
    def first(self) -> bool:
        return self.keys[:1] == (self.question.key,)

    @property
    def among_three(self) -> bool:
        return self.question.key in self.keys[:3]


def read_questions(path: Path = QUESTIONS) -> list[Question]:
    """Raises ValueError naming the line that is not a question."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split("\t")
        if len(parts) != 3 or not all(part.strip() for part in parts):
            raise ValueError(f"{path.name}:{number}: a question has a key, a language and words.")
        found.append(Question(*(part.strip() for part in parts)))
    return found


def figures(heard: Sequence[Heard]) -> list[str]:
    """A table of lines: of all, by language, by procedure, and by procedure and language."""
    lines = [_figure("all", heard)]
    lines += _by(heard, lambda one: one.question.language)
    lines += _by(heard, lambda one: one.question.key)
    return [*lines, "", *_grid(heard)]


def _grid(heard: Sequence[Heard]) -> list[str]:
    """A row a procedure, a column a language: how many were right first, among three, and asked."""
    cells: dict[tuple[str, str], list[Heard]] = defaultdict(list)
    for one in heard:
        cells[one.question.key, one.question.language].append(one)
    languages = sorted({language for _, language in cells})

    def cell(key: str, language: str) -> str:
        asked = cells[key, language]
        return f"{sum(one.first for one in asked)} {sum(one.among_three for one in asked)} {len(asked)}"

    head = f"{'right first, among three, asked':<32}" + "".join(f"{language:<8}" for language in languages)
    rows = (
        f"{key:<32}" + "".join(f"{cell(key, language):<8}" for language in languages)
        for key in sorted({key for key, _ in cells})
    )
    return [line.rstrip() for line in (head, *rows)]


def _by(heard: Iterable[Heard], name: Callable[[Heard], str]) -> list[str]:
    groups: dict[str, list[Heard]] = defaultdict(list)
    for one in heard:
        groups[name(one)].append(one)
    return [_figure(group, groups[group]) for group in sorted(groups)]


def _figure(name: str, heard: Sequence[Heard]) -> str:
    count = len(heard)
    first, three = sum(one.first for one in heard), sum(one.among_three for one in heard)
    escalated, asked_about = sum(one.escalated for one in heard), sum(one.asked_about for one in heard)
    return (
        f"{name:<24} top-1 {first / count:.3f} ({first}/{count})  top-3 {three / count:.3f} ({three}/{count})"
        f"  officer called {escalated}  asked about {asked_about}"
    )
