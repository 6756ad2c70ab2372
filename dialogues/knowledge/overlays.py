"""What differs in a country, laid over the common texts without copying them: an overlay a jurisdiction.

A variation adds a line to a section of one procedure, or takes the place of one of its lines. It has its own source
and its own dates; when it is no longer in force, the common text is what remains. A region such as the EU lies under
its countries: where both speak of the same line, the country does.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from babel import Locale
from msgspec import Struct
from msgspec.structs import replace

from dialogues.knowledge.countries import NO_COUNTRIES
from dialogues.knowledge.model import (
    LANGUAGES,
    ORIGINAL_LANGUAGE,
    LocalRule,
    Procedure,
    Source,
    TranslationState,
)

#: The member states. Denmark takes no part in the asylum and migration regulations (Protocol 22 to the EU Treaties),
#: which is all our overlay of the EU is about.
REGIONS: Mapping[str, frozenset[str]] = {
    "EU": frozenset(
        {
            *("AT", "BE", "BG", "HR", "CY", "CZ", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT"),
            *("LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE"),
        }
    ),
}


class LaidSection(StrEnum):
    """Where a variation may stand. First answers are never varied: they are what holds everywhere."""

    STEPS = "steps"
    TIME_LIMITS = "time_limits"
    DOCUMENTS = "documents"
    CONTACTS = "contacts"
    VARIES = "varies"  # not a line of its own kind, but said where the text speaks of differences


class Variation(Struct, frozen=True):
    """One line that is different in one jurisdiction."""

    procedure: str
    jurisdiction: str  # ISO 3166-1 alpha-2, or a region
    section: LaidSection
    replaces: int | None  # the line of the section whose place it is written to take, counted from 1; None: it is added
    place: int | None  # where that line stands now; None where it is gone too: then this is added
    astray: str  # what an editor must do where that line is no longer the one it was written for; "" where it is
    texts: Mapping[str, str]  # by language
    sources: Mapping[str, tuple[Source, ...]]  # by language
    valid_from: date
    valid_to: date | None
    review_due: date
    reviewer: str
    translated_from: str  # the fingerprint of the English its translations were made from
    file: str
    line: int
    about: str = ""  # what it speaks of, in one word: a country's line about it takes the place of its region's
    approved: bool = False  # an approver of this deployment let it out, whoever signed it

    @property
    def is_draft(self) -> bool:
        """Whether no expert has signed it and no approver let it out."""
        return not self.reviewer and not self.approved

    def in_force(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def overlaps(self, other: Variation) -> bool:
        """Whether there is a day on which both are in force."""
        return self.valid_from <= (other.valid_to or date.max) and other.valid_from <= (self.valid_to or date.max)

    def fingerprint(self) -> str:
        return hashlib.sha256(self.texts[ORIGINAL_LANGUAGE].encode()).hexdigest()[:16]

    def state(self) -> TranslationState:
        """Of its translations."""
        if self.translated_from != self.fingerprint():
            return TranslationState.OUTDATED
        return TranslationState.REVIEWED if self.reviewer else TranslationState.MACHINE_DRAFTED

    def rule(self, language: str) -> LocalRule:
        shown = (source for source in self.sources[language] if source.is_shown)
        return LocalRule(self.jurisdiction, self.section.value, self.texts[language], tuple(shown), self.place)


class Overlay(Struct, frozen=True):
    """All that is known to differ in one jurisdiction, and whom to ask there about the rest."""

    jurisdiction: str
    ask: Mapping[str, str]  # by language; reads after "Ask "
    variations: tuple[Variation, ...]


def mark_of_line(words: str) -> str:
    """Eight letters that change whenever the line does: a line is known by them, not by where it stands."""
    return hashlib.sha256(words.encode()).hexdigest()[:8]


def is_jurisdiction(code: str) -> bool:
    """Whether `code` names a country (ISO 3166-1 alpha-2) or a region we know the members of."""
    return code in REGIONS or (
        len(code) == 2 and code.isalpha() and code in Locale("en").territories and code not in NO_COUNTRIES
    )


def jurisdictions_of(country: str) -> tuple[str, ...]:
    """What lies over the common text there, the regions first and the country last."""
    return (*(region for region, members in REGIONS.items() if country in members), country)


class Overlays:
    """The overlays by jurisdiction."""

    def __init__(self, overlays: Iterable[Overlay] = ()) -> None:
        self._overlays = {overlay.jurisdiction: overlay for overlay in overlays}
        self._by_procedure: dict[tuple[str, str], list[Variation]] = defaultdict(list)
        for overlay in self._overlays.values():
            for variation in overlay.variations:
                self._by_procedure[overlay.jurisdiction, variation.procedure].append(variation)

    def all(self) -> tuple[Overlay, ...]:
        return tuple(self._overlays.values())

    def ask(self, country: str, language: str) -> str | None:
        """Whom to ask in a country, as far as an overlay of its own says so."""
        overlay = self._overlays.get(country)
        return None if overlay is None else overlay.ask[language]

    def rules(self, procedure: str, language: str, country: str, on: date) -> tuple[LocalRule, ...]:
        """What is known to differ there on that day, the region's before the country's."""
        return tuple(variation.rule(language) for variation in self._in_force(procedure, country, on))

    def elsewhere(self, procedure: str, language: str, on: date) -> tuple[LocalRule, ...]:
        """What is known to differ anywhere: for somebody of whom we do not know where they are."""
        return tuple(
            variation.rule(language)
            for overlay in sorted(
                self._overlays.values(), key=lambda o: (o.jurisdiction not in REGIONS, o.jurisdiction)
            )
            for variation in self._by_procedure.get((overlay.jurisdiction, procedure), ())
            if variation.in_force(on)
        )

    def lay(self, text: Procedure, country: str, on: date) -> Procedure:
        """`text` as it holds in `country` on that day. What was laid over it is in `local`."""
        variations = self._in_force(text.key, country, on)
        if not variations:
            return text
        outdated = text.translation_state is TranslationState.OUTDATED
        sections: dict[str, list[str]] = {
            name.value: list(getattr(text, name)) for name in LaidSection if name is not LaidSection.VARIES
        }
        for variation in variations:
            words = variation.texts[text.language]
            if variation.section is LaidSection.VARIES:
                continue
            lines, place = sections[variation.section], variation.place
            # An older translation has other lines: there the words are said beside them, in the place of none.
            if place is None or outdated or place > len(getattr(text, variation.section)):
                lines.append(words)
            else:
                lines[place - 1] = words
        values: dict[str, Any] = {name: tuple(lines) for name, lines in sections.items()}
        rules = tuple(variation.rule(text.language) for variation in variations)
        sources = dict.fromkeys((*text.sources, *(source for rule in rules for source in rule.sources)))
        newer_since = text.newer_since
        if newer_since is None and text.language != ORIGINAL_LANGUAGE:
            older = (v.valid_from for v in variations if v.state() is TranslationState.OUTDATED)
            newer_since = max(older, default=None)
        # It is as much let out as the least of its parts.
        signed = text.reviewer if all(variation.reviewer for variation in variations) else ""
        let_out = not text.is_draft and not any(variation.is_draft for variation in variations)
        return replace(
            text,
            **values,
            local=rules,
            sources=tuple(sources),
            newer_since=newer_since,
            reviewer=signed,
            approved=let_out,
        )

    def _in_force(self, procedure: str, country: str, on: date) -> list[Variation]:
        found: dict[tuple[str, int | str], Variation] = {}
        for jurisdiction in jurisdictions_of(country):
            for at, variation in enumerate(self._by_procedure.get((jurisdiction, procedure), ())):
                if variation.in_force(on):
                    # The country comes after its region, so that its line is the one that stays.
                    found[_spot(variation) or (jurisdiction, at)] = variation
        return list(found.values())


def _spot(variation: Variation) -> tuple[str, int | str] | None:
    """What one line of a jurisdiction may speak of at a time, None where a line only comes beside the others."""
    if variation.about:
        return "about", variation.about
    return None if variation.place is None else (variation.section, variation.place)


def shown_lines(variation: Variation) -> list[tuple[str, str]]:
    """Every language and what it says."""
    return [(language, variation.texts[language]) for language in LANGUAGES]
