"""Importing and exporting as a command does it: one file, one transaction, what became of every row."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import Connection

from directory import store
from directory.files import spreadsheet
from directory.files.importing import ImportReport, Listener, Outcome, RejectedFile, import_rows, rehearse_rows
from directory.files.opening import open_rows, titles_in
from directory.files.unreadable import UnreadableFile
from directory.store import Transactions


async def import_file(
    database: Transactions,
    path: Path,
    *,
    by: str,
    at: datetime,
    rehearse: bool = False,
    columns: Mapping[str, str] | None = None,
    listener: Listener | None = None,
) -> ImportReport:
    """Bring a file in, or only say what would become of it. A report with rejections means that nothing was kept.

    `columns` says of a spreadsheet which title is which field, where guessing is wrong; it is kept, when the import
    is, for the next sheet with the same titles. Raises UnreadableFile when the file as a whole cannot be read.
    """
    titles = titles_in(path)
    if titles is None and columns:
        raise UnreadableFile("only a spreadsheet has columns to be named")

    def work(tx: Connection) -> ImportReport:
        mapping = None if titles is None else _mapping(tx, titles, columns or {})
        how = rehearse_rows if rehearse else import_rows
        report = how(tx, open_rows(path, mapping=mapping), by=by, at=at, listener=listener)
        if titles is not None and mapping is not None and columns and not rehearse:
            key = spreadsheet.mapping_id(titles)
            store.put_mapping(tx, key, titles=titles, mapping=mapping, by=by, at=at)
        return report

    try:
        return await database.write(work)
    except RejectedFile as error:
        return error.report


def _mapping(tx: Connection, titles: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    """What was said last time of these titles, or what they say themselves; then what is said now."""
    if strange := [title for title in columns if title not in titles]:
        raise UnreadableFile(f"there is no column {strange[0]!r}: the columns are {', '.join(filter(None, titles))}")
    kept = store.get_mapping(tx, spreadsheet.mapping_id(titles)) or spreadsheet.guess_mapping(titles)
    taken = set(columns.values()) - {spreadsheet.NOT_READ}
    kept = {title: field for title, field in kept.items() if field not in taken and title not in columns}
    return {**kept, **columns}


class RowReport:
    """Writes what became of every row into a CSV file as it becomes known."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="") if path is not None else None
        self._writer = csv.writer(self._file) if self._file is not None else None
        if self._writer is not None:
            self._writer.writerow(["where", "became", "name", "why"])

    def __call__(self, outcome: Outcome) -> None:
        if self._writer is not None:
            cells = (outcome.where, outcome.became.value, outcome.name, outcome.why)
            self._writer.writerow([spreadsheet.neutral(cell) for cell in cells])

    def close(self) -> None:
        with self._file or nullcontext():
            pass
