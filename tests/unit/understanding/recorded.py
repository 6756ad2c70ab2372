"""What the screen decided on every development sentence, kept in the repository so that a change shows.

`python -m tests.unit.understanding.recorded` writes it anew: for a change that was looked at and is wanted.
"""

from __future__ import annotations

from pathlib import Path

from dialogues.understanding import learnt_folder
from dialogues.understanding.reading import Understanding
from tests.unit.understanding.figures import DEVELOPMENT, judged

RECORD = DEVELOPMENT / "recorded.tsv"


def decisions(understanding: Understanding) -> dict[str, str]:
    """By message: the code and priority it raises, or "-"."""
    found = {}
    for sentence in judged():
        risk = understanding.read(sentence.text).risk
        found[sentence.text] = f"{risk.reason} {risk.priority}" if risk else "-"
    return found


def recorded() -> dict[str, str]:
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    return {text: decision for decision, _, text in (line.partition("\t") for line in lines if line[:1] != "#")}


def main() -> None:
    root = Path(__file__).parents[3]
    understanding = Understanding.load(root / "dialogues", learnt_folder(root / "var" / "understanding"))
    lines = [f"{decision}\t{text}" for text, decision in decisions(understanding).items()]
    header = (
        "# What the screen raises for each development sentence; written by python -m tests.unit.understanding.recorded"
    )
    RECORD.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
