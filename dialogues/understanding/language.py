"""Which of our languages a message is in: the script first, then words and letters of our own training sentences.

A general detector was measured and left out: it costs 100 MB and knows neither Arabizi nor text slang.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dialogues.understanding.fold import fold, words
from dialogues.understanding.model import LANGUAGES

_WIDTH = 8192
#: As how often met counts what was never met in the language with most sentences.
_UNMET = 0.3
#: What is told apart: our languages, and those in Latin letters that are only heard. In them we cannot answer; who
#: writes Portuguese reads Spanish, and who writes Somali, Swahili or Turkish reads English rather than Arabic.
_ANSWERED_IN = {**dict(zip(LANGUAGES, LANGUAGES, strict=True)), "pt": "es", "so": "en", "sw": "en", "tr": "en"}
_TOLD_APART = tuple(_ANSWERED_IN)
#: Before a word is read: most who write in Latin letters write English, few write Arabizi. Order of _TOLD_APART.
_BEFORE = np.array([0.6, 0.2, 0.2, -1.0, -1.0, -1.0, -1.0, -1.0])
_ARABIC_LETTER = re.compile(r"[\u0620-\u064a\u0671-\u06d3\u06fa-\u06ff]")
_LATIN_LETTER = re.compile(r"[A-Za-z\u00c0-\u024f]")
_OTHER_LETTER = re.compile(
    r"[\u0370-\u05ff\u0700-\u1cff\u1f00-\u1fff\u2c00-\u2dff\u3040-\ud7ff\u0900-\u0dff\U00010000-\U0001efff]"
)
#: Letters that Persian, Urdu or Kurdish write and Arabic does not.
_NOT_ARABIC = re.compile(r"[پچژگکیےٹڈڑںھہڕڵۆێە]")


class Guess(Struct, frozen=True):
    """A language, and whether it is clear enough to change the language of a conversation."""

    language: str
    certain: bool


class LanguageModel:
    """Naive Bayes over words and letter groups, among languages in Latin letters (Arabizi is Arabic)."""

    def __init__(self, known: NDArray[np.int64], by_word: NDArray[np.float32], by_letters: NDArray[np.float32]):
        """`known`: the hashes of the words, in order. A dictionary of the words would take ten times the memory."""
        self._known = known
        self._by_word = by_word
        self._by_letters = by_letters

    def guess(self, text: str, otherwise: str | None = None) -> Guess:
        """The language of a message; `otherwise` (the conversation's) when it says too little."""
        arabic, latin = len(_ARABIC_LETTER.findall(text)), len(_LATIN_LETTER.findall(text))
        if len(_OTHER_LETTER.findall(text)) > arabic + latin:
            return Guess(otherwise or "en", certain=False)
        if arabic and arabic * 2 >= latin:
            foreign = len(_NOT_ARABIC.findall(text))
            certain = arabic >= 4 and foreign * 10 < arabic
            return Guess("ar" if certain or not otherwise else otherwise, certain)
        return self._guess_latin(fold(text), otherwise)

    def _guess_latin(self, folded: str, otherwise: str | None) -> Guess:
        tokens = [token for token in words(folded)[:60] if not token.isdigit()]
        if not tokens:
            return Guess(otherwise or "en", certain=False)
        known = self._rows_of(tokens)
        score = _BEFORE.copy()
        if known.size:
            score += self._by_word[known].sum(axis=0)
        codes = [code for token in tokens for code in _letters(token)]
        if codes:
            score += 0.35 * self._by_letters[codes].sum(axis=0)
        order = np.argsort(score)[::-1]
        best, margin = _TOLD_APART[int(order[0])], float(score[order[0]] - score[order[1]])
        certain = best in LANGUAGES and len(known) >= 3 and len(known) * 2 >= len(tokens) and margin > 4.0
        best = _ANSWERED_IN[best]
        return Guess(best if certain or not otherwise else otherwise, certain)

    def _rows_of(self, tokens: list[str]) -> NDArray[np.intp]:
        """Of those that are known."""
        if not self._known.size:
            return np.zeros(0, np.intp)
        asked = np.array([_hashed(token) for token in tokens], np.int64)
        rows = np.minimum(np.searchsorted(self._known, asked), self._known.size - 1)
        return np.compress(self._known[rows] == asked, rows)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        return {
            "language.known": self._known,
            "language.by_word": self._by_word.astype(np.float16),
            "language.by_letters": self._by_letters.astype(np.float16),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> LanguageModel:
        return cls(
            np.asarray(arrays["language.known"], dtype=np.int64),
            np.asarray(arrays["language.by_word"], dtype=np.float32),
            np.asarray(arrays["language.by_letters"], dtype=np.float32),
        )

    @classmethod
    def train(cls, sentences: Iterable[tuple[str, str]]) -> LanguageModel:
        """Learn from (text, language); sentences in Arabic letters teach nothing here."""
        column = {language: i for i, language in enumerate(_TOLD_APART)}
        by_word: dict[str, Counter[int]] = defaultdict(Counter)
        letters = np.zeros((_WIDTH, len(column)))
        totals = np.ones(len(column))
        for text, language in sentences:
            if _ARABIC_LETTER.search(text) or language not in column:
                continue
            for token in words(fold(text)):
                if token.isdigit():
                    continue
                by_word[token][column[language]] += 1
                totals[column[language]] += 1
                for code in _letters(token):
                    letters[code, column[language]] += 1
        in_order = sorted(by_word, key=_hashed)
        counts = np.zeros((len(in_order), len(column)))
        for row, word in zip(counts, in_order, strict=True):
            for which, count in by_word[word].items():
                row[which] += count
        return cls(
            np.array([*map(_hashed, in_order)], np.int64),
            _log_odds(counts, totals),
            _log_odds(letters, np.maximum(letters.sum(axis=0), 1.0)),
        )


def _log_odds(counts: NDArray[np.float64], totals: NDArray[np.float64]) -> NDArray[np.float32]:
    """What was never met speaks for no language, however few sentences it was learnt from."""
    logs = np.log((counts + _UNMET * totals / totals.max()) / totals)
    return np.asarray(logs - logs.mean(axis=1, keepdims=True), dtype=np.float32)


def _hashed(word: str) -> int:
    """The same in every process."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), signed=True)


@lru_cache(maxsize=4096)
def _letters(token: str) -> tuple[int, ...]:
    edged = f"^{token[:24]}$"
    return tuple(
        zlib.crc32(edged[i : i + size].encode("utf-8", "replace")) % _WIDTH
        for size in (2, 3, 4)
        for i in range(len(edged) - size + 1)
    )
