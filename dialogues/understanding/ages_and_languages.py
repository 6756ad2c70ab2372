"""Two small things a message tells: an age, and a language that somebody asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dialogues.runtime.model import Entity
from dialogues.understanding.around_places import without_prefixes
from dialogues.understanding.fold import fold, words

_AGE = re.compile(
    r"\b(?:(?:i am|im|aged?|edad|tengo|tiene|j'?ai|il a|elle a|agee? de|عمري|عمره|عمرها|3omri|3andi|tenho|miaka|мені)"
    r"\s*:?\s*(\d{1,2})\b"
    r"|(\d{1,2})\s*-?\s*(?:yo|yrs?|years?|y/o|ans?|anos?|anitos|سنه|سنين|سنوات|عام|sana|sne|yas\w*|jir|ساله\w*"
    r"|سال|рок\w+)\b)"
)

LANGUAGE_NAMES: Mapping[str, tuple[str, ...]] = {
    "en": ("english", "anglais", "ingles", "انجليزي", "انكليزي", "الانجليزيه", "انجليزيه", "inglizi", "englizi"),
    "fr": ("french", "francais", "frances", "francese", "فرنسي", "فرنسيه", "الفرنسيه", "fransi", "faransi"),
    "es": (
        "spanish", "espagnol", "espanol", "espanhol", "castellano", "اسباني", "اسبانيه", "الاسبانيه", "spanyoli",
        "isbani",
    ),
    "ar": ("arabic", "arabe", "arab", "عربي", "عربيه", "العربيه", "بالعربي", "arabi", "3arabi", "3rabi"),
}  # fmt: skip
_LANGUAGE_OF = {name: code for code, names in LANGUAGE_NAMES.items() for name in names}


def names_a_language(word: str) -> bool:
    return word in _LANGUAGE_OF


def find_ages(shown: str) -> list[Entity]:
    folded = fold(shown[:2000])
    found = _AGE.search(folded)
    if not found:
        return []
    age = int(found[1] or found[2])
    return [Entity("age", age)] if age <= 25 else []


def find_languages(shown: str) -> list[Entity]:
    for word in words(fold(shown[:300])):
        code = next((_LANGUAGE_OF[stem] for stem in without_prefixes(word) if stem in _LANGUAGE_OF), None)
        if code:
            return [Entity("language", code)]
    return []
