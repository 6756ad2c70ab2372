"""Which lines laid over a text cannot both be followed: two of one country, or one of a country and one of its region.

Two lines that want the same place are found for certain. Whether two that stand beside one another speak of the same
thing, only their English words can say: nearly the same words with another figure, with another name, or with a "not"
in one of them. What is refused wrongly can always be said in one line, or with an `about` of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import Enum

from msgspec import Struct

from dialogues.knowledge.model import ORIGINAL_LANGUAGE, Problem
from dialogues.knowledge.overlays import REGIONS, LaidSection, Overlay, Variation
from dialogues.knowledge.search import STOP_WORDS, fold


class How(Enum):
    """What is the same of two lines that say different things."""

    LINE = "line"
    SUBJECT = "subject"
    WORDS = "words"


class Contradiction(Struct, frozen=True):
    """Two lines of which a reader could follow one only."""

    first: Variation
    second: Variation  # where an editor is told of it: the later line, or that of the country
    how: How

    def problem(self) -> Problem:
        first, second = self.first, self.second
        here = first.file == second.file
        contradicted = f"line {first.line}" if here else f"{first.file}, line {first.line}"
        instead = "Keep one, or end the first with `valid_to`."
        if self.how is How.LINE:
            same = f"both take the place of {second.section.value} {second.replaces} of {second.procedure!r}"
        elif self.how is How.SUBJECT:
            same = f"both are about {second.about!r} of {second.procedure!r}"
        else:
            words, others = first.texts[ORIGINAL_LANGUAGE], second.texts[ORIGINAL_LANGUAGE]
            same = f"{words!r} and {others!r} hold for {second.procedure!r}"
            instead = (
                "Keep one, end the first with `valid_to`, or say both in one line. Where they are no rules for the "
                "same thing, give each an `about` of its own."
                if here
                else f"If {second.jurisdiction} has a rule of its own, give both lines the same `about`: then it takes "
                "the other's place. Where they are no rules for the same thing, give each one of its own."
            )
        return Problem(second.file, second.line, f"This contradicts {contradicted}: {same} at the same time. {instead}")


#: So much of the shorter line must be in the other where the figures differ; so much where a name or a "not" does.
SAME_THING = 0.5
SAME_WORDS = 0.75

_TO_TWENTY = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
_TENS = {"thirty": "30", "forty-eight": "48", "sixty": "60", "seventy-two": "72", "ninety": "90"}
_NUMBERS = {word: str(number) for number, word in enumerate(_TO_TWENTY.split())} | _TENS
_AT_ONCE = re.compile(r"\b(?:at once|immediately|without delay|straight away|on the same day|the same day)\b")
_FIGURE = re.compile(r"(?<![\w-])\d+(?:[.,]\d+)*(?![\w])")
_NAME = re.compile(r"(?<=[^.!?:]\s)[A-Z][\w.-]*|\b[A-Z]{2,}\b|\b[A-Z]+-\d+\b")
_DENIES = frozenset({"not", "no", "never", "nobody", "without", "cannot"})
#: Words that say of no line what it is about.
_OF_EVERY_LINE = """
    h hour hours day days working week weeks month months year years minute minutes most least
    after before until within also when while only
"""
_EMPTY = STOP_WORDS | _DENIES | _NUMBERS.keys() | set(_OF_EVERY_LINE.split())
#: Of whom to call and which papers to have there may be several: another name is no other rule.
_LISTS = frozenset({LaidSection.CONTACTS, LaidSection.DOCUMENTS})


class _Said(Struct, frozen=True):
    """A line by what can differ in it, and the words of what it is about."""

    figures: frozenset[str]
    names: frozenset[str]
    denies: bool
    words: frozenset[str]


def contradictions(overlays: Iterable[Overlay]) -> list[Contradiction]:
    """Within each overlay, and between that of a country and that of its region."""
    overlays = tuple(overlays)
    by_code = {overlay.jurisdiction: overlay for overlay in overlays}
    found = []
    for overlay in overlays:
        for lines in _by_procedure(overlay).values():
            pairs = ((first, second) for at, second in enumerate(lines) for first in lines[:at])
            found += [c for first, second in pairs if (c := _within(first, second)) is not None]
    for region, members in REGIONS.items():
        if region not in by_code:
            continue
        above = _by_procedure(by_code[region])
        for country in sorted(members & by_code.keys()):
            for procedure, lines in _by_procedure(by_code[country]).items():
                found += list(_between(above.get(procedure, []), lines))
    return found


def _within(first: Variation, second: Variation) -> Contradiction | None:
    if not first.overlaps(second):
        return None
    if _same_line(first, second):
        return Contradiction(first, second, How.LINE)
    if first.about and first.about == second.about:
        return Contradiction(first, second, How.SUBJECT)
    return Contradiction(first, second, How.WORDS) if _says_otherwise(first, second) else None


def _between(above: Iterable[Variation], lines: Iterable[Variation]) -> Iterator[Contradiction]:
    """A line of a country that takes the place of the region's has the last word; one beside it must agree with it."""
    lines = tuple(lines)
    for first in above:
        taking = [line for line in lines if _same_line(first, line) or (first.about and first.about == line.about)]
        for second in lines:
            covered = any(line.overlaps(second) for line in taking)
            if not first.overlaps(second) or covered:
                continue
            if _says_otherwise(first, second) or _are_two_limits(first, second):
                yield Contradiction(first, second, How.WORDS)


def _are_two_limits(first: Variation, second: Variation) -> bool:
    """Whether a country has a limit beside its region's, and does not say of what: in quite other words it may be the
    same one. Only limits are held against each other without a word in common: of two, a reader counts on the wrong."""
    if second.about or {first.section, second.section} != {LaidSection.TIME_LIMITS}:
        return False
    one, other = _said(first.texts[ORIGINAL_LANGUAGE]).figures, _said(second.texts[ORIGINAL_LANGUAGE]).figures
    return bool(one and other and one != other)


def _same_line(first: Variation, second: Variation) -> bool:
    line = first.place or first.replaces
    return line is not None and (first.section, line) == (second.section, second.place or second.replaces)


def _by_procedure(overlay: Overlay) -> dict[str, list[Variation]]:
    lines = defaultdict[str, list[Variation]](list)
    for variation in overlay.variations:
        lines[variation.procedure].append(variation)
    return lines


def _says_otherwise(first: Variation, second: Variation) -> bool:
    """Whether they speak of the same thing and differ in it. Who gave both an `about` says that they do not."""
    if first.about and second.about:
        return False
    one, other = _said(first.texts[ORIGINAL_LANGUAGE]), _said(second.texts[ORIGINAL_LANGUAGE])
    shared, shorter = len(one.words & other.words), min(len(one.words), len(other.words))
    nearly_same = shared >= max(1, SAME_WORDS * len(one.words | other.words))
    others_named = bool(one.names and other.names) and one.names.isdisjoint(other.names)
    if one.figures and other.figures and one.figures != other.figures:
        return nearly_same or (not others_named and shared >= max(1, SAME_THING * shorter))
    if one.denies != other.denies:
        return shared >= max(2, SAME_WORDS * shorter)
    if not nearly_same:
        return False
    if one.names == other.names:
        return one.words == other.words  # said twice
    listed = first.section in _LISTS and second.section in _LISTS
    return others_named and not listed


def _said(line: str) -> _Said:
    names = frozenset(fold(name).strip(".") for name in _NAME.findall(line))
    plain = _AT_ONCE.sub(" 0 ", fold(line))
    words = re.findall(r"[\w-]+", plain)
    figures = {*_FIGURE.findall(plain), *(_NUMBERS[word] for word in words if word in _NUMBERS)}
    about = {word.removesuffix("s") for word in words if word not in _EMPTY | names and not word.isdigit()}
    return _Said(frozenset(figures), names, not _DENIES.isdisjoint(words), frozenset(about))
