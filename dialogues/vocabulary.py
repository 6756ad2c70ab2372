"""The words that our own examples are written in, and what is left of a question when no other word is.

A question that nobody understood says most to those who write the texts, and may say who asked: a name, a number, a
town. What stands in several examples of ours is common to everybody, so of a question these words may be shown, and
for each stretch of others a mark.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import yaml

from dialogues.kept import kept
from dialogues.knowledge.countries import is_country
from dialogues.knowledge.search import STOP_WORDS, fold

EXAMPLES = Path(__file__).with_name("nlu")
PLACES = EXAMPLES / "places.yml"

#: A word of one or two examples may be somebody's name there, too.
IN_EXAMPLES = 3
#: A name that our examples say often.
_NAMES = frozenset({"mohamed"})
#: "de" is a word before it is the code of a country.
SHORTEST_COUNTRY = 2
#: So many words tell what was meant; of fewer nothing can be learnt.
LEAST_WORDS = 3
MOST_WORDS = 40
LEFT_OUT = "…"

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_EXAMPLE = re.compile(r"^\s+- (.*)$", re.MULTILINE)
#: What an example marks as a place, an age or a name: `[Calais](place)`.
_MARKED = re.compile(r"\[[^\]]*\](?:\([^)]*\)|\{[^}]*\})")


def without_identity(words: str, language: str) -> str:
    """The words of `words` that are common in our examples, in their order; "" where they are too few to tell anything.

    Numbers, places and every word we do not know are left out.
    """
    known, shown = _vocabulary(language), list[str]()
    for found in re.finditer(rf"{_WORD.pattern}|\S", words):
        word = found[0]
        kept_word = word if fold(word) in known else LEFT_OUT if word[0].isalnum() else ""
        if kept_word and not (kept_word == LEFT_OUT and shown[-1:] == [LEFT_OUT]):
            shown.append(kept_word)
    shown = shown[:MOST_WORDS]
    return " ".join(shown) if sum(word != LEFT_OUT for word in shown) >= LEAST_WORDS else ""


@cache
def _vocabulary(language: str) -> frozenset[str]:
    files = sorted(EXAMPLES.glob(f"*.{language}.yml"))
    words = kept(f"words-{language}", list[str], [*files, PLACES, Path(__file__)], lambda: _read(files))
    return frozenset(words)


def _read(files: list[Path]) -> list[str]:
    counted: Counter[str] = Counter()
    for file in files:
        for example in _EXAMPLE.findall(file.read_text(encoding="utf-8")):
            counted.update({fold(word) for word in _WORD.findall(_MARKED.sub(" ", example))})
    named = _words_of_places() | _NAMES
    common = (word for word, count in counted.items() if count >= IN_EXAMPLES and word not in named)
    return sorted(word for word in common if len(word) <= SHORTEST_COUNTRY or not is_country(word))


def _words_of_places() -> set[str]:
    """Those that make an example hold a place, whatever the language."""
    entries = yaml.safe_load(PLACES.read_text(encoding="utf-8"))["nlu"]
    return {fold(word) for entry in entries for word in _WORD.findall(entry["examples"])} - STOP_WORDS
