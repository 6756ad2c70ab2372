"""Whether words ask a reader if they are safe: whoever asks that has to hear the answer."""

from __future__ import annotations

import re

_ASKS = {
    "en": re.compile(r"\bare you safe\b|\b1 for yes\b"),
    "fr": re.compile(r"\bes-tu en sécurité\b|\btu es en sécurité *\?|\b1 pour oui\b"),
    "es": re.compile(r"¿estás (?:a salvo|segur[ao])\b|\b1 para sí\b"),
    "ar": re.compile("هل أنتِ? (?:بأمان|في أمان|آمن)|1 لنعم"),
}


def asks_whether_safe(words: str, language: str) -> bool:
    return _ASKS[language].search(words.casefold()) is not None
