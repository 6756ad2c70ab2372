"""Countries as people write them in our four languages, and which of them a question names."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

from dialogues.knowledge.model import LANGUAGES
from dialogues.knowledge.search import fold

#: Names that no locale has and everybody writes. Capitals count: "US" is a country, "us" is not.
_SHORT = {"USA": "US", "US": "US", "EEUU": "US", "UK": "GB"}

#: What stands before the country somebody came from, and before one they came through; folded.
_ORIGIN = frozenset({"from", "depuis", "du", "de", "desde", "من"})
_ON_THE_WAY = frozenset({"through", "via", "by", "par", "por", "عبر"})
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PREFIX = re.compile("^(?:d['’]|l['’]|و?(?:ال|بال|لل|ل(?=ا)))")
_LONGEST_NAME = 4  # words
_STAY = 2


def country_name(code: str, language: str) -> str:
    """The name of a country (ISO 3166-1 alpha-2) or region as the language has it."""
    return str(Locale.parse(language).territories.get(code, code))


def countries_named(words: str) -> tuple[str, ...]:
    """The countries (ISO 3166-1 alpha-2) a message names, in the order of the journey.

    That is the order of the words, except that a country after "from" comes first, and one after "through" next.
    """
    # Python's sort keeps the order of what is equal.
    return tuple(dict.fromkeys(code for _, code in sorted(_staged(words), key=lambda country: country[0])))


def country_of_stay(words: str) -> str | None:
    """The one country a message names, beside those that somebody came from or through; None if there are several."""
    stays = {code for stage, code in _staged(words) if stage == _STAY}
    return stays.pop() if len(stays) == 1 else None


def is_country(words: str) -> str | None:
    """The country (ISO 3166-1 alpha-2) that these words are the name of, and nothing else."""
    written = _WORD.findall(words[:100])
    if not written:
        return None
    code, length = _at(written, [_plain(word) for word in written], 0)
    return code if code and length == len(written) else None


def _staged(words: str) -> list[tuple[int, str]]:
    """The countries a message names, in the order of its words, each with the stage of the journey it stands for."""
    written = _WORD.findall(words[:1000])
    plain = [_plain(word) for word in written]
    found: list[tuple[int, str]] = []
    at = 0
    while at < len(plain):
        code, length = _at(written, plain, at)
        if code:
            found.append((_stage(written, at), code))
        at += length
    return found


def _stage(written: list[str], at: int) -> int:
    """0 for where a journey began, 1 for what was on the way, _STAY for the rest."""
    before = fold(written[at - 1]) if at else ""
    if before in _ORIGIN or fold(written[at]).startswith(("d'", "d’")):
        return 0
    return 1 if before in _ON_THE_WAY else _STAY


def _at(written: list[str], plain: list[str], at: int) -> tuple[str, int]:
    for length in range(min(_LONGEST_NAME, len(plain) - at), 0, -1):
        name = " ".join(plain[at : at + length])
        # "to France" is one word in Arabic
        code = _names().get(name) or (_names().get(name[1:]) if name.startswith("ل") else None)
        if code:
            return code, length
    return _SHORT.get(written[at], ""), 1


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "ZZ", "QO", "XA", "XB"}:
                names.setdefault(" ".join(_plain(word) for word in _WORD.findall(name)), code)
    return names


def _plain(word: str) -> str:
    return _PREFIX.sub("", fold(word))
