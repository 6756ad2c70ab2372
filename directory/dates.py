"""Days and moments as each language writes them, where CLDR does not say all of it."""

from __future__ import annotations

import re
from datetime import date, datetime

from babel.dates import format_date, format_datetime

#: The first day of a month, before its name.
FIRST = re.compile(r"\b1(?= [^\W\d])")


def written(moment: date, pattern: str, language: str) -> str:
    """A day, or a moment in its own time zone, by a pattern or the name of one ("long"). French counts its first day
    ("1er novembre"), Arabic has a comma of its own. Raises as Babel does for a language that it does not know."""
    locale = language.replace("-", "_")
    if isinstance(moment, datetime):
        said = str(format_datetime(moment, pattern, locale=locale))
    else:
        said = str(format_date(moment, pattern, locale=locale))
    base = locale.partition("_")[0]
    if base == "fr" and moment.day == 1:
        return FIRST.sub("1er", said, count=1)
    return said.replace(", ", "، ") if base == "ar" else said
