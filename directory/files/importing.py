"""Taking services in: the one path of every format, of the import and of its rehearsal."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import store
from directory.files.hsds_json import parse_line, parse_record
from directory.geography import distance_m
from directory.model import Location, NotAllowedNow, Organization, RecordState, Service, WrongRecord
from directory.places import Places
from directory.service import propose_change, save_draft, shared_location_problems

#: So many reasons are kept in the report; the listener hears all.
REASONS_TOLD = 100
AT_A_TIME = 200


class Row(Struct, frozen=True):
    """One service of a file, as full HSDS, and where it stands there; or why it could not be read."""

    where: str
    data: Any = None
    wrong: str = ""


class Became(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REJECTED = "rejected"


class Outcome(Struct, frozen=True):
    """What became of one row, and why if it was rejected."""

    where: str
    became: Became
    name: str = ""
    why: str = ""


Listener = Callable[[Outcome], object]


class ImportReport(Struct):
    """What became of a file's rows. `listener` hears of each."""

    new: int = 0
    changed: int = 0
    same: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    listener: Listener | None = None

    def add(self, outcome: Outcome) -> None:
        setattr(self, outcome.became.value, getattr(self, outcome.became.value) + 1)
        if outcome.became is Became.REJECTED and len(self.reasons) < REASONS_TOLD:
            self.reasons.append(f"{outcome.where}: {outcome.why}")
        if self.listener is not None:
            self.listener(outcome)

    def summary(self) -> str:
        return f"{self.new} new, {self.changed} changed, {self.same} the same, {self.rejected} rejected"


class RejectedFile(Exception):
    """Nothing of the file was kept. `report` says why, row by row."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        super().__init__(report.summary())


def import_services(
    tx: Connection, lines: Iterable[tuple[int, str]], *, by: str, at: datetime, listener: Listener | None = None
) -> ImportReport:
    """`import_rows` for numbered lines of JSON."""
    return import_rows(tx, _of_lines(lines), by=by, at=at, listener=listener)


def rehearse_import(
    tx: Connection, lines: Iterable[tuple[int, str]], *, by: str, at: datetime, listener: Listener | None = None
) -> ImportReport:
    """`rehearse_rows` for numbered lines of JSON."""
    return rehearse_rows(tx, _of_lines(lines), by=by, at=at, listener=listener)


def _of_lines(lines: Iterable[tuple[int, str]]) -> Iterator[Row]:
    for number, line in lines:
        try:
            yield Row(f"line {number}", parse_line(line))
        except WrongRecord as error:
            yield Row(f"line {number}", wrong=str(error))


def import_rows(
    tx: Connection, rows: Iterable[Row], *, by: str, at: datetime, listener: Listener | None = None
) -> ImportReport:
    """Bring services in as drafts; what is in force gets a draft of the change. Memory grows by an id a row only.

    Raises RejectedFile, which undoes everything, if any row is rejected.
    """
    taking = _Taking(tx, ImportReport(listener=listener), by, at)
    waiting = iter(rows)
    while portion := list(islice(waiting, AT_A_TIME)):
        taking.take(portion)
    if taking.report.rejected:
        raise RejectedFile(taking.report)
    return taking.report


def rehearse_rows(
    tx: Connection, rows: Iterable[Row], *, by: str, at: datetime, listener: Listener | None = None
) -> ImportReport:
    """What `import_rows` would do. Undoes itself through a savepoint."""
    savepoint = tx.begin_nested()
    try:
        return import_rows(tx, rows, by=by, at=at, listener=listener)
    except RejectedFile as error:
        return error.report
    finally:
        savepoint.rollback()


#: Farther from its own town than this, a service is not in it: the point is wrong, or the town.
FAR_FROM_TOWN_M = 150_000


@lru_cache(maxsize=1)
def _known_towns() -> Places:
    return Places.load()


def misplacement(place: Location) -> str:
    """Why the point cannot be where the town is, when the town is one that we know; empty when nothing speaks so."""
    towns = _known_towns().named(place.city, place.country) if place.city else []
    if not towns or place.latitude is None or place.longitude is None:
        return ""

    def far(latitude: float, longitude: float) -> float:
        return min(distance_m(town.latitude, town.longitude, latitude, longitude) for town in towns)

    away = far(place.latitude, place.longitude)
    if away <= FAR_FROM_TOWN_M:
        return ""
    if -90 <= place.longitude <= 90 and far(place.longitude, place.latitude) <= FAR_FROM_TOWN_M:
        return "latitude and longitude are swapped"
    return f"the point lies {away / 1000:.0f} km from {place.city}: the coordinates or the town are wrong"


class _Taking(Struct):
    """An import under way."""

    tx: Connection
    report: ImportReport
    by: str
    at: datetime
    seen: set[int] = field(default_factory=set)

    def take(self, portion: list[Row]) -> None:
        """A few hundred rows, with few questions to the database for all of them."""
        read = [(row, *record) for row in portion if (record := self._parsed(row)) is not None]
        ids = [service.id for _, _, service in read]
        there = {record.id: record for record in store.get_services(self.tx, ids)}
        drafts = store.update_ids(self.tx, ids, (RecordState.DRAFT, RecordState.IN_REVIEW))
        known = set(store.get_organizations(self.tx, [owner.id for _, owner, _ in read]))
        fresh: list[tuple[Row, Service]] = []
        owners = {owner.id: owner for _, owner, _ in reversed(read) if owner.id not in known}
        store.add_organizations(self.tx, list(owners.values()), at=self.at)
        for row, _owner, service in read:
            if service.id in there:
                self._again(row, service, there[service.id], pending=service.id in drafts)
            else:
                fresh.append((row, service))
        self._add(fresh)

    def _parsed(self, row: Row) -> tuple[Organization, Service] | None:
        try:
            if row.wrong:
                raise WrongRecord([row.wrong])
            owner, service = parse_record(row.data)
            number = uuid.UUID(service.id).int
            if number in self.seen:
                raise WrongRecord(["the same id stands on an earlier line"])
            self.seen.add(number)
            if misplaced := [why for place in service.locations if (why := misplacement(place))]:
                raise WrongRecord(misplaced)
        except WrongRecord as error:
            self._reject(row, "; ".join(error.problems))
            return None
        return owner, service

    def _add(self, fresh: list[tuple[Row, Service]]) -> None:
        """Records that are new, together. A location that another has too must say the same of it."""
        good: list[tuple[Row, Service]] = []
        places: dict[str, object] = {}
        ids = [place.id for _, service in fresh for place in service.locations]
        stored = store.get_locations(self.tx, list(dict.fromkeys(ids)))
        for row, service in fresh:
            clash = next((at for at in service.locations if (places.get(at.id) or stored.get(at.id) or at) != at), None)
            if clash is not None:
                self._reject(row, f"location {clash.id} is another service's too, with other content")
                continue
            places.update({at.id: at for at in service.locations})
            good.append((row, replace(service, state=RecordState.DRAFT, verification=None)))
        store.add_services(self.tx, [service for _, service in good], at=self.at)
        marks = [(str(uuid.uuid4()), service.id) for _, service in good]
        store.add_changes(self.tx, marks, at=self.at, by=self.by, act="drafted", why="import")
        for row, service in good:
            self.report.add(Outcome(row.where, Became.NEW, service.name))

    def _again(self, row: Row, service: Service, before: Service, *, pending: bool) -> None:
        """A record whose id is known: the same, a change to a draft, or a change proposed for what is in force."""
        kept = replace(
            service,
            state=before.state,
            verification=before.verification,
            modified_at=before.modified_at,
            update_of=before.update_of,
            organization_id=before.organization_id,
            demo=before.demo,
            referral=service.referral or before.referral,  # no file that we wrote has it
            capacity=service.capacity or before.capacity,
        )
        if into := store.merged_into(self.tx, service.id):
            why = f"it was merged into {into}: change that one"
            self.report.add(Outcome(row.where, Became.SAME, service.name, why))
            return
        if kept == before and not pending:
            self.report.add(Outcome(row.where, Became.SAME, service.name))
            return
        try:
            if before.state is RecordState.CURRENT:
                if problems := shared_location_problems(self.tx, kept):
                    raise WrongRecord(problems)
                propose_change(self.tx, kept, by=self.by, at=self.at, why="import")
            else:
                save_draft(self.tx, kept, by=self.by, at=self.at, why="import")
        except (WrongRecord, NotAllowedNow) as error:
            self._reject(row, str(error))
            return
        self.report.add(Outcome(row.where, Became.CHANGED, service.name))

    def _reject(self, row: Row, why: str) -> None:
        name = row.data.get("name", "") if isinstance(row.data, dict) else ""
        self.report.add(Outcome(row.where, Became.REJECTED, str(name)[:100], why))
