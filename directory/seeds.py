"""What ships with the directory: public helplines and emergency numbers, each with its source and its date."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import store
from directory.model import (
    Eligibility,
    Method,
    Organization,
    Phone,
    RecordState,
    Service,
    Translation,
    Verification,
    fixed_id,
)
from directory.opening_hours import week

DATA = Path(__file__).resolve().parent / "data"

#: Who answers for the shipped numbers until an editor of the installation has checked them.
SHIPPED = "Waymark"
TRANSLATED = ("fr", "es", "ar")


@lru_cache(maxsize=1)
def emergency_numbers() -> Mapping[str, str]:
    """Country to the number to dial in danger there."""
    return {row["country"]: row["number"] for row in _rows("emergency_numbers.csv")}


def helplines() -> list[tuple[Organization, Service]]:
    """The shipped helplines as records. Those with a dated source count as checked on that date, not on ours."""
    found = []
    for row in _rows("helplines.csv"):
        organization = Organization(
            id=fixed_id("helpline organization", row["operator"]),
            name=row["operator"],
            description="Runs a public helpline.",
        )
        found.append((organization, _helpline(row, organization.id)))
    return found


def _helpline(row: Mapping[str, str], organization_id: str) -> Service:
    numbers = filter(None, row["numbers"].split("|"))
    languages = tuple(row["languages"].split())
    checked = datetime.fromisoformat(row["source_date"] or row["read_on"]).replace(tzinfo=UTC)
    return Service(
        id=fixed_id("helpline", row["key"]),
        organization_id=organization_id,
        name=row["name_en"],
        summary=row["summary_en"],
        needs=tuple(row["needs"].split()),
        state=RecordState.CURRENT,
        eligibility=Eligibility(maximum_age=int(row["maximum_age"]) if row["maximum_age"] else None),
        countries=tuple(row["countries"].split()),
        hours=week("UTC", row["hours"]) if row["hours"] else None,
        phones=tuple(Phone(number, languages=languages) for number in numbers),
        languages=languages,
        free=True if row["free"] == "yes" else None,
        website=row["website"],
        verification=Verification(checked, SHIPPED, Method.PUBLISHED, row["source"]),
        names=tuple(Translation(code, row[f"name_{code}"]) for code in TRANSLATED),
        summaries=tuple(Translation(code, row[f"summary_{code}"]) for code in TRANSLATED),
    )


def put_helplines(tx: Connection, *, at: datetime) -> int:
    """Bring the shipped helplines up to date. What an editor has checked or retired is left alone.

    Returns how many were new or different, so that starting twice changes nothing.
    """
    shipped = helplines()
    present = {record.id: record for record in store.get_services(tx, [service.id for _, service in shipped])}
    put = 0
    for organization, service in shipped:
        there = present.get(service.id)
        if there is not None and (_taken_over(there) or _content(there) == _content(service)):
            continue
        store.put_organization(tx, organization, at=at)
        store.put_service(tx, service, at=at)
        put += 1
    return put


def _taken_over(record: Service) -> bool:
    untouched = record.verification is not None and record.verification.by == SHIPPED
    return record.state is not RecordState.CURRENT or not untouched


def _content(record: Service) -> Service:
    """The record without what the database adds or puts in another order."""
    return replace(
        record,
        modified_at=None,
        countries=tuple(sorted(record.countries)),
        names=tuple(sorted(record.names, key=str)),
        summaries=tuple(sorted(record.summaries, key=str)),
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
