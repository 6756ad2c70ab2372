"""Columns of a sheet that hold a text in another language: `name_fr`, `description (Arabic)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from babel import Locale
from sqlalchemy.engine import Connection

from directory import hsds, store
from directory.files.cells import language_in
from directory.model import Service

Json = dict[str, Any]

#: Field of a sheet to the text of a record (of `model.TRANSLATED`) that may stand there in other languages.
TEXTS: Mapping[str, str] = {
    "name": "name",
    "description": "summary",
    "alert": "alert",
    "how_to_apply": "how_to_apply",
    "eligibility": "note",
    "cost_note": "cost_note",
}
#: The text of a place, which stands there too.
DIRECTIONS = "directions"
FIELDS = (*TEXTS, DIRECTIONS)

_FIELD = re.compile(rf"({'|'.join(FIELDS)})_([a-z]{{2,3}})")
#: A language stands behind a title with a mark between them: `name_fr`, `Description (Arabic)`, `nom [ar]`, `name-es`.
_TITLE = re.compile(r"(.+?)\s*(?:_|\s-|-|[(\[])\s*([^\W\d_]{2,}(?: [^\W\d_]+)?)\s*[)\]]?\s*")
#: Codes that are something else in a title.
_NO_LANGUAGE = frozenset({"id", "no", "to"})


@cache
def _known() -> frozenset[str]:
    return frozenset(code for code in map(str, Locale.parse("en").languages) if code.isalpha())


def field_and_language(field: str) -> tuple[str, str] | None:
    """The text and the code of the language of a field such as `name_fr`. None for any other."""
    found = _FIELD.fullmatch(field)
    return (found[1], found[2]) if found is not None and found[2] in _known() else None


def guessed(title: str, base_of: Callable[[str], str | None]) -> str | None:
    """The field of a title that ends in a language. `base_of` tells which field the rest of it is."""
    found = _TITLE.fullmatch(title.strip())
    if found is None:
        return None
    field, code = base_of(found[1]), language_in(found[2].casefold())
    return f"{field}_{code}" if field in FIELDS and code in _known() - _NO_LANGUAGE else None


def as_translations(flat: Mapping[str, str], fields: Iterable[str]) -> list[Json]:
    """The texts of a row in other languages, as HSDS has them. Of which `fields`."""
    wanted, found, own = frozenset(fields), dict[str, Json](), flat.get("language", "en")
    for column, text in flat.items():
        told = field_and_language(column)
        if told is not None and told[0] in wanted and text and told[1] != own:
            field, language = told
            named = "transportation" if field == DIRECTIONS else hsds.TRANSLATED_FIELDS[TEXTS[field]]
            found.setdefault(language, {"language": language})[named] = text
    return list(found.values())


def columns_of(tx: Connection) -> list[str]:
    """The fields in other languages that an export has something to put in."""
    own = {text: field for field, text in TEXTS.items()}
    told = {f"{own[text]}_{language}" for text, language in store.translated_into(tx) if text in own}
    told |= {f"{DIRECTIONS}_{language}" for language in store.directions_translated_into(tx)}
    return sorted(filter(field_and_language, told), key=lambda field: (FIELDS.index(field.rpartition("_")[0]), field))


def cell(record: Service, field: str) -> str:
    """The text of a field such as `name_fr`. One of what the original said before is not told: read from a sheet, it
    would count as the translation of what it says now."""
    told = field_and_language(field)
    if told is None:
        return ""
    text, language = told
    first = next(iter(record.locations), None)
    if text == DIRECTIONS:
        found = first.directions_in if first is not None else ()
    else:
        found = record.translations_of(TEXTS[text])
    return next((one.text for one in found if one.language == language and not one.stale), "")
