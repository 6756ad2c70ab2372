"""What people write in the cells of a sheet, as the directory writes it: countries, languages, phones, hours.

Only what can mean one thing is read. What could be read in two ways is left as it is, and refused with its reason by
who takes it in: a child who stands before a shut door was helped by no guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from babel import Locale

from directory.opening_hours import DAYS
from directory.places import fold
from directory.words import because, plain_figures

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


#: What sheets call the needs, beside their own names and codes.
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


# --- hours ------------------------------------------------------------------------------------------------------

#: The days as they are begun in English, French, Spanish, Italian and Arabic, Monday first.
_DAY_NAMES = (
    ("monday", "mon", "mo", "lundi", "lun", "lunes", "lunedi", "الاثنين", "الإثنين", "اثنين"),
    ("tuesday", "tues", "tue", "tu", "mardi", "mar", "martes", "martedi", "الثلاثاء", "ثلاثاء"),
    ("wednesday", "wed", "we", "mercredi", "mer", "miercoles", "mie", "mercoledi", "الأربعاء", "الاربعاء", "أربعاء"),
    ("thursday", "thurs", "thur", "thu", "th", "jeudi", "jeu", "jueves", "jue", "giovedi", "gio", "الخميس", "خميس"),
    ("friday", "fri", "fr", "vendredi", "ven", "viernes", "vie", "venerdi", "الجمعة", "جمعة"),
    ("saturday", "sat", "sa", "samedi", "sam", "sabado", "sab", "sabato", "السبت", "سبت"),
    ("sunday", "sun", "su", "dimanche", "dim", "domingo", "dom", "domenica", "الأحد", "الاحد", "أحد"),
)
_EVERY_DAY = ("daily", "every day", "everyday", "tous les jours", "todos los dias", "tutti i giorni", "يوميا", "كل يوم")
_SHUT = ("closed", "ferme", "cerrado", "chiuso", "مغلق")
_ALWAYS = re.compile(
    r"24 ?/ ?7|24 ?h(?:ours)?(?: ?/ ?24)?(?: ?,? ?7 ?(?:j|d|days)?(?: ?/ ?7)?)?|always(?: open)?|toujours"
)


@cache
def _day_codes() -> dict[str, str]:
    return {_plain(name): DAYS[day] for day, names in enumerate(_DAY_NAMES) for name in names}


@cache
def _spoken() -> Mapping[str, re.Pattern[str]]:
    """What the parts of a line of hours look like: days or a run of them, two times, that it is shut."""

    def any_of(words: Iterable[str]) -> str:
        return "|".join(re.escape(_plain(word)) for word in sorted(words, key=len, reverse=True))

    to = r"\s*(?:-|\bto\b|\bthrough\b|\bau?\b|\bal\b|الي)\s*"
    begun = r"(?:(?:from|du|de|dal|dalle|من)\s+)?"
    day, clock = any_of(_day_codes()), r"(\d{1,2})(?:\s?[:.h]\s?(\d{2})|\s?h)?\s?([ap]\.?m\b\.?)?"
    run = rf"(?P<first>{day})s?\.?(?:{to}(?P<last>{day})s?\.?)?|(?P<every>{any_of(_EVERY_DAY)})"
    return {
        "days": re.compile(rf"{begun}(?:{run})(?!\w)"),
        "times": re.compile(rf"{begun}{clock}{to}{clock}(?!\w)"),
        "shut": re.compile(rf"(?:{any_of(_SHUT)})(?!\w)"),
        "between": re.compile(r"[\s,;/&+|:.]+|(?:and|et|y|e|و)\b"),
    }


def week_in(cell: str) -> str:
    """Hours as `opening_hours.week` reads them, of what people write: `Mon-Fri 9am-5pm`, `lun-ven 9h-12h30 14h-18h`.

    Raises ValueError where a word is left over that could change the meaning, and where it is not said which half of
    the day is meant (`9-5`).
    """
    text = _plain(" ".join(plain_figures(cell).split()))
    if _ALWAYS.fullmatch(text):
        return "24/7"
    parts = list(_parts(text, cell))
    kinds = [kind for kind, _ in parts]
    if "shut" not in kinds and kinds[:1] == ["times"] and kinds[-1] == "days":  # 9:00-17:00 Mon-Fri
        parts.reverse()
    found: dict[str, list[str]] = {}
    shut: set[str] = set()
    days: list[str] = []
    waits, closes = False, False  # for times, days were named; for days, it was said that it is shut
    for kind, said in parts:
        if kind == "shut":
            shut |= set(days if waits else ())
            waits, closes = False, not waits
        elif kind == "days" and closes:
            shut |= set(said)
        elif kind == "days":
            days, waits = [*(days if waits else ()), *said], True
        else:
            for day in days or DAYS:
                found.setdefault(day, []).append(said[0])
            waits, closes = False, False
    if waits or not found or (days and shut & found.keys()):
        raise ValueError(_unread(cell))
    return "; ".join(f"{day} {' '.join(sorted(found[day]))}" for day in DAYS if day in found and day not in shut)


def _plain(text: str) -> str:
    """Without case, accents, marks and long dashes: what a day is called in is read, whoever typed it."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cf"))
    return bare.translate(_ALIKE)


_ALIKE = str.maketrans(
    {"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "ة": "ه", "ى": "ي", "،": ","}
)


def _parts(text: str, cell: str) -> Iterator[tuple[str, list[str]]]:
    """The parts of a line, days as codes and times as spans. Raises ValueError for what is none of them."""
    at = 0
    while at < len(text):
        kind, found = next(((k, m) for k, p in _spoken().items() if (m := p.match(text, at))), ("", None))
        if found is None:
            raise ValueError(_unread(cell))
        at = found.end()
        if kind != "between":
            yield kind, _run(found) if kind == "days" else [_span(found, cell)] if kind == "times" else []


def _run(found: re.Match[str]) -> list[str]:
    if found["every"]:
        return list(DAYS)
    first = DAYS.index(_day_codes()[found["first"]])
    last = DAYS.index(_day_codes()[found["last"]]) if found["last"] else first
    return [DAYS[day % 7] for day in range(first, last + 1 if last >= first else last + 8)]


def _span(found: re.Match[str], cell: str) -> str:
    """Two times, on a clock of 24 hours. `9-5` could be either half of the day, and so could `9am-5`."""
    hour, minute, half, to_hour, to_minute, to_half = found.groups()
    if half is None and to_half is not None and int(hour) <= 12:  # 9-5pm, 1-5pm
        if to_half.startswith("a"):
            raise ValueError(_unread(cell))
        half = "p" if int(hour) % 12 < int(to_hour) % 12 else "a"
    opens, closes = _clock(hour, minute, half, cell), _clock(to_hour, to_minute, to_half, cell)
    if to_half is None and closes <= opens and int(to_hour) <= 12 and (half or not _on_24_hours(hour, to_hour)):
        raise ValueError(_unread(cell))
    return f"{opens}-{closes}"


def _on_24_hours(hour: str, to_hour: str) -> bool:
    return int(hour) > 12 or hour.startswith("0") or to_hour.startswith("0")


def _clock(hour: str, minute: str | None, half: str | None, cell: str) -> str:
    figure = int(hour)
    if half:
        if not 1 <= figure <= 12:
            raise ValueError(_unread(cell))
        figure = figure % 12 + (12 if half.startswith("p") else 0)
    return f"{figure:02d}:{minute or '00'}"


def _unread(cell: str) -> str:
    return because(
        "'{hours}' is not read: write hours like mo-fr 09:00-12:30 14:00-18:00; sa 09:00-12:00", hours=cell[:80]
    )
