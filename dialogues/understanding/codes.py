"""Codes that people write among their words: bookings, papers, number plates, passwords, links.

Letters in no order are like no sentence that was reviewed, and the heads heard danger in every fifth of them. A code is
no word of any language, so whoever reads for meaning reads without it; the word lists read all of a message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dialogues.understanding.fold import fold

#: Links and addresses; numbers that are no amount, no year and no hour; and the run of letters and digits that may be
#: a code, with nothing else of its word around it.
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.-]+|\b[\w-]+(?:\.[\w-]+)+/\S*", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![\w.])(?:\+?\d{8,}|(?!(?:19|20)\d\d-(?:19|20)\d\d\b)\d{3,}-\d{3,})((?:[-/_]+[A-Za-z0-9]+)*)(?![^\W_])"
)
#: Digits alone may choose from a list, or be an age or a year; more of them are the number of something.
_NUMBERS = re.compile(r"[\s.,:;/+()#*-]*(?:\d[\s.,:;/+()#*-]*){5,}")
#: The payload of a button, typed by hand: its words are heard and its signs are not, and nothing in it is ever done.
_PAYLOAD = re.compile(r"/[a-z_]+(?:/[a-z_]+)?(?:@[0-9.]+)?(?:\{.*\})?", re.DOTALL)
_SIGNS = re.compile(r"[/_{}\[\]\":,@]+")
_PIECE = re.compile(r"(?<![^\W_])[A-Za-z0-9]+(?:[-_]+[A-Za-z0-9]+)*(?![^\W_])")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_EDGE = len(_ALPHABET)
_PLACES = np.array([_ALPHABET.find(chr(code)) % (_EDGE + 1) for code in range(128)], np.uint8)
#: Digits written for the letters that they look like: `k1ll`, `h3lp`.
_LIKE_LETTERS = str.maketrans("013457", "oieast")
#: Shorter ones say too little to be told from `14yo`, `mp3` or `m3a`.
_SHORTEST, _SHORTEST_WITHOUT_DIGITS = 5, 8
#: `15ans`, `600km`, `2nite`; `20h50`; `16-year-old`, `under-18s`.
_COUNTED = re.compile(r"\d{1,4}[a-z]+|\d{1,2}h\d{2}|(?:\d{1,2}|[A-Z]?[a-z]{2,})(?:-(?:\d{1,2}s?|[A-Z]?[a-z]{2,}))+")
#: So many digits are in no word that is written with digits for letters (Arabizi, `l7ou9ou9`), whatever their case.
_DIGITS_OF_A_CODE, _DIGITS_OF_A_SHOUTED_CODE = 4, 3
#: How much likelier than by chance one letter follows the other in a word, on average, in bits.
_LIKE_A_WORD, _LIKE_WORDS_IN_ONE = 0.0, 0.6


def is_number(text: str) -> bool:
    """Digits of any script and what is written between them, and neither letters nor signs, which may be a knife."""
    kinds = [unicodedata.category(each) for each in text]
    return "Nd" in kinds and all(kind[0] in "NPZC" or each == "+" for kind, each in zip(kinds, text, strict=True))


class Codes:
    """Tells codes from words, by the words there are and by how letters follow one another in them."""

    def __init__(self, known: Collection[str]) -> None:
        """`known`: words of all languages that are read, folded."""
        self._known = frozenset(known)
        plain = sorted(word for word in self._known if word.isascii() and word.isalnum() and not word.isdigit())
        self._follows = _follows(plain)

    def without(self, shown: str) -> str:
        """A message without its codes; "" where nothing else is in it, and where it is nothing but numbers.

        No word stands in their place: "number" there hid four of 206 crises.
        """
        if shown[1:].islower() and shown.isalpha():
            return shown
        if _PAYLOAD.fullmatch(shown):
            return _SIGNS.sub(" ", shown).strip()
        left = _NUMBER.sub(self._said_after, _ADDRESS.sub(" ", shown))
        shouted = self._is_shouted(left)
        left = _PIECE.sub(lambda found: " " if self._is_code(found.group(), shouted) else found.group(), left)
        if left == shown:
            return "" if _NUMBERS.fullmatch(shown) else shown
        return " ".join(word for word in left.split() if word.strip("-_")) if self._holds_a_word(left) else ""

    def _said_after(self, number: re.Match[str]) -> str:
        """What stands behind a number with a dash is of it, save words: `0155123456-mum`."""
        words = (part for part in re.split(r"[-/_]+", number[1]) if part.isalpha() and len(part) > 2)
        return f" {' '.join(filter(self._is_known, words))} "

    def _is_code(self, piece: str, shouted: bool) -> bool:
        letters, digits = _count(piece, str.isalpha), _count(piece, str.isdigit)
        rises = sum(a.islower() and b.isupper() for a, b in pairwise(piece))
        if not letters or letters + digits < (_SHORTEST if digits else _SHORTEST_WITHOUT_DIGITS):
            return False
        if self._is_known(piece) or _COUNTED.fullmatch(piece):
            return False
        if not digits:
            return rises > 1 and self._likeness(piece) < _LIKE_WORDS_IN_ONE  # HelpMePlease is words in one
        if digits >= _DIGITS_OF_A_CODE:
            return True
        if piece[1:].islower():  # also Sa3adouni
            return False
        if piece.isupper() and shouted:
            return digits >= _DIGITS_OF_A_SHOUTED_CODE
        return digits >= _DIGITS_OF_A_SHOUTED_CODE or self._likeness(piece) < _LIKE_A_WORD

    def _is_known(self, piece: str) -> bool:
        lower = piece.lower()
        return lower in self._known or lower.translate(_LIKE_LETTERS) in self._known

    def _likeness(self, piece: str) -> float:
        places = _places(re.sub(r"[-_]+", " ", piece.lower()))
        return float(self._follows[places[:-1], places[1:]].mean())

    def _is_shouted(self, text: str) -> bool:
        """Whether the words that have no digit are in capitals: then capitals say nothing of the others."""
        plain = [word for word in text.split() if word.isalpha()]
        return bool(plain) and all(word.isupper() for word in plain)

    def _holds_a_word(self, left: str) -> bool:
        """Whether more is left than scraps of a code."""
        return any(not word.isascii() or len(word) > 2 or word in self._known for word in fold(left).split())


def _count(text: str, what: Callable[[str], bool]) -> int:
    return sum(map(what, text))


def _follows(words: Collection[str]) -> NDArray[np.float64]:
    """By how many bits each letter is likelier after each other one than by chance."""
    seen = np.full((_EDGE + 1, _EDGE + 1), 0.5)
    places = _places(" ".join(words))
    np.add.at(seen, (places[:-1], places[1:]), 1)
    return np.asarray(np.log2(seen / seen.sum(axis=1, keepdims=True) * len(seen)), np.float64)


def _places(text: str) -> NDArray[np.uint8]:
    """For each letter which of the alphabet it is; what is between words, and the ends, are its edge."""
    return _PLACES[np.frombuffer(f" {text} ".encode("ascii"), np.uint8)]
