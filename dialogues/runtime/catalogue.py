"""The other languages of a project's responses, read from gettext PO files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.pofile import read_po

from dialogues.runtime.domain import Domain
from dialogues.runtime.responses import Translate


def read_catalogues(locales: Path, name: str = "dialogues") -> dict[str, dict[str, str]]:
    """What is translated, by language: from `locales/<language>/LC_MESSAGES/<name>.po`."""
    known: dict[str, dict[str, str]] = {}
    for path in sorted(locales.glob(f"*/LC_MESSAGES/{name}.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parts[-3])
        known[path.parts[-3]] = {str(m.id): str(m.string) for m in catalogue if m.id and m.string and not m.fuzzy}
    return known


def translator(known: Mapping[str, Mapping[str, str]]) -> Translate:
    """Says a sentence in a language. What is not translated stays English."""

    def translate(language: str, text: str) -> str:
        return known.get(language.split("-")[0], {}).get(text, text)

    return translate


def sentences(domain: Domain) -> Iterator[tuple[str, str]]:
    """Every sentence of a domain that needs a translation, with the response it is in."""
    for name, variations in domain.responses.items():
        for variation in variations:
            if any(slot == "language" for slot, _ in variation.conditions):
                continue  # written for one language already
            for words in variation.words():
                yield words, name
