"""What people write in the cells of a sheet, as the directory writes it: countries, languages, phones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from babel import Locale

from directory.model import NEEDS
from directory.spelling import fold
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
    } | {"dari": "fa"}  # whoever speaks it reads Persian, and is understood by who speaks it


def language_in(cell: str) -> str:
    """The code of a language that is written out; else the cell as it is."""
    return _languages().get(fold(cell), cell.strip())


#: What people call the needs, beside their own names and codes.
NEEDS_AS_WRITTEN: Mapping[str, tuple[str, ...]] = {
    "shelter": (
        "accommodation", "housing", "emergency shelter", "night shelter", "hébergement", "hébergement d'urgence",
        "abri", "alojamiento", "albergue", "refugio", "مأوى", "سكن",
    ),
    "food": ("meals", "alimentation", "nourriture", "repas", "comida", "alimentos", "طعام", "غذاء"),
    "nfi": ("clothing", "clothes", "hygiene kits", "non-food items", "nfis", "vêtements", "ropa", "ملابس"),
    "health": ("medical", "medical care", "health care", "healthcare", "santé", "soins", "salud", "صحة"),
    "legal": (
        "legal aid", "legal advice", "legal assistance", "legal support", "aide juridique", "assistance juridique",
        "asesoría legal", "asistencia legal", "مساعدة قانونية",
    ),
    "child_protection": ("child protection", "protection de l'enfance", "protección infantil", "حماية الطفل"),
    "mental_health": (
        "mhpss", "psychosocial support", "psychological support", "counselling", "counseling", "soutien psychologique",
        "soutien psychosocial", "apoyo psicológico", "apoyo psicosocial", "دعم نفسي",
    ),
    "mhpss_group": ("child friendly space", "child friendly spaces", "espace ami des enfants", "recreation"),
    "language_class": ("language classes", "language course", "language courses", "cours de langue"),
    "family_tracing": ("family reunification", "restoring family links", "rétablissement des liens familiaux"),
    "education": ("education", "éducation", "école", "educación", "تعليم"),
    "water_hygiene": ("wash", "water and sanitation", "eau et hygiène", "agua y saneamiento"),
    "helpline": ("hotline", "numéro vert", "línea de ayuda", "خط مساعدة"),
}  # fmt: skip
#: Of everybody who may be there, which changes nothing; for women, for adults changes who is sent there.
_FOR_ALL = re.compile(
    r"\s+(?:services?|(?:for|pour|para) (?:(?:unaccompanied|the|les|los|all) )?"
    r"(?:children|minors|migrants|refugees|enfants|mineurs|migrantes|niños|menores))\s*$",
    re.IGNORECASE,
)


@cache
def _needs() -> dict[str, str]:
    words = DirectoryWords.load()
    named = {fold(words.text(language, name)): code for language in _WRITTEN_IN for code, name in NEEDS.items()}
    written = {fold(name): code for code, names in NEEDS_AS_WRITTEN.items() for name in names}
    return named | written | {fold(code.replace("_", " ")): code for code in NEEDS}


def need_in(text: str) -> str | None:
    """The code of a need, by its code or by what it is called in our languages."""
    plain = text.replace("_", " ")
    return _needs().get(fold(plain)) or _needs().get(fold(_FOR_ALL.sub("", plain)))


def needs_in(cell: str) -> list[str]:
    """The codes of the needs of a cell: `Food; legal aid`, `shelter/accommodation`, `food and clothing`. Raises
    ValueError for one that is not known."""
    return list(dict.fromkeys(code for part in re.split("[;|,\n]", cell) if part.strip() for code in _codes(part)))


def _codes(part: str) -> list[str]:
    if code := need_in(part):
        return [code]
    codes = [need_in(each) for each in _BETWEEN_NEEDS.split(part)]
    known = [code for code in codes if code is not None]
    if len(known) < len(codes):
        raise ValueError(
            because("unknown need '{need}': the needs are {needs}", need=part.strip(), needs=", ".join(NEEDS))
        )
    return known


_BETWEEN_NEEDS = re.compile(r"\s*[/&+]\s*|\s+(?:and|et|y|e)\s+|\s+و\s*", re.IGNORECASE)


# --- points -----------------------------------------------------------------------------------------------------

_DECIMAL = r"[-−]?\d{1,3}(?:[.,]\d+)?"
#: Two numbers, as they are copied from a map: 43.79, 7.6; 43,79; 7,6; 43.79 N 7.6 E; a telephone adds height and error.
_NUMBERS = re.compile(
    rf"\(?({_DECIMAL})\s*°?\s*([NS]?)(?:\s*[,;/]\s*|\s+)({_DECIMAL})\s*°?\s*([EWO]?)(?:\s+-?[\d.]+){{0,2}}\)?",
    re.IGNORECASE,
)
_MINUTES = r"(\d{1,3})\s*[°º]\s*(\d{1,2}(?:[.,]\d+)?)\s*['′’]\s*(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:[\"″”]|''))?\s*"
_DEGREES = re.compile(rf"{_MINUTES}([NS])[\s,;]*{_MINUTES}([EWO])", re.IGNORECASE)


def point_in(cell: str) -> tuple[str, str]:
    """Latitude and longitude of a cell that has both. Raises ValueError where they are not two."""
    text = plain_figures(cell).strip()
    if found := _DEGREES.fullmatch(text):
        first, second = found.groups()[:4], found.groups()[4:]
        return _of_degrees(*first), _of_degrees(*second)
    found = None if re.fullmatch(_DECIMAL, text) else _NUMBERS.fullmatch(text)  # 43,79 is one number
    if found is None:
        raise ValueError(because("'{point}' is no point: write it like 43.7912, 7.6071", point=cell[:40]))
    north, south, east, west = found.groups()
    return _signed(north, south), _signed(east, west)


def _signed(number: str, half: str) -> str:
    return ("-" if half.upper() in ("S", "W", "O") else "") + number.replace("−", "-").replace(",", ".")


def _of_degrees(degrees: str, minutes: str, seconds: str | None, half: str) -> str:
    parts = [float((part or "0").replace(",", ".")) for part in (degrees, minutes, seconds)]
    return _signed(f"{parts[0] + parts[1] / 60 + parts[2] / 3600:.6f}", half)


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
    number = re.sub(r"^(\d{5,})\.0$", r"\1", found[0][0].strip(" .-/\u00a0"))  # a sheet took it for a sum
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
