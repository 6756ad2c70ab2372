"""Reads a folder of procedures. A file that is wrong is named with its line, and nothing is loaded half."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from dialogues.knowledge.contradicting import contradictions
from dialogues.knowledge.front_matter import Complaints
from dialogues.knowledge.model import (
    ORIGINAL_LANGUAGE,
    Audience,
    BrokenProcedures,
    Problem,
    Procedure,
)
from dialogues.knowledge.overlays import (
    Overlay,
)
from dialogues.knowledge.reading import OVERLAYS_FOLDER, LoadedText, TextName, name_of, read_text
from dialogues.knowledge.reading_overlays import read_overlay, section_lines
from dialogues.knowledge.sources import SOURCES_FILE, register_of


class ReadTexts(Struct, frozen=True):
    """Everything under a folder as it was read. With anything unreadable, nothing of it may be served."""

    texts: tuple[LoadedText, ...]
    overlays: tuple[Overlay, ...]
    unreadable: tuple[Problem, ...]


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
    register = register_of(folder)  # its own problems are told where the texts are read
    common = section_lines(texts)
    overlays = []
    shipped = {path.relative_to(folder).as_posix() for path in (folder / OVERLAYS_FOLDER).glob("*")}
    for file in sorted(shipped | {file for file in edits if file.startswith(f"{OVERLAYS_FOLDER}/")}):
        complaints = Complaints(file)
        overlay = read_overlay(folder / file, register, common, complaints, edited=edits.get(file))
        problems.extend(complaints.found)
        if overlay is not None and not complaints.found:
            overlays.append(overlay)
    contradicting = [(found.second.file, found.problem()) for found in contradictions(overlays)]
    problems.extend(problem for _, problem in contradicting)
    wrong = {file for file, _ in contradicting}
    return [each for each in overlays if f"{OVERLAYS_FOLDER}/{each.jurisdiction}.yml" not in wrong], problems


def read_folder(
    folder: Path, edits: Mapping[str, str] = MappingProxyType({})
) -> tuple[list[LoadedText], list[Problem]]:
    """What could be read, and what could not. Nothing that has a problem is among what was read.

    `edits` has the words of files that are read in place of the shipped ones, by their name under `folder`; a text
    that is only there counts too.
    """
    register = register_of(folder)
    problems = [*register.problems]
    names = _find_files(folder, edits, problems)
    loaded: dict[TextName, LoadedText] = {}
    # Originals come before their translations, workers' texts before the children's versions that rest on them.
    for name in sorted(names, key=lambda n: (n.language != ORIGINAL_LANGUAGE, n.audience is Audience.CHILD, str(n))):
        file = names[name]
        content = edits[file] if file in edits else (folder / file).read_bytes()
        rests_on = name.rests_on()
        basis = loaded.get(rests_on) if rests_on else None
        file_of_basis = Path(names[rests_on]).name if rests_on in names else ""
        text, found = read_text(file, content, name, basis, file_of_basis, register)
        problems.extend(found)
        if text is not None:
            loaded[name] = text
    return [loaded[name] for name in sorted(loaded, key=str)], problems


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


def _find_files(folder: Path, edits: Iterable[str], problems: list[Problem]) -> dict[TextName, str]:
    """The texts that stand in the folder, or only among the edits, and what their files are called."""
    if not folder.is_dir():
        problems.append(Problem(".", 1, "There is no folder of procedures here; name the right one."))
        return {}
    places = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    there = {place.as_posix() for place in places if not place.name.startswith(".")}
    names: dict[TextName, str] = {}
    for file in sorted({*there, *edits} - {SOURCES_FILE}):
        if file.startswith(f"{OVERLAYS_FOLDER}/"):
            continue
        if (name := name_of(file)) is None:
            what = "A text is called <key>/<language>.md, with `child.` or a country code such as `IT.` before it."
            problems.append(Problem(file, 1, what))
        else:
            names[name] = file
    return names
