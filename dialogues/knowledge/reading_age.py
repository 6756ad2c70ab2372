"""How old one must be to read a text: years of school and five, by the length of its sentences and of its words.

Every language has its own formula, made for its own words: Flesch-Kincaid for English; for French and Spanish the
ease of Kandel and Moles and of Fernández Huerta, carried over to the same scale. Arabic has no formula anybody agrees
on, so there only long words and long sentences count. All of them are rules of thumb: a child is the test.
"""

from __future__ import annotations

import re

#: The most a child's text may ask for: a child in the middle of being eight.
CHILD_READS_AT = 8.5

_SENTENCE = re.compile(r"[.!?؟:;؛][\"»”)]*(?:\s|$)|\n")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_VOWELS = {
    "en": re.compile(r"[aeiouy]+"),
    "fr": re.compile(r"[aeiouyàâäéèêëîïôöùûüÿœæ]+"),
    "es": re.compile(r"[aeiouáéíóúü]+"),
}
_SILENT_END = {"en": re.compile(r"(?<=[^aeiouyl])e$"), "fr": re.compile(r"(?:es?|ent)$")}


def reading_age(text: str, language: str) -> float:
    """The age in years from which `text` can be read alone, 5.0 at the least. 5.0 for a text without words."""
    sentences = [words for part in _SENTENCE.split(text) if (words := _WORD.findall(part.casefold()))]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return 5.0
    per_sentence = len(words) / len(sentences)
    if language == "ar":
        letters = sum(len(word) for word in words) / len(words)
        return round(max(5.0, 5.0 + 0.39 * per_sentence + 1.6 * (letters - 4.5)), 1)
    per_word = sum(_syllables(word, language) for word in words) / len(words)
    return round(max(5.0, 5.0 + _grade(language, per_sentence, per_word)), 1)


def _grade(language: str, per_sentence: float, per_word: float) -> float:
    if language == "en":
        return 0.39 * per_sentence + 11.8 * per_word - 15.59
    if language == "fr":
        return _grade_of_ease(207 - 1.015 * per_sentence - 73.6 * per_word)
    return _grade_of_ease(206.84 - 1.02 * per_sentence - 60 * per_word)


def _grade_of_ease(ease: float) -> float:
    """The year of school. At 90 the easiest band of both formulas begins, which we take for the third year."""
    return (120 - ease) / 10


def _syllables(word: str, language: str) -> int:
    silent = _SILENT_END.get(language)
    spoken = silent.sub("", word) if silent and len(word) > 3 else word
    return max(1, len(_VOWELS[language].findall(spoken)))
