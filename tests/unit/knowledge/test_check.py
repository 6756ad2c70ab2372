from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dialogues.knowledge.__main__ import main
from dialogues.knowledge.check import check
from dialogues.knowledge.model import LANGUAGES, Problem
from tests.unit.knowledge.shelf import FRONT, SECTIONS, put, put_french, shelf, written


def blocking(folder: Path, on: date | None = None) -> list[Problem]:
    """What must be mended, except that the small shelf of these tests lacks languages."""
    return [p for p in check(folder, on=on) if p.blocking and p.what != "This language is missing."]


def test_a_good_text_has_no_problem_but_its_missing_languages(tmp_path: Path) -> None:
    put_french(shelf(tmp_path))

    assert blocking(tmp_path) == []
    assert [str(p) for p in check(tmp_path) if p.blocking] == [
        "late_boat/ar.md:1: This language is missing.",
        "late_boat/es.md:1: This language is missing.",
    ]


@pytest.mark.parametrize(
    ("name", "text", "line", "what"),
    [
        ("first_answer", "word " * 81, 11, "These are 81 words; 80 is the most"),
        ("steps", "1. Call.\n2. " + "word " * 41, 19, "41 words"),
        ("steps", "\n".join(f"{n}. Step." for n in range(1, 14)), 17, "These are 13 steps; 12 is the most"),
        ("why", "He is illegal.", 21, "We do not write 'illegal'"),
        ("why", "Deal with it.", 21, "We do not write 'deal with'"),
        ("why", "We will find them.", 21, "'we will find ' is a promise"),
        ("why", "Nobody will know.", 21, "'nobody will know' is a promise"),
        ("contacts", "- Call +33 1 99 00 12 34", 31, "looks like a number to dial"),
        ("contacts", "- Call ١١٢", 31, "Write numbers as people dial them"),
    ],
)
def test_what_a_reader_must_not_get_is_named_with_its_line(
    tmp_path: Path, name: str, text: str, line: int, what: str
) -> None:
    shelf(tmp_path, sections=SECTIONS | {name: text})

    assert [p.line for p in blocking(tmp_path) if what in p.what] == [line], blocking(tmp_path)


def test_a_figure_that_needs_verification_may_not_be_shown_as_a_fact(tmp_path: Path) -> None:
    front = FRONT + "to_verify: [The coast guard comes within 2-3 hours.]\n"
    shelf(tmp_path, front=front, sections=SECTIONS | {"time_limits": "- Within 2-3 hours"})

    assert [p.what for p in blocking(tmp_path)] == ["'2-3 h' still needs verification (`to_verify`)."]


def test_a_text_needs_a_source_that_somebody_has_read(tmp_path: Path) -> None:
    shelf(tmp_path, front=FRONT.replace('  - {code: CRC, articles: "6, 22"}\n', ""))

    assert [p.what for p in blocking(tmp_path)] == ["At least one source must be confirmed."]


def test_a_review_that_is_late_or_too_far_away_is_a_problem(tmp_path: Path) -> None:
    shelf(tmp_path)
    assert blocking(tmp_path, on=date(2026, 12, 1)) == []
    assert ["was due on 2026-12-01" in p.what for p in blocking(tmp_path, on=date(2026, 12, 2))] == [True]

    shelf(tmp_path, front=FRONT.replace("2026-12-01", "2028-12-01"))
    assert [p.what for p in blocking(tmp_path)] == ["A review is due within a year."]


def test_an_outdated_translation_says_what_it_was_made_from(tmp_path: Path) -> None:
    put_french(shelf(tmp_path), of="0123456789abcdef")

    (problem,) = blocking(tmp_path)

    assert (problem.file, problem.line) == ("late_boat/fr.md", 3)
    assert "0123456789abcdef" in problem.what


def test_a_translation_has_the_steps_and_the_numbers_of_its_english(tmp_path: Path) -> None:
    shelf(tmp_path, sections=SECTIONS | {"steps": "1. Call.\n2. Stay.\n3. Count.", "time_limits": "- 3 hours"})
    put_french(tmp_path)

    found = {(p.line, p.what) for p in blocking(tmp_path)}

    assert found == {
        (11, "'Étapes' has 2 steps, the English has 3."),
        (19, "The numbers differ from the English, which has 3."),
    }


def test_each_audience_is_addressed_in_its_own_way(tmp_path: Path) -> None:
    put_french(shelf(tmp_path))
    path = tmp_path / "late_boat/fr.md"
    path.write_text(path.read_text(encoding="utf-8").replace("N'attendez pas.", "Tu attends."), encoding="utf-8")

    assert [p.what for p in blocking(tmp_path)] == ["'tu' is not how a worker is addressed."]


def test_a_child_gets_short_sentences_and_no_law(tmp_path: Path) -> None:
    shelf(tmp_path)
    steps = "1. " + "word " * 13 + "\n2. The convention says so."
    child = {"first_answer": "Call.", "never": "Do not wait.", "steps": steps}
    put(tmp_path, "late_boat/child.en.md", written("title: No boat\naudience: child\n", child))

    found = [p.what for p in blocking(tmp_path)]

    assert any("more than 12 words" in what for what in found)
    assert any("'convention' is law" in what for what in found)


def test_a_text_nobody_signed_is_a_note_and_not_an_obstacle(tmp_path: Path) -> None:
    notes = [p for p in check(shelf(tmp_path)) if not p.blocking]

    assert [str(p) for p in notes] == ["late_boat/en.md:1: note: Nobody has signed this text yet (`reviewer`)."]


def test_the_command_says_what_to_mend_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shelf(tmp_path, sections=SECTIONS | {"why": "We guarantee it."})

    assert main(["check", "--folder", str(tmp_path), "--on", "2026-11-23"]) == 1

    out = capsys.readouterr().out
    assert "late_boat/en.md:21: 'guarantee' is a promise that may not be kept.\n" in out
    assert "1 texts of 1 procedures read: 4 problems, 1 notes (see them with --notes).\n" in out


def test_stamping_says_that_a_translation_was_read_against_the_english(tmp_path: Path) -> None:
    put_french(shelf(tmp_path), of="0")
    assert len(blocking(tmp_path)) == 1

    assert main(["stamp", "late_boat/fr.md", "--folder", str(tmp_path)]) == 0

    assert blocking(tmp_path) == []


def test_an_original_cannot_be_stamped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stamp", "late_boat/en.md", "--folder", str(shelf(tmp_path))]) == 1
    assert "not a translation" in capsys.readouterr().err


PROCEDURES = Path(__file__).parents[3] / "dialogues" / "procedures"


def test_the_procedures_we_ship_have_no_problem() -> None:
    assert [str(p) for p in check(PROCEDURES, on=date(2026, 11, 23)) if p.blocking] == []


FIRST_TEN = {
    "first_contact",
    "identify_uasc",
    "adult_with_child",
    "trafficking_indicators",
    "age_assessment",
    "missing_child",
    "sexual_violence",
    "self_harm",
    "emergency_care",
    "cross_border_request",
}
A_CHILD_WOULD_ASK = FIRST_TEN - {"first_contact", "identify_uasc", "age_assessment", "cross_border_request"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_ten_procedures_are_there_in_every_language(language: str) -> None:
    assert {path.parent.name for path in PROCEDURES.glob(f"*/{language}.md")} >= FIRST_TEN
    assert {path.parent.name for path in PROCEDURES.glob(f"*/child.{language}.md")} >= A_CHILD_WOULD_ASK
