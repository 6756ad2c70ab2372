"""Every way in which an editor's files can be wrong: the file, the line and the remedy are named, nothing is served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dialogues.knowledge import BrokenProcedures, Procedures
from tests.unit.knowledge.shelf import FRONT, SECTIONS, put, put_french, shelf, written
from tests.unit.knowledge.test_overlays import VARIATION, overlay

INSTEAD = VARIATION.replace("    text:", "    replaces: 1\n    text:")


def english(front: str = FRONT, **sections: str) -> Callable[[Path], object]:
    return lambda folder: put(folder, "late_boat/en.md", written(front, SECTIONS | sections))


def french_without_the_number(folder: Path) -> None:
    english(contacts="- Coast guard, or {emergency_number}")(folder)
    put_french(folder)


def contradicting(folder: Path) -> None:
    other = INSTEAD.replace("3 h", "5 h").replace("3 ساعات", "5 ساعات")
    overlay(folder, INSTEAD, other, stamp=False)


def spoilt_ask(folder: Path, whom: str) -> None:
    path = overlay(folder, stamp=False) / "overlays/IT.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("the town", whom), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "where", "remedy"),
    [
        (english("title: [A boat\n"), "late_boat/en.md:2", "look at this line and the one before"),
        (english(FRONT.replace("audience: worker", "audience: clerk")), "late_boat/en.md:3", "may be one of worker"),
        (english(FRONT.replace("review_due: 2026-12-01\n", "")), "late_boat/en.md:2", "`review_due` is missing"),
        (english(FRONT.replace("RUMOUR", "GOSSIP")), "late_boat/en.md:7", "add it there, or cite another"),
        (english(FRONT + "related: [late_boat]\n"), "late_boat/en.md:10", "leads in a circle, back to this text; take"),
        (french_without_the_number, "late_boat/fr.md:24", "The English has {emergency_number} in this section; put it"),
        (english(why="Look <b>here</b>."), "late_boat/en.md:22", "'<b>' is markup"),
        (english(why="Look [here](https://example.org)."), "late_boat/en.md:22", "is markup"),
        (english(why="Mi\u0007nutes count."), "late_boat/en.md:22", "invisible character here (U+0007); take it out"),
        (english(why="Mi\u202enutes count."), "late_boat/en.md:22", "invisible character here (U+202E); take it out"),
        (english(why="He is ill\u200begal."), "late_boat/en.md:22", "invisible character here (U+200B); take it out"),
        (english(why="He is ill\u00adegal."), "late_boat/en.md:22", "invisible character here (U+00AD); take it out"),
        (english(why="He is ill\u2060egal."), "late_boat/en.md:22", "invisible character here (U+2060); take it out"),
        (english(why="Look \U000e0041here."), "late_boat/en.md:22", "invisible character here (U+E0041); take it out"),
        (english(FRONT + 'search_words: ["ill\\u202egal"]\n'), "late_boat/en.md:10", "(U+202E); take it out"),
        (english(FRONT + 'search_words: ["a \\x3cb>boat"]\n'), "late_boat/en.md:10", "'<b>' is markup"),
        (english(why="Look <script src=x"), "late_boat/en.md:22", "'<script src=x' is markup"),
        (lambda folder: spoilt_ask(folder, "the <b>town</b>"), "overlays/IT.yml:2", "'<b>' is markup"),
        (lambda folder: spoilt_ask(folder, '"the\\u0007 town"'), "overlays/IT.yml:2", "(U+0007); take it out"),
        (lambda folder: spoilt_ask(folder, "'{whom}'"), "overlays/IT.yml:2", "take the braces out"),
        (lambda folder: overlay(folder, code="XX", stamp=False), "overlays/XX.yml:1", "called by its ISO 3166 code"),
        (contradicting, "overlays/IT.yml:12", "Keep one, or end the first with `valid_to`"),
    ],
)
def test_a_bad_file_is_named_with_its_line_and_remedy_and_nothing_half_loaded_is_served(
    tmp_path: Path, spoil: Callable[[Path], object], where: str, remedy: str
) -> None:
    spoil(shelf(tmp_path))

    with pytest.raises(BrokenProcedures) as broken:
        Procedures.load(tmp_path)

    said = [str(problem) for problem in broken.value.problems]
    assert any(line.startswith(f"{where}: ") and remedy in line for line in said), said
