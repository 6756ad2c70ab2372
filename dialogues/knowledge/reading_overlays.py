"""Reads one overlay from its file: whom to ask in a country, and each line that differs there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from dialogues.knowledge.front_matter import Complaints, Fields, lines_of, markup
from dialogues.knowledge.model import (
    INTERNATIONAL,
    LANGUAGES,
    ORIGINAL_LANGUAGE,
    Audience,
    Procedure,
)
from dialogues.knowledge.overlays import (
    REGIONS,
    LaidSection,
    Overlay,
    Variation,
    is_jurisdiction,
    mark_of_line,
)
from dialogues.knowledge.placeholders import placeholders, strange_braces
from dialogues.knowledge.reading import WrittenState, read_release
from dialogues.knowledge.sources import Register, read_languages, read_places


def read_overlay(
    path: Path,
    register: Register,
    common: Mapping[str, Mapping[str, tuple[str, ...]]],
    complaints: Complaints,
    *,
    edited: str | None = None,
) -> Overlay | None:
    code = path.stem
    if path.suffix != ".yml":
        complaints.add(1, f"An overlay's file ends with .yml; call it {code}.yml.")
        return None
    if not is_jurisdiction(code):
        regions = ", ".join(REGIONS)
        what = f"{code!r} is no country; an overlay is called by its ISO 3166 code or a region ({regions}): IT.yml."
        complaints.add(1, what)
        return None
    lines = lines_of(path.read_bytes() if edited is None else edited, complaints)
    fields = None if lines is None else Fields.read("\n".join(lines), complaints, first_line=1)
    if fields is None:
        return None
    if (said := fields.text("jurisdiction")) != code:
        complaints.add(
            fields.line_of("jurisdiction"),
            f"By its name this overlay is for {code}, not {said!r}; rename it, or correct this.",
        )
    ask = read_languages(fields, "ask")
    _check_plain(ask, fields.line_of("ask"), complaints)
    for language, whom in ask.items():
        for brace in placeholders(whom):
            complaints.add(
                fields.line_of("ask"), f"{language}: {{{brace}}} is not filled in here; take the braces out."
            )
    variations = [_read_variation(entry, code, register, common, complaints) for entry in fields.mappings("variations")]
    fields.finish()
    read = tuple(variation for variation in variations if variation is not None)
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
    about = _read_about(fields, complaints)
    texts = read_languages(fields, "text")
    places = read_places(fields, register, complaints)
    release = read_release(fields, None, complaints)
    reviewer = fields.text("reviewer", required=False)
    translation = fields.mapping("translation")
    made_of = ""
    if translation is not None:
        state, made_of = translation.choice("state", WrittenState), translation.text("of")
        translation.finish()
        if state is WrittenState.REVIEWED and not reviewer:
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
        about=about,
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


def _read_about(fields: Fields, complaints: Complaints) -> str:
    """What a line speaks of, in a word of the author's: with it a country's line takes the place of its region's."""
    about = fields.text("about", required=False) if fields.has("about") else ""
    if about and re.fullmatch(r"[a-z][a-z_]{1,39}", about) is None:
        complaints.add(
            fields.line_of("about"), f"{about!r} is no name of a thing; write small letters and _: guardian_by."
        )
    elif about and fields.has("replaces"):
        what = "A line takes the place of a common one (`replaces`) or is `about` something; keep one of the two."
        complaints.add(fields.line_of("about"), what)
    return about


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


def section_lines(texts: Sequence[Procedure]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The English lines of each section of each common text, by procedure."""
    return {
        text.key: {section.value: getattr(text, section) for section in LaidSection if section != "varies"}
        for text in texts
        if (text.language, text.audience, text.jurisdiction) == (ORIGINAL_LANGUAGE, Audience.WORKER, INTERNATIONAL)
    }
