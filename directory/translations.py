"""Texts in other languages than the one they were written in."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

#: Who wrote a translation. What a machine wrote is a person's once a person has read it.
HUMAN, MACHINE = "human", "machine"


class Translation(Struct, frozen=True):
    """A field's text in one language. `source` says who wrote it."""

    language: str
    text: str
    source: str = HUMAN
    stale: bool = False  # what it was made from has changed since


Translations = tuple[Translation, ...]


def best(translations: Translations, language: str, own: Translation) -> Translation:
    """The text in the asked language, else in the language it was written in."""
    if own.language == language:
        return own
    return next((text for text in translations if text.language == language and text.text), own)


def best_fresh(translations: Translations, language: str, own: Translation) -> Translation:
    """As `best`, without translations of what it said before: one may send a child where nobody is taken in."""
    return best(tuple(text for text in translations if not text.stale), language, own)


def left_behind(before: Translations, after: Translations) -> Translations:
    """The translations of a text that has changed: those that did not change with it are marked."""
    was = {text.language: text.text for text in before}
    return tuple(_stale(text) if was.get(text.language) == text.text else text for text in after)


def over_those(before: Translations, said: Mapping[str, str]) -> Translations:
    """The translations with what is `said` in some languages; an empty text is none. What is said again stays as it
    was: who wrote it, and whether it is stale."""
    was = {text.language: text for text in before}
    kept = [text for text in before if text.language not in said]
    for language, text in said.items():
        same = was.get(language)
        if same is not None and same.text == text:
            kept.append(same)
        elif text:
            kept.append(Translation(language, text))
    return tuple(sorted(kept, key=str))


def read_by_a_person(texts: Translations, languages: set[str]) -> Translations:
    return tuple(Translation(text.language, text.text) if text.language in languages else text for text in texts)


def _stale(text: Translation) -> Translation:
    return Translation(text.language, text.text, text.source, stale=True)
