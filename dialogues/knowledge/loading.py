"""Reads procedures from their files. A file that is wrong is named with its line, and nothing is loaded half."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dialogues.knowledge.body import HEADINGS, PARAGRAPHS, Section, read_body
from dialogues.knowledge.front_matter import Complaints, Fields, markup, unseen_character
from dialogues.knowledge.model import (
    COMMA,
    INTERNATIONAL,
    LANGUAGES,
    ORIGINAL_LANGUAGE,
    Audience,
    BrokenProcedures,
    Problem,
    Procedure,
    Role,
    Source,
    SourceStatus,
    TranslationState,
    Withdrawal,
)
from dialogues.knowledge.overlays import (
    REGIONS,
    LaidSection,
    Overlay,
    Variation,
    contradictions,
    is_jurisdiction,
    mark_of_line,
)
from dialogues.knowledge.placeholders import PLACEHOLDERS, placeholders, strange_braces
from directory.model import NEEDS

SOURCES_FILE = "sources.yml"
OVERLAYS_FOLDER = "overlays"

FILE_NAME = re.compile(rf"(?:(?P<child>child)\.)?(?:(?P<country>[A-Z]{{2}})\.)?(?P<language>{'|'.join(LANGUAGES)})\.md")
KEY = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")

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

#: How a place in a document is cited: one article or several, one paragraph or several.
ARTICLES = {"en": ("art. {}",) * 2, "fr": ("art. {}",) * 2, "es": ("art. {}",) * 2, "ar": ("المادة {}", "المواد {}")}
PARAGRAPH_NUMBERS = {
    "en": ("para. {}", "paras {}"),
    "fr": ("par. {}",) * 2,
    "es": ("párr. {}", "párrs. {}"),
    "ar": ("الفقرة {}", "الفقرات {}"),
}

IN_THE_ENGLISH = " It is read from the English text, so that it cannot differ from it."


class _WrittenState(StrEnum):
    """The states a person may write; the others are found."""

    MACHINE_DRAFTED = TranslationState.MACHINE_DRAFTED.value
    REVIEWED = TranslationState.REVIEWED.value


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


class LoadedText(Struct, frozen=True, eq=False):
    """A text, where it stood, and what its translations and its child's version inherit from it. Two are the same only
    where they are one object."""

    file: str
    procedure: Procedure
    places: tuple[CitedPlace, ...]
    lines: Mapping[str, int]  # the line of every field and section
    translation_of: str  # the fingerprint of the English it was made from; "" for English


class ReadTexts(Struct, frozen=True):
    """Everything under a folder as it was read. With anything unreadable, nothing of it may be served."""

    texts: tuple[LoadedText, ...]
    overlays: tuple[Overlay, ...]
    unreadable: tuple[Problem, ...]


class _Release(Struct, frozen=True):
    """From when, until when, and whether at all a text may be shown."""

    valid_from: date
    valid_to: date | None
    review_due: date
    withdrawn: Withdrawal | None


def load_texts(folder: Path) -> list[Procedure]:
    """Every text under `folder`. Raises BrokenProcedures, naming every file and line that is wrong."""
    loaded, problems = read_folder(folder)
    if problems:
        raise BrokenProcedures(problems)
    return [text.procedure for text in loaded]


def read_all(folder: Path, edits: Mapping[str, str] = MappingProxyType({})) -> ReadTexts:
    """Texts and overlays under `folder`, with `edits` read in place of the files of that name."""
    loaded, problems = read_folder(folder, edits)
    overlays, unread = read_overlays(folder, [text.procedure for text in loaded], edits)
    return ReadTexts(tuple(loaded), tuple(overlays), (*problems, *unread))


def load_overlays(folder: Path, texts: Sequence[Procedure]) -> list[Overlay]:
    """Every overlay under `folder`, which lie over `texts`. Raises BrokenProcedures, naming every file and line that
    is wrong."""
    overlays, problems = read_overlays(folder, texts)
    if problems:
        raise BrokenProcedures(problems)
    return overlays


def read_overlays(
    folder: Path, texts: Sequence[Procedure], edits: Mapping[str, str] = MappingProxyType({})
) -> tuple[list[Overlay], list[Problem]]:
    """The overlays over `texts` that could be read, and what could not. A file with a problem is not among what was
    read.

    `edits` has the words of files that are read in place of the shipped ones, by their name under `folder`; an overlay
    that is only there counts too.
    """
    problems: list[Problem] = []
    register = _register_of(folder)  # its own problems are told where the texts are read
    common = _section_lines(texts)
    overlays = []
    shipped = {path.relative_to(folder).as_posix() for path in (folder / OVERLAYS_FOLDER).glob("*")}
    for file in sorted(shipped | {file for file in edits if file.startswith(f"{OVERLAYS_FOLDER}/")}):
        complaints = Complaints(file)
        overlay = _read_overlay(folder / file, register, common, complaints, edited=edits.get(file))
        problems.extend(complaints.found)
        if overlay is not None and not complaints.found:
            overlays.append(overlay)
    return overlays, problems


def _section_lines(texts: Sequence[Procedure]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The English lines of each section of each common text, by procedure."""
    return {
        text.key: {section.value: getattr(text, section) for section in LaidSection if section != "varies"}
        for text in texts
        if (text.language, text.audience, text.jurisdiction) == (ORIGINAL_LANGUAGE, Audience.WORKER, INTERNATIONAL)
    }


def _read_overlay(
    path: Path,
    register: Register,
    common: Mapping[str, Mapping[str, tuple[str, ...]]],
    complaints: Complaints,
    *,
    edited: str | None = None,
) -> Overlay | None:
    code = path.stem
    if path.suffix != ".yml" or not is_jurisdiction(code):
        regions = ", ".join(REGIONS)
        what = f"{code!r} is no country; an overlay is called by its ISO 3166 code or a region ({regions}): IT.yml."
        complaints.add(1, what)
        return None
    lines = _lines_of(path.read_bytes() if edited is None else edited, complaints)
    fields = None if lines is None else Fields.read("\n".join(lines), complaints, first_line=1)
    if fields is None:
        return None
    if (said := fields.text("jurisdiction")) != code:
        complaints.add(
            fields.line_of("jurisdiction"),
            f"By its name this overlay is for {code}, not {said!r}; rename it, or correct this.",
        )
    ask = _read_languages(fields, "ask")
    _check_plain(ask, fields.line_of("ask"), complaints)
    for language, whom in ask.items():
        for brace in placeholders(whom):
            complaints.add(
                fields.line_of("ask"), f"{language}: {{{brace}}} is not filled in here; take the braces out."
            )
    variations = [_read_variation(entry, code, register, common, complaints) for entry in fields.mappings("variations")]
    fields.finish()
    read = tuple(variation for variation in variations if variation is not None)
    for first, second in contradictions(read):
        what = (
            f"This contradicts line {first.line}: both take the place of {second.section.value} {second.replaces} "
            f"of {second.procedure!r} at the same time. Keep one, or end the first with `valid_to`."
        )
        complaints.add(second.line, what)
    return None if complaints.found else Overlay(code, ask, read)


def _check_plain(texts: Mapping[str, str], line: int, complaints: Complaints) -> None:
    for text in texts.values():
        if (found := markup(text)) is not None:
            complaints.add(line, f"{found[1]!r} is markup; write plain words.")
        for wrong in strange_braces(text):
            complaints.add(line, f"{wrong!r} is filled in by nobody; take the braces out.")


def _read_variation(
    fields: Fields,
    jurisdiction: str,
    register: Register,
    common: Mapping[str, Mapping[str, tuple[str, ...]]],
    complaints: Complaints,
) -> Variation | None:
    key = fields.text("procedure")
    section = fields.choice("section", LaidSection)
    replaces = fields.number("replaces") if fields.has("replaces") else None
    replaced = fields.text("replaced", required=False) if replaces is not None else ""
    place, astray = replaces, ""
    texts = _read_languages(fields, "text")
    places = _read_places(fields, register, complaints)
    release = _read_release(fields, None, complaints)
    reviewer = fields.text("reviewer", required=False)
    translation = fields.mapping("translation")
    made_of = ""
    if translation is not None:
        state, made_of = translation.choice("state", _WrittenState), translation.text("of")
        translation.finish()
        if state is _WrittenState.REVIEWED and not reviewer:
            complaints.add(fields.line, "A reviewed translation says who reviewed it: `reviewer: …`.")
    fields.finish()
    if key and key not in common:
        complaints.add(
            fields.line_of("procedure"),
            f"There is no procedure {key!r} to lay this over; correct the key, or take this out.",
        )
    elif section is not None and replaces is not None:
        there = common[key].get(section.value, ())
        if not 1 <= replaces <= len(there):
            what = f"{section.value!r} of {key!r} has {len(there)} lines; say which."
            complaints.add(fields.line_of("replaces"), what)
        else:
            place, astray = _place_of(section, there, replaces, replaced)
    _check_placeholders_of_lines(texts, fields.line_of("text"), complaints)
    _check_plain(texts, fields.line_of("text"), complaints)
    if complaints.found or section is None or release is None:
        return None
    return Variation(
        procedure=key,
        jurisdiction=jurisdiction,
        section=section,
        replaces=replaces,
        place=place,
        astray=astray,
        texts=texts,
        sources={language: tuple(place.resolve(register, language) for place in places) for language in LANGUAGES},
        valid_from=release.valid_from,
        valid_to=release.valid_to,
        review_due=release.review_due,
        reviewer=reviewer,
        translated_from=made_of,
        file=complaints.file,
        line=fields.line,
    )


def _place_of(section: LaidSection, lines: Sequence[str], number: int, mark: str) -> tuple[int | None, str]:
    """Where the line that `mark` is of stands, and what an editor must mend where that is not at `number`."""
    if mark_of_line(lines[number - 1]) == mark:
        return number, ""
    moved_to = next((at for at, line in enumerate(lines, 1) if mark_of_line(line) == mark), None)
    if moved_to is not None:
        what = (
            f"Line {number} of {section.value!r} is not the one this was written to take the place of: that is line "
            f"{moved_to} now. Write `replaces: {moved_to}`."
        )
        return moved_to, what
    what = (
        f"Line {number} of {section.value!r} reads otherwise than when this was written: {lines[number - 1]!r}. If "
        f"this still takes its place, write `replaced: '{mark_of_line(lines[number - 1])}'`."
    )
    return None, what


def _check_placeholders_of_lines(texts: Mapping[str, str], line: int, complaints: Complaints) -> None:
    """What is filled in for a reader of the English is filled in for everybody, and nothing else is."""
    wanted = placeholders(texts.get(ORIGINAL_LANGUAGE, ""))
    for language, text in texts.items():
        for missing in wanted - placeholders(text):
            complaints.add(line, f"{language}: the English has {{{missing}}}; put it in as it stands.")
        for more in placeholders(text) - wanted:
            complaints.add(line, f"{language}: {{{more}}} is not in the English; take it out, or put it in there too.")


def read_folder(
    folder: Path, edits: Mapping[str, str] = MappingProxyType({})
) -> tuple[list[LoadedText], list[Problem]]:
    """What could be read, and what could not. Nothing that has a problem is among what was read.

    `edits` has the words of files that are read in place of the shipped ones, by their name under `folder`.
    """
    register = _register_of(folder)
    problems = [*register.problems]
    names = _find_files(folder, problems)
    loaded: dict[TextName, LoadedText] = {}
    # Originals come before their translations, workers' texts before the children's versions that rest on them.
    for name in sorted(names, key=lambda n: (n.language != ORIGINAL_LANGUAGE, n.audience is Audience.CHILD, str(n))):
        file = names[name].relative_to(folder).as_posix()
        content = edits[file] if file in edits else names[name].read_bytes()
        rests_on = name.rests_on()
        basis = loaded.get(rests_on) if rests_on else None
        file_of_basis = names[rests_on].name if rests_on in names else ""
        text, found = _read_text(file, content, name, basis, file_of_basis, register)
        problems.extend(found)
        if text is not None:
            loaded[name] = text
    return [loaded[name] for name in sorted(loaded, key=str)], problems


def fingerprint(text: Procedure) -> str:
    """Sixteen letters that change whenever what a reader sees of the text changes; dates and notes do not count."""
    digest = hashlib.sha256(text.title.encode())
    for name in HEADINGS[ORIGINAL_LANGUAGE]:
        value = getattr(text, name)
        for item in (value,) if isinstance(value, str) else value:
            digest.update(f"\n{name}\t{item}".encode())
    return digest.hexdigest()[:16]


def stamped(content: str, of: str) -> str:
    """A translation's file, saying that it was read against the English with that fingerprint."""
    before, translation_field, after = content.partition("\ntranslation:")
    return before + translation_field + re.sub(r"(\bof: *)[^\s,}]*", rf"\g<1>{of}", after, count=1)


def stamped_overlay(content: str, overlay: Overlay) -> str:
    """An overlay's file, saying of each variation that its translations were read against its English."""
    head, *entries = re.split(r"(?<=\n)(?=  - procedure:)", content)
    read = [
        re.sub(r"(\bof: *)[^\s,}]*", rf"\g<1>'{variation.fingerprint()}'", entry, count=1)
        for entry, variation in zip(entries, overlay.variations, strict=True)
    ]
    return head + "".join(read)


def _find_files(folder: Path, problems: list[Problem]) -> dict[TextName, Path]:
    if not folder.is_dir():
        problems.append(Problem(".", 1, "There is no folder of procedures here; name the right one."))
        return {}
    names: dict[TextName, Path] = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_dir() or place.name.startswith(".") or place.as_posix() == SOURCES_FILE:
            continue
        if place.parts[0] == OVERLAYS_FOLDER:
            continue
        parts = FILE_NAME.fullmatch(path.name)
        if parts is None or len(place.parts) != 2 or not KEY.fullmatch(place.parts[0]):
            what = "A text is called <key>/<language>.md, with `child.` or a country code such as `IT.` before it."
            problems.append(Problem(place.as_posix(), 1, what))
            continue
        audience = Audience.CHILD if parts["child"] else Audience.WORKER
        names[TextName(place.parts[0], parts["language"], audience, parts["country"] or INTERNATIONAL)] = path
    return names


@lru_cache(maxsize=1024)
def _read_text(
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
    lines = _lines_of(content, complaints)
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


def _lines_of(content: str | bytes, complaints: Complaints) -> list[str] | None:
    if isinstance(content, str):
        return _split_lines(content, complaints)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        complaints.add(content.count(b"\n", 0, error.start) + 1, "This is not UTF-8; save the file as UTF-8.")
        return None
    return _split_lines(text, complaints)


def _split_lines(text: str, complaints: Complaints) -> list[str] | None:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    unseen = unseen_character(text)
    if unseen is not None:
        line, character = unseen
        complaints.add(line, f"There is an invisible character here ({character}); take it out.")
        return None
    return text.split("\n")


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
    places = _read_places(fields, register, complaints) if parent is None or fields.has("sources") else parent.places
    release = _read_release(fields, before, complaints)
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


def _read_release(fields: Fields, before: Procedure | None, complaints: Complaints) -> _Release | None:
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
    state: _WrittenState | None = None
    made_of = ""
    if translation is not None:
        state = translation.choice("state", _WrittenState)
        made_of = translation.text("of")
        translation.finish()
    fields.finish(reason=IN_THE_ENGLISH)
    if state is _WrittenState.REVIEWED and not reviewer:
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


def _read_places(fields: Fields, register: Register, complaints: Complaints) -> tuple[CitedPlace, ...]:
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


def _read_withdrawal(fields: Fields) -> Withdrawal | None:
    entry = fields.mapping("withdrawn", required=False)
    if entry is None:
        return None
    on, why = entry.day("on"), entry.text("why")
    entry.finish()
    return Withdrawal(on, why) if on is not None else None


def _register_of(folder: Path) -> Register:
    path = folder / SOURCES_FILE
    if path.is_file():
        return _read_register(path.read_bytes())
    return Register({}, (Problem(SOURCES_FILE, 1, "The register of sources is missing; put it there."),))


@lru_cache(maxsize=8)
def _read_register(content: bytes) -> Register:
    complaints = Complaints(SOURCES_FILE)
    sources: dict[str, RegisteredSource] = {}
    lines = _lines_of(content, complaints)
    fields = None if lines is None else Fields.read("\n".join(lines), complaints, first_line=1)
    for code in fields.names() if fields else ():
        source = _read_registered(code, fields.mapping(code), complaints) if fields else None
        if source is not None:
            sources[code] = source
    return Register(sources, tuple(complaints.found))


def _read_registered(code: str, fields: Fields | None, complaints: Complaints) -> RegisteredSource | None:
    if fields is None:
        return None
    documents, organisations = _read_languages(fields, "document"), _read_languages(fields, "organisation")
    year = fields.number("year")
    status = fields.choice("status", SourceStatus)
    year_status = fields.choice("year_status", SourceStatus, default=SourceStatus.CONFIRMED)
    places = fields.mapping("about") if fields.has("about") else None
    about = {number: _read_languages(places, number) for number in places.names()} if places else {}
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


def _read_languages(fields: Fields, name: str) -> dict[str, str]:
    """A name in each language."""
    entry = fields.mapping(name)
    if entry is None:
        return {}
    values = {language: entry.text(language) for language in LANGUAGES}
    entry.finish()
    return {language: value for language, value in values.items() if value}
