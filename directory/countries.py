"""The names of countries, in the languages people write, and how Arabic calls them in Latin letters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

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
    stripped = bare(fold(words[: LONGEST_NAME * 4]))
    return _countries().get(stripped) or _countries().get(without_prefix(stripped))


#: What Arabic calls countries, as it is typed in Latin letters.
_COUNTRIES_IN_ARABIZI = {
    "MA": "lmaghrib maghrib lmeghrib", "DZ": "dzayer ljazayer jazayer", "TN": "tounes", "LY": "libia liba lybia",
    "EG": "masr misr", "SD": "sodan soudan", "SY": "souria sourya suria", "LB": "lobnan lebnan loubnan",
    "JO": "ordon lordon elordon", "IQ": "3ira9 3iraq 3ira2", "PS": "falastin filistin", "DE": "almanya almania lalman",
    "FR": "fransa faransa", "IT": "italya talyan tilyan", "ES": "sbania spania sbanya spanya isbanya espanya", "TR": "turkya torkya",
    "GR": "lyounan younan yunan", "GB": "britanya ingiltra", "BE": "beljika baljika beljik", "NL": "holanda hollanda",
}  # fmt: skip
#: How people shorten the names of countries, or call them beside what CLDR has.
_COUNTRIES_IN_SHORT = {
    "BF": "burkina", "CD": "rdc drc", "CF": "centrafrique rca", "GB": "uk england angleterre inglaterra انكلترا",
    "US": "usa eeuu amerique", "AE": "emirats uae", "BA": "bosnie bosnia", "NL": "holland hollande holanda هولندا",
    "SA": "saudi saoudite", "TR": "turkey turquie turquia", "CZ": "czech tchequie", "MK": "macedonia macedoine",
    "DO": "dominicana",
}  # fmt: skip
#: In which languages the names of countries are known.
_COUNTRY_LANGUAGES = ("en", "fr", "es", "ar", "fa", "uk", "so", "sw", "pt", "tr")


@cache
def _countries() -> Mapping[str, Country]:
    """By their folded names, as CLDR has them. Read when somebody first names what is no known place: it takes 0.4 s,
    and no start waits."""
    from babel import Locale

    english = Locale("en").territories
    names: dict[str, Country] = {}
    for language in _COUNTRY_LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code in english:
                names.setdefault(fold(str(name)), Country(code, str(english[code])))
    for code, spellings in (*_COUNTRIES_IN_ARABIZI.items(), *_COUNTRIES_IN_SHORT.items()):
        for name in spellings.split():
            names.setdefault(name, Country(code, str(english[code])))
    return names


def and_its_country(written: str) -> tuple[str, str] | None:
    """A name and the code of the country that stands after it; None where none does."""
    words = written.split()
    for size in (3, 2, 1):  # of North Macedonia the last word is a name, too
        name = " ".join(words[:-size])
        if size > 1 and stands_around(words[-size:][0]):
            continue
        if name and not stands_around(bare(name)) and (named := country_named(" ".join(words[-size:]))):
            return name, named.code
    return None
