"""The words of the directory in the languages people read: msgids are English, translations come from PO files.

A host that has a translator of its own hands that in instead; anything with this `text` will do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Protocol

from babel import Locale, UnknownLocaleError
from babel.messages.pofile import read_po

DOMAIN = "directory"
LOCALES = Path(__file__).resolve().parent.parent / "locales"


class Translates(Protocol):
    """Gives the sentence for a language, with its named placeholders filled in."""

    def text(self, language: str, msgid: str, /, **named: object) -> str: ...


def N_(msgid: str) -> str:
    """Mark a sentence for translation where it is kept, to be translated where it is said."""
    return msgid


def plain_figures(text: str) -> str:
    """With 0 to 9 for the figures of every script, and a point before their fractions."""
    plain = (str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)
    return "".join(plain).replace("\u066b", ".").replace("\u066c", "")


class Because(str):
    """Why something cannot be done, in English, that still knows of what it was made: so that it can be kept, and said
    in another language later.
    """

    __slots__ = ("msgid", "named")

    msgid: str
    named: Mapping[str, str]


def because(msgid: str, /, **named: object) -> Because:
    """The reason with its values. What strangers wrote stands in it on one line, and turns no direction."""
    values = {name: repr(str(value))[1:-1] for name, value in named.items()}
    reason = Because(msgid.format(**values))
    reason.msgid, reason.named = msgid, values
    return reason


def reason_of(error: Exception) -> str:
    """What was given to an error as its reason, as it was given."""
    [reason, *_] = error.args or ("",)
    return reason if isinstance(reason, Because) else str(error)


Kept = str | list[Any]


def keep_reason(reason: str) -> Kept:
    """A reason as JSON. `say_reason` says it again, in whatever language."""
    return [reason.msgid, dict(reason.named)] if isinstance(reason, Because) else reason


def say_reason(words: Translates, language: str, reason: Kept) -> str:
    """A reason, kept or not. One that was kept as plain text is said as it is."""
    kept = keep_reason(reason) if isinstance(reason, str) else reason
    return kept if isinstance(kept, str) else words.text(language, kept[0], **kept[1])


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """How days, lists and names are written in a language (BCP 47); as in English where CLDR knows nothing of it."""
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")


class DirectoryWords:
    """The PO files of the directory alone, for when it runs without a host."""

    def __init__(self, translations: Mapping[str, Mapping[str, str]]) -> None:
        self._translations = translations

    @classmethod
    def load(cls, locales: Path = LOCALES) -> DirectoryWords:
        """Those that come with the directory are read once in a process."""
        return cls(_shipped() if locales == LOCALES else _read(locales))

    def text(self, language: str, msgid: str, /, **named: object) -> str:
        """The sentence in `language`, or in English where nobody has translated it yet."""
        return self._translations.get(language, {}).get(msgid, msgid).format(**named)


@cache
def _shipped() -> Mapping[str, Mapping[str, str]]:
    return _read(LOCALES)


def _read(locales: Path) -> dict[str, dict[str, str]]:
    translations: dict[str, dict[str, str]] = {}
    for path in sorted(locales.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        with path.open("rb") as file:
            catalog = read_po(file)
        translations[path.parts[-3]] = {
            message.id: message.string
            for message in catalog
            if isinstance(message.id, str) and isinstance(message.string, str) and message.id and message.string
        }
    return translations
