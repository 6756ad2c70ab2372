"""Reads one text from its file: its front matter, its sections, and what it takes over from the text it rests on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dialogues.knowledge.body import HEADINGS, PARAGRAPHS, Section, read_body
from dialogues.knowledge.front_matter import Complaints, Fields, lines_of, markup
from dialogues.knowledge.model import (
    INTERNATIONAL,
    LANGUAGES,
    ORIGINAL_LANGUAGE,
    Audience,
    Problem,
    Procedure,
    Role,
    TranslationState,
    Withdrawal,
)
from dialogues.knowledge.overlays import is_jurisdiction
from dialogues.knowledge.placeholders import PLACEHOLDERS, placeholders, strange_braces
from dialogues.knowledge.sources import CitedPlace, Register, read_places
from directory.model import NEEDS

FILE_NAME = re.compile(rf"(?:(?P<child>child)\.)?(?:(?P<country>[A-Z]{{2}})\.)?(?P<language>{'|'.join(LANGUAGES)})\.md")

KEY = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
OVERLAYS_FOLDER = "overlays"
#: Names of what lies beside the texts, at the desk as in the folder.
NO_KEYS = frozenset({OVERLAYS_FOLDER, "gaps"})

REQUIRED_SECTIONS: dict[Audience, tuple[str, ...]] = {
    Audience.WORKER: (
        "first_answer",
        "never",
        "steps",
        "why",
        "time_limits",
        "documents",
        "contacts",
        "varies",
        "red_flags",
    ),
    Audience.CHILD: ("first_answer", "never", "steps"),
}

IN_THE_ENGLISH = " It is read from the English text, so that it cannot differ from it."


class WrittenState(StrEnum):
    """The states a person may write; the others are found."""

    MACHINE_DRAFTED = TranslationState.MACHINE_DRAFTED.value
    REVIEWED = TranslationState.REVIEWED.value


#: As long as the register of what was asked in vain can hold.
LONGEST_KEY = 60


class TextName(Struct, frozen=True):
    """What a file's place says about the text in it: `child.IT.ar.md` in the folder of its key."""

    key: str
    language: str
    audience: Audience
    jurisdiction: str

    def rests_on(self) -> TextName | None:
        """A translation rests on the English, a child's version on the workers' text; that one on nothing."""
        if self.language != ORIGINAL_LANGUAGE:
            return replace(self, language=ORIGINAL_LANGUAGE)
        return replace(self, audience=Audience.WORKER) if self.audience is Audience.CHILD else None


def name_of(file: str) -> TextName | None:
    """What a text is by its place, `missing_child/child.IT.ar.md`; None where no text can stand."""
    key, _, name = file.partition("/")
    parts = FILE_NAME.fullmatch(name)
    if parts is None or not KEY.fullmatch(key) or key in NO_KEYS or len(key) > LONGEST_KEY:
        return None
    if parts["country"] and not is_jurisdiction(parts["country"]):
        return None
    audience = Audience.CHILD if parts["child"] else Audience.WORKER
    return TextName(key, parts["language"], audience, parts["country"] or INTERNATIONAL)


class LoadedText(Struct, frozen=True, eq=False):
    """A text, where it stood, and what its translations and its child's version inherit from it. Two are the same only
    where they are one object."""

    file: str
    procedure: Procedure
    places: tuple[CitedPlace, ...]
    lines: Mapping[str, int]  # the line of every field and section
    translation_of: str  # the fingerprint of the English it was made from; "" for English


class _Release(Struct, frozen=True):
    """From when, until when, and whether at all a text may be shown."""

    valid_from: date
    valid_to: date | None
    review_due: date
    withdrawn: Withdrawal | None


@lru_cache(maxsize=1024)
def read_text(
    file: str,
    content: str | bytes,
    name: TextName,
    basis: LoadedText | None,
    file_of_basis: str,
    register: Register,
) -> tuple[LoadedText | None, tuple[Problem, ...]]:
    """The text in a file, or what is wrong with it. Nothing but what is handed in has a say: an author who changes one
    file of three hundred waits for that one, and for what rests on it."""
    complaints = Complaints(file)
    text = _parse_text(content, name, basis, file_of_basis, register, complaints)
    return (None if complaints.found else text), tuple(complaints.found)


def _parse_text(
    content: str | bytes,
    name: TextName,
    basis: LoadedText | None,
    file_of_basis: str,
    register: Register,
    complaints: Complaints,
) -> LoadedText | None:
    lines = lines_of(content, complaints)
    if lines is None:
        return None
    if (found := markup("\n".join(lines))) is not None:
        line, what = found
        complaints.add(line, f"{what!r} is markup, which a phone shows as it stands; write plain words.")
        return None
    end = next((at for at, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or end is None:
        complaints.add(1, "A text begins with its front matter between two lines `---`.")
        return None
    fields = Fields.read("\n".join(lines[1:end]), complaints, first_line=2)
    sections = read_body(lines[end + 1 :], name.language, complaints, first_line=end + 2)
    _check_sections(sections, name, complaints, last_line=len(lines))
    if fields is None:
        return None
    if basis is None and name.rests_on() is not None:
        complaints.add(1, _missing_basis(file_of_basis))
        return None
    if name.language != ORIGINAL_LANGUAGE:
        assert basis is not None
        return _read_translation(fields, sections, name, basis, register, complaints)
    return _read_original(fields, sections, name, basis, register, complaints)


def _missing_basis(file: str) -> str:
    if file:
        return f"This text rests on {file}, which cannot be read; mend that one first."
    return "This text rests on an English text that is not there; write that one first."


def _check_sections(sections: Mapping[str, Section], name: TextName, complaints: Complaints, *, last_line: int) -> None:
    for wanted in REQUIRED_SECTIONS[name.audience]:
        if wanted not in sections:
            complaints.add(last_line, f"The section {HEADINGS[name.language][wanted]!r} is missing; write it.")
    for section in sections.values():
        if not section.items:
            complaints.add(section.line, "This section is empty; write it, or take its heading out.")
        for line, item in zip(section.item_lines, section.items, strict=True):
            for wrong in strange_braces(item):
                allowed = ", ".join(f"{{{known}}}" for known in sorted(PLACEHOLDERS))
                complaints.add(line, f"{wrong!r} is filled in by nobody; between braces there may be {allowed}.")


def _read_original(
    fields: Fields,
    sections: Mapping[str, Section],
    name: TextName,
    parent: LoadedText | None,
    register: Register,
    complaints: Complaints,
) -> LoadedText | None:
    """An English text. A child's version takes over from the workers' text whatever it does not say itself."""
    before = parent.procedure if parent else None
    title = fields.text("title")
    audience = fields.choice("audience", Audience)
    if audience is not None and audience is not name.audience:
        complaints.add(
            fields.line_of("audience"), f"By its name this file is for a {name.audience}; rename it, or correct this."
        )
    jurisdiction = fields.text("jurisdiction", required=before is None) or name.jurisdiction
    if jurisdiction != name.jurisdiction:
        complaints.add(
            fields.line_of("jurisdiction"),
            f"By its name this file is for {name.jurisdiction}; rename it, or correct this.",
        )
    places = read_places(fields, register, complaints) if parent is None or fields.has("sources") else parent.places
    release = read_release(fields, before, complaints)
    reviewer = fields.text("reviewer", required=False)
    roles = fields.choices("roles", Role)
    related = fields.texts("related") or (before.related if before else ())
    if name.audience is Audience.WORKER and name.key in related:
        what = "`related` leads in a circle, back to this text; take it out."
        complaints.add(fields.line_of("related"), what)
    search_words = fields.texts("search_words")
    to_verify = fields.texts("to_verify")
    no_childs_version = fields.text("no_childs_version", required=False) if parent is None else ""
    asks_safety = fields.flag("asks_safety") if name.audience is Audience.CHILD else False
    needs = fields.texts("needs") or (before.needs if before else ())
    for need in needs:
        if need not in NEEDS:
            complaints.add(
                fields.line_of("needs"), f"The directory knows no need {need!r}; it knows: {', '.join(NEEDS)}."
            )
    fields.finish()
    if complaints.found or release is None:
        return None
    procedure = Procedure(
        key=name.key,
        language=name.language,
        audience=name.audience,
        title=title,
        **_section_values(sections),
        sources=tuple(place.resolve(register, name.language) for place in places),
        jurisdiction=name.jurisdiction,
        valid_from=release.valid_from,
        valid_to=release.valid_to,
        review_due=release.review_due,
        reviewer=reviewer,
        translation_state=TranslationState.ORIGINAL,
        roles=roles,
        related=related,
        search_words=search_words,
        withdrawn=release.withdrawn,
        needs=needs,
        to_verify=to_verify,
        no_childs_version=no_childs_version,
        asks_safety=asks_safety,
    )
    return LoadedText(complaints.file, procedure, places, _lines(fields, sections), translation_of="")


def read_release(fields: Fields, before: Procedure | None, complaints: Complaints) -> _Release | None:
    """The dates of a text; those of `before` where it gives none."""
    valid_from, valid_to = fields.day("valid_from", required=before is None), fields.day("valid_to", required=False)
    review_due = fields.day("review_due", required=before is None)
    withdrawn = _read_withdrawal(fields)
    if before is not None:
        valid_from, valid_to = valid_from or before.valid_from, valid_to or before.valid_to
        review_due, withdrawn = review_due or before.review_due, withdrawn or before.withdrawn
    if valid_from is None or review_due is None:
        return None
    if valid_to is not None and valid_to < valid_from:
        complaints.add(fields.line_of("valid_to"), "`valid_to` is before `valid_from`; correct one of them.")
    if review_due <= valid_from:
        complaints.add(fields.line_of("review_due"), "`review_due` must be after `valid_from`.")
    return _Release(valid_from, valid_to, review_due, withdrawn)


def _read_translation(
    fields: Fields,
    sections: Mapping[str, Section],
    name: TextName,
    original: LoadedText,
    register: Register,
    complaints: Complaints,
) -> LoadedText | None:
    title = fields.text("title")
    reviewer = fields.text("reviewer", required=False)
    search_words = fields.texts("search_words")
    translation = fields.mapping("translation")
    state: WrittenState | None = None
    made_of = ""
    if translation is not None:
        state = translation.choice("state", WrittenState)
        made_of = translation.text("of")
        translation.finish()
    fields.finish(reason=IN_THE_ENGLISH)
    if state is WrittenState.REVIEWED and not reviewer:
        complaints.add(fields.line, "A reviewed translation says who reviewed it: `reviewer: …`.")
    current = fingerprint(original.procedure)
    if made_of == current:  # an outdated translation is served marked; one that claims to be current must be whole
        _check_placeholders(sections, original, complaints, last_line=fields.line)
    if complaints.found or state is None:
        return None
    procedure = replace(
        original.procedure,
        language=name.language,
        title=title,
        **_section_values(sections),
        sources=tuple(place.resolve(register, name.language) for place in original.places),
        reviewer=reviewer,
        translation_state=TranslationState(state.value) if made_of == current else TranslationState.OUTDATED,
        newer_since=None if made_of == current else original.procedure.valid_from,
        search_words=search_words,
    )
    return LoadedText(complaints.file, procedure, original.places, _lines(fields, sections), translation_of=made_of)


def _check_placeholders(
    sections: Mapping[str, Section], original: LoadedText, complaints: Complaints, *, last_line: int
) -> None:
    """Whatever is filled in for a reader of the English is filled in for everybody: an emergency number, above all."""
    for name in HEADINGS[ORIGINAL_LANGUAGE]:
        value, section = getattr(original.procedure, name), sections.get(name)
        wanted = placeholders(value if isinstance(value, str) else "\n".join(value))
        for missing in wanted - placeholders(section.text() if section else ""):
            line = section.line if section else last_line
            complaints.add(line, f"The English has {{{missing}}} in this section; put it in as it stands.")


def _section_values(sections: Mapping[str, Section]) -> dict[str, Any]:
    """The sections as the fields of a procedure: a line of text or a tuple of lines."""
    values: dict[str, Any] = {}
    for name in HEADINGS[ORIGINAL_LANGUAGE]:
        section = sections.get(name)
        if name in PARAGRAPHS:
            values[name] = section.text() if section else ""
        else:
            values[name] = tuple(section.items) if section else ()
    return values


def _lines(fields: Fields, sections: Mapping[str, Section]) -> dict[str, int]:
    lines = {name: fields.line_of(name) for name in fields.names()}
    for name, section in sections.items():
        lines[name] = section.line
        lines.update({f"{name}.{at}": line for at, line in enumerate(section.item_lines)})
    return lines


def _read_withdrawal(fields: Fields) -> Withdrawal | None:
    entry = fields.mapping("withdrawn", required=False)
    if entry is None:
        return None
    on, why = entry.day("on"), entry.text("why")
    entry.finish()
    return Withdrawal(on, why) if on is not None else None


def fingerprint(text: Procedure) -> str:
    """Sixteen letters that change whenever what a reader sees of the text changes; dates and notes do not count."""
    digest = hashlib.sha256(text.title.encode())
    for name in HEADINGS[ORIGINAL_LANGUAGE]:
        value = getattr(text, name)
        for item in (value,) if isinstance(value, str) else value:
            digest.update(f"\n{name}\t{item}".encode())
    return digest.hexdigest()[:16]
