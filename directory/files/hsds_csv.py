"""The HSDS CSV package: an archive with a table a kind of object and a `datapackage.json` that describes them."""

from __future__ import annotations

import codecs
import csv
import json
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from directory import hsds
from directory.files.hsds_objects import from_its_places
from directory.files.importing import Row
from directory.files.letters import wrong_letters
from directory.files.quoted import LONGEST_CELL, Unread, records
from directory.files.spreadsheet import neutral
from directory.files.unreadable import UnreadableFile
from directory.model import NEEDS
from directory.words import because

Json = dict[str, Any]

#: More than this a package does not unpack to: a hundred thousand services with everything about them take a tenth.
MOST_UNPACKED = 2_000_000_000
PIECE = 64 * 1024
#: So many rows are named that are not in UTF-8.
MOST_WRONG = 1_000

#: The texts of services and organisations, and of their places.
_TRANSLATED = (*hsds.TRANSLATED_FIELDS.values(), "transportation")
#: Table to its columns, as HSDS names them; our own terms come last.
TABLES: Mapping[str, tuple[str, ...]] = {
    "organizations": ("id", "name", "description", "website", "email", "text_language"),
    "services": (
        "id", "organization_id", "name", "description", "url", "email", "status", "interpretation_services",
        "application_process", "fees_description", "eligibility_description", "minimum_age", "maximum_age",
        "assured_date", "alert", "last_modified",
        "papers_needed", "unaccompanied", "accompanied", "siblings_together", "genders", "walk_in", "interpreters",
        "free", "reports_to", "text_language", "pregnant", "disability", "nationalities", "status_required",
        "staff_genders", "closed_from", "closed_until",
    ),
    "locations": (
        "id", "location_type", "name", "description", "transportation", "latitude", "longitude",
    ),
    "addresses": (
        "id", "location_id", "address_1", "city", "state_province", "postal_code", "country", "address_type",
    ),
    "accessibility": ("id", "location_id", "description"),
    "service_at_location": ("id", "service_id", "location_id"),
    "phones": ("id", "service_id", "service_at_location_id", "number", "type", "description"),
    "languages": ("id", "service_id", "phone_id", "code"),
    "schedules": (
        "id", "service_id", "service_at_location_id", "valid_from", "valid_to", "timezone", "freq", "byday",
        "description", "opens_at", "closes_at", "notes", "timezone_name",
    ),
    "service_areas": ("id", "service_id", "name", "extent_type"),
    "required_documents": ("id", "service_id", "document"),
    "cost_options": ("id", "service_id", "option", "amount"),
    "attributes": ("id", "link_id", "taxonomy_term_id", "link_type", "link_entity"),
    "taxonomies": ("id", "name", "description", "version"),
    "taxonomy_terms": ("id", "code", "name", "description", "taxonomy", "language", "taxonomy_id"),
    "translations": (
        "service_id", "organization_id", "location_id", "language",
        *(f"{field}{mark}" for field in _TRANSLATED for mark in ("", "_source", "_stale")),
    ),
}  # fmt: skip

#: Column to the table whose id it holds.
OWNERS = {
    "organization_id": "organizations",
    "service_id": "services",
    "service_at_location_id": "service_at_location",
    "location_id": "locations",
    "phone_id": "phones",
    "taxonomy_id": "taxonomies",
    "taxonomy_term_id": "taxonomy_terms",
    "link_id": "services",
}
NUMBERS = frozenset({"minimum_age", "maximum_age", "latitude", "longitude", "timezone", "amount"})
FLAGS = frozenset(
    {
        "papers_needed",
        "unaccompanied",
        "accompanied",
        "siblings_together",
        "walk_in",
        "interpreters",
        "free",
        "pregnant",
        "disability",
        *(f"{field}_stale" for field in _TRANSLATED),
    }
)
LISTS = frozenset({"genders", "reports_to", "nationalities", "status_required", "staff_genders"})


# --- writing ----------------------------------------------------------------------------------------------------


def datapackage() -> Json:
    """What the tables hold, in the words of Frictionless Data."""
    return {
        "name": "waymark-directory",
        "title": "Services for children on the move (HSDS 3.2)",
        "profile": "tabular-data-package",
        "resources": [
            {
                "name": table,
                "path": f"{table}.csv",
                "profile": "tabular-data-resource",
                "encoding": "utf-8",
                "schema": {
                    "fields": [{"name": column, "type": _type(column)} for column in columns],
                    "missingValues": [""],
                    **({"primaryKey": "id"} if "id" in columns else {}),
                    "foreignKeys": [
                        {"fields": column, "reference": {"resource": OWNERS[column], "fields": "id"}}
                        for column in columns
                        if column in OWNERS
                    ],
                },
            }
            for table, columns in TABLES.items()
        ],
    }


def _type(column: str) -> str:
    if column in NUMBERS:
        return "number"
    return "boolean" if column in FLAGS else "string"


def write_package(path: Path, full_services: Iterable[Json]) -> int:
    """Write the archive. Returns how many services are in it."""
    count = 0
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="package-") as name:
        folder = Path(name)
        tables = _Tables(folder)
        for service in full_services:
            tables.add(service)
            count += 1
        tables.close()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("datapackage.json", json.dumps(datapackage(), indent=1))
            for table in TABLES:
                archive.write(folder / f"{table}.csv", f"{table}.csv")
    return count


class _Tables:
    """The tables as they are written, each object once."""

    def __init__(self, folder: Path) -> None:
        self._files = {t: (folder / f"{t}.csv").open("w", encoding="utf-8", newline="") for t in TABLES}
        self._writers = {table: csv.writer(file) for table, file in self._files.items()}
        for table, columns in TABLES.items():
            self._writers[table].writerow(columns)
        self._written: set[str] = set()
        self._put("taxonomies", hsds.TAXONOMY)
        for need in NEEDS:
            self._put("taxonomy_terms", hsds.taxonomy_term(need))

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def add(self, service: Json) -> None:
        owner = service["organization"]
        if self._once("organizations", owner):
            self._all_of("translations", owner, "organization_id")
        self._put("services", {**service, "organization_id": owner["id"]})
        for link in service.get("service_at_locations", []):
            self._put("service_at_location", link)
            self._all("schedules", link)
            self._phones(link)
            if self._once("locations", link["location"]):
                for child in ("addresses", "accessibility"):
                    self._all(child, link["location"])
                self._all_of("translations", link["location"], "location_id")
        for table in ("schedules", "service_areas", "required_documents", "cost_options", "attributes", "languages"):
            self._all(table, service)
        self._phones(service)
        self._all_of("translations", service, "service_id")

    def _phones(self, holder: Json) -> None:
        for phone in holder.get("phones", []):
            self._put("phones", phone)
            self._all("languages", phone)

    def _all_of(self, table: str, holder: Json, owner: str) -> None:
        for row in holder.get(table, []):
            self._put(table, {**row, owner: holder["id"]})

    def _all(self, table: str, holder: Json) -> None:
        for row in holder.get(table, []):
            self._put(table, row)

    def _once(self, table: str, row: Json) -> bool:
        new = row["id"] not in self._written
        if new:
            self._written.add(row["id"])
            self._put(table, row)
        return new

    def _put(self, table: str, row: Json) -> None:
        self._writers[table].writerow([_cell(row.get(column)) for column in TABLES[table]])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return neutral(" ".join(value) if isinstance(value, list) else str(value))


# --- reading ----------------------------------------------------------------------------------------------------


def rows(path: Path) -> Iterator[Row]:
    """The services of a package, put together from its tables by way of a file on disk. Raises UnreadableFile."""
    with tempfile.TemporaryDirectory(prefix="waymark-package-") as name, _opened(Path(name) / "tables.db") as tables:
        yield from _unpack(path, tables)
        yield from _dangling(tables)
        for line, service_id, text in tables.execute("SELECT line, id, row FROM services ORDER BY line"):
            yield Row(
                because("{file} line {line}", file="services.csv", line=line),
                from_its_places(_put_together(tables, service_id, json.loads(text))),
            )


def _opened(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path))


def _unpack(path: Path, tables: sqlite3.Connection) -> list[Row]:
    """Write the tables of a package to the disk. Returns what of them is not in UTF-8."""
    wrong: list[Row] = []
    tables.execute("PRAGMA synchronous = OFF")
    try:
        with zipfile.ZipFile(path) as archive:
            members = {Path(info.filename).name: info for info in archive.infolist() if info.filename.count("/") < 2}
            if "services.csv" not in members:
                raise UnreadableFile(because("the archive has no services.csv: it is no HSDS package"))
            if sum(info.file_size for info in members.values()) > MOST_UNPACKED:
                raise UnreadableFile(because("the archive unpacks to far more than a directory: it was not read"))
            left = [MOST_UNPACKED]
            for table in TABLES:
                tables.execute(f"CREATE TABLE {table} (line INTEGER, id TEXT, owner TEXT, phone TEXT, row TEXT)")
                if f"{table}.csv" in members:
                    with archive.open(members[f"{table}.csv"]) as file:
                        found = (
                            (line, row.get("id", ""), _owner(table, row), row.get("phone_id", ""), json.dumps(row))
                            for line, row in _read(file, f"{table}.csv", left, wrong)
                        )
                        tables.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", found)  # noqa: S608
                for column in ("id", "owner", "phone"):
                    tables.execute(f"CREATE INDEX {table}_{column} ON {table} ({column})")
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise UnreadableFile(because("the archive is cut off or damaged: send it again")) from error
    except zlib.error as error:
        raise UnreadableFile(because("the archive is cut off or damaged: send it again")) from error
    return wrong


#: Whose a row is that names several: the nearest of them.
_NEAREST = {
    "schedules": ("service_at_location_id", "service_id", "location_id"),
    "phones": ("service_at_location_id", "service_id", "location_id"),
    "translations": ("service_id", "location_id", "organization_id"),
}


def _owner(table: str, row: Mapping[str, str]) -> str:
    if table in _NEAREST:
        return next((row[column] for column in _NEAREST[table] if row.get(column)), "")
    columns = TABLES[table]
    first = next((column for column in columns if column in OWNERS and column != "id"), "id")
    return row.get("service_id" if "service_id" in columns else first, "")


def _read(file: IO[bytes], name: str, left: list[int], wrong: list[Row]) -> Iterator[tuple[int, dict[str, str]]]:
    rows = records(_lines(file, name, left))
    titles = next(rows, (0, []))[1]
    if isinstance(titles, Unread):
        raise UnreadableFile(because("{file}: {why}", file=name, why=titles.why))
    for number, cells in rows:
        if not any(cells) and not isinstance(cells, Unread):
            continue
        why = cells.why if isinstance(cells, Unread) else wrong_letters("; ".join(cells))
        if not why and len(cells) != len(titles):
            why = because("{count} of {all} cells: is the file cut off?", count=len(cells), all=len(titles))
        if why and len(wrong) < MOST_WRONG:
            wrong.append(Row(because("{file} line {line}", file=name, line=number), wrong=why))
        if why and len(cells) != len(titles):
            continue
        readable = [cell.encode(errors="replace").decode() for cell in cells] if why else cells
        yield number, {title: cell for title, cell in zip(titles, readable, strict=True) if cell != ""}


def _lines(file: IO[bytes], name: str, left: list[int]) -> Iterator[str]:
    """Lines of UTF-8, counted against what may be unpacked in all."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="surrogateescape")
    waiting, ended = "", False
    while not ended:
        piece = file.read(PIECE)
        left[0] -= len(piece)
        if left[0] < 0:
            raise UnreadableFile(because("the archive unpacks to far more than a directory: it was not read on"))
        ended = not piece
        waiting += decoder.decode(piece, final=ended)
        if len(waiting) > LONGEST_CELL * 8 and "\n" not in waiting:
            raise UnreadableFile(because("{file} has a line without an end", file=name))
        *lines, waiting = waiting.split("\n")
        for line in lines:
            yield line + "\n"
    if waiting:
        yield waiting


def _dangling(tables: sqlite3.Connection) -> Iterator[Row]:
    """Rows whose owner is in no table: whoever wrote the file lost something."""
    for table, columns in TABLES.items():
        for column in columns:
            owner = OWNERS.get(column)
            if owner is None or owner.startswith("taxonom") or column == "link_id":
                continue
            query = (
                f"SELECT line, json_extract(row, '$.{column}') AS named FROM {table} WHERE named IS NOT NULL"  # noqa: S608
                f" AND NOT EXISTS (SELECT 1 FROM {owner} o WHERE o.id = named) ORDER BY line"
            )
            for line, named in tables.execute(query):
                yield Row(
                    because("{file} line {line}", file=f"{table}.csv", line=line),
                    wrong=because("{field} {id} is not in {file}", field=column, id=named, file=f"{owner}.csv"),
                )


def _put_together(tables: sqlite3.Connection, service_id: str, service: Json) -> Json:
    def of(table: str, owner: str, column: str = "owner") -> list[Json]:
        if not owner:
            return []
        query = f"SELECT row FROM {table} WHERE {column} = ? ORDER BY line LIMIT 600"  # noqa: S608
        return [_typed(json.loads(text)) for (text,) in tables.execute(query, (owner,))]

    def phones_of(owner: str) -> list[Json]:
        return [{**row, "languages": of("languages", row["id"], "phone")} for row in of("phones", owner)]

    whole = _typed(service)
    whole["organization"] = next(iter(of("organizations", service.get("organization_id", ""), "id")), None)
    if whole["organization"] is not None:
        whole["organization"]["translations"] = of("translations", whole["organization"]["id"])
    for table in ("schedules", "service_areas", "required_documents", "cost_options"):
        whole[table] = of(table, service_id)
    whole["attributes"] = of("attributes", service_id)
    whole["languages"] = [row for row in of("languages", service_id) if "phone_id" not in row]
    whole["phones"] = phones_of(service_id)
    whole["translations"] = of("translations", service_id)
    whole["service_at_locations"] = links = of("service_at_location", service_id)
    for link in links:
        link |= {"schedules": of("schedules", link.get("id", "")), "phones": phones_of(link.get("id", ""))}
        place = next(iter(of("locations", link.get("location_id", ""), "id")), None)
        if place is not None:
            for table in ("schedules", "translations"):
                place[table] = of(table, place["id"])
            place["phones"] = phones_of(place["id"])
            place["addresses"] = of("addresses", place["id"])
            place["accessibility"] = of("accessibility", place["id"])
            link["location"] = place
    return whole


def _typed(row: Mapping[str, str]) -> Json:
    """The cells as the JSON they stand for; what is no number stays text, and is refused where it is read."""
    typed: Json = {}
    for column, cell in row.items():
        value = cell[1:] if cell[:1] == "'" and cell[1:2] in tuple("=+-@\t\r") else cell
        if column in NUMBERS:
            typed[column] = _number(value)
        elif column in FLAGS and value in ("true", "false"):
            typed[column] = value == "true"
        elif column in LISTS:
            typed[column] = value.split()
        else:
            typed[column] = value
    return typed


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
