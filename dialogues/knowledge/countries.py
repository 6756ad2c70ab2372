"""Countries as people write them in our four languages, and the way that a message tells through them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Final

from babel import Locale
from msgspec import Struct

from dialogues.knowledge import country_names as said
from dialogues.knowledge.model import LANGUAGES
from dialogues.knowledge.search import fold

#: Two letters that CLDR has a name for and that are no country.
NO_COUNTRIES: Final = frozenset({"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"})

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_PREFIX = re.compile("^(?:d'|l'|و?(?:ال|بال|لل|ل(?=ا)))")
#: What is written onto an Arabic name: "and", "to" and "in".
_WRITTEN_ON: Final = "ولب"
#: Between two names of a list; the second is as much on the way as the first.
_LISTED = re.compile(r"\s*(?:[,،;/]\s*)?(?:(?:and|then|et|puis|y|e|luego|ثم|و)\s+){0,2}(?:(?:the|la|le|el|los)\s+)?")
_ARROW = re.compile(r"\s*(?:→|⟶|⇒|->|=>|>|–|—|-)\s*(?:the\s+)?")
_CLAUSE = re.compile(r"[.!?؟:;؛،\n]|,(?!\s*(?:who|whom|qui|que|quien)\b)")
_LONGEST_NAME = 5  # words
_MOST_READ = 1000  # characters
_NEAR = 8  # words before a name that may say whose place it is


class _Part(Enum):
    """What a country is to the journey, by the word that stands before it."""

    BEGAN = 0
    ON_THE_WAY = 1
    REACHED = 2
    THERE = 3  # "in": a stop where the message tells of moving
    WORK = 4  # of whoever writes
    KIN = 5  # where somebody else lives
    BARE = 6


_STOPS = (_Part.BEGAN, _Part.ON_THE_WAY, _Part.REACHED, _Part.THERE)


class Way(Struct, frozen=True):
    """The countries (ISO 3166-1 alpha-2) of a message in the order of the journey, and names that nobody knows."""

    countries: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # as they are written, where a country was expected

    @property
    def is_journey(self) -> bool:
        return bool(self.countries) and len(self.countries) + len(self.unknown) > 1


class _Token(Struct, frozen=True):
    written: str
    plain: str  # folded, without the article written onto it
    folded: str
    start: int
    end: int


class _Named(Struct, frozen=True):
    code: str  # "": a name of no country we know
    at: int  # the first of its tokens
    length: int
    part: _Part


def country_name(code: str, language: str) -> str:
    """The name of a country (ISO 3166-1 alpha-2) or region as the language has it."""
    return str(Locale.parse(language).territories.get(code, code))


def countries_named(words: str) -> tuple[str, ...]:
    """The countries (ISO 3166-1 alpha-2) of the journey a message tells, in their order; () where it tells of none."""
    way = way_named(words)
    return way.countries if len(way.countries) > 1 else ()


def way_named(words: str, towns: Mapping[str, str] = MappingProxyType({})) -> Way:
    """The journey a message tells of: where it began, then what was on the way, then where it led.

    A country is a stop where a word says that somebody moved from, through, to or in it, or where it stands in a list
    with one. `towns`: further names of the message, as written, with their countries; "" where nobody knows.
    """
    words = words[:_MOST_READ]
    named = _named(words, towns)
    stops = [country for country in named if country.part in _STOPS]
    if not any(country.part in (_Part.REACHED, _Part.THERE) for country in stops):
        stops += [country for country in named if country.part is _Part.WORK]
    if not _tells_of_moving(words, stops):
        return Way()
    tokens = _tokens(words)
    # Python's sort keeps the order of what is equal.
    in_order = sorted(stops, key=lambda country: min(country.part.value, _Part.REACHED.value))
    countries = dict.fromkeys(country.code for country in in_order if country.code)
    unknown = dict.fromkeys(_as_written(country, tokens) for country in in_order if not country.code)
    return Way(tuple(countries), tuple(unknown))


def country_of_stay(words: str) -> str | None:
    """The one country a message is about, beside those that somebody came from or through; None if there are several.

    Where whoever writes works counts most, and a name with a word such as "in" before it more than a bare one.
    """
    named = [country for country in _named(words[:_MOST_READ], {}) if country.code]
    for parts in ((_Part.WORK,), (_Part.REACHED, _Part.THERE, _Part.KIN), (_Part.BARE,)):
        stays = {country.code for country in named if country.part in parts}
        if stays:
            return stays.pop() if len(stays) == 1 else None
    return None


def is_country(words: str) -> str | None:
    """The country (ISO 3166-1 alpha-2) that these words are the name of, and nothing else."""
    tokens = _tokens(words[:100])
    if not tokens:
        return None
    code, length, _ = _at(tokens, 0, {}, alone=True)
    return code if code and length == len(tokens) else None


def _tokens(words: str) -> list[_Token]:
    return [
        _Token(found.group(), _plain(found.group()), _folded(found.group()), found.start(), found.end())
        for found in _WORD.finditer(words)
    ]


def _named(words: str, towns: Mapping[str, str]) -> list[_Named]:
    """The names of countries in a message, in the order of its words, each with its part in the journey."""
    tokens = _tokens(words)
    known = {" ".join(token.plain for token in _tokens(town)): code for town, code in towns.items()}
    found: list[_Named] = []
    at = 0
    while at < len(tokens):
        code, length, attached = _at(tokens, at, known)
        if code is None and (unknown := _unknown_at(words, tokens, at, found)):
            code, length = "", unknown
        if code is not None:
            found.append(_Named(code, at, length, _part(words, tokens, at, attached, found)))
        at += length
    return _with_heads_of_lists(words, tokens, found)


def _part(words: str, tokens: list[_Token], at: int, attached: str, before: list[_Named]) -> _Part:
    part = _said_part(words, tokens, at, attached)
    if part is _Part.BARE and before and (listed := _gap(words, tokens, before[-1], at)):
        if _ARROW.fullmatch(listed):
            return _Part.REACHED
        if _LISTED.fullmatch(listed):
            return before[-1].part
    if part in (_Part.THERE, _Part.REACHED):
        return _whose(words, tokens, at) or part
    return part


def _said_part(words: str, tokens: list[_Token], at: int, attached: str) -> _Part:
    """By the word before the name, or by what is written onto it."""
    if attached in ("ل", "ب"):
        return _Part.REACHED if attached == "ل" else _Part.THERE
    if tokens[at].folded.startswith("d'"):
        return _Part.BEGAN
    if tokens[at].folded.startswith("لل"):
        return _Part.REACHED
    word = _word_before(words, tokens, at)
    parts = ((said.FROM, _Part.BEGAN), (said.THROUGH, _Part.ON_THE_WAY), (said.TO, _Part.REACHED))
    for these, part in (*parts, (said.IN, _Part.THERE)):
        if word in these:
            return part
    return _Part.BARE


def _word_before(words: str, tokens: list[_Token], at: int) -> str:
    """The word before a name and its article; "" where another clause lies between."""
    before = at - 1
    while before >= 0 and tokens[before].folded in said.ARTICLES:
        before -= 1
    if before < 0 or _CLAUSE.search(words, tokens[before].end, tokens[at].start):
        return ""
    return tokens[before].folded


def _whose(words: str, tokens: list[_Token], at: int) -> _Part | None:
    """WORK or KIN where the clause says that whoever writes works there or that a relative is there, else None."""
    clause: list[str] = []
    for before in range(at - 1, max(-1, at - 1 - _NEAR), -1):
        if _CLAUSE.search(words, tokens[before].end, tokens[before + 1].start):
            break
        clause.insert(0, tokens[before].folded)
    if any(word in said.WORKS for word in clause[-4:]):
        return _Part.WORK
    last_kin = max((at for at, word in enumerate(clause) if word.removeprefix("و") in said.KIN), default=None)
    if last_kin is None or any(map(_moves, clause[last_kin:])):
        return None
    goes_to_them = any(_moves(word) or word in said.TO for word in clause[max(0, last_kin - 3) : last_kin])
    return None if goes_to_them else _Part.KIN


def _with_heads_of_lists(words: str, tokens: list[_Token], found: list[_Named]) -> list[_Named]:
    """A list may begin bare: "Niger → Libya", "Honduras to the USA", "Niger, Libya, Italy"."""
    named = list(found)
    for at in range(len(named) - 2, -1, -1):
        first, second = named[at], named[at + 1]
        if first.part is not _Part.BARE:
            continue
        gap = _gap(words, tokens, first, second.at)
        if _ARROW.fullmatch(gap) or gap.strip().casefold() in said.TO:
            named[at] = _Named(first.code, first.at, first.length, _Part.BEGAN)
        elif found[at + 1].part is _Part.BARE and _LISTED.fullmatch(gap):
            named[at] = _Named(first.code, first.at, first.length, _Part.THERE)
            named[at + 1] = _Named(second.code, second.at, second.length, _Part.THERE)
    return named


def _tells_of_moving(words: str, stops: list[_Named]) -> bool:
    """Whether somebody moved between the stops: a verb says so, or where they came from and where they are."""
    parts = {stop.part for stop in stops}
    came_from = _Part.BEGAN in parts or _Part.ON_THE_WAY in parts
    if came_from and (len(stops) < 2 or len(parts) > 1):
        return True
    return any(_moves(token.folded) for token in _tokens(words))


def _moves(word: str) -> bool:
    return word in said.MOVE_WORDS or word.removeprefix("و").startswith(said.MOVES)


def _unknown_at(words: str, tokens: list[_Token], at: int, before: list[_Named]) -> int:
    """How many words here are a name that no list has, right after "to" and a name of the way; 0 for none.

    Capitals say that it is a name; a word all in capitals is rather an organisation.
    """
    if not before or _word_before(words, tokens, at) not in said.TO:
        return 0
    between = tokens[_ends(before[-1]) : at]
    if any(token.folded not in said.ARTICLES | said.TO for token in between):
        return 0
    length = 0
    while at + length < len(tokens) and _is_capital(tokens[at + length].written):
        if length and words[tokens[at + length - 1].end : tokens[at + length].start] != " ":
            break
        length += 1
    return length


def _is_capital(word: str) -> bool:
    return word[0].isupper() and not (len(word) > 1 and word.isupper())


def _at(tokens: list[_Token], at: int, towns: Mapping[str, str], *, alone: bool = False) -> tuple[str | None, int, str]:
    """The country named from this token on, "" for a name of none, None for no name; how many words it has; what is
    written onto it."""
    for length in range(min(_LONGEST_NAME, len(tokens) - at), 0, -1):
        name = " ".join(token.plain for token in tokens[at : at + length])
        for letters, attached in _without_what_is_written_on(name):
            code = towns.get(letters, _names().get(letters))
            if code is not None and ((alone and letters != "us") or _certain(letters, tokens, at)):
                return code, length, attached
    return None, 1, ""


def _without_what_is_written_on(name: str) -> Iterator[tuple[str, str]]:
    yield name, ""
    if len(name) > 3 and name[0] in _WRITTEN_ON:
        yield _PREFIX.sub("", name[1:]), name[0]
        if name[0] == "و" and len(name) > 4 and name[1] in _WRITTEN_ON:
            yield name[2:], name[1]


def _certain(name: str, tokens: list[_Token], at: int) -> bool:
    """Whether it is meant as a name: "us" is a country in capitals, or in "to the us"."""
    if name not in said.UNCERTAIN or tokens[at].written.isupper():
        return True
    before = tokens[at - 1].folded if at else ""
    return before in (said.CERTAIN_AFTER if name == "usa" else {"the"})


@cache
def _names() -> dict[str, str]:
    names = {" ".join(token.plain for token in _tokens(name)): code for name, code in said.OTHER_NAMES.items()}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in NO_COUNTRIES:
                names.setdefault(" ".join(token.plain for token in _tokens(name)), code)
    return names


def _gap(words: str, tokens: list[_Token], first: _Named, at: int) -> str:
    """What is written between a name and the token `at`."""
    return words[tokens[_ends(first) - 1].end : tokens[at].start]


def _ends(named: _Named) -> int:
    return named.at + named.length


def _as_written(named: _Named, tokens: list[_Token]) -> str:
    return " ".join(token.written for token in tokens[named.at : _ends(named)])


def _folded(word: str) -> str:
    return fold(word).replace("’", "'")


def _plain(word: str) -> str:
    return _PREFIX.sub("", _folded(word))
