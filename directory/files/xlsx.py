"""The sheets of an XLSX workbook, read and written as rows of text.

A workbook from a stranger is an archive of XML: how much it unpacks to is counted while it unpacks, and XML that
declares a document type, which is where entities that grow come from, is refused.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO
from xml.parsers import expat
from xml.sax.saxutils import escape

from directory.files.unreadable import UnreadableFile
from directory.words import because

#: More than this no list of services unpacks to: a hundred thousand long rows.
MOST_UNPACKED = 300_000_000
MOST_SHARED_TEXT = 60_000_000
MOST_COLUMNS = 200
MOST_SHEETS = 50
LONGEST_CELL = 32_767
PIECE = 64 * 1024

SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
BOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"


def is_workbook(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return BOOK in archive.namelist()


Rows = Iterator[tuple[int, list[str]]]


def read_sheets(path: Path) -> Iterator[tuple[str, Rows]]:
    """The sheets that are not hidden, in the order of the workbook: each with its name, and numbers and cells of its
    rows, as text, to be read before the next one is asked for. Raises UnreadableFile while it reads."""
    with _damage_told(), zipfile.ZipFile(path) as archive:
        left = [MOST_UNPACKED]
        shared = _shared_strings(archive, left) if STRINGS in archive.namelist() else []
        for name, member in islice(_sheets(archive, left), MOST_SHEETS):
            yield name, _read_sheet(archive, member, shared, left)


def _read_sheet(archive: zipfile.ZipFile, member: str, shared: list[str], left: list[int]) -> Rows:
    with _damage_told(), archive.open(member) as file:
        yield from _Sheet(shared).rows(file, left)


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise UnreadableFile(because("the workbook is cut off or damaged: save it again")) from error
    except (OSError, ValueError, zlib.error) as error:
        raise UnreadableFile(because("the workbook is cut off or damaged: save it again")) from error


def _sheets(archive: zipfile.ZipFile, left: list[int]) -> Iterator[tuple[str, str]]:
    """Name and file of each sheet; where the workbook names none, the first file that is one."""
    targets = {one.get("Id", ""): one.get("Target", "") for one in _elements(archive, RELATIONS, "Relationship", left)}
    found = False
    for sheet in _elements(archive, BOOK, "sheet", left):
        target = next((targets.get(value, "") for name, value in sheet.items() if name.endswith(":id")), "")
        member = posixpath.normpath(posixpath.join("/xl", target))[1:]
        if _A_SHEET.fullmatch(member):
            found = True
            if sheet.get("state", "visible") == "visible":
                yield sheet.get("name", ""), member
    if not found:
        yield "", next(iter(sorted(name for name in archive.namelist() if _A_SHEET.fullmatch(name))), SHEET)


_A_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")


def _elements(archive: zipfile.ZipFile, member: str, kind: str, left: list[int]) -> list[dict[str, str]]:
    """What the elements of one kind say in a small file of the workbook."""
    found: list[dict[str, str]] = []
    if member not in archive.namelist() or not archive.getinfo(member).file_size:
        return found
    parser = _parser()

    def start(name: str, attributes: dict[str, str]) -> None:
        if _local(name) == kind:
            found.append(attributes)

    parser.StartElementHandler = start
    with archive.open(member) as file:
        for _ in _feed(parser, file, left):
            pass
    return found


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=None)
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise UnreadableFile(
            because("the workbook declares a document type, which no spreadsheet does: it was not read")
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


def _feed(parser: expat.XMLParserType, file: IO[bytes], left: list[int]) -> Iterator[None]:
    """Parse piece by piece, and stop at what is too much for all of the workbook."""
    try:
        while piece := file.read(PIECE):
            left[0] -= len(piece)
            if left[0] < 0:
                raise UnreadableFile(
                    because("the workbook unpacks to far more than a list of services: it was not read on")
                )
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield
    except expat.ExpatError as error:
        raise UnreadableFile(because("the workbook is cut off or damaged: save it again")) from error


def _local(name: str) -> str:
    return name.rsplit(":", 1)[-1]


def _shared_strings(archive: zipfile.ZipFile, left: list[int]) -> list[str]:
    found: list[str] = []
    parts: list[str] = []
    state = {"text": False, "total": 0}
    parser = _parser()

    def start(name: str, _: object) -> None:
        if _local(name) == "si":
            parts.clear()
        state["text"] = _local(name) == "t"

    def text(data: str) -> None:
        if state["text"]:
            state["total"] += len(data)
            if state["total"] > MOST_SHARED_TEXT:
                raise UnreadableFile(
                    because("the workbook holds far more text than a list of services: it was not read on")
                )
            parts.append(data)

    def end(name: str) -> None:
        state["text"] = False
        if _local(name) == "si":
            found.append("".join(parts)[:LONGEST_CELL])

    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    with archive.open(STRINGS) as file:
        for _ in _feed(parser, file, left):
            pass
    return found


class _Sheet:
    """Turns the XML of a sheet into rows as it is fed."""

    def __init__(self, shared: list[str]) -> None:
        self._shared = shared
        self._ready: list[tuple[int, list[str]]] = []
        self._row: list[str] = []
        self._number = 0
        self._column = 0
        self._kind = ""
        self._value: list[str] = []
        self._in_value = False

    def rows(self, file: IO[bytes], left: list[int]) -> Rows:
        parser = _parser()
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._text
        parser.EndElementHandler = self._end
        for _ in _feed(parser, file, left):
            yield from self._ready
            self._ready.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        match _local(name):
            case "row":
                written = attributes.get("r", "")
                self._number = int(written) if written.isdigit() and len(written) < 9 else self._number + 1
                self._row, self._column = [], 0
            case "c":
                self._column = _column_of(attributes.get("r", "")) or self._column + 1
                self._kind, self._value = attributes.get("t", ""), []
            case "v" | "t":
                self._in_value = True

    def _text(self, data: str) -> None:
        if self._in_value and sum(map(len, self._value)) <= LONGEST_CELL:
            self._value.append(data)

    def _end(self, name: str) -> None:
        match _local(name):
            case "v" | "t":
                self._in_value = False
            case "c":
                if 0 < self._column <= MOST_COLUMNS:
                    self._row += [""] * (self._column - len(self._row))
                    self._row[self._column - 1] = self._cell("".join(self._value))
            case "row":
                if any(self._row):
                    self._ready.append((self._number, self._row))

    def _cell(self, value: str) -> str:
        if self._kind == "s":
            position = int(value) if value.isdigit() and len(value) < 9 else -1
            return self._shared[position] if 0 <= position < len(self._shared) else ""
        if self._kind == "b":
            return "yes" if value == "1" else "no"
        if self._kind in ("", "n") and re.fullmatch(r"-?[0-9]+\.0+", value):
            return value.split(".")[0]  # some programs write every whole number so
        return value


def _column_of(reference: str) -> int:
    """`AB12` is column 28; 0 when nothing is said."""
    letters = re.match(r"[A-Z]{1,3}", reference)
    column = 0
    for letter in letters[0] if letters else "":
        column = column * 26 + ord(letter) - 64
    return column


# --- writing ----------------------------------------------------------------------------------------------------

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName='
    '"/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns='
    '"http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type='
    '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/></Relationships>'
)
_WORKBOOK = (
    '<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="Services" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_rows(path: Path, rows: Iterable[Iterable[str]]) -> None:
    """A workbook of one sheet whose cells are texts: none of them is a formula, whatever it begins with."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _RELATIONS.format(kind="officeDocument", target="xl/workbook.xml"))
        archive.writestr(BOOK, _WORKBOOK)
        archive.writestr(RELATIONS, _RELATIONS.format(kind="worksheet", target="worksheets/sheet1.xml"))
        with archive.open(SHEET, "w", force_zip64=True) as file:
            file.write(
                b'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns='
                b'"http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
            )
            for row in rows:
                file.write(f"<row>{''.join(map(_cell, row))}</row>".encode())
            file.write(b"</sheetData></worksheet>")


def _cell(text: str) -> str:
    safe = escape(_UNWRITABLE.sub("", text)[:LONGEST_CELL])
    return f'<c t="inlineStr"><is><t xml:space="preserve">{safe}</t></is></c>'
