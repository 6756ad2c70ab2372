"""The words that our own examples are written in, and what is left of a question when no other word is.

A question that nobody understood says most to those who write the texts, and may say who asked: a name, a number, a
town. What stands in several examples of ours is common to everybody, so of a question these words may be shown, and
for each stretch of others a mark.
"""

from __future__ import annotations

import hashlib
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
#: Names, and words that are names too, which our examples have often; of some 300 that were looked for. Folded.
_NAMES = frozenset(
    {
        *("mohamed", "april", "june", "august", "luz", "cruz", "maximo"),
        *("كريم", "كامل", "امين", "ليلي", "ايه", "مني", "شمس", "باسم", "نجيب", "هادي"),
    }
)
#: After these words somebody is named, whatever else the name means. Folded.
_NAMING = frozenset(
    {
        *("name", "names", "named", "called"),
        *("appelle", "appelles", "s'appelle", "m'appelle", "nom", "prenom", "nomme", "nommee"),
        *("llama", "llamo", "llamas", "nombre", "apellido", "llamado", "llamada"),
        *("اسمه", "اسمها", "اسمي", "اسمك", "اسم", "واسمه", "واسمها", "يدعي", "تدعي"),
    }
)
_IS = frozenset({"is", "are", "est", "es", "هو", "هي"})
#: A first name and another.
_WORDS_OF_A_NAME = 2
#: "de" is a word before it is the code of a country.
SHORTEST_COUNTRY = 2
#: So many words tell what was meant; of fewer nothing can be learnt.
LEAST_WORDS = 3
MOST_WORDS = 40
#: What is kept is what its writer read, to the letter.
MOST_LETTERS = 300
LEFT_OUT = "…"

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_WORD_OR_SIGN = re.compile(rf"{_WORD.pattern}|\S")
_EXAMPLE = re.compile(r"^\s+- (.*)$", re.MULTILINE)
#: What an example marks as a place, an age or a name: `[Calais](place)`.
_MARKED = re.compile(r"\[[^\]]*\](?:\([^)]*\)|\{[^}]*\})")


def without_identity(words: str, language: str) -> str:
    """The words of `words` that are common in our examples, in their order; "" where they are too few to tell anything.

    Numbers, places and every word we do not know are left out.
    """
    known, shown, of_a_name = _vocabulary(language), list[str](), 0
    for found in _WORD_OR_SIGN.finditer(words):
        word = fold(found[0])
        if not found[0][0].isalnum():
            continue
        said = found[0] if word in known and (not of_a_name or word in _IS) else LEFT_OUT
        if said != LEFT_OUT or shown[-1:] != [LEFT_OUT]:
            shown.append(said)
        of_a_name = _WORDS_OF_A_NAME if word in _NAMING else of_a_name if word in _IS else max(0, of_a_name - 1)
    shown = shown[:MOST_WORDS]
    return " ".join(shown)[:MOST_LETTERS] if sum(word != LEFT_OUT for word in shown) >= LEAST_WORDS else ""


def mark_of_words(words: str) -> str:
    """Tells which words are meant without saying them, so short that a button can carry it: Telegram gives 64 bytes."""
    return hashlib.blake2b(words.encode(), digest_size=6).hexdigest()


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
