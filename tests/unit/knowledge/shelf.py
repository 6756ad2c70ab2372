"""A small shelf of texts on disk, for tests that break them."""

from __future__ import annotations

from pathlib import Path

from dialogues.knowledge.body import HEADINGS
from dialogues.knowledge.loading import load_texts
from dialogues.knowledge.reading import fingerprint

SOURCES = """\
CRC:
  document: {en: Convention on the Rights of the Child, fr: Convention des droits, es: Convención, ar: اتفاقية}
  organisation: {en: United Nations, fr: Nations unies, es: Naciones Unidas, ar: الأمم المتحدة}
  year: 1989
  status: confirmed
RUMOUR:
  document: {en: Heard somewhere, fr: Ouï-dire, es: Oído, ar: سمعنا}
  organisation: {en: Nobody, fr: Personne, es: Nadie, ar: لا أحد}
  year: 2020
  status: needs-verification
"""

FRONT = """\
title: A boat is late
audience: worker
jurisdiction: INT
sources:
  - {code: CRC, articles: "6, 22"}
  - {code: RUMOUR}
valid_from: 2026-01-01
review_due: 2026-12-01
"""

SECTIONS = {
    "first_answer": "Call the coast guard.",
    "never": "Do not wait.",
    "steps": "1. Call.\n2. Stay on the line.",
    "why": "Minutes count.",
    "time_limits": "- At once",
    "documents": "- Note",
    "contacts": "- Coast guard",
    "varies": "The number.",
    "red_flags": "- Water in the boat",
}

IN_FRENCH = {
    "first_answer": "Appelez les secours en mer.",
    "never": "N'attendez pas.",
    "steps": "1. Appelez.\n2. Restez en ligne.",
    "why": "Les minutes comptent.",
    "time_limits": "- Tout de suite",
    "documents": "- Note",
    "contacts": "- Secours en mer",
    "varies": "Le numéro.",
    "red_flags": "- De l'eau dans le bateau",
}


def written(front: str, sections: dict[str, str], language: str = "en") -> str:
    body = "\n".join(f"## {HEADINGS[language][name]}\n{text}\n" for name, text in sections.items())
    return f"---\n{front}---\n{body}"


def shelf(folder: Path, *, front: str = FRONT, sections: dict[str, str] | None = None) -> Path:
    """A folder with one English text, `late_boat/en.md`."""
    (folder / "late_boat").mkdir(parents=True, exist_ok=True)
    (folder / "sources.yml").write_text(SOURCES, encoding="utf-8")
    put(folder, "late_boat/en.md", written(front, sections or SECTIONS))
    return folder


def put(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text, encoding="utf-8")


def put_french(folder: Path, *, state: str = "machine-drafted", of: str = "", more: str = "") -> None:
    """The French of `late_boat`, made from the English as it is now unless `of` says otherwise."""
    (english,) = (text for text in load_texts(folder) if text.language == "en")
    front = f"title: Un bateau tarde\ntranslation: {{state: {state}, of: {of or fingerprint(english)}}}\n{more}"
    put(folder, "late_boat/fr.md", written(front, IN_FRENCH, "fr"))
