"""How well messages are understood, on a development set that is never learnt from.

`python -m tests.unit.understanding.figures` prints the figures, and with `-v` every mistake.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

from dialogues.understanding import learnt_folder
from dialogues.understanding.model import Priority, Reading
from dialogues.understanding.reading import Understanding

DEVELOPMENT = Path(__file__).parent / "development"
_LANGUAGE_COLUMN = {"crises": 3, "procedures": 1, "needs": 1, "talk": 1, "harmless": 0}


def rows(name: str) -> list[list[str]]:
    lines = (DEVELOPMENT / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def development_sentences() -> list[str]:
    return [row[_LANGUAGE_COLUMN[name] + 1] for name in _LANGUAGE_COLUMN for row in rows(name)]


class Count:
    """How many of all, with the messages that should have been otherwise."""

    def __init__(self) -> None:
        self.counted, self.all, self.wrong = 0, 0, list[str]()

    def right(self, right: bool, message: str) -> None:
        self._count(right, wrong=not right, message=message)

    def alarm(self, alarm: bool, message: str) -> None:
        self._count(alarm, wrong=alarm, message=message)

    def _count(self, counted: bool, wrong: bool, message: str) -> None:
        self.all += 1
        self.counted += counted
        if wrong:
            self.wrong.append(message)

    @property
    def share(self) -> float:
        return round(self.counted / self.all, 3) if self.all else 0.0


def figures(understanding: Understanding) -> dict[str, Count]:
    """Every figure by its name."""
    counts: dict[str, Count] = defaultdict(Count)
    for code, priority, kind, _, text in rows("crises"):
        _crisis(counts, understanding.read(text), code, priority, kind, text)
    for _, text in rows("harmless"):
        counts["false alarms on tricky negatives"].alarm(understanding.read(text).risk is not None, text)
    for key, _, text in rows("procedures"):
        reading = understanding.read(text)
        labels = [label for label, _ in reading.ranking]
        counts["procedure top-1"].right(labels[0] == f"procedure/{key}", f"{key}: {text} -> {labels[:3]}")
        counts["procedure top-3"].right(f"procedure/{key}" in labels[:3], f"{key}: {text} -> {labels[:3]}")
        counts["false alarms elsewhere"].alarm(reading.risk is not None, text)
    for need, _, text, place in rows("needs"):
        reading = understanding.read(text)
        label = reading.ranking[0][0]
        said = [entity.value for entity in reading.entities if entity.name == "place"]
        counts["need"].right(label == f"search_service/{need}", f"{need}: {text} -> {label}")
        counts["place"].right(said == ([place] if place else []), f"{text} -> {said}")
        counts["false alarms elsewhere"].alarm(reading.risk is not None, text)
    for intent, _, text in rows("talk"):
        reading = understanding.read(text)
        found = "out_of_scope" if reading.intent == "nlu_fallback" else reading.intent
        name = "out of scope" if intent == "out_of_scope" else "small talk"
        counts[name].right(found == intent, f"{intent}: {text} -> {reading.intent}")
        counts["false alarms elsewhere"].alarm(reading.risk is not None, text)
    for name, column in _LANGUAGE_COLUMN.items():
        for row in rows(name):
            reading = understanding.read(row[column + 1])
            counts["language"].right(reading.language == row[column], f"{row[column + 1]} -> {reading.language}")
    return counts


def _crisis(counts: dict[str, Count], reading: Reading, code: str, priority: str, kind: str, text: str) -> None:
    heard = reading.risk is not None
    told = f"{code} {priority}: {text} -> {reading.risk}"
    counts["crisis recall"].right(heard, told)
    counts[f"crisis recall, {kind}"].right(heard, told)
    counts["crisis code"].right(reading.risk is not None and reading.risk.reason == code, told)
    if priority == "P0":
        counts["P0 recall"].right(heard, told)
        counts["P0 as P0"].right(reading.risk is not None and reading.risk.priority is Priority.P0, told)


def main() -> None:
    root = Path(__file__).parents[3]
    for name, count in figures(
        Understanding.load(root / "dialogues", learnt_folder(root / "var" / "understanding"))
    ).items():
        print(json.dumps({"figure": name, "value": count.share, "of": count.all}))
        if "-v" in sys.argv:
            print("\n".join(f"    {wrong}" for wrong in count.wrong[:200]))


if __name__ == "__main__":
    main()
