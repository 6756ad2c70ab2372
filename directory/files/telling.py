"""The import and export commands in a terminal: their options, their progress, their last words."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer
from sqlalchemy.engine import Connection

from directory.files.commands import RowReport, import_file
from directory.files.hsds_json import export_services
from directory.files.importing import REASONS_TOLD, Became, Outcome
from directory.files.letters import LETTERS
from directory.files.opening import sheets_not_read
from directory.files.unreadable import UnreadableFile
from directory.files.writing import write_services
from directory.store import Transactions

#: A sign of life after so many rows.
ROWS_A_SIGN = 5_000


async def tell_import(
    database: Transactions,
    file: Path,
    *,
    by: str,
    rehearse: bool,
    columns: Sequence[str],
    report_to: Path | None,
    letters: str | None = None,
) -> int:
    """Import or rehearse, say what became of it, and return the exit code: 1 when nothing could be kept."""
    if letters is not None and letters not in LETTERS:
        raise typer.BadParameter(f"{letters!r} is none of {', '.join(LETTERS)}")
    named = dict(_column(text) for text in columns)
    written, seen = RowReport(report_to), 0
    noted: list[str] = []  # what is to be looked at in rows that can be taken

    def listen(outcome: Outcome) -> None:
        nonlocal seen
        seen += 1
        written(outcome)
        if outcome.why and outcome.became is not Became.REJECTED and len(noted) < REASONS_TOLD:
            noted.append(f"{outcome.where}: {outcome.why}")
        if seen % ROWS_A_SIGN == 0:
            _show(f"checked {seen} rows")

    def progress(taken: int, of: int) -> None:
        _show(f"taken in {taken} of {of}" + ("\n" if taken == of else ""))

    try:
        at = datetime.now(UTC)
        if left := sheets_not_read(file):
            typer.echo(f"not read, for their titles are others: {', '.join(left)}", err=True)
        report = await import_file(
            database,
            file,
            by=by,
            at=at,
            rehearse=rehearse,
            columns=named or None,
            letters=letters,
            listener=listen,
            progress=progress,
        )
    except UnreadableFile as error:
        typer.echo(f"{file.name}: {error}. Nothing was kept.", err=True)
        return 1
    finally:
        written.close()
    for note in noted:
        typer.echo(note, err=True)
    for reason in report.reasons:
        typer.echo(reason, err=True)
    if report.rejected > len(report.reasons):
        typer.echo(f"and {report.rejected - len(report.reasons)} more (--report FILE has all)", err=True)
    kept = "nothing kept: " if rehearse or report.rejected else ""
    typer.echo(kept + report.summary())
    return 1 if report.rejected else 0


def _show(line: str) -> None:
    """One line of progress over the last one, where somebody looks."""
    if sys.stderr.isatty():
        typer.echo(f"\r{line:<40}", err=True, nl=False)


def _column(text: str) -> tuple[str, str]:
    title, equals, field = text.rpartition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not TITLE=FIELD")
    return title.strip(), field.strip()


async def tell_export(database: Transactions, file: Path | None) -> int:
    """Export, and return the exit code."""
    if file is None:
        await database.read(_to_standard_output)
        return 0

    def write(tx: Connection) -> int:
        return write_services(tx, file)

    try:
        count = await database.read(write)
    except (ValueError, OSError) as error:
        typer.echo(f"{file.name}: {error}", err=True)
        return 1
    typer.echo(f"{count} services in {file}")
    return 0


def _to_standard_output(tx: Connection) -> int:
    """Each service as a line, written as it is read: however many there are, few are held in memory."""
    count = 0
    try:
        for line in export_services(tx):
            sys.stdout.write(line + "\n")
            count += 1
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return count
