"""Every published service into a file, in the format that its name ends in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from directory import hsds, store
from directory.files import hsds_csv, sheet_languages, spreadsheet, xlsx
from directory.files.hsds_json import AT_A_TIME, export_services
from directory.model import Organization, Service
from directory.store import Filters

FORMATS = (".json", ".ndjson", ".zip", ".csv", ".xlsx")


def write_services(tx: Connection, path: Path) -> int:
    """Write the file and return how many services are in it. No safe place's address is in any of it.

    `.json` is an array of full HSDS services, `.ndjson` one a line, `.zip` the HSDS CSV package, `.csv` and `.xlsx`
    a row a service. Raises ValueError for another ending.
    """
    match path.suffix.lower():
        case ".json":
            return _write_array(path, export_services(tx))
        case ".ndjson":
            return _write_lines(path, export_services(tx))
        case ".zip":
            return hsds_csv.write_package(path, _full(tx))
        case ".csv":
            return _counted(tx, lambda rows: spreadsheet.write_csv(path, rows))
        case ".xlsx":
            return _counted(tx, lambda rows: xlsx.write_rows(path, rows))
    raise ValueError(f"the name must end in one of {', '.join(FORMATS)}")


def published_records(tx: Connection) -> Iterator[tuple[Service, Organization]]:
    ids = store.published_ids(tx, Filters())
    for start in range(0, len(ids), AT_A_TIME):
        records = store.get_services(tx, ids[start : start + AT_A_TIME])
        owners = store.get_organizations(tx, [record.organization_id for record in records])
        for record in records:
            yield record, owners[record.organization_id]


def _full(tx: Connection) -> Iterator[dict[str, Any]]:
    for record, owner in published_records(tx):
        yield hsds.full_service(record, owner)


def _write_lines(path: Path, lines: Iterator[str]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(line + "\n")
            count += 1
    return count


def _write_array(path: Path, lines: Iterator[str]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for count, line in enumerate(lines, start=1):
            file.write(("\n" if count == 1 else ",\n") + line)
        file.write("\n]\n")
    return count


def _counted(tx: Connection, write: Callable[[Iterator[list[str]]], None]) -> int:
    count = 0

    def rows() -> Iterator[list[str]]:
        nonlocal count
        spoken = sheet_languages.columns_of(tx)
        yield [*spreadsheet.FIELDS, *spoken]
        for record, owner in published_records(tx):
            count += 1
            yield spreadsheet.flat_row(record, owner, spoken)

    write(rows())
    return count
