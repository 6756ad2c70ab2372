"""The names of countries, in the languages people write, and as people shorten them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

from directory.spelling import LONGEST_NAME, bare, fold, stands_around, without_prefix


class Country(Struct, frozen=True):
    code: str
    english: str


def country_in_english(words: str) -> str | None:
    """The English name of the country that `words` mean, in any of the languages people write; None otherwise."""
    named = country_named(words)
    return named.english if named else None


def country_named(words: str) -> Country | None:
    written = fold(words[: LONGEST_NAME * 4])
    stripped = bare(written)  # but Côte d'Ivoire begins like "beside"
    return _countries().get(written) or _countries().get(stripped) or _countries().get(without_prefix(stripped))


#: Names that CLDR has in the languages people write (en fr es ar fa uk so sw pt tr), folded, and what people call
#: countries beside these: short, or as Arabic has them in Latin letters. Babel holds 14 MB to tell the same.
COUNTRIES = Path(__file__).resolve().parent / "data" / "countries.csv"


@cache
def _countries() -> Mapping[str, Country]:
    with COUNTRIES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: Country(row["code"], row["english"]) for row in rows for name in row["called"].split("|")}


def and_its_country(written: str) -> tuple[str, str] | None:
    """A name and the code of the country that stands after it; None where none does."""
    words = written.split()
    for size in (3, 2, 1):  # of North Macedonia the last word is a name, too
        name, last = " ".join(words[:-size]), words[-size:]
        if not name or stands_around(bare(name)) or (size > 1 and stands_around(last[0])):
            continue
        if named := country_named(" ".join(last)):
            return name, named.code
    return None


#: In which countries a language that we answer in is spoken every day: towns there are likelier named in it.
_SPOKEN_IN: Mapping[str, frozenset[str]] = {
    language: frozenset(countries.split())
    for language, countries in {
        "en": "GB IE US CA AU NZ MT NG GH KE UG ZA GM SL LR ZM",
        "fr": "FR BE CH LU MC DZ MA TN SN ML CI GN BF NE TG BJ CM TD GA CG CD MR DJ YT RE GP MQ GF HT",
        "es": "ES MX GT HN SV NI CR PA CU DO CO VE EC PE BO CL AR UY PY PR GQ EH",
        "ar": "DZ MA TN LY EG SD MR SY IQ JO LB PS YE SA AE OM QA KW BH EH TD DJ SO",
    }.items()
}


def spoken_where(written: str, language: str) -> frozenset[str]:
    """The countries in which a language is spoken. Only of a name in Latin letters: who writes in their own script
    writes so of every place in the world."""
    return _SPOKEN_IN.get(language, frozenset()) if written.isascii() else frozenset()
