"""Opening hours as people write them, in the languages of a sheet or a form.

Only what can mean one thing is read. What could be read in two ways is refused with its reason: a child who stands
before a shut door was helped by no guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct, field

from directory.calendar_words import (
    EVERY_DAY,
    HOLIDAYS,
    WEEKDAYS,
    WEEKEND,
    any_of,
    day_codes,
    month_names,
    plain,
    weekend_of,
)
from directory.opening_hours import DAYS, minute_of
from directory.words import because, plain_figures

#: Longer is no line of hours.
LONGEST = 400


class SaidHours(Struct, frozen=True):
    """The week as `opening_hours.week` reads it; and what was said of holidays, months and dates, as it was written:
    a week has no place for it."""

    week: str
    words: str = ""


_SHUT = ("closed", "ferme", "fermee", "cerrado", "cerrada", "chiuso", "chiusa", "fechado", "geschlossen", "مغلق")
_BUT = ("except for", "except", "sauf", "excepto", "salvo", "eccetto", "exceto", "ما عدا", "عدا")
_OPEN = ("open", "ouvert", "ouverte", "abierto", "abierta", "aperto", "aperta", "aberto", "aberta", "مفتوح")
_BEFORE_NOON, _AFTER_NOON = "صباحا|ص", "مساء|م"
_NOON = ("noon", "midday", "midi", "mediodia", "mezzogiorno", "meio-dia")
_MIDNIGHT = ("midnight", "minuit", "medianoche", "mezzanotte", "meia-noite", "منتصف الليل")
_HOURS = r"(?:h|hs|hrs?|hours?|heures?|horas?|uhr|ore|ساعه)"
#: What stands between `closed` and the month, the date or the holiday of which it is said.
_LINKS = (
    "on", "in", "during", "from", "for", "the", "all", "of", "month", "le", "la", "les", "l'", "en", "au", "aux",
    "pendant", "durant", "tout", "mois", "de", "du", "del", "dal", "el", "los", "durante", "mes", "nel", "nei", "il",
    "i", "ad", "a", "di", "no", "nos", "na", "em", "do", "في", "خلال", "ايام", "شهر",
)  # fmt: skip


@cache
def _always() -> re.Pattern[str]:
    day = r"(?:24 ?h?|day|dia|jour|giorno|اليوم)"
    a_day = rf"(?:las )?24 ?(?:{_HOURS})(?: ?(?:/|sur|a|al|per|por|su|في) ?{day})?|24 ?/ ?24 ?h?|24 ?/ ?7"
    week = r"(?:7|week|semana|semaine|settimana)"
    a_week = rf"7 ?(?:j|d|g|days?|jours?|dias?|giorni)?(?: ?(?:/|sur|su|a|por|per) ?{week})?"
    words = any_of(("always", "toujours", "siempre", "sempre", "day and night", "jour et nuit", "dia y noche"))
    every = rf"(?:[ ,/]*(?:et|and|y|e|و)?[ ,/]*(?:{a_week}|{any_of(EVERY_DAY)}))?"
    opens = rf"(?:(?:{any_of(_OPEN)}) )?"
    return re.compile(rf"{opens}(?:(?:{a_day}){every}|(?:{words}){every}|على مدار الساعه)(?: (?:{any_of(_OPEN)}))?\.?")


@cache
def _spoken() -> Mapping[str, re.Pattern[str]]:
    """What the parts of a line of hours look like. The first that fits counts."""
    to = r"\s*(?:-|\b(?:to|through|thru|until|till?|a las?|au?|al|as|ate|hasta|bis)\b|الي|حتي)\s*"
    begun = r"(?:(?:from|du|des|de las?|de|das|dal|dalle|من الساعه|من)\s+)?"
    return {
        "left": re.compile(_said_of_dates()),
        "days": re.compile(rf"{begun}(?:{_days(to)})(?!\w)"),
        "times": re.compile(rf"{begun}{_clock_like('from')}{to}{_clock_like('to')}(?!\w|\s*-\s*\d|[:.]\d)"),
        "strokes": re.compile(r"(\d{1,2}:\d{2})\s*/\s*(\d{1,2}:\d{2})(?!\w|\s*[-/]\s*\d)"),
        "shut": re.compile(rf"(?:{any_of(_SHUT)})s?(?!\w)"),
        "but": re.compile(rf"(?:{any_of(_BUT)})(?!\w)"),
        "between": re.compile(rf"[\s,;/&+|:.()]+|(?:and|et|y|e|و|{any_of(_OPEN)})(?!\w)"),
    }


def _days(to: str) -> str:
    day = any_of(day_codes())
    run = rf"(?P<first>{day})s?\.?(?:{to}(?P<last>{day})s?\.?)?"
    letters = rf"(?P<letter>[lxjvsm]){to}(?P<other>[sdf])"
    groups = (("every", EVERY_DAY), ("weekdays", WEEKDAYS), ("weekend", WEEKEND))
    named = "|".join(rf"(?P<{name}>{any_of(words)})" for name, words in groups)
    return rf"{named}|(?:{letters})(?!\w)|{run}"


def _clock_like(name: str) -> str:
    hour = rf"(?P<{name}_h>\d{{1,2}})(?:\s?[:.h]\s?(?P<{name}_m>\d{{2}}))?|(?P<{name}_4>[0-2]\d[0-5]\d)"
    half = rf"(?P<{name}_half>[ap]\.?m\b\.?|(?:{_BEFORE_NOON}|{_AFTER_NOON})(?!\w))"
    named = rf"(?P<{name}_noon>(?:12 )?(?:{any_of(_NOON)}))|(?P<{name}_midnight>{any_of(_MIDNIGHT)})"
    return rf"(?:(?:las |les |ore |الساعه )?(?:(?:{hour})(?:\s?{_HOURS}(?![a-z]))?(?:\s?{half})?|{named}))"


def _said_of_dates() -> str:
    """`closed in August`, `sauf jours fériés`, `closed 24 December - 2 January`."""
    month = rf"(?:{any_of(month_names())})"
    day = r"(?:\d{1,2}(?:st|nd|rd|th|er|º)?)"
    days = rf"{day}(?:\s*(?:-|to|au|al?)\s*{day})?"
    date = rf"(?:{days}(?: (?:de|of|di))? {month}|{month}(?: {day}(?!\s*[:h]))?)"
    run = rf"{date}(?:\s*(?:-|to|till?|until|au?|al|hasta|and|et|y|e|الي|و)\s*{date})?"
    link = rf"(?:(?:{any_of(_LINKS)})\s*\b\s*)*"
    what = rf"(?:{any_of(HOLIDAYS)}|{run})"
    both = rf"{link}{what}(?:(?:\s*,\s*|\s*(?:and|et|y|e|&|و)\s*){link}{what})*"
    return rf"(?:{any_of((*_SHUT, *_BUT))})s?\s+{both}(?!\w)"


# --- reading ----------------------------------------------------------------------------------------------------


def hours_in(cell: str, countries: Sequence[str] = ()) -> SaidHours:
    """What people write: `Mon-Fri 9am-5pm`, `lun-ven 9h-12h30 14h-18h`, `weekdays 9:00-17:00, closed in August`.

    `countries`: where it is, for the days that offices are open are others in Cairo and in Calais. Raises ValueError
    where a word is left over that could change the meaning, and where it is not said which half of the day is meant
    (`9-5`).
    """
    line = _Line(cell)
    if _always().fullmatch(line.plain.strip()):
        return SaidHours("24/7")
    week = _Week(cell)
    parts = list(line.parts(countries))
    left = [part.text for part in parts if part.kind == "left"]
    parts = [part for part in parts if part.kind != "left"]
    kinds = [part.kind for part in parts]
    if not {"shut", "but"} & set(kinds) and kinds[:1] == ["times"] and kinds[-1] == "days":  # 9:00-17:00 Mon-Fri
        parts.reverse()
    for part in parts:
        week.hear(part)
    return SaidHours(week.told(), ", ".join(left))


def spans_in(cell: str) -> list[str]:
    """The times of one day, as `09:00-17:00`, of what people write: `9h-12h30 14h-18h`, `9am to 5pm`. Raises
    ValueError as `hours_in`."""
    parts = list(_Line(cell).parts())
    if any(part.kind != "times" for part in parts):
        raise ValueError(_unread(cell))
    return [span for part in parts for span in part.said]


class _Part(Struct, frozen=True):
    """A part of a line: which days as codes, or which times as spans."""

    kind: str
    said: list[str]
    text: str = ""


class _Line:
    """A line of hours in the letters in which it is read, and where in what was written each of them stands."""

    def __init__(self, cell: str) -> None:
        self._cell = " ".join(plain_figures(cell).split())
        if len(self._cell) > LONGEST:
            raise ValueError(_unread(cell))
        pieces = [plain(letter) for letter in self._cell]
        self._at = [at for at, piece in enumerate(pieces) for _ in piece]
        self.plain = "".join(pieces)

    def parts(self, countries: Sequence[str] = ()) -> Iterator[_Part]:
        """Raises ValueError for what is no part of a line of hours."""
        at = 0
        while at < len(self.plain):
            kind, found = next(((k, m) for k, p in _spoken().items() if (m := p.match(self.plain, at))), ("", None))
            if found is None or found.end() == at:
                raise ValueError(_unread(self._cell, self._written(at, len(self.plain))))
            at = found.end()
            match kind:
                case "days":
                    yield _Part(kind, self._run(found, countries))
                case "times":
                    yield _Part(kind, [_span(found, self._cell)])
                case "strokes":  # 9:00/13:00
                    yield _Part("times", [_span_of_strokes(found)])
                case "between":
                    continue
                case _:
                    yield _Part(kind, [], self._written(found.start(), at))

    def _written(self, start: int, end: int) -> str:
        return self._cell[self._at[start] : self._at[end - 1] + 1]

    def _run(self, found: re.Match[str], countries: Sequence[str]) -> list[str]:
        if found["every"]:
            return list(DAYS)
        if found["weekdays"] or found["weekend"]:
            shut = weekend_of(countries)
            if shut is None:
                raise ValueError(_of_no_country(self._cell, found[0]))
            return shut if found["weekend"] else [day for day in DAYS if day not in shut]
        if found["letter"]:
            begins, ends = _LETTERS.get((found["letter"], found["other"]), ("", ""))
            if not begins:
                raise ValueError(_unread(self._cell, found[0]))
            return _from_to(begins, ends)
        first = day_codes()[found["first"]]
        return _from_to(first, day_codes()[found["last"]] if found["last"] else first)


#: What S and M are beside other letters, where it is sure: L-S is lunes to sábado, M-F is Monday to Friday.
_LETTERS = {
    ("l", "s"): ("mo", "sa"), ("x", "s"): ("we", "sa"), ("j", "s"): ("th", "sa"), ("v", "s"): ("fr", "sa"),
    ("s", "d"): ("sa", "su"), ("l", "d"): ("mo", "su"), ("x", "d"): ("we", "su"), ("j", "d"): ("th", "su"),
    ("v", "d"): ("fr", "su"), ("m", "f"): ("mo", "fr"),
}  # fmt: skip


def _from_to(first: str, last: str) -> list[str]:
    begins, ends = DAYS.index(first), DAYS.index(last)
    return [DAYS[day % 7] for day in range(begins, ends + 1 if ends >= begins else ends + 8)]


class _Week(Struct):
    """The week as its parts are heard, one after the other. What could be of other days than it seems is refused."""

    cell: str
    _open: dict[str, list[str]] = field(default_factory=dict)
    _shut: set[str] = field(default_factory=set)
    _alone: set[str] = field(default_factory=set)  # days that were named by themselves, with times
    _days: list[str] = field(default_factory=list)
    _waits: bool = False  # days were named, and no times yet
    _of_all: bool = False  # there were times before any day was named
    _closes: str = ""  # it was said that it is shut, or that something is left out
    _hangs: bool = False  # and not yet what

    def hear(self, part: _Part) -> None:
        match part.kind:
            case "shut" if self._waits and not self._closes:  # Sat closed
                self._shut |= set(self._days)
                self._waits = False
            case "shut" | "but":
                self._refuse_if(self._hangs)
                self._closes, self._hangs = part.kind, True
            case "days" if self._closes:
                self._leave_out(part.said)
            case "days":
                self._refuse_if(self._of_all)
                self._days, self._waits = [*(self._days if self._waits else ()), *part.said], True
            case _:
                self._opens(part.said[0])

    def _refuse_if(self, unsure: object) -> None:
        if unsure:
            raise ValueError(_unread(self.cell))

    def _leave_out(self, days: Iterable[str]) -> None:
        """What is left out of days that still wait for their times is none of them: every day except Friday 9-17."""
        self._hangs = False
        if self._closes == "but" and self._waits:
            self._days = [day for day in self._days if day not in set(days)]
            self._closes = ""
        else:
            self._shut |= set(days)

    def _opens(self, span: str) -> None:
        self._refuse_if(self._hangs or (self._closes and self._days))  # a pause, or of which days?
        self._of_all = self._of_all or not self._days
        for day in self._days or DAYS:
            self._open.setdefault(day, []).append(span)
        if len(self._days) == 1:
            self._alone |= set(self._days)
        self._waits, self._closes = False, ""

    def told(self) -> str:
        if not self._open:
            raise ValueError(because("'{hours}' does not say at what times it is open", hours=self.cell[:80]))
        days = [day for day in DAYS if day in self._open and day not in self._shut]
        self._refuse_if(self._waits or self._hangs or self._alone & self._shut or not days)
        return "; ".join(f"{day} {' '.join(sorted(self._open[day]))}" for day in days)


# --- times ------------------------------------------------------------------------------------------------------


class _Clock(Struct, frozen=True):
    """A time as it was written: `half` is a or p where the half of the day was said."""

    hour: int
    minute: str
    half: str = ""
    on_24_hours: bool = False  # by its figures alone: 08, 0800, 17


#: A house opens at one of these in the afternoon rather than at night.
_SMALL_HOURS = range(1, 7)


def _span(found: re.Match[str], cell: str) -> str:
    """Two times, on a clock of 24 hours. `9-5` could be either half of the day, and so could `9am-5` and `2-6`."""
    opens, closes = _clock(found, "from", cell), _clock(found, "to", cell)
    sure = opens.on_24_hours or closes.on_24_hours
    half = opens.half
    if not half and closes.half and not opens.on_24_hours and opens.hour <= 12:  # 9-5pm, 1-5pm
        if closes.half == "a":
            raise ValueError(_of_either_half(cell, found[0]))
        half = "p" if opens.hour % 12 < closes.hour % 12 else "a"
    if not half and not closes.half and not sure and opens.hour in _SMALL_HOURS:
        raise ValueError(_of_either_half(cell, found[0]))
    begins, ends = _on_24_hours(opens, half), _on_24_hours(closes, closes.half)
    if not closes.half and ends <= begins and closes.hour <= 12 and (half or not sure):
        raise ValueError(_of_either_half(cell, found[0]))
    return f"{begins}-{ends}"


def _span_of_strokes(found: re.Match[str]) -> str:
    times = [found[number].rjust(5, "0") for number in (1, 2)]
    if minute_of(times[1]) <= minute_of(times[0]):
        raise ValueError(_unread(found.string, found[0]))
    return "-".join(times)


def _clock(found: re.Match[str], name: str, cell: str) -> _Clock:
    if found[f"{name}_noon"]:
        return _Clock(12, "00", "p")
    if found[f"{name}_midnight"]:
        return _Clock(12, "00", "a")
    if figures := found[f"{name}_4"]:
        return _Clock(int(figures[:2]), figures[2:], on_24_hours=True)
    written, said = found[f"{name}_h"], found[f"{name}_half"] or ""
    hour, half = int(written), "a" if re.match(f"a|{_BEFORE_NOON}", said) else "p" if said else ""
    in_arabic = said and not said.isascii()
    if half and not (1 <= hour <= 12 and not (in_arabic and hour == 12)):
        raise ValueError(_unread(cell, found[0]))
    return _Clock(hour, found[f"{name}_m"] or "00", half, on_24_hours=hour > 12 or written.startswith("0"))


def _on_24_hours(clock: _Clock, half: str) -> str:
    hour = clock.hour % 12 + (12 if half == "p" else 0) if half else clock.hour
    written = f"{hour:02d}:{clock.minute}"
    minute_of(written)  # 25:00 and 9:75 are no times
    return written


# --- why not ----------------------------------------------------------------------------------------------------


def _unread(cell: str, rest: str = "") -> str:
    return because(
        "'{hours}' is not read (from '{rest}' on): write hours like mo-fr 09:00-12:30 14:00-18:00; sa 09:00-12:00, "
        "and days it is shut under 'alert'",
        hours=cell[:80],
        rest=(rest or cell)[:40],
    )


def _of_either_half(cell: str, span: str) -> str:
    return because(
        "'{hours}' is not read: '{span}' may be by day or by night. Write 09:00-17:00, or 9am-5pm",
        hours=cell[:80],
        span=span.strip()[:40],
    )


def _of_no_country(cell: str, word: str) -> str:
    return because(
        "'{hours}' is not read: which days '{word}' are differs from country to country. Write the days",
        hours=cell[:80],
        word=word.strip()[:40],
    )
