"""Importing a file: checked as a whole, then taken in a few rows at a time, and what became of every row."""

from __future__ import annotations

import asyncio
import csv
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Connection

from directory import store
from directory.files import spreadsheet
from directory.files.importing import (
    Became,
    ImportReport,
    Listener,
    Outcome,
    Parsed,
    Row,
    Sieve,
    decide,
    take,
)
from directory.files.opening import open_rows, titles_in
from directory.files.unreadable import UnreadableFile
from directory.store import ImportState, Transactions
from directory.words import because

#: How many rows a transaction has: it holds up others who write for some milliseconds.
AT_A_TIME: Final = 100
#: Between two of them others get their turn, other processes too.
BREATH_SECONDS: Final = 0.01
#: An import that gives no sign of life for so long has died.
GIVEN_UP_AFTER: Final = timedelta(minutes=10)

Progress = Callable[[int, int], object]


async def import_file(
    database: Transactions,
    path: Path,
    *,
    by: str,
    at: datetime,
    rehearse: bool = False,
    columns: Mapping[str, str] | None = None,
    letters: str | None = None,
    listener: Listener | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Bring a file in, or only say what would become of it. A report with rejections means that nothing was kept.

    `columns` says of a spreadsheet which title is which field, where guessing is wrong; it is kept, when the import
    is, for the next sheet with the same titles. `letters` says what a flat table is in, where it is not in UTF-8.
    `listener` hears of each row when it is checked, `progress` how many
    are taken in, of how many. Raises UnreadableFile when the file as a whole cannot be read.
    """
    titles = titles_in(path, letters=letters)
    if titles is None and columns:
        raise UnreadableFile(because("only a spreadsheet has columns to be named"))
    mapping = None if titles is None else await database.read(lambda tx: kept_mapping(tx, titles, columns or {}))
    report = await check_rows(database, open_rows(path, mapping=mapping, letters=letters), listener=listener)
    if rehearse or report.rejected:
        return report
    await undo_abandoned(database, at=datetime.now(UTC))
    import_id = str(uuid.uuid4())
    await database.write(
        lambda tx: store.add_import(tx, import_id, name=path.name, by=by, at=at, state=ImportState.TAKING)
    )
    rows = open_rows(path, mapping=mapping, letters=letters)
    report = await take_rows(database, rows, report, import_id=import_id, by=by, at=at, progress=progress)
    if titles is not None and mapping is not None and columns and not report.rejected:
        key = spreadsheet.mapping_id(titles)
        await database.write(lambda tx: store.put_mapping(tx, key, titles=titles, mapping=mapping, by=by, at=at))
    return report


async def check_rows(database: Transactions, rows: Iterator[Row], *, listener: Listener | None = None) -> ImportReport:
    """What would become of every row. Writes nothing; memory grows by some bytes a row only."""
    report, sieve = ImportReport(listener=listener), Sieve()
    while portion := await asyncio.to_thread(_next, rows):
        good, wrong = await asyncio.to_thread(sieve.sift, portion)
        decisions = await database.read(partial(decide, rows=good))
        said: defaultdict[str, deque[Outcome]] = defaultdict(deque)  # of one line two things may be wrong
        for outcome in (*wrong, *(decided.outcome for decided in decisions)):
            said[outcome.where].append(outcome)
        for row in portion:
            report.add(said[row.where].popleft())
    return report


async def take_rows(
    database: Transactions,
    rows: Iterator[Row],
    checked: ImportReport,
    *,
    import_id: str,
    by: str,
    at: datetime,
    progress: Progress | None = None,
) -> ImportReport:
    """Take in the rows of a file that was `checked`, all of them or none. Returns what became of them.

    The import `import_id` is there, and TAKING. Its rows are looked at once more, because records may have changed
    since: if one is rejected now, or anything else goes wrong, what was written is taken back. Should the process
    die, `undo_abandoned` does it.
    """
    sieve, report, of = Sieve(), ImportReport(), checked.new + checked.changed + checked.same
    try:
        while portion := await asyncio.to_thread(_next, rows):
            good, wrong = await asyncio.to_thread(sieve.sift, portion)
            outcomes = [*wrong, *await database.write(partial(_take, import_id=import_id, rows=good, by=by, at=at))]
            for outcome in outcomes:
                report.add(outcome)
            taken = report.new + report.changed + report.same
            await database.write(partial(store.touch_import, import_id=import_id, at=datetime.now(UTC), taken=taken))
            if report.rejected:
                break
            if progress is not None:
                progress(taken, of)
            await asyncio.sleep(BREATH_SECONDS)
    except BaseException:
        await undo_import(database, import_id, at=datetime.now(UTC))
        raise
    if report.rejected:
        await undo_import(database, import_id, at=datetime.now(UTC))
        return report
    await database.write(partial(_finish, import_id=import_id, at=datetime.now(UTC)))
    return report


def _next(rows: Iterator[Row]) -> list[Row]:
    return list(islice(rows, AT_A_TIME))


def _take(tx: Connection, import_id: str, rows: list[Parsed], by: str, at: datetime) -> list[Outcome]:
    """A few rows, in one transaction; nothing of them if one is rejected."""
    decisions = decide(tx, rows)
    if not any(decided.outcome.became is Became.REJECTED for decided in decisions):
        take(tx, import_id, decisions, by=by, at=at)
    return [decided.outcome for decided in decisions]


def _finish(tx: Connection, import_id: str, at: datetime) -> None:
    store.forget_imported(tx, import_id)
    store.drop_pieces(tx, import_id)
    store.move_import(tx, import_id, before=[ImportState.TAKING], state=ImportState.DONE, at=at)


async def undo_import(database: Transactions, import_id: str, *, at: datetime) -> None:
    """Take back what an import wrote, a little at a time. It is REFUSED afterwards."""
    under_way = [ImportState.TAKING, ImportState.UNDOING]
    await database.write(
        lambda tx: store.move_import(tx, import_id, before=under_way, state=ImportState.UNDOING, at=at)
    )
    left = AT_A_TIME
    while left:
        left = await database.write(partial(store.undo_imported, import_id=import_id, at=at, limit=AT_A_TIME))
        await asyncio.sleep(BREATH_SECONDS)  # others get their turn
    await database.write(partial(_refuse, import_id=import_id, at=at))


def _refuse(tx: Connection, import_id: str, at: datetime) -> None:
    store.drop_pieces(tx, import_id)
    under_way = [ImportState.TAKING, ImportState.UNDOING]
    store.move_import(tx, import_id, before=under_way, state=ImportState.REFUSED, at=at)


async def undo_abandoned(database: Transactions, *, at: datetime) -> int:
    """Take back what imports wrote that died on the way. Returns how many there were."""
    under_way = [ImportState.TAKING, ImportState.UNDOING]
    dead = await database.read(partial(store.silent_imports, states=under_way, since=at - GIVEN_UP_AFTER))
    for import_id in dead:
        await undo_import(database, import_id, at=at)
    return len(dead)


def kept_mapping(tx: Connection, titles: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    """What was said last time of these titles, or what they say themselves; then what is said now."""
    if strange := [title for title in columns if title not in titles]:
        there = ", ".join(filter(None, titles))
        raise UnreadableFile(
            because("there is no column '{title}': the columns are {columns}", title=strange[0], columns=there)
        )
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
