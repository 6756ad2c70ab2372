"""Opening hours as people write them, in the languages of a sheet or a form.

Only what can mean one thing is read. What could be read in two ways is refused with its reason: a child who stands
before a shut door was helped by no guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from directory.opening_hours import DAYS
from directory.words import because, plain_figures

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


def spans_in(cell: str) -> list[str]:
    """The times of one day, as `09:00-17:00`, of what people write: `9h-12h30 14h-18h`, `9am to 5pm`. Raises
    ValueError as `week_in`."""
    parts = list(_parts(_plain(" ".join(plain_figures(cell).split())), cell))
    if any(kind != "times" for kind, _ in parts):
        raise ValueError(_unread(cell))
    return [span for _, said in parts for span in said]


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
        "'{hours}' is not read: write hours like mo-fr 09:00-12:30 14:00-18:00; sa 09:00-12:00, "
        "and days it is shut under 'alert'",
        hours=cell[:80],
    )
