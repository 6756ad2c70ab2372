"""Messages word for word in English, in languages that the embedder knows little of.

The vector of a whole sentence in Somali or Kurmanji says little; "where child lawyer need" says what it is about. The
commonest words stand in `glossary.tsv`; what is not there is left out. The language is the one whose words these are:
half of the words must be known there, and two.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

from dialogues.understanding.fold import fold

WORDS = Path(__file__).with_name("glossary.tsv")
#: So many words of a message must be known, and so large a share of all.
_LEAST, _SHARE = 2, 0.5
#: The longest expression that stands there, in words.
_LONGEST = 3
#: The shortest beginning that is known, and how many letters may stand around what stands within a word.
_SHORTEST, _LONGEST_AROUND = 2, 8
#: Tigrinya writes "to", "by", "that" and the like onto the next word, as one sign.
_WRITTEN_ONTO = {"ti": "ንብዝክእ"}
_WORD = re.compile(r"[^\W_]+")
_TWICE = re.compile(r"([a-z])\1")
#: Letters that many keyboards have not, or that are written in two ways, as those that are written in their place.
_SPELLING = str.maketrans("ɓɗƙƴېۍئۀګټډړږژځڅښڼሠአፀፁፂፃፄፅፆሃ", "bdkyيييهكتدرزززسشنሰኣጸጹጺጻጼጽጾሀ", "'")


class Language(Struct, frozen=True):
    """The words of one language, each with its English."""

    whole: Mapping[str, str]
    beginnings: Mapping[str, str]  # written with * after them
    within: Mapping[str, str]  # written with * before them
    written_onto: str

    @classmethod
    def of(cls, name: str, words: Iterable[tuple[str, str]]) -> Language:
        """From words as they stand in `glossary.tsv` and their English; of two of one spelling the first is meant."""
        whole, beginnings, within = dict[str, str](), dict[str, str](), dict[str, str]()
        for written, english in words:
            kind = within if written.startswith("*") else beginnings if written.endswith("*") else whole
            kind.setdefault(" ".join(in_one_spelling(written)), english)
        return cls(whole, beginnings, within, _WRITTEN_ONTO.get(name, ""))

    def word_for_word(self, words: list[str]) -> tuple[list[str], int]:
        """The English of what is known, and how many of the words that are. Of two expressions the longer is meant."""
        english, known, at = list[str](), 0, 0
        while at < len(words):
            for length in range(min(_LONGEST, len(words) - at), 0, -1):
                if meant := self._english(" ".join(words[at : at + length])):
                    english.append(meant)
                    known += length
                    break
            at += length
        return english, known

    def _english(self, word: str) -> str | None:
        """Of a word, or of words that are one expression."""
        found = self.whole.get(word) or self._by_beginning(word) or self._within(word)
        if found is None and len(word) > _SHORTEST and word[0] in self.written_onto:
            return self._english(word[1:])
        return found

    def _by_beginning(self, word: str) -> str | None:
        """The longer a beginning, the longer what may follow it; of an expression only the last word goes on."""
        shortest = max(_SHORTEST, word.rfind(" ") + 2)
        for length in range(len(word), shortest - 1, -1):
            english = self.beginnings.get(word[:length])
            if english and len(word) - length <= 2 * (length - 1):
                return english
        return None

    def _within(self, word: str) -> str | None:
        """The longest that is in a word."""
        fits = [(len(stem), english) for stem, english in self.within.items() if stem in word]
        length, english = max(fits, default=(0, ""))
        return english if fits and " " not in word and len(word) - length <= _LONGEST_AROUND else None


class Glossary:
    """The languages of `glossary.tsv`."""

    def __init__(self, languages: Iterable[Language]) -> None:
        self._languages = tuple(languages)

    def english(self, text: str) -> str | None:
        """A message word for word; None where it is in none of these languages."""
        words = in_one_spelling(text)
        if len(words) < _LEAST:
            return None
        told, known = max((each.word_for_word(words) for each in self._languages), key=lambda found: found[1])
        return " ".join(told) if known >= max(_LEAST, _SHARE * len(words)) else None

    @classmethod
    def of(cls, lines: Iterable[str]) -> Glossary:
        """From lines of language, English and words, with tabs between."""
        words: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for line in lines:
            if line and line[0] != "#":
                language, english, written = line.split("\t")
                words[language] += [(word, english) for word in written.split(", ")]
        return cls(Language.of(name, told) for name, told in words.items())


@cache
def glossary() -> Glossary:
    """What is shipped."""
    return Glossary.of(WORDS.read_text(encoding="utf-8").splitlines())


def in_one_spelling(text: str) -> list[str]:
    """The words of a text, as they are looked up."""
    return _WORD.findall(_TWICE.sub(r"\1", fold(text).translate(_SPELLING)))
