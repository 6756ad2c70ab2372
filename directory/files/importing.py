"""Taking services in: the one path of every format, of the import and of its rehearsal.

A file is read twice. The first time nothing is written: `Sieve` sorts out what cannot be read or contradicts another
row of the file, `decide` what the records say to it. The second time, and only if no row was rejected, the rows are
taken in a few at a time, each few in a transaction of their own: a message of a child that arrives meanwhile waits for
a few milliseconds and not for the file. What was written is noted, and taken back if the end is never reached.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import store
from directory.calling_codes import lost_its_plus, of_another_country
from directory.files.hsds_json import SafePlaceInFile, parse_record
from directory.files.over import over
from directory.files.schedules import assumed_zone, described, rows_of, scopes, sorted_out
from directory.files.secrecy import may_be_safe, said_to_be_secret
from directory.misplaced import misplacement
from directory.model import Location, NotAllowedNow, Organization, RecordState, Service, WrongRecord, with_stale
from directory.service import (
    change_id,
    may_propose_change,
    may_save_draft,
    propose_change,
    save_draft,
    shared_location_problems,
)
from directory.store import WORLD
from directory.words import Because, because, reason_of

#: So many reasons are kept in the report; the listener hears all.
REASONS_TOLD = 100


class Row(Struct, frozen=True):
    """One service of a file, as full HSDS, and where it stands there; or why it could not be read."""

    where: str
    data: Any = None
    wrong: str = ""
    left_as_words: str = ""  # what was said of the hours, and stands among the words for people
    says: frozenset[str] | None = None  # fields of `spreadsheet.FIELDS` that a sheet has columns for; None: not a sheet


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
    whys: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        return "; ".join(self.whys)


Listener = Callable[[Outcome], object]


class ImportReport(Struct):
    """What became of a file's rows. `listener` hears of each."""

    new: int = 0
    changed: int = 0
    same: int = 0
    rejected: int = 0
    rejections: list[tuple[str, str]] = field(default_factory=list)  # where, and one reason of each row
    listener: Listener | None = None

    def add(self, outcome: Outcome) -> None:
        setattr(self, outcome.became.value, getattr(self, outcome.became.value) + 1)
        if outcome.became is Became.REJECTED and len(self.rejections) < REASONS_TOLD:
            self.rejections += [(outcome.where, why) for why in outcome.whys]
        if self.listener is not None:
            self.listener(outcome)

    @property
    def reasons(self) -> list[str]:
        """Why rows were rejected, in English, a line a row."""
        by_row: dict[str, list[str]] = {}
        for where, why in self.rejections:
            by_row.setdefault(where, []).append(why)
        return [f"{where}: {'; '.join(whys)}" for where, whys in by_row.items()]

    def summary(self) -> str:
        return f"{self.new} new, {self.changed} changed, {self.same} the same, {self.rejected} rejected"


def foreign(record: Service) -> tuple[str, ...]:
    """Which numbers are of another country than the service, or not whole: somebody should look."""
    countries = {*record.countries, *(place.country for place in record.locations)}
    if WORLD in countries:
        return ()
    numbers = record.every_phone
    lost = [phone.number for phone in numbers if lost_its_plus(phone.number, countries)]
    found = ((phone.number, of_another_country(phone.number, countries)) for phone in numbers)
    return (
        *(because("the phone {number} may have lost the + before it", number=number) for number in lost),
        *(
            because("the phone {number} is of another country ({country})", number=number, country=country)
            for number, country in found
            if country
        ),
    )


NO_WEEK = because("a schedule of a month or of every second week is not kept: put it into the record")


def remarks(parsed: Parsed, record: Service) -> tuple[str, ...]:
    """What is taken, and somebody should look at."""
    found = [
        because("its point is the middle of {town}: put it at the door before it is put in force", town=place.city)
        for place in record.locations
        if place.approximate
    ]
    if parsed.row.left_as_words:
        found.append(_left_as_words(parsed.row.left_as_words))
    for _, said, places in scopes(parsed.row.data, parsed.service.locations):
        found += _remarks_on_hours(said, places, parsed.service.countries)
    if parsed.row.says is not None and "hours" in parsed.row.says and record.at_places:
        found.append(because("a sheet has the hours of the service: those of single places stay as they are"))
    return tuple(dict.fromkeys((*foreign(record), *filter(None, [may_be_safe(record)]), *found)))


def _left_as_words(words: str) -> Because:
    return because("'{words}' is kept as words for people: put the days into the record", words=words)


def _remarks_on_hours(said: Any, places: Sequence[Location], countries: Sequence[str]) -> Iterator[Because]:
    """On the schedules of a service, or of a service at one place."""
    left, sorted_rows = described(said, places, countries), sorted_out(rows_of(said))
    if left.words:
        yield _left_as_words(left.words)
    if not (left.week or left.words) and sorted_rows.left:
        yield NO_WEEK
    taken = left.week or sorted_rows.weekly or sorted_rows.seasonal or sorted_rows.single
    if taken and (zone := assumed_zone(said, places, countries)) is not None:
        yield because("the schedules name no time zone: taken as {zone}, where it is", zone=zone)


class Parsed(Struct, frozen=True):
    """A row that could be read."""

    row: Row
    owner: Organization
    service: Service
    refused: tuple[str, ...] = ()  # why it is refused, unless it is known as a safe place


class Sieve:
    """Reads the rows of one file in their order, and remembers of each what a later one could contradict: a number of
    its id, and a digest of each of its locations. Asks no database.
    """

    def __init__(self) -> None:
        self._services: set[int] = set()
        self._locations: dict[int, bytes] = {}

    def sift(self, rows: Iterable[Row]) -> tuple[list[Parsed], list[Outcome]]:
        """Rows that can be taken, and those rejected."""
        good: list[Parsed] = []
        wrong: list[Outcome] = []
        for row in rows:
            try:
                good.append(self._read(row))
            except WrongRecord as error:
                wrong.append(_rejected(row, error.problems))
        return good, wrong

    def _read(self, row: Row) -> Parsed:
        if row.wrong:
            raise WrongRecord([row.wrong])
        refused: list[str] = []
        try:
            owner, service = parse_record(row.data)
        except SafePlaceInFile as error:
            owner, service, refused = error.owner, error.service, error.problems
            if not service.id:
                raise
        number = uuid.UUID(service.id).int
        if number in self._services:
            raise WrongRecord([because("the same id stands on an earlier line")])
        self._services.add(number)
        if not refused and (secret := said_to_be_secret(service)):
            refused = [secret]
        if refused:
            return Parsed(row, owner, service, tuple(refused))
        if misplaced := [why for place in service.locations if (why := misplacement(place))]:
            raise WrongRecord(misplaced)
        digests = {uuid.UUID(place.id).int: _digest(place) for place in service.locations}
        for place in service.locations:
            key = uuid.UUID(place.id).int
            if self._locations.get(key, digests[key]) != digests[key]:
                raise WrongRecord([_other_content(place)])
        self._locations.update(digests)
        return Parsed(row, owner, service)


def _digest(place: Location) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(place), digest_size=12).digest()


def _other_content(place: Location) -> str:
    return because("location {id} is another service's too, with other content", id=place.id)


def _rejected(row: Row, whys: Sequence[str]) -> Outcome:
    name = row.data.get("name", "") if isinstance(row.data, dict) else ""
    return Outcome(row.where, Became.REJECTED, str(name)[:100], tuple(whys))


class How(StrEnum):
    """How a row is kept."""

    ADD = "add"
    DRAFT = "draft"
    PROPOSE = "propose"
    NOT = "not"


class Decision(Struct, frozen=True):
    """What becomes of a row, and the record that is kept of it."""

    outcome: Outcome
    owner: Organization
    record: Service
    how: How


def decide(tx: Connection, rows: Sequence[Parsed]) -> list[Decision]:
    """What the records say to a few hundred rows, with few questions for all of them. Writes nothing."""
    ids = [parsed.service.id for parsed in rows]
    there = {record.id: record for record in store.get_services(tx, ids)}
    pending = store.update_ids(tx, ids, (RecordState.DRAFT, RecordState.IN_REVIEW))
    places = [place.id for parsed in rows if parsed.service.id not in there for place in parsed.service.locations]
    stored = store.get_locations(tx, list(dict.fromkeys(places)))
    return [
        _of_known(tx, parsed, there[parsed.service.id], pending=parsed.service.id in pending)
        if parsed.service.id in there
        else _of_new(parsed, stored)
        for parsed in rows
    ]


def _of_new(parsed: Parsed, stored: Mapping[str, Location]) -> Decision:
    """A record that is new. A location that another has too must say the same of it."""
    row, record = parsed.row, replace(parsed.service, state=RecordState.DRAFT, verification=None)
    if parsed.refused:
        return Decision(_rejected(row, parsed.refused), parsed.owner, record, How.NOT)
    clash = next((place for place in record.locations if stored.get(place.id, place) != place), None)
    if clash is not None:
        return Decision(_rejected(row, [_other_content(clash)]), parsed.owner, record, How.NOT)
    return Decision(Outcome(row.where, Became.NEW, record.name, remarks(parsed, record)), parsed.owner, record, How.ADD)


def _of_known(tx: Connection, parsed: Parsed, before: Service, *, pending: bool) -> Decision:
    """A record whose id is known: the same, a change to a draft, or a change proposed for what is in force."""
    row, service = parsed.row, with_stale(before, over(before, parsed.service, parsed.row.says))
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

    def decided(became: Became, how: How, why: str = "") -> Decision:
        return Decision(Outcome(row.where, became, service.name, tuple(filter(None, [why]))), parsed.owner, kept, how)

    if into := store.merged_into(tx, service.id):
        return decided(Became.SAME, How.NOT, because("it was merged into {id}: change that one", id=into))
    if before.confidential:
        return decided(Became.SAME, How.NOT, because("a safe place is not changed by a file"))
    if parsed.refused:
        return Decision(_rejected(row, parsed.refused), parsed.owner, kept, How.NOT)
    if kept == before and not pending:
        return decided(Became.SAME, How.NOT)
    in_force = before.state is RecordState.CURRENT
    try:
        if in_force:
            if problems := shared_location_problems(tx, kept):
                raise WrongRecord(problems)
            may_propose_change(tx, kept)
        else:
            may_save_draft(tx, kept)
    except (WrongRecord, NotAllowedNow) as error:
        return Decision(
            _rejected(row, error.problems if isinstance(error, WrongRecord) else [reason_of(error)]),
            parsed.owner,
            kept,
            How.NOT,
        )
    outcome = Outcome(row.where, Became.CHANGED, service.name, remarks(parsed, kept))
    return Decision(outcome, parsed.owner, kept, How.PROPOSE if in_force else How.DRAFT)


def take(tx: Connection, import_id: str, decisions: Sequence[Decision], *, by: str, at: datetime) -> None:
    """Write what was decided in this transaction, and note what would have to be taken back."""
    owners = {decided.owner.id: decided.owner for decided in reversed(decisions) if decided.how is not How.NOT}
    known = store.get_organizations(tx, list(owners))
    fresh = [owner for owner_id, owner in owners.items() if owner_id not in known]
    store.add_organizations(tx, fresh, at=at)
    store.add_imported(tx, import_id, [owner.id for owner in fresh], organization=True)
    _add(tx, import_id, [decided.record for decided in decisions if decided.how is How.ADD], by=by, at=at)
    for decided in decisions:
        if decided.how in (How.DRAFT, How.PROPOSE):
            _change(tx, import_id, decided, by=by, at=at)


def _add(tx: Connection, import_id: str, records: Sequence[Service], *, by: str, at: datetime) -> None:
    store.add_services(tx, records, at=at)
    store.add_imported(tx, import_id, [record.id for record in records])
    marks = [(str(uuid.uuid4()), record.id) for record in records]
    store.add_changes(tx, marks, at=at, by=by, act="drafted", why="import")


def _change(tx: Connection, import_id: str, decided: Decision, *, by: str, at: datetime) -> None:
    """Note a draft as it was, or that there was none; then write it."""
    propose = decided.how is How.PROPOSE
    draft_id = change_id(decided.record.id) if propose else decided.record.id
    before = store.get_service(tx, draft_id)
    if before is None:
        store.add_imported(tx, import_id, [draft_id])
    else:
        store.add_overwritten(tx, import_id, {draft_id: before})
    write = propose_change if propose else save_draft
    write(tx, decided.record, by=by, at=at, why="import")
