from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialogues.knowledge import Audience, BrokenProcedures, Procedures, TranslationState
from dialogues.knowledge.loading import load_texts, read_folder
from dialogues.knowledge.model import SourceStatus
from tests.unit.knowledge.shelf import FRONT, SECTIONS, put, put_french, shelf, written

TODAY = date(2026, 11, 23)


def test_a_text_is_read_as_it_was_written(tmp_path: Path) -> None:
    (text,) = load_texts(shelf(tmp_path))

    assert (text.key, text.language, text.audience) == ("late_boat", "en", Audience.WORKER)
    assert text.title == "A boat is late"
    assert text.steps == ("Call.", "Stay on the line.")
    assert text.time_limits == ("At once",)
    assert text.sources[0].citation() == "Convention on the Rights of the Child, art. 6, 22 (United Nations, 1989)"
    assert text.translation_state is TranslationState.ORIGINAL


def test_a_year_nobody_has_seen_is_marked_for_editors_and_not_shown_to_readers(tmp_path: Path) -> None:
    register = shelf(tmp_path) / "sources.yml"
    words = register.read_text(encoding="utf-8").replace("1989\n", "1989\n  year_status: needs-verification\n")
    register.write_text(words, encoding="utf-8")

    source = load_texts(tmp_path)[0].sources[0]

    assert (source.year, source.year_status) == (1989, SourceStatus.NEEDS_VERIFICATION)
    assert source.citation() == "Convention on the Rights of the Child, art. 6, 22 (United Nations)"


def test_a_source_nobody_has_read_is_not_shown_to_readers(tmp_path: Path) -> None:
    (text,) = load_texts(shelf(tmp_path))

    assert [source.code for source in text.sources] == ["CRC", "RUMOUR"]
    assert [source.code for source in text.shown_sources()] == ["CRC"]
    assert text.sources[1].status is SourceStatus.NEEDS_VERIFICATION


def test_a_long_line_may_go_on_indented(tmp_path: Path) -> None:
    (text,) = load_texts(shelf(tmp_path, sections=SECTIONS | {"steps": "1. Call\n   the coast guard.\n2. Wait."}))

    assert text.steps == ("Call the coast guard.", "Wait.")


@pytest.mark.parametrize(
    ("broken", "with_", "line", "what"),
    [
        ("title: A boat is late\n", "", 2, "`title` is missing"),
        ("audience: worker", "audience: wroker", 3, "'wroker' is not"),
        ("audience: worker", "audiense: worker", 3, "Did you mean `audience`?"),
        ("audience: worker", "audience: child", 3, "By its name this file is for a worker"),
        ("jurisdiction: INT", "jurisdiction: IT", 4, "By its name this file is for INT"),
        ("code: RUMOUR", "code: NEWS", 7, "'NEWS' is not in sources.yml"),
        ("valid_from: 2026-01-01", "valid_from: last spring", 8, "must be a day"),
        ("review_due: 2026-12-01", "review_due: 2025-12-01", 9, "must be after `valid_from`"),
        ("title: A boat is late", "title: [", 4, "not valid YAML"),
        ("title: A boat is late", "title: late\ntitle: later", 3, "given twice"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, broken: str, with_: str, line: int, what: str) -> None:
    shelf(tmp_path, front=FRONT.replace(broken, with_))

    with pytest.raises(BrokenProcedures) as caught:
        load_texts(tmp_path)

    found = [problem for problem in caught.value.problems if what in problem.what]
    assert [(problem.file, problem.line) for problem in found] == [("late_boat/en.md", line)], caught.value.problems


@pytest.mark.parametrize(
    ("name", "text", "line", "what"),
    [
        ("steps", "1. Call.\n3. Wait.", 19, "This is step 2, not 3"),
        ("steps", "Call.", 18, "begins with `1. `"),
        ("documents", "Note", 28, "begins with `- `"),
        ("never", "", 14, "This section is empty"),
        ("never", "Do not <b>wait</b>.", 15, "'<b>' is markup"),
        ("why", "Minutes&nbsp;count.", 22, "'&nbsp;' is markup"),
        ("why", "Read [this](https://example.org).", 22, "'](https://example.org)' is markup"),
        ("why", "Minutes\u200fcount, \u202eso call.", 22, "invisible character"),
        ("contacts", "- Call {emergency}", 31, "'{emergency}' is filled in by nobody"),
        ("contacts", "- Call {emergency_number", 31, "'{' is filled in by nobody"),
    ],
)
def test_a_wrong_line_of_the_body_is_named(tmp_path: Path, name: str, text: str, line: int, what: str) -> None:
    shelf(tmp_path, sections=SECTIONS | {name: text})

    with pytest.raises(BrokenProcedures) as caught:
        load_texts(tmp_path)

    found = [problem for problem in caught.value.problems if what in problem.what]
    assert [problem.line for problem in found] == [line], caught.value.problems


def test_sections_that_are_missing_unknown_doubled_or_out_of_order_are_all_named(tmp_path: Path) -> None:
    text = written(FRONT, {name: SECTIONS[name] for name in SECTIONS if name != "contacts"})
    text = text.replace("## Why", "## Because").replace("## Red flags", "## First answer\nAgain.\n\n## Never\nNo.\n")
    put(shelf(tmp_path), "late_boat/en.md", text)

    _, problems = read_folder(tmp_path)

    said = "\n".join(problem.what for problem in problems)
    assert "no section 'Because'" in said
    assert "'First answer' comes twice" in said
    assert "'Contacts' is missing" in said
    assert "'Red flags' is missing" in said


def test_every_broken_file_is_named_at_once(tmp_path: Path) -> None:
    shelf(tmp_path)
    put(tmp_path, "late_boat/IT.en.md", "no front matter")
    put(tmp_path, "late_boat/notes.txt", "remember the milk")
    (tmp_path / "Late Boat").mkdir()
    put(tmp_path, "Late Boat/en.md", "")

    with pytest.raises(BrokenProcedures) as caught:
        load_texts(tmp_path)

    files = {problem.file for problem in caught.value.problems}
    assert files == {"late_boat/IT.en.md", "late_boat/notes.txt", "Late Boat/en.md"}


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BrokenProcedures, match="register of sources is missing"):
        load_texts(tmp_path / "nowhere")


def test_characters_nobody_can_see_are_refused(tmp_path: Path) -> None:
    shelf(tmp_path, front=FRONT.replace("A boat", "A \u202eboat"))

    with pytest.raises(BrokenProcedures, match=r"late_boat/en.md:2: .*U\+202E"):
        load_texts(tmp_path)


def test_bytes_that_are_not_utf_8_are_named_with_their_line(tmp_path: Path) -> None:
    path = shelf(tmp_path) / "late_boat/en.md"
    path.write_bytes(path.read_bytes().replace(b"Minutes", b"Min\xfftes"))

    with pytest.raises(BrokenProcedures, match=r"late_boat/en.md:22: This is not UTF-8"):
        load_texts(tmp_path)


def test_norway_is_a_country_and_not_a_no(tmp_path: Path) -> None:
    shelf(tmp_path)
    put(tmp_path, "late_boat/NO.en.md", written(FRONT.replace("INT", "NO").replace("A boat", "In Norway"), SECTIONS))

    procedures = Procedures.load(tmp_path)

    assert procedures.get("late_boat", "en", TODAY, "NO").title == "In Norway is late"
    assert procedures.get("late_boat", "en", TODAY, "SE").title == "A boat is late"
    assert procedures.get("late_boat", "en", TODAY).title == "A boat is late"


def test_a_translation_takes_its_facts_from_the_english(tmp_path: Path) -> None:
    put_french(shelf(tmp_path))

    french = Procedures.load(tmp_path).get("late_boat", "fr", TODAY)

    assert french.translation_state is TranslationState.MACHINE_DRAFTED
    assert french.review_due == date(2026, 12, 1)
    assert french.sources[0].citation() == "Convention des droits, art. 6, 22 (Nations unies, 1989)"


def test_a_translation_may_not_have_facts_of_its_own(tmp_path: Path) -> None:
    put_french(shelf(tmp_path), more="review_due: 2030-01-01\n")

    with pytest.raises(BrokenProcedures, match=r"late_boat/fr.md:4: `review_due` does not belong here"):
        load_texts(tmp_path)


def test_an_outdated_translation_is_seen_by_its_hash(tmp_path: Path) -> None:
    put_french(shelf(tmp_path))
    shelf(tmp_path, sections=SECTIONS | {"steps": "1. Call twice.\n2. Stay on the line."})

    french = Procedures.load(tmp_path).get("late_boat", "fr", TODAY)

    assert french.translation_state is TranslationState.OUTDATED


def test_a_new_review_date_does_not_make_a_translation_outdated(tmp_path: Path) -> None:
    put_french(shelf(tmp_path))
    shelf(tmp_path, front=FRONT.replace("review_due: 2026-12-01", "review_due: 2026-12-24"))

    french = Procedures.load(tmp_path).get("late_boat", "fr", TODAY)

    assert french.translation_state is TranslationState.MACHINE_DRAFTED
    assert french.review_due == date(2026, 12, 24)


def test_a_reviewed_translation_says_by_whom(tmp_path: Path) -> None:
    put_french(shelf(tmp_path), state="reviewed")

    with pytest.raises(BrokenProcedures, match="says who reviewed it"):
        load_texts(tmp_path)


def test_a_translation_without_its_english_is_refused(tmp_path: Path) -> None:
    put_french(shelf(tmp_path))
    (tmp_path / "late_boat/en.md").unlink()

    with pytest.raises(BrokenProcedures, match="an English text that is not there"):
        load_texts(tmp_path)


CHILD = "title: The boat does not come\naudience: child\n"
CHILD_SECTIONS = {name: SECTIONS[name] for name in ("first_answer", "never", "steps")}


def test_a_child_gets_its_own_version_with_the_sources_of_the_workers(tmp_path: Path) -> None:
    shelf(tmp_path)
    put(tmp_path, "late_boat/child.en.md", written(CHILD, CHILD_SECTIONS))

    procedures = Procedures.load(tmp_path)

    mine = procedures.get("late_boat", "en", TODAY, audience=Audience.CHILD)
    assert mine.title == "The boat does not come"
    assert mine.sources == procedures.get("late_boat", "en", TODAY).sources


def test_a_child_never_gets_the_text_of_the_workers(tmp_path: Path) -> None:
    procedures = Procedures.load(shelf(tmp_path))

    assert procedures.get("late_boat", "en", TODAY, audience=Audience.CHILD) is None
    assert procedures.search("boat", "en", on=TODAY, audience=Audience.CHILD) == []


@pytest.mark.parametrize(
    ("more", "shown_on"),
    [
        ("", "23 24 25"),
        ("valid_to: 2026-11-24\n", "23 24"),
        ("withdrawn: {on: 2026-11-24, why: The line is closed.}\n", "23"),
        ("withdrawn: {on: 2026-11-01, why: The line is closed.}\n", ""),
    ],
)
def test_a_text_that_expired_or_was_withdrawn_is_not_shown(tmp_path: Path, more: str, shown_on: str) -> None:
    shelf(tmp_path, front=FRONT + more)
    put_french(tmp_path)
    put(tmp_path, "late_boat/child.en.md", written(CHILD, CHILD_SECTIONS))
    procedures = Procedures.load(tmp_path)

    for day in (23, 24, 25):
        on, shown = date(2026, 11, day), str(day) in shown_on
        assert (procedures.get("late_boat", "en", on) is not None) is shown
        assert (procedures.get("late_boat", "fr", on) is not None) is shown
        assert (procedures.get("late_boat", "en", on, audience=Audience.CHILD) is not None) is shown
        assert bool(procedures.search("boat", "en", on=on)) is shown


def test_a_text_is_not_shown_before_its_day(tmp_path: Path) -> None:
    procedures = Procedures.load(shelf(tmp_path))

    assert procedures.get("late_boat", "en", date(2025, 12, 31)) is None
    assert procedures.get("late_boat", "en", date(2026, 1, 1)) is not None


def test_a_late_review_is_known_but_does_not_silence_the_text(tmp_path: Path) -> None:
    text = Procedures.load(shelf(tmp_path)).get("late_boat", "en", date(2026, 12, 2))

    assert text is not None
    assert text.review_overdue(date(2026, 12, 2))


ODD = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["---", "## Steps", "- ", "1. ", ": ", "[", "{", "&a", "*a", "!!python/object:x", "\t", "\u2028"]),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, 600), cut=st.integers(0, 60), odd=ODD, file=st.sampled_from(["late_boat/en.md", "sources.yml"])
)
def test_however_a_file_is_broken_the_loader_names_a_file_and_a_line_of_it(
    tmp_path: Path, at: int, cut: int, odd: str, file: str
) -> None:
    path = shelf(tmp_path) / file
    text = path.read_text(encoding="utf-8")
    broken = text[:at] + odd + text[at + cut :]
    path.write_bytes(broken.encode("utf-8", "surrogatepass"))

    loaded, problems = read_folder(tmp_path)

    assert loaded or problems
    for problem in problems:
        lines = (tmp_path / problem.file).read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
        assert 1 <= problem.line <= lines
        assert problem.what.endswith((".", "?"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200))
def test_any_bytes_at_all_are_answered_with_problems(tmp_path: Path, raw: bytes) -> None:
    (shelf(tmp_path) / "late_boat/en.md").write_bytes(raw)

    loaded, problems = read_folder(tmp_path)

    assert loaded == []
    assert {problem.file for problem in problems} == {"late_boat/en.md"}
