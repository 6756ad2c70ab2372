"""What people write in the cells of a sheet, as the directory writes it: countries, languages, phones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from babel import Locale

from directory.model import NEEDS
from directory.places import fold
from directory.words import DirectoryWords, because, plain_figures

#: The languages in which sheets come.
_WRITTEN_IN = ("en", "fr", "es", "ar", "it", "pt")


@cache
def _countries() -> dict[str, str]:
    return {
        fold(name): code
        for language in _WRITTEN_IN
        for code, name in Locale.parse(language).territories.items()
        if len(code) == 2 and code.isalpha()
    } | {fold(name): code for name, code in (("USA", "US"), ("UK", "GB"), ("Turkey", "TR"), ("Ivory Coast", "CI"))}


def country_in(cell: str) -> str:
    """The code of a country that is written out; else the cell in capitals, as a code is."""
    return _countries().get(fold(cell), cell.strip().upper())


@cache
def _languages() -> dict[str, str]:
    return {
        fold(name): code
        for language in _WRITTEN_IN
        for code, name in Locale.parse(language).languages.items()
        if code.isalpha()
    }


def language_in(cell: str) -> str:
    """The code of a language that is written out; else the cell as it is."""
    return _languages().get(fold(cell), cell.strip())


#: What people call the needs, beside their own names and codes.
NEEDS_AS_WRITTEN: Mapping[str, tuple[str, ...]] = {
    "shelter": ("accommodation", "housing", "hébergement", "abri", "alojamiento", "albergue", "refugio", "مأوى", "سكن"),
    "food": ("alimentation", "nourriture", "comida", "alimentos", "طعام", "غذاء"),
    "health": ("medical", "health care", "healthcare", "santé", "salud", "صحة"),
    "legal": ("legal aid", "legal advice", "aide juridique", "asesoría legal", "مساعدة قانونية"),
    "child_protection": ("child protection", "protection de l'enfance", "protección infantil", "حماية الطفل"),
    "mental_health": ("mhpss", "psychosocial support", "soutien psychologique", "apoyo psicológico", "دعم نفسي"),
    "education": ("education", "éducation", "école", "educación", "تعليم"),
    "water_hygiene": ("wash", "water and sanitation", "eau et hygiène", "agua y saneamiento"),
    "helpline": ("hotline", "numéro vert", "línea de ayuda", "خط مساعدة"),
}


@cache
def _needs() -> dict[str, str]:
    words = DirectoryWords.load()
    named = {fold(words.text(language, name)): code for language in _WRITTEN_IN for code, name in NEEDS.items()}
    written = {fold(name): code for code, names in NEEDS_AS_WRITTEN.items() for name in names}
    return named | written | {fold(code.replace("_", " ")): code for code in NEEDS}


def need_in(text: str) -> str | None:
    """The code of a need, by its code or by what it is called in our languages."""
    return _needs().get(fold(text.replace("_", " ")))


# --- phones -----------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+(*]?[+\d][\d\s()./#\u00a0\u2010-\u2015-]*")
_ONLY_A_PHONE = frozenset({"tel", "telephone", "phone", "telefono", "telefon", "هاتف"})
#: A stroke stands between two numbers, or in one (0184/351234).
_WHOLE_NUMBER = 6


def phones_in(cell: str) -> list[tuple[str, str]]:
    """The numbers of a cell, each with what is written around it: `0184 351 235`, `ext. 4`. Raises ValueError for one
    in which letters are dialled: no phone of a child dials them."""
    parts = [part for line in re.split(r"[;|\n]|\s/\s", plain_figures(cell)) for part in _between_strokes(line)]
    return [_phone(part) for part in parts if part.strip()]


def _between_strokes(line: str) -> list[str]:
    parts = re.split("[/,]", line)
    return parts if all(sum(map(str.isdigit, part)) >= _WHOLE_NUMBER for part in parts) else [line]


def _phone(cell: str) -> tuple[str, str]:
    found = [number for number in _NUMBER.finditer(cell) if sum(map(str.isdigit, number[0])) > 1]
    if not found or _dials_letters(cell, found[0]):
        raise ValueError(because("'{number}' is no phone number", number=cell.strip()[:40]))
    number = found[0][0].strip(" .-/\u00a0")
    number = number if number.count("(") == number.count(")") else number.strip("() ")
    around = f"{cell[: found[0].start()]} {cell[found[0].end() :]}".replace("(", " ").replace(")", " ")
    said = " ".join(around.split()).strip(" :;,.-/")
    return number, "" if fold(said) in _ONLY_A_PHONE else said


def _dials_letters(cell: str, number: re.Match[str]) -> bool:
    """1-800-FLOWERS, 0184CALL: letters that hang on the figures. `ext` is said of a number, and so is a word apart."""
    after = cell[number.end() :]
    hangs = number[0][-1] in "-./" or number[0][-1].isdigit()
    return (
        hangs and after[:1].isalpha() and not re.match(r"(?:e?xt|x|int|poste)\b\.?|(?:ext|x)\d", after, re.IGNORECASE)
    )
