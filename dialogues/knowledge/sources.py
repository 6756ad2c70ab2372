"""The register of sources: the documents that texts rest on, and how a place in one is cited in each language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from dialogues.knowledge.front_matter import Complaints, Fields, lines_of
from dialogues.knowledge.model import (
    COMMA,
    LANGUAGES,
    Problem,
    Source,
    SourceStatus,
)
from dialogues.knowledge.overlays import (
    REGIONS,
    is_jurisdiction,
)

SOURCES_FILE = "sources.yml"

#: How a place in a document is cited: one article or several, one paragraph or several.
ARTICLES = {"en": ("art. {}",) * 2, "fr": ("art. {}",) * 2, "es": ("art. {}",) * 2, "ar": ("المادة {}", "المواد {}")}

PARAGRAPH_NUMBERS = {
    "en": ("para. {}", "paras {}"),
    "fr": ("par. {}",) * 2,
    "es": ("párr. {}", "párrs. {}"),
    "ar": ("الفقرة {}", "الفقرات {}"),
}


class RegisteredSource(Struct, frozen=True):
    """A document in the register of sources."""

    code: str
    documents: Mapping[str, str]
    organisations: Mapping[str, str]
    year: int
    status: SourceStatus
    year_status: SourceStatus
    about: Mapping[str, Mapping[str, str]]  # what an article or a range of them is about, by language
    holds_in: str  # ISO 3166-1 alpha-2 or a region; "" for everywhere


class Register(Struct, frozen=True, eq=False):
    """The register of sources as it was read. Two are the same only where they are one object."""

    sources: Mapping[str, RegisteredSource]
    problems: tuple[Problem, ...]


class CitedPlace(Struct, frozen=True):
    """A place in a registered document, before its words are chosen for a language."""

    code: str
    articles: str
    paragraphs: str
    status: SourceStatus | None  # None: as the document

    def resolve(self, register: Register, language: str) -> Source:
        source = register.sources[self.code]
        places, about = [], list[str]()
        for forms, numbers in ((ARTICLES[language], self.articles), (PARAGRAPH_NUMBERS[language], self.paragraphs)):
            if numbers:
                places.append(_cite(forms, numbers.replace(", ", COMMA[language])))
                about += [
                    f"{_cite(forms, number)}: {source.about[number][language]}"
                    for number in _one_by_one(numbers, source.about)
                ]
        return Source(
            code=self.code,
            document=source.documents[language],
            organisation=source.organisations[language],
            year=source.year,
            article=COMMA[language].join(places),
            status=self.status or source.status,
            year_status=source.year_status,
            about=tuple(about),
            holds_in=source.holds_in,
            language=language,
        )


def _one_by_one(numbers: str, known: Mapping[str, object]) -> list[str]:
    """The articles of "3, 34-36" of which something is known: a range as a whole, or each number in it."""
    found = []
    for part in (part.strip() for part in numbers.split(",")):
        first, _, last = part.partition("-")
        if part in known:
            found.append(part)
        elif first.isdigit() and last.isdigit():
            found += [number for number in map(str, range(int(first), int(last) + 1)) if number in known]
    return found


def _cite(forms: tuple[str, str], numbers: str) -> str:
    one, several = forms
    return (several if re.search("[,،-]", numbers) else one).format(numbers)


def register_of(folder: Path) -> Register:
    path = folder / SOURCES_FILE
    if path.is_file():
        return _read_register(path.read_bytes())
    return Register({}, (Problem(SOURCES_FILE, 1, "The register of sources is missing; put it there."),))


@lru_cache(maxsize=8)
def _read_register(content: bytes) -> Register:
    complaints = Complaints(SOURCES_FILE)
    sources: dict[str, RegisteredSource] = {}
    lines = lines_of(content, complaints)
    fields = None if lines is None else Fields.read("\n".join(lines), complaints, first_line=1)
    for code in fields.names() if fields else ():
        source = _read_registered(code, fields.mapping(code), complaints) if fields else None
        if source is not None:
            sources[code] = source
    return Register(sources, tuple(complaints.found))


def _read_registered(code: str, fields: Fields | None, complaints: Complaints) -> RegisteredSource | None:
    if fields is None:
        return None
    documents, organisations = read_languages(fields, "document"), read_languages(fields, "organisation")
    year = fields.number("year")
    status = fields.choice("status", SourceStatus)
    year_status = fields.choice("year_status", SourceStatus, default=SourceStatus.CONFIRMED)
    places = fields.mapping("about") if fields.has("about") else None
    about = {number: read_languages(places, number) for number in places.names()} if places else {}
    holds_in = fields.text("holds_in", required=False)
    fields.finish()
    if holds_in and not is_jurisdiction(holds_in):
        what = f"{holds_in!r} is no country and no region ({', '.join(REGIONS)}); correct it, or take it out."
        complaints.add(fields.line_of("holds_in"), what)
        return None
    named = (documents, organisations, *about.values())
    if status is None or year_status is None or any(len(names) < len(LANGUAGES) for names in named):
        return None
    return RegisteredSource(code, documents, organisations, year, status, year_status, about, holds_in)


def read_languages(fields: Fields, name: str) -> dict[str, str]:
    """A name in each language."""
    entry = fields.mapping(name)
    if entry is None:
        return {}
    values = {language: entry.text(language) for language in LANGUAGES}
    entry.finish()
    return {language: value for language, value in values.items() if value}


def read_places(fields: Fields, register: Register, complaints: Complaints) -> tuple[CitedPlace, ...]:
    places = []
    for entry in fields.mappings("sources"):
        code = entry.text("code")
        articles = entry.text("articles", required=False)
        paragraphs = entry.text("paragraphs", required=False)
        status = entry.choice("status", SourceStatus) if entry.has("status") else None
        entry.finish()
        if code and code not in register.sources:
            complaints.add(entry.line, f"The source {code!r} is not in {SOURCES_FILE}; add it there, or cite another.")
        places.append(CitedPlace(code, articles, paragraphs, status))
    return tuple(places)
