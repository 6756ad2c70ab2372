"""Services in and out of files: HSDS as newline-delimited JSON, a full service on each line.

What comes in lands as an unverified draft, all of it or none. A rehearsal walks the same path and keeps nothing, so
that it cannot promise what the import would not do.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from directory import hsds, store
from directory.model import (
    NEEDS,
    Eligibility,
    Location,
    LocationKind,
    NotAllowedNow,
    Organization,
    Phone,
    Service,
    ServiceStatus,
    Translation,
    WrongRecord,
)
from directory.opening_hours import DAYS, OpeningHours, Shift, minute_of
from directory.service import save_draft, save_organization
from directory.store import Filters

#: A line longer than this is not a service.
LONGEST_LINE = 1_000_000
#: So many reasons are told; the others are counted.
REASONS_TOLD = 100
AT_A_TIME = 200

Json = dict[str, Any]


@dataclass(slots=True)
class ImportReport:
    """What became of each line."""

    new: int = 0
    changed: int = 0
    same: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def reject(self, line: int, why: str) -> None:
        self.rejected += 1
        if len(self.reasons) < REASONS_TOLD:
            self.reasons.append(f"line {line}: {why}")

    def summary(self) -> str:
        return f"{self.new} new, {self.changed} changed, {self.same} the same, {self.rejected} rejected"


def export_services(tx: Connection) -> Iterator[str]:
    """Every published service as a line of JSON. No safe place's address is in any of it."""
    ids = store.published_ids(tx, Filters())
    for start in range(0, len(ids), AT_A_TIME):
        records = store.get_services(tx, ids[start : start + AT_A_TIME])
        owners = store.get_organizations(tx, [record.organization_id for record in records])
        for record in records:
            full = hsds.full_service(record, owners[record.organization_id])
            yield json.dumps(full, ensure_ascii=False, separators=(",", ":"))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file with their numbers, empty ones left out. A line too long is cut, and will not parse."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if not line.endswith("\n") and len(line) == LONGEST_LINE:
                while (rest := file.readline(LONGEST_LINE)) and not rest.endswith("\n"):
                    continue
            if line.strip():
                yield number, line


def import_services(tx: Connection, lines: Iterable[tuple[int, str]], *, by: str, at: datetime) -> ImportReport:
    """Bring services in as drafts. Raises RejectedFile, which undoes everything, if any line is rejected."""
    report = ImportReport()
    seen: set[str] = set()
    for number, line in lines:
        try:
            owner, service = parse_service(line)
            if service.id in seen:
                raise WrongRecord(["the same id stands on an earlier line"])
            seen.add(service.id)
            _put(tx, owner, service, report, by=by, at=at)
        except WrongRecord as error:
            report.reject(number, "; ".join(error.problems))
        except NotAllowedNow as error:
            report.reject(number, str(error))
    if report.rejected:
        raise RejectedFile(report)
    return report


class RejectedFile(Exception):
    """Nothing of the file was kept. `report` says why, line by line."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        super().__init__(report.summary())


def rehearse_import(tx: Connection, lines: Iterable[tuple[int, str]], *, by: str, at: datetime) -> ImportReport:
    """What `import_services` would do. Undoes itself through a savepoint."""
    savepoint = tx.begin_nested()
    try:
        return import_services(tx, lines, by=by, at=at)
    except RejectedFile as error:
        return error.report
    finally:
        savepoint.rollback()


def _put(tx: Connection, owner: Organization, service: Service, report: ImportReport, *, by: str, at: datetime) -> None:
    before = store.get_service(tx, service.id)
    if before is not None:
        unlike = replace(service, state=before.state, verification=before.verification, modified_at=before.modified_at)
        if unlike == before:
            report.same += 1
            return
    if not store.get_organizations(tx, [owner.id]):
        save_organization(tx, owner, at=at)
    save_draft(tx, service, by=by, at=at, why="import")
    if before is None:
        report.new += 1
    else:
        report.changed += 1


# --- a line of JSON as a record ---------------------------------------------------------------------------------


def parse_service(line: str) -> tuple[Organization, Service]:
    """One full HSDS service. Raises WrongRecord naming everything that is wrong with it."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise WrongRecord(["not a line of JSON, or cut off in the middle"]) from None
    if not isinstance(data, dict):
        raise WrongRecord(["not a JSON object"])
    reader = _Reader()
    owner = reader.organization(data)
    service = reader.service(data, owner.id)
    problems = reader.problems + [problem for problem in service.problems() if problem not in reader.problems]
    if problems:
        raise WrongRecord(problems)
    return owner, service


_BAD_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class _Reader:
    """Reads what a stranger wrote, and remembers everything that is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def string(self, data: Json, name: str, *, required: bool = False, longest: int = 4000) -> str:
        value = data.get(name, "")
        if not isinstance(value, str):
            self.problems.append(f"{name} is not a text")
            return ""
        if len(value) > longest:
            self.problems.append(f"{name} is longer than {longest} characters")
            return ""
        if _BAD_CHARACTERS.search(value):
            self.problems.append(f"{name} has control or direction characters in it")
            return ""
        if required and not value.strip():
            self.problems.append(f"{name} is missing")
        return value.strip()

    def number(self, data: Json, name: str) -> float | None:
        value = data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
            self.problems.append(f"{name} is not a number")
            return None
        return float(value)

    def age(self, data: Json, name: str) -> int | None:
        value = self.number(data, name)
        if value is None:
            return None
        if value != int(value) or not 0 <= value <= 120:
            self.problems.append(f"{name} is not an age from 0 to 120")
            return None
        return int(value)

    def identifier(self, data: Json, name: str = "id") -> str:
        try:
            return str(uuid.UUID(self.string(data, name, required=True)))
        except ValueError:
            self.problems.append(f"{name} is not a UUID")
            return ""

    def objects(self, data: Json, name: str) -> list[Json]:
        value = data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or len(value) > 500:
            self.problems.append(f"{name} is not a list of at most 500 objects")
            return []
        return value

    def organization(self, data: Json) -> Organization:
        owner = data.get("organization")
        if not isinstance(owner, dict):
            self.problems.append("the organization is missing")
            return Organization("", "", "")
        return Organization(
            id=self.identifier(owner),
            name=self.string(owner, "name", required=True, longest=300),
            description=self.string(owner, "description"),
            website=self.string(owner, "website", longest=500),
            email=self.string(owner, "email", longest=300),
        )

    def service(self, data: Json, organization_id: str) -> Service:
        return Service(
            id=self.identifier(data),
            organization_id=organization_id,
            name=self.string(data, "name", required=True, longest=300),
            summary=self.string(data, "description"),
            needs=self._needs(data),
            status=self._status(data),
            eligibility=Eligibility(
                minimum_age=self.age(data, "minimum_age"),
                maximum_age=self.age(data, "maximum_age"),
                note=self.string(data, "eligibility_description"),
            ),
            locations=tuple(self._location(link) for link in self.objects(data, "service_at_locations")),
            countries=tuple(sorted({self.string(area, "name", longest=60) for area in self._areas(data)})),
            hours=self._hours(data),
            phones=tuple(
                Phone(
                    self.string(phone, "number", required=True, longest=60),
                    self.string(phone, "type", longest=12) or "voice",
                    tuple(self.string(spoken, "code", longest=12) for spoken in self.objects(phone, "languages")),
                    self.string(phone, "description"),
                )
                for phone in self.objects(data, "phones")
            ),
            languages=tuple(self.string(spoken, "code", longest=12) for spoken in self.objects(data, "languages")),
            free=True if any(option.get("option") == "free" for option in self.objects(data, "cost_options")) else None,
            how_to_apply=self.string(data, "application_process"),
            cost_note=self.string(data, "fees_description"),
            documents=tuple(
                self.string(paper, "document", longest=300) for paper in self.objects(data, "required_documents")
            ),
            website=self.string(data, "url", longest=500),
            email=self.string(data, "email", longest=300),
            alert=self.string(data, "alert"),
            names=self._translated(data, "name"),
            summaries=self._translated(data, "description"),
        )

    def _translated(self, data: Json, name: str) -> tuple[Translation, ...]:
        found = [
            Translation(self.string(row, "language", required=True, longest=12), self.string(row, name))
            for row in self.objects(data, "translations")
        ]
        return tuple(sorted((text for text in found if text.text), key=str))

    def _areas(self, data: Json) -> list[Json]:
        return [area for area in self.objects(data, "service_areas") if len(str(area.get("name", ""))) == 2]

    def _needs(self, data: Json) -> tuple[str, ...]:
        found = []
        for attribute in self.objects(data, "attributes"):
            term = attribute.get("taxonomy_term")
            code = term.get("code") if isinstance(term, dict) else None
            need = code if isinstance(code, str) else hsds.NEED_OF_TERM.get(str(attribute.get("taxonomy_term_id")))
            if need is not None and need in NEEDS:
                found.append(need)
        return tuple(dict.fromkeys(found))

    def _status(self, data: Json) -> ServiceStatus:
        value = self.string(data, "status", longest=40)
        try:
            return ServiceStatus(value)
        except ValueError:
            self.problems.append(f"status {value!r} is none of HSDS's")
            return ServiceStatus.INACTIVE

    def _location(self, link: Json) -> Location:
        place = link.get("location")
        if not isinstance(place, dict):
            self.problems.append("a service_at_location has no location")
            place = {}
        address = next(iter(self.objects(place, "addresses")), {})
        physical = self.string(place, "location_type", longest=20) == "physical"
        return Location(
            id=self.identifier(place),
            kind=LocationKind.PHYSICAL if physical else LocationKind.VIRTUAL,
            name=self.string(place, "name", longest=300),
            country=self.string(address, "country", longest=2),
            city=self.string(address, "city", longest=200),
            region=self.string(address, "state_province", longest=200),
            postal_code=self.string(address, "postal_code", longest=20),
            address=self.string(address, "address_1", longest=500),
            latitude=self.number(place, "latitude"),
            longitude=self.number(place, "longitude"),
            directions=self.string(place, "transportation"),
            step_free=True if self.objects(place, "accessibility") else None,
        )

    def _hours(self, data: Json) -> OpeningHours | None:
        rows = [row for row in self.objects(data, "schedules") if row.get("freq") == "WEEKLY"]
        zones = {self.string(row, "timezone_name", longest=64) for row in rows}
        if not rows:
            return None
        if len(zones) != 1:
            self.problems.append("the schedules are in no time zone, or in more than one (timezone_name)")
            return None
        try:
            shifts = [shift for row in rows for shift in self._shifts(row)]
            return OpeningHours(zones.pop(), tuple(sorted(set(shifts))))
        except ValueError as error:
            self.problems.append(str(error))
            return None

    def _shifts(self, row: Json) -> list[Shift]:
        opens, closes = self.string(row, "opens_at", longest=8), self.string(row, "closes_at", longest=8)
        last = 0 if closes.startswith("23:59") else minute_of(closes[:5])
        days = self.string(row, "byday", longest=30).casefold().split(",")
        if not set(days) <= set(DAYS):
            raise ValueError("byday is a list of MO TU WE TH FR SA SU")
        return [Shift(DAYS.index(day), minute_of(opens[:5]), last) for day in days]
