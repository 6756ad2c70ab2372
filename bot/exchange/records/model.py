"""What a record that a child carries may hold, as data.

This list is all there is. Nothing of the case gets in but the facts and sections named here, so that a paper found in a
pocket never says whether its bearer asked for asylum, whom they fear, or who claims them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from bot.kernel.words import N_

LONGEST = 200
MOST_ENTRIES = 40


class Kind(StrEnum):
    """Which record. Each is made, asked about and carried by itself."""

    HEALTH = "health"
    SCHOOL = "school"


KINDS: Mapping[Kind, str] = MappingProxyType({Kind.HEALTH: N_("Health record"), Kind.SCHOOL: N_("School record")})
#: How long one may rely on a record: what is in a health record changes sooner.
LASTS: Mapping[Kind, timedelta] = MappingProxyType(
    {Kind.HEALTH: timedelta(days=365), Kind.SCHOOL: timedelta(days=5 * 365)}
)


class Source(StrEnum):
    """How one knows."""

    TOLD = "told"
    SEEN = "seen"
    EXAMINED = "examined"


SOURCES: Mapping[Source, str] = MappingProxyType(
    {
        Source.TOLD: N_("told by the child"),
        Source.SEEN: N_("a paper was seen"),
        Source.EXAMINED: N_("examined or tested"),
    }
)


class Topic(StrEnum):
    """What can hurt a child if a stranger reads it. It is left out unless it is chosen by itself."""

    HIV = "hiv"
    PREGNANCY = "pregnancy"
    MIND = "mind"
    SEXUAL_VIOLENCE = "sexual_violence"


TOPICS: Mapping[Topic, str] = MappingProxyType(
    {
        Topic.HIV: N_("HIV"),
        Topic.PREGNANCY: N_("Pregnancy"),
        Topic.MIND: N_("Mental health"),
        Topic.SEXUAL_VIOLENCE: N_("Sexual violence"),
    }
)


class Severity(StrEnum):
    """How grave an illness is, or what an allergy can do: who treats the child at night looks for this first."""

    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    LIFE_THREATENING = "life_threatening"


SEVERITIES: Mapping[Severity, str] = MappingProxyType(
    {
        Severity.MILD: N_("mild"),
        Severity.MODERATE: N_("moderate"),
        Severity.SEVERE: N_("severe"),
        Severity.LIFE_THREATENING: N_("can be life-threatening"),
    }
)


class Absence(StrEnum):
    """Why a section is empty. What was held back is not told from what nobody knows."""

    NONE = "none"
    UNKNOWN = "unknown"


ABSENCES: Mapping[Absence, str] = MappingProxyType(
    {Absence.NONE: N_("None known: it was asked"), Absence.UNKNOWN: N_("No information here")}
)


class Fact(Struct, frozen=True):
    """One thing about the person."""

    code: str
    title: str
    choices: Mapping[str, str] = field(default_factory=dict)
    is_date: bool = False


class Section(Struct, frozen=True):
    """A list in the record. `detail` is the title of what is said beside each entry."""

    code: str
    title: str
    detail: str
    required: bool = False  # of an International Patient Summary: if empty, it says why
    graded: bool = False  # whether a line says how grave it is


SEXES: Mapping[str, str] = MappingProxyType(
    {"female": N_("Female"), "male": N_("Male"), "other": N_("Another"), "unknown": N_("Not known")}
)
_NAME, _BORN = Fact("name", N_("Name")), Fact("born", N_("Date or year of birth"), is_date=True)

FACTS: Mapping[Kind, Sequence[Fact]] = MappingProxyType(
    {
        Kind.HEALTH: (_NAME, _BORN, Fact("sex", N_("Sex"), SEXES)),
        Kind.SCHOOL: (
            _NAME,
            _BORN,
            Fact("years", N_("Years at school")),
            Fact("grade", N_("Last grade")),
            Fact("taught_in", N_("Language of teaching")),
            Fact("support", N_("What helps when learning")),
        ),
    }
)
SECTIONS: Mapping[Kind, Sequence[Section]] = MappingProxyType(
    {
        Kind.HEALTH: (
            Section("problems", N_("Illnesses and conditions"), N_("More about it"), required=True, graded=True),
            Section("allergies", N_("Allergies"), N_("What happens"), required=True, graded=True),
            Section("medicines", N_("Medicines, by international name"), N_("Dose and how often"), required=True),
            Section("vaccines", N_("Vaccinations"), N_("Which dose")),
            Section("procedures", N_("Operations"), N_("More about it")),
            Section("devices", N_("Aids and implants"), N_("More about it")),
            Section("results", N_("Results"), N_("Value")),
        ),
        Kind.SCHOOL: (
            Section("schooling", N_("Schooling, year by year"), N_("Grade")),
            Section("subjects", N_("Subjects"), N_("Level")),
            Section("certificates", N_("Certificates"), N_("Given by")),
        ),
    }
)


#: What a child agreed to, as the ledger names it, and its title.
TITLES: Mapping[str, str] = MappingProxyType(
    {f"{kind}.{fact.code}": fact.title for kind in Kind for fact in FACTS[kind]}
    | {f"{kind}.{section.code}": section.title for kind in Kind for section in SECTIONS[kind]}
)


class WrongEntry(ValueError):
    """Something cannot be kept as it is. `place` is the fact or section; the text says what to do."""

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(sentence)
        self.place = place
        self.sentence = sentence


TOO_LONG = N_("Make this shorter.")
TOO_MANY = N_("There are too many lines in one list.")
NO_DATE = N_("Write a year, a month or a day: 2014, 2014-05 or 2014-05-31.")
NO_STATUS = N_("Leave out anything about asylum, papers, police or trafficking: anybody may read this record.")

_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
#: Words that say more of a child than a nurse or a teacher needs. In free words no list is complete; this is the net
#: below the form, which has no place for any of it.
_STATUS = re.compile(
    r"asylum|asile\b|\basilo\b|refugee|réfugié|refugiad|undocumented|sans[- ]papiers|indocumentad"
    r"|deportad|deportaci|deported|deportation|expulsad|expulsión"
    r"|residence permit|titre de séjour|permiso de residencia|traffick|traite des|trata de personas|smuggl"
    r"|لجوء|لاجئ|تهريب|الاتجار|ترحيل",
    re.IGNORECASE,
)


class Entry(Struct, frozen=True):
    """One line of a section. `also` says the same in the record's second language."""

    text: str
    also: str = ""
    detail: str = ""
    when: str = ""
    source: Source = Source.TOLD
    by: str = ""  # who saw or examined
    topic: Topic | None = None  # of the sheet alone: it never leaves the house
    severity: Severity | None = None

    def checked(self, place: str) -> Entry:
        """Itself, trimmed. Raises WrongEntry."""
        text, also, detail, when, by = (
            " ".join(each.split()) for each in (self.text, self.also, self.detail, self.when, self.by)
        )
        trimmed = replace(self, text=text, also=also, detail=detail, when=when, by=by)
        words = (trimmed.text, trimmed.also, trimmed.detail, trimmed.by)
        if any(len(each) > LONGEST for each in words):
            raise WrongEntry(place, TOO_LONG)
        if any(_STATUS.search(each) for each in words):
            raise WrongEntry(place, NO_STATUS)
        _must_be_date(place, trimmed.when)
        return trimmed


class Record(Struct, frozen=True):
    """What a record says: facts, entries, and why a section is empty. The sheet of a case and every copy are one."""

    kind: Kind
    language: str = "en"
    second: str = ""  # the language of every `also`
    facts: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    absences: Mapping[str, Absence] = field(default_factory=dict)

    def of(self, section: str) -> Sequence[Entry]:
        return self.entries.get(section, ())

    def why_empty(self, section: str) -> Absence:
        return self.absences.get(section, Absence.UNKNOWN)

    @property
    def is_empty(self) -> bool:
        return not (any(self.facts.values()) or any(self.entries.values()) or self.absences)

    def checked(self) -> Record:
        """Itself, trimmed, with nothing that has no place here. Raises WrongEntry."""
        facts = {}
        for fact in FACTS[self.kind]:
            value = " ".join(self.facts.get(fact.code, "").split())
            if len(value) > LONGEST:
                raise WrongEntry(fact.code, TOO_LONG)
            if _STATUS.search(value):
                raise WrongEntry(fact.code, NO_STATUS)
            if fact.is_date:
                _must_be_date(fact.code, value)
            if value and (not fact.choices or value in fact.choices):
                facts[fact.code] = value
        entries, absences = {}, {}
        for section in SECTIONS[self.kind]:
            said = [one if section.graded else replace(one, severity=None) for one in self.of(section.code)]
            lines = [one.checked(section.code) for one in said]
            kept = tuple(one for one in lines if one.text)
            if len(kept) > MOST_ENTRIES:
                raise WrongEntry(section.code, TOO_MANY)
            if kept:
                entries[section.code] = kept
            elif self.absences.get(section.code) is Absence.NONE:
                absences[section.code] = Absence.NONE
        return replace(self, facts=facts, entries=entries, absences=absences)

    def only(self, chosen: Collection[str]) -> Record:
        """The part that the child chose: codes of facts, and `section.number` of entries.

        A section of which nothing was chosen says that there is no information, and not that there is nothing.
        """
        entries = {}
        for section in SECTIONS[self.kind]:
            kept = [
                replace(one, topic=None)
                for number, one in enumerate(self.of(section.code))
                if f"{section.code}.{number}" in chosen
            ]
            if kept:
                entries[section.code] = tuple(kept)
        absences = {code: why for code, why in self.absences.items() if code in chosen}
        facts = {code: value for code, value in self.facts.items() if code in chosen}
        return replace(self, facts=facts, entries=entries, absences=absences)


def _must_be_date(place: str, value: str) -> None:
    if not value:
        return
    try:
        if not _DATE.fullmatch(value):
            raise ValueError(value)
        date.fromisoformat(value + "-01-01"[len(value) - 4 :] if len(value) < 10 else value)
    except ValueError:
        raise WrongEntry(place, NO_DATE) from None


class Copy(Struct, frozen=True):
    """A record as it leaves: what the child chose, when it was made, and until when one may rely on it."""

    id: str
    record: Record
    issuer: str  # our name as partners know it
    made_at: datetime

    @property
    def until(self) -> datetime:
        return self.made_at + LASTS[self.record.kind]


# As JSON, sealed in the database


def to_json(record: Record) -> dict[str, Any]:
    return {
        "kind": record.kind.value,
        "language": record.language,
        "second": record.second,
        "facts": dict(record.facts),
        "entries": {
            code: [
                {
                    "text": one.text,
                    "also": one.also,
                    "detail": one.detail,
                    "when": one.when,
                    "source": one.source.value,
                    "by": one.by,
                    "topic": one.topic.value if one.topic else None,
                    "severity": one.severity.value if one.severity else None,
                }
                for one in lines
            ]
            for code, lines in record.entries.items()
        },
        "absences": {code: why.value for code, why in record.absences.items()},
    }


def from_json(value: Mapping[str, Any]) -> Record:
    """The inverse, for what we wrote ourselves."""
    return Record(
        Kind(value["kind"]),
        value["language"],
        value["second"],
        dict(value["facts"]),
        {
            code: tuple(
                Entry(
                    one["text"],
                    one["also"],
                    one["detail"],
                    one["when"],
                    Source(one["source"]),
                    one["by"],
                    Topic(one["topic"]) if one["topic"] else None,
                    Severity(one["severity"]) if one.get("severity") else None,
                )
                for one in lines
            )
            for code, lines in value["entries"].items()
        },
        {code: Absence(why) for code, why in value["absences"].items()},
    )
