"""What days, months and holidays are called in the languages in which people write hours."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from babel import Locale

from directory.opening_hours import DAYS

#: The days as they are begun in English, French, Spanish, Italian, Portuguese and Arabic, Monday first. L, X, J, V and
#: D are days of the Romance languages: none in English begins so. M is two days, and S is two.
_DAY_NAMES = (
    ("mon", "mo", "lun", "seg", "segunda", "l", "الإثنين", "اثنين"),
    ("tues", "tue", "tu", "mar", "ter", "terca", "ثلاثاء"),
    ("wed", "we", "mer", "mie", "qua", "quarta", "x", "أربعاء"),
    ("thurs", "thur", "thu", "th", "jeu", "jue", "gio", "qui", "quinta", "j", "خميس"),
    ("fri", "fr", "ven", "vie", "sex", "sexta", "v", "جمعة"),
    ("sat", "sa", "sam", "sab", "سبت"),
    ("sun", "su", "dim", "dom", "d", "أحد"),
)
#: CLDR has the days whole in these; a word that is another day in another of them is none.
_WHOLE_IN = (
    "en", "fr", "es", "it", "pt", "ar", "de", "nl", "el", "tr", "pl", "ro", "hu", "hr", "sr", "sr_Latn", "bs", "mk",
    "bg", "sq", "uk", "ru", "fa", "so", "sw", "am", "ti",
)  # fmt: skip
#: And in these the beginnings that people write.
_BEGUN_IN = ("de", "el", "tr", "pl", "uk", "ru", "bg")
_MONTHS_IN = ("en", "fr", "es", "it", "pt", "ar", "ar_SY")

EVERY_DAY = (
    "daily", "every day", "everyday", "seven days a week", "7 days a week", "7 days", "7/7", "7j/7", "7 jours sur 7",
    "tous les jours", "todos los dias", "todos os dias", "tutti i giorni", "يوميا", "كل يوم",
)  # fmt: skip
#: The days on which offices are open there, whichever these are. Not `jours ouvrables`, `días laborables`, `giorni
#: feriali`: for some they have Saturday among them, for others not.
WEEKDAYS = (
    "weekdays", "weekday", "week days", "workdays", "working days", "en semaine", "jours ouvres", "entre semana",
    "dias habiles", "dias uteis", "ايام العمل",
)  # fmt: skip
WEEKEND = (
    "weekends", "weekend", "week end", "week ends", "week-end", "week-ends", "fin de semana", "fines de semana",
    "fine settimana", "fim de semana", "نهاية الأسبوع", "عطلة نهاية الأسبوع",
)  # fmt: skip
HOLIDAYS = (
    "holidays", "public holidays", "bank holidays", "national holidays", "official holidays", "school holidays",
    "jours feries", "feries", "vacances", "vacances scolaires", "festivos", "dias festivos", "feriados",
    "dias feriados", "vacaciones", "festivi", "giorni festivi", "العطل", "العطل الرسمية", "الأعياد", "أيام العطل",
    "christmas", "noel", "navidad", "natale", "natal", "easter", "paques", "ramadan", "رمضان",
)  # fmt: skip

#: Where offices are shut on Friday and Saturday, as CLDR has it; where it has another week, nobody is sure of it.
_FRIDAY_AND_SATURDAY = frozenset(("BH", "DZ", "EG", "IL", "IQ", "JO", "KW", "LY", "OM", "QA", "SA", "SD", "SY", "YE"))
_OTHER_WEEKS = frozenset(("AF", "BD", "BN", "DJ", "IN", "IR", "MR", "MV", "MY", "NP", "PS", "SO", "UG"))


def plain(text: str) -> str:
    """Without case, accents, marks and long dashes: what a day is called in is read, whoever typed it."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cf"))
    return bare.translate(_ALIKE)


_ALIKE = str.maketrans(
    {"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "ة": "ه", "ى": "ي", "،": ","}
    | {"ʼ": "'", "\u2019": "'"}
)


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longer first."""
    return "|".join(re.escape(plain(word)) for word in sorted(words, key=len, reverse=True))


@cache
def day_codes() -> dict[str, str]:
    """What the days are called, as `plain` leaves it, and which they are."""
    told: dict[str, set[str]] = {}
    for name, day in _of_cldr():
        told.setdefault(plain(name).strip(". "), set()).add(day)
    ours = {plain(name): DAYS[day] for day, names in enumerate(_DAY_NAMES) for name in names}
    return {name: days.pop() for name, days in told.items() if len(days) == 1} | ours


def _of_cldr() -> Iterator[tuple[str, str]]:
    for width, languages in (("wide", _WHOLE_IN), ("abbreviated", _BEGUN_IN)):
        for language in languages:
            for day, name in Locale.parse(language).days["format"][width].items():
                yield name, DAYS[day]
                yield name.removesuffix("-feira"), DAYS[day]


@cache
def month_names() -> frozenset[str]:
    """Whole: `mar` is a day."""
    return frozenset(
        plain(name) for language in _MONTHS_IN for name in Locale.parse(language).months["format"]["wide"].values()
    )


def weekend_of(countries: Iterable[str]) -> list[str] | None:
    """The days on which offices are shut in all of these countries. None where nobody can be sure."""
    weeks = {_weekend(country) for country in countries}
    week = weeks.pop() if len(weeks) == 1 else ()
    return list(week) or None


def _weekend(country: str) -> tuple[str, ...]:
    if country in _OTHER_WEEKS:
        return ()
    return ("fr", "sa") if country in _FRIDAY_AND_SATURDAY else ("sa", "su")
