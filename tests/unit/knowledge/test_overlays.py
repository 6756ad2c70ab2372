from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dialogues.knowledge import Procedures
from dialogues.knowledge.__main__ import main
from dialogues.knowledge.check import check
from dialogues.knowledge.loading import read_all
from dialogues.knowledge.model import BrokenProcedures, Problem
from dialogues.knowledge.overlays import Overlays, mark_of_line
from tests.unit.knowledge.shelf import SECTIONS, put, put_french, shelf

TODAY = date(2026, 11, 23)

VARIATION = """\
  - procedure: late_boat
    section: time_limits
    text: {en: Within 3 h., fr: Sous 3 h., es: En 3 h., ar: خلال 3 ساعات.}
    translation: {state: machine-drafted, of: '0'}
    sources: [{code: CRC, articles: "6"}]
    valid_from: 2026-01-01
    review_due: 2026-12-01
"""


def overlay(folder: Path, *variations: str, code: str = "IT", jurisdiction: str = "", stamp: bool = True) -> Path:
    (folder / "overlays").mkdir(exist_ok=True)
    head = f"jurisdiction: {jurisdiction or code}\nask: {{en: the town, fr: la ville, es: el pueblo, ar: البلدة}}\n"
    path = folder / "overlays" / f"{code}.yml"
    path.write_text(head + "variations:\n" + "".join(variations or (VARIATION,)), encoding="utf-8")
    if stamp:
        main(["stamp", f"overlays/{code}.yml", "--folder", str(folder)])
    return folder


def found(folder: Path) -> list[Problem]:
    return [p for p in check(folder, on=TODAY) if p.blocking and p.file.startswith("overlays/")]


def test_a_variation_is_laid_over_the_common_text_with_its_source(tmp_path: Path) -> None:
    procedures = Procedures.load(overlay(shelf(tmp_path)))

    there = procedures.get("late_boat", "en", TODAY, "IT")
    elsewhere = procedures.get("late_boat", "en", TODAY, "FR")

    assert there is not None
    assert elsewhere is not None
    assert there.time_limits == ("At once", "Within 3 h.")
    assert [(rule.jurisdiction, rule.words) for rule in there.local] == [("IT", "Within 3 h.")]
    assert "art. 6" in {source.article for source in there.sources}
    assert elsewhere.time_limits == ("At once",)
    assert elsewhere.local == ()


def test_a_line_can_take_the_place_of_a_common_one(tmp_path: Path) -> None:
    instead = VARIATION.replace("    text:", f"    replaces: 1\n    replaced: '{mark_of_line('At once')}'\n    text:")

    text = Procedures.load(overlay(shelf(tmp_path), instead)).get("late_boat", "en", TODAY, "IT")

    assert text is not None
    assert text.time_limits == ("Within 3 h.",)


def test_what_is_no_longer_in_force_leaves_the_common_text(tmp_path: Path) -> None:
    ended = VARIATION + "    valid_to: 2026-11-22\n"

    text = Procedures.load(overlay(shelf(tmp_path), ended)).get("late_boat", "en", TODAY, "IT")

    assert text is not None
    assert text.local == ()


def test_a_region_lies_under_its_countries_and_the_country_has_the_last_word(tmp_path: Path) -> None:
    instead = VARIATION.replace("    text:", f"    replaces: 1\n    replaced: '{mark_of_line('At once')}'\n    text:")
    overlay(shelf(tmp_path), instead, code="EU")
    overlay(tmp_path, instead.replace("3 h", "2 h"), code="IT")
    procedures = Procedures.load(tmp_path)

    limits = {}
    for country in ("IT", "FR", "DK", "MX"):
        text = procedures.get("late_boat", "en", TODAY, country)
        assert text is not None
        limits[country] = text.time_limits

    assert limits == {"IT": ("Within 2 h.",), "FR": ("Within 3 h.",), "DK": ("At once",), "MX": ("At once",)}


@pytest.mark.parametrize(
    ("before", "after", "line", "what"),
    [
        ("late_boat", "late_bus", 4, "There is no procedure 'late_bus' to lay this over; correct the key"),
        ("section: time_limits", "section: never", 5, "`section` may be one of"),
        ("    text:", "    replaces: 7\n    text:", 6, "'time_limits' of 'late_boat' has 1 lines; say which."),
        ("code: CRC", "code: NOWHERE", 8, "The source 'NOWHERE' is not in sources.yml; add it there, or cite another."),
        (", ar: خلال 3 ساعات.", "", 6, "`ar` is missing; add it."),
        ("Within 3 h.", "Within <b>3 h", 6, "'<b>' is markup"),
        ("valid_from: 2026-01-01", "valid_from: soon", 9, "must be a day"),
        (
            "    text:",
            "    about: Guardian by\n    text:",
            6,
            "'Guardian by' is no name of a thing; write small letters",
        ),
        ("    text:", "    about: x_y\n    replaces: 1\n    text:", 6, "keep one of the two."),
    ],
)
def test_a_broken_overlay_is_named_with_its_line_and_nothing_of_it_is_loaded(
    tmp_path: Path, before: str, after: str, line: int, what: str
) -> None:
    overlay(shelf(tmp_path), VARIATION.replace(before, after), stamp=False)

    with pytest.raises(BrokenProcedures) as caught:
        Procedures.load(tmp_path)

    (problem,) = [p for p in caught.value.problems if what in p.what]
    assert (problem.file, problem.line) == ("overlays/IT.yml", line)


@pytest.mark.parametrize("code", ["XX", "ZZ", "Italy", "UNO", "UN", "EZ", "QO", "XA", "XB"])
def test_an_overlay_of_an_unknown_country_is_refused(tmp_path: Path, code: str) -> None:
    overlay(shelf(tmp_path), code=code, stamp=False)

    with pytest.raises(BrokenProcedures, match="is no country"):
        Procedures.load(tmp_path)


def test_an_overlay_with_another_ending_is_not_left_out_in_silence(tmp_path: Path) -> None:
    (overlay(shelf(tmp_path)) / "overlays/IT.yml").rename(tmp_path / "overlays/IT.yaml")

    assert [p.what for p in found(tmp_path)] == ["An overlay's file ends with .yml; call it IT.yml."]


def test_an_overlay_is_for_the_country_it_is_called_by(tmp_path: Path) -> None:
    overlay(shelf(tmp_path), jurisdiction="FR", stamp=False)

    with pytest.raises(BrokenProcedures, match="By its name this overlay is for IT"):
        Procedures.load(tmp_path)


def test_two_lines_that_contradict_each_other_are_named(tmp_path: Path) -> None:
    instead = VARIATION.replace("    text:", f"    replaces: 1\n    replaced: '{mark_of_line('At once')}'\n    text:")
    other = instead.replace("3 h", "5 h").replace("3 ساعات", "5 ساعات")
    overlay(shelf(tmp_path), instead, other)

    (problem,) = found(tmp_path)
    assert (problem.file, problem.line) == ("overlays/IT.yml", 13)
    assert problem.what.startswith("This contradicts line 4: both take the place of time_limits 1 of 'late_boat'")

    overlay(tmp_path, instead + "    valid_to: 2026-10-31\n", other.replace("2026-01-01", "2026-11-01"))
    assert found(tmp_path) == []


def saying(english: str) -> str:
    """A line whose English is this; the others have its figures."""
    figures = " ".join(re.findall(r"\d+", english))
    others = f"fr: Ici {figures}, es: Aquí {figures}, ar: هنا {figures}"
    return re.sub(r"text: \{.*\}", f"text: {{en: {english}, {others}}}", VARIATION)


@pytest.mark.parametrize(
    ("first", "second", "contradict"),
    [
        ("A guardian within 10 days.", "The judge appoints a guardian within 30 days.", True),
        ("A guardian at once.", "A guardian is named within 15 working days.", True),
        ("The Ministry is told within 24 h.", "MIDIS is told within 24 h.", True),
        ("Minors are never held with adults.", "Minors are held with adults at night.", True),
        ("A guardian within 10 days.", "A guardian within 10 days.", True),
        ("Reply within 1 month.", "Transfer within 6 months.", False),
        ("A guardian within 10 days.", "The court confirms the guardian.", False),
    ],
)
def test_lines_beside_one_another_that_say_different_things_of_one_are_named(
    tmp_path: Path, first: str, second: str, contradict: bool
) -> None:
    overlay(shelf(tmp_path), saying(first), saying(second))
    problems = [p for p in found(tmp_path) if "contradicts line 4" in p.what]

    assert [(p.file, p.line) for p in problems] == [("overlays/IT.yml", 11)] * contradict
    assert all("or say both in one line" in p.what for p in problems)
    if contradict:  # nothing half-loaded is served
        with pytest.raises(BrokenProcedures):
            Procedures.load(tmp_path)
        overlay(tmp_path, saying(first) + "    valid_to: 2026-10-31\n", saying(second).replace("2026-01", "2026-11"))
        assert found(tmp_path) == []


@pytest.mark.parametrize(
    "theirs", ["A guardian within 10 days.", "The judge names who speaks for the child in 3 months."]
)
def test_a_country_that_says_otherwise_than_its_region_takes_its_place_or_is_refused(
    tmp_path: Path, theirs: str
) -> None:
    def lay(about: str) -> None:
        for code, words in (("EU", "A guardian within 15 days."), ("IT", theirs)):
            overlay(tmp_path, saying(words).replace("    text:", f"{about}    text:"), code=code)

    shelf(tmp_path)
    lay("")
    (problem,) = found(tmp_path)
    assert (problem.file, problem.line) == ("overlays/IT.yml", 4)
    assert "This contradicts overlays/EU.yml, line 4" in problem.what
    assert "give both lines the same `about`" in problem.what

    lay("    about: guardian_by\n")
    assert found(tmp_path) == []
    procedures = Procedures.load(tmp_path)
    texts = {country: procedures.get("late_boat", "en", TODAY, country) for country in ("IT", "FR")}
    assert {country: text.time_limits[1:] for country, text in texts.items() if text} == {
        "IT": (theirs,),
        "FR": ("A guardian within 15 days.",),
    }

    overlay(tmp_path, *[saying(f"Within {n} days.").replace("    text:", "    about: days\n    text:") for n in (1, 2)])
    assert ["both are about 'days' of 'late_boat'" in p.what for p in found(tmp_path)] == [True]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ('code: CRC, articles: "6"', "code: RUMOUR", "no confirmed source says"),
        ("2026-12-01", "2028-12-01", "A review is due within a year; bring `review_due` forward."),
        ("2026-12-01", "2026-11-01", "The review was due on 2026-11-01"),
        ("Sous 3 h", "Sous 4 h", "fr: the numbers differ from the English"),
        ("En 3 h.", "Garantizado en 3 h.", "es: we do not write 'garantiza'"),
        ("Within 3 h.", "Within 3 h at www.example.org", "en: 'www.example.org' is a web address"),
        ("Within 3 h.", "Within 3 h call 800 290 290.", "en: '800 290 290' looks like a number to dial"),
    ],
)
def test_what_a_variation_must_not_say_is_named(tmp_path: Path, before: str, after: str, what: str) -> None:
    overlay(shelf(tmp_path), VARIATION.replace(before, after))

    assert any(what in p.what for p in found(tmp_path)), found(tmp_path)


def test_whom_to_ask_is_checked_like_any_line(tmp_path: Path) -> None:
    path = overlay(shelf(tmp_path)) / "overlays/IT.yml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("the town", "the office and they will give you papers"),
        encoding="utf-8",
    )

    assert any("en: we do not write 'will give you papers'" in p.what for p in found(tmp_path)), found(tmp_path)


def test_an_outdated_translation_of_a_variation_is_seen(tmp_path: Path) -> None:
    overlay(shelf(tmp_path), stamp=False)
    assert ["The English has changed" in p.what for p in found(tmp_path)] == [True]

    overlay(tmp_path)
    assert found(tmp_path) == []


PROCEDURES = Procedures.load_shipped()


def test_overlays_are_shipped_for_five_countries_and_the_union() -> None:
    assert {overlay.jurisdiction for overlay in PROCEDURES.overlays.all()} == {"CO", "EU", "FR", "IT", "MX", "US"}


def test_mexico_says_whom_to_tell_and_by_when() -> None:
    text = PROCEDURES.get("identify_uasc", "en", TODAY, "MX")

    assert text is not None
    assert "The Procuraduría de Protección is told within 24 h." in text.time_limits
    assert PROCEDURES.overlays.ask("MX", "es") == "la Procuraduría de Protección y el DIF"


@pytest.mark.parametrize(
    ("text_let_out", "lines_let_out", "draft"),
    [
        ({"approved": True}, {}, True),
        ({"approved": True}, {"approved": True}, False),
        ({"approved": True}, {"reviewer": "B. Expert"}, False),
        ({"reviewer": "A. Expert"}, {}, True),
        ({"reviewer": "A. Expert"}, {"approved": True}, False),
        ({}, {"approved": True}, True),
    ],
)
def test_a_line_nobody_let_out_makes_a_draft_of_the_text_it_is_laid_over(
    tmp_path: Path, text_let_out: dict[str, Any], lines_let_out: dict[str, Any], draft: bool
) -> None:
    read = read_all(overlay(shelf(tmp_path), VARIATION, VARIATION.replace("3 h", "4 h")))
    (italy,) = read.overlays
    first, second = italy.variations
    lines = (replace(first, **lines_let_out), replace(second, reviewer="C. Expert"))
    laid = Overlays([replace(italy, variations=lines)])
    (text,) = (replace(each.procedure, **text_let_out) for each in read.texts)

    assert laid.lay(text, "IT", TODAY).is_draft is draft
    assert laid.lay(text, "FR", TODAY).is_draft is (not text_let_out)


INSTEAD = VARIATION.replace("section: time_limits\n", "section: steps\n    replaces: 2\n    replaced: '{mark}'\n")


def instead_of(line: str) -> str:
    return INSTEAD.replace("{mark}", mark_of_line(line))


def test_a_line_put_in_before_it_does_not_make_an_overlay_take_the_place_of_another(tmp_path: Path) -> None:
    longer = SECTIONS | {"steps": "1. Look.\n2. Call.\n3. Stay on the line."}
    overlay(shelf(tmp_path, sections=longer), instead_of("Stay on the line."))

    text = Procedures.load(tmp_path).get("late_boat", "en", TODAY, "IT")

    assert text is not None
    assert text.steps == ("Look.", "Call.", "Within 3 h.")
    assert [problem.what for problem in found(tmp_path)] == [
        "Line 2 of 'steps' is not the one this was written to take the place of: that is line 3 now. Write "
        "`replaces: 3`."
    ]


def test_an_overlay_whose_line_was_rewritten_is_said_beside_it_until_somebody_has_looked(tmp_path: Path) -> None:
    overlay(shelf(tmp_path), instead_of("Stay."))

    text = Procedures.load(tmp_path).get("late_boat", "en", TODAY, "IT")

    assert text is not None
    assert text.steps == ("Call.", "Stay on the line.", "Within 3 h.")
    assert text.local[0].replaces is None
    assert [problem.what for problem in found(tmp_path)] == [
        "Line 2 of 'steps' reads otherwise than when this was written: 'Stay on the line.'. If this still takes its "
        f"place, write `replaced: '{mark_of_line('Stay on the line.')}'`."
    ]


def test_an_outdated_translation_with_fewer_steps_keeps_them_and_gets_the_line_beside_them(tmp_path: Path) -> None:
    put_french(shelf(tmp_path), of="0badc0de")
    french = (tmp_path / "late_boat/fr.md").read_text(encoding="utf-8")
    put(tmp_path, "late_boat/fr.md", french.replace("\n2. Restez en ligne.", ""))
    overlay(tmp_path, instead_of("Stay on the line."))

    text = Procedures.load(tmp_path).get("late_boat", "fr", TODAY, "IT")

    assert text is not None
    assert text.steps == ("Appelez.", "Sous 3 h.")


def test_what_is_filled_in_for_a_reader_is_filled_in_what_differs_too_and_stands_in_every_language(
    tmp_path: Path,
) -> None:
    said = ("Within 3 h.", "Sous 3 h.", "En 3 h.", "خلال 3 ساعات.")
    number = VARIATION
    for words in said:
        number = number.replace(words, "'Call {emergency_number}.'")
    text = Procedures.load(overlay(shelf(tmp_path), number)).get("late_boat", "en", TODAY, "IT")

    assert text is not None
    assert text.filled({"emergency_number": "112"}).local[0].words == "Call 112."

    overlay(tmp_path, number.replace("fr: 'Call {emergency_number}.'", "fr: Appelez."))
    with pytest.raises(BrokenProcedures, match=r"fr: the English has \{emergency_number\}"):
        Procedures.load(tmp_path)
