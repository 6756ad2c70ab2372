"""The words of the directory in the languages people read: msgids are English, translations come from PO files.

A host that has a translator of its own hands that in instead; anything with this `text` will do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from babel.messages.pofile import read_po

DOMAIN = "directory"
LOCALES = Path(__file__).resolve().parent.parent / "locales"


class Translates(Protocol):
    """Gives the sentence for a language, with its named placeholders filled in."""

    def text(self, language: str, msgid: str, /, **named: object) -> str: ...


def N_(msgid: str) -> str:
    """Mark a sentence for translation where it is kept, to be translated where it is said."""
    return msgid


class DirectoryWords:
    """The PO files of the directory alone, for when it runs without a host."""

    def __init__(self, translations: dict[str, dict[str, str]]) -> None:
        self._translations = translations

    @classmethod
    def load(cls, locales: Path = LOCALES) -> DirectoryWords:
        translations: dict[str, dict[str, str]] = {}
        for path in sorted(locales.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
            with path.open("rb") as file:
                catalog = read_po(file)
            translations[path.parts[-3]] = {
                message.id: message.string
                for message in catalog
                if isinstance(message.id, str) and isinstance(message.string, str) and message.id and message.string
            }
        return cls(translations)

    def text(self, language: str, msgid: str, /, **named: object) -> str:
        """The sentence in `language`, or in English where nobody has translated it yet."""
        return self._translations.get(language, {}).get(msgid, msgid).format(**named)
