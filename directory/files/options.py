"""The options of the import and export commands. Light, so that `--help` waits for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

IMPORTED = "HSDS as JSON, lines of JSON or a CSV package, or a flat spreadsheet in CSV or XLSX."
EXPORTED = "By its ending: .json, .ndjson, .zip (HSDS CSV package), .csv or .xlsx."

Rehearse = Annotated[bool, typer.Option("--rehearse", help="Only say what would happen.")]
Column = Annotated[
    list[str] | None, typer.Option(help="TITLE=FIELD: which field a column is (- for none). Kept for the next time.")
]
Letters = Annotated[
    str | None, typer.Option(help="What a CSV is in that is not in UTF-8: windows-1252, windows-1256 and so on.")
]
Report = Annotated[Path | None, typer.Option(help="A CSV file for what became of every row.")]
