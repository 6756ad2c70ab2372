"""What the screen decided, kept in the repository so that a change shows.

On every development sentence, as people meet it; and on 600 dangers and 1,600 other sentences of the training data,
each judged by heads that never saw its situation. And how well two sets are understood, figure by figure.

`python -m tests.unit.understanding.recorded` writes all anew: for a change that was looked at and is wanted.

A record names what it was made from. While that is all the same, byte for byte, so are the decisions, and nobody has to
wait two minutes for them to be made again.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from dialogues.understanding import learnt_folder
from dialogues.understanding.corpus import Example, read_corpus
from dialogues.understanding.embedder import open_embedder
from dialogues.understanding.reading import Understanding
from dialogues.understanding.training import trained
from tests.unit.understanding.figures import DEVELOPMENT, Count, Sentence, earlier, figures, judged, outside

RECORD = DEVELOPMENT / "recorded.tsv"
LEFT_OUT = DEVELOPMENT / "left_out.tsv"
FIGURES = DEVELOPMENT / "figures.tsv"
DANGERS, OTHERS = 600, 1_600
ROOT = Path(__file__).parents[3]
#: Everything a decision hangs on: the code, what it learns from, what it looks up, and the libraries by their hashes.
MADE_FROM = (
    "dialogues/understanding",
    "dialogues/nlu",
    "dialogues/safety",
    "directory/countries.py",
    "directory/listed.py",
    "directory/near_names.py",
    "directory/places.py",
    "directory/scripts.py",
    "directory/spelling.py",
    "directory/gazetteer.py",
    "directory/geography.py",
    "directory/data/called.csv",
    "directory/data/countries.csv",
    "directory/data/english.csv",
    "directory/data/places.csv",
    "directory/data/towns.csv",
    "requirements.lock",
    "tests/unit/understanding/figures.py",
)
RECORDS = (RECORD, LEFT_OUT, FIGURES)
#: The sets whose figures have floors.
SETS: dict[str, Callable[[], list[Sentence]]] = {"earlier": earlier, "outside": outside}
HEARD, SILENT = "heard", "-"


def decisions(understanding: Understanding) -> dict[str, str]:
    """By message: the code and priority it raises, or "-"."""
    found = {}
    for sentence in judged():
        risk = understanding.read(sentence.text).risk
        found[sentence.text] = f"{risk.reason} {risk.priority}" if risk else "-"
    return found


def left_out(project: Path, cache: Path) -> dict[tuple[str, str], str]:
    """By kind of sentence (P0, P1, P2 or "other") and text: whether heads that never saw its situation hear danger.

    The embedder is needed. Word lists do not count: they were written beside these very sentences.
    """
    learnt = trained(project, cache, open_embedder("embedder"))
    examples = read_corpus(project).examples
    return {
        (_kind(example), example.text): HEARD if danger >= learnt.threshold else SILENT
        for example, danger in zip(examples, learnt.unseen_danger, strict=True)
        if danger == danger  # not a number: every head saw it
    }


def figures_of(understanding: Understanding, name: str) -> dict[str, Count]:
    """Every figure of the set `earlier` or `outside`."""
    return figures(understanding, SETS[name]())


def recorded_figures(name: str) -> dict[str, Count]:
    """The same as it was recorded, without the messages that should have been otherwise."""
    found = {}
    for line in _lines(FIGURES):
        of, figure, counted, every = line.split("\t")
        if of == name:
            found[figure] = Count(int(counted), int(every))
    return found


def _as_lines(name: str, counts: Mapping[str, Count]) -> list[str]:
    return [f"{name}\t{figure}\t{count.counted}\t{count.all}" for figure, count in sorted(counts.items())]


def _kind(example: Example) -> str:
    return example.priority if example.risk else "other"


def chosen(found: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """So many of each kind, as a throw of dice that always falls alike has it."""
    order = sorted(found, key=lambda key: zlib.crc32(key[1].encode()))
    dangers = [key for key in order if key[0] != "other"][:DANGERS]
    others = [key for key in order if key[0] == "other"][:OTHERS]
    return {key: found[key] for key in (*dangers, *others)}


def is_of_now(path: Path) -> bool:
    """Whether a record was made from exactly what is here now, and is as it was written."""
    lines = _lines(path)
    return f"# {_made_from(lines)}" in path.read_text(encoding="utf-8").splitlines()


def _made_from(lines: list[str]) -> str:
    """A fingerprint of the lines of a record, and of all they were made from."""
    digest = hashlib.sha256("\n".join(lines).encode())
    places = [ROOT / name for name in MADE_FROM] + [path for path in DEVELOPMENT.iterdir() if path not in RECORDS]
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def recorded() -> dict[str, str]:
    return {text: decision for decision, text in (line.split("\t", 1) for line in _lines(RECORD))}


def recorded_left_out() -> dict[tuple[str, str], str]:
    found = {}
    for line in _lines(LEFT_OUT):
        decision, kind, text = line.split("\t", 2)
        found[kind, text] = decision
    return found


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]


def main() -> None:
    project, cache = ROOT / "dialogues", learnt_folder(ROOT / "var" / "understanding")
    how = "written by python -m tests.unit.understanding.recorded"
    understanding = Understanding.load(project, cache)
    _write(
        RECORD,
        f"# What the screen raises for each development sentence; {how}",
        [f"{decision}\t{text}" for text, decision in decisions(understanding).items()],
    )
    _write(
        LEFT_OUT,
        f"# Whether danger is heard in a training sentence by heads that never saw its situation; {how}",
        [f"{decision}\t{kind}\t{text}" for (kind, text), decision in chosen(left_out(project, cache)).items()],
    )
    _write(
        FIGURES,
        f"# How many of how many are as they should be; {how}",
        [line for name in SETS for line in _as_lines(name, figures_of(understanding, name))],
    )


def _write(path: Path, header: str, lines: list[str]) -> None:
    path.write_text("\n".join([header, f"# {_made_from(lines)}", *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
