"""`./waymark directory …` over a whole installation."""

from __future__ import annotations

from pathlib import Path

from tests.integration.app.installed import Installation, installation, untouched

__all__ = ["installation", "untouched"]

SHEET = """Bezeichnung,organization,needs,country,latitude,longitude,city
Heim,Verein,shelter,DE,52.5,13.4,Berlin
"""


def test_a_sheet_is_rehearsed_brought_in_and_known_the_next_time(installation: Installation, tmp_path: Path):
    sheet, report = tmp_path / "a.csv", tmp_path / "rows.csv"
    sheet.write_text(SHEET, encoding="utf-8")

    refused = installation.run("directory", "import", str(sheet))
    assert (refused.code, "no column is read as name" in refused.err) == (1, True)
    column = ("--column", "Bezeichnung=name")
    rehearsed = installation.run("directory", "import", str(sheet), "--rehearse", "--report", str(report), *column)
    assert (rehearsed.code, rehearsed.out) == (0, "nothing kept: 1 new, 0 changed, 0 the same, 0 rejected\n")
    assert report.read_text(encoding="utf-8-sig").splitlines()[1] == "row 2,new,Heim,"
    brought = installation.run("directory", "import", str(sheet), *column)
    assert (brought.code, brought.out) == (0, "1 new, 0 changed, 0 the same, 0 rejected\n")

    again = installation.run("directory", "import", str(sheet))
    assert again.out == "0 new, 0 changed, 1 the same, 0 rejected\n"


def test_what_is_a_draft_is_not_exported_and_an_unknown_ending_is_said(installation: Installation, tmp_path: Path):
    sheet = tmp_path / "a.csv"
    sheet.write_text(SHEET.replace("Bezeichnung", "name"), encoding="utf-8")
    installation.run("directory", "import", str(sheet))

    exported = installation.run("directory", "export", str(tmp_path / "out.csv"))
    other = installation.run("directory", "export", str(tmp_path / "out.pdf"))

    assert exported.code == 0
    assert "Heim" not in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    assert (other.code, "must end in one of" in other.err) == (1, True)


def test_a_gazetteer_is_not_built_from_something_else(installation: Installation, tmp_path: Path):
    source = tmp_path / "towns.json"
    source.write_text("{}x", encoding="utf-8")

    said = installation.run("directory", "gazetteer", "build", "--source", str(source))

    assert (said.code, "holds no towns" in said.err) == (1, True)
    assert not (installation.data / "gazetteer.db").exists()
