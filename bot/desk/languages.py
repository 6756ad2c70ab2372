"""The languages that a text of the directory may be in, for whoever says in which it is."""

from __future__ import annotations

from functools import cache

from babel import Locale
from babel.localedata import locale_identifiers


@cache
def all_languages(said_in: str) -> tuple[tuple[str, str], ...]:
    """Every language of which CLDR knows how it is written, with its name in another."""
    names = Locale.parse(said_in).languages
    codes = {identifier.partition("_")[0] for identifier in locale_identifiers()}
    return tuple(sorted(((code, str(names[code])) for code in codes if code in names), key=lambda pair: pair[1]))
