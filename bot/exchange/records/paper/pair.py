"""What the paper of a copy says, once in each of two languages: the page that a browser prints and the PDF both say
exactly this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from bot.exchange.records.model import ABSENCES, FACTS, KINDS, SECTIONS, SEVERITIES, SOURCES, Copy, Entry
from bot.kernel.words import N_, direction

#: What the paper says beside the record, in both its languages.
PAPER: Mapping[str, str] = {
    "little": N_("This paper holds what the person chose to show. It may not be complete."),
    "made": N_("Made on {day} by {issuer}. Good until {until}."),
    "codes": N_("The codes hold the same, signed."),
    "some_codes": N_("The codes hold the most needed of it, signed."),
}


class Say(Protocol):
    """A sentence of ours in a language."""

    def __call__(self, language: str, sentence: str, /, **named: object) -> str: ...


class Line(Struct, frozen=True):
    """One line of a section. What stands there only sometimes is "" where it does not."""

    text: str
    severity: str = ""
    detail: str = ""
    when: str = ""
    source: str = ""
    by: str = ""


class Part(Struct, frozen=True):
    """A section. `empty` says why there is no line in it."""

    title: str
    lines: tuple[Line, ...]
    empty: str = ""


class Side(Struct, frozen=True):
    """All that the paper says, in one language."""

    language: str
    direction: str
    title: str
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def sides_of(copy: Copy, languages: Sequence[str], say: Say, *, codes: int, codes_left_out: bool) -> tuple[Side, ...]:
    """The paper of a copy in each of these languages; `codes` of them stand below."""
    return tuple(_side(copy, language, say, codes, codes_left_out) for language in languages)


def _side(copy: Copy, language: str, say: Say, codes: int, codes_left_out: bool) -> Side:
    record = copy.record
    facts = tuple(
        (say(language, fact.title), say(language, fact.choices[said]) if fact.choices else said)
        for fact in FACTS[record.kind]
        if (said := record.facts.get(fact.code))
    )
    parts = tuple(
        Part(
            say(language, section.title),
            tuple(_line(copy, one, language, say) for one in record.of(section.code)),
            "" if record.of(section.code) else say(language, ABSENCES[record.why_empty(section.code)]),
        )
        for section in SECTIONS[record.kind]
        if record.of(section.code) or section.required or section.code in record.absences
    )
    day, until = copy.made_at.strftime("%Y-%m-%d"), copy.until.strftime("%Y-%m-%d")
    notes = [
        say(language, PAPER["little"]),
        say(language, PAPER["made"], day=day, issuer=copy.issuer, until=until),
    ]
    if codes:
        notes.append(say(language, PAPER["some_codes" if codes_left_out else "codes"]))
    return Side(language, direction(language), say(language, KINDS[record.kind]), facts, parts, tuple(notes))


def _line(copy: Copy, one: Entry, language: str, say: Say) -> Line:
    record = copy.record
    second = bool(one.also) and language == record.second and language != record.language
    return Line(
        text=one.also if second else one.text,
        severity=say(language, SEVERITIES[one.severity]) if one.severity else "",
        detail=one.detail,
        when=one.when,
        source=say(language, SOURCES[one.source]),
        by=one.by,
    )
