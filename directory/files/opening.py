"""Which format a file is in, and its rows."""

from __future__ import annotations

import codecs
import zipfile
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from directory.files import hsds_csv, spreadsheet, xlsx
from directory.files.at_places import Gathered
from directory.files.hsds_json import parse_line, read_json, read_lines
from directory.files.hsds_objects import is_at_a_place, services_in
from directory.files.importing import Row
from directory.files.unreadable import UnreadableFile
from directory.model import WrongRecord
from directory.words import N_, because

__all__ = ["UnreadableFile", "open_rows", "sheets_not_read", "titles_in"]


LINE, ITEM = N_("line {number}"), N_("item {number}")
#: Where one of several services of an organisation stands.
_WITHIN = {LINE: N_("line {number}, service {service}"), ITEM: N_("item {number}, service {service}")}


_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Format(StrEnum):
    """What a file is, whatever it is called."""

    LINES = "a service a line"
    JSON = "an array of services"
    PACKAGE = "an HSDS CSV package"
    CSV = "a flat table"
    XLSX = "a workbook"


def open_rows(path: Path, *, mapping: Mapping[str, str] | None = None, letters: str | None = None) -> Iterator[Row]:
    """The services of a file. Raises UnreadableFile, also while it is being read.

    `mapping`: for a flat spreadsheet, which column is which field; by default as its titles say. `letters`: of a
    flat table, what its lines are in that are not in UTF-8.
    """
    match format_of(path):
        case Format.LINES:
            return _parsed(read_lines(path), LINE)
        case Format.JSON:
            return _parsed(read_json(path), ITEM)
        case Format.PACKAGE:
            return hsds_csv.rows(path)
        case Format.XLSX:
            return _rows_of_workbook(path, mapping)
        case Format.CSV:
            return spreadsheet.rows(spreadsheet.read_csv(path, letters), mapping)


def titles_in(path: Path, *, letters: str | None = None) -> list[str] | None:
    """The titles of a flat spreadsheet's columns. None for what is no spreadsheet. Raises UnreadableFile."""
    match format_of(path):
        case Format.XLSX:
            titles = _Workbook(path).titles
        case Format.CSV:
            titles, _ = spreadsheet.titled(spreadsheet.read_csv(path, letters))
        case _:
            return None
    if not titles:
        raise UnreadableFile(spreadsheet.NO_TITLES)
    return titles


def sheets_not_read(path: Path) -> list[str]:
    """The names of the sheets of a workbook that hold something and are not read. Raises UnreadableFile."""
    if format_of(path) is not Format.XLSX:
        return []
    book = _Workbook(path)
    return [name for name, titles in zip(book.names, book.of, strict=True) if titles and not book.reads(titles)]


class _Workbook:
    """Which of the sheets of a workbook have services: the one with most of the titles that we know, those with the
    same titles, and those whose own titles say enough."""

    def __init__(self, path: Path) -> None:
        sheets = [(name, spreadsheet.titled(cells)[0]) for name, cells in xlsx.read_sheets(path)]
        self.names, self.of = [name for name, _ in sheets], [titles for _, titles in sheets]
        known = max(self.of, key=lambda titles: len(spreadsheet.guess_mapping(titles)), default=[])
        self.titles = known if spreadsheet.guess_mapping(known) else next(filter(None, self.of), [])

    def reads(self, titles: list[str]) -> bool:
        return self.same(titles) or not spreadsheet.wrong_mapping(spreadsheet.guess_mapping(titles))

    def same(self, titles: list[str]) -> bool:
        return spreadsheet.mapping_id(titles) == spreadsheet.mapping_id(self.titles)


def _rows_of_workbook(path: Path, mapping: Mapping[str, str] | None) -> Iterator[Row]:
    book = _Workbook(path)
    if not book.titles:
        raise UnreadableFile(spreadsheet.NO_TITLES)
    several = sum(map(book.reads, book.of)) > 1
    for (name, cells), titles in zip(xlsx.read_sheets(path), book.of, strict=True):
        if book.reads(titles):
            said = mapping is not None and book.same(titles)
            own = spreadsheet.fitting(titles, mapping or {}) if said else None
            yield from spreadsheet.rows(cells, own, sheet=name if several else "")


def format_of(path: Path) -> Format:
    """What the file is, by how it begins. Raises UnreadableFile for what is none of these."""
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip(b"\x00 \r\n\t\xef\xbb\xbf"):
        raise UnreadableFile(because("the file is empty"))
    if start.startswith(b"PK"):
        if not zipfile.is_zipfile(path):
            raise UnreadableFile(because("the archive is cut off or damaged: send it again"))
        return Format.XLSX if xlsx.is_workbook(path) else Format.PACKAGE
    if start.startswith((b"\xd0\xcf\x11\xe0", b"%PDF")):
        raise UnreadableFile(because("this is an old spreadsheet or a document: save it as XLSX or as CSV in UTF-8"))
    if start.startswith(_UTF_16) and start.replace(b"\x00", b"")[2:].lstrip()[:1] in (b"{", b"["):
        raise UnreadableFile(because("this is JSON in UTF-16: save it in UTF-8"))
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"[") or (text.startswith(b"{") and _is_page(text)):
        return Format.JSON
    return Format.LINES if text.startswith(b"{") else Format.CSV


def _is_page(start: bytes) -> bool:
    """A page of an API or a package of everything, and not one service a line."""
    if start.split(b"\n", 1)[0].strip() == b"{" or start.startswith(b'{"services"'):
        return True
    return b'"contents"' in start and b'"total_items"' in start


def _parsed(elements: Iterator[tuple[int, str]], kind: str) -> Iterator[Row]:
    apart: Gathered | None = None
    for number, text in elements:
        where = because(kind, number=number)
        try:
            data = parse_line(text)
            if is_at_a_place(data):
                apart = apart or Gathered()
                apart.add(number, data)
                continue
            services = services_in(data)
        except WrongRecord as error:
            yield Row(where, wrong=error.problems[0])
            continue
        if len(services) == 1:
            yield Row(where, services[0])
            continue
        for service, data in enumerate(services, start=1):
            yield Row(because(_WITHIN[kind], number=number, service=service), data)
    for number, data in apart.services() if apart is not None else ():
        yield Row(because(kind, number=number), data)
