"""What a reviewed text is: a procedure, where it comes from, and until when it may be shown.

Nothing here reads a file or asks the time. A text is in force on a date or it is not, and whoever shows one
must have asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dialogues.knowledge.placeholders import fill

LANGUAGES = ("en", "fr", "es", "ar")

#: The language texts are written in first; the others are translations of it.
ORIGINAL_LANGUAGE = "en"

#: What stands between the parts of a citation.
COMMA = {"en": ", ", "fr": ", ", "es": ", ", "ar": "، "}
COLON = {"en": ": ", "fr": " : ", "es": ": ", "ar": ": "}
SEMICOLON = {"en": "; ", "fr": " ; ", "es": "; ", "ar": "؛ "}

#: What a reader sees of a text below its title, in this order.
SECTION_NAMES = (
    "first_answer",
    "never",
    "steps",
    "why",
    "time_limits",
    "documents",
    "contacts",
    "varies",
    "red_flags",
)

#: A text that holds wherever no text of the country itself is in force.
INTERNATIONAL = "INT"


class Audience(StrEnum):
    """Whom a text speaks to. A child's version is another text, not a shorter one."""

    WORKER = "worker"
    CHILD = "child"


class Role(StrEnum):
    """Who typically asks; one word each, as the front matter has them."""

    BORDER_POLICE = "border_police"
    CHILD = "child"
    CULTURAL_MEDIATOR = "cultural_mediator"
    FAMILY = "family"
    GUARDIAN = "guardian"
    HEALTH = "health"
    IMMIGRATION = "immigration"
    LABOUR_INSPECTOR = "labour_inspector"
    LEGAL = "legal"
    POLICE = "police"
    RECEPTION = "reception"
    RED_CROSS = "red_cross"
    REGISTRAR = "registrar"
    SOCIAL_WORK = "social_work"
    TEACHER = "teacher"
    VOLUNTEER = "volunteer"


class SourceStatus(StrEnum):
    """Whether somebody has read the place that is cited. `NAMED`: the domain pack names it as law and marks it neither
    as seen nor as in doubt; people are told it, editors that nobody has read it there."""

    CONFIRMED = "confirmed"
    NAMED = "named"
    NEEDS_VERIFICATION = "needs-verification"


class TranslationState(StrEnum):
    """How far a text in this language can be trusted. `OUTDATED` is found, never written: the English moved on."""

    ORIGINAL = "original"
    MACHINE_DRAFTED = "machine-drafted"
    REVIEWED = "reviewed"
    OUTDATED = "outdated"


class Source(Struct, frozen=True):
    """A document a text rests on, and the place in it."""

    code: str  # short, as editors know it: "GC6"
    document: str  # in the language of the text
    organisation: str
    year: int
    article: str  # "articles 3, 12"; "" for the whole document
    status: SourceStatus
    year_status: SourceStatus = SourceStatus.CONFIRMED
    about: tuple[str, ...] = ()  # "art. 3: best interests of the child", article by article, as far as it is known
    holds_in: str = ""  # the one country or region in which it is law, "" where it holds anywhere
    language: str = ORIGINAL_LANGUAGE

    @property
    def is_shown(self) -> bool:
        """Whether people are told of it."""
        return self.status is not SourceStatus.NEEDS_VERIFICATION

    def citation(self) -> str:
        """One line for a reader. A year nobody has seen with the document is left out."""
        comma = COMMA[self.language]
        place = f"{comma}{self.article}" if self.article else ""
        year = f"{comma}{self.year}" if self.year_status is SourceStatus.CONFIRMED else ""
        return f"{self.document}{place} ({self.organisation}{year})"


class Withdrawal(Struct, frozen=True):
    """A text taken back. It is not shown from that day on, whatever its dates say."""

    on: date
    why: str


class LocalRule(Struct, frozen=True):
    """A line that holds in one country or region, in one language, with the sources somebody has read."""

    jurisdiction: str
    section: str
    words: str
    sources: tuple[Source, ...]
    replaces: int | None = None  # the line of the section whose place it takes, counted from 1; None: it is added


class Procedure(Struct, frozen=True):
    """One reviewed text in one language, for one audience, in one jurisdiction."""

    key: str
    language: str
    audience: Audience
    title: str
    first_answer: str  # with `never` at most 80 words (60 for a child): enough to act on at once
    never: str  # the one thing never to do, in one line
    steps: tuple[str, ...]  # without their numbers
    why: str
    time_limits: tuple[str, ...]
    documents: tuple[str, ...]
    contacts: tuple[str, ...]
    varies: str  # what differs from country to country
    red_flags: tuple[str, ...]  # each of them is a reason to call an officer
    sources: tuple[Source, ...]
    jurisdiction: str  # INTERNATIONAL or ISO 3166-1 alpha-2
    valid_from: date
    valid_to: date | None  # the last day on which it may be shown
    review_due: date
    reviewer: str  # "" while no named expert has signed it
    translation_state: TranslationState
    roles: tuple[Role, ...] = ()
    related: tuple[str, ...] = ()
    search_words: tuple[str, ...] = ()
    withdrawn: Withdrawal | None = None
    needs: tuple[str, ...] = ()  # what the directory is asked for when somebody wants the numbers
    newer_since: date | None = None  # of an outdated translation: the day from which the English says something else
    local: tuple[LocalRule, ...] = ()  # what was laid over it for a country; () as it stands in its file
    to_verify: tuple[str, ...] = ()  # for editors only: facts nobody has confirmed. Never show them.
    approved: bool = False  # an approver of this deployment let it out, whoever signed it
    no_childs_version: str = ""  # why there is honestly none to give; "" where there is one
    asks_safety: bool = False  # a child is asked whether they are safe: the answer "no" calls an officer

    @property
    def is_draft(self) -> bool:
        """Whether no expert has signed it and no approver let it out. It is shown, and says so."""
        return not self.reviewer and not self.approved

    def in_force(self, on: date) -> bool:
        """Whether it may be shown on that day."""
        if self.withdrawn is not None and on >= self.withdrawn.on:
            return False
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def review_overdue(self, on: date) -> bool:
        """Whether its review is late. It is still shown: no answer would be worse. Editors are told."""
        return on > self.review_due

    def shown_sources(self) -> tuple[Source, ...]:
        """The sources a reader may be given, what holds anywhere before law of one region."""
        shown = (source for source in self.sources if source.is_shown)
        return tuple(sorted(shown, key=lambda source: bool(source.holds_in)))

    def within(self, jurisdictions: Collection[str]) -> Procedure:
        """The text without the sources that are law elsewhere only."""
        held = tuple(source for source in self.sources if source.holds_in in ("", *jurisdictions))
        return self if held == self.sources else replace(self, sources=held)

    def filled(self, values: Mapping[str, str]) -> Procedure:
        """The text with its placeholders filled in, ready to be read. `values` has one for every placeholder."""
        local = tuple(replace(rule, words=fill(rule.words, values)) for rule in self.local)
        return replace(self.said_otherwise(lambda words: fill(words, values)), local=local)

    def said_otherwise(self, say: Callable[[str], str]) -> Procedure:
        """The text with every line of its sections passed through `say`."""
        values: dict[str, Any] = {name: getattr(self, name) for name in SECTION_NAMES}
        for name, value in values.items():
            values[name] = say(value) if isinstance(value, str) else tuple(say(item) for item in value)
        return replace(self, **values)

    def mark(self) -> str:
        """Sixteen letters that change whenever what a reader of it is told changes, in the country it was laid for."""
        said = "\n".join((self.shown_text(), *(rule.words for rule in self.local)))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def shown_text(self) -> str:
        """Everything of it that a reader can see, for searching and for checking."""
        lists = (self.steps, self.time_limits, self.documents, self.contacts, self.red_flags)
        lines = [self.title, self.first_answer, self.never, self.why, self.varies]
        return "\n".join(lines + [line for lines_of_section in lists for line in lines_of_section])


class Problem(Struct, frozen=True):
    """Something wrong with a text, where an editor can find it."""

    file: str  # relative to the folder of procedures
    line: int
    what: str  # a sentence that says what to do
    blocking: bool = True  # False: it may be released, but somebody should know

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {'' if self.blocking else 'note: '}{self.what}"


class BrokenProcedures(Exception):
    """Some files cannot be read as procedures. Carries every problem found, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))
